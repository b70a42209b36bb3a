//! Owns reading by key: the newest record of one, and all of its records in order.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::block::{Batch, BlockSlice, Entry};
use super::drive::Inner;
use super::error::{LookupError, ReadError, Unread};
use super::growing::KeyList;
use super::handle::Log;
use super::index::{OpenFooter, read_blocks, rebuild};
use super::keys::{BlockSearch, SegmentKeys};
use super::read::{Source, resolve};
use super::reader::Reader;
use super::scan::Damage;
use super::snapshot::{Part, Snapshot};
use crate::format::{Filter, KeyBlock, KeyHasher, KeyItem, Section, SegmentMeta};
use crate::options::{At, ReadLimits};
use crate::sharing::{Shared, Sharing};
use crate::store::BlockStore;

/// The places in one part of a log at which a key may be, by its hash.
struct Positions<'a> {
    kind: PositionsKind<'a>,
    /// What could not be read when the index was made: nobody knows what is there.
    damage: Option<Arc<Vec<Damage>>>,
}

enum PositionsKind<'a> {
    /// These offsets, to be taken from the end.
    Listed(Vec<u64>),
    /// Where the table of a segment says, from a place on.
    Table {
        list: &'a KeyList,
        base: u64,
        segment: u64,
        hash: u64,
        place: u32,
    },
    /// Beside this item of a key index, which is the first at or behind the edge: an
    /// offset less the base.
    Index {
        hasher: KeyHasher,
        meta: &'a SegmentMeta,
        keys: Arc<SegmentKeys>,
        hash: u64,
        edge: u64,
        item: usize,
        /// The block looked into last.
        last: Option<(usize, Arc<KeyBlock>)>,
    },
}

