//! Owns reading: from a picture of the log to records, through the cache. Never
//! touches what the writer holds.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::block::{Batch, Block, BlockSlice, Entry};
use super::cache::Cache;
use super::error::{Corruption, ReadError, Unread};
use super::extent::read_up_to;
use super::index::{BlockPlace, Offsets, block_of_offset, load_offsets};
use super::keys::KeyTables;
use super::masks::{LoadedMask, live_runs, load_mask};
use super::segment::{segment_blob, segment_seed};
use super::snapshot::{Extent, Part, Snapshot, TailView};
use crate::format::{Fault, IndexEntry, MaskMeta, SegmentMeta};
use crate::options::{At, BelowOldest, ReadLimits};
use crate::sharing::Sharing;
use crate::store::{BlockStore, LogId};

/// Where a log's records are read from.
pub(crate) struct Source<'a, S, P: Sharing> {
    pub(crate) store: &'a S,
    pub(crate) log: LogId,
    pub(crate) cache: &'a Cache<P>,
    pub(crate) tables: &'a P::Cell<KeyTables>,
}

/// Bytes that a forward read asks the store for at once.
const READ_AHEAD: usize = 128 << 10;

/// A block and the offsets it answers for.
pub(crate) struct Found {
    pub(crate) block: Arc<Block>,
    pub(crate) first: u64,
    pub(crate) next: u64,
}

/// What is deleted of a part.
type Deleted = Option<Arc<LoadedMask>>;

