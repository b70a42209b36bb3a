//! Owns reading: from a picture of the log to records, through the cache. Never
//! touches what the writer holds.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::block::{Batch, Block, BlockSlice, Entry};
use super::cache::Cache;
use super::chunks::Chunks;
use super::error::{Corruption, ReadError};
use super::extent::read_up_to;
use super::index::{BlockPlace, Offsets, load_offsets};
use super::segment::{segment_blob, segment_seed};
use super::snapshot::{Part, Snapshot, TailView};
use crate::format::{Fault, IndexEntry, SegmentMeta};
use crate::options::{At, BelowOldest, ReadLimits};
use crate::sharing::Sharing;
use crate::store::{BlockStore, LogId};

/// Where a log's records are read from.
pub(crate) struct Source<'a, S, P: Sharing> {
    pub(crate) store: &'a S,
    pub(crate) log: LogId,
    pub(crate) cache: &'a Cache<P>,
}

/// Bytes that a forward read asks the store for at once.
const READ_AHEAD: usize = 128 << 10;

/// A block and the offsets it answers for.
struct Found {
    block: Arc<Block>,
    first: u64,
    next: u64,
}

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
                break;
            };
            cursor = cursor.max(part.base_offset());
            // What was read comes first; the next read says what is in the way.
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
            let fits = block.fit(start, end, bytes, slices.is_empty());
            let taken = (fits - start).min(records);
            let stopped = start + taken < end || fits < end;
            if taken > 0 {
                bytes = bytes.saturating_sub(block.span(start, start + taken));
                records -= taken;
                slices.push(BlockSlice {
                    block: Arc::clone(block),
                    start,
                    end: start + taken,
                });
            }
            if stopped {
                cursor = block
                    .record(start + taken)
                    .map_or(next, |record| record.offset);
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
            // What was read comes first; the next read says what is in the way.
            let found = match self.block(&part, cursor - 1, 0).await {
                Err(_) if !slices.is_empty() => break,
                found => found?,
            };
            let block = &found.block;
            let end = block.lower_bound(cursor);
            let mut start = 0;
            let damage = block.damage_below(cursor);
            if let Some(damage) = damage {
                start = block.lower_bound(damage.next);
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
            let fits = block.fit_back(start, end, bytes, slices.is_empty());
            let taken = (end - fits).min(records);
            if taken > 0 {
                bytes = bytes.saturating_sub(block.span(end - taken, end));
                records -= taken;
                slices.push(BlockSlice {
                    block: Arc::clone(block),
                    start: end - taken,
                    end,
                });
            }
            if end - taken > start {
                cursor = block.offset(end - taken).unwrap_or(found.first);
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
                return self.first_of(self.read_reverse(snapshot, At::Next, one()).await?, next);
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
        let part = snapshot.part_from(offset)?;
        let extent = part.extent()?;
        let meta = extent.meta;
        let offsets = match extent.index {
            Some(chunks) => Offsets::Growing(chunks),
            None => Offsets::Loaded(self.cache.offsets(meta.number)?),
        };
        let place = offsets.place(&extent, offset)?;
        let block = self.cache.block(meta.number, place.index)?;
        let index = block.lower_bound(offset);
        let here = block.length() == place.length && block.offset(index) == Some(offset);
        here.then_some(Entry { block, index })
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
    async fn block(
        &self,
        part: &Part<'_>,
        offset: u64,
        ahead: usize,
    ) -> Result<Found, ReadError<S::Error>> {
        let extent = match (part.extent(), part) {
            (Some(extent), _) => extent,
            (None, Part::Tail(tail)) => return Ok(self.tail_block(tail)),
            (None, _) => {
                return Err(ReadError::NotFound {
                    offset,
                    trimmed: false,
                });
            }
        };
        let meta = extent.meta;
        let offsets = self.offsets(extent.index, meta).await?;
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
        let bytes = bytes.map_err(ReadError::Store)?;
        let mut rest: &[u8] = &bytes;
        let mut wanted = None;
        for place in places {
            let (own, behind) = rest.split_at(rest.len().min(place.length));
            rest = behind;
            let block = self.decode(meta, &place, own.to_vec());
            wanted.get_or_insert(block);
        }
        wanted.map(found).ok_or(ReadError::NotFound {
            offset,
            trimmed: false,
        })
    }

    fn cached(&self, meta: &SegmentMeta, place: &BlockPlace) -> Option<Arc<Block>> {
        let block = self.cache.block(meta.number, place.index)?;
        (block.length() == place.length).then_some(block)
    }

    /// Verifies what was read of a block, and keeps it.
    fn decode(&self, meta: &SegmentMeta, place: &BlockPlace, bytes: Vec<u8>) -> Arc<Block> {
        let (blob, seed) = (
            segment_blob(self.log, meta.number),
            segment_seed(self.log, meta),
        );
        let range = (place.first, place.next);
        let block = Block::decode(blob, seed, place.position, bytes, place.length, range);
        let block = Arc::new(block);
        // Damage may be a blob that was removed under an older picture: it is
        // looked at again next time.
        if block.is_sound() {
            self.cache.put_block(meta.number, place.index, &block);
        }
        block
    }

    fn tail_block(&self, tail: &TailView) -> Found {
        let blob = segment_blob(self.log, tail.meta.number);
        let seed = segment_seed(self.log, &tail.meta);
        let (bytes, range) = (tail.bytes.to_vec(), (tail.first, tail.next));
        let length = bytes.len();
        let block = Block::decode(blob, seed, tail.position, bytes, length, range);
        Found {
            block: Arc::new(block),
            first: tail.first,
            next: tail.next,
        }
    }

    async fn offsets<'i>(
        &self,
        index: Option<&'i Chunks<IndexEntry>>,
        meta: &SegmentMeta,
    ) -> Result<Offsets<'i>, ReadError<S::Error>> {
        if let Some(chunks) = index {
            return Ok(Offsets::Growing(chunks));
        }
        if let Some(entries) = self.cache.offsets(meta.number) {
            return Ok(Offsets::Loaded(entries));
        }
        let entries = load_offsets(self.store, self.log, meta)
            .await
            .map_err(ReadError::Store)?;
        self.cache.put_offsets(meta.number, &entries);
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

fn one() -> ReadLimits {
    ReadLimits::records(1)
}

/// The offset that `at` stands for.
fn resolve<E>(snapshot: &Snapshot, at: At, below: BelowOldest) -> Result<u64, ReadError<E>> {
    let (oldest, next) = (snapshot.oldest(), snapshot.visible);
    let offset = match at {
        At::Oldest => oldest,
        At::Last => next.saturating_sub(1).max(oldest),
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
