//! Owns what a segment is to readers: its manifest entry, and its index while
//! that is in memory.

use super::chunks::Chunks;
use crate::format::{IndexEntry, Seed, SegmentMeta};
use crate::store::{BlobId, BlobKind, LogId};

/// A segment of which no byte changes any more.
#[derive(Clone, Debug)]
pub(crate) struct EndedSegment {
    pub(crate) meta: SegmentMeta,
    /// The index, for a segment whose footer is missing or not yet durable.
    pub(crate) index: Option<Chunks<IndexEntry>>,
}

/// The blob of segment `number`.
pub(crate) const fn segment_blob(log: LogId, number: u64) -> BlobId {
    BlobId {
        log,
        kind: BlobKind::Segment,
        number,
    }
}

/// What the checksums of a segment start from.
pub(crate) fn segment_seed(log: LogId, meta: &SegmentMeta) -> Seed {
    Seed::of(segment_blob(log, meta.number), meta.epoch, meta.salt)
}
