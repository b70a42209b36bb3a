//! Owns the shape of the command line that all verbs share.

use std::path::PathBuf;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use clap::{Args, Parser, Subcommand, ValueEnum};
use tidelog::At;

use crate::error::EXIT_CODES;
use crate::rows::TimeRule;
use crate::verbs;

/// Append-only event logs in a directory.
#[derive(Debug, Parser)]
#[command(name = "tidelog", version, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    pub shared: Shared,
    #[command(subcommand)]
    pub verb: Verb,
}

/// What every verb takes.
#[derive(Debug, Args)]
pub struct Shared {
    /// The directory that holds the logs.
    #[arg(
        long,
        env = "TIDELOG_DIR",
        default_value = "tidelog-data",
        global = true
    )]
    pub dir: PathBuf,
    /// Answer in JSON, errors included.
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    Append(verbs::append::Append),
    Import(verbs::import::Import),
    Cat(verbs::cat::Cat),
    Tail(verbs::tail::Tail),
    Get(verbs::get::Get),
    Stat(verbs::stat::Stat),
    Check(verbs::check::Check),
    Recover(verbs::recover::Recover),
    Backup(verbs::backup::Backup),
    Export(verbs::export::Export),
    Delete(verbs::delete::Delete),
    Trim(verbs::trim::Trim),
    Clear(verbs::clear::Clear),
    Compact(verbs::compact::Compact),
    Retention(verbs::retention::Retention),
    #[command(visible_alias = "gc")]
    Maintain(verbs::maintain::Maintain),
    Index(verbs::index::Index),
    Logs(verbs::logs::Logs),
}

/// A durability level, as the command line spells it.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Durability {
    /// In this process's memory until the next flush.
    Buffered,
    /// Given to the operating system: survives kill -9.
    Stored,
    /// On the disk: survives a power cut.
    Synced,
}

impl From<Durability> for tidelog::Durability {
    fn from(level: Durability) -> Self {
        match level {
            Durability::Buffered => Self::Buffered,
            Durability::Stored => Self::Stored,
            Durability::Synced => Self::Synced,
        }
    }
}

/// How records get into a log.
#[derive(Debug, Args)]
pub struct Appending {
    /// How far a batch must get before it counts. The log's own level, at first
    /// stored, unless given.
    #[arg(long)]
    pub durability: Option<Durability>,
    /// Print {"first":N,"next":N} for each acknowledged batch, at once.
    #[arg(long)]
    pub acks: bool,
}

impl Appending {
    /// The level, as the log takes it.
    pub fn level(&self) -> Option<tidelog::Durability> {
        self.durability.map(Into::into)
    }
}

/// Reads a place in a log: oldest, last, next or an offset.
///
/// # Errors
/// A sentence that says what was expected.
pub fn at(text: &str) -> Result<At, String> {
    match text {
        "oldest" => Ok(At::Oldest),
        "last" => Ok(At::Last),
        "next" => Ok(At::Next),
        _ => text
            .parse()
            .map(At::Offset)
            .map_err(|_| "expected oldest, last, next or an offset".to_owned()),
    }
}

/// A key to look for.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct Key {
    /// Only records with this key; of those, get prints the newest.
    #[arg(long)]
    key: Option<String>,
    /// The same, with the key in base64.
    #[arg(long, value_parser = base64)]
    key_base64: Option<Base64>,
}

impl Key {
    /// Its bytes, if one was given.
    pub fn bytes(&self) -> Option<&[u8]> {
        let text = self.key.as_deref().map(str::as_bytes);
        text.or(self.key_base64.as_ref().map(|Base64(bytes)| &**bytes))
    }
}

#[derive(Clone, Debug)]
struct Base64(Vec<u8>);

fn base64(text: &str) -> Result<Base64, String> {
    let decoded = BASE64_STANDARD.decode(text);
    decoded.map(Base64).map_err(|error| error.to_string())
}

/// Reads a time: microseconds since 1970, or a date.
///
/// # Errors
/// A sentence that says what was expected.
pub fn time(text: &str) -> Result<i64, String> {
    TimeRule::default().read(text)
}

/// Reads a number of records in a batch.
///
/// # Errors
/// A sentence that says what was expected.
pub fn batch(text: &str) -> Result<usize, String> {
    let max = tidelog::limits::BATCH_RECORDS_MAX;
    match text.parse() {
        Ok(records) if (1..=max).contains(&records) => Ok(records),
        _ => Err(format!("expected a number of records from 1 to {max}")),
    }
}
