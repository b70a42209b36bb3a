//! `logs`: the names of all logs.

use std::io::Write;

use clap::Args;
use serde_json::json;

use crate::args::Shared;
use crate::error::Failure;
use crate::{opening, output};

/// Print the names of all logs.
#[derive(Debug, Args)]
pub struct Logs {}

impl Logs {
    /// Prints them, sorted.
    pub fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let mut out = output::stdout();
        for name in opening::logs(shared)?.names()? {
            if shared.json {
                writeln!(out, "{}", json!({ "name": name }))
            } else {
                writeln!(out, "{name}")
            }
            .map_err(|error| Failure::output(&error))?;
        }
        out.flush().map_err(|error| Failure::output(&error))
    }
}
