//! Owns what is chosen when a log is created.

use clap::{Args, ValueEnum};
use serde::Serialize;
use tidelog::blocking::Logs;
use tidelog::{Indexes, LogBuilder, Retention};

use crate::amounts;

/// What a log is created with.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "A log that is created")]
pub struct Creation {
    /// Indexes: keys, times, or keys,times. A log that exists must have the same.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "INDEXES")]
    index: Vec<Index>,
    /// Keep records this long, such as 30d; maintain removes older ones.
    #[arg(long, value_name = "SPAN", value_parser = amounts::span)]
    retain_age: Option<u64>,
    /// Keep this many bytes, such as 1GiB.
    #[arg(long, value_name = "BYTES", value_parser = amounts::bytes)]
    retain_bytes: Option<u64>,
    /// Keep this many records.
    #[arg(long, value_name = "RECORDS")]
    retain_records: Option<u64>,
    /// Bytes after which a segment is rolled, from 4KiB to 1GiB.
    #[arg(long, value_name = "BYTES", value_parser = amounts::bytes)]
    segment_bytes: Option<u64>,
}

/// An index beside the one by offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Index {
    /// By key.
    Keys,
    /// By time.
    Times,
}

impl Creation {
    /// Asks for what was given; the rest stays as the log has it.
    pub fn ask<'a>(&self, mut log: LogBuilder<'a, Logs>) -> LogBuilder<'a, Logs> {
        if !self.index.is_empty() {
            log = log.indexes(with(Indexes::default(), &self.index, true));
        }
        let retention = Retention {
            age: self.retain_age,
            bytes: self.retain_bytes,
            records: self.retain_records,
        };
        if retention != Retention::default() {
            log = log.retention(retention);
        }
        if let Some(bytes) = self.segment_bytes {
            log = log.segment_bytes(bytes);
        }
        log
    }
}

/// The same indexes, but with these kept or not.
pub fn with(mut indexes: Indexes, which: &[Index], kept: bool) -> Indexes {
    for index in which {
        match index {
            Index::Keys => indexes.keys = kept,
            Index::Times => indexes.times = kept,
        }
    }
    indexes
}

/// Indexes, as JSON names them.
#[derive(Serialize)]
pub struct IndexesAnswer {
    keys: bool,
    times: bool,
}

impl From<Indexes> for IndexesAnswer {
    fn from(indexes: Indexes) -> Self {
        Self {
            keys: indexes.keys,
            times: indexes.times,
        }
    }
}

/// Retention, as JSON names it: null where there is no limit.
#[derive(Serialize)]
pub struct RetentionAnswer {
    /// Microseconds.
    age: Option<u64>,
    bytes: Option<u64>,
    records: Option<u64>,
}

impl From<Retention> for RetentionAnswer {
    fn from(retention: Retention) -> Self {
        Self {
            age: retention.age,
            bytes: retention.bytes,
            records: retention.records,
        }
    }
}

/// Indexes in words.
pub fn describe_indexes(indexes: Indexes) -> &'static str {
    match (indexes.keys, indexes.times) {
        (true, true) => "keys,times",
        (true, false) => "keys",
        (false, true) => "times",
        (false, false) => "none",
    }
}

/// Retention in words.
pub fn describe_retention(retention: Retention) -> String {
    let limits = [
        retention.age.map(amounts::describe_span),
        retention.bytes.map(|bytes| format!("{bytes} bytes")),
        retention
            .records
            .map(|records| format!("{records} records")),
    ];
    let limits: Vec<String> = limits.into_iter().flatten().collect();
    match limits.is_empty() {
        true => "everything".to_owned(),
        false => limits.join(", "),
    }
}
