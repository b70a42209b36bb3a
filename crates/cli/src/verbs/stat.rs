//! `stat`: the bounds and the size of a log, and what opening it took.

use clap::Args;
use serde::Serialize;

use crate::args::Shared;
use crate::counted::{self, Opening};
use crate::creation::{IndexesAnswer, RetentionAnswer, describe_indexes, describe_retention};
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
    /// Deleted or trimmed records whose space maintain has not given back yet.
    deleted: u64,
    indexes: IndexesAnswer,
    retention: RetentionAnswer,
    segments: usize,
    bytes: u64,
    opening: Opening,
}

impl Stat {
    /// Prints them.
    pub fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let (log, opening) = counted::to_read(shared, &self.log)?;
        let (stat, settings) = (log.stat(), log.settings());
        let bounds = stat.bounds;
        let answer = Answer {
            oldest: bounds.oldest,
            last: bounds.last,
            next: bounds.next,
            durable: bounds.durable,
            records: stat.records,
            deleted: stat.deleted,
            indexes: settings.indexes.into(),
            retention: settings.retention.into(),
            segments: stat.segments,
            bytes: stat.bytes,
            opening,
        };
        let last = bounds
            .last
            .map_or_else(|| "none".to_owned(), |last| last.to_string());
        let text = format!(
            "oldest     {}\nlast       {last}\nnext       {}\ndurable    {}\nrecords    {}\n\
             deleted    {}\nsegments   {}\nbytes      {}\nindexes    {}\nretention  {}\n\
             opening    {}",
            bounds.oldest,
            bounds.next,
            bounds.durable,
            stat.records,
            stat.deleted,
            stat.segments,
            stat.bytes,
            describe_indexes(settings.indexes),
            describe_retention(settings.retention),
            answer.opening
        );
        output::say(shared.json, &answer, &text)
    }
}
