//! Owns the footer: the indexes and totals of a sealed segment, behind its
//! frames or in an index blob of their own.
//!
//! # Format
//!
//! Sections cut into blocks of at most 4096 bytes, each block ending with its
//! section's tag, the length of its payload and a checksum; the root block, which
//! says where the sections are, comes last, so that the last 8 bytes of a footer
//! tell how to read it. Positions in the root count from the footer's start.

use alloc::vec::Vec;

use super::checksum::{ContentHash, Seed};
use super::frame::padded;
use super::producers::ProducerState;
use super::wire::Input;
use super::{Fault, IndexEntry};
use crate::producer::ProducerId;

/// Bytes of a full block.
const BLOCK: usize = 4096;
/// Tag (u16), payload length (u16), checksum (u32).
const TRAILER: usize = 8;
const PAYLOAD: usize = BLOCK - TRAILER;
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
}

/// What a footer is made from, and what reading one whole gives back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) root: FooterRoot,
    pub(crate) offsets: Vec<IndexEntry>,
    pub(crate) producers: Vec<(ProducerId, ProducerState)>,
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
    pub(super) sections: Vec<SectionPlace>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SectionPlace {
    tag: u16,
    items: u32,
    position: u32,
    length: u32,
}

impl Footer {
    /// Appends the footer to `out`, whose first byte belongs at `position - out.len()`
    /// of the blob with `seed`.
    pub(crate) fn encode(&self, seed: Seed, position: u64, out: &mut Vec<u8>) -> Result<(), Fault> {
        let start = out.len();
        let at = |out: &Vec<u8>| position + (out.len() - start) as u64;
        let mut sections = Vec::new();
        let mut payload = Vec::new();
        for entry in &self.offsets {
            entry.put(&mut payload);
        }
        let mut producers = Vec::new();
        for (id, state) in &self.producers {
            state.put(*id, &mut producers);
        }
        for (section, bytes, items) in [
            (Section::Offsets, &payload, self.offsets.len()),
            (Section::Producers, &producers, self.producers.len()),
        ] {
            if items == 0 {
                continue;
            }
            let from = out.len();
            for chunk in bytes.chunks(PAYLOAD) {
                let place = at(out);
                put_block(seed, place, section as u16, chunk, out)?;
            }
            sections.push(SectionPlace {
                tag: section as u16,
                items: small(items)?,
                position: small(from - start)?,
                length: small(out.len() - from)?,
            });
        }
        let mut root = Vec::with_capacity(ROOT_FIXED);
        let facts = &self.root;
        for field in [
            facts.base_offset,
            facts.next_offset,
            facts.records,
            facts.data_end,
        ] {
            root.extend_from_slice(&field.to_le_bytes());
        }
        for time in [facts.min_time, facts.max_time, facts.clamp] {
            root.extend_from_slice(&time.to_le_bytes());
        }
        root.extend_from_slice(&facts.content_hash.0.to_le_bytes());
        root.extend_from_slice(&(sections.len() as u64).to_le_bytes());
        for place in sections {
            root.extend_from_slice(&u32::from(place.tag).to_le_bytes());
            root.extend_from_slice(&place.items.to_le_bytes());
            root.extend_from_slice(&place.position.to_le_bytes());
            root.extend_from_slice(&place.length.to_le_bytes());
        }
        let place = at(out);
        put_block(seed, place, ROOT_TAG, &root, out)
    }

    /// Reads a whole footer of a segment that starts at `position`.
    pub(crate) fn decode(seed: Seed, position: u64, bytes: &[u8]) -> Result<Self, Fault> {
        let root = FooterRoot::decode(seed, position, bytes)?;
        let mut footer = Self {
            root,
            ..Self::default()
        };
        if let Some((items, payload)) = footer.section(seed, position, bytes, Section::Offsets)? {
            let whole = payload.len().is_multiple_of(IndexEntry::LENGTH);
            if !whole || payload.len() / IndexEntry::LENGTH != items {
                return Err(Fault::Malformed("offset index"));
            }
            let mut input = Input::new(&payload);
            footer.offsets.reserve_exact(items);
            while !input.is_empty() {
                footer.offsets.push(IndexEntry::take(&mut input)?);
            }
            if !footer
                .offsets
                .is_sorted_by(|a, b| a.delta < b.delta && a.position < b.position)
            {
                return Err(Fault::Malformed("order of the offset index"));
            }
        }
        if let Some((items, payload)) = footer.section(seed, position, bytes, Section::Producers)? {
            let mut input = Input::new(&payload);
            while !input.is_empty() {
                footer.producers.push(ProducerState::take(&mut input)?);
            }
            if footer.producers.len() != items {
                return Err(Fault::Malformed("producer section"));
            }
        }
        Ok(footer)
    }

