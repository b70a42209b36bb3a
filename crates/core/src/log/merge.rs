//! Owns rewriting sealed segments into one: to merge small neighbours, to give back
//! the space of deleted records, and to leave damage behind. Records keep their
//! offsets.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::copying::{Copying, Staying, with_frame};
use super::drive::Inner;
use super::error::MaintainError;
use super::frames::next_header;
use super::index::load_producers;
use super::masks::{load_mask, mask_blob};
use super::producers::Producers;
use super::segment::{segment_blob, segment_seed};
use super::window::Window;
use super::writer::Writer;
use crate::Bytes;
use crate::format::{
    BLOB_HEADER, BlobHeader, Compression, Edit, Fault, FooterPlace, Mask, MaskMeta, ProducerBatch,
    ProducerState, SegmentMeta,
};
use crate::producer::ProducerId;
use crate::sharing::{Shared, Sharing};
use crate::store::{BlobId, BlockStore};

/// What is deleted of segments that are rewritten.
struct Deletions {
    /// Of each segment.
    masks: Vec<Mask>,
    /// The blobs that say so.
    blobs: Vec<BlobId>,
    /// The lowest offset that is left of them.
    first: Option<u64>,
    oldest: u64,
    compression: Compression,
}

impl Deletions {
    /// The base offset of the new segment, where that of the first one is `base`.
    fn base_offset(&self, base: u64) -> u64 {
        self.first.unwrap_or(base).max(base)
    }
}

impl<S: BlockStore, P: Sharing> Inner<S, P> {
    /// Writes the records of `old`, which are neighbours, into one new segment, and
    /// makes that live in their place. Deleted ones are left out; damaged frames are if
    /// `salvage` says so, and refused otherwise.
    pub(crate) async fn rewrite(
        &self,
        old: &[SegmentMeta],
        salvage: bool,
    ) -> Result<(), MaintainError<S::Error>> {
        let (Some(first), Some(last)) = (old.first(), old.last()) else {
            return Err(MaintainError::Commit(super::SyncError::Internal(
                "nothing to rewrite",
            )));
        };
        let deletions = self.deletions(old, salvage).await?;
        let base_offset = deletions.base_offset(first.base_offset);
        let meta = self.allocate(first, base_offset).await?;
        let blob = segment_blob(self.log, meta.number);
        let seed = segment_seed(self.log, &meta);
        let mut out = Vec::new();
        let header = BlobHeader {
            blob,
            epoch: meta.epoch,
            base_offset: meta.base_offset,
            salt: meta.salt,
            rewritten: true,
            backup: false,
        };
        header.encode(&mut out);
        let (indexes, hasher) = self.building();
        let compression = deletions.compression;
        let mut copying = Copying::into_segment(seed, &meta, (indexes, hasher), compression, out);
        let mut producers: BTreeMap<ProducerId, ProducerState> = BTreeMap::new();
        for (source, mask) in old.iter().zip(&deletions.masks) {
            self.producers_of(source, &mut producers).await?;
            let oldest = deletions.oldest;
            let staying = Staying { oldest, mask };
            let mut window = Window::new(&self.store, segment_blob(self.log, source.number));
            let (from, limit) = (segment_seed(self.log, source), source.data_end);
            let mut position = BLOB_HEADER as u64;
            while position < limit {
                let copied =
                    with_frame(
                        &mut window,
                        from,
                        position,
                        limit,
                        |frame, bytes| match copying.look_for(frame, staying).unwrap_or(None) {
                            Some(span) => copying.put(frame, bytes, span, staying),
                            None => Ok(()),
                        },
                    );
                match copied.await? {
                    Ok((copied, length)) => {
                        copied.map_err(|fault| self.misfit(blob, copying.position(), fault))?;
                        position += length;
                        self.put(blob, &mut copying, false).await?;
                    }
                    Err(bad) if !salvage => {
                        let blob = segment_blob(self.log, source.number);
                        return Err(self.misfit(blob, position, bad.fault));
                    }
                    Err(bad) => {
                        let rest = usize::try_from(limit - position).unwrap_or(usize::MAX);
                        let bytes = window.at(position, rest, limit).await?;
                        let next = next_header(from, position, bytes, bad.length());
                        position = next.map_or(limit, |(ahead, _)| position + ahead as u64);
                    }
                }
            }
        }
        let mut totals = copying.totals;
        if totals.records == 0 {
            // Nothing is left of them; their offsets are not given again.
            return self.replace(old, &deletions, None).await;
        }
        let left = (
            copying.first.unwrap_or(meta.base_offset),
            totals.next_offset,
        );
        totals.next_offset = last.next_offset;
        totals.clamp = last.clamp;
        let end = copying.position();
        totals.data_end = end;
        // Some of them may have lost every batch.
        totals.producers = totals.producers.max(producers.len() as u64);
        let states = producers.into_iter().collect();
        let footer = totals.footer(meta.base_offset, &copying.index, indexes, states);
        footer
            .encode(seed, end, &mut copying.out)
            .map_err(|fault| self.misfit(blob, end, fault))?;
        let length = copying.position() - end;
        self.put(blob, &mut copying, true).await?;
        self.store
            .sync(&[blob])
            .await
            .map_err(MaintainError::Store)?;
        self.store.seal(blob).await.map_err(MaintainError::Store)?;
        let meta = totals.ended(&meta, FooterPlace::Own { length }, true);
        self.replace(old, &deletions, Some((meta, left))).await
    }

