//! Owns sequential reading of a blob from front to back, a chunk at a time.

use alloc::vec::Vec;

use super::error::Unread;
use super::extent::read_behind;
use crate::store::{BlobId, BlockStore};

/// Bytes read at once. Miri fills a buffer one byte after the other.
const CHUNK: usize = if cfg!(miri) { 4 << 10 } else { 256 << 10 };

/// A sliding window over a blob.
pub(crate) struct Window<'a, S> {
    store: &'a S,
    blob: BlobId,
    start: u64,
    bytes: Vec<u8>,
    /// The blob was seen to end where the window ends.
    ended: bool,
}

impl<'a, S: BlockStore> Window<'a, S> {
    pub(crate) const fn new(store: &'a S, blob: BlobId) -> Self {
        Self {
            store,
            blob,
            start: 0,
            bytes: Vec::new(),
            ended: false,
        }
    }

    /// The bytes from `position` on: at least `want`, or all there are below
    /// `limit`. Going back costs reading again.
    pub(crate) async fn at(
        &mut self,
        position: u64,
        want: usize,
        limit: u64,
    ) -> Result<&[u8], Unread<S::Error>> {
        if position < self.start {
            self.bytes.clear();
            self.start = position;
            self.ended = false;
        }
        let behind = usize::try_from(position.saturating_sub(self.start)).unwrap_or(usize::MAX);
        if behind >= self.bytes.len() {
            self.bytes.clear();
            self.start = position;
        } else if behind >= CHUNK {
            self.bytes.drain(..behind);
            self.start = position;
        }
        loop {
            let skip = usize::try_from(position - self.start).unwrap_or(usize::MAX);
            let end = self.start + self.bytes.len() as u64;
            let have = self.bytes.len().saturating_sub(skip);
            let room = usize::try_from(limit.saturating_sub(end)).unwrap_or(usize::MAX);
            if have >= want || self.ended || room == 0 {
                let visible = usize::try_from(limit.saturating_sub(position)).unwrap_or(usize::MAX);
                let all = self.bytes.get(skip..).unwrap_or(&[]);
                return Ok(all.get(..visible.min(all.len())).unwrap_or(&[]));
            }
            let chunk = (want - have).max(CHUNK).min(room);
            let more = read_behind(self.store, self.blob, end, chunk, &mut self.bytes).await?;
            self.ended = more < chunk;
        }
    }
}
