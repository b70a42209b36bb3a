//! `cat`: records, oldest or newest first.

use std::io::Write;

use clap::Args;
use tidelog::{At, Record};

use crate::args::{Key, Shared, at};
use crate::error::Failure;
use crate::record::Form;
use crate::{opening, output, scan};

/// Print records.
#[derive(Debug, Args)]
pub struct Cat {
    /// The log.
    log: String,
    /// Where to begin: oldest, last, next or an offset. With --reverse the
    /// newest unless given.
    #[arg(long, value_parser = at)]
    from: Option<At>,
    /// Records at most.
    #[arg(long)]
    max: Option<u64>,
    /// Newest first.
    #[arg(long, conflicts_with_all = ["key", "key_base64"])]
    reverse: bool,
    #[command(flatten)]
    key: Key,
}

impl Cat {
    /// Prints the records.
    pub fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let log = opening::to_read(shared, &self.log)?;
        let form = Form::of(shared.json);
        let mut out = output::stdout();
        let max = self.max.unwrap_or(u64::MAX);
        let mut print = |record: &Record<'_>| {
            form.write(&mut out, record)
                .map_err(|error| Failure::output(&error))
        };
        if let Some(key) = self.key.bytes() {
            let from = self.from.unwrap_or(At::Oldest);
            scan::forward_by_key(&log, key, from, max, &mut print)?;
        } else if self.reverse {
            scan::reverse(&log, self.from.unwrap_or(At::Last), max, &mut print)?;
        } else {
            scan::forward(&log, self.from.unwrap_or(At::Oldest), max, &mut print)?;
        }
        out.flush().map_err(|error| Failure::output(&error))
    }
}
