//! Owns getting at a segment's offset index: from memory, from a footer, or, where
//! that is missing or damaged, rebuilt from the frames.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::chunks::Chunks;
use super::extent::read_up_to;
use super::scan::{ScanOptions, scan};
use super::segment::{segment_blob, segment_seed};
use super::snapshot::Extent;
use crate::format::{BLOB_HEADER, Footer, FooterPlace, IndexEntry, Seed, SegmentMeta};
use crate::store::{BlobId, BlobKind, BlockStore, LogId};

/// The blob of index `number`.
pub(crate) const fn index_blob(log: LogId, number: u64) -> BlobId {
    BlobId {
        log,
        kind: BlobKind::Index,
        number,
    }
}

/// The footer of a segment, if it has one that verifies and fits the manifest.
pub(crate) async fn load_footer<S: BlockStore>(
    store: &S,
    log: LogId,
    meta: &SegmentMeta,
) -> Result<Option<Footer>, S::Error> {
    let (blob, seed, position, length) = match meta.footer {
        FooterPlace::None => return Ok(None),
        FooterPlace::Own { length } => (
            segment_blob(log, meta.number),
            segment_seed(log, meta),
            meta.data_end,
            length,
        ),
        FooterPlace::Blob {
            number,
            salt,
            epoch,
            length,
        } => {
            let blob = index_blob(log, number);
            (
                blob,
                Seed::of(blob, epoch, salt),
                BLOB_HEADER as u64,
                length,
            )
        }
    };
    let Ok(length) = usize::try_from(length) else {
        return Ok(None);
    };
    let bytes = read_up_to(store, blob, position, length).await?;
    let fits = |footer: &Footer| {
        footer.root.base_offset == meta.base_offset && footer.root.data_end == meta.data_end
    };
    Ok(Footer::decode(seed, position, &bytes).ok().filter(fits))
}

/// The offset index of a segment that has ended.
pub(crate) async fn load_offsets<S: BlockStore>(
    store: &S,
    log: LogId,
    meta: &SegmentMeta,
) -> Result<Arc<Vec<IndexEntry>>, S::Error> {
    if let Some(footer) = load_footer(store, log, meta).await? {
        return Ok(Arc::new(footer.offsets));
    }
    let options = ScanOptions {
        end: meta.end(),
        atomic: false,
        synced: true,
        keep: false,
    };
    let found = scan(store, log, *meta, options).await?;
    Ok(Arc::new(found.index.iter().copied().collect()))
}

/// An offset index, wherever it is.
#[derive(Clone, Debug)]
pub(crate) enum Offsets<'a> {
    /// In memory, of a segment that grows or has no durable footer yet.
    Growing(&'a Chunks<IndexEntry>),
    /// Loaded.
    Loaded(Arc<Vec<IndexEntry>>),
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
        let before = |entry: &IndexEntry| u64::from(entry.delta) <= delta;
        let behind = match self {
            Self::Growing(chunks) => chunks.partition_point(before),
            Self::Loaded(entries) => entries.partition_point(before),
        };
        self.place_of(extent, behind.saturating_sub(1))
    }

    /// The block of this number.
    pub(crate) fn place_of(&self, extent: &Extent<'_>, index: usize) -> Option<BlockPlace> {
        let base = extent.meta.base_offset;
        let entry = self.get(index)?;
        let after = self.get(index + 1);
        // The first block begins where frames do: what is damaged there has no entry.
        let position = if index == 0 {
            BLOB_HEADER as u64
        } else {
            u64::from(entry.position)
        };
        let end = after.map_or(extent.data_end, |after| u64::from(after.position));
        Some(BlockPlace {
            index,
            position,
            length: usize::try_from(end.saturating_sub(position)).unwrap_or(0),
            // The first block answers for the offsets in front of its first frame.
            first: if index == 0 {
                base
            } else {
                base + u64::from(entry.delta)
            },
            next: after.map_or(extent.next, |after| base + u64::from(after.delta)),
        })
    }
}
