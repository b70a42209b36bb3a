//! Owns the frame: the unit that is written, verified and torn as a whole.
//!
//! # Format
//!
//! A header of 56 bytes and its optional blocks, with a checksum of its own so
//! that a damaged body can be hopped over; the body with its checksum; zeros up
//! to a multiple of 8.

use alloc::vec::Vec;

use super::checksum::Seed;
use super::wire::Input;
use super::{Compression, Fault, RECORD_MIN};
use crate::limits;
use crate::planted::{Bug, planted};
use crate::producer::{Producer, ProducerId};

/// Frames start at multiples of this.
pub(crate) const ALIGN: usize = 8;
/// Bytes of a header without optional blocks.
pub(crate) const FRAME_HEADER: usize = 56;
const RAW_BLOCK: usize = 8;
const PRODUCER_BLOCK: usize = 32;
/// Bytes of the longest header.
pub(crate) const FRAME_HEADER_MAX: usize = FRAME_HEADER + RAW_BLOCK + PRODUCER_BLOCK;

/// What the body of a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum FrameKind {
    /// Records.
    Batch = 0,
    /// Nothing, or padding: the header vouches for what precedes it.
    Mark = 1,
    /// Manifest edits.
    Edits = 2,
    /// A mask.
    Mask = 3,
}

/// The attribute bits of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) compression: Compression,
    /// Records carry headers.
    pub(crate) headers: bool,
    /// Records carry offset deltas, because offsets are missing between them.
    pub(crate) gaps: bool,
    /// Every earlier segment was synced as a whole when the frame was written.
    pub(crate) earlier_synced: bool,
}

const COMPRESSION_BITS: u16 = 0b11;
const PRODUCER_BIT: u16 = 1 << 2;
const HEADERS_BIT: u16 = 1 << 3;
const GAPS_BIT: u16 = 1 << 4;
const ENCRYPTED_BIT: u16 = 1 << 5;
const EARLIER_SYNCED_BIT: u16 = 1 << 6;

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) kind: FrameKind,
    pub(crate) attributes: Attributes,
    /// Bytes of the body as stored, without padding.
    pub(crate) body_length: u32,
    /// Bytes of the body once decompressed.
    pub(crate) raw_length: u32,
    pub(crate) base_offset: u64,
    pub(crate) last_offset_delta: u32,
    pub(crate) record_count: u32,
    pub(crate) base_time: i64,
    /// The index time reached before this frame.
    pub(crate) clamp_floor: i64,
    /// Bytes of this blob known to be synced when the frame was written.
    pub(crate) vouched: u64,
    pub(crate) producer: Option<Producer>,
    pub(crate) header_crc: u32,
    pub(crate) body_crc: u32,
}

impl FrameHeader {
    pub(crate) const fn mark(
        next_offset: u64,
        clamp_floor: i64,
        vouched: u64,
        earlier: bool,
    ) -> Self {
        Self {
            kind: FrameKind::Mark,
            attributes: Attributes {
                compression: Compression::None,
                headers: false,
                gaps: false,
                earlier_synced: earlier,
            },
            body_length: 0,
            raw_length: 0,
            base_offset: next_offset,
            last_offset_delta: 0,
            record_count: 0,
            base_time: 0,
            clamp_floor,
            vouched,
            producer: None,
            header_crc: 0,
            body_crc: 0,
        }
    }

    /// Bytes of the header with its blocks.
    pub(crate) const fn header_length(&self) -> usize {
        let raw = match self.attributes.compression {
            Compression::None => 0,
            _ => RAW_BLOCK,
        };
        let producer = if self.producer.is_some() {
            PRODUCER_BLOCK
        } else {
            0
        };
        FRAME_HEADER + raw + producer
    }

    /// Bytes of the whole frame, padding included.
    pub(crate) const fn frame_length(&self) -> usize {
        padded(self.header_length() + self.body_length as usize)
    }

    /// The offset after the last record.
    pub(crate) const fn next_offset(&self) -> u64 {
        match self.record_count {
            0 => self.base_offset,
            _ => self.base_offset + self.last_offset_delta as u64 + 1,
        }
    }

