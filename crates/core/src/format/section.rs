//! Owns how a footer is put together: blocks, sections of them, and the root that says
//! where each section is.
//!
//! # Format
//!
//! Sections are cut into blocks of at most 4096 bytes, each block ending with its
//! section's tag, the length of its payload and a checksum; the root block comes last,
//! so that the last 8 bytes of a footer tell how to read it. Positions in the root
//! count from the footer's start.

use alloc::vec::Vec;

use super::Fault;
use super::checksum::{ContentHash, Seed};
use super::filter::Filter;
use super::frame::padded;
use super::keys::KeyBlock;
use super::wire::Input;

/// Tag (u16), payload length (u16), checksum (u32).
const TRAILER: usize = 8;
/// Bytes of payload in a full block, where items may straddle two.
const PAYLOAD: usize = 4096 - TRAILER;
const ROOT_TAG: u16 = 0;
const ROOT_FIXED: usize = 72;
const SECTION_ENTRY: usize = 16;

/// What a section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Section {
    /// Entries of the offset index.
    Offsets = 1,
    /// Producers that appended to this segment.
    Producers = 2,
    /// The index time before each frame that the offset index names.
    Times = 3,
    /// Items of the key index.
    Keys = 4,
    /// The filter in front of the key index.
    Filter = 5,
}

impl Section {
    /// Bytes of payload in a full block.
    pub(super) const fn payload(self) -> usize {
        match self {
            Self::Offsets | Self::Producers | Self::Times => PAYLOAD,
            Self::Keys => KeyBlock::PAYLOAD,
            Self::Filter => Filter::PAYLOAD,
        }
    }

    const fn block(self) -> usize {
        self.payload() + TRAILER
    }
}

/// Where a footer is, and what its checksums start from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FooterSpot {
    pub(crate) seed: Seed,
    /// Position of its first byte in its blob.
    pub(crate) position: u64,
    /// Bytes.
    pub(crate) length: u64,
}

/// Where a section is in its footer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SectionPlace {
    pub(crate) section: Section,
    pub(crate) items: u32,
    /// Position of its first byte, from the start of the footer.
    pub(crate) position: u32,
    /// Bytes, the blocks' trailers included.
    pub(crate) length: u32,
}

impl SectionPlace {
    /// The place of its block `index`: position from the start of the footer, bytes.
    pub(crate) fn block(&self, index: usize) -> Option<(u32, usize)> {
        let from = index.checked_mul(self.section.block())?;
        let left = (self.length as usize).checked_sub(from)?;
        let position = self.position.checked_add(u32::try_from(from).ok()?)?;
        (left > 0).then_some((position, left.min(self.section.block())))
    }

    /// The verified payload of `bytes`: whole blocks of this section, the first of them
    /// at `position` of the footer.
    pub(crate) fn payload(
        &self,
        spot: &FooterSpot,
        position: u32,
        bytes: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let mut at = spot.position + u64::from(position);
        let mut payload = Vec::new();
        Fault::reserve(&mut payload, bytes.len())?;
        for block in bytes.chunks(self.section.block()) {
            payload.extend_from_slice(block_payload(spot.seed, at, self.section as u16, block)?);
            at += block.len() as u64;
        }
        Ok(payload)
    }
}

/// Totals of a segment, and where its sections are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FooterRoot {
    pub(crate) base_offset: u64,
    pub(crate) next_offset: u64,
    pub(crate) records: u64,
    /// Position in the segment at which its frames end.
    pub(crate) data_end: u64,
    pub(crate) min_time: i64,
    pub(crate) max_time: i64,
    /// Index time reached at the end of the segment.
    pub(crate) clamp: i64,
    pub(crate) content_hash: ContentHash,
    pub(super) sections: Vec<(u16, [u32; 3])>,
}

impl FooterRoot {
    /// Bytes at the end of a footer in which its root is, unless it is uncommonly long.
    pub(crate) const TAIL: usize = 4096;
    /// Bytes at the end of a footer in which every root is.
    pub(crate) const TAIL_MAX: usize = (1 << 16) + TRAILER;

    /// Reads the root out of the last bytes of a footer: [`TAIL`](Self::TAIL) of them,
    /// or all. They are [`Fault::Short`] if the root is longer.
    pub(crate) fn decode(spot: &FooterSpot, tail: &[u8]) -> Result<Self, Fault> {
        let trailer = tail.last_chunk::<TRAILER>().ok_or(Fault::Short)?;
        let mut input = Input::new(trailer);
        let (_tag, length) = (input.u16()?, usize::from(input.u16()?));
        let block = padded(length) + TRAILER;
        let root = tail.len().checked_sub(block).and_then(|at| tail.get(at..));
        let root = root.ok_or(Fault::Short)?;
        let from = spot.length.checked_sub(block as u64).ok_or(Fault::Short)?;
        let payload = block_payload(spot.seed, spot.position + from, ROOT_TAG, root)?;
        let mut input = Input::new(payload);
        let mut root = Self {
            base_offset: input.u64()?,
            next_offset: input.u64()?,
            records: input.u64()?,
            data_end: input.u64()?,
            min_time: input.i64()?,
            max_time: input.i64()?,
            clamp: input.i64()?,
            content_hash: ContentHash(input.u64()?),
            sections: Vec::new(),
        };
        let count = usize::try_from(input.u64()?).unwrap_or(usize::MAX);
        if count > input.left() / SECTION_ENTRY {
            return Err(Fault::Malformed("number of sections"));
        }
        for _ in 0..count {
            let tag = u16::try_from(input.u32()?).map_err(|_| Fault::Malformed("section tag"))?;
            let place = [input.u32()?, input.u32()?, input.u32()?];
            if u64::from(place[1]) + u64::from(place[2]) > from {
                return Err(Fault::Malformed("place of a section"));
            }
            root.sections.push((tag, place));
        }
        Ok(root)
    }

