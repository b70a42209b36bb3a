//! `stat`: the bounds and the size of a log, and what opening it took.

use clap::Args;
use serde::Serialize;

use crate::args::Shared;
use crate::counted::{self, Opening};
use crate::error::Failure;
use crate::output;

/// Print the bounds and the size of a log, and what opening it took.
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
    opening: Opening,
}

impl Stat {
    /// Prints them.
    pub fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let (log, opening) = counted::to_read(shared, &self.log)?;
        let stat = log.stat();
        let bounds = stat.bounds;
        let answer = Answer {
            oldest: bounds.oldest,
            last: bounds.last,
            next: bounds.next,
            durable: bounds.durable,
            records: stat.records,
            segments: stat.segments,
            bytes: stat.bytes,
            opening,
        };
        let last = bounds
            .last
            .map_or_else(|| "none".to_owned(), |last| last.to_string());
        let text = format!(
            "oldest    {}\nlast      {last}\nnext      {}\ndurable   {}\nrecords   {}\n\
             segments  {}\nbytes     {}\nopening   {}",
            bounds.oldest,
            bounds.next,
            bounds.durable,
            stat.records,
            stat.segments,
            stat.bytes,
            answer.opening
        );
        output::say(shared.json, &answer, &text)
    }
}
