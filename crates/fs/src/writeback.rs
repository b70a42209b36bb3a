//! Owns asking the system to begin writing a growing file back, so that a later
//! sync has less to wait for. May not make anything durable.

use crate::file::BlobFile;

/// Bytes appended between two requests.
const STRIDE: u64 = 1 << 20;

/// How far the system was asked to write a file back.
#[derive(Debug, Default)]
pub(crate) struct Writeback {
    asked: u64,
}

impl Writeback {
    /// Notes that the file now ends at `end`.
    pub(crate) fn grown(&mut self, file: &BlobFile, end: u64) {
        if end < self.asked.saturating_add(STRIDE) {
            return;
        }
        begin(file, self.asked, end);
        self.asked = end;
    }
}

// Of bytes that were just written the advice is taken as a request to write them
// back: pages that are not clean yet are never dropped. It is only a hint, so its
// failure does not matter.
#[cfg(target_os = "linux")]
fn begin(file: &BlobFile, from: u64, to: u64) {
    use rustix::fs::{Advice, fadvise};

    let length = std::num::NonZeroU64::new(to - from);
    let _ = file.with(|file| fadvise(file, from, length, Advice::DontNeed));
}

#[cfg(not(target_os = "linux"))]
fn begin(_file: &BlobFile, _from: u64, _to: u64) {}
