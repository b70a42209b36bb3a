//! Owns the totals of a log.

use super::handle::Log;
use super::snapshot::Bounds;
use crate::sharing::Sharing;
use crate::store::BlockStore;

/// What a log amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Its bounds, as this handle sees it.
    pub bounds: Bounds,
    /// Records in it.
    pub records: u64,
    /// Segments with records.
    pub segments: usize,
    /// Bytes of these segments, without footers.
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
        let (mut records, mut bytes) = (0, 0);
        for segment in snapshot.ended.iter() {
            records += segment.meta.records;
            bytes += segment.meta.data_end;
        }
        if let Some(active) = &snapshot.active {
            records += active.records;
            bytes += active.data_end;
        }
        for tail in &snapshot.tail {
            records += tail.next - tail.first;
            bytes += tail.bytes.len() as u64;
        }
        Stat {
            bounds: snapshot.bounds(),
            records,
            segments: snapshot.ended.len() + usize::from(snapshot.active.is_some()),
            bytes,
            epoch: self.epoch(),
            cached_bytes: self.inner().cache.weight(),
        }
    }
}
