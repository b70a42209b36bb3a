//! Owns the segments that an export is read into, and the edit that makes them live.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::export::summary;
use super::import::{Imported, Outcome};
use super::stream::Stream;
use super::{ImportError, ImportSource};
use crate::Bytes;
use crate::format::{
    BLOB_HEADER, BlobHeader, ContentHash, Edit, Fault, FooterPlace, FrameHeader, FrameKind, Mask,
    MaskMeta, SegmentMeta, SnapshotFacts, Trim,
};
use crate::limits;
use crate::log::copying::{Copying, Staying};
use crate::log::error::{Failure, SyncError};
use crate::log::frames::VerifiedFrame;
use crate::log::handle::Log;
use crate::log::segment::{segment_blob, segment_seed};
use crate::log::totals::{TimeSpan, Totals};
use crate::log::writer::Writer;
use crate::producer::ProducerId;
use crate::sharing::{Shared, Sharing};
use crate::store::{BlobId, BlockStore, Geometry};

/// What was read of an export so far.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) facts: SnapshotFacts,
    producers: BTreeMap<ProducerId, Edit>,
    /// What the frames add up to.
    totals: Totals,
    /// Index time reached.
    clamp: i64,
}

/// A log being filled.
pub(super) struct Filling<'a, 's, 'r, S: BlockStore, P: Sharing, R> {
    log: &'a Log<&'s S, P>,
    stream: Stream<'r, R>,
    progress: Progress,
    current: Option<Current>,
    metas: Vec<SegmentMeta>,
    blobs: Vec<BlobId>,
}

/// The segment that records go into.
struct Current {
    meta: SegmentMeta,
    copying: Copying,
    appends: u32,
}

/// What the next frame of an export is.
enum Step {
    /// A batch, which was copied.
    Copied,
    Producers,
    /// The last one.
    End(SegmentMeta),
}

/// Hands every edit of a frame to `each`.
pub(super) fn edits(frame: &VerifiedFrame<'_>, each: impl FnMut(Edit)) -> Result<(), Fault> {
    match frame.header.kind {
        FrameKind::Edits => Edit::decode_each(&frame.body, each),
        _ => Err(Fault::Malformed("kind of a frame of the export")),
    }
}

impl Progress {
    /// After the first frame.
    pub(super) fn new(facts: SnapshotFacts, header: &FrameHeader) -> Self {
        let mut progress = Self {
            facts,
            producers: BTreeMap::new(),
            totals: Totals::start(facts.trim.oldest, i64::MIN, ContentHash::default()),
            clamp: i64::MIN,
        };
        progress.hash(header);
        progress
    }

    fn hash(&mut self, header: &FrameHeader) {
        let hash = self.totals.hash;
        self.totals.hash = hash.frame(header.header_crc, header.body_crc);
    }

    /// Takes in a frame: a batch goes into the segment there is.
    fn take(
        &mut self,
        frame: &VerifiedFrame<'_>,
        bytes: &[u8],
        current: Option<&mut Current>,
    ) -> Result<Step, Fault> {
        if frame.header.kind == FrameKind::Batch {
            let copying = &mut current.ok_or(Fault::Gap)?.copying;
            let span = copying.look(frame)?.ok_or(Fault::Gap)?;
            self.take_batch(&frame.header, bytes, span, copying)?;
            return Ok(Step::Copied);
        }
        let mut producers = Vec::new();
        let (mut end, mut others) = (None, false);
        edits(frame, |edit| match edit {
            Edit::Producer(id, state) => producers.push((id, Edit::Producer(id, state))),
            Edit::Segment(meta) if end.is_none() => end = Some(meta),
            _ => others = true,
        })?;
        match end {
            None if !others && self.totals.records == 0 => {
                self.producers.extend(producers);
                self.hash(&frame.header);
                Ok(Step::Producers)
            }
            Some(found) if !others && producers.is_empty() && self.is_end(&found) => {
                Ok(Step::End(found))
            }
            _ => Err(Fault::Malformed("end of the export")),
        }
    }

    fn is_end(&self, found: &SegmentMeta) -> bool {
        found.clamp >= self.clamp && *found == summary(&self.facts, &self.totals, found.clamp)
    }

