//! `check`: what is damaged in a log.

use clap::Args;
use serde::Serialize;

use tidelog::{ErrorKind, OpenError, OpenLogError};

use crate::args::Shared;
use crate::error::Failure;
use crate::{opening, output, progress};

const DAMAGED: u8 = 1;
const COULD_NOT_LOOK: u8 = 2;

/// Read everything and report what is damaged.
///
/// Exit codes: 0 healthy, 1 damaged, 2 could not look.
#[derive(Debug, Args)]
pub struct Check {
    /// The log.
    log: String,
}

#[derive(Serialize)]
struct Answer {
    healthy: bool,
    findings: Vec<Finding>,
}

#[derive(Serialize)]
struct Finding {
    /// The first offset that is affected, if it can be told.
    offset: Option<u64>,
    /// The position in the blob, in bytes.
    position: Option<u64>,
    kind: String,
    /// The blob, if one is there at all.
    blob: Option<String>,
}

impl Finding {
    fn of(found: &tidelog::Finding) -> Self {
        Self {
            offset: found.offset,
            position: Some(found.position),
            kind: found.kind.as_str().to_owned(),
            blob: Some(found.blob.to_string()),
        }
    }

    fn line(&self) -> String {
        let mut line = format!("\n{}", self.kind);
        if let Some(blob) = &self.blob {
            line.push_str(&format!(" in {blob}"));
        }
        if let Some(position) = self.position {
            line.push_str(&format!(" at position {position}"));
        }
        if let Some(offset) = self.offset {
            line.push_str(&format!(", from offset {offset} on"));
        }
        line
    }
}

impl Check {
    fn look(&self, shared: &Shared) -> Result<Answer, Failure> {
        let opened = opening::logs(shared)?.log(&self.log).read_only(true).open();
        let findings = match opened {
            Ok(log) => log.check()?.findings.iter().map(Finding::of).collect(),
            Err(OpenLogError::Open {
                source: OpenError::Corrupt(place),
                ..
            }) if place.kind() == ErrorKind::Corrupt => vec![Finding {
                offset: None,
                position: Some(place.position),
                kind: "manifest".to_owned(),
                blob: Some(place.blob.to_string()),
            }],
            Err(error) => return Err(error.into()),
        };
        Ok(Answer {
            healthy: findings.is_empty(),
            findings,
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
            found => format!("damaged: {found} findings"),
        };
        for finding in &answer.findings {
            text.push_str(&finding.line());
        }
        output::say(shared.json, &answer, &text)?;
        if answer.healthy {
            Ok(())
        } else {
            Err(Failure::told(DAMAGED))
        }
    }
}
