//! Owns what readers see: an immutable picture of a log, published whole.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::Waker;

use super::chunks::Chunks;
use super::segment::EndedSegment;
use crate::Bytes;
use crate::format::{IndexEntry, SegmentMeta};

/// The offsets of a log that mean something to a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The lowest readable offset; `next` if there is none.
    pub oldest: u64,
    /// The highest existing offset.
    pub last: Option<u64>,
    /// The offset the next append gets.
    pub next: u64,
    /// The first offset that is not known to be synced.
    pub durable: u64,
}

/// The segment that is being written, as far as the store has it.
#[derive(Clone, Debug)]
pub(crate) struct ActiveView {
    pub(crate) meta: SegmentMeta,
    pub(crate) index: Chunks<IndexEntry>,
    pub(crate) data_end: u64,
    pub(crate) next_offset: u64,
    pub(crate) records: u64,
}

/// Frames that the store does not have yet.
#[derive(Clone, Debug)]
pub(crate) struct TailView {
    pub(crate) meta: SegmentMeta,
    pub(crate) position: u64,
    pub(crate) bytes: Bytes,
    pub(crate) first: u64,
    pub(crate) next: u64,
}

/// A picture of a log.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) ended: Arc<Vec<EndedSegment>>,
    pub(crate) active: Option<ActiveView>,
    /// Only in a handle's own picture.
    pub(crate) tail: Vec<TailView>,
    /// Records below this one may be seen.
    pub(crate) visible: u64,
    pub(crate) durable: u64,
    pub(crate) closed: bool,
}

/// A run of offsets that is read in one way.
pub(crate) enum Part<'a> {
    Ended(&'a EndedSegment),
    Active(&'a ActiveView),
    Tail(&'a TailView),
}

/// What finding a block takes of a part that the store has.
pub(crate) struct Extent<'a> {
    pub(crate) meta: &'a SegmentMeta,
    /// The index, where it is in memory.
    pub(crate) index: Option<&'a Chunks<IndexEntry>>,
    pub(crate) data_end: u64,
    pub(crate) next: u64,
}

impl<'a> Part<'a> {
    /// `None` for what only the writer has.
    pub(crate) fn extent(&self) -> Option<Extent<'a>> {
        match *self {
            Self::Ended(segment) => Some(Extent {
                meta: &segment.meta,
                index: segment.index.as_ref(),
                data_end: segment.meta.data_end,
                next: segment.meta.next_offset,
            }),
            Self::Active(active) => Some(Extent {
                meta: &active.meta,
                index: Some(&active.index),
                data_end: active.data_end,
                next: active.next_offset,
            }),
            Self::Tail(_) => None,
        }
    }

    pub(crate) const fn next_offset(&self) -> u64 {
        match self {
            Self::Ended(segment) => segment.meta.next_offset,
            Self::Active(active) => active.next_offset,
            Self::Tail(tail) => tail.next,
        }
    }

    pub(crate) const fn base_offset(&self) -> u64 {
        match self {
            Self::Ended(segment) => segment.meta.base_offset,
            Self::Active(active) => active.meta.base_offset,
            Self::Tail(tail) => tail.first,
        }
    }
}

impl Snapshot {
    pub(crate) fn oldest(&self) -> u64 {
        let ended = self.ended.first().map(|segment| segment.meta.base_offset);
        let active = self.active.as_ref().map(|active| active.meta.base_offset);
        let tail = self.tail.first().map(|tail| tail.first);
        ended
            .or(active)
            .or(tail)
            .unwrap_or(self.visible)
            .min(self.visible)
    }

    pub(crate) fn bounds(&self) -> Bounds {
        let (oldest, next) = (self.oldest(), self.visible);
        Bounds {
            oldest,
            last: (next > oldest).then(|| next - 1),
            next,
            durable: self.durable.min(next),
        }
    }

    fn parts(&self) -> usize {
        self.ended.len() + usize::from(self.active.is_some()) + self.tail.len()
    }

    fn part(&self, index: usize) -> Option<Part<'_>> {
        if let Some(segment) = self.ended.get(index) {
            return Some(Part::Ended(segment));
        }
        let index = index - self.ended.len();
        match (&self.active, index) {
            (Some(active), 0) => Some(Part::Active(active)),
            (Some(_), index) => self.tail.get(index - 1).map(Part::Tail),
            (None, index) => self.tail.get(index).map(Part::Tail),
        }
    }

    /// The first part with offsets at or above `offset`.
    pub(crate) fn part_from(&self, offset: u64) -> Option<Part<'_>> {
        let mut index = self
            .ended
            .partition_point(|segment| segment.meta.next_offset <= offset);
        while index < self.parts() {
            let part = self.part(index)?;
            if part.next_offset() > offset {
                return Some(part);
            }
            index += 1;
        }
        None
    }

    /// The last part with offsets below `offset`.
    pub(crate) fn part_below(&self, offset: u64) -> Option<Part<'_>> {
        let mut index = self.parts();
        while index > self.ended.len() {
            index -= 1;
            let part = self.part(index)?;
            if part.base_offset() < offset && part.next_offset() > part.base_offset() {
                return Some(part);
            }
        }
        let below = self
            .ended
            .partition_point(|segment| segment.meta.base_offset < offset);
        self.part(below.checked_sub(1)?)
    }
}

/// The picture that is out, and who waits for the next one.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) followers: Vec<Waker>,
}
