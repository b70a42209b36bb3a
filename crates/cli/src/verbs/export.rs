//! `export`: all records into a file.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use clap::Args;
use serde::Serialize;
use tidelog::{At, Record};

use crate::args::Shared;
use crate::error::Failure;
use crate::record::write_json;
use crate::rows::Format;
use crate::shape::Shape;
use crate::{opening, output, progress, scan};

/// Write all records, or the log itself, into a file.
///
/// ndjson and json hold the objects that cat prints with --json, which append
/// takes back with --format ndjson. csv has the columns offset, time, key, value,
/// key_base64 and value_base64; it shows absent and empty alike. tidelog is the log
/// itself, with its offsets, settings and producers: import makes an equal one of it,
/// anywhere. It needs the log for writing, since its last segment ends.
#[derive(Debug, Args)]
pub struct Export {
    /// The log.
    log: String,
    /// The file, which must not exist yet; - is the standard output.
    #[arg(default_value = "-")]
    file: PathBuf,
    /// How to write it. By the file's extension unless given, else ndjson.
    #[arg(long)]
    format: Option<Shape>,
}

#[derive(Serialize)]
struct Answer {
    /// The offset that follows the last record.
    next: u64,
    records: u64,
    bytes: u64,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "exported {} records up to offset {}, {} bytes",
            self.records, self.next, self.bytes
        )
    }
}

impl Export {
    /// Writes them.
    pub fn run(&self, shared: &Shared) -> Result<(), Failure> {
        let shape = self.format.or_else(|| Shape::of(&self.file));
        let format = match shape.unwrap_or(Shape::Rows(Format::Ndjson)) {
            Shape::Rows(format) => format,
            Shape::Klevdb => return Err(Failure::usage("an export cannot be one of klevdb")),
            Shape::Log => return self.write_log(shared),
        };
        let log = opening::to_read(shared, &self.log)?;
        let to_stdout = self.file.as_os_str() == "-";
        let failed = |error: io::Error| {
            if to_stdout {
                Failure::output(&error)
            } else {
                Failure::io("write", &self.file, &error)
            }
        };
        let output: Box<dyn Write> = if to_stdout {
            Box::new(output::stdout())
        } else {
            Box::new(BufWriter::with_capacity(64 << 10, create(&self.file)?))
        };
        let mut sheet = Sheet::begin(format, output).map_err(failed)?;
        let bar = progress::records(log.stat().records);
        scan::forward(&log, At::Oldest, u64::MAX, &mut |record| {
            bar.inc(1);
            sheet.write(record).map_err(failed)
        })?;
        bar.finish_and_clear();
        sheet.end().map_err(failed)
    }
}

impl Export {
    fn write_log(&self, shared: &Shared) -> Result<(), Failure> {
        let log = opening::to_change(shared, &self.log)?;
        let to_stdout = self.file.as_os_str() == "-";
        let bar = progress::working("exporting");
        let exported = if to_stdout {
            log.export(output::stdout())
        } else {
            let file = create(&self.file)?;
            let exported = log.export(&file);
            let synced = file.sync_all();
            let failed = |error| Failure::io("write", &self.file, &error);
            if exported.is_err() || synced.is_err() {
                // Half an export is none.
                fs::remove_file(&self.file).map_err(failed)?;
            }
            synced.map_err(failed)?;
            exported
        };
        bar.finish_and_clear();
        let done = exported?;
        log.close()?;
        let answer = Answer {
            next: done.next,
            records: done.records,
            bytes: done.bytes,
        };
        match to_stdout {
            true => Ok(()),
            false => output::say(shared.json, &answer, &answer.to_string()),
        }
    }
}

fn create(path: &Path) -> Result<File, Failure> {
    File::create_new(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::io("write", path, &error)
            .and_note("an export never writes over a file: remove it, or name another"),
        _ => Failure::io("create", path, &error),
    })
}

/// Records on their way into a file.
enum Sheet {
    Ndjson(Box<dyn Write>),
    Json { out: Box<dyn Write>, any: bool },
    Csv(Box<csv::Writer<Box<dyn Write>>>),
}

impl Sheet {
    fn begin(format: Format, mut out: Box<dyn Write>) -> io::Result<Self> {
        Ok(match format {
            Format::Ndjson => Self::Ndjson(out),
            Format::Json => {
                out.write_all(b"[")?;
                Self::Json { out, any: false }
            }
            Format::Csv => {
                let mut csv = csv::Writer::from_writer(out);
                csv.write_record([
                    "offset",
                    "time",
                    "key",
                    "value",
                    "key_base64",
                    "value_base64",
                ])?;
                Self::Csv(Box::new(csv))
            }
        })
    }

    fn write(&mut self, record: &Record<'_>) -> io::Result<()> {
        match self {
            Self::Ndjson(out) => {
                write_json(out, record)?;
                out.write_all(b"\n")
            }
            Self::Json { out, any } => {
                out.write_all(if *any { b",\n" } else { b"\n" })?;
                *any = true;
                write_json(out, record)
            }
            Self::Csv(csv) => {
                let (key, key_base64) = cells(record.key);
                let (value, value_base64) = cells(record.value);
                let (offset, time) = (record.offset.to_string(), record.time.to_string());
                csv.write_record([&offset, &time, key, value, &key_base64, &value_base64])?;
                Ok(())
            }
        }
    }

    fn end(self) -> io::Result<()> {
        match self {
            Self::Ndjson(mut out) => out.flush(),
            Self::Json { mut out, .. } => {
                out.write_all(b"\n]\n")?;
                out.flush()
            }
            Self::Csv(mut csv) => csv.flush(),
        }
    }
}

/// The text of a cell and of its base64 twin, one of which is empty.
fn cells(bytes: Option<&[u8]>) -> (&str, String) {
    let bytes = bytes.unwrap_or_default();
    match str::from_utf8(bytes) {
        Ok(text) => (text, String::new()),
        Err(_) => ("", BASE64_STANDARD.encode(bytes)),
    }
}