    /// The verified payload of a section and the number of its items.
    fn section(
        &self,
        seed: Seed,
        position: u64,
        bytes: &[u8],
        section: Section,
    ) -> Result<Option<(usize, Vec<u8>)>, Fault> {
        let tag = section as u16;
        let Some(place) = self.root.sections.iter().find(|place| place.tag == tag) else {
            return Ok(None);
        };
        let from = place.position as usize;
        let mut rest = from
            .checked_add(place.length as usize)
            .and_then(|to| bytes.get(from..to))
            .ok_or(Fault::Short)?;
        let mut at = position + u64::from(place.position);
        let mut payload = Vec::new();
        payload
            .try_reserve_exact(rest.len())
            .map_err(|_| Fault::Short)?;
        while !rest.is_empty() {
            let (block, after) = rest.split_at(rest.len().min(BLOCK));
            payload.extend_from_slice(block_payload(seed, at, tag, block)?);
            at += block.len() as u64;
            rest = after;
        }
        Ok(Some((place.items as usize, payload)))
    }
}

impl FooterRoot {
    /// Reads the root of the footer `bytes`, which start at `position`.
    fn decode(seed: Seed, position: u64, bytes: &[u8]) -> Result<Self, Fault> {
        let trailer = bytes.last_chunk::<TRAILER>().ok_or(Fault::Short)?;
        let mut input = Input::new(trailer);
        let (_tag, length) = (input.u16()?, usize::from(input.u16()?));
        let block = padded(length) + TRAILER;
        let from = bytes.len().checked_sub(block).ok_or(Fault::Checksum)?;
        let root = bytes.get(from..).ok_or(Fault::Short)?;
        let payload = block_payload(seed, position + from as u64, ROOT_TAG, root)?;
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
            root.sections.push(SectionPlace {
                tag: u16::try_from(input.u32()?).map_err(|_| Fault::Malformed("section tag"))?,
                items: input.u32()?,
                position: input.u32()?,
                length: input.u32()?,
            });
        }
        Ok(root)
    }
}

fn put_block(
    seed: Seed,
    position: u64,
    tag: u16,
    payload: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let length = u16::try_from(payload.len()).map_err(|_| Fault::Malformed("footer block"))?;
    let start = out.len();
    out.extend_from_slice(payload);
    out.resize(start + padded(payload.len()), 0);
    out.extend_from_slice(&tag.to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
    let crc = seed.crc(position, out.get(start..).ok_or(Fault::Short)?);
    out.extend_from_slice(&crc.to_le_bytes());
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::ProducerBatch;
    use crate::{BlobId, BlobKind, LogId};
    use alloc::vec;

    fn sample(entries: u32) -> Footer {
        let state = ProducerState {
            epoch: 2,
            sequence: 9,
            time: -4,
            batches: vec![
                ProducerBatch { first: 1, next: 3 },
                ProducerBatch { first: 5, next: 6 },
            ],
        };
        Footer {
            root: FooterRoot {
                base_offset: 7,
                next_offset: 99,
                clamp: 5,
                ..FooterRoot::default()
            },
            offsets: (0..entries)
                .map(|i| IndexEntry {
                    delta: i * 3,
                    position: 64 + i * 8,
                })
                .collect(),
            producers: vec![(ProducerId([3; 16]), state)],
        }
    }

    #[test]
    fn round_trips_and_notices_every_flipped_byte() {
        let blob = BlobId {
            log: LogId(1),
            kind: BlobKind::Segment,
            number: 1,
        };
        let seed = Seed::of(blob, 1, 1);
        for entries in [0, 1, 511, 512, 1500] {
            let footer = sample(entries);
            let mut bytes = Vec::new();
            footer.encode(seed, 4096, &mut bytes).unwrap();
            assert_eq!(bytes.len() % 8, 0);
            let read = Footer::decode(seed, 4096, &bytes).unwrap();
            assert_eq!(
                (&read.offsets, &read.producers),
                (&footer.offsets, &footer.producers)
            );
            assert_eq!((read.root.base_offset, read.root.clamp), (7, 5));
            assert!(Footer::decode(seed, 4104, &bytes).is_err());
            for at in 0..bytes.len() {
                bytes[at] ^= 0x40;
                assert!(Footer::decode(seed, 4096, &bytes).is_err(), "byte {at}");
                bytes[at] ^= 0x40;
            }
        }
    }
}
