//! `import`: the rows of a file, or the messages of a klevdb directory, as records; or an
//! export, as a new log.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use crate::args::{Appending, Shared, batch};
use crate::batch::{Batches, Done, too_large};
use crate::creation::Creation;
use crate::error::Failure;
use crate::rows::{self, Format, Mapping, Place, Row, Source, TimeRule, TimeUnit, parse_base};
use crate::shape::Shape;
use crate::{opening, output};

mod klevdb;
mod log;

use log::take_log;

/// Bad rows that are told one by one; further ones are only counted.
const BAD_TOLD: u64 = 20;

/// Append the rows of a file or the messages of a klevdb directory, or make a new log of
/// an export.
///
/// The value of a record is its row as compact JSON; a row of CSV becomes an
/// object of strings. After a failure, or a kill, give the same command again
/// with --skip and the number of records acknowledged so far.
///
/// klevdb's messages keep their order, times, keys and values; a key or value
/// without bytes becomes an absent one, as klevdb reads them. Offsets go on where
/// the log is, without klevdb's gaps: the answer says which became which. Of a
/// damaged directory everything before the damage is taken, and the exit code is 7.
/// Let no other program write to the directory meanwhile.
///
/// A file that export wrote with --format tidelog becomes a new log, with the offsets and
/// settings it had. Everything is verified first: a damaged file changes nothing.
#[derive(Debug, Args)]
pub struct Import {
    /// The log, which is created if there is none, and the file or the directory; -
    /// is the standard input.
    #[arg(value_names = ["LOG", "FILE"], num_args = 1..=2, required = true)]
    places: Vec<OsString>,
    /// The log, if only the file is given beside it.
    #[arg(long = "log", value_name = "LOG")]
    log: Option<String>,
    /// How the file is written. By its extension (.ndjson, .jsonl, .csv, .json,
    /// .tidelog) unless given.
    #[arg(long)]
    format: Option<Shape>,
    /// The field whose text becomes the key. Null, and only null, is no key.
    #[arg(long)]
    key_field: Option<String>,
    /// The field that becomes the time: a number, or a date. Null, and an empty
    /// field of CSV, is the time of the append.
    #[arg(long)]
    time_field: Option<String>,
    /// What numbers in the time field count.
    #[arg(long, value_enum, default_value_t)]
    time_unit: TimeUnit,
    /// What numbers in the time field count from: RFC 3339 or YYYY-MM-DD.
    #[arg(long, default_value = "1970-01-01", value_parser = parse_base)]
    time_base: i64,
    /// Records in a batch, which is all or nothing.
    #[arg(long, default_value = "1000", value_parser = batch)]
    batch: usize,
    /// Leave malformed rows out, and say how many.
    #[arg(long)]
    skip_bad: bool,
    /// Leave out this many rows first, not counting malformed ones: those that an
    /// earlier import appended.
    #[arg(long, default_value = "0")]
    skip: u64,
    #[command(flatten)]
    appending: Appending,
    #[command(flatten)]
    creation: Creation,
}

impl Import {
    /// Appends everything.
    pub fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let (log, file) = self.places()?;
        let shape = self.format.or_else(|| Shape::of(&file)).ok_or_else(|| {
            Failure::usage(format!(
                "{} has no extension that names its format; give --format ndjson, csv, json, \
                 klevdb or tidelog",
                file.display()
            ))
        })?;
        match shape {
            Shape::Klevdb => self.take_klevdb(shared, log, &file),
            Shape::Rows(format) => self.take_rows(shared, log, &file, format),
            Shape::Log => take_log(shared, log, &file),
        }
    }

    /// The log and the file, in whichever way they were given.
    fn places(&self) -> Result<(&str, PathBuf), Failure> {
        match (self.places.as_slice(), &self.log) {
            ([file], Some(log)) => Ok((log, file.into())),
            ([log, file], None) => {
                let log = log.to_str().ok_or_else(|| {
                    Failure::usage(format!("{log:?} is not UTF-8, and names of logs are"))
                })?;
                Ok((log, file.into()))
            }
            _ => Err(Failure::usage(
                "give the log and the file, as LOG FILE or as --log LOG FILE",
            )),
        }
    }

    fn take_rows(
        &self,
        shared: &Shared,
        log: &str,
        file: &Path,
        format: Format,
    ) -> Result<(), Failure> {
        let source = Source::open(file)?;
        let start = Instant::now();
        let log = opening::to_append(shared, log, &self.creation)?;
        let mut rows = Rows {
            batches: Batches::new(
                &log,
                self.batch,
                self.appending.level(),
                self.appending.acks,
            ),
            to_skip: self.skip,
            skip_bad: self.skip_bad,
            bad: 0,
        };
        let read = rows::read(format, source, &self.mapping(), &mut |place, row| {
            rows.take(place, row)
        });
        // What came before a bad row is whole, and stays.
        let appended = read.and(rows.batches.append());
        let closed = log.close().map_err(Failure::from);
        let done = rows.batches.done();
        appended.and(closed).map_err(|failure| {
            let rest = self.skip + done.records;
            failure
                .within(file)
                .and_note(&format!("{done}; import the rest with --skip {rest}"))
        })?;
        let imported = Imported {
            done,
            seconds: start.elapsed().as_secs_f64(),
            skipped: self.skip_bad.then_some(rows.bad),
        };
        output::conclude(
            shared.json,
            self.appending.acks,
            &imported,
            &imported.to_string(),
        )
    }

    fn mapping(&self) -> Mapping {
        Mapping {
            key: self.key_field.clone(),
            time: self.time_field.clone(),
            rule: TimeRule {
                unit: self.time_unit,
                base: self.time_base,
            },
        }
    }
}

/// Rows on their way into the log.
struct Rows<'l> {
    batches: Batches<'l>,
    /// Good rows still to leave out.
    to_skip: u64,
    skip_bad: bool,
    /// Malformed rows left out.
    bad: u64,
}

impl Rows<'_> {
    fn take(&mut self, place: Place, row: Result<Row<'_>, String>) -> Result<(), Failure> {
        let fitting = row.and_then(|row| match too_large(row.key, Some(row.value)) {
            Some(wrong) => Err(wrong),
            None => Ok(row),
        });
        match fitting {
            Ok(_) if self.to_skip > 0 => {
                self.to_skip -= 1;
                Ok(())
            }
            Ok(row) => self.batches.push(row.time, row.key, Some(row.value)),
            Err(wrong) if self.skip_bad => {
                self.bad += 1;
                match self.bad {
                    ..=BAD_TOLD => output::note(&format!("tidelog: left out {place}: {wrong}")),
                    _ if self.bad == BAD_TOLD + 1 => {
                        output::note("tidelog: further bad rows are only counted");
                    }
                    _ => {}
                }
                Ok(())
            }
            Err(wrong) => Err(Failure::input(place, wrong)
                .and_note("correct it, or leave such rows out with --skip-bad")),
        }
    }
}

/// What an import has done.
#[derive(Serialize)]
struct Imported {
    #[serde(flatten)]
    done: Done,
    seconds: f64,
    /// Malformed rows left out, if leaving out was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<u64>,
}

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.done.records as f64 / self.seconds.max(f64::MIN_POSITIVE);
        write!(
            f,
            "{}, {} bytes, {:.2} s, {rate:.0} records/s",
            self.done, self.done.bytes, self.seconds
        )?;
        match self.skipped {
            Some(skipped) => write!(f, "; {skipped} malformed rows left out"),
            None => Ok(()),
        }
    }
}
