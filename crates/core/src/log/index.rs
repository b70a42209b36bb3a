//! Owns getting at a segment's offset index: from memory, from a footer, or, where
//! that is missing or damaged, rebuilt from the frames.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::chunks::Chunks;
use super::extent::read_up_to;
use super::scan::{ScanOptions, scan};
use super::segment::{segment_blob, segment_seed};
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
pub(crate) enum Offsets {
    /// In memory, of a segment that grows or has no durable footer yet.
    Growing(Chunks<IndexEntry>),
    /// Loaded.
    Loaded(Arc<Vec<IndexEntry>>),
}

impl Offsets {
    pub(crate) fn get(&self, index: usize) -> Option<IndexEntry> {
        match self {
            Self::Growing(chunks) => chunks.get(index).copied(),
            Self::Loaded(entries) => entries.get(index).copied(),
        }
    }

    /// The block in which the offset `delta` above the base lies, or would lie.
    pub(crate) fn block_of(&self, delta: u64) -> usize {
        let before = |entry: &IndexEntry| u64::from(entry.delta) <= delta;
        let after = match self {
            Self::Growing(chunks) => chunks.partition_point(before),
            Self::Loaded(entries) => entries.partition_point(before),
        };
        after.saturating_sub(1)
    }
}
