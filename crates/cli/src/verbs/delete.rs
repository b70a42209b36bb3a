//! `delete`: removal of records by offset.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use clap::Args;
use serde::Serialize;
use tidelog::blocking::Log;

use crate::args::Shared;
use crate::error::Failure;
use crate::rows::{Lines, Place, Source};
use crate::{opening, output};

/// Missing offsets that are told one by one to people.
const MISSING_TOLD: usize = 10;

/// Delete records by offset: all of them at once, or none.
///
/// Offsets without a record are left out and reported. No offset is given again.
/// maintain gives the space back.
#[derive(Debug, Args)]
pub struct Delete {
    /// The log.
    log: String,
    /// Offsets, and ranges FIRST..NEXT of them, which leave out NEXT; - reads such
    /// from the lines of the standard input.
    #[arg(required = true, value_parser = target)]
    offsets: Vec<Target>,
    /// Only say what would be deleted.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    One(u64),
    Run(Range<u64>),
    Lines,
}

fn target(text: &str) -> Result<Target, String> {
    let offset = |text: &str| {
        text.parse()
            .map_err(|_| format!("{text:?} is no offset, no FIRST..NEXT, and not -"))
    };
    match (text, text.split_once("..")) {
        ("-", _) => Ok(Target::Lines),
        (_, Some((first, next))) => Ok(Target::Run(offset(first)?..offset(next)?)),
        _ => Ok(Target::One(offset(text)?)),
    }
}

#[derive(Serialize)]
struct Answer {
    dry_run: bool,
    /// Records deleted.
    records: u64,
    /// Offsets among those given that have no record.
    missing: Vec<u64>,
    /// Bytes that this gives back, about.
    bytes: u64,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { records, bytes, .. } = self;
        match self.dry_run {
            true => write!(f, "would delete {records} records")?,
            false => write!(f, "deleted {records} records")?,
        }
        write!(f, ", about {bytes} bytes")?;
        let mut told = self.missing.iter().take(MISSING_TOLD);
        if let Some(first) = told.next() {
            write!(f, "; without a record: {first}")?;
        }
        told.try_for_each(|offset| write!(f, ", {offset}"))?;
        match self.missing.len().saturating_sub(MISSING_TOLD) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

impl Delete {
    /// Deletes them.
    pub fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let log = opening::to_plan(shared, &self.log, self.dry_run)?;
        let mut offsets = Vec::new();
        for target in &self.offsets {
            gather(target, &log, &mut offsets)?;
        }
        let deleted = match self.dry_run {
            true => log.plan_delete(&offsets)?,
            false => log.delete(&offsets)?,
        };
        log.close()?;
        let answer = Answer {
            dry_run: self.dry_run,
            records: deleted.records,
            missing: deleted.missing,
            bytes: deleted.bytes,
        };
        output::say(shared.json, &answer, &answer.to_string())
    }
}

fn gather(target: &Target, log: &Log, into: &mut Vec<u64>) -> Result<(), Failure> {
    match target {
        Target::One(offset) => into.push(*offset),
        // A range means what there is in it, however long it is.
        Target::Run(range) => {
            let bounds = log.bounds();
            into.extend(range.start.max(bounds.oldest)..range.end.min(bounds.next));
        }
        Target::Lines => {
            let mut lines = Lines::new(Source::open(Path::new("-"))?);
            while let Some((number, line)) = lines.next()? {
                let wrong = |wrong: String| Failure::input(Place::Line(number), wrong);
                let line = String::from_utf8_lossy(line.trim_ascii());
                if let Some(target) = target_of_line(&line).map_err(wrong)? {
                    gather(&target, log, into)?;
                }
            }
        }
    }
    Ok(())
}

/// What a line names: nothing if it is empty.
fn target_of_line(line: &str) -> Result<Option<Target>, String> {
    match line {
        "" => Ok(None),
        "-" => Err("expected an offset or FIRST..NEXT".to_owned()),
        line => target(line).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_and_ranges_are_read() {
        assert_eq!(target("7"), Ok(Target::One(7)));
        assert_eq!(target("3..7"), Ok(Target::Run(3..7)));
        assert_eq!(target("-"), Ok(Target::Lines));
        for text in ["", "-1", "3..", "..7", "3...7", "last"] {
            assert!(target(text).is_err(), "{text:?}");
        }
        assert_eq!(target_of_line(""), Ok(None));
        assert!(target_of_line("-").is_err());
    }
}
