//! `trim`: removal of records from the old end.

use std::fmt;

use clap::Args;
use serde::Serialize;
use tidelog::{At, Host, SystemHost, TrimTo, Trimmed};

use crate::args::{Shared, at, time};
use crate::error::Failure;
use crate::{amounts, opening, output};

/// Remove records from the old end.
#[derive(Debug, Args)]
pub struct Trim {
    /// The log.
    log: String,
    #[command(flatten)]
    to: To,
    /// Only say what would be removed.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct To {
    /// Remove records before this place: an offset, last, or next, which leaves none.
    #[arg(long, value_name = "AT", value_parser = at)]
    before: Option<At>,
    /// Keep this many of the newest records.
    #[arg(long, value_name = "RECORDS")]
    records: Option<u64>,
    /// Keep at most this many bytes, such as 64MiB.
    #[arg(long, value_parser = amounts::bytes)]
    bytes: Option<u64>,
    /// Remove records this old or older, such as 30d, up to the first that is younger.
    #[arg(long, value_name = "SPAN", value_parser = amounts::span)]
    age: Option<u64>,
    /// Remove records of this time or earlier, up to the first that is later:
    /// microseconds since 1970, or a date.
    #[arg(long, value_parser = time, allow_negative_numbers = true)]
    time: Option<i64>,
}

impl To {
    /// Where to, as the log takes it.
    fn place(&self) -> TrimTo {
        let aged = self.age.map(before_now);
        let limits = [
            self.before.map(TrimTo::Before),
            self.records.map(TrimTo::Records),
            self.bytes.map(TrimTo::Bytes),
            aged.or(self.time).map(TrimTo::Time),
        ];
        // Exactly one is given; without any, nothing goes.
        let given = limits.into_iter().flatten().next();
        given.unwrap_or(TrimTo::Before(At::Oldest))
    }
}

/// The time that is `age` microseconds ago.
pub fn before_now(age: u64) -> i64 {
    SystemHost.now().saturating_sub_unsigned(age)
}

/// What a trim came to, or would.
#[derive(Serialize)]
pub struct Answer {
    dry_run: bool,
    /// The lowest readable offset afterwards.
    oldest: u64,
    /// Records removed.
    records: u64,
    /// Bytes that this gives back, about.
    bytes: u64,
}

impl Answer {
    pub fn of(trimmed: Trimmed, dry_run: bool) -> Self {
        Self {
            dry_run,
            oldest: trimmed.oldest,
            records: trimmed.records,
            bytes: trimmed.bytes,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = if self.dry_run {
            "would remove"
        } else {
            "removed"
        };
        write!(
            f,
            "{done} {} records, about {} bytes; the log begins at offset {}",
            self.records, self.bytes, self.oldest
        )
    }
}

impl Trim {
    /// Removes them.
    pub fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let log = opening::to_plan(shared, &self.log, self.dry_run)?;
        let trimmed = match self.dry_run {
            true => log.plan_trim(self.to.place())?,
            false => log.trim(self.to.place())?,
        };
        log.close()?;
        let answer = Answer::of(trimmed, self.dry_run);
        output::say(shared.json, &answer, &answer.to_string())
    }
}