impl<S: BlockStore, P: Sharing> Source<'_, S, P> {
    /// The newest record with this key.
    async fn get_by_key(
        &self,
        snapshot: &Snapshot,
        key: &[u8],
    ) -> Result<Entry, LookupError<S::Error>> {
        let newest = self.newest(snapshot, key, snapshot.visible).await?;
        newest.ok_or(LookupError::KeyNotFound)
    }

    /// The offset of the newest record with this key below `below`.
    pub(crate) async fn newest_below(
        &self,
        snapshot: &Snapshot,
        key: &[u8],
        below: u64,
    ) -> Result<Option<u64>, LookupError<S::Error>> {
        let newest = self.newest(snapshot, key, below).await?;
        Ok(newest.map(|entry| entry.record().offset))
    }

    async fn newest(
        &self,
        snapshot: &Snapshot,
        key: &[u8],
        below: u64,
    ) -> Result<Option<Entry>, LookupError<S::Error>> {
        let hash = keyed(snapshot)?.hash(key);
        let oldest = snapshot.oldest();
        for index in (0..snapshot.parts()).rev() {
            let Some(part) = snapshot.part(index) else {
                continue;
            };
            if part.next_offset() <= oldest {
                break;
            }
            let mut positions = self.positions(snapshot, &part, key, hash, None).await?;
            let mut above = part.next_offset().min(below);
            if above <= part.base_offset() {
                continue;
            }
            loop {
                let candidate = self.older(&mut positions).await?;
                let from = candidate.map_or(part.base_offset(), |offset| offset + 1);
                positions.readable(from.max(oldest), above)?;
                let Some(offset) = candidate else { break };
                if offset >= above {
                    continue;
                }
                above = offset;
                if let Some(entry) = self.verify(snapshot, offset, key).await? {
                    return Ok(Some(entry));
                }
            }
        }
        Ok(None)
    }

    /// Records with this key from `at` on, oldest first.
    async fn read_by_key(
        &self,
        snapshot: &Snapshot,
        key: &[u8],
        at: At,
        limits: ReadLimits,
    ) -> Result<Batch, LookupError<S::Error>> {
        let hash = keyed(snapshot)?.hash(key);
        let start = resolve(snapshot, at, limits.below_oldest)?;
        let mut found = Matches {
            slices: Vec::new(),
            next: start,
            records: limits.records,
            bytes: limits.bytes,
        };
        match self.collect(snapshot, key, hash, start, &mut found).await {
            // What was read comes first; the next read says what is in the way.
            Err(error) if found.slices.is_empty() => return Err(error),
            _ => {}
        }
        if found.slices.is_empty() && limits.records > 0 {
            found.next = snapshot.visible;
        }
        Ok(Batch {
            slices: found.slices,
            next: found.next,
            reverse: false,
        })
    }

    async fn collect(
        &self,
        snapshot: &Snapshot,
        key: &[u8],
        hash: u64,
        mut cursor: u64,
        found: &mut Matches,
    ) -> Result<(), LookupError<S::Error>> {
        while found.records > 0 && cursor < snapshot.visible {
            let Some(part) = snapshot.part_from(cursor) else {
                break;
            };
            cursor = cursor.max(part.base_offset());
            let end = part.next_offset().min(snapshot.visible);
            let from = Some(cursor);
            let mut positions = self.positions(snapshot, &part, key, hash, from).await?;
            loop {
                let candidate = self.newer(&mut positions).await?;
                let candidate = candidate.filter(|offset| *offset < end);
                positions.readable(cursor, candidate.unwrap_or(end))?;
                let Some(offset) = candidate else { break };
                if let Some(entry) = self.verify(snapshot, offset, key).await?
                    && !found.take(&entry, offset)
                {
                    return Ok(());
                }
                cursor = offset + 1;
            }
            cursor = cursor.max(part.next_offset());
        }
        Ok(())
    }

    /// The record with this offset, if it is there and has this very key.
    async fn verify(
        &self,
        snapshot: &Snapshot,
        offset: u64,
        key: &[u8],
    ) -> Result<Option<Entry>, ReadError<S::Error>> {
        let found = match self.get_cached(snapshot, offset) {
            Some(entry) => Ok(entry),
            None => self.get(snapshot, At::Offset(offset)).await,
        };
        match found {
            Ok(entry) => Ok(Some(entry).filter(|entry| entry.record().key == Some(key))),
            Err(ReadError::NotFound { .. } | ReadError::OutOfRange { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where a key may be in `part`: everywhere, to be taken from the new end, or from
    /// an offset on, to be taken in order.
    async fn positions<'p>(
        &self,
        snapshot: &Snapshot,
        part: &Part<'p>,
        key: &[u8],
        hash: u64,
        from: Option<u64>,
    ) -> Result<Positions<'p>, ReadError<S::Error>> {
        let extent = match (part.extent(), part) {
            (Some(extent), _) => extent,
            (None, Part::Tail(tail)) => {
                let mut offsets = self.tail_block(tail)?.block.keyed(key, from.unwrap_or(0));
                if from.is_some() {
                    offsets.reverse();
                }
                return Ok(Positions::listed(offsets));
            }
            (None, _) => return Ok(Positions::listed(Vec::new())),
        };
        let meta = extent.meta;
        if let Some(index) = extent.index
            && let Some(list) = &index.keys
        {
            let place = self.table(snapshot, meta.number, list, hash)?;
            let mut positions = Positions {
                kind: PositionsKind::Table {
                    list,
                    base: meta.base_offset,
                    segment: meta.number,
                    hash,
                    place,
                },
                damage: index.damage.clone(),
            };
            if let Some(from) = from {
                let mut offsets = Vec::new();
                while let Some(offset) = self.older(&mut positions).await?
                    && offset >= from
                {
                    Unread::reserve(&mut offsets, 1)?;
                    offsets.push(offset);
                }
                positions.kind = PositionsKind::Listed(offsets);
            }
            return Ok(positions);
        }
        let keys = self.segment_keys(snapshot, meta).await?;
        let mut positions = Positions {
            damage: keys.damage(),
            kind: PositionsKind::Index {
                hasher: snapshot.hasher,
                meta,
                keys,
                hash,
                edge: from.map_or(u64::MAX, |from| from.saturating_sub(meta.base_offset)),
                item: 0,
                last: None,
            },
        };
        self.seek(&mut positions).await?;
        Ok(positions)
    }

    /// Brings the table of a segment up to date with `list`, and says where in it to
    /// begin looking for `hash`.
    fn table(
        &self,
        snapshot: &Snapshot,
        segment: u64,
        list: &KeyList,
        hash: u64,
    ) -> Result<u32, Unread<S::Error>> {
        let known = self.tables.read(|tables| {
            let known = tables.knows(segment, list);
            known.then(|| tables.first(segment, hash))
        });
        if let Some(place) = known {
            return Ok(place);
        }
        loop {
            let place: Result<_, Unread<S::Error>> = self.tables.write(|tables| {
                let known = tables.catch_up(segment, list, snapshot)?;
                Ok(known.then(|| tables.first(segment, hash)))
            });
            if let Some(place) = place? {
                return Ok(place);
            }
        }
    }

    /// The next candidate from the new end.
    async fn older(
        &self,
        positions: &mut Positions<'_>,
    ) -> Result<Option<u64>, ReadError<S::Error>> {
        match &mut positions.kind {
            PositionsKind::Listed(offsets) => Ok(offsets.pop()),
            PositionsKind::Table {
                list,
                base,
                segment,
                hash,
                place,
            } => {
                let found = self
                    .tables
                    .read(|tables| tables.next(*segment, list, *hash, *place));
                Ok(found.map(|(delta, next)| {
                    *place = next;
                    *base + u64::from(delta)
                }))
            }
            PositionsKind::Index { .. } => self.indexed(positions, true).await,
        }
    }

    /// The next candidate in order.
    async fn newer(
        &self,
        positions: &mut Positions<'_>,
    ) -> Result<Option<u64>, ReadError<S::Error>> {
        match &mut positions.kind {
            PositionsKind::Listed(offsets) => Ok(offsets.pop()),
            PositionsKind::Table { .. } => Ok(None),
            PositionsKind::Index { .. } => self.indexed(positions, false).await,
        }
    }

    /// The candidate beside the edge in a key index: in front of it, or behind it.
    async fn indexed(
        &self,
        positions: &mut Positions<'_>,
        before: bool,
    ) -> Result<Option<u64>, ReadError<S::Error>> {
        loop {
            let PositionsKind::Index {
                meta,
                keys,
                hash,
                edge,
                item,
                last,
                ..
            } = &mut positions.kind
            else {
                return Ok(None);
            };
            let Some(wanted) = item.checked_sub(usize::from(before)) else {
                return Ok(None);
            };
            let found = match keys.as_ref() {
                SegmentKeys::Rebuilt { items, .. } => items.get(wanted).copied(),
                SegmentKeys::Stored { place, .. } if wanted >= place.items as usize => None,
                SegmentKeys::Stored { .. } => {
                    let index = wanted / KeyBlock::ITEMS;
                    let held = last.take().filter(|(held, _)| *held == index);
                    let block = match held {
                        Some((_, block)) => Some(block),
                        None => self.key_block(meta.number, keys, index).await?,
                    };
                    let Some(block) = block else {
                        self.give_up(positions).await?;
                        continue;
                    };
                    let found = block.get(wanted % KeyBlock::ITEMS);
                    *last = Some((index, block));
                    found
                }
            };
            let Some(found) = found.filter(|found| found.hash == *hash) else {
                return Ok(None);
            };
            let delta = u64::from(found.delta);
            (*item, *edge) = match before {
                true => (wanted, delta),
                false => (wanted + 1, delta + 1),
            };
            return Ok(Some(meta.base_offset + delta));
        }
    }

    /// Finds the first item at or behind the edge.
    async fn seek(&self, positions: &mut Positions<'_>) -> Result<(), ReadError<S::Error>> {
        loop {
            let PositionsKind::Index {
                meta,
                keys,
                hash,
                edge,
                item,
                last,
                ..
            } = &mut positions.kind
            else {
                return Ok(());
            };
            if !keys.may_have(*hash) {
                positions.kind = PositionsKind::Listed(Vec::new());
                return Ok(());
            }
            let place = match keys.as_ref() {
                SegmentKeys::Rebuilt { items, .. } => {
                    let below = |own: &KeyItem| is_below(*own, *hash, *edge);
                    *item = items.partition_point(below);
                    return Ok(());
                }
                SegmentKeys::Stored { place, .. } => *place,
            };
            let mut search = BlockSearch::new(place.items as usize, *hash);
            let found = loop {
                let index = match search.block() {
                    Err(index) => break Some(index * KeyBlock::ITEMS),
                    Ok(index) => index,
                };
                let Some(block) = self.key_block(meta.number, keys, index).await? else {
                    break None;
                };
                let at = block.partition_point(*hash, |own| is_below(own, *hash, *edge));
                let length = block.len();
                *last = Some((index, block));
                if search.found(at, length) {
                    break Some(index * KeyBlock::ITEMS + at);
                }
            };
            if let Some(found) = found {
                *item = found.min(place.items as usize);
                return Ok(());
            }
            self.rebuild_keys(positions).await?;
        }
    }

    /// Goes on with the frames of the segment, because its key index cannot be read.
    async fn give_up(&self, positions: &mut Positions<'_>) -> Result<(), ReadError<S::Error>> {
        self.rebuild_keys(positions).await?;
        self.seek(positions).await
    }

    async fn rebuild_keys(&self, positions: &mut Positions<'_>) -> Result<(), ReadError<S::Error>> {
        let PositionsKind::Index {
            hasher, meta, keys, ..
        } = &mut positions.kind
        else {
            return Ok(());
        };
        *keys = self.rebuilt_keys(*hasher, meta).await?;
        positions.damage = keys.damage();
        Ok(())
    }

    async fn rebuilt_keys(
        &self,
        hasher: KeyHasher,
        meta: &SegmentMeta,
    ) -> Result<Arc<SegmentKeys>, ReadError<S::Error>> {
        let rebuilt = rebuild(self.store, self.log, meta, Some(hasher)).await;
        let rebuilt = rebuilt?;
        let mut items = Vec::new();
        if let Some(list) = rebuilt.keys {
            Unread::reserve(&mut items, list.len())?;
            list.sort_into(&mut items);
        }
        let keys = Arc::new(SegmentKeys::Rebuilt {
            items,
            damage: rebuilt.damage,
        });
        self.cache.put(meta.number, 0, &keys);
        Ok(keys)
    }

    /// The key index of a segment that has ended.
    async fn segment_keys(
        &self,
        snapshot: &Snapshot,
        meta: &SegmentMeta,
    ) -> Result<Arc<SegmentKeys>, ReadError<S::Error>> {
        if let Some(keys) = self.cache.get(meta.number, 0) {
            return Ok(keys);
        }
        let footer = OpenFooter::of(self.store, self.log, meta).await;
        let Some(footer) = footer? else {
            return self.rebuilt_keys(snapshot.hasher, meta).await;
        };
        let places = (
            footer.root.section(Section::Keys),
            footer.root.section(Section::Filter),
        );
        let (Some(place), Some(before)) = places else {
            return self.rebuilt_keys(snapshot.hasher, meta).await;
        };
        let mut filter = None;
        if self.cache.has_room(before.length as usize) {
            let section = footer.section(Section::Filter).await;
            let section = section?;
            if let Some((items, payload)) = section {
                filter = Unread::unless_memory(Filter::take(&payload, items))?;
            }
            if filter.is_none() {
                return self.rebuilt_keys(snapshot.hasher, meta).await;
            }
        }
        let keys = Arc::new(SegmentKeys::Stored {
            blob: footer.blob,
            spot: footer.spot,
            place,
            filter,
        });
        self.cache.put(meta.number, 0, &keys);
        Ok(keys)
    }

    /// A block of a stored key index; `None` if it cannot be read.
    async fn key_block(
        &self,
        segment: u64,
        keys: &SegmentKeys,
        index: usize,
    ) -> Result<Option<Arc<KeyBlock>>, ReadError<S::Error>> {
        if let Some(block) = self.cache.get(segment, index) {
            return Ok(Some(block));
        }
        let SegmentKeys::Stored {
            blob, spot, place, ..
        } = keys
        else {
            return Ok(None);
        };
        let Some((position, length)) = place.block(index) else {
            return Ok(None);
        };
        let payload = read_blocks(self.store, *blob, spot, place, position, length).await;
        let Some(payload) = payload? else {
            return Ok(None);
        };
        let items = (place.items as usize).saturating_sub(index * KeyBlock::ITEMS);
        let Ok(block) = KeyBlock::new(payload, items.min(KeyBlock::ITEMS)) else {
            return Ok(None);
        };
        let block = Arc::new(block);
        self.cache.put(segment, index, &block);
        Ok(Some(block))
    }
}

/// Whether an item comes before the place of a hash and an offset less the base.
fn is_below(item: KeyItem, hash: u64, edge: u64) -> bool {
    (item.hash, u64::from(item.delta)) < (hash, edge)
}

/// What keys are hashed with, if the log indexes them.
fn keyed<E>(snapshot: &Snapshot) -> Result<KeyHasher, LookupError<E>> {
    match snapshot.indexes.keys {
        true => Ok(snapshot.hasher),
        false => Err(LookupError::NoIndex {
            wanted: "key",
            indexes: snapshot.indexes,
        }),
    }
}

impl Positions<'_> {
    const fn listed(offsets: Vec<u64>) -> Self {
        Self {
            kind: PositionsKind::Listed(offsets),
            damage: None,
        }
    }

    /// Refuses to pass over offsets of which nobody knows the keys.
    fn readable<E>(&self, from: u64, to: u64) -> Result<(), ReadError<E>> {
        let Some(damage) = &self.damage else {
            return Ok(());
        };
        let hit = damage
            .iter()
            .find(|damage| damage.first < to && damage.next > from);
        match hit {
            None => Ok(()),
            Some(damage) => Err(ReadError::Corrupt {
                offset: damage.first.max(from),
                next: damage.next,
                place: damage.place,
            }),
        }
    }
}

