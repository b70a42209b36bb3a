//! `compact`: removal of records that newer ones have made superfluous.

use std::fmt;

use clap::Args;
use serde::Serialize;
use tidelog::blocking::Log;
use tidelog::{At, Compaction};

use super::trim::before_now;
use crate::args::Shared;
use crate::error::Failure;
use crate::{amounts, opening, output, progress};

/// Records looked at in one step, whose keys are in memory together.
const STEP: u64 = 1 << 20;

/// Delete records that a newer one with the same key has made superfluous, and old
/// tombstones.
///
/// Offsets never change. maintain gives the space back. Each step of a million
/// records is all or nothing; after a failure, give the command again.
#[derive(Debug, Args)]
pub struct Compact {
    /// The log.
    log: String,
    /// Look only at records this old or older, such as 30d, up to the first that is
    /// younger.
    #[arg(long, value_name = "SPAN", value_parser = amounts::span, default_value = "0s")]
    age: u64,
    /// The same for tombstones; twice the age unless given.
    #[arg(long, value_name = "SPAN", value_parser = amounts::span)]
    tombstone_age: Option<u64>,
    /// Take records without a key as having one and the same; else they stay.
    #[arg(long)]
    keyless: bool,
    /// Only say what would be deleted.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Default, Serialize)]
struct Answer {
    dry_run: bool,
    /// Records deleted.
    records: u64,
    /// Tombstones among them that no newer record had made superfluous.
    tombstones: u64,
    /// Bytes that this gives back, about.
    bytes: u64,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = if self.dry_run {
            "would delete"
        } else {
            "deleted"
        };
        write!(
            f,
            "{done} {} records, {} of them tombstones, about {} bytes",
            self.records, self.tombstones, self.bytes
        )
    }
}

impl Compact {
    /// Deletes them.
    pub fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let log = opening::to_plan(shared, &self.log, self.dry_run)?;
        let mut answer = Answer {
            dry_run: self.dry_run,
            ..Answer::default()
        };
        let bar = progress::working("compacting");
        let compacted = self.all_steps(&log, &mut answer);
        bar.finish_and_clear();
        compacted.map_err(|failure| failure.and_note(&answer.to_string()))?;
        log.close()?;
        output::say(shared.json, &answer, &answer.to_string())
    }

    fn all_steps(&self, log: &Log, answer: &mut Answer) -> Result<(), Failure> {
        let tombstone_age = self.tombstone_age.unwrap_or(self.age.saturating_mul(2));
        let mut compaction = Compaction {
            keyless: self.keyless,
            records: STEP,
            ..Compaction::up_to(before_now(self.age), before_now(tombstone_age))
        };
        loop {
            let step = match self.dry_run {
                true => log.plan_compact(compaction)?.1,
                false => log.compact(compaction)?,
            };
            answer.records += step.records;
            answer.tombstones += step.tombstones;
            answer.bytes += step.bytes;
            if !step.more {
                return Ok(());
            }
            compaction.from = At::Offset(step.next);
        }
    }
}
