//! Owns the footer: the indexes and totals of a sealed segment, behind its
//! frames or in an index blob of their own.
//!
//! # Format
//!
//! Sections in the order of their tags, and the root. What a section holds is with its
//! items: `index`, `producers`, `keys`, `filter`; times are integers of 8 bytes.

use alloc::vec::Vec;

use super::checksum::Seed;
use super::filter::Filter;
use super::keys::{KeyBlock, KeyItem};
use super::producers::ProducerState;
use super::section::{FooterRoot, FooterSpot, Section, Sections};
use super::wire::Input;
use super::{Fault, IndexEntry};
use crate::producer::ProducerId;

const TIME: usize = size_of::<i64>();

/// What a footer is made from, and what reading one whole gives back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) root: FooterRoot,
    pub(crate) offsets: Vec<IndexEntry>,
    pub(crate) producers: Vec<(ProducerId, ProducerState)>,
    /// One for every entry of `offsets`, where the log keeps a time index.
    pub(crate) times: Option<Vec<i64>>,
    /// Sorted, where the log keeps a key index.
    pub(crate) keys: Option<Vec<KeyItem>>,
}

impl Footer {
    /// Appends the footer to `out`, which begins at `position` of the blob with `seed`.
    pub(crate) fn encode(&self, seed: Seed, position: u64, out: &mut Vec<u8>) -> Result<(), Fault> {
        let mut sections = Sections::new(seed, position, out);
        let mut payload = Vec::new();
        if !self.offsets.is_empty() {
            self.offsets
                .iter()
                .for_each(|entry| entry.put(&mut payload));
            sections.put_bytes(Section::Offsets, self.offsets.len(), &payload)?;
        }
        if !self.producers.is_empty() {
            payload.clear();
            for (id, state) in &self.producers {
                state.put(*id, &mut payload);
            }
            sections.put_bytes(Section::Producers, self.producers.len(), &payload)?;
        }
        if let Some(times) = &self.times {
            let each = Section::Times.payload() / TIME;
            sections.put(Section::Times, times, each, |time, out| {
                out.extend_from_slice(&time.to_le_bytes());
            })?;
        }
        if let Some(keys) = &self.keys {
            sections.put(Section::Keys, keys, KeyBlock::ITEMS, |item, out| {
                item.put(out);
            })?;
            let distinct = keys.chunk_by(|a, b| a.hash == b.hash).count();
            let filter = Filter::of(keys.iter().map(|item| item.hash), distinct);
            let each = Filter::PER_FOOTER_BLOCK;
            sections.put(Section::Filter, filter.blocks(), each, Filter::put_block)?;
        }
        sections.finish(&self.root)
    }

    /// Reads a whole footer, `bytes`, that starts at `position`.
    pub(crate) fn decode(seed: Seed, position: u64, bytes: &[u8]) -> Result<Self, Fault> {
        let spot = FooterSpot {
            seed,
            position,
            length: bytes.len() as u64,
        };
        let root = FooterRoot::decode(&spot, bytes)?;
        let payload = |section| {
            let place = root.section(section)?;
            let from = place.position as usize;
            let own = bytes.get(from..from + place.length as usize);
            let payload = own
                .ok_or(Fault::Short)
                .and_then(|own| place.payload(&spot, place.position, own));
            Some(payload.map(|payload| (place.items as usize, payload)))
        };
        let mut footer = Self::default();
        if let Some(section) = payload(Section::Offsets) {
            let (items, payload) = section?;
            footer.offsets = IndexEntry::take_all(&payload, items)?;
        }
        if let Some(section) = payload(Section::Producers) {
            let (items, payload) = section?;
            footer.producers = ProducerState::take_all(&payload, items)?;
        }
        if let Some(section) = payload(Section::Times) {
            let (items, payload) = section?;
            footer.times = Some(take_times(&payload, items)?);
        }
        if let Some(section) = payload(Section::Keys) {
            let (items, payload) = section?;
            let block = KeyBlock::new(payload, items)?;
            let mut keys = Vec::new();
            Fault::reserve(&mut keys, items)?;
            keys.extend(block.iter());
            footer.keys = Some(keys);
        }
        if let Some(section) = payload(Section::Filter) {
            let (items, payload) = section?;
            Filter::take(&payload, items)?;
        }
        footer.root = root;
        Ok(footer)
    }
}