/// Records that were found to match.
struct Matches {
    slices: Vec<BlockSlice>,
    next: u64,
    /// What may still be taken.
    records: usize,
    bytes: usize,
}

impl Matches {
    /// Takes a record, if it is within the limits.
    fn take(&mut self, entry: &Entry, offset: u64) -> bool {
        let size = entry.block.span(entry.index, entry.index + 1);
        if self.records == 0 || size > self.bytes && !self.slices.is_empty() {
            return false;
        }
        self.records -= 1;
        self.bytes = self.bytes.saturating_sub(size);
        self.next = offset + 1;
        match self.slices.last_mut() {
            Some(last) if last.end == entry.index && Arc::ptr_eq(&last.block, &entry.block) => {
                last.end += 1;
            }
            _ => self.slices.push(BlockSlice {
                block: Arc::clone(&entry.block),
                start: entry.index,
                end: entry.index + 1,
            }),
        }
        self.records > 0
    }
}

impl<S: BlockStore, P: Sharing> Inner<S, P> {
    async fn key_entry(
        &self,
        mut snapshot: Arc<Snapshot>,
        key: &[u8],
    ) -> Result<Entry, LookupError<S::Error>> {
        if snapshot.closed {
            return Err(ReadError::Closed.into());
        }
        if let Some(known) = self.source().known_key(&snapshot, key) {
            return known;
        }
        loop {
            let outcome = self.source().get_by_key(&snapshot, key).await;
            match self.newer_for(&snapshot, &outcome).await {
                Some(newer) => snapshot = newer,
                None => return outcome.map_err(|error| error.within(&snapshot)),
            }
        }
    }

