//! `stat`: the bounds and the size of a log.

use clap::Args;
use serde::Serialize;

use crate::args::Shared;
use crate::error::Failure;
use crate::{opening, output};

/// Print the bounds and the size of a log.
#[derive(Debug, Args)]
pub struct Stat {
    /// The log.
    log: String,
}

#[derive(Serialize)]
struct Answer {
    oldest: u64,
    last: Option<u64>,
    next: u64,
    durable: u64,
    records: u64,
    segments: usize,
    bytes: u64,
}

impl Stat {
    /// Prints them.
    pub fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let stat = opening::to_read(shared, &self.log)?.stat();
        let bounds = stat.bounds;
        let answer = Answer {
            oldest: bounds.oldest,
            last: bounds.last,
            next: bounds.next,
            durable: bounds.durable,
            records: stat.records,
            segments: stat.segments,
            bytes: stat.bytes,
        };
        let last = bounds
            .last
            .map_or_else(|| "none".to_owned(), |last| last.to_string());
        let text = format!(
            "oldest    {}\nlast      {last}\nnext      {}\ndurable   {}\nrecords   {}\n\
             segments  {}\nbytes     {}",
            bounds.oldest, bounds.next, bounds.durable, stat.records, stat.segments, stat.bytes
        );
        output::say(shared.json, &answer, &text)
    }
}
