//! Owns walking over stored frames: verifying one, and finding the next one
//! behind damage. Pure functions over bytes already read.

use alloc::borrow::Cow;

use super::totals::TimeSpan;
use crate::format::{
    ALIGN, Compression, FRAME_HEADER_MAX, Fault, FrameHeader, FrameKind, RecordShape, Seed, Shape,
    decompress,
};

/// A frame whose checksums hold.
pub(crate) struct VerifiedFrame<'a> {
    pub(crate) header: FrameHeader,
    /// The body, decompressed.
    pub(crate) body: Cow<'a, [u8]>,
}

/// A frame that was refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BadFrame {
    pub(crate) fault: Fault,
    /// Bytes after which the next frame starts, where the header can be trusted.
    pub(crate) length: Option<usize>,
    /// Bytes needed to say more, where they end too early.
    pub(crate) needs: usize,
}

impl BadFrame {
    const fn header(fault: Fault) -> Self {
        Self {
            fault,
            length: None,
            needs: FRAME_HEADER_MAX,
        }
    }
}

/// Verifies the frame at the start of `bytes`, which belongs at `position`.
pub(crate) fn verify(
    seed: Seed,
    position: u64,
    bytes: &[u8],
) -> Result<VerifiedFrame<'_>, BadFrame> {
    let header = FrameHeader::decode(seed, position, bytes).map_err(BadFrame::header)?;
    let length = header.frame_length();
    let bad = |fault| BadFrame {
        fault,
        length: Some(length),
        needs: length,
    };
    let from = header.header_length();
    let body = bytes
        .get(from..from + header.body_length as usize)
        .ok_or(bad(Fault::Short))?;
    if !header.verifies(seed, position, body) {
        return Err(bad(Fault::Checksum));
    }
    let padding = bytes
        .get(from + body.len()..length)
        .ok_or(bad(Fault::Short))?;
    if padding.iter().any(|byte| *byte != 0) {
        return Err(bad(Fault::Malformed("frame padding")));
    }
    let body = match header.attributes.compression {
        Compression::None => Cow::Borrowed(body),
        codec => decompress(codec, body, header.raw_length as usize)
            .map(Cow::Owned)
            .map_err(bad)?,
    };
    Ok(VerifiedFrame { header, body })
}

impl VerifiedFrame<'_> {
    /// Reads every record, hands its place in the body and its offset to `each`,
    /// and returns the time span; `None` for a frame without records.
    ///
    /// A body that holds something else than its header says is malformed.
    pub(crate) fn records(
        &self,
        mut each: impl FnMut(usize, u64),
    ) -> Result<Option<TimeSpan>, Fault> {
        let header = &self.header;
        if header.kind != FrameKind::Batch {
            return Ok(None);
        }
        let shape = Shape::from(header.attributes);
        let last = u64::from(header.last_offset_delta);
        let mut at = 0;
        let mut expected = 0;
        let mut span: Option<TimeSpan> = None;
        for index in 0..u64::from(header.record_count) {
            let rest = self.body.get(at..).ok_or(Fault::Short)?;
            let record = RecordShape::decode(rest, shape)?;
            let delta = record.offset_delta.unwrap_or(index);
            if delta < expected || delta > last {
                return Err(Fault::Malformed("offset of a record"));
            }
            expected = delta + 1;
            each(at, header.base_offset + delta);
            at += record.length;
            let time = header.base_time.wrapping_add(record.time_delta);
            match &mut span {
                Some(span) => span.include(time),
                None => {
                    span = Some(TimeSpan {
                        min: time,
                        max: time,
                    });
                }
            }
        }
        if at != self.body.len() || expected != last + 1 {
            return Err(Fault::Malformed("length of a batch"));
        }
        Ok(span)
    }
}

/// The first place in `bytes`, which start at `position`, where a whole header
/// verifies. Skips `from` bytes.
pub(crate) fn next_header(
    seed: Seed,
    position: u64,
    bytes: &[u8],
    from: usize,
) -> Option<(usize, FrameHeader)> {
    let mut at = from.next_multiple_of(ALIGN);
    while let Some(rest) = bytes.get(at..) {
        if rest.len() < ALIGN {
            return None;
        }
        // Long runs of zeros are what preallocated files end with.
        let blank = rest
            .chunks_exact(ALIGN)
            .take_while(|word| *word == [0; ALIGN])
            .count();
        if blank > 1 {
            at += (blank - 1) * ALIGN;
            if blank * ALIGN == rest.len() / ALIGN * ALIGN {
                return None;
            }
        }
        if let Some(rest) = bytes.get(at..)
            && let Ok(header) = FrameHeader::decode(seed, position + at as u64, rest)
        {
            return Some((at, header));
        }
        at += ALIGN;
    }
    None
}
