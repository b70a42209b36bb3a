//! Owns the reference model: what was sent to each log, how far each batch was
//! acknowledged, and which logs a crash may leave of it.

mod backup;
mod compaction;
mod history;
mod lookups;
mod removals;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use tidelog_core::LogId;

pub use backup::Backup;
pub use compaction::superfluous;
pub use history::{BatchId, Fate, History, Produced, Seen, kept};
pub use removals::RemovalId;

/// What every log of a run was sent, and was promised.
#[derive(Clone, Debug, Default)]
pub struct Model {
    logs: BTreeMap<LogId, History>,
    backups: BTreeMap<LogId, Backup>,
    forgiving: bool,
}

impl Model {
    /// The history of `log`; empty if nothing was sent to it.
    pub fn log(&mut self, log: LogId) -> &mut History {
        self.logs.entry(log).or_insert_with(|| {
            let mut history = History::default();
            history.forgive(self.forgiving);
            history
        })
    }

    /// The history of `log`, if anything was sent to it.
    #[must_use]
    pub fn get(&self, log: LogId) -> Option<&History> {
        self.logs.get(&log)
    }

    /// The logs that exist.
    pub fn logs(&self) -> impl Iterator<Item = (LogId, &History)> {
        self.logs.iter().map(|(log, history)| (*log, history))
    }

    /// The backup of `log`; there is none before the first is begun.
    pub fn backup(&mut self, log: LogId) -> &mut Backup {
        self.backups.entry(log).or_default()
    }

    /// The backups there are, or may be, with the logs that they are of.
    pub fn backups(&self) -> impl Iterator<Item = (LogId, &Backup)> {
        self.backups.iter().map(|(log, backup)| (*log, backup))
    }

    /// A model for a disk that lies: a crash may take anything, but invent
    /// nothing.
    #[must_use]
    pub fn forgiving() -> Self {
        Self {
            forgiving: true,
            ..Self::default()
        }
    }

    /// Whether it was made for a disk that lies.
    #[must_use]
    pub const fn is_forgiving(&self) -> bool {
        self.forgiving
    }

    /// How many acknowledged batches a lying disk took: allowed, and counted.
    #[must_use]
    pub fn lost_to_lies(&self) -> u64 {
        self.logs.values().map(History::lost_to_lies).sum()
    }

    /// A hash of all acknowledgements given.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let logs = self
            .logs
            .iter()
            .map(|(log, history)| (log, history.digest()));
        let backups = self.backups.iter();
        let backups = backups.map(|(log, backup)| (log, backup.digest()));
        logs.chain(backups).fold(0, |digest, (log, one)| {
            crate::random::mix(digest ^ log.0).wrapping_add(one)
        })
    }
}
