//! `clear`: removal of all records.

use clap::Args;
use tidelog::{At, TrimTo};

use super::trim::Answer;
use crate::args::Shared;
use crate::error::Failure;
use crate::{opening, output};

/// Remove all records, at once. Offsets go on where they were.
#[derive(Debug, Args)]
pub struct Clear {
    /// The log.
    log: String,
    /// Only say what would be removed.
    #[arg(long)]
    dry_run: bool,
}

impl Clear {
    /// Removes them.
    pub fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let log = opening::to_plan(shared, &self.log, self.dry_run)?;
        let trimmed = match self.dry_run {
            true => log.plan_trim(TrimTo::Before(At::Next))?,
            false => log.clear()?,
        };
        log.close()?;
        let answer = Answer::of(trimmed, self.dry_run);
        output::say(shared.json, &answer, &answer.to_string())
    }
}
