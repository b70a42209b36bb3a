//! Owns what deletions mean to a reader: loading the mask of a segment, and leaving
//! out what it holds. Never changes one.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use super::block::Block;
use super::error::{Corruption, Unread};
use super::extent::read_up_to;
use super::frames::verify;
use crate::format::{BLOB_HEADER, BlobHeader, Fault, FrameKind, Mask, MaskMeta, MaskPlace, Seed};
use crate::store::{BlobId, BlobKind, BlockStore, LogId};

/// The blob of mask `number`.
pub(crate) const fn mask_blob(log: LogId, number: u64) -> BlobId {
    BlobId {
        log,
        kind: BlobKind::Mask,
        number,
    }
}

/// A mask in memory, and the manifest's entry that it was made from.
#[derive(Debug)]
pub(crate) struct LoadedMask {
    pub(crate) meta: Arc<MaskMeta>,
    pub(crate) mask: Mask,
}

/// Reads the deleted offsets of a segment.
pub(crate) async fn load_mask<S: BlockStore>(
    store: &S,
    log: LogId,
    meta: &MaskMeta,
) -> Result<Result<Mask, Corruption>, Unread<S::Error>> {
    let mut mask = Mask::of(meta.offsets.iter().copied());
    let Some(place) = &meta.blob else {
        return Ok(Ok(mask));
    };
    let blob = mask_blob(log, place.number);
    let length = usize::try_from(place.length).unwrap_or(usize::MAX);
    let bytes = read_up_to(store, blob, 0, length.saturating_add(BLOB_HEADER)).await?;
    let read = add_frames(&mut mask, blob, place, &bytes);
    if let Err((_, Fault::Memory(bytes))) = read {
        return Err(Unread::Memory(bytes));
    }
    Ok(read.map(|()| mask).map_err(|(position, fault)| Corruption {
        blob,
        position: position as u64,
        fault,
    }))
}

fn add_frames(
    mask: &mut Mask,
    blob: BlobId,
    place: &MaskPlace,
    bytes: &[u8],
) -> Result<(), (usize, Fault)> {
    let header = BlobHeader::decode(blob, bytes).map_err(|fault| (0, fault))?;
    if (header.salt, header.epoch) != (place.salt, place.epoch) {
        return Err((0, Fault::Malformed("header of a mask")));
    }
    let seed = Seed::of(blob, place.epoch, place.salt);
    let mut at = BLOB_HEADER;
    while (at - BLOB_HEADER) as u64 != place.length {
        let rest = bytes.get(at..).ok_or((at, Fault::Short))?;
        let frame = verify(seed, at as u64, rest).map_err(|bad| (at, bad.fault))?;
        if frame.header.kind != FrameKind::Mask {
            return Err((at, Fault::Malformed("frame kind of a mask")));
        }
        mask.decode(&frame.body).map_err(|fault| (at, fault))?;
        at += frame.header.frame_length();
    }
    Ok(())
}

/// The records of a block with indexes in `all` that are not deleted, in runs.
pub(crate) fn live_runs<E>(
    block: &Block,
    mask: Option<&Mask>,
    all: Range<usize>,
) -> Result<Vec<Range<usize>>, Unread<E>> {
    let mut runs = Vec::new();
    let Some(mask) = mask else {
        if !all.is_empty() {
            runs.push(all);
        }
        return Ok(runs);
    };
    let mut at = all.start;
    while at < all.end
        && let Some(offset) = block.offset(at)
    {
        let absent = mask.next_absent(offset);
        if absent != offset {
            at = block.lower_bound(absent);
            continue;
        }
        let deleted = mask.next_present(offset);
        let end = deleted.map_or(all.end, |offset| block.lower_bound(offset).min(all.end));
        Unread::reserve(&mut runs, 1)?;
        runs.push(at..end);
        at = end;
    }
    Ok(runs)
}
