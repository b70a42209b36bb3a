//! The import of a klevdb directory.

use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Instant;

use indicatif::ProgressBar;
use serde::Serialize;

use super::Import;
use crate::args::Shared;
use crate::batch::{Batches, Done, too_large};
use crate::error::Failure;
use crate::klevdb::{Broken, DataFile, Message, Messages, Offsets, data_files};
use crate::rows::Place;
use crate::{opening, output, progress};

/// What an import of a directory has done.
#[derive(Serialize)]
struct Imported {
    #[serde(flatten)]
    done: Done,
    seconds: f64,
    /// Messages left out because they are too large, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<u64>,
    /// What klevdb's offsets became.
    offsets: Offsets,
    /// What ended the import before the end of the directory.
    damage: Option<String>,
}

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { done, seconds, .. } = self;
        write!(f, "{done}, {} bytes, {seconds:.2} s", done.bytes)?;
        if let Some(skipped) = self.skipped {
            write!(f, "; {skipped} messages that are too large left out")?;
        }
        match done.records {
            0 => Ok(()),
            _ => write!(f, "\n{}", self.offsets),
        }
    }
}

/// Messages on their way into the log.
struct Taking<'l> {
    batches: Batches<'l>,
    /// Messages still to leave out.
    to_skip: u64,
    /// Whether messages that are too large are left out.
    skip_bad: bool,
    /// How many were.
    bad: u64,
    /// The offset that the next one gets.
    next: u64,
    /// The lowest offset of klevdb that may come next.
    at_least: u64,
    offsets: Offsets,
}

impl Import {
    /// Appends every message.
    pub(super) fn take_klevdb(
        &self,
        shared: &Shared,
        log: &str,
        path: &Path,
    ) -> Result<(), Failure> {
        let rows_only = [
            (self.key_field.is_some(), "--key-field"),
            (self.time_field.is_some(), "--time-field"),
        ];
        if let Some((_, option)) = rows_only.iter().find(|(given, _)| *given) {
            return Err(Failure::usage(format!(
                "{option} is for rows: klevdb's messages have keys and times"
            )));
        }
        let files = data_files(path)?;
        let start = Instant::now();
        let log = opening::to_append(shared, log, &self.creation)?;
        let level = self.appending.level();
        let mut taking = Taking {
            batches: Batches::new(&log, self.batch, level, self.appending.acks),
            to_skip: self.skip,
            skip_bad: self.skip_bad,
            bad: 0,
            next: log.bounds().next,
            at_least: 0,
            offsets: Offsets::default(),
        };
        let bar = progress::bytes(Some(files.iter().map(|file| file.bytes).sum()));
        let read = files.iter().try_for_each(|file| {
            taking
                .file(file, &bar)
                .map_err(|wrong| wrong.within(&file.path))
        });
        bar.finish_and_clear();
        // What came before damage is whole, and stays.
        let appended = taking.batches.append();
        let closed = log.close().map_err(Failure::from);
        let Taking {
            batches,
            mut offsets,
            bad,
            ..
        } = taking;
        let done = batches.done();
        let rest = format!("import the rest with --skip {}", self.skip + done.records);
        let unfinished = |failure: Failure| failure.and_note(&format!("{done}; {rest}"));
        appended.and(closed).map_err(unfinished)?;
        offsets.end_at(done.next);
        let imported = Imported {
            done,
            seconds: start.elapsed().as_secs_f64(),
            skipped: self.skip_bad.then_some(bad),
            offsets,
            damage: read.as_ref().err().map(ToString::to_string),
        };
        let text = imported.to_string();
        output::conclude(shared.json, self.appending.acks, &imported, &text)?;
        read.map_err(|failure| failure.and_note(&format!("{done}, all that comes before it")))
    }
}

impl Taking<'_> {
    /// Takes the messages of one file.
    fn file(&mut self, file: &DataFile, bar: &ProgressBar) -> Result<(), Failure> {
        let input = File::open(&file.path);
        let input = input.map_err(|error| Failure::io("open", &file.path, &error))?;
        if file.base < self.at_least {
            return Err(Failure::input(
                Place::Byte(0),
                format_args!(
                    "the file before it goes up to offset {}, beyond the one it begins at",
                    self.at_least - 1
                ),
            ));
        }
        let broken = |broken| match broken {
            Broken::Io(error) => Failure::io("read", &file.path, &error),
            Broken::Damaged { position, wrong } => Failure::input(Place::Byte(position), wrong),
        };
        let mut messages = Messages::open(BufReader::new(input), file.base).map_err(broken)?;
        let mut before = 0;
        loop {
            let position = messages.position();
            bar.inc(position - before);
            before = position;
            let Some(message) = messages.next().map_err(broken)? else {
                self.at_least = messages.at_least();
                return Ok(());
            };
            self.message(&message, position)?;
        }
    }

    fn message(&mut self, message: &Message<'_>, position: u64) -> Result<(), Failure> {
        if let Some(wrong) = too_large(message.key, message.value) {
            if !self.skip_bad {
                return Err(Failure::input(Place::Byte(position), wrong)
                    .and_note("leave such messages out with --skip-bad"));
            }
            self.bad += 1;
            let offset = message.offset;
            output::note(&format!(
                "tidelog: left out klevdb's offset {offset}: {wrong}"
            ));
            return Ok(());
        }
        if self.to_skip > 0 {
            self.to_skip -= 1;
            return Ok(());
        }
        self.offsets.add(message.offset, self.next);
        self.next += 1;
        self.batches
            .push(Some(message.time), message.key, message.value)
    }
}
