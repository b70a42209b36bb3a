//! `get`: one record.

use std::io::Write;

use clap::Args;
use tidelog::At;

use crate::args::{Key, Shared, at, time};
use crate::error::Failure;
use crate::record::Form;
use crate::{opening, output};

/// Print one record: by offset, by key (the newest), or by time (the first).
#[derive(Debug, Args)]
pub struct Get {
    /// The log.
    log: String,
    /// The record: an offset, oldest or last.
    #[arg(value_parser = at, required_unless_present_any = ["key", "key_base64", "time"],
          conflicts_with_all = ["key", "key_base64", "time"])]
    offset: Option<At>,
    #[command(flatten)]
    key: Key,
    /// The first record of this time or later: microseconds since 1970, or a date.
    #[arg(long, value_parser = time, allow_negative_numbers = true,
          conflicts_with_all = ["key", "key_base64"])]
    time: Option<i64>,
}

impl Get {
    /// Prints the record.
    pub fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let log = opening::to_read(shared, &self.log)?;
        let entry = match (self.key.bytes(), self.time) {
            (Some(key), _) => log.get_by_key(key)?,
            (None, Some(time)) => log.get_by_time(time)?,
            (None, None) => log.get(self.offset.unwrap_or(At::Last))?,
        };
        let mut out = output::stdout();
        Form::of(shared.json)
            .write(&mut out, &entry.record())
            .and_then(|()| out.flush())
            .map_err(|error| Failure::output(&error))
    }
}
