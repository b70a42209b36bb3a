//! Owns writing a log into an export.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::{ExportError, ExportSink};
use crate::format::{
    BLOB_HEADER, ContentHash, Edit, ExportHeader, Fault, FooterPlace, FrameHeader, Mask,
    ProducerState, Seed, SegmentMeta, SnapshotFacts,
};
use crate::log::copying::{Copying, Staying, with_frame};
use crate::log::error::Corruption;
use crate::log::handle::Log;
use crate::log::manifest::ManifestState;
use crate::log::masks::load_mask;
use crate::log::segment::{segment_blob, segment_seed};
use crate::log::switch::put_edits;
use crate::log::totals::{TimeSpan, Totals};
use crate::log::window::Window;
use crate::producer::ProducerId;
use crate::sharing::Sharing;
use crate::store::{BlockStore, StoreError};

/// Producers in one frame of an export.
const PRODUCERS: usize = 4096;

/// What was exported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// The offset that follows the last record.
    pub next: u64,
    /// Records.
    pub records: u64,
    /// Bytes of the export.
    pub bytes: u64,
}

impl<S: BlockStore, P: Sharing> Log<S, P> {
    /// Writes everything appended before the call to `sink`, as one portable sequence of
    /// bytes. What an [`Import`](super::Import) makes of it, in any store, is a log that
    /// answers the same. Deleted records are left out.
    ///
    /// The last segment ends for it; as for [`backup`](Self::backup), that takes a handle
    /// that writes. Appends and reads go on meanwhile; deleting, trimming and maintenance
    /// wait.
    ///
    /// # Errors
    /// `corrupt` where the log is damaged; `read-only` if this handle only reads;
    /// `closed`, `poisoned`, `full`; those of the sink. What was written by then is no
    /// export.
    pub async fn export<W: ExportSink>(
        &self,
        sink: &mut W,
    ) -> Result<Exported, ExportError<S::Error, W::Error>> {
        let inner = self.inner();
        let turn = inner.turn().await;
        let (state, [salt, _]) = turn.unchanging().await.map_err(ExportError::Commit)?;
        let header = ExportHeader {
            log: inner.log,
            epoch: state.facts.epoch,
            salt,
        };
        let producers = self.producers_at(&state).await?;
        let exporting = Exporting::begin(header, &state, producers);
        let mut exporting = exporting.map_err(ExportError::building)?;
        for meta in state.segments.values() {
            let mask = match state.masks.get(&meta.number) {
                None => Mask::default(),
                Some(mask) => load_mask(&inner.store, inner.log, mask)
                    .await?
                    .map_err(ExportError::Corrupt)?,
            };
            let staying = Staying {
                oldest: state.facts.trim.oldest,
                mask: &mask,
            };
            self.export_segment(meta, staying, &mut exporting, sink)
                .await?;
        }
        exporting.end(&state).map_err(ExportError::building)?;
        exporting.write(sink, true).await?;
        Ok(Exported {
            next: state.facts.next_offset,
            records: exporting.copying.totals.records,
            bytes: exporting.copying.position(),
        })
    }

    async fn export_segment<W: ExportSink>(
        &self,
        meta: &SegmentMeta,
        staying: Staying<'_>,
        exporting: &mut Exporting,
        sink: &mut W,
    ) -> Result<(), ExportError<S::Error, W::Error>> {
        let inner = self.inner();
        let blob = segment_blob(inner.log, meta.number);
        let (seed, limit) = (segment_seed(inner.log, meta), meta.data_end);
        let corrupt = |position, fault| {
            ExportError::Corrupt(Corruption {
                blob,
                position,
                fault,
            })
        };
        let mut window = Window::new(&inner.store, blob);
        let mut position = BLOB_HEADER as u64;
        while position < limit {
            let copying = &mut exporting.copying;
            let copied = with_frame(
                &mut window,
                seed,
                position,
                limit,
                |frame, bytes| match copying.look_for(frame, staying)? {
                    Some(span) => copying.put(frame, bytes, span, staying),
                    None => Ok(()),
                },
            );
            let (copied, length) = copied.await?.map_err(|bad| corrupt(position, bad.fault))?;
            copied.map_err(|fault| corrupt(position, fault))?;
            position += length;
            exporting.write(sink, false).await?;
        }
        Ok(())
    }

