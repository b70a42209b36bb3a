//! `backup`: a copy of a log in another directory, made anew or brought up to date.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use tidelog::BackedUp;
use tidelog::blocking::Logs;

use crate::args::Shared;
use crate::error::Failure;
use crate::{opening, output, progress};

/// Back a log up into another directory.
///
/// Given again, it copies only what is new. The backup is a log like any other: read
/// it, check it, or copy its directory back. Several logs of one directory may be
/// backed up into one other directory. It needs the log for writing, since its last
/// segment ends: a process that writes makes its own backups. If the log is damaged, the damage is copied
/// with the rest, and the exit code is 6.
#[derive(Debug, Args)]
pub struct Backup {
    /// The log.
    log: String,
    /// The directory of the backup, which is created if there is none.
    dest: PathBuf,
    /// The name of the log there. The same unless given.
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    /// The offset that follows the last record in the backup.
    next: u64,
    /// Segments that the backup consists of.
    segments: usize,
    /// Files that were copied, and their bytes.
    copied: usize,
    bytes: u64,
    /// Files that were there already.
    kept: usize,
    /// Files that the backup does not need any more.
    removed: usize,
    /// Damaged places that were copied as they are.
    damaged: usize,
}

impl From<BackedUp> for Answer {
    fn from(done: BackedUp) -> Self {
        Self {
            next: done.next,
            segments: done.segments,
            copied: done.copied,
            bytes: done.copied_bytes,
            kept: done.kept,
            removed: done.removed,
            damaged: done.damage.len(),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "backed up to offset {}: copied {} files, {} bytes; {} were there, {} were removed",
            self.next, self.copied, self.bytes, self.kept, self.removed
        )?;
        match self.damaged {
            0 => Ok(()),
            places => write!(
                f,
                "\nthe log is damaged in {places} places, and so is the backup: check lists them"
            ),
        }
    }
}

const DAMAGED: u8 = 6;

impl Backup {
    /// Makes it.
    pub fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let log = opening::to_change(shared, &self.log)?;
        let dest = Logs::create(&self.dest)?;
        let name = self.name.as_deref().unwrap_or(&self.log);
        let bar = progress::working("backing up");
        let done = dest.back_up(name, &log);
        bar.finish_and_clear();
        let answer = Answer::from(done?);
        log.close()?;
        output::say(shared.json, &answer, &answer.to_string())?;
        match answer.damaged {
            0 => Ok(()),
            _ => Err(Failure::told(DAMAGED)),
        }
    }
}