/// The times of a verified payload.
pub(crate) fn take_times(payload: &[u8], items: usize) -> Result<Vec<i64>, Fault> {
    let malformed = Fault::Malformed("time index");
    if payload.len() != items.checked_mul(TIME).ok_or(malformed)? {
        return Err(malformed);
    }
    let mut input = Input::new(payload);
    let mut times = Vec::new();
    Fault::reserve(&mut times, items)?;
    while !input.is_empty() {
        times.push(input.i64()?);
    }
    match times.is_sorted() {
        true => Ok(times),
        false => Err(malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::ProducerBatch;
    use crate::{BlobId, BlobKind, LogId};
    use alloc::vec;

    fn sample(entries: u32, indexed: bool) -> Footer {
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
            times: indexed.then(|| (0..entries).map(i64::from).collect()),
            keys: indexed.then(|| {
                (0..entries)
                    .map(|i| KeyItem {
                        hash: u64::from(i / 2) << 50,
                        delta: i,
                    })
                    .collect()
            }),
        }
    }

    fn seed() -> Seed {
        let blob = BlobId {
            log: LogId(1),
            kind: BlobKind::Segment,
            number: 1,
        };
        Seed::of(blob, 1, 1)
    }

    #[test]
    fn round_trips_and_notices_every_flipped_byte() {
        for (entries, indexed) in [
            (0, false),
            (1, false),
            (511, false),
            (512, false),
            (1500, false),
            (0, true),
            (1, true),
            (700, true),
        ] {
            let footer = sample(entries, indexed);
            let mut bytes = Vec::new();
            footer.encode(seed(), 4096, &mut bytes).unwrap();
            assert_eq!(bytes.len() % 8, 0);
            let read = Footer::decode(seed(), 4096, &bytes).unwrap();
            assert_eq!(
                (&read.offsets, &read.producers),
                (&footer.offsets, &footer.producers)
            );
            assert_eq!((&read.times, &read.keys), (&footer.times, &footer.keys));
            assert_eq!((read.root.base_offset, read.root.clamp), (7, 5));
            assert!(Footer::decode(seed(), 4104, &bytes).is_err());
            for at in 0..bytes.len() {
                bytes[at] ^= 0x40;
                assert!(Footer::decode(seed(), 4096, &bytes).is_err(), "byte {at}");
                bytes[at] ^= 0x40;
            }
        }
    }

    #[test]
    fn a_section_is_read_without_the_others() {
        let footer = sample(1000, true);
        let mut bytes = Vec::new();
        footer.encode(seed(), 64, &mut bytes).unwrap();
        let spot = FooterSpot {
            seed: seed(),
            position: 64,
            length: bytes.len() as u64,
        };
        let root = FooterRoot::decode(&spot, &bytes[bytes.len() - FooterRoot::TAIL..]).unwrap();
        let short = FooterRoot::decode(&spot, &bytes[bytes.len() - 60..]);
        assert_eq!(short, Err(Fault::Short));
        let place = root.section(Section::Keys).unwrap();
        let mut keys = Vec::new();
        for index in 0..3 {
            let (position, length) = place.block(index).unwrap();
            let own = &bytes[position as usize..][..length];
            let payload = place.payload(&spot, position, own).unwrap();
            let items = payload.len() / KeyItem::LENGTH;
            keys.extend(KeyBlock::new(payload, items).unwrap().iter());
        }
        assert_eq!(place.block(3), None);
        assert_eq!(Some(keys), footer.keys);
    }
}
