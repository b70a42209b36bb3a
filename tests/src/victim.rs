//! `tidelog-victim DIRECTORY [--epoch-files]`: a process that does to one log what
//! it is told, made to be killed, stopped and lied to by the kernel. Owns no
//! judgement: whoever drives it compares its answers with what is left.
//!
//! It reads one command a line, a JSON object with the field `do`, and answers each
//! with one line: an object of facts, or `{"error": kind, "said": sentence}`. After
//! an error it goes on, and it ends with its input.

use std::env;
use std::error::Error;
use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tidelog::blocking::{Log, Logs};
use tidelog::{
    At, Durability, ErrorKind, FileOptions, FileStore, Locks, NewRecord, ReadLimits, SystemHost,
    TrimTo,
};
use tidelog_testkit::block_on::block_on;

/// The one log it works on.
const NAME: &str = "victim";

/// Bytes that one `maintain` may copy.
const BUDGET: u64 = 1 << 20;

/// What it can be told to do.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
enum Command {
    /// Opens the log for writing, and creates what is missing.
    Open { segment_bytes: u64 },
    /// Appends one batch.
    Append { level: Level, values: Vec<String> },
    /// Hands buffered records to the store.
    Flush,
    /// Makes everything durable.
    Sync,
    /// Does some maintenance.
    Maintain,
    /// Deletes records.
    Delete { offsets: Vec<u64> },
    /// Removes every record below an offset.
    Trim { before: u64 },
    /// Reads every record, and counts.
    Read,
    /// Closes the log properly.
    Close,
    /// Lets go of the log without closing it.
    Abandon,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Level {
    Buffered,
    Stored,
    Synced,
}

impl From<Level> for Durability {
    fn from(level: Level) -> Self {
        match level {
            Level::Buffered => Self::Buffered,
            Level::Stored => Self::Stored,
            Level::Synced => Self::Synced,
        }
    }
}

/// An error as it is answered.
struct Refusal {
    kind: ErrorKind,
    said: String,
}

impl Refusal {
    fn of(kind: ErrorKind, error: &dyn Error) -> Self {
        let mut said = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            said.push_str(": ");
            said.push_str(&error.to_string());
            source = error.source();
        }
        Self { kind, said }
    }

    fn not_open() -> Self {
        Self {
            kind: ErrorKind::Closed,
            said: "the log is not open: tell it to open first".to_owned(),
        }
    }
}

struct Victim {
    directory: PathBuf,
    locks: Locks,
    log: Option<Log>,
}

impl Victim {
    fn obey(&mut self, command: Command) -> Result<Value, Refusal> {
        match command {
            Command::Open { segment_bytes } => self.open(segment_bytes),
            Command::Append { level, values } => self.append(level, &values),
            Command::Flush => {
                let flushed = self.log()?.flush();
                let next = flushed.map_err(|error| Refusal::of(error.kind(), &error))?;
                Ok(json!({ "next": next }))
            }
            Command::Sync => {
                let synced = self.log()?.sync();
                let next = synced.map_err(|error| Refusal::of(error.kind(), &error))?;
                Ok(json!({ "next": next }))
            }
            Command::Maintain => {
                let maintained = self.log()?.maintain(BUDGET);
                let done = maintained.map_err(|error| Refusal::of(error.kind(), &error))?;
                Ok(json!({ "merged": done.merged, "removed": done.removed }))
            }
            Command::Delete { offsets } => {
                let deleted = block_on(self.log()?.as_async().delete(&offsets));
                let done = deleted.map_err(|error| Refusal::of(error.kind(), &error))?;
                Ok(json!({ "records": done.records }))
            }
            Command::Trim { before } => {
                let to = TrimTo::Before(At::Offset(before));
                let trimmed = block_on(self.log()?.as_async().trim(to));
                let done = trimmed.map_err(|error| Refusal::of(error.kind(), &error))?;
                Ok(json!({ "oldest": done.oldest }))
            }
            Command::Read => self.read(),
            Command::Close => {
                let log = self.log.take().ok_or_else(Refusal::not_open)?;
                let next = log.bounds().next;
                let closed = log.close();
                closed.map_err(|error| Refusal::of(error.kind(), &error))?;
                Ok(json!({ "next": next }))
            }
            Command::Abandon => {
                self.log = None;
                Ok(json!({}))
            }
        }
    }

    fn open(&mut self, segment_bytes: u64) -> Result<Value, Refusal> {
        self.log = None;
        let options = FileOptions {
            create_if_missing: true,
            locks: self.locks,
            ..FileOptions::default()
        };
        let store = FileStore::open_with(&self.directory, options)
            .map_err(|error| Refusal::of(error.kind(), &error))?;
        let logs = Logs::over(store, Arc::new(SystemHost));
        let opening = logs.log(NAME).create(true).segment_bytes(segment_bytes);
        let log = opening
            .open()
            .map_err(|error| Refusal::of(error.kind(), &error))?;
        let bounds = log.bounds();
        let epoch = log.recovery().epoch;
        self.log = Some(log);
        Ok(json!({ "next": bounds.next, "durable": bounds.durable, "epoch": epoch }))
    }

    fn append(&self, level: Level, values: &[String]) -> Result<Value, Refusal> {
        let log = self.log()?;
        let records: Vec<NewRecord<'_>> = values
            .iter()
            .map(|value| NewRecord {
                time: None,
                key: None,
                value: Some(value.as_bytes()),
                headers: &[],
            })
            .collect();
        let appended = log
            .append(&records, Durability::from(level).into())
            .map_err(|error| Refusal::of(error.kind(), &error))?;
        Ok(json!({ "first": appended.first, "next": appended.next }))
    }

    fn read(&self) -> Result<Value, Refusal> {
        let log = self.log()?;
        let mut at = At::Oldest;
        let mut records = 0;
        loop {
            let batch = log
                .read(at, ReadLimits::default())
                .map_err(|error| Refusal::of(error.kind(), &error))?;
            let found = batch.records().count();
            if found == 0 {
                return Ok(json!({ "next": batch.next(), "records": records }));
            }
            records += found;
            at = At::Offset(batch.next());
        }
    }

    fn log(&self) -> Result<&Log, Refusal> {
        self.log.as_ref().ok_or_else(Refusal::not_open)
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tidelog-victim: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    let directory = arguments.next().ok_or("give it a directory")?;
    let locks = match arguments.next() {
        None => Locks::Auto,
        Some(flag) if flag == "--epoch-files" => Locks::EpochFiles,
        Some(other) => return Err(format!("{} is no option", other.display()).into()),
    };
    let mut victim = Victim {
        directory: directory.into(),
        locks,
        log: None,
    };
    // The first line says which process to stop: a tracer may stand between.
    answer(&json!({ "pid": std::process::id() }))?;
    for line in io::stdin().lock().lines() {
        let command: Command = serde_json::from_str(&line?)?;
        let answered = victim.obey(command).unwrap_or_else(
            |refusal| json!({ "error": refusal.kind.as_str(), "said": refusal.said }),
        );
        answer(&answered)?;
    }
    Ok(())
}

/// One line, in one write.
fn answer(answered: &Value) -> io::Result<()> {
    let mut line = answered.to_string();
    line.push('\n');
    io::stdout().lock().write_all(line.as_bytes())
}
