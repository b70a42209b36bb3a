//! `check`: what is damaged in a log.

use std::fmt;

use clap::Args;
use serde::Serialize;

use tidelog::{CheckError, Corruption, ErrorKind, OpenError, OpenLogError};

use crate::args::Shared;
use crate::error::Failure;
use crate::{amounts, opening, output, progress};

const DAMAGED: u8 = 1;
const COULD_NOT_LOOK: u8 = 2;

/// Read everything and report what is damaged.
///
/// Exit codes: 0 healthy, 1 damaged, 2 could not look.
#[derive(Debug, Args)]
pub struct Check {
    /// The log; without one, the catalog that holds the names of all logs.
    log: Option<String>,
    /// Look at about this many bytes at most, such as 1GiB, and say where to go on.
    #[arg(long, value_name = "BYTES", value_parser = amounts::bytes, requires = "log")]
    budget: Option<u64>,
    /// Go on from this offset, as a check with a budget has said.
    #[arg(long, value_name = "OFFSET", default_value = "0", requires = "log")]
    from: u64,
}

#[derive(Serialize)]
struct Answer {
    healthy: bool,
    findings: Vec<Finding>,
    /// The offset from which on there is more to check, if there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

#[derive(Serialize)]
struct Finding {
    /// The first offset that cannot be read because of it, if any.
    offset: Option<u64>,
    /// The first offset behind those, at which reading goes on.
    next: Option<u64>,
    /// The position in the blob, in bytes.
    position: u64,
    blob: String,
    kind: &'static str,
    /// What is wrong there, in words.
    fault: String,
    /// Which number is expected to be another, if that is what is wrong: a checksum, a
    /// length, a count.
    what: Option<&'static str>,
    expected: Option<u64>,
    actual: Option<u64>,
}

impl Finding {
    fn of(found: &tidelog::Finding) -> Self {
        Self {
            offset: found.offsets.map(|(first, _)| first),
            next: found.offsets.map(|(_, next)| next),
            what: found.mismatch.map(|mismatch| mismatch.what),
            expected: found.mismatch.map(|mismatch| mismatch.expected),
            actual: found.mismatch.map(|mismatch| mismatch.actual),
            ..Self::at(found.kind.as_str(), &found.place)
        }
    }

    fn at(kind: &'static str, place: &Corruption) -> Self {
        Self {
            offset: None,
            next: None,
            position: place.position,
            blob: place.blob.to_string(),
            kind,
            fault: place.fault.to_string(),
            what: None,
            expected: None,
            actual: None,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} at position {}: {}",
            self.kind, self.blob, self.position, self.fault
        )?;
        if let (Some(what), Some(expected), Some(actual)) = (self.what, self.expected, self.actual)
        {
            write!(f, "; {what}: {actual} instead of {expected}")?;
        }
        match (self.offset, self.next) {
            (Some(first), Some(next)) => write!(f, "; offsets {first} up to {next} are unreadable"),
            _ => Ok(()),
        }
    }
}

impl Check {
    fn look(&self, shared: &Shared) -> Result<Answer, Failure> {
        let logs = opening::logs(shared)?;
        let mut next = None;
        let report = match &self.log {
            None => logs.check_catalog(),
            Some(name) => match logs.log(name).read_only(true).open() {
                Ok(log) => {
                    let checked = log.check_from(self.from, self.budget.unwrap_or(u64::MAX));
                    checked.map(|checked| {
                        next = checked.more.then_some(checked.next);
                        checked.report
                    })
                }
                Err(OpenLogError::Open { source, .. }) => Err(CheckError::Open(source)),
                Err(error) => return Err(error.into()),
            },
        };
        let findings: Vec<Finding> = match report {
            Ok(report) => report.findings.iter().map(Finding::of).collect(),
            // Too damaged to open is damaged, not out of sight.
            Err(CheckError::Open(OpenError::Corrupt(place)))
                if place.kind() == ErrorKind::Corrupt =>
            {
                vec![Finding::at("manifest", &place)]
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Answer {
            healthy: findings.is_empty(),
            findings,
            next,
        })
    }

    /// Prints what is damaged.
    pub fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let bar = progress::working("checking");
        let looked = self.look(shared);
        bar.finish_and_clear();
        let answer = looked.map_err(|failure| failure.ending_with(COULD_NOT_LOOK))?;
        let mut text = match answer.findings.len() {
            0 => "healthy".to_owned(),
            1 => "damaged, 1 finding:".to_owned(),
            found => format!("damaged, {found} findings:"),
        };
        for finding in &answer.findings {
            text.push_str(&format!("\n{finding}"));
        }
        if let Some(next) = answer.next {
            text.push_str(&format!("\nthere is more: go on with --from {next}"));
        }
        output::say(shared.json, &answer, &text)?;
        if answer.healthy {
            Ok(())
        } else {
            Err(Failure::told(DAMAGED))
        }
    }
}
