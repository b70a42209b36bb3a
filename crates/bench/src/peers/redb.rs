//! Owns `redb`: a copy-on-write B-tree, keyed by a counter.
//!
//! `Durability::Immediate` syncs the file before a commit returns, which is
//! synced. `Durability::None` is undone by the death of the process, so nothing
//! in between corresponds to stored.

use std::path::Path;

use anyhow::Result;
use redb::{Database, TableDefinition};

use crate::workload::{Appender, Message};

const MESSAGES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("messages");

/// A database with one table.
pub struct Store {
    database: Database,
    next: u64,
    bytes: Vec<u8>,
}

impl Store {
    /// Creates the database in `dir`.
    ///
    /// # Errors
    /// Its own.
    pub fn open(dir: &Path) -> Result<Self> {
        Ok(Self {
            database: Database::create(dir.join("messages.redb"))?,
            next: 0,
            bytes: Vec::new(),
        })
    }
}

impl Appender for Store {
    fn append(&mut self, batch: &[Message]) -> Result<()> {
        let mut writes = self.database.begin_write()?;
        writes.set_durability(redb::Durability::Immediate)?;
        {
            let mut table = writes.open_table(MESSAGES)?;
            for message in batch {
                self.bytes.clear();
                self.bytes
                    .extend_from_slice(message.key.unwrap_or_default());
                self.bytes.extend_from_slice(message.value);
                table.insert(self.next, self.bytes.as_slice())?;
                self.next += 1;
            }
        }
        writes.commit()?;
        Ok(())
    }
}
