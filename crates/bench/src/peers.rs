//! Owns the list of what tidelog is measured against when appending. Each peer
//! keeps the messages in the way its own documentation recommends.

pub mod commitlog;
pub mod fjall;
pub mod okaywal;
pub mod ours;
pub mod raw;
pub mod redb;

use std::path::Path;

use anyhow::Result;
use tidelog::{Durability, Indexes};

use crate::workload::Appender;
use ours::Ours;
use raw::RawFile;

type Open = Box<dyn Fn(&Path) -> Result<Box<dyn Appender>>>;

/// Something that is appended to beside others.
pub struct Contender {
    /// What it is called in the table.
    pub name: &'static str,
    open: Open,
}

impl Contender {
    /// Named so, and opened so in an empty directory.
    pub fn new<A: Appender + 'static>(
        name: &'static str,
        open: impl Fn(&Path) -> Result<A> + 'static,
    ) -> Self {
        Self {
            name,
            open: Box::new(move |dir| Ok(Box::new(open(dir)?))),
        }
    }

    /// Tidelog.
    #[must_use]
    pub fn ours(level: Durability) -> Self {
        Self::new("tidelog", move |dir| Ok(Ours::new(ours::open(dir)?, level)))
    }

    /// Tidelog, with these indexes.
    #[must_use]
    pub fn indexed(name: &'static str, indexes: Indexes, level: Durability) -> Self {
        Self::new(name, move |dir| {
            Ok(Ours::new(ours::open_indexed(dir, indexes)?, level))
        })
    }

    /// Tidelog, appending as an idempotent producer.
    #[must_use]
    pub fn producer(level: Durability) -> Self {
        Self::new("tidelog, producer", move |dir| {
            Ok(Ours::new(ours::open(dir)?, level).producing())
        })
    }

    /// The same bytes to a file: for synced appends each with a sync, and in a
    /// file that is given space ahead, like a segment.
    #[must_use]
    pub fn raw(level: Durability, chunk: usize) -> Self {
        match level {
            Durability::Synced => Self::new("raw pwrite + fdatasync", move |dir| {
                RawFile::synced(dir, chunk)
            }),
            _ => Self::new("raw pwrite", move |dir| RawFile::stored(dir, chunk)),
        }
    }

    /// The same bytes to a file, which never has more than tidelog's bound of them
    /// unsynced.
    #[must_use]
    pub fn raw_bounded(chunk: usize) -> Self {
        Self::new("raw pwrite, fdatasync every 16 MiB", move |dir| {
            RawFile::bounded(dir, chunk)
        })
    }

    /// The peers from the registry whose appends can be acknowledged at `level`,
    /// and no earlier.
    #[must_use]
    pub fn registry(level: Durability) -> Vec<Self> {
        match level {
            Durability::Synced => vec![
                Self::new("okaywal", okaywal::Wal::open),
                Self::new("fjall", move |dir| fjall::Store::open(dir, level)),
                Self::new("redb", redb::Store::open),
            ],
            _ => vec![
                Self::new("commitlog", commitlog::Log::open),
                Self::new("fjall", move |dir| fjall::Store::open(dir, level)),
            ],
        }
    }

    /// Opens it in an empty directory.
    ///
    /// # Errors
    /// Its own.
    pub fn open(&self, dir: &Path) -> Result<Box<dyn Appender>> {
        (self.open)(dir)
    }
}
