//! Owns the totals of a log.

use super::handle::Log;
use super::snapshot::{Bounds, Part};
use crate::sharing::Sharing;
use crate::store::BlockStore;

/// What a log amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Its bounds, as this handle sees it.
    pub bounds: Bounds,
    /// Records in it, without deleted ones.
    pub records: u64,
    /// Deleted and trimmed records that [`bytes`](Self::bytes) still counts.
    pub deleted: u64,
    /// Segments with records.
    pub segments: usize,
    /// Bytes of these segments, without footers; deleted records count until
    /// [`Log::maintain`] has given their space back.
    pub bytes: u64,
    /// The epoch of its last writer.
    pub epoch: u64,
    /// Bytes of blocks and indexes held in memory for reading.
    pub cached_bytes: usize,
}

impl<S: BlockStore, P: Sharing> Log<S, P> {
    /// The totals of the log. Reads nothing.
    #[must_use]
    pub fn stat(&self) -> Stat {
        let snapshot = self.own();
        let (mut records, mut deleted, mut bytes) = (0, 0, 0);
        let mut segments = snapshot.ended.len();
        for segment in snapshot.ended.iter() {
            let part = Part::Ended(segment);
            records += part.alive();
            deleted += part.deleted();
            bytes += segment.meta.data_end;
        }
        if let Some(active) = &snapshot.active {
            let part = Part::Active(active);
            records += part.alive();
            deleted += part.deleted();
            bytes += active.data_end;
            // It may hold nothing but a mark.
            segments += usize::from(part.records() > 0);
        }
        for tail in &snapshot.tail {
            records += tail.next - tail.first;
            bytes += tail.bytes.len() as u64;
        }
        Stat {
            bounds: snapshot.bounds(),
            records,
            deleted,
            segments,
            bytes,
            epoch: self.epoch(),
            cached_bytes: self.inner().cache.weight(),
        }
    }
}
