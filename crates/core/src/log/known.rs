//! Owns lookups of which memory alone has the answer: without a future, and without
//! holding on to anything but what is found.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::block::{Block, Entry};
use super::error::LookupError;
use super::handle::Log;
use super::index::{BlockPlace, block_of_time};
use super::keys::{BlockSearch, SegmentKeys};
use super::read::Source;
use super::reader::Reader;
use super::snapshot::{Part, Published, Snapshot};
use crate::format::{IndexEntry, KeyBlock, KeyItem, SegmentMeta};
use crate::sharing::{Shared, Sharing};
use crate::store::BlockStore;

/// What a lookup comes to, if that is known.
type Known<E> = Option<Result<Entry, LookupError<E>>>;

impl<S: BlockStore, P: Sharing> Log<S, P> {
    /// What [`get_by_key`](Self::get_by_key) answers, if memory holds all it takes:
    /// without a future, for callers that do not wait. `None` says nothing.
    #[must_use]
    pub fn try_get_by_key(&self, key: &[u8]) -> Known<S::Error> {
        self.known(|source, snapshot| source.known_key(snapshot, key))
    }

    /// The same of [`get_by_time`](Self::get_by_time).
    #[must_use]
    pub fn try_get_by_time(&self, time: i64) -> Known<S::Error> {
        self.known(|source, snapshot| source.known_time(snapshot, time))
    }

    /// What `look` finds in the published picture, if that is this handle's own.
    fn known<R>(&self, look: impl FnOnce(Source<'_, S, P>, &Snapshot) -> Option<R>) -> Option<R> {
        let inner = self.inner();
        let published = |published: &Published| look(inner.source(), &published.snapshot);
        self.sees_published()
            .then(|| inner.published.read(published))?
    }
}

impl<S: BlockStore, P: Sharing> Reader<S, P> {
    /// What [`get_by_key`](Self::get_by_key) answers, if memory holds all it takes.
    #[must_use]
    pub fn try_get_by_key(&self, key: &[u8]) -> Known<S::Error> {
        self.inner().source().known_key(&self.picture(), key)
    }

    /// The same of [`get_by_time`](Self::get_by_time).
    #[must_use]
    pub fn try_get_by_time(&self, time: i64) -> Known<S::Error> {
        self.inner().source().known_time(&self.picture(), time)
    }
}

impl<S: BlockStore, P: Sharing> Source<'_, S, P> {
    /// The first record whose index time is `time` or later, if everything on the way to
    /// it is in memory, and it is in a segment that has ended.
    fn known_time(&self, snapshot: &Snapshot, time: i64) -> Known<S::Error> {
        if !snapshot.indexes.times || snapshot.closed {
            return None;
        }
        let ended = &snapshot.ended;
        let index = ended.partition_point(|segment| segment.meta.clamp < time);
        let segment = ended.get(index)?;
        let meta = &segment.meta;
        // What begins later, or has nothing, is not as simple.
        if segment.index.is_some() || meta.base_clamp >= time || meta.records == 0 {
            return None;
        }
        let times = |floors: &Vec<i64>| block_of_time(floors, time);
        let at = self.cache.look(meta.number, 0, times)?;
        let extent = Part::Ended(segment).extent()?;
        let place = |entries: &Vec<IndexEntry>| {
            let after = entries.get(at + 1).copied();
            BlockPlace::between(&extent, at, *entries.get(at)?, after)
        };
        let place = self.cache.look(meta.number, 0, place)??;
        let block: Arc<Block> = self.cache.get(meta.number, at)?;
        let whole = block.length() == place.length && block.is_sound();
        let (Some(offset), _) = block.reaching(time) else {
            return None;
        };
        let there = whole && offset >= snapshot.trimmed && offset < snapshot.visible;
        if !there || segment.mask.is_some() {
            return None;
        }
        let index = block.lower_bound(offset);
        Some(Ok(Entry { block, index }))
    }

    /// The newest record with this key, if everything on the way to it is in memory, and
    /// all segments have ended with an index.
    pub(crate) fn known_key(&self, snapshot: &Snapshot, key: &[u8]) -> Known<S::Error> {
        if !snapshot.indexes.keys || !snapshot.tail.is_empty() || snapshot.closed {
            return None;
        }
        let hash = snapshot.hasher.hash(key);
        let active = snapshot.active.as_ref();
        if active.is_some_and(|active| active.records > 0) {
            return None;
        }
        for segment in snapshot.ended.iter().rev() {
            let meta = &segment.meta;
            if segment.index.is_some() || meta.next_offset > snapshot.visible {
                return None;
            }
            if meta.next_offset <= snapshot.trimmed {
                break;
            }
            if let Some(delta) = self.newest_in(meta, hash)? {
                let offset = meta.base_offset + u64::from(delta);
                if offset < snapshot.trimmed {
                    return None;
                }
                let entry = self.cached_in(&Part::Ended(segment), offset)?;
                // Another one with the same hash is looked for elsewhere.
                let same = entry.record().key == Some(key);
                return same.then_some(Ok(entry));
            }
        }
        Some(Err(LookupError::KeyNotFound))
    }

    /// Where in a segment the newest record of a hash is, less the base offset.
    #[inline]
    fn newest_in(&self, meta: &SegmentMeta, hash: u64) -> Option<Option<u32>> {
        let items = self
            .cache
            .look(meta.number, 0, |keys: &SegmentKeys| match keys {
                SegmentKeys::Stored { place, .. } if keys.may_have(hash) => {
                    Some(place.items as usize)
                }
                SegmentKeys::Stored { .. } => Some(0),
                SegmentKeys::Rebuilt { .. } => None,
            })??;
        if items == 0 {
            return Some(None);
        }
        let mut search = BlockSearch::new(items, hash);
        let last = loop {
            let index = match search.block() {
                // The last of the block before.
                Err(0) => return Some(None),
                Err(index) => {
                    break self.cache.look(meta.number, index - 1, KeyBlock::last)?;
                }
                Ok(index) => index,
            };
            let (at, length, before) =
                self.cache.look(meta.number, index, |block: &KeyBlock| {
                    let at = block.partition_point(hash, |item: KeyItem| item.hash <= hash);
                    (
                        at,
                        block.len(),
                        at.checked_sub(1).and_then(|at| block.get(at)),
                    )
                })?;
            if search.found(at, length) {
                break before;
            }
        };
        Some(last.filter(|item| item.hash == hash).map(|item| item.delta))
    }
}