    fn put(&self, out: &mut [u8]) -> Option<()> {
        let mut bits = self.attributes.compression as u16;
        let a = self.attributes;
        for (set, bit) in [
            (self.producer.is_some(), PRODUCER_BIT),
            (a.headers, HEADERS_BIT),
            (a.gaps, GAPS_BIT),
            (a.earlier_synced, EARLIER_SYNCED_BIT),
        ] {
            bits |= if set { bit } else { 0 };
        }
        let words = u8::try_from(self.header_length() / ALIGN).ok()?;
        let (fixed, blocks) = out.split_first_chunk_mut::<FRAME_HEADER>()?;
        let mut at = 4;
        let mut field = |bytes: &[u8]| -> Option<()> {
            fixed.get_mut(at..at + bytes.len())?.copy_from_slice(bytes);
            at += bytes.len();
            Some(())
        };
        field(&self.body_crc.to_le_bytes())?;
        field(&self.body_length.to_le_bytes())?;
        field(&bits.to_le_bytes())?;
        field(&[self.kind as u8, words])?;
        field(&self.base_offset.to_le_bytes())?;
        field(&self.last_offset_delta.to_le_bytes())?;
        field(&self.record_count.to_le_bytes())?;
        field(&self.base_time.to_le_bytes())?;
        field(&self.clamp_floor.to_le_bytes())?;
        field(&self.vouched.to_le_bytes())?;
        let blocks = match self.attributes.compression {
            Compression::None => blocks,
            _ => {
                let (raw, rest) = blocks.split_first_chunk_mut::<RAW_BLOCK>()?;
                *raw = u64::from(self.raw_length).to_le_bytes();
                rest
            }
        };
        if let Some(producer) = self.producer {
            let (block, _) = blocks.split_first_chunk_mut::<PRODUCER_BLOCK>()?;
            block.get_mut(..16)?.copy_from_slice(&producer.id.0);
            block
                .get_mut(16..24)?
                .copy_from_slice(&producer.epoch.to_le_bytes());
            block
                .get_mut(24..32)?
                .copy_from_slice(&producer.sequence.to_le_bytes());
        }
        Some(())
    }

    /// Reads and verifies the header at `position` of the blob with `seed`.
    /// `bytes` begin there and may go on beyond the header.
    pub(crate) fn decode(seed: Seed, position: u64, bytes: &[u8]) -> Result<Self, Fault> {
        let fixed = bytes.first_chunk::<FRAME_HEADER>().ok_or(Fault::Short)?;
        let words = usize::from(*fixed.get(15).ok_or(Fault::Short)?);
        if words == 0 && fixed.iter().all(|byte| *byte == 0) {
            return Err(Fault::Blank);
        }
        let length = words * ALIGN;
        if !(FRAME_HEADER..=FRAME_HEADER_MAX).contains(&length) {
            return Err(Fault::Checksum);
        }
        let covered = bytes.get(..length).ok_or(Fault::Short)?;
        let mut input = Input::new(covered);
        let header_crc = input.u32()?;
        if seed.crc(position, covered.get(4..).ok_or(Fault::Short)?) != header_crc
            && !planted(Bug::IgnoreHeaderChecksum)
        {
            return Err(Fault::Checksum);
        }
        let header = Self::fields(&mut input, header_crc, length)?;
        // A frame can vouch only for what precedes it.
        if header.vouched > position {
            return Err(Fault::Malformed("vouched position"));
        }
        Ok(header)
    }

    /// The checksum that the bytes of a header say, and what they come to.
    pub(crate) fn checksums(seed: Seed, position: u64, bytes: &[u8]) -> Option<(u32, u32)> {
        let length = usize::from(*bytes.get(15)?) * ALIGN;
        if !(FRAME_HEADER..=FRAME_HEADER_MAX).contains(&length) {
            return None;
        }
        let stored = Input::new(bytes).u32().ok()?;
        Some((stored, seed.crc(position, bytes.get(4..length)?)))
    }

    /// The checksum that the header says of its body, and what that comes to in the bytes
    /// of a frame.
    pub(crate) fn body_checksums(
        &self,
        seed: Seed,
        position: u64,
        frame: &[u8],
    ) -> Option<(u32, u32)> {
        let body = frame.get(self.header_length()..)?;
        let body = body.get(..self.body_length as usize)?;
        Some((self.body_crc, seed.crc(position, body)))
    }