    async fn key_batch(
        &self,
        mut snapshot: Arc<Snapshot>,
        key: &[u8],
        at: At,
        limits: ReadLimits,
    ) -> Result<Batch, LookupError<S::Error>> {
        if snapshot.closed {
            return Err(ReadError::Closed.into());
        }
        loop {
            let outcome = self.source().read_by_key(&snapshot, key, at, limits).await;
            match self.newer_for(&snapshot, &outcome).await {
                Some(newer) => snapshot = newer,
                None => return outcome.map_err(|error| error.within(&snapshot)),
            }
        }
    }
}

impl<S: BlockStore, P: Sharing> Log<S, P> {
    /// The newest record with this key. An absent key is no key: it cannot be asked
    /// for, and the empty key is one like any other.
    ///
    /// # Errors
    /// `no-index` if the log indexes no keys, `not-found` if no record has this one,
    /// `corrupt` where damaged records may, or the store's own.
    pub async fn get_by_key(&self, key: &[u8]) -> Result<Entry, LookupError<S::Error>> {
        self.inner().key_entry(self.own(), key).await
    }

    /// The offset of the newest record with this key.
    ///
    /// # Errors
    /// As for [`get_by_key`](Self::get_by_key).
    pub async fn offset_by_key(&self, key: &[u8]) -> Result<u64, LookupError<S::Error>> {
        let entry = self.get_by_key(key).await?;
        Ok(entry.record().offset)
    }

