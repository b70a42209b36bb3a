//! Owns `fjall`: a log-structured key-value store, keyed by a counter.
//!
//! A write goes to its journal and, unless told otherwise, from there to the
//! system before it returns, which is stored. `PersistMode::SyncData` adds an
//! `fdatasync`, which is synced.

use std::path::Path;

use anyhow::Result;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use tidelog::Durability;

use crate::workload::{Appender, Message};

/// A database with one keyspace.
pub struct Store {
    database: Database,
    messages: Keyspace,
    mode: PersistMode,
    next: u64,
}

impl Store {
    /// Opens the database in `dir`, to append at `level`.
    ///
    /// # Errors
    /// Its own.
    pub fn open(dir: &Path, level: Durability) -> Result<Self> {
        let database = Database::builder(dir).open()?;
        let messages = database.keyspace("messages", KeyspaceCreateOptions::default)?;
        Ok(Self {
            database,
            messages,
            mode: match level {
                Durability::Synced => PersistMode::SyncData,
                _ => PersistMode::Buffer,
            },
            next: 0,
        })
    }
}

impl Appender for Store {
    fn append(&mut self, batch: &[Message]) -> Result<()> {
        let mut writes = self.database.batch().durability(Some(self.mode));
        for message in batch {
            let value = [message.key.unwrap_or_default(), message.value].concat();
            writes.insert(&self.messages, self.next.to_be_bytes(), value);
            self.next += 1;
        }
        writes.commit()?;
        Ok(())
    }
}
