//! Owns what readers see: an immutable picture of a log, published whole.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::followers::Followers;
use super::growing::Growing;
use super::segment::EndedSegment;
use crate::Bytes;
use crate::format::{KeyHasher, MaskMeta, SegmentMeta};
use crate::options::Indexes;
use crate::store::{BlobId, BlobKind};

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
    pub(crate) index: Growing,
    pub(crate) data_end: u64,
    pub(crate) next_offset: u64,
    pub(crate) records: u64,
    /// Index time reached.
    pub(crate) clamp: i64,
    /// What is deleted of it, if anything.
    pub(crate) mask: Option<Arc<MaskMeta>>,
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
    /// Records below this one were trimmed.
    pub(crate) trimmed: u64,
    /// Records below this one may be seen.
    pub(crate) visible: u64,
    pub(crate) durable: u64,
    pub(crate) closed: bool,
    /// The indexes that every segment has.
    pub(crate) indexes: Indexes,
    pub(crate) hasher: KeyHasher,
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
    /// The indexes, where they are in memory.
    pub(crate) index: Option<&'a Growing>,
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

    /// Index time at its end, for what the store has.
    pub(crate) const fn clamp(&self) -> Option<i64> {
        match self {
            Self::Ended(segment) => Some(segment.meta.clamp),
            Self::Active(active) => Some(active.clamp),
            Self::Tail(_) => None,
        }
    }

    pub(crate) const fn base_offset(&self) -> u64 {
        match self {
            Self::Ended(segment) => segment.meta.base_offset,
            Self::Active(active) => active.meta.base_offset,
            Self::Tail(tail) => tail.first,
        }
    }

    /// The number of its segment.
    pub(crate) const fn number(&self) -> u64 {
        match self {
            Self::Ended(segment) => segment.meta.number,
            Self::Active(active) => active.meta.number,
            Self::Tail(tail) => tail.meta.number,
        }
    }

    /// How many records its frames hold, deleted ones included.
    pub(crate) const fn records(&self) -> u64 {
        match self {
            Self::Ended(segment) => segment.meta.records,
            Self::Active(active) => active.records,
            Self::Tail(tail) => tail.next - tail.first,
        }
    }

    /// How many of its records are left.
    pub(crate) fn alive(&self) -> u64 {
        self.records().saturating_sub(self.deleted())
    }

    /// Where its frames end.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Ended(segment) => segment.meta.data_end,
            Self::Active(active) => active.data_end,
            Self::Tail(tail) => tail.bytes.len() as u64,
        }
    }

    /// Its manifest entry, once nothing of it can change any more.
    pub(crate) const fn sealed(&self) -> Option<&'a SegmentMeta> {
        match *self {
            Self::Ended(segment) if segment.meta.sealed => Some(&segment.meta),
            _ => None,
        }
    }

    /// What is deleted of it, if anything.
    pub(crate) const fn mask(&self) -> Option<&'a Arc<MaskMeta>> {
        match *self {
            Self::Ended(segment) => segment.mask.as_ref(),
            Self::Active(active) => active.mask.as_ref(),
            Self::Tail(_) => None,
        }
    }

    /// The offsets from the first to behind the last that is left below `visible`; none
    /// if they are the same.
    fn left(&self, visible: u64) -> (u64, u64) {
        let (base, next) = (self.base_offset(), self.next_offset().min(visible));
        self.mask().map_or((base, next), |mask| mask.left(next))
    }

    /// How many records are gone of those that its totals count.
    pub(crate) fn deleted(&self) -> u64 {
        self.mask().map_or(0, |mask| mask.deleted)
    }
}

impl Snapshot {
    pub(crate) fn oldest(&self) -> u64 {
        let mut parts = (0..self.parts()).filter_map(|index| self.part(index));
        let first = parts.find_map(|part| {
            let (first, end) = part.left(self.visible);
            (end > first.max(self.trimmed)).then(|| first.max(self.trimmed))
        });
        first.unwrap_or(self.visible).min(self.visible)
    }

    /// The highest existing offset.
    pub(crate) fn last(&self) -> Option<u64> {
        let mut parts = (0..self.parts()).rev().filter_map(|index| self.part(index));
        parts.find_map(|part| {
            let (first, end) = part.left(self.visible);
            (end > first.max(self.trimmed)).then(|| end - 1)
        })
    }

    pub(crate) fn bounds(&self) -> Bounds {
        let (oldest, next) = (self.oldest(), self.visible);
        Bounds {
            oldest,
            last: self.last(),
            next,
            durable: self.durable.min(next),
        }
    }

    /// How many parts it has.
    pub(crate) fn parts(&self) -> usize {
        self.ended.len() + usize::from(self.active.is_some()) + self.tail.len()
    }

    /// Part `index`, in the order of the log.
    pub(crate) fn part(&self, index: usize) -> Option<Part<'_>> {
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

    /// The index of the first part that ends behind `offset`.
    pub(crate) fn index_from(&self, offset: u64) -> usize {
        let ended = &self.ended;
        ended.partition_point(|segment| segment.meta.next_offset <= offset)
    }

    /// Whether it reads this blob: a segment, or what is deleted of one.
    pub(crate) fn names(&self, blob: BlobId) -> bool {
        let mut parts = (0..self.parts()).filter_map(|index| self.part(index));
        parts.any(|part| {
            let mask = part.mask().and_then(|mask| mask.blob.as_ref());
            match blob.kind {
                BlobKind::Mask => mask.is_some_and(|place| place.number == blob.number),
                _ => part.number() == blob.number,
            }
        })
    }

    /// Whether a part of another picture is in this one, with the same deletions.
    pub(crate) fn has(&self, part: &Part<'_>) -> bool {
        let mut own = (0..self.parts()).filter_map(|index| self.part(index));
        own.any(|own| own.number() == part.number() && own.mask() == part.mask())
    }

    /// Whether it has the keys of this segment in memory.
    pub(crate) fn lists_keys(&self, number: u64) -> bool {
        let active = self.active.as_ref();
        active.is_some_and(|active| active.meta.number == number)
            || self.ended.iter().any(|segment| {
                let keys = segment.index.as_ref().and_then(|index| index.keys.as_ref());
                segment.meta.number == number && keys.is_some()
            })
    }

    /// The first part with offsets at or above `offset`.
    pub(crate) fn part_from(&self, offset: u64) -> Option<Part<'_>> {
        let mut index = self.index_from(offset);
        while index < self.parts() {
            let part = self.part(index)?;
            if part.next_offset() > offset.max(part.base_offset()) {
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
        // One that ended with nothing but a mark has none.
        let has_offsets = |index: &usize| {
            self.part(*index)
                .is_some_and(|part| part.next_offset() > part.base_offset())
        };
        let last = (0..below).rev().find(has_offsets)?;
        self.part(last)
    }
}

/// The picture that is out, and who waits for the next one.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) followers: Followers,
}