    /// Records with this key from `at` on, oldest first, across segments, up to the
    /// limits. [`next`](Batch::next) is the offset after the last of them, or that of
    /// the log if there is none.
    ///
    /// # Errors
    /// `no-index` if the log indexes no keys, and as for [`read`](Self::read).
    pub async fn read_by_key(
        &self,
        key: &[u8],
        at: At,
        limits: ReadLimits,
    ) -> Result<Batch, LookupError<S::Error>> {
        self.inner().key_batch(self.own(), key, at, limits).await
    }

    /// Waits until there are records with this key from `at` on that are acknowledged
    /// at the log's level, and reads them.
    ///
    /// # Errors
    /// As for [`read_by_key`](Self::read_by_key), and `closed` when the log is closed
    /// meanwhile.
    pub async fn follow_by_key(
        &self,
        key: &[u8],
        at: At,
        limits: ReadLimits,
    ) -> Result<Batch, LookupError<S::Error>> {
        self.reader().follow_by_key(key, at, limits).await
    }
}

impl<S: BlockStore, P: Sharing> Reader<S, P> {
    /// The newest record with this key.
    ///
    /// # Errors
    /// As for [`Log::get_by_key`].
    pub async fn get_by_key(&self, key: &[u8]) -> Result<Entry, LookupError<S::Error>> {
        self.inner().key_entry(self.picture(), key).await
    }