    fn fields(input: &mut Input<'_>, header_crc: u32, length: usize) -> Result<Self, Fault> {
        let body_crc = input.u32()?;
        let body_length = input.u32()?;
        let bits = input.u16()?;
        let kind = match input.u8()? {
            0 => FrameKind::Batch,
            1 => FrameKind::Mark,
            2 => FrameKind::Edits,
            3 => FrameKind::Mask,
            // The checksum holds, so a later version wrote it.
            _ => return Err(Fault::Codec("this kind of frame")),
        };
        let _words = input.u8()?;
        if bits & ENCRYPTED_BIT != 0 {
            return Err(Fault::Codec("encryption"));
        }
        let known = COMPRESSION_BITS | PRODUCER_BIT | HEADERS_BIT | GAPS_BIT | EARLIER_SYNCED_BIT;
        if bits & !known != 0 {
            return Err(Fault::Feature(u32::from(bits & !known)));
        }
        let mut header = Self {
            kind,
            attributes: Attributes {
                compression: Compression::from_bits(bits & COMPRESSION_BITS)
                    .ok_or(Fault::Malformed("compression"))?,
                headers: bits & HEADERS_BIT != 0,
                gaps: bits & GAPS_BIT != 0,
                earlier_synced: bits & EARLIER_SYNCED_BIT != 0,
            },
            body_length,
            raw_length: body_length,
            base_offset: input.u64()?,
            last_offset_delta: input.u32()?,
            record_count: input.u32()?,
            base_time: input.i64()?,
            clamp_floor: input.i64()?,
            vouched: input.u64()?,
            producer: None,
            header_crc,
            body_crc,
        };
        if header.attributes.compression != Compression::None {
            header.raw_length =
                u32::try_from(input.u64()?).map_err(|_| Fault::Malformed("raw length"))?;
        }
        if bits & PRODUCER_BIT != 0 {
            header.producer = Some(Producer {
                id: ProducerId(input.array()?),
                epoch: input.u64()?,
                sequence: input.u64()?,
            });
        }
        header.validate(length)?;
        Ok(header)
    }

    fn validate(&self, length: usize) -> Result<(), Fault> {
        if length != self.header_length() {
            return Err(Fault::Malformed("frame header length"));
        }
        let body = limits::BATCH_MAX;
        if self.body_length as usize > body || self.raw_length as usize > body {
            return Err(Fault::Malformed("frame length"));
        }
        let records = self.record_count;
        let fits = match self.kind {
            FrameKind::Batch => {
                records > 0
                    && records as usize <= limits::BATCH_RECORDS_MAX
                    && u64::from(records) * RECORD_MIN <= u64::from(self.raw_length)
                    && self.last_offset_delta >= records - 1
                    && (self.attributes.gaps || self.last_offset_delta == records - 1)
            }
            _ => {
                let plain = Attributes {
                    earlier_synced: self.attributes.earlier_synced,
                    ..Attributes::default()
                };
                records == 0
                    && self.last_offset_delta == 0
                    && self.attributes == plain
                    && self.producer.is_none()
            }
        };
        if !fits {
            return Err(Fault::Malformed("record count"));
        }
        let last = self
            .base_offset
            .checked_add(u64::from(self.last_offset_delta));
        if last.is_none_or(|last| last >= limits::OFFSET_MAX) {
            return Err(Fault::Malformed("offset"));
        }
        Ok(())
    }

    /// Whether `body`, as stored, is what was written for the frame at `position`.
    #[inline]
    pub(crate) fn verifies(&self, seed: Seed, position: u64, body: &[u8]) -> bool {
        body.len() == self.body_length as usize
            && (seed.crc(position, body) == self.body_crc || planted(Bug::IgnoreBodyChecksum))
    }
}

/// `length` rounded up to the frame alignment.
pub(crate) const fn padded(length: usize) -> usize {
    length.next_multiple_of(ALIGN)
}

/// Turns `out[start..]`, which holds `header.header_length()` bytes of room and
/// the body, into a finished frame that belongs at `position`: fills in the
/// header, both checksums and the padding.
///
/// Returns the header as written.
pub(crate) fn seal_frame(
    out: &mut Vec<u8>,
    start: usize,
    mut header: FrameHeader,
    seed: Seed,
    position: u64,
) -> Result<FrameHeader, Fault> {
    let misfit = Fault::Malformed("frame under construction");
    let length = header.header_length();
    let body = out.get(start + length..).ok_or(misfit)?;
    header.body_length = u32::try_from(body.len()).map_err(|_| misfit)?;
    header.body_crc = seed.crc(position, body);
    out.resize(start + header.frame_length(), 0);
    let frame = out.get_mut(start..).ok_or(misfit)?;
    header.put(frame).ok_or(misfit)?;
    let (crc, covered) = frame
        .get_mut(..length)
        .and_then(<[u8]>::split_first_chunk_mut::<4>)
        .ok_or(misfit)?;
    header.header_crc = seed.crc(position, covered);
    *crc = header.header_crc.to_le_bytes();
    Ok(header)
}
