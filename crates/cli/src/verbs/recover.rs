//! `recover`: salvage of a damaged log.

use clap::Args;
use tidelog::blocking::Logs;

use crate::args::Shared;
use crate::error::Failure;
use crate::{output, progress};

/// Salvage what can be read of a damaged log.
#[derive(Debug, Args)]
pub struct Recover {
    /// The log.
    log: String,
}

impl Recover {
    /// Salvages it.
    pub fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let logs = Logs::open(&shared.dir)?;
        let bar = progress::working("recovering");
        let salvage = logs.recover(&self.log);
        bar.finish_and_clear();
        let _ = salvage?;
        let _ = output::note;
        Ok(())
    }
}