impl<S: BlockStore, P: Sharing> Source<'_, S, P> {
    /// Records from `at` on, oldest first.
    pub(crate) async fn read(
        &self,
        snapshot: &Snapshot,
        at: At,
        limits: ReadLimits,
    ) -> Result<Batch, ReadError<S::Error>> {
        let mut cursor = resolve(snapshot, at, limits.below_oldest)?;
        let (mut records, mut bytes) = (limits.records, limits.bytes);
        let mut slices: Vec<BlockSlice> = Vec::new();
        while records > 0 && cursor < snapshot.visible {
            let Some(part) = snapshot.part_from(cursor) else {
                // Offsets up to the end were given once, to nothing that is left.
                cursor = snapshot.visible;
                break;
            };
            cursor = cursor.max(part.base_offset());
            if cursor >= snapshot.visible {
                cursor = snapshot.visible;
                break;
            }
            // What was read comes first; the next read says what is in the way.
            let deleted = match self.deleted(&part, cursor).await {
                Err(_) if !slices.is_empty() => break,
                deleted => deleted?,
            };
            if let Some(loaded) = &deleted {
                cursor = loaded.mask.next_absent(cursor);
                if cursor >= part.next_offset() {
                    cursor = part.next_offset().min(snapshot.visible);
                    continue;
                }
            }
            let found = match self.block(&part, cursor, bytes).await {
                Err(_) if !slices.is_empty() => break,
                found => found?,
            };
            let block = &found.block;
            let next = found.next.min(snapshot.visible);
            let start = block.lower_bound(cursor);
            let mut end = block.lower_bound(next);
            if let Some(damage) = block
                .damage_from(cursor)
                .filter(|damage| damage.first < next)
            {
                end = block.lower_bound(damage.first);
                if start >= end {
                    if !slices.is_empty() {
                        break;
                    }
                    let offset = cursor.max(damage.first);
                    return Err(ReadError::Corrupt {
                        offset,
                        next: damage.next,
                        place: damage.place,
                    });
                }
            }
            let mut stopped = None;
            let mask = deleted.as_ref().map(|loaded| &loaded.mask);
            for run in live_runs(block, mask, start..end)? {
                let fits = block.fit(run.start, run.end, bytes, slices.is_empty());
                let taken = (fits - run.start).min(records);
                let end = run.start + taken;
                if taken > 0 {
                    bytes = bytes.saturating_sub(block.span(run.start, end));
                    records -= taken;
                    Unread::reserve(&mut slices, 1)?;
                    slices.push(BlockSlice {
                        block: Arc::clone(block),
                        start: run.start,
                        end,
                    });
                }
                if end < run.end {
                    stopped = block.offset(end);
                    break;
                }
            }
            if let Some(offset) = stopped {
                cursor = offset;
                break;
            }
            cursor = match block.damage_from(cursor) {
                Some(damage) if damage.first < next => damage.first,
                _ => next,
            };
        }
        Ok(Batch {
            slices,
            next: cursor,
            reverse: false,
        })
    }

    /// Records below `before`, newest first.
    pub(crate) async fn read_reverse(
        &self,
        snapshot: &Snapshot,
        before: At,
        limits: ReadLimits,
    ) -> Result<Batch, ReadError<S::Error>> {
        let mut cursor = resolve(snapshot, before, limits.below_oldest)?;
        let (mut records, mut bytes) = (limits.records, limits.bytes);
        let mut slices: Vec<BlockSlice> = Vec::new();
        let oldest = snapshot.oldest();
        while records > 0 && cursor > oldest {
            let Some(part) = snapshot.part_below(cursor) else {
                break;
            };
            cursor = cursor.min(part.next_offset());
            if cursor <= oldest {
                break;
            }
            // What was read comes first; the next read says what is in the way.
            let base = part.base_offset();
            let deleted = match self.deleted(&part, cursor - 1).await {
                Err(_) if !slices.is_empty() => break,
                deleted => deleted.map_err(|error| error.of_all(base.max(oldest), cursor))?,
            };
            if let Some(loaded) = &deleted {
                let left = loaded.mask.last_absent(cursor);
                cursor = left.map_or(base, |left| left + 1).max(base);
                if cursor == base {
                    continue;
                }
            }
            let found = match self.block(&part, cursor - 1, 0).await {
                Err(_) if !slices.is_empty() => break,
                found => found.map_err(|error| error.of_all(base.max(oldest), cursor))?,
            };
            let block = &found.block;
            let end = block.lower_bound(cursor);
            let mut start = block.lower_bound(snapshot.trimmed);
            let damage = block.damage_below(cursor);
            let damage = damage.filter(|damage| damage.next > snapshot.trimmed);
            if let Some(damage) = damage {
                start = start.max(block.lower_bound(damage.next));
                if start >= end {
                    if !slices.is_empty() {
                        break;
                    }
                    let next = cursor.min(damage.next);
                    return Err(ReadError::Corrupt {
                        offset: damage.first,
                        next,
                        place: damage.place,
                    });
                }
            }
            let mut stopped = None;
            let mask = deleted.as_ref().map(|loaded| &loaded.mask);
            for run in live_runs(block, mask, start..end)?.into_iter().rev() {
                let fits = block.fit_back(run.start, run.end, bytes, slices.is_empty());
                let taken = (run.end - fits).min(records);
                let start = run.end - taken;
                if taken > 0 {
                    bytes = bytes.saturating_sub(block.span(start, run.end));
                    records -= taken;
                    Unread::reserve(&mut slices, 1)?;
                    slices.push(BlockSlice {
                        block: Arc::clone(block),
                        start,
                        end: run.end,
                    });
                }
                if start > run.start {
                    // Reading goes on below the record behind what is left.
                    stopped = block.offset(start - 1).map(|offset| offset + 1);
                    break;
                }
            }
            if let Some(offset) = stopped {
                cursor = offset;
                break;
            }
            cursor = damage.map_or(found.first, |damage| damage.next);
        }
        Ok(Batch {
            slices,
            next: cursor,
            reverse: true,
        })
    }

    /// The record at `at`.
    pub(crate) async fn get(
        &self,
        snapshot: &Snapshot,
        at: At,
    ) -> Result<Entry, ReadError<S::Error>> {
        let (oldest, next) = (snapshot.oldest(), snapshot.visible);
        let out_of_range = |offset| ReadError::OutOfRange {
            offset,
            oldest,
            next,
        };
        let offset = match at {
            At::Offset(offset) => offset,
            At::Oldest | At::Last if oldest == next => return Err(out_of_range(next)),
            At::Oldest => return self.first_of(self.read(snapshot, at, one()).await?, oldest),
            At::Last => {
                let end = snapshot.last().map_or(next, |last| last + 1);
                let last = self.read_reverse(snapshot, At::Offset(end), one());
                return self.first_of(last.await?, next);
            }
            At::Next => next,
        };
        if offset >= next {
            return Err(out_of_range(offset));
        }
        if offset < oldest {
            return Err(ReadError::NotFound {
                offset,
                trimmed: true,
            });
        }
        let missing = ReadError::NotFound {
            offset,
            trimmed: false,
        };
        let Some(part) = snapshot.part_from(offset) else {
            return Err(missing);
        };
        if part.base_offset() > offset {
            return Err(missing);
        }
        let deleted = self.deleted(&part, offset).await?;
        if deleted.is_some_and(|loaded| loaded.mask.contains(offset)) {
            return Err(missing);
        }
        let found = self.block(&part, offset, 0).await?;
        let index = found.block.lower_bound(offset);
        if found.block.offset(index) == Some(offset) {
            return Ok(Entry {
                block: found.block,
                index,
            });
        }
        match found
            .block
            .damage_from(offset)
            .filter(|damage| damage.first <= offset)
        {
            Some(damage) => Err(ReadError::Corrupt {
                offset,
                next: damage.next,
                place: damage.place,
            }),
            None => Err(missing),
        }
    }

    /// The record with this offset, if everything on the way to it is in memory.
    pub(crate) fn get_cached(&self, snapshot: &Snapshot, offset: u64) -> Option<Entry> {
        if offset < snapshot.trimmed {
            return None;
        }
        self.cached_in(&snapshot.part_from(offset)?, offset)
    }

    /// The same, where it is known to be in `part` if it is anywhere, and not trimmed.
    pub(crate) fn cached_in(&self, part: &Part<'_>, offset: u64) -> Option<Entry> {
        if let Some(meta) = part.mask()
            && self.known_mask(meta)?.mask.contains(offset)
        {
            return None;
        }
        let extent = part.extent()?;
        let meta = extent.meta;
        let place = match extent.index {
            Some(index) => Offsets::Growing(&index.offsets).place(&extent, offset)?,
            None => self
                .cache
                .look(meta.number, 0, |entries: &Vec<IndexEntry>| {
                    let delta = offset.saturating_sub(meta.base_offset);
                    let index = block_of_offset(entries, delta);
                    let after = entries.get(index + 1).copied();
                    BlockPlace::between(&extent, index, *entries.get(index)?, after)
                })??,
        };
        let block = self.cache.get::<Block>(meta.number, place.index)?;
        let index = block.lower_bound(offset);
        let here = block.length() == place.length && block.offset(index) == Some(offset);
        here.then_some(Entry { block, index })
    }

    /// What is deleted of `part`. Where that cannot be read, nobody knows whether
    /// `offset` is.
    pub(crate) async fn deleted(
        &self,
        part: &Part<'_>,
        offset: u64,
    ) -> Result<Deleted, ReadError<S::Error>> {
        let Some(meta) = part.mask() else {
            return Ok(None);
        };
        if let Some(loaded) = self.known_mask(meta) {
            return Ok(Some(loaded));
        }
        let loaded = load_mask(self.store, self.log, meta).await;
        let mask = loaded?.map_err(|place| ReadError::Corrupt {
            offset,
            next: part.next_offset(),
            place,
        })?;
        let meta = Arc::clone(meta);
        let loaded = Arc::new(LoadedMask { meta, mask });
        self.cache.put(loaded.meta.segment, 0, &loaded);
        Ok(Some(loaded))
    }

    /// The mask that this entry describes, if it is in memory.
    fn known_mask(&self, meta: &Arc<MaskMeta>) -> Option<Arc<LoadedMask>> {
        let found: Arc<LoadedMask> = self.cache.get(meta.segment, 0)?;
        (Arc::ptr_eq(&found.meta, meta) || found.meta == *meta).then_some(found)
    }

    fn first_of(&self, batch: Batch, offset: u64) -> Result<Entry, ReadError<S::Error>> {
        let reverse = batch.reverse;
        let slice = batch.slices.into_iter().next();
        let slice = slice.ok_or(ReadError::NotFound {
            offset,
            trimmed: false,
        })?;
        let index = if reverse { slice.end - 1 } else { slice.start };
        Ok(Entry {
            block: slice.block,
            index,
        })
    }

    /// The block of `part` in which `offset` lies, or would lie. Where it has to be
    /// read, up to `ahead` bytes of the blocks behind it are read with it.
    pub(crate) async fn block(
        &self,
        part: &Part<'_>,
        offset: u64,
        ahead: usize,
    ) -> Result<Found, ReadError<S::Error>> {
        let extent = match (part.extent(), part) {
            (Some(extent), _) => extent,
            (None, Part::Tail(tail)) => return Ok(self.tail_block(tail)?),
            (None, _) => {
                return Err(ReadError::NotFound {
                    offset,
                    trimmed: false,
                });
            }
        };
        let meta = extent.meta;
        let offsets = self.offsets(&extent).await?;
        let Some(place) = offsets.place(&extent, offset) else {
            let place = self.nothing(meta);
            return Err(ReadError::Corrupt {
                offset,
                next: extent.next,
                place,
            });
        };
        let found = |block| Found {
            block,
            first: place.first,
            next: place.next,
        };
        if let Some(block) = self.cached(meta, &place) {
            return Ok(found(block));
        }
        let mut places = Vec::from([place]);
        let mut length = place.length;
        while length < ahead.min(READ_AHEAD)
            && let Some(next) = offsets.place_of(&extent, place.index + places.len())
            && self.cached(meta, &next).is_none()
        {
            length += next.length;
            places.push(next);
        }
        let blob = segment_blob(self.log, meta.number);
        let bytes = read_up_to(self.store, blob, place.position, length).await;
        let bytes = bytes?;
        let mut rest: &[u8] = &bytes;
        let mut wanted = None;
        for place in places {
            let (own, behind) = rest.split_at(rest.len().min(place.length));
            rest = behind;
            let mut bytes = Vec::new();
            Unread::reserve(&mut bytes, own.len())?;
            bytes.extend_from_slice(own);
            let block = self.decode(meta, &place, bytes)?;
            wanted.get_or_insert(block);
        }
        wanted.map(found).ok_or(ReadError::NotFound {
            offset,
            trimmed: false,
        })
    }

    fn cached(&self, meta: &SegmentMeta, place: &BlockPlace) -> Option<Arc<Block>> {
        let block = self.cache.get::<Block>(meta.number, place.index)?;
        (block.length() == place.length).then_some(block)
    }

    /// Verifies what was read of a block, and keeps it.
    fn decode(
        &self,
        meta: &SegmentMeta,
        place: &BlockPlace,
        bytes: Vec<u8>,
    ) -> Result<Arc<Block>, Unread<S::Error>> {
        let (blob, seed) = (
            segment_blob(self.log, meta.number),
            segment_seed(self.log, meta),
        );
        let range = (place.first, place.next);
        let block = Block::decode(blob, seed, place.position, bytes, place.length, range);
        let block = Arc::new(block.map_err(Unread::Memory)?);
        // Damage may be a blob that was removed under an older picture: it is
        // looked at again next time.
        if block.is_sound() {
            self.cache.put(meta.number, place.index, &block);
        }
        Ok(block)
    }

    pub(crate) fn tail_block(&self, tail: &TailView) -> Result<Found, Unread<S::Error>> {
        let blob = segment_blob(self.log, tail.meta.number);
        let seed = segment_seed(self.log, &tail.meta);
        let (bytes, range) = (tail.bytes.to_vec(), (tail.first, tail.next));
        let length = bytes.len();
        let block = Block::decode(blob, seed, tail.position, bytes, length, range);
        Ok(Found {
            block: Arc::new(block.map_err(Unread::Memory)?),
            first: tail.first,
            next: tail.next,
        })
    }

    /// The offset index of a segment.
    pub(crate) async fn offsets<'e>(
        &self,
        extent: &Extent<'e>,
    ) -> Result<Offsets<'e>, ReadError<S::Error>> {
        if let Some(index) = extent.index {
            return Ok(Offsets::Growing(&index.offsets));
        }
        let meta = extent.meta;
        if let Some(entries) = self.cache.get(meta.number, 0) {
            return Ok(Offsets::Loaded(entries));
        }
        let entries = load_offsets(self.store, self.log, meta).await?;
        let entries = Arc::new(entries);
        self.cache.put(meta.number, 0, &entries);
        Ok(Offsets::Loaded(entries))
    }

    const fn nothing(&self, meta: &SegmentMeta) -> Corruption {
        Corruption {
            blob: segment_blob(self.log, meta.number),
            position: 0,
            fault: Fault::Gap,
        }
    }
}

/// Limits of a read of one record.
pub(crate) fn one() -> ReadLimits {
    ReadLimits::records(1)
}

/// The offset that `at` stands for.
pub(crate) fn resolve<E>(
    snapshot: &Snapshot,
    at: At,
    below: BelowOldest,
) -> Result<u64, ReadError<E>> {
    let (oldest, next) = (snapshot.oldest(), snapshot.visible);
    let offset = match at {
        At::Oldest => oldest,
        At::Last => snapshot.last().unwrap_or(next),
        At::Next => next,
        At::Offset(offset) => offset,
    };
    if offset > next || (offset < oldest && below == BelowOldest::Refuse) {
        return Err(ReadError::OutOfRange {
            offset,
            oldest,
            next,
        });
    }
    Ok(offset.max(oldest))
}
