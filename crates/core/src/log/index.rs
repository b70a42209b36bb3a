//! Owns getting at a segment's indexes by offset and by time: from memory, from a
//! footer, or, where that is missing or damaged, rebuilt from the frames.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::chunks::Chunks;
use super::error::Unread;
use super::extent::read_up_to;
use super::growing::Growing;
use super::scan::{ScanOptions, scan};
use super::segment::{segment_blob, segment_seed};
use super::snapshot::Extent;
use crate::format::{
    BLOB_HEADER, Fault, Footer, FooterPlace, FooterRoot, FooterSpot, IndexEntry, KeyHasher,
    ProducerState, Section, SectionPlace, Seed, SegmentMeta, take_times,
};
use crate::producer::ProducerId;
use crate::search::{guess, guess_time, partition_near};
use crate::store::{BlobId, BlobKind, BlockStore, LogId};

/// The blob of index `number`.
pub(crate) const fn index_blob(log: LogId, number: u64) -> BlobId {
    BlobId {
        log,
        kind: BlobKind::Index,
        number,
    }
}

/// Where the footer of a segment is, if it has one.
fn footer_spot(log: LogId, meta: &SegmentMeta) -> Option<(BlobId, FooterSpot)> {
    match meta.footer {
        FooterPlace::None => None,
        FooterPlace::Own { length } => {
            let spot = FooterSpot {
                seed: segment_seed(log, meta),
                position: meta.data_end,
                length,
            };
            Some((segment_blob(log, meta.number), spot))
        }
        FooterPlace::Blob {
            number,
            salt,
            epoch,
            length,
        } => {
            let blob = index_blob(log, number);
            let spot = FooterSpot {
                seed: Seed::of(blob, epoch, salt),
                position: BLOB_HEADER as u64,
                length,
            };
            Some((blob, spot))
        }
    }
}

/// A footer of which the root was read, and of the rest what is asked for.
pub(crate) struct OpenFooter<'a, S> {
    store: &'a S,
    pub(crate) blob: BlobId,
    pub(crate) spot: FooterSpot,
    pub(crate) root: FooterRoot,
    /// Its last bytes, which were read with the root.
    tail: Vec<u8>,
}

impl<'a, S: BlockStore> OpenFooter<'a, S> {
    /// The footer of a segment, if it has one of which the root verifies and fits the
    /// manifest.
    pub(crate) async fn of(
        store: &'a S,
        log: LogId,
        meta: &SegmentMeta,
    ) -> Result<Option<Self>, Unread<S::Error>> {
        let Some((blob, spot)) = footer_spot(log, meta) else {
            return Ok(None);
        };
        for want in [FooterRoot::TAIL, FooterRoot::TAIL_MAX] {
            let want = want.min(usize::try_from(spot.length).unwrap_or(want));
            let from = spot.position + (spot.length - want as u64);
            let tail = read_up_to(store, blob, from, want).await?;
            let root = match FooterRoot::decode(&spot, &tail) {
                Err(Fault::Memory(bytes)) => return Err(Unread::Memory(bytes)),
                Err(Fault::Short) if tail.len() == want => continue,
                Ok(root) if tail.len() == want => root,
                _ => return Ok(None),
            };
            let fits = root.base_offset == meta.base_offset && root.data_end == meta.data_end;
            return Ok(fits.then_some(Self {
                store,
                blob,
                spot,
                root,
                tail,
            }));
        }
        Ok(None)
    }