    /// What is deleted of these segments.
    async fn deletions(
        &self,
        old: &[SegmentMeta],
        salvage: bool,
    ) -> Result<Deletions, MaintainError<S::Error>> {
        let Some(cell) = &self.writer else {
            return Err(MaintainError::Commit(super::SyncError::ReadOnly));
        };
        let (metas, oldest, compression) = cell.read(|writer| {
            let masks = &writer.live.masks;
            let metas = old.iter().map(|meta| masks.get(&meta.number).cloned());
            (
                metas.collect::<Vec<_>>(),
                writer.live.facts.trim.oldest,
                writer.settings.compression,
            )
        });
        let mut deletions = Deletions {
            masks: Vec::new(),
            blobs: Vec::new(),
            first: None,
            oldest,
            compression,
        };
        for (source, meta) in old.iter().zip(&metas) {
            let mask = match meta {
                None => Mask::default(),
                Some(meta) => {
                    let place = meta.blob.map(|place| mask_blob(self.log, place.number));
                    deletions.blobs.extend(place);
                    match load_mask(&self.store, self.log, meta).await {
                        Ok(Ok(mask)) => mask,
                        // What was deleted comes back.
                        Ok(Err(_)) if salvage => Mask::of(meta.offsets.iter().copied()),
                        Ok(Err(place)) => return Err(MaintainError::Corrupt(place)),
                        Err(cause) => return Err(cause.into()),
                    }
                }
            };
            let left = match meta {
                Some(meta) if !salvage => {
                    let (first, end) = meta.left(source.next_offset);
                    (first < end).then_some(first)
                }
                _ => Some(source.base_offset),
            };
            deletions.first = deletions.first.or(left);
            deletions.masks.push(mask);
        }
        Ok(deletions)
    }

    /// A number for the new segment, allocated by an edit before it is used.
    async fn allocate(
        &self,
        first: &SegmentMeta,
        base_offset: u64,
    ) -> Result<SegmentMeta, MaintainError<S::Error>> {
        let begin = |writer: &mut Writer<S::Error>| {
            writer.usable()?;
            let number = writer.next_number;
            writer.next_number += 1;
            let meta = writer.new_meta(number, base_offset, first.base_clamp);
            let meta = SegmentMeta {
                base_hash: first.base_hash,
                ..meta
            };
            let allocated = number + crate::limits::NUMBERS_PER_EDIT;
            Ok((writer.ask([Edit::Allocated(allocated)]), meta))
        };
        self.reach(begin)
            .await
            .map_err(|failure| MaintainError::Commit(failure.into()))
    }

    /// Makes the new segment, if anything is left, live in the place of `old`, and
    /// removes that. With it come the offset of its first record
    /// and the one after its last.
    async fn replace(
        &self,
        old: &[SegmentMeta],
        deletions: &Deletions,
        new: Option<(SegmentMeta, (u64, u64))>,
    ) -> Result<(), MaintainError<S::Error>> {
        let mut edits: Vec<Edit> = old.iter().map(|meta| Edit::Dropped(meta.number)).collect();
        match new {
            None => edits.extend(self.carried(old).await?),
            Some((meta, (first, end))) => {
                edits.push(Edit::Segment(meta));
                if first > meta.base_offset || end < meta.next_offset {
                    // Nothing is deleted of it, but its outer offsets have no records.
                    edits.push(Edit::Masked(MaskMeta {
                        segment: meta.number,
                        first,
                        end,
                        covers: meta.next_offset,
                        ..MaskMeta::default()
                    }));
                }
            }
        }
        let mut stale: Vec<BlobId> = old.iter().flat_map(|meta| self.blobs_of(meta)).collect();
        stale.extend(&deletions.blobs);
        Ok(self.change(&[], None, edits, &stale).await?)
    }

    /// The blobs of a segment: itself, and its index if it is one of its own.
    pub(crate) fn blobs_of(&self, meta: &SegmentMeta) -> impl Iterator<Item = BlobId> {
        let index = match meta.footer {
            FooterPlace::Blob { number, .. } => Some(super::index::index_blob(self.log, number)),
            _ => None,
        };
        core::iter::once(segment_blob(self.log, meta.number)).chain(index)
    }

    /// Writes what has been copied, if that is enough, or all of it.
    async fn put(
        &self,
        blob: BlobId,
        copying: &mut Copying,
        all: bool,
    ) -> Result<(), MaintainError<S::Error>> {
        let position = copying.written;
        let Some(bytes) = copying.take(all) else {
            return Ok(());
        };
        let appended = self.store.append(blob, position, Bytes::from(bytes));
        appended.await.map_err(MaintainError::Store)
    }

    pub(crate) async fn producers_of(
        &self,
        meta: &SegmentMeta,
        into: &mut BTreeMap<ProducerId, ProducerState>,
    ) -> Result<(), MaintainError<S::Error>> {
        if meta.producers == 0 {
            return Ok(());
        }
        let states = load_producers(&self.store, self.log, meta).await;
        if let Some(states) = states? {
            into.extend(states);
            return Ok(());
        }
        let options = super::scan::ScanOptions::sealed(meta, None);
        let found = super::scan::scan(&self.store, self.log, *meta, options).await;
        let found = found?;
        let mut table = Producers::default();
        for (id, state) in into.iter() {
            table.restore(*id, state.clone());
        }
        for frame in &found.produced {
            if let (Some(producer), Some(span)) = (frame.header.producer, frame.span) {
                let next = frame.header.next_offset();
                let given = ProducerBatch {
                    first: frame.header.base_offset,
                    next,
                };
                table.replay(&producer, given, span.max);
            }
        }
        into.extend(table.into_states());
        Ok(())
    }

    const fn misfit(&self, blob: BlobId, position: u64, fault: Fault) -> MaintainError<S::Error> {
        MaintainError::Corrupt(super::Corruption {
            blob,
            position,
            fault,
        })
    }
}
