//! Owns frames that are staged: encoded for a place in a segment, not yet given to
//! the store.

use alloc::vec::Vec;

use super::growing::KeyedRecord;
use super::producers::Undo;
use super::snapshot::TailView;
use super::totals::TimeSpan;
use crate::Bytes;
use crate::format::{
    Attributes, BLOB_HEADER, BlobHeader, BodyWriter, Compression, FRAME_HEADER, Fault, FrameHeader,
    FrameKind, KeyHasher, Seed, SegmentMeta, Shape, compress, padded, seal_frame,
};
use crate::planted::{Bug, planted};
use crate::producer::Producer;
use crate::record::NewRecord;
use crate::store::LogId;

use super::segment::{segment_blob, segment_seed};

/// Where the next frame goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) meta: SegmentMeta,
    pub(crate) seed: Seed,
    pub(crate) position: u64,
}

impl Place {
    pub(crate) fn new(log: LogId, meta: SegmentMeta) -> Self {
        Self {
            meta,
            seed: segment_seed(log, &meta),
            position: BLOB_HEADER as u64,
        }
    }
}

/// What the header of a new frame says of the log at that moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vouch {
    pub(crate) position: u64,
    pub(crate) earlier: bool,
}

/// A frame in a group.
#[derive(Clone, Debug)]
pub(crate) struct StagedFrame {
    /// Place of its first byte in the group.
    pub(crate) at: usize,
    pub(crate) header: FrameHeader,
    pub(crate) span: Option<TimeSpan>,
    pub(crate) undo: Option<Undo>,
    /// It was acknowledged as buffered: it may not be refused any more.
    pub(crate) kept: bool,
}

/// Empty allocations of a group that is done.
pub(crate) type Spare = (Vec<u8>, Vec<StagedFrame>, Vec<KeyedRecord>);

/// Frames that are written with one append.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) meta: SegmentMeta,
    pub(crate) seed: Seed,
    /// Where its first byte goes.
    pub(crate) position: u64,
    pub(crate) bytes: Vec<u8>,
    /// The same bytes, once the group takes no more frames.
    pub(crate) frozen: Option<Bytes>,
    pub(crate) frames: Vec<StagedFrame>,
    /// Their records with keys, in order, where keys are indexed.
    pub(crate) keys: Vec<KeyedRecord>,
    /// `keys` has all of them.
    pub(crate) hashed: bool,
    /// Copies of earlier writers' data, which this epoch begins with.
    pub(crate) settles: bool,
    /// It is with the store, but the manifest does not name its segment yet.
    pub(crate) unnamed: bool,
    /// It was put in front of what others wait for, and is none of it.
    pub(crate) pads: bool,
}

impl Group {
    /// An empty group for `place`, in allocations to be used again. The first of a
    /// segment begins with its header.
    pub(crate) fn new(log: LogId, place: &Place, (mut bytes, frames, keys): Spare) -> Self {
        bytes.clear();
        let opens = place.position == BLOB_HEADER as u64;
        if opens {
            let header = BlobHeader {
                blob: segment_blob(log, place.meta.number),
                epoch: place.meta.epoch,
                base_offset: place.meta.base_offset,
                salt: place.meta.salt,
                rewritten: false,
                backup: false,
            };
            header.encode(&mut bytes);
        }
        Self {
            meta: place.meta,
            seed: place.seed,
            position: if opens { 0 } else { place.position },
            bytes,
            frozen: None,
            frames,
            keys,
            hashed: true,
            settles: false,
            unnamed: false,
            pads: false,
        }
    }

    /// Whether it creates its segment.
    pub(crate) const fn opens(&self) -> bool {
        self.position == 0
    }

    pub(crate) fn length(&self) -> usize {
        self.frozen
            .as_ref()
            .map_or(self.bytes.len(), |frozen| frozen.len())
    }

    pub(crate) fn freeze(&mut self) -> Bytes {
        if let Some(frozen) = &self.frozen {
            return frozen.clone();
        }
        let frozen = Bytes::from(core::mem::take(&mut self.bytes));
        self.frozen = Some(frozen.clone());
        frozen
    }

