//! Owns walking over stored frames: verifying one, and finding the next one
//! behind damage. Pure functions over bytes already read.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::growing::KeyedRecord;
use super::totals::TimeSpan;
use crate::format::{
    ALIGN, Compression, FRAME_HEADER_MAX, Fault, FrameHeader, FrameKind, KeyHasher, RecordShape,
    Seed, Shape, decompress,
};

/// A frame whose checksums hold.
pub(crate) struct VerifiedFrame<'a> {
    pub(crate) header: FrameHeader,
    /// The body, decompressed.
    pub(crate) body: Cow<'a, [u8]>,
}

/// A record of a verified frame.
pub(crate) struct FrameRecord<'a> {
    /// Where it begins in the body.
    pub(crate) at: usize,
    pub(crate) offset: u64,
    pub(crate) time: i64,
    pub(crate) key: Option<&'a [u8]>,
}

/// What the header of a frame says that is refused for something else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownFrame {
    /// Bytes after which the next frame starts.
    length: usize,
    pub(crate) vouched: u64,
    pub(crate) earlier_synced: bool,
}

impl From<&FrameHeader> for KnownFrame {
    fn from(header: &FrameHeader) -> Self {
        Self {
            length: header.frame_length(),
            vouched: header.vouched,
            earlier_synced: header.attributes.earlier_synced,
        }
    }
}

/// A frame that was refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BadFrame {
    pub(crate) fault: Fault,
    /// What its header says, where that can be trusted.
    pub(crate) known: Option<KnownFrame>,
    /// Bytes needed to say more, where they end too early.
    pub(crate) needs: usize,
}

impl BadFrame {
    const fn header(fault: Fault) -> Self {
        Self {
            fault,
            known: None,
            needs: FRAME_HEADER_MAX,
        }
    }

    /// Bytes after which the next frame may start.
    pub(crate) fn length(&self) -> usize {
        self.known.map_or(ALIGN, |known| known.length)
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
        known: Some(KnownFrame::from(&header)),
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
    /// Reads every record, hands it to `each`, and returns the time span; `None` for a
    /// frame without records.
    ///
    /// A body that holds something else than its header says is malformed.
    pub(crate) fn records(
        &self,
        mut each: impl FnMut(FrameRecord<'_>),
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
            let time = header.base_time.wrapping_add(record.time_delta);
            each(FrameRecord {
                at,
                offset: header.base_offset + delta,
                time,
                key: record.key,
            });
            at += record.length;
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

    /// Adds the records that have a key to `keys`, if they are hashed, and returns the
    /// time span like [`records`](Self::records).
    pub(crate) fn keyed(
        &self,
        hasher: Option<KeyHasher>,
        keys: &mut Vec<KeyedRecord>,
    ) -> Result<Option<TimeSpan>, Fault> {
        let Some(hasher) = hasher else {
            return self.records(|_| {});
        };
        let before = keys.len();
        Fault::reserve(keys, self.header.record_count as usize)?;
        let span = self.records(|record| {
            keys.extend(record.key.map(|key| KeyedRecord {
                offset: record.offset,
                hash: hasher.hash(key),
            }));
        });
        if span.is_err() {
            keys.truncate(before);
        }
        span
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
