//! `tail`: records as they are appended, by this or another process.

use std::io::Write;
use std::thread;
use std::time::Duration;

use clap::Args;
use tidelog::At;

use crate::args::{Shared, at};
use crate::error::Failure;
use crate::record::Form;
use crate::{opening, output, scan};

/// How long to wait before looking for new records again.
const PAUSE: Duration = Duration::from_millis(200);

/// Print records as they are appended, until interrupted.
#[derive(Debug, Args)]
pub struct Tail {
    /// The log.
    log: String,
    /// Where to begin: oldest, last, next or an offset.
    #[arg(long, default_value = "next", value_parser = at)]
    from: At,
}

impl Tail {
    /// Prints them.
    pub fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let form = Form::of(shared.json);
        let log = opening::to_read(shared, &self.log)?;
        let mut from = self.from;
        let mut out = output::stdout();
        loop {
            let next = scan::forward(&log, from, u64::MAX, &mut |record| {
                form.write(&mut out, record)
                    .map_err(|error| Failure::output(&error))
            })?;
            out.flush().map_err(|error| Failure::output(&error))?;
            from = At::Offset(next);
            thread::sleep(PAUSE);
            log.refresh()?;
        }
    }
}