    /// The encoded bytes of all frames, from the first on.
    pub(crate) fn encoded(&self) -> &[u8] {
        let all: &[u8] = self.frozen.as_ref().map_or(&self.bytes, |frozen| frozen);
        self.frames
            .first()
            .and_then(|frame| all.get(frame.at..))
            .unwrap_or(&[])
    }

    /// The bytes of one of its frames.
    pub(crate) fn frame_bytes(&self, frame: &StagedFrame) -> &[u8] {
        let all: &[u8] = self.frozen.as_ref().map_or(&self.bytes, |frozen| frozen);
        all.get(frame.at..frame.at + frame.header.frame_length())
            .unwrap_or(&[])
    }

    pub(crate) fn next_offset(&self) -> Option<u64> {
        self.frames.last().map(|frame| frame.header.next_offset())
    }

    /// The records with keys of one of its frames.
    pub(crate) fn frame_keys(&self, frame: &StagedFrame) -> &[KeyedRecord] {
        let below = |offset| self.keys.partition_point(|key| key.offset < offset);
        let header = &frame.header;
        self.keys
            .get(below(header.base_offset)..below(header.next_offset()))
            .unwrap_or(&[])
    }

    /// The group as a reader of this handle sees it.
    pub(crate) fn view(&self) -> Option<TailView> {
        let first = self.frames.first()?;
        Some(TailView {
            meta: self.meta,
            position: self.position + first.at as u64,
            bytes: Bytes::from(self.encoded().to_vec()),
            first: first.header.base_offset,
            next: self.next_offset()?,
        })
    }

    fn add(&mut self, at: usize, header: FrameHeader, span: Option<TimeSpan>) {
        self.frames.push(StagedFrame {
            at,
            header,
            span,
            undo: None,
            kept: false,
        });
    }

    /// Encodes a batch at the end of the group.
    pub(crate) fn push_batch(
        &mut self,
        batch: &NewBatch<'_>,
        vouch: Vouch,
        scratch: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let start = self.bytes.len();
        let position = self.position + start as u64;
        let base_time = batch.time(0);
        let headers = batch
            .records
            .iter()
            .any(|record| !record.headers.is_empty());
        let shape = Shape {
            headers,
            gaps: false,
        };
        let misfit = Fault::Malformed("batch");
        let count = u32::try_from(batch.records.len()).map_err(|_| misfit)?;
        let mut header = FrameHeader {
            kind: FrameKind::Batch,
            attributes: Attributes {
                headers,
                earlier_synced: vouch.earlier,
                ..Attributes::default()
            },
            base_offset: batch.first,
            last_offset_delta: count.checked_sub(1).ok_or(misfit)?,
            record_count: count,
            base_time,
            clamp_floor: batch.clamp_floor,
            producer: batch.producer,
            ..FrameHeader::mark(0, 0, vouch.position, false)
        };
        header.kind = FrameKind::Batch;
        let mut span = TimeSpan {
            min: base_time,
            max: base_time,
        };
        let packed = if batch.compression == Compression::None {
            None
        } else {
            scratch.clear();
            batch.encode(
                &mut BodyWriter {
                    out: scratch,
                    shape,
                    base_time,
                },
                &mut span,
            );
            compress(batch.compression, scratch)
        };
        if let Some(packed) = packed {
            header.attributes.compression = batch.compression;
            header.raw_length = u32::try_from(scratch.len()).map_err(|_| misfit)?;
            self.bytes.resize(start + header.header_length(), 0);
            self.bytes.extend_from_slice(&packed);
        } else {
            self.bytes.resize(start + header.header_length(), 0);
            batch.encode(
                &mut BodyWriter {
                    out: &mut self.bytes,
                    shape,
                    base_time,
                },
                &mut span,
            );
            header.raw_length = 0;
        }
        let header = seal_frame(&mut self.bytes, start, header, self.seed, position)?;
        self.add(start, header, Some(span));
        self.hashed &= batch.hasher.is_some();
        if let Some(hasher) = batch.hasher {
            let records = (batch.first..).zip(batch.records);
            let keys = records.filter_map(|(offset, record)| {
                let hash = hasher.hash(record.key?);
                Some(KeyedRecord { offset, hash })
            });
            self.keys.extend(keys);
        }
        Ok(())
    }

