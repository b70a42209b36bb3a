//! Owns what the simulator asks of a log engine, so that it can judge tidelog
//! and, as a control, engines that are broken on purpose.

mod catalog;
mod log;
mod lookups;

use std::fmt;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use tidelog_core::{
    AppendOptions, BlockStore, ErrorKind, Indexes, LogId, MemoryStore, Options, TrimTo,
};

use crate::generate::GeneratedBatch;
use crate::model::Seen;
use crate::sim::{SimHost, SimStore};

pub use catalog::CatalogEngine;
pub use log::LogEngine;

/// An acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// The offset of the batch's first record.
    pub first: u64,
    /// The offset behind its last record.
    pub next: u64,
    /// It was there already.
    pub duplicate: bool,
    /// Whether the offsets are those of the original; only a duplicate that left
    /// the producer's window has none.
    pub offsets_known: bool,
}

/// An error of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What to do about it.
    pub kind: ErrorKind,
    /// How the engine put it.
    pub sentence: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.sentence, self.kind)
    }
}

impl std::error::Error for Refusal {}

/// A refusal, as an error of the engine puts it.
pub(crate) fn refusal(kind: ErrorKind, error: &impl fmt::Display) -> Refusal {
    Refusal {
        kind,
        sentence: error.to_string(),
    }
}

/// The store through which an engine sees the disk of a simulated process.
pub trait Medium: BlockStore + Clone + 'static {
    /// The one that a process has; in another place if the process
    /// [looks elsewhere](SimStore::is_elsewhere).
    ///
    /// # Errors
    /// As that store refuses to be opened.
    fn of(process: SimStore) -> Result<Self, Refusal>;
}

impl Medium for SimStore {
    fn of(process: SimStore) -> Result<Self, Refusal> {
        Ok(process)
    }
}

/// The memory that stands for the disk of the machine.
impl Medium for Rc<MemoryStore> {
    fn of(process: SimStore) -> Result<Self, Refusal> {
        let memory = process.machine().setup().memory.clone();
        let places = memory.ok_or_else(|| {
            let sentence = "this machine has no memory that stands for its disk";
            refusal(ErrorKind::Unsupported, &sentence)
        })?;
        Ok(Self::clone(&places[usize::from(process.is_elsewhere())]))
    }
}

/// What is to be removed from a log.
#[derive(Clone, Copy, Debug)]
pub enum Removing<'a> {
    /// The records with these offsets.
    Deleted(&'a [u64]),
    /// What lies before this.
    Trimmed(TrimTo),
    /// All there are.
    Cleared,
    /// What newer records make superfluous: updates up to the first time, and tombstones
    /// up to the second.
    Compacted(i64, i64),
}

/// What removing came to, or would come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Records removed.
    pub records: u64,
    /// The lowest readable offset afterwards, if it was a trim.
    pub oldest: Option<u64>,
}

/// An open log of some engine. Its handles may be used at the same time.
pub trait Engine: Sized {
    /// Whether opening writes nothing.
    const OPENS_LAZILY: bool = true;

    /// Opens `log`, which is created if nothing of it exists.
    fn open(
        store: SimStore,
        log: LogId,
        options: Options,
        host: Arc<SimHost>,
    ) -> impl Future<Output = Result<Self, Refusal>>;

    /// Appends a batch.
    fn append(
        &self,
        batch: &GeneratedBatch,
        options: AppendOptions,
    ) -> impl Future<Output = Result<Ack, Refusal>>;

    /// Hands to the store what is buffered; the next offset not stored yet.
    fn flush(&self) -> impl Future<Output = Result<u64, Refusal>>;

    /// Makes everything durable; the next offset not durable yet.
    fn sync(&self) -> impl Future<Output = Result<u64, Refusal>>;

    /// Housekeeping; whether there is more to do.
    fn maintain(&self) -> impl Future<Output = Result<bool, Refusal>>;

    /// Makes these the indexes of the log.
    fn reindex(&self, _indexes: Indexes) -> impl Future<Output = Result<(), Refusal>> {
        std::future::ready(Ok(()))
    }

    /// Whether it can remove records.
    const REMOVES: bool = false;

    /// Removes records, all of them or none.
    fn remove(&self, _what: Removing<'_>) -> impl Future<Output = Result<Removed, Refusal>> {
        std::future::ready(Ok(Removed::default()))
    }

    /// What removing would come to. Changes nothing.
    fn plan(&self, _what: Removing<'_>) -> impl Future<Output = Result<Removed, Refusal>> {
        std::future::ready(Ok(Removed::default()))
    }

    /// Makes these settings the log's own.
    fn configure(&self, _options: &Options) -> impl Future<Output = Result<(), Refusal>> {
        std::future::ready(Ok(()))
    }

    /// Whether it can make backups.
    const BACKS_UP: bool = false;

    /// Brings the backup of the log [elsewhere](crate::sim::ELSEWHERE) on the machine up
    /// to date; the offset up to which it reaches.
    fn back_up(&self) -> impl Future<Output = Result<u64, Refusal>> {
        std::future::ready(Ok(0))
    }

    /// Every record this handle can see.
    fn seen(&self) -> impl Future<Output = Result<Vec<Seen>, Refusal>>;

    /// Every record that readers beside the writer can see.
    fn published(&self) -> impl Future<Output = Result<Vec<Seen>, Refusal>>;

    /// Reads `seen` again by every other way there is: one by one, backwards,
    /// following.
    fn read_otherwise(&self, _seen: &[Seen]) -> impl Future<Output = Result<(), Refusal>> {
        std::future::ready(Ok(()))
    }

    /// Whether the log finds records by time.
    fn is_timed(&self) -> bool {
        false
    }

    /// Looks for records by their index times, of which each is given with its offset.
    fn find_times(&self, _times: &[(u64, i64)]) -> impl Future<Output = Result<(), Refusal>> {
        std::future::ready(Ok(()))
    }

    /// Waits until readers can see something from `next` on, and reads it.
    fn follow(&self, _next: u64) -> impl Future<Output = Result<Vec<Seen>, Refusal>> {
        std::future::ready(Ok(Vec::new()))
    }

    /// The offset below which the engine holds everything to be durable.
    fn durable(&self) -> u64;

    /// Whether opening the log found damage, and said so.
    fn reports_damage(&self) -> bool;

    /// Closes the log.
    fn close(&self) -> impl Future<Output = Result<(), Refusal>>;
}
