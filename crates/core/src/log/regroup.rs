//! Owns making new frames of what deletions leave of one. Offsets, own times and
//! index times stay as they are.

use alloc::vec::Vec;

use super::frames::VerifiedFrame;
use super::group::Vouch;
use super::totals::TimeSpan;
use crate::format::{
    Attributes, BodyWriter, Compression, Fault, FrameHeader, FrameKind, RecordShape, Seed, Shape,
    compress, seal_frame,
};
use crate::record::Header;

/// A record that stays.
struct Kept<'a> {
    offset: u64,
    time: i64,
    /// Index time reached before it.
    floor: i64,
    shape: RecordShape<'a>,
}

/// Where new frames go, and how they are made.
#[derive(Clone, Copy)]
pub(crate) struct Regroup {
    pub(crate) seed: Seed,
    /// Bytes of the blob in front of those that are appended to.
    pub(crate) written: u64,
    pub(crate) compression: Compression,
    pub(crate) vouch: Vouch,
}

impl Regroup {
    /// Appends frames to `out` with the records of `frame` that `stays` is true for,
    /// and hands each with its position to `each`. They name no producer: theirs was a
    /// batch that is no more.
    pub(crate) fn put(
        &self,
        out: &mut Vec<u8>,
        frame: &VerifiedFrame<'_>,
        stays: impl Fn(u64) -> bool,
        mut each: impl FnMut(u64, &FrameHeader, TimeSpan),
    ) -> Result<(), Fault> {
        let mut run: Vec<Kept<'_>> = Vec::new();
        let mut reached = i64::MIN;
        for kept in self.kept(frame, stays)? {
            // Where a record that went had raised the index time of this one, a reader
            // of the new frame must find it raised.
            let raised = kept.floor > reached.max(kept.time);
            if raised && !run.is_empty() {
                self.seal(out, frame, &run, &mut each)?;
                run.clear();
            }
            reached = kept.floor.max(kept.time);
            run.push(kept);
        }
        if run.is_empty() {
            return Ok(());
        }
        self.seal(out, frame, &run, &mut each)
    }

    fn kept<'f>(
        &self,
        frame: &'f VerifiedFrame<'_>,
        stays: impl Fn(u64) -> bool,
    ) -> Result<Vec<Kept<'f>>, Fault> {
        let shape = Shape::from(frame.header.attributes);
        let mut places = Vec::new();
        frame.records(|record| places.push((record.at, record.offset)))?;
        let mut floor = frame.header.clamp_floor;
        let mut kept = Vec::new();
        for (at, offset) in places {
            let record = RecordShape::decode(frame.body.get(at..).ok_or(Fault::Short)?, shape)?;
            let time = frame.header.base_time.wrapping_add(record.time_delta);
            if stays(offset) {
                kept.push(Kept {
                    offset,
                    time,
                    floor,
                    shape: record,
                });
            }
            floor = floor.max(time);
        }
        Ok(kept)
    }

    fn seal(
        &self,
        out: &mut Vec<u8>,
        frame: &VerifiedFrame<'_>,
        run: &[Kept<'_>],
        each: &mut impl FnMut(u64, &FrameHeader, TimeSpan),
    ) -> Result<(), Fault> {
        let misfit = Fault::Malformed("batch");
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            return Err(misfit);
        };
        let delta = last.offset - first.offset;
        let shape = Shape {
            headers: frame.header.attributes.headers,
            gaps: delta != run.len() as u64 - 1,
        };
        let mut body = Vec::new();
        let mut writer = BodyWriter {
            out: &mut body,
            shape,
            base_time: first.time,
        };
        let mut span = TimeSpan {
            min: first.time,
            max: first.time,
        };
        for kept in run {
            let headers: Vec<Header<'_>> = kept.shape.headers.collect();
            let delta = kept.offset - first.offset;
            writer.push(delta, kept.time, kept.shape.key, kept.shape.value, &headers);
            span.include(kept.time);
        }
        let mut header = FrameHeader {
            kind: FrameKind::Batch,
            attributes: Attributes {
                headers: shape.headers,
                gaps: shape.gaps,
                earlier_synced: self.vouch.earlier,
                ..Attributes::default()
            },
            base_offset: first.offset,
            last_offset_delta: u32::try_from(delta).map_err(|_| misfit)?,
            record_count: u32::try_from(run.len()).map_err(|_| misfit)?,
            base_time: first.time,
            clamp_floor: first.floor,
            ..FrameHeader::mark(0, 0, self.vouch.position, false)
        };
        let packed = match self.compression {
            Compression::None => None,
            codec => compress(codec, &body),
        };
        if packed.is_some() {
            header.attributes.compression = self.compression;
            header.raw_length = u32::try_from(body.len()).map_err(|_| misfit)?;
        }
        let start = out.len();
        let position = self.written + start as u64;
        out.resize(start + header.header_length(), 0);
        out.extend_from_slice(packed.as_ref().unwrap_or(&body));
        let header = seal_frame(out, start, header, self.seed, position)?;
        each(position, &header, span);
        Ok(())
    }
}