    /// Copies a batch that follows everything so far.
    fn take_batch(
        &mut self,
        header: &FrameHeader,
        bytes: &[u8],
        span: TimeSpan,
        copying: &mut Copying,
    ) -> Result<(), Fault> {
        let follows = header.base_offset >= self.totals.next_offset
            && header.next_offset() <= self.facts.next_offset
            && header.producer.is_none();
        if !follows {
            return Err(Fault::Malformed("offsets of the export"));
        }
        self.totals.add(BLOB_HEADER as u64, header, Some(span));
        // Index time never falls, whatever the export says.
        let clamp_floor = header.clamp_floor.max(self.clamp);
        self.clamp = clamp_floor.max(span.max);
        let raised = VerifiedFrame {
            header: FrameHeader {
                clamp_floor,
                ..*header
            },
            body: Cow::Borrowed(&[]),
        };
        let staying = Staying {
            oldest: 0,
            mask: &Mask::default(),
        };
        copying.put(&raised, bytes, span, staying)
    }
}

impl Current {
    /// Whether a batch of this base offset and length goes into another segment.
    fn is_full(&self, offset: u64, length: u64, facts: &SnapshotFacts, geometry: Geometry) -> bool {
        let range = match facts.settings.indexes.keys {
            true => limits::SEGMENT_KEYS_MAX,
            false => u64::from(u32::MAX) / 2,
        };
        let position = self.copying.position();
        // A footer still has to go into it.
        let appends = geometry.appends_max > 0 && self.appends + 3 > geometry.appends_max;
        self.copying.first.is_some()
            && (position >= facts.settings.segment_bytes
                || position + length > geometry.longest_blob / 2
                || offset.saturating_sub(self.meta.base_offset) >= range
                || appends)
    }
}

impl<'a, 's, 'r, S: BlockStore, P: Sharing, R: ImportSource> Filling<'a, 's, 'r, S, P, R> {
    pub(super) const fn new(
        log: &'a Log<&'s S, P>,
        stream: Stream<'r, R>,
        progress: Progress,
    ) -> Self {
        Self {
            log,
            stream,
            progress,
            current: None,
            metas: Vec::new(),
            blobs: Vec::new(),
        }
    }

    /// The blobs that were begun.
    pub(super) fn blobs(self) -> Vec<BlobId> {
        self.blobs
    }

    pub(super) async fn fill(&mut self) -> Outcome<Imported, S, R> {
        self.log.establish().await.map_err(ImportError::Commit)?;
        let end = loop {
            self.make_room().await?;
            let (progress, current) = (&mut self.progress, self.current.as_mut());
            let step = self
                .stream
                .frame(|frame, bytes| progress.take(frame, bytes, current));
            match step.await? {
                Step::Copied => self.write(false).await?,
                Step::Producers => {}
                Step::End(found) => break found,
            }
        };
        self.stream.end().await?;
        let next = self.progress.facts.next_offset;
        let masked = self.finish(Some((next, end.clamp))).await?;
        self.name(masked, end.clamp).await?;
        Ok(Imported {
            next,
            records: self.progress.totals.records,
            segments: self.metas.len(),
            bytes: self.stream.position(),
        })
    }

    /// Makes sure that there is a segment for the next frame, if that is a batch.
    async fn make_room(&mut self) -> Outcome<(), S, R> {
        let Some((offset, length)) = self.stream.next_batch().await? else {
            return Ok(());
        };
        let (facts, geometry) = (&self.progress.facts, self.log.store().geometry());
        let current = self.current.as_ref();
        if current.is_some_and(|current| !current.is_full(offset, length, facts, geometry)) {
            return Ok(());
        }
        self.finish(None).await?;
        let inner = self.log.inner();
        let Some((cell, at)) = inner.writer.as_ref().zip(inner.numbers(1).await?.pop()) else {
            return Err(ImportError::Commit(SyncError::ReadOnly));
        };
        let meta = cell.read(|writer| writer.new_meta(at.number, offset, self.progress.clamp));
        let last = self.metas.last();
        let meta = SegmentMeta {
            base_hash: last.map_or(ContentHash::default(), |last| last.content_hash),
            ..meta
        };
        let header = BlobHeader {
            blob: segment_blob(inner.log, meta.number),
            epoch: meta.epoch,
            base_offset: meta.base_offset,
            salt: meta.salt,
            rewritten: true,
            backup: false,
        };
        let mut out = Vec::new();
        header.encode(&mut out);
        let indexes = inner.building();
        let compression = self.progress.facts.settings.compression;
        self.blobs.push(header.blob);
        self.current = Some(Current {
            meta,
            copying: Copying::into_segment(header.seed(), &meta, indexes, compression, out),
            appends: 0,
        });
        Ok(())
    }

