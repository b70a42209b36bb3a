//! Owns the native table: which measurements there are and how much each does.

mod append;
mod concurrent;
mod get;
pub mod lookup;
mod producer;
mod read;
mod removal;
mod reopen;

use std::path::PathBuf;

use anyhow::Result;

use crate::report::Report;

/// How much is measured.
#[derive(Clone, Debug)]
pub struct Effort {
    /// Where directories are made.
    pub dir: PathBuf,
    /// Rounds of each comparison.
    pub rounds: usize,
    /// Messages appended as stored.
    pub stored: u64,
    /// Batches appended as synced.
    pub synced: u64,
    /// Records of the logs that are read from and reopened.
    pub records: u64,
}

impl Effort {
    /// What the table of docs/BENCHMARKS.md is made with.
    #[must_use]
    pub fn full(dir: PathBuf) -> Self {
        Self {
            dir,
            rounds: 7,
            stored: 300_000,
            synced: 1_000,
            records: 1_000_000,
        }
    }

    /// Enough to see that it runs.
    #[must_use]
    pub fn quick(dir: PathBuf) -> Self {
        Self {
            rounds: 3,
            stored: 64_000,
            synced: 128,
            records: 64_000,
            ..Self::full(dir)
        }
    }
}

type Measure = fn(&Effort, &mut Report) -> Result<()>;

const ALL: &[(&str, Measure)] = &[
    ("append-stored", append::stored),
    ("append-synced", append::synced),
    ("append-575", append::of_575),
    ("append-rolls", append::rolls),
    ("append-indexed", append::indexed),
    ("append-concurrent", concurrent::one_log),
    ("append-producer", producer::check),
    ("read", read::sequential),
    ("get", get::by_offset),
    ("lookup", lookup::by_key_and_time),
    ("lookup-readers", lookup::concurrently),
    ("delete", removal::scattered),
    ("compact", removal::compaction),
    ("reopen", reopen::operations),
];

/// Measures everything, or only what has `only` in its name.
///
/// # Errors
/// The first failure of any side.
pub fn run(effort: &Effort, only: Option<&str>, report: &mut Report) -> Result<()> {
    for (name, measure) in ALL {
        if only.is_none_or(|only| name.contains(only)) {
            measure(effort, report)?;
        }
    }
    Ok(())
}