    /// Where a section is, if the footer has it.
    pub(crate) fn section(&self, section: Section) -> Option<SectionPlace> {
        let found = self.sections.iter().find(|(tag, _)| *tag == section as u16);
        let (_, [items, position, length]) = *found?;
        Some(SectionPlace {
            section,
            items,
            position,
            length,
        })
    }

    fn put(&self, sections: &[(u16, [u32; 3])], out: &mut Vec<u8>) {
        out.reserve(ROOT_FIXED);
        for field in [
            self.base_offset,
            self.next_offset,
            self.records,
            self.data_end,
        ] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        for time in [self.min_time, self.max_time, self.clamp] {
            out.extend_from_slice(&time.to_le_bytes());
        }
        out.extend_from_slice(&self.content_hash.0.to_le_bytes());
        out.extend_from_slice(&(sections.len() as u64).to_le_bytes());
        for (tag, place) in sections {
            for field in [u32::from(*tag), place[0], place[1], place[2]] {
                out.extend_from_slice(&field.to_le_bytes());
            }
        }
    }
}

/// A footer in the making, at the end of other bytes.
pub(super) struct Sections<'a> {
    seed: Seed,
    position: u64,
    start: usize,
    out: &'a mut Vec<u8>,
    written: Vec<(u16, [u32; 3])>,
}

impl<'a> Sections<'a> {
    /// A footer that begins at `position` of the blob with `seed`, behind what is in
    /// `out` already.
    pub(super) const fn new(seed: Seed, position: u64, out: &'a mut Vec<u8>) -> Self {
        Self {
            seed,
            position,
            start: out.len(),
            out,
            written: Vec::new(),
        }
    }

    /// Writes a section of items that `put` can write one by one, `each` of them in a
    /// full block.
    pub(super) fn put<T>(
        &mut self,
        section: Section,
        items: &[T],
        each: usize,
        put: impl Fn(&T, &mut Vec<u8>),
    ) -> Result<(), Fault> {
        let from = self.out.len();
        for items in items.chunks(each) {
            self.block(section as u16, |out| {
                items.iter().for_each(|item| put(item, out));
            })?;
        }
        self.written(section, items.len(), from)
    }

    /// Writes a section of items that may straddle blocks, from its whole payload.
    pub(super) fn put_bytes(
        &mut self,
        section: Section,
        items: usize,
        payload: &[u8],
    ) -> Result<(), Fault> {
        let from = self.out.len();
        for chunk in payload.chunks(section.payload()) {
            self.block(section as u16, |out| out.extend_from_slice(chunk))?;
        }
        self.written(section, items, from)
    }

    fn written(&mut self, section: Section, items: usize, from: usize) -> Result<(), Fault> {
        let (at, length) = (from - self.start, self.out.len() - from);
        let place = [small(items)?, small(at)?, small(length)?];
        self.written.push((section as u16, place));
        Ok(())
    }

    /// Writes the root, which ends the footer.
    pub(super) fn finish(mut self, root: &FooterRoot) -> Result<(), Fault> {
        let sections = core::mem::take(&mut self.written);
        self.block(ROOT_TAG, |out| root.put(&sections, out))
    }

    fn block(&mut self, tag: u16, payload: impl FnOnce(&mut Vec<u8>)) -> Result<(), Fault> {
        let start = self.out.len();
        payload(self.out);
        let length = self.out.len() - start;
        self.out.resize(start + padded(length), 0);
        let length = u16::try_from(length).map_err(|_| Fault::Malformed("footer block"))?;
        self.out.extend_from_slice(&tag.to_le_bytes());
        self.out.extend_from_slice(&length.to_le_bytes());
        let at = self.position + (start - self.start) as u64;
        let covered = self.out.get(start..).ok_or(Fault::Short)?;
        let crc = self.seed.crc(at, covered);
        self.out.extend_from_slice(&crc.to_le_bytes());
        Ok(())
    }
}

fn block_payload(seed: Seed, position: u64, tag: u16, block: &[u8]) -> Result<&[u8], Fault> {
    let (covered, crc) = block.split_last_chunk::<4>().ok_or(Fault::Short)?;
    if seed.crc(position, covered) != u32::from_le_bytes(*crc) {
        return Err(Fault::Checksum);
    }
    let (payload, kind) = covered.split_last_chunk::<4>().ok_or(Fault::Short)?;
    let mut input = Input::new(kind);
    let (found, length) = (input.u16()?, usize::from(input.u16()?));
    if found != tag || padded(length) != payload.len() {
        return Err(Fault::Malformed("footer block"));
    }
    payload.get(..length).ok_or(Fault::Short)
}

fn small(value: usize) -> Result<u32, Fault> {
    u32::try_from(value).map_err(|_| Fault::Malformed("footer size"))
}