    /// Writes what has gathered, if that is enough, or all of it.
    async fn write(&mut self, all: bool) -> Outcome<(), S, R> {
        let Some(current) = &mut self.current else {
            return Ok(());
        };
        let position = current.copying.written;
        let Some(bytes) = current.copying.take(all) else {
            return Ok(());
        };
        current.appends += 1;
        let blob = segment_blob(self.log.id(), current.meta.number);
        let appended = self.log.store().append(blob, position, Bytes::from(bytes));
        appended.await.map_err(ImportError::Store)
    }

    /// Ends the segment there is. The last one reaches up to `end`, the next offset and the
    /// index time of the log; what says which of its offsets have no records comes back.
    async fn finish(&mut self, end: Option<(u64, i64)>) -> Outcome<Option<Edit>, S, R> {
        let inner = self.log.inner();
        let Some(current) = &mut self.current else {
            return Ok(None);
        };
        let (indexes, _) = inner.building();
        let (meta, copying) = (current.meta, &mut current.copying);
        let data_end = copying.position();
        let mut totals = copying.totals;
        let behind = totals.next_offset;
        if let Some((next, clamp)) = end {
            (totals.next_offset, totals.clamp) = (next, clamp);
        }
        let footer = totals.footer(meta.base_offset, &copying.index, indexes, Vec::new());
        footer
            .encode(segment_seed(inner.log, &meta), data_end, &mut copying.out)
            .map_err(Failure::from)?;
        let length = copying.position() - data_end;
        self.write(true).await?;
        self.current = None;
        let (store, blob) = (self.log.store(), segment_blob(inner.log, meta.number));
        store.sync(&[blob]).await.map_err(ImportError::Store)?;
        store.seal(blob).await.map_err(ImportError::Store)?;
        let meta = totals.ended(&meta, FooterPlace::Own { length }, true);
        self.metas.push(meta);
        let masked = Edit::Masked(MaskMeta {
            segment: meta.number,
            first: meta.base_offset,
            end: behind,
            covers: meta.next_offset,
            ..MaskMeta::default()
        });
        Ok((behind < meta.next_offset).then_some(masked))
    }

    /// Makes everything live at once.
    async fn name(&mut self, masked: Option<Edit>, clamp: i64) -> Outcome<(), S, R> {
        let inner = self.log.inner();
        let facts = self.progress.facts;
        let mut edits: Vec<Edit> = self.metas.iter().copied().map(Edit::Segment).collect();
        edits.extend(masked);
        edits.extend(core::mem::take(&mut self.progress.producers).into_values());
        let last = self.metas.last();
        edits.push(Edit::Trimmed(Trim {
            oldest: facts.trim.oldest,
            clamp,
            hash: last.map_or(ContentHash::default(), |last| last.content_hash),
        }));
        if self.metas.is_empty()
            && facts.next_offset > 0
            && let Some((cell, at)) = inner.writer.as_ref().zip(inner.numbers(1).await?.pop())
        {
            // Nothing but the entry of a segment says where the next one begins.
            let next = facts.next_offset;
            let meta = cell.read(|writer| writer.new_meta(at.number, next, clamp));
            edits.extend([Edit::Segment(meta), Edit::Dropped(at.number)]);
        }
        let name = |writer: &mut Writer<S::Error>| {
            writer.usable()?;
            Ok((writer.ask(edits), ()))
        };
        Ok(inner.reach(name).await?)
    }
}