    /// The verified payload of a section and the number of its items, if it is there
    /// and verifies.
    pub(crate) async fn section(
        &self,
        section: Section,
    ) -> Result<Option<(usize, Vec<u8>)>, Unread<S::Error>> {
        let Some(place) = self.root.section(section) else {
            return Ok(None);
        };
        let length = place.length as usize;
        let before = self.spot.length - self.tail.len() as u64;
        let held = u64::from(place.position)
            .checked_sub(before)
            .and_then(|at| usize::try_from(at).ok())
            .and_then(|at| self.tail.get(at..at + length));
        let payload = match held {
            Some(bytes) => Unread::unless_memory(place.payload(&self.spot, place.position, bytes))?,
            None => {
                read_blocks(
                    self.store,
                    self.blob,
                    &self.spot,
                    &place,
                    place.position,
                    length,
                )
                .await?
            }
        };
        Ok(payload.map(|payload| (place.items as usize, payload)))
    }

    /// The offset index, if it can be read.
    async fn offsets(&self) -> Result<Option<Vec<IndexEntry>>, Unread<S::Error>> {
        let found = self.section(Section::Offsets).await?;
        Ok(match found {
            Some((items, payload)) => Unread::unless_memory(IndexEntry::take_all(&payload, items))?,
            // An empty section is left out.
            None => (self.root.records == 0).then(Vec::new),
        })
    }
}

/// The producers in the footer of a segment that has some, if they can be read.
pub(crate) async fn load_producers<S: BlockStore>(
    store: &S,
    log: LogId,
    meta: &SegmentMeta,
) -> Result<Option<Vec<(ProducerId, ProducerState)>>, Unread<S::Error>> {
    let Some(footer) = OpenFooter::of(store, log, meta).await? else {
        return Ok(None);
    };
    let found = footer.section(Section::Producers).await?;
    match found {
        Some((items, payload)) => Unread::unless_memory(ProducerState::take_all(&payload, items)),
        None => Ok(None),
    }
}

/// Reads whole blocks of a section: `length` bytes from `position` of its footer on.
/// `None` if they are not what they must be.
pub(crate) async fn read_blocks<S: BlockStore>(
    store: &S,
    blob: BlobId,
    spot: &FooterSpot,
    place: &SectionPlace,
    position: u32,
    length: usize,
) -> Result<Option<Vec<u8>>, Unread<S::Error>> {
    let from = spot.position + u64::from(position);
    let bytes = read_up_to(store, blob, from, length).await?;
    let whole = bytes.len() == length;
    let payload = Unread::unless_memory(place.payload(spot, position, &bytes))?;
    Ok(payload.filter(|_| whole))
}

/// Whether every byte of a segment's footer is as it should be, if it has one.
pub(crate) async fn footer_verifies<S: BlockStore>(
    store: &S,
    log: LogId,
    meta: &SegmentMeta,
) -> Result<bool, Unread<S::Error>> {
    let Some((blob, spot)) = footer_spot(log, meta) else {
        return Ok(true);
    };
    let Ok(length) = usize::try_from(spot.length) else {
        return Ok(false);
    };
    let bytes = read_up_to(store, blob, spot.position, length).await?;
    let footer = Unread::unless_memory(Footer::decode(spot.seed, spot.position, &bytes))?;
    Ok(footer.is_some_and(|footer| {
        footer.root.base_offset == meta.base_offset && footer.root.data_end == meta.data_end
    }))
}

/// The indexes of a segment that has ended, made from its frames.
pub(crate) async fn rebuild<S: BlockStore>(
    store: &S,
    log: LogId,
    meta: &SegmentMeta,
    keys: Option<KeyHasher>,
) -> Result<Growing, Unread<S::Error>> {
    let found = scan(store, log, *meta, ScanOptions::sealed(meta, keys)).await?;
    Ok(found.index)
}

/// The offset index of a segment that has ended.
pub(crate) async fn load_offsets<S: BlockStore>(
    store: &S,
    log: LogId,
    meta: &SegmentMeta,
) -> Result<Vec<IndexEntry>, Unread<S::Error>> {
    if let Some(footer) = OpenFooter::of(store, log, meta).await?
        && let Some(offsets) = footer.offsets().await?
    {
        return Ok(offsets);
    }
    let rebuilt = rebuild(store, log, meta, None).await?;
    whole(&rebuilt.offsets)
}

