//! `get`: one record.

use std::io::Write;

use clap::Args;
use tidelog::At;

use crate::args::{Shared, at};
use crate::error::Failure;
use crate::record::Form;
use crate::{opening, output};

/// Print one record.
#[derive(Debug, Args)]
pub struct Get {
    /// The log.
    log: String,
    /// The record: an offset, oldest or last.
    #[arg(value_parser = at)]
    offset: At,
}

impl Get {
    /// Prints the record.
    pub fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let entry = opening::to_read(shared, &self.log)?.get(self.offset)?;
        let mut out = output::stdout();
        Form::of(shared.json)
            .write(&mut out, &entry.record())
            .and_then(|()| out.flush())
            .map_err(|error| Failure::output(&error))
    }
}
