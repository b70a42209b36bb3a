//! `retention`: what a log keeps.

use std::fmt;

use clap::Args;
use serde::Serialize;
use tidelog::blocking::Log;
use tidelog::{At, Options, Retention as Kept, TrimTo, Trimmed};

use super::trim::{self, before_now};
use crate::amounts::{self, Limit};
use crate::args::Shared;
use crate::creation::{RetentionAnswer, describe_retention};
use crate::error::Failure;
use crate::{opening, output};

/// Print or change what a log keeps; maintain removes the rest.
///
/// What is not given stays as it is; none takes a limit away.
#[derive(Debug, Args)]
pub struct Retention {
    /// The log.
    log: String,
    /// Keep records this long, such as 30d.
    #[arg(long, value_name = "SPAN", value_parser = amounts::span_or_none)]
    age: Option<Limit>,
    /// Keep this many bytes, such as 1GiB.
    #[arg(long, value_parser = amounts::bytes_or_none)]
    bytes: Option<Limit>,
    /// Keep this many records.
    #[arg(long, value_parser = amounts::number_or_none)]
    records: Option<Limit>,
    /// Change nothing; say what maintain would remove then.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Answer {
    retention: RetentionAnswer,
    /// What maintain would remove, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    removes: Option<trim::Answer>,
    #[serde(skip)]
    text: String,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "keeps {}", self.text)?;
        match &self.removes {
            Some(removes) => write!(f, "; maintain {removes}"),
            None => Ok(()),
        }
    }
}

impl Retention {
    /// Prints or changes it.
    pub fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let changes = [self.age, self.bytes, self.records];
        let only_looks = self.dry_run || changes.iter().all(Option::is_none);
        let log = opening::to_plan(shared, &self.log, only_looks)?;
        let own = log.settings().retention;
        let kept = |given: Option<Limit>, own| given.map_or(own, |Limit(limit)| limit);
        let retention = Kept {
            age: kept(self.age, own.age),
            bytes: kept(self.bytes, own.bytes),
            records: kept(self.records, own.records),
        };
        if !only_looks {
            let options = Options {
                retention: Some(retention),
                ..Options::default()
            };
            log.configure(&options)?;
        }
        let removes = match self.dry_run {
            true => Some(trim::Answer::of(plan(&log, retention)?, true)),
            false => None,
        };
        log.close()?;
        let answer = Answer {
            retention: retention.into(),
            removes,
            text: describe_retention(retention),
        };
        output::say(shared.json, &answer, &answer.to_string())
    }
}

/// What maintain would remove now if the log kept this.
///
/// # Errors
/// Records that have to be looked at cannot be read.
pub fn plan(log: &Log, retention: Kept) -> Result<Trimmed, Failure> {
    let limits = [
        retention.age.map(|age| TrimTo::Time(before_now(age))),
        retention.bytes.map(TrimTo::Bytes),
        retention.records.map(TrimTo::Records),
    ];
    let mut most = log.plan_trim(TrimTo::Before(At::Oldest))?;
    for limit in limits.into_iter().flatten() {
        let planned = log.plan_trim(limit)?;
        if planned.oldest > most.oldest {
            most = planned;
        }
    }
    Ok(most)
}