/// The offset index of a segment that has ended, and the index time before each frame
/// that it names.
pub(crate) async fn load_times<S: BlockStore>(
    store: &S,
    log: LogId,
    meta: &SegmentMeta,
) -> Result<(Vec<IndexEntry>, Vec<i64>), Unread<S::Error>> {
    if let Some(footer) = OpenFooter::of(store, log, meta).await?
        && let Some((items, payload)) = footer.section(Section::Times).await?
        && let Some(times) = Unread::unless_memory(take_times(&payload, items))?
        && let Some(offsets) = footer.offsets().await?
        && offsets.len() == times.len()
    {
        return Ok((offsets, times));
    }
    let rebuilt = rebuild(store, log, meta, None).await?;
    let floors = rebuilt.floors.unwrap_or_default();
    Ok((whole(&rebuilt.offsets)?, whole(&floors)?))
}

fn whole<T: Copy, E>(chunks: &Chunks<T>) -> Result<Vec<T>, Unread<E>> {
    let mut items = Vec::new();
    Unread::reserve(&mut items, chunks.len())?;
    items.extend(chunks.iter().copied());
    Ok(items)
}

/// An offset index, wherever it is.
#[derive(Clone, Debug)]
pub(crate) enum Offsets<'a> {
    /// In memory, of a segment that grows or has no durable footer yet.
    Growing(&'a Chunks<IndexEntry>),
    /// Loaded.
    Loaded(Arc<Vec<IndexEntry>>),
}

/// The index times before the frames that an offset index names, wherever they are.
#[derive(Clone, Debug)]
pub(crate) enum Times<'a> {
    /// In memory.
    Growing(&'a Chunks<i64>),
    /// Loaded.
    Loaded(Arc<Vec<i64>>),
}

impl Times<'_> {
    /// The number of the block in which index time reaches `time`, if it does so in
    /// the segment.
    pub(crate) fn block(&self, time: i64) -> usize {
        match self {
            Self::Growing(floors) => {
                let behind = floors.partition_point(|floor| *floor < time);
                behind.saturating_sub(1)
            }
            Self::Loaded(floors) => block_of_time(floors, time),
        }
    }
}

/// The number of the block in which index time reaches `time`.
pub(crate) fn block_of_time(floors: &[i64], time: i64) -> usize {
    let (Some(first), Some(last)) = (floors.first(), floors.last()) else {
        return 0;
    };
    let guess = guess_time(time, *first, *last, floors.len());
    let below = |at: usize| floors.get(at).is_some_and(|floor| *floor < time);
    partition_near(floors.len(), guess, below).saturating_sub(1)
}

/// The number of the block in which the record `delta` behind the base offset lies, or
/// would lie.
pub(crate) fn block_of_offset(entries: &[IndexEntry], delta: u64) -> usize {
    let span = entries.last().map_or(0, |last| u64::from(last.delta));
    let guess = guess(delta, span, entries.len());
    let below = |at: usize| {
        entries
            .get(at)
            .is_some_and(|entry| u64::from(entry.delta) <= delta)
    };
    partition_near(entries.len(), guess, below).saturating_sub(1)
}

/// Where a block is, and which offsets it answers for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockPlace {
    /// Its number in the segment.
    pub(crate) index: usize,
    pub(crate) position: u64,
    pub(crate) length: usize,
    pub(crate) first: u64,
    pub(crate) next: u64,
}

