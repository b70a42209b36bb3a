//! Making a new log of an export.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::Serialize;
use tidelog::blocking::Logs;

use crate::args::Shared;
use crate::error::Failure;
use crate::{output, progress};

#[derive(Serialize)]
struct Answer {
    /// The offset that follows the last record.
    next: u64,
    records: u64,
    segments: usize,
    bytes: u64,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "imported {} records up to offset {}, {} bytes in {} segments",
            self.records, self.next, self.bytes, self.segments
        )
    }
}

/// Makes the log `name` of the export in `file`.
pub(super) fn take_log(shared: &Shared, name: &str, file: &Path) -> Result<(), Failure> {
    let reader: Box<dyn Read> = if file.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        let open = File::open(file);
        Box::new(open.map_err(|error| Failure::io("open", file, &error))?)
    };
    let logs = Logs::create(&shared.dir)?;
    let bar = progress::working("importing");
    let done = logs.import(name, reader);
    bar.finish_and_clear();
    let done = done?;
    let answer = Answer {
        next: done.next,
        records: done.records,
        segments: done.segments,
        bytes: done.bytes,
    };
    output::say(shared.json, &answer, &answer.to_string())
}
