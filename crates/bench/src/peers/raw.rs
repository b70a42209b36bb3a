//! Owns the physical limit: writing bytes of the same size to a file, and nothing
//! else.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::Result;
use tidelog::limits::UNSYNCED_MAX;

use crate::workload::{Appender, Message};

/// Smallest and largest step by which the file store gives a segment space.
const STEP_MIN: u64 = 64 << 10;
const STEP_MAX: u64 = 4 << 20;

/// A file that grows by one chunk per append.
pub struct RawFile {
    file: File,
    chunk: Vec<u8>,
    position: u64,
    synced: u64,
    /// Bytes that may be unsynced after an append.
    unsynced_max: u64,
    /// Where the space given ahead ends, if it is given ahead.
    space: Option<u64>,
}

impl RawFile {
    /// A file in `dir` that gets `chunk` bytes per append and is never synced.
    ///
    /// # Errors
    /// That of the system.
    pub fn stored(dir: &Path, chunk: usize) -> Result<Self> {
        let mut bytes = vec![0; chunk];
        fastrand::Rng::with_seed(2).fill(&mut bytes);
        Ok(Self {
            file: File::create_new(dir.join("raw"))?,
            chunk: bytes,
            position: 0,
            synced: 0,
            unsynced_max: u64::MAX,
            space: None,
        })
    }

    /// The same, synced with every append, and given space ahead in the steps of
    /// the file store.
    ///
    /// # Errors
    /// That of the system.
    pub fn synced(dir: &Path, chunk: usize) -> Result<Self> {
        Ok(Self {
            unsynced_max: 0,
            space: Some(0),
            ..Self::stored(dir, chunk)?
        })
    }

    /// The same, synced when more is unsynced than tidelog ever leaves so.
    ///
    /// # Errors
    /// That of the system.
    pub fn bounded(dir: &Path, chunk: usize) -> Result<Self> {
        Ok(Self {
            unsynced_max: UNSYNCED_MAX,
            ..Self::synced(dir, chunk)?
        })
    }

    /// Appends one chunk.
    ///
    /// # Errors
    /// That of the system.
    pub fn write(&mut self) -> Result<()> {
        let end = self.position + self.chunk.len() as u64;
        if let Some(space) = self.space.filter(|space| end > *space) {
            let wanted = end + end.clamp(STEP_MIN, STEP_MAX);
            give(&self.file, space, wanted)?;
            self.space = Some(wanted);
        }
        self.file.write_all_at(&self.chunk, self.position)?;
        self.position = end;
        if end - self.synced > self.unsynced_max {
            self.file.sync_data()?;
            self.synced = end;
        }
        Ok(())
    }
}

impl Appender for RawFile {
    fn append(&mut self, _batch: &[Message]) -> Result<()> {
        self.write()
    }
}

#[cfg(target_os = "linux")]
fn give(file: &File, from: u64, to: u64) -> Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};

    Ok(fallocate(file, FallocateFlags::empty(), from, to - from)?)
}

// The file store does not either.
#[cfg(not(target_os = "linux"))]
fn give(_file: &File, _from: u64, _to: u64) -> Result<()> {
    Ok(())
}