impl Offsets<'_> {
    fn get(&self, index: usize) -> Option<IndexEntry> {
        match self {
            Self::Growing(chunks) => chunks.get(index).copied(),
            Self::Loaded(entries) => entries.get(index).copied(),
        }
    }

    /// The block in which `offset` lies, or would lie.
    pub(crate) fn place(&self, extent: &Extent<'_>, offset: u64) -> Option<BlockPlace> {
        let delta = offset.saturating_sub(extent.meta.base_offset);
        let index = match self {
            Self::Growing(chunks) => {
                let behind = chunks.partition_point(|entry| u64::from(entry.delta) <= delta);
                behind.saturating_sub(1)
            }
            Self::Loaded(entries) => block_of_offset(entries, delta),
        };
        self.place_of(extent, index)
    }

    /// The offset from which on blocks begin at or behind `position`.
    pub(crate) fn behind_position(&self, extent: &Extent<'_>, position: u64) -> Option<u64> {
        let before = |entry: &IndexEntry| u64::from(entry.position) < position;
        let behind = match self {
            Self::Growing(chunks) => chunks.partition_point(before),
            Self::Loaded(entries) => entries.partition_point(before),
        };
        let entry = self.get(behind)?;
        Some(extent.meta.base_offset + u64::from(entry.delta))
    }

    /// The block of this number.
    pub(crate) fn place_of(&self, extent: &Extent<'_>, index: usize) -> Option<BlockPlace> {
        BlockPlace::between(extent, index, self.get(index)?, self.get(index + 1))
    }
}

impl BlockPlace {
    /// The block between two entries of the index.
    pub(crate) fn between(
        extent: &Extent<'_>,
        index: usize,
        entry: IndexEntry,
        after: Option<IndexEntry>,
    ) -> Option<Self> {
        let base = extent.meta.base_offset;
        // Only the manifest says where a segment ends.
        let within = |entry: IndexEntry| extent.next.min(base + u64::from(entry.delta));
        // The first block begins where frames do: what is damaged there has no entry.
        let position = if index == 0 {
            BLOB_HEADER as u64
        } else {
            u64::from(entry.position)
        };
        let end = after.map_or(extent.data_end, |after| u64::from(after.position));
        Some(Self {
            index,
            position,
            length: usize::try_from(end.saturating_sub(position)).unwrap_or(0),
            // The first block answers for the offsets in front of its first frame.
            first: if index == 0 { base } else { within(entry) },
            next: after.map_or(extent.next, within),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::ContentHash;
    use alloc::vec;

    #[test]
    fn no_block_answers_for_offsets_behind_its_segment() {
        // A footer whose entries go on behind the end that the manifest says made damage
        // reach beyond the log.
        let meta = SegmentMeta {
            number: 1,
            epoch: 1,
            salt: 0,
            base_offset: 5,
            base_clamp: 0,
            base_hash: ContentHash(0),
            next_offset: 10,
            records: 5,
            data_end: 4096,
            min_time: 0,
            max_time: 0,
            clamp: 0,
            content_hash: ContentHash(0),
            producers: 0,
            footer: FooterPlace::None,
            sealed: true,
        };
        let extent = Extent {
            meta: &meta,
            index: None,
            data_end: meta.data_end,
            next: meta.next_offset,
        };
        let entry = |delta, position| IndexEntry { delta, position };
        let entries = vec![
            entry(0, 64),
            entry(3, 512),
            entry(90, 1024),
            entry(95, 2048),
        ];
        let offsets = Offsets::Loaded(Arc::new(entries));
        let range = |index| {
            let place = offsets.place_of(&extent, index).unwrap();
            (place.first, place.next)
        };
        assert_eq!([range(0), range(1)], [(5, 8), (8, 10)]);
        assert_eq!([range(2), range(3)], [(10, 10), (10, 10)]);
        let last = offsets.place(&extent, 9).unwrap();
        assert_eq!((last.index, last.next), (1, 10));
    }

    #[test]
    fn the_block_of_a_time_is_found() {
        let floors: Vec<i64> = (0..1000).map(|i| i * 40).collect();
        assert_eq!(block_of_time(&floors, 40 * 77 + 1), 77);
        assert_eq!(block_of_time(&[i64::MIN, 0, i64::MAX], 5), 1);
        assert_eq!(block_of_time(&[], 5), 0);
    }
}
