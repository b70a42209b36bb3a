//! `index`: the indexes of a log.

use std::fmt;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::args::Shared;
use crate::creation::{Index as Which, IndexesAnswer, describe_indexes, with};
use crate::error::Failure;
use crate::{opening, output, progress};

/// Print the indexes of a log, add some, or drop some.
#[derive(Debug, Args)]
pub struct Index {
    /// The log.
    log: String,
    /// What to do.
    #[arg(value_enum, default_value_t = Deed::Show)]
    deed: Deed,
    /// The indexes to add or drop: keys, times, or keys,times.
    #[arg(value_enum, value_delimiter = ',', value_name = "INDEXES")]
    which: Vec<Which>,
    /// Only say which indexes the log would have.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Deed {
    /// Print which there are.
    Show,
    /// Add what is missing, by reading the log.
    Add,
    /// Drop them.
    Drop,
}

#[derive(Serialize)]
struct Answer {
    dry_run: bool,
    indexes: IndexesAnswer,
    /// Segments that were given an index they lacked.
    indexed: usize,
    #[serde(skip)]
    text: &'static str,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.dry_run {
            true => write!(f, "would have the indexes: {}", self.text),
            false => write!(f, "indexes: {}", self.text),
        }
    }
}

impl Index {
    /// Prints or changes them.
    pub fn run(&self, shared: &Shared) -> Result<(), Failure> {
        match (self.deed, self.which.is_empty()) {
            (Deed::Show, false) => {
                return Err(Failure::usage("show takes no indexes: it prints them all"));
            }
            (Deed::Add | Deed::Drop, true) => {
                return Err(Failure::usage(
                    "say which indexes: keys, times, or keys,times",
                ));
            }
            _ => {}
        }
        let only_looks = self.dry_run || self.deed == Deed::Show;
        let log = opening::to_plan(shared, &self.log, only_looks)?;
        let own = log.settings().indexes;
        let wanted = with(own, &self.which, self.deed == Deed::Add);
        let mut indexed = 0;
        if !only_looks && wanted != own {
            let bar = progress::working("indexing");
            let done = log.reindex(wanted);
            bar.finish_and_clear();
            indexed = done?.indexed;
        }
        log.close()?;
        let answer = Answer {
            dry_run: self.dry_run,
            indexes: wanted.into(),
            indexed,
            text: describe_indexes(wanted),
        };
        output::say(shared.json, &answer, &answer.to_string())
    }
}
