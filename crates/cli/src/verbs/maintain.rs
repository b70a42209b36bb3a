//! `maintain`: the work nobody waits for.

use std::fmt;

use clap::Args;
use serde::Serialize;
use tidelog::Maintained;

use super::{retention, trim};
use crate::args::Shared;
use crate::error::Failure;
use crate::{amounts, opening, output, progress};

/// Remove what retention does not keep, give the space of deleted records back, and
/// merge small segments.
#[derive(Debug, Args)]
pub struct Maintain {
    /// The log.
    log: String,
    /// Copy about this many bytes at most, such as 64MiB. Without it, all is done.
    #[arg(long, value_name = "BYTES", value_parser = amounts::bytes)]
    budget: Option<u64>,
    /// Only say which records retention would remove.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Answer {
    /// There is more to do, beyond the budget.
    more: bool,
    /// Records that retention removed.
    trimmed: u64,
    /// Segments that were merged, or rewritten without deleted records.
    merged: usize,
    /// Segments that were given an index they lacked.
    indexed: usize,
    /// Files that were removed.
    removed: usize,
    /// Bytes that were copied.
    copied: u64,
}

impl From<Maintained> for Answer {
    fn from(done: Maintained) -> Self {
        Self {
            more: done.more,
            trimmed: done.trimmed,
            merged: done.merged,
            indexed: done.indexed,
            removed: done.removed,
            copied: done.copied,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "removed {} records and {} files, rewrote {} segments, copied {} bytes",
            self.trimmed, self.removed, self.merged, self.copied
        )?;
        match self.more {
            true => f.write_str("; there is more to do"),
            false => Ok(()),
        }
    }
}

impl Maintain {
    /// Does it.
    pub fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let log = opening::to_plan(shared, &self.log, self.dry_run)?;
        if self.dry_run {
            let planned = retention::plan(&log, log.settings().retention)?;
            let answer = trim::Answer::of(planned, true);
            return output::say(shared.json, &answer, &answer.to_string());
        }
        let bar = progress::working("maintaining");
        let done = log.maintain(self.budget.unwrap_or(u64::MAX));
        bar.finish_and_clear();
        let answer = Answer::from(done?);
        log.close()?;
        output::say(shared.json, &answer, &answer.to_string())
    }
}