    /// Every producer that the log remembers.
    async fn producers_at<W>(
        &self,
        state: &ManifestState,
    ) -> Result<BTreeMap<ProducerId, ProducerState>, ExportError<S::Error, W>> {
        let mut producers = BTreeMap::new();
        for meta in state.segments.values() {
            self.inner().producers_of(meta, &mut producers).await?;
        }
        for (id, carried) in &state.producers {
            let known = producers.get(id);
            if known.is_none_or(|known: &ProducerState| {
                (known.epoch, known.sequence) < (carried.epoch, carried.sequence)
            }) {
                producers.insert(*id, carried.clone());
            }
        }
        Ok(producers)
    }
}

/// An export being written.
struct Exporting {
    seed: Seed,
    copying: Copying,
}

impl Exporting {
    fn begin(
        header: ExportHeader,
        state: &ManifestState,
        producers: BTreeMap<ProducerId, ProducerState>,
    ) -> Result<Self, Fault> {
        let facts = SnapshotFacts {
            predecessor: 0,
            allocated: 0,
            // Keys are hashed with it; who has the export need not know it.
            key_seed: 0,
            ..state.facts
        };
        let mut out = Vec::new();
        header.encode(&mut out);
        let (seed, compression) = (header.seed(), facts.settings.compression);
        let totals = Totals::start(facts.trim.oldest, i64::MIN, ContentHash::default());
        let mut exporting = Self {
            seed,
            copying: Copying::into_export(seed, totals, compression, out),
        };
        exporting.edits(&[Edit::Snapshot(facts)])?;
        let mut edits = Vec::new();
        for (id, state) in producers {
            edits.push(Edit::Producer(id, state));
            if edits.len() == PRODUCERS {
                exporting.edits(&edits)?;
                edits.clear();
            }
        }
        if !edits.is_empty() {
            exporting.edits(&edits)?;
        }
        Ok(exporting)
    }

    fn edits(&mut self, edits: &[Edit]) -> Result<(), Fault> {
        let copying = &mut self.copying;
        let (at, position) = (copying.out.len(), copying.position());
        put_edits(&mut copying.out, copying.written, self.seed, 0, edits, 0)?;
        let frame = copying.out.get(at..).ok_or(Fault::Short)?;
        let header = FrameHeader::decode(self.seed, position, frame)?;
        copying.totals.hash = copying
            .totals
            .hash
            .frame(header.header_crc, header.body_crc);
        Ok(())
    }

    /// Says what everything adds up to.
    fn end(&mut self, state: &ManifestState) -> Result<(), Fault> {
        let last = state.segments.values().next_back();
        let clamp = last.map_or(i64::MIN, |last| last.clamp);
        let summary = summary(&state.facts, &self.copying.totals, clamp);
        self.edits(&[Edit::Segment(summary)])
    }

    async fn write<S: StoreError, W: ExportSink>(
        &mut self,
        sink: &mut W,
        all: bool,
    ) -> Result<(), ExportError<S, W::Error>> {
        match self.copying.take(all) {
            Some(bytes) => sink.write(&bytes).await.map_err(ExportError::Sink),
            None => Ok(()),
        }
    }
}

/// The entry with which an export ends: that of one segment with all of it. Index time
/// at the end is `clamp`, or what the log was trimmed at.
pub(super) fn summary(facts: &SnapshotFacts, totals: &Totals, clamp: i64) -> SegmentMeta {
    let span = totals.span.unwrap_or(TimeSpan { min: 0, max: 0 });
    SegmentMeta {
        number: 1,
        epoch: 0,
        salt: 0,
        base_offset: facts.trim.oldest,
        base_clamp: i64::MIN,
        base_hash: ContentHash::default(),
        next_offset: facts.next_offset,
        records: totals.records,
        data_end: 0,
        min_time: span.min,
        max_time: span.max,
        clamp: clamp.max(facts.trim.clamp),
        content_hash: totals.hash,
        producers: 0,
        footer: FooterPlace::None,
        sealed: false,
    }
}
