//! Owns what a segment is to readers: its manifest entry, and its index while
//! that is in memory.

use alloc::sync::Arc;

use super::growing::Growing;
use crate::format::{MaskMeta, Seed, SegmentMeta};
use crate::store::{BlobId, BlobKind, LogId};

/// A segment of which no byte changes any more.
#[derive(Clone, Debug)]
pub(crate) struct EndedSegment {
    pub(crate) meta: SegmentMeta,
    /// The indexes, for a segment whose footer is missing or not yet durable.
    pub(crate) index: Option<Growing>,
    /// What is deleted of it, if anything.
    pub(crate) mask: Option<Arc<MaskMeta>>,
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