    /// Adds a mark; one of `length` bytes in all, or the shortest.
    pub(crate) fn push_mark(
        &mut self,
        next_offset: u64,
        clamp: i64,
        vouch: Vouch,
        length: usize,
    ) -> Result<(), Fault> {
        let start = self.bytes.len();
        let position = self.position + start as u64;
        let header = FrameHeader::mark(next_offset, clamp, vouch.position, vouch.earlier);
        self.bytes.resize(start + length.max(FRAME_HEADER), 0);
        let header = seal_frame(&mut self.bytes, start, header, self.seed, position)?;
        self.add(start, header, None);
        Ok(())
    }

    /// Adds an existing frame, sealed anew for this place: the records and their
    /// offsets stay as they are.
    pub(crate) fn push_frame(
        &mut self,
        header: &FrameHeader,
        span: Option<TimeSpan>,
        frame: &[u8],
        vouch: Vouch,
    ) -> Result<(), Fault> {
        let start = self.bytes.len();
        let position = self.position + start as u64;
        let (out, producer) = (&mut self.bytes, header.producer);
        let header = reseal(out, header, producer, frame, vouch, self.seed, position)?;
        self.add(start, header, span);
        Ok(())
    }
}

/// Appends an existing frame to `out`, sealed anew for `position` of the blob with
/// `seed`, as one of this producer.
pub(crate) fn reseal(
    out: &mut Vec<u8>,
    header: &FrameHeader,
    producer: Option<Producer>,
    frame: &[u8],
    vouch: Vouch,
    seed: Seed,
    position: u64,
) -> Result<FrameHeader, Fault> {
    let start = out.len();
    let body = frame.get(header.header_length()..).ok_or(Fault::Short)?;
    let body = body.get(..header.body_length as usize);
    let mut header = *header;
    header.producer = producer;
    out.resize(start + header.header_length(), 0);
    out.extend_from_slice(body.ok_or(Fault::Short)?);
    header.vouched = vouch.position;
    header.attributes.earlier_synced = vouch.earlier;
    seal_frame(out, start, header, seed, position)
}

/// A batch about to be encoded.
pub(crate) struct NewBatch<'a> {
    pub(crate) records: &'a [NewRecord<'a>],
    pub(crate) first: u64,
    /// The time of records that carry none.
    pub(crate) now: i64,
    pub(crate) clamp_floor: i64,
    pub(crate) producer: Option<Producer>,
    pub(crate) compression: Compression,
    /// What keys are hashed with, if they are indexed.
    pub(crate) hasher: Option<KeyHasher>,
}

impl NewBatch<'_> {
    fn time(&self, index: usize) -> i64 {
        self.records
            .get(index)
            .and_then(|record| record.time)
            .unwrap_or(self.now)
    }

    fn encode(&self, body: &mut BodyWriter<'_>, span: &mut TimeSpan) {
        for (delta, record) in self.records.iter().enumerate() {
            let time = record.time.unwrap_or(self.now);
            span.include(time);
            body.push(delta as u64, time, record.key, record.value, record.headers);
        }
    }
}

/// Bytes of padding that bring `position` to a multiple of `align`: none, or enough
/// for a mark.
pub(crate) fn padding(position: u64, align: u32) -> usize {
    if align == 0 || planted(Bug::NoPadding) {
        return 0;
    }
    let gap = position.next_multiple_of(align as u64) - position;
    // Alignments are far below the address space.
    #[allow(clippy::cast_possible_truncation, reason = "gap is below align, a u32")]
    let gap = gap as usize;
    match gap {
        0 => 0,
        short if short < padded(FRAME_HEADER) => short + align as usize,
        gap => gap,
    }
}
