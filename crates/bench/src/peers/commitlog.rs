//! Owns `commitlog`: a segmented log with a memory-mapped index.
//!
//! An append is a `write` before it returns, which is stored. Its `flush` flushes
//! a `std::fs::File`, which does nothing, and syncs the index only: there is no
//! way to sync the messages, so it has no synced level.

use std::path::Path;

use anyhow::{Result, anyhow};
use commitlog::message::MessageBuf;
use commitlog::{CommitLog, LogOptions};

use crate::workload::{Appender, Message};

/// A log with its default options.
pub struct Log {
    log: CommitLog,
    buffer: MessageBuf,
}

impl Log {
    /// Opens the log in `dir`.
    ///
    /// # Errors
    /// That of the system.
    pub fn open(dir: &Path) -> Result<Self> {
        let log = CommitLog::new(LogOptions::new(dir))?;
        Ok(Self {
            log,
            buffer: MessageBuf::default(),
        })
    }
}

impl Appender for Log {
    fn append(&mut self, batch: &[Message]) -> Result<()> {
        self.buffer.clear();
        for message in batch {
            let key = message.key.unwrap_or_default();
            let pushed = self.buffer.push_with_metadata(key, message.value);
            pushed.map_err(|error| anyhow!("{error:?}"))?;
        }
        let appended = self.log.append(&mut self.buffer);
        appended.map_err(|error| anyhow!("{error:?}"))?;
        Ok(())
    }
}