    /// The offset of the newest record with this key.
    ///
    /// # Errors
    /// As for [`Log::get_by_key`].
    pub async fn offset_by_key(&self, key: &[u8]) -> Result<u64, LookupError<S::Error>> {
        let entry = self.get_by_key(key).await?;
        Ok(entry.record().offset)
    }

    /// Records with this key from `at` on, as [`Log::read_by_key`] reads them.
    ///
    /// # Errors
    /// As for [`Log::read_by_key`].
    pub async fn read_by_key(
        &self,
        key: &[u8],
        at: At,
        limits: ReadLimits,
    ) -> Result<Batch, LookupError<S::Error>> {
        self.inner()
            .key_batch(self.picture(), key, at, limits)
            .await
    }

    /// Waits until there are records with this key from `at` on, and reads them. From
    /// [`At::Next`] on it waits for the next append of one.
    ///
    /// In a handle that only reads, new records appear with
    /// [`Log::refresh`](Log::refresh).
    ///
    /// # Errors
    /// As for [`Log::read_by_key`], and `closed` when the log is closed meanwhile.
    pub async fn follow_by_key(
        &self,
        key: &[u8],
        mut at: At,
        limits: ReadLimits,
    ) -> Result<Batch, LookupError<S::Error>> {
        loop {
            let picture = self.picture();
            let seen = picture.visible;
            let batch = self.inner().key_batch(picture, key, at, limits).await?;
            if limits.records == 0 || !batch.is_empty() {
                return Ok(batch);
            }
            at = At::Offset(seen);
            self.changed(seen).await;
        }
    }
}
