//! Owns rewriting sealed segments into one: to merge small neighbours, and to leave
//! damage behind. Records keep their offsets.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::drive::Inner;
use super::error::MaintainError;
use super::frames::{next_header, verify};
use super::group::{Vouch, reseal};
use super::index::load_footer;
use super::producers::Producers;
use super::segment::{segment_blob, segment_seed};
use super::totals::{Totals, index_frame};
use super::window::Window;
use super::writer::Writer;
use crate::Bytes;
use crate::format::{
    BLOB_HEADER, BlobHeader, Edit, FRAME_HEADER_MAX, Fault, FooterPlace, ProducerBatch,
    ProducerState, SegmentMeta,
};
use crate::producer::ProducerId;
use crate::sharing::{Shared, Sharing};
use crate::store::BlockStore;

/// Bytes gathered before they are written.
const CHUNK: usize = 1 << 20;
/// Nothing in a rewritten segment is unsynced once it is live.
const SYNCED: Vouch = Vouch {
    position: 0,
    earlier: true,
};

impl<S: BlockStore, P: Sharing> Inner<S, P> {
    /// Writes the records of `old`, which are neighbours, into one new segment, and
    /// makes that live in their place. Damaged frames are left out if `salvage` says
    /// so, and refused otherwise.
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
        let meta = self.allocate(first).await?;
        let blob = segment_blob(self.log, meta.number);
        let seed = segment_seed(self.log, &meta);
        let mut out = Vec::new();
        let header = BlobHeader {
            blob,
            epoch: meta.epoch,
            base_offset: meta.base_offset,
            salt: meta.salt,
            rewritten: true,
        };
        header.encode(&mut out);
        let mut written = 0u64;
        let mut totals = Totals::of(&meta);
        let mut index = super::chunks::Chunks::default();
        let mut producers: BTreeMap<ProducerId, ProducerState> = BTreeMap::new();
        for source in old {
            self.producers_of(source, &mut producers).await?;
            let mut window = Window::new(&self.store, segment_blob(self.log, source.number));
            let (from, limit) = (segment_seed(self.log, source), source.data_end);
            let mut position = BLOB_HEADER as u64;
            let mut want = FRAME_HEADER_MAX;
            while position < limit {
                let bytes = window
                    .at(position, want, limit)
                    .await
                    .map_err(MaintainError::Store)?;
                let bad = match verify(from, position, bytes) {
                    Ok(frame) => {
                        let span = frame.records(|_, _| {}).unwrap_or(None);
                        let at = written + out.len() as u64;
                        if span.is_some() {
                            let sealed = reseal(&mut out, &frame.header, bytes, SYNCED, seed, at);
                            let sealed = sealed.map_err(|fault| self.misfit(blob, at, fault))?;
                            index_frame(&mut index, meta.base_offset, at, sealed.base_offset);
                            totals.add(at, &sealed, span);
                        }
                        position += frame.header.frame_length() as u64;
                        want = FRAME_HEADER_MAX;
                        if out.len() >= CHUNK {
                            self.put(blob, &mut written, &mut out).await?;
                        }
                        continue;
                    }
                    Err(bad) => bad,
                };
                if bad.fault == Fault::Short && bad.needs > want && bytes.len() >= want {
                    want = bad.needs;
                    continue;
                }
                if !salvage {
                    let blob = segment_blob(self.log, source.number);
                    return Err(self.misfit(blob, position, bad.fault));
                }
                let rest = usize::try_from(limit - position).unwrap_or(usize::MAX);
                let bytes = window
                    .at(position, rest, limit)
                    .await
                    .map_err(MaintainError::Store)?;
                let skip = bad.length.unwrap_or(crate::format::ALIGN);
                let next = next_header(from, position, bytes, skip).map(|(at, _)| at as u64);
                position = next.map_or(limit, |ahead| position + ahead);
                want = FRAME_HEADER_MAX;
            }
        }
        if totals.records == 0 {
            // Nothing is left of them; their offsets are not given again.
            return self.replace(old, None).await;
        }
        totals.next_offset = last.next_offset;
        totals.clamp = last.clamp;
        let end = written + out.len() as u64;
        totals.data_end = end;
        let states = producers.into_iter().collect();
        let offsets = index.iter().copied().collect();
        let footer = totals.footer(meta.base_offset, offsets, states);
        let before = out.len();
        footer
            .encode(seed, end, &mut out)
            .map_err(|fault| self.misfit(blob, end, fault))?;
        let length = (out.len() - before) as u64;
        self.put(blob, &mut written, &mut out).await?;
        self.store
            .sync(&[blob])
            .await
            .map_err(MaintainError::Store)?;
        self.store.seal(blob).await.map_err(MaintainError::Store)?;
        let meta = totals.ended(&meta, FooterPlace::Own { length }, true);
        self.replace(old, Some(meta)).await
    }

    /// A number for the new segment, allocated by an edit before it is used.
    async fn allocate(&self, first: &SegmentMeta) -> Result<SegmentMeta, MaintainError<S::Error>> {
        let begin = |writer: &mut Writer<S::Error>| {
            writer.usable()?;
            let number = writer.next_number;
            writer.next_number += 1;
            let meta = writer.new_meta(number, first.base_offset, first.base_clamp);
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

    /// Makes `new`, if anything is left, live in the place of `old`, and removes that.
    async fn replace(
        &self,
        old: &[SegmentMeta],
        new: Option<SegmentMeta>,
    ) -> Result<(), MaintainError<S::Error>> {
        let begin = |writer: &mut Writer<S::Error>| {
            writer.usable()?;
            let dropped = old.iter().map(|meta| Edit::Dropped(meta.number));
            Ok((writer.ask(dropped.chain(new.map(Edit::Segment))), ()))
        };
        self.reach(begin)
            .await
            .map_err(|failure| MaintainError::Commit(failure.into()))?;
        for meta in old {
            let blob = segment_blob(self.log, meta.number);
            self.store
                .remove(blob)
                .await
                .map_err(MaintainError::Store)?;
            if let FooterPlace::Blob { number, .. } = meta.footer {
                let index = super::index::index_blob(self.log, number);
                self.store
                    .remove(index)
                    .await
                    .map_err(MaintainError::Store)?;
            }
            if let Some(writer) = &self.writer {
                writer.write(|writer| writer.indexes.remove(&meta.number));
            }
        }
        Ok(())
    }

    async fn put(
        &self,
        blob: crate::BlobId,
        written: &mut u64,
        out: &mut Vec<u8>,
    ) -> Result<(), MaintainError<S::Error>> {
        let bytes = Bytes::from(core::mem::take(out));
        let length = bytes.len() as u64;
        self.store
            .append(blob, *written, bytes)
            .await
            .map_err(MaintainError::Store)?;
        *written += length;
        Ok(())
    }

    async fn producers_of(
        &self,
        meta: &SegmentMeta,
        into: &mut BTreeMap<ProducerId, ProducerState>,
    ) -> Result<(), MaintainError<S::Error>> {
        if meta.producers == 0 {
            return Ok(());
        }
        let footer = load_footer(&self.store, self.log, meta).await;
        if let Some(footer) = footer.map_err(MaintainError::Store)? {
            into.extend(footer.producers);
            return Ok(());
        }
        let options = super::scan::ScanOptions {
            end: meta.end(),
            atomic: false,
            synced: true,
            keep: false,
        };
        let found = super::scan::scan(&self.store, self.log, *meta, options).await;
        let found = found.map_err(MaintainError::Store)?;
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

    const fn misfit(
        &self,
        blob: crate::BlobId,
        position: u64,
        fault: Fault,
    ) -> MaintainError<S::Error> {
        MaintainError::Corrupt(super::Corruption {
            blob,
            position,
            fault,
        })
    }
}
