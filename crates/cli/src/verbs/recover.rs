//! `recover`: salvage of a damaged log.

use std::fmt;

use clap::Args;
use serde::Serialize;
use tidelog::Salvage;
use tidelog::blocking::Logs;

use crate::args::Shared;
use crate::error::Failure;
use crate::{output, progress};

/// Make a damaged log readable and writable again, with what is left of it.
///
/// Nothing that can still be read is lost, and no offset is given twice. A
/// healthy log stays as it is.
#[derive(Debug, Args)]
pub struct Recover {
    /// The log; without one, the catalog that holds the names of all logs.
    log: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    /// Records that are readable now.
    records: u64,
    lost: Vec<Lost>,
    /// Segments that were rewritten without their damage.
    rewritten: usize,
    /// Why the manifest was rebuilt from the segments, if it was.
    manifest: Option<String>,
}

/// Offsets that are gone.
#[derive(Serialize)]
struct Lost {
    first: u64,
    /// The offset after the last one.
    next: u64,
}

impl From<Salvage> for Answer {
    fn from(salvage: Salvage) -> Self {
        let lost = salvage.lost.iter().map(|damage| Lost {
            first: damage.first,
            next: damage.next,
        });
        Self {
            records: salvage.records,
            lost: lost.collect(),
            rewritten: salvage.rewritten,
            manifest: salvage.manifest.map(|place| place.to_string()),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} records are readable, {} segments were rewritten",
            self.records, self.rewritten
        )?;
        for Lost { first, next } in &self.lost {
            write!(f, "\nlost: offsets {first} up to {next}")?;
        }
        match &self.manifest {
            Some(place) => write!(f, "\nthe manifest was rebuilt: {place}"),
            None => Ok(()),
        }
    }
}

impl Recover {
    /// Salvages it.
    pub fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let logs = Logs::open(&shared.dir)?;
        let bar = progress::working("recovering");
        let salvage = match &self.log {
            Some(log) => logs.recover(log).map_err(Failure::from),
            None => logs.recover_catalog().map_err(Failure::from),
        };
        bar.finish_and_clear();
        let answer = Answer::from(salvage?);
        output::say(shared.json, &answer, &answer.to_string())
    }
}
