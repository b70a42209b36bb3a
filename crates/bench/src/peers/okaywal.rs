//! Owns `okaywal`: a write-ahead log.
//!
//! Every commit is an `fdatasync`, shared by the threads that wait for one. There
//! is no level below that, so it is measured as synced only. A batch is an entry
//! with a chunk per message.

use std::path::Path;

use anyhow::Result;
use okaywal::{LogVoid, WriteAheadLog};

use crate::workload::{Appender, Message};

/// A handle. Clones write to the same log.
#[derive(Clone)]
pub struct Wal {
    log: WriteAheadLog,
    bytes: Vec<u8>,
}

impl Wal {
    /// Opens the log in `dir`. What it checkpoints is thrown away.
    ///
    /// # Errors
    /// That of the system.
    pub fn open(dir: &Path) -> Result<Self> {
        Ok(Self {
            log: WriteAheadLog::recover(dir, LogVoid)?,
            bytes: Vec::new(),
        })
    }
}

impl Appender for Wal {
    fn append(&mut self, batch: &[Message]) -> Result<()> {
        let mut entry = self.log.begin_entry()?;
        for message in batch {
            self.bytes.clear();
            self.bytes
                .extend_from_slice(message.key.unwrap_or_default());
            self.bytes.extend_from_slice(message.value);
            entry.write_chunk(&self.bytes)?;
        }
        entry.commit()?;
        Ok(())
    }
}
