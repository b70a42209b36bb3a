//! Owns blocks: runs of whole frames, verified once when they are read and then
//! kept, with a directory of their records.

use alloc::borrow::Cow;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use super::error::Corruption;
use super::frames::{BadFrame, KnownFrame, VerifiedFrame, next_header, verify};
use super::scan::Damage;
use crate::format::{Fault, FrameHeader, FrameKind, RecordShape, Seed, Shape};
use crate::record::Record;
use crate::search::{guess_time, partition_near};
use crate::store::BlobId;

/// A record in a block.
#[derive(Clone, Copy, Debug)]
struct Slot {
    time: i64,
    /// Position of its first byte.
    at: u32,
    shape: Shape,
}

/// A frame that says that index time was later before it than the records in front of it
/// in its block do.
#[derive(Clone, Copy, Debug)]
struct Raise {
    /// Index of its first record.
    index: usize,
    floor: i64,
}

/// The offsets of a block's records.
#[derive(Debug)]
enum Numbering {
    /// Consecutive from this one.
    From(u64),
    /// With gaps.
    Each(Vec<u64>),
}

/// A run of verified frames.
///
/// Getting one record looks at the first fields only: they lie together, because each
/// cache line of a block that is not in use otherwise costs as much as the rest.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Block {
    slots: Vec<Slot>,
    /// The frames as they were read, and behind them decompressed bodies.
    bytes: Vec<u8>,
    /// Bytes of the segment it stands for.
    length: usize,
    numbering: Numbering,
    /// Index time before the first record.
    floor: i64,
    /// No record's own time is earlier than that of the one before it.
    rising: bool,
    raises: Vec<Raise>,
    /// Records that should be here and cannot be read, in order.
    damage: Vec<Damage>,
}

impl Block {
    /// Verifies `bytes`, which belong at `position` of `blob` and hold the offsets
    /// from `first` up to `next`, and nothing else. There should be `length` of them.
    ///
    /// Damage costs the frame that is hit; the others stay readable.
    ///
    /// # Errors
    /// The bytes for which memory was refused.
    pub(crate) fn decode(
        blob: BlobId,
        seed: Seed,
        position: u64,
        bytes: Vec<u8>,
        length: usize,
        (first, next): (u64, u64),
    ) -> Result<Self, usize> {
        let mut decoding = Decoding {
            seed,
            position,
            floor: i64::MIN,
            reached: i64::MIN,
            ..Decoding::default()
        };
        let mut damage = Vec::new();
        let mut at = 0;
        let mut expected = first;
        let mut open: Option<Corruption> = None;
        while let Some(rest) = bytes.get(at..)
            && !rest.is_empty()
        {
            match decoding.frame(rest, at, bytes.len(), expected..next) {
                Ok(header) => {
                    if let Some(place) = open.take()
                        && header.base_offset > expected
                    {
                        damage.push(Damage {
                            first: expected,
                            next: header.base_offset,
                            place,
                        });
                    }
                    expected = expected.max(header.next_offset());
                    at += header.frame_length();
                }
                Err(BadFrame {
                    fault: Fault::Memory(bytes),
                    ..
                }) => return Err(bytes),
                Err(bad) => {
                    let position = position + at as u64;
                    open.get_or_insert(Corruption {
                        blob,
                        position,
                        fault: bad.fault,
                    });
                    let ahead = next_header(seed, position, rest, bad.length());
                    at += ahead.map_or(rest.len(), |(ahead, _)| ahead);
                }
            }
        }
        if bytes.len() < length {
            let position = position + bytes.len() as u64;
            open.get_or_insert(Corruption {
                blob,
                position,
                fault: Fault::Short,
            });
        }
        if let Some(place) = open
            && next > expected
        {
            damage.push(Damage {
                first: expected,
                next,
                place,
            });
        }
        decoding.block(bytes, length, damage)
    }

    /// Whether nothing in it is damaged.
    pub(crate) const fn is_sound(&self) -> bool {
        self.damage.is_empty()
    }

    /// Bytes it takes in memory.
    pub(crate) fn weight(&self) -> usize {
        let offsets = match &self.numbering {
            Numbering::From(_) => 0,
            Numbering::Each(offsets) => offsets.len() * size_of::<u64>(),
        };
        self.bytes.len()
            + size_of_val(self.slots.as_slice())
            + size_of_val(self.raises.as_slice())
            + offsets
            + size_of::<Self>()
    }

    /// Bytes of the segment it was made from.
    pub(crate) const fn length(&self) -> usize {
        self.length
    }

    /// Damage at or behind `offset`, the nearest.
    pub(crate) fn damage_from(&self, offset: u64) -> Option<Damage> {
        self.damage
            .iter()
            .find(|damage| damage.next > offset)
            .copied()
    }

    /// Damage below `offset`, the nearest.
    pub(crate) fn damage_below(&self, offset: u64) -> Option<Damage> {
        self.damage
            .iter()
            .rev()
            .find(|damage| damage.first < offset)
            .copied()
    }

    /// The offset of the record with this index.
    pub(crate) fn offset(&self, index: usize) -> Option<u64> {
        match &self.numbering {
            Numbering::From(first) => (index < self.slots.len()).then_some(first + index as u64),
            Numbering::Each(offsets) => offsets.get(index).copied(),
        }
    }

    /// The record with this index.
    #[inline]
    pub(crate) fn record(&self, index: usize) -> Option<Record<'_>> {
        let slot = self.slots.get(index)?;
        let record = RecordShape::decode(self.bytes.get(slot.at as usize..)?, slot.shape).ok()?;
        Some(Record {
            offset: self.offset(index)?,
            time: slot.time,
            key: record.key,
            value: record.value,
            headers: record.headers,
        })
    }

    /// Index of the first record at or above `offset`.
    pub(crate) fn lower_bound(&self, offset: u64) -> usize {
        match &self.numbering {
            Numbering::From(first) => {
                let index = usize::try_from(offset.saturating_sub(*first)).unwrap_or(usize::MAX);
                index.min(self.slots.len())
            }
            Numbering::Each(offsets) => offsets.partition_point(|own| *own < offset),
        }
    }

    /// The offsets of the records with this key from `from` on, rising.
    pub(crate) fn keyed(&self, key: &[u8], from: u64) -> Vec<u64> {
        let records = (self.lower_bound(from)..self.slots.len()).map_while(|i| self.record(i));
        let keyed = records.filter(|record| record.key == Some(key));
        keyed.map(|record| record.offset).collect()
    }

    /// The first record at which index time reaches `time`, if it does so in this block,
    /// and the offset from which on it may have been reached before, by records that
    /// cannot be read.
    pub(crate) fn reaching(&self, time: i64) -> (Option<u64>, u64) {
        let before = |at: usize| self.slots.get(at).is_some_and(|slot| slot.time < time);
        let index = match (self.slots.first(), self.slots.last()) {
            (Some(first), Some(last)) if self.rising => {
                let guess = guess_time(time, first.time, last.time, self.slots.len());
                partition_near(self.slots.len(), guess, before)
            }
            _ => (0..self.slots.len()).take_while(|at| before(*at)).count(),
        };
        let first = Raise {
            index: 0,
            floor: self.floor,
        };
        let mut raises = core::iter::once(&first).chain(&self.raises);
        // By what is not here, and at the latest with the record behind that.
        let raised = raises.find(|raise| raise.floor >= time && raise.index <= index);
        let index = raised.map_or(index, |raise| raise.index);
        let reached = self.offset(index);
        let from = match reached {
            Some(offset) if raised.is_none() => offset,
            _ => {
                let last = index.checked_sub(1).and_then(|last| self.offset(last));
                last.map_or(0, |last| last + 1)
            }
        };
        (reached, from)
    }

    /// Bytes between two records.
    pub(crate) fn span(&self, start: usize, end: usize) -> usize {
        let at = |index: usize| {
            self.slots
                .get(index)
                .map_or(self.bytes.len(), |slot| slot.at as usize)
        };
        at(end).saturating_sub(at(start))
    }

    /// The largest end up to `end` with which the records from `start` on stay
    /// within `bytes`; one record always does if `first` says so.
    pub(crate) fn fit(&self, start: usize, end: usize, bytes: usize, first: bool) -> usize {
        let (mut low, mut high) = (start, end);
        while low < high {
            let middle = low.midpoint(high) + 1;
            if self.span(start, middle) <= bytes {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        if first {
            low.max(end.min(start + 1))
        } else {
            low
        }
    }

    /// The same from the other side: the smallest start.
    pub(crate) fn fit_back(&self, start: usize, end: usize, bytes: usize, first: bool) -> usize {
        let (mut low, mut high) = (start, end);
        while low < high {
            let middle = low.midpoint(high);
            if self.span(middle, end) <= bytes {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        if first {
            high.min(start.max(end.saturating_sub(1)))
        } else {
            high
        }
    }
}

/// A block in the making.
#[derive(Default)]
struct Decoding {
    seed: Seed,
    position: u64,
    slots: Vec<Slot>,
    floor: i64,
    raises: Vec<Raise>,
    /// Index time at the end of the frames so far.
    reached: i64,
    /// Decompressed bodies, to go behind the bytes as they were read.
    unpacked: Vec<u8>,
    first: Option<u64>,
    next: u64,
    /// The offset of every record, from the first gap on.
    offsets: Option<Vec<u64>>,
}

impl Decoding {
    /// Verifies the frame at `at`, where `rest` begins, of `length` bytes in all. Its
    /// records begin among the offsets that are left.
    fn frame(
        &mut self,
        rest: &[u8],
        at: usize,
        length: usize,
        left: Range<u64>,
    ) -> Result<FrameHeader, BadFrame> {
        let frame = verify(self.seed, self.position + at as u64, rest)?;
        let header = frame.header;
        let bad = |fault| BadFrame {
            fault,
            known: Some(KnownFrame::from(&header)),
            needs: 0,
        };
        let misplaced = match header.kind {
            FrameKind::Batch => !left.contains(&header.base_offset),
            _ => header.base_offset > left.end,
        };
        if misplaced {
            return Err(bad(Fault::Malformed("base offset of a frame")));
        }
        let start = match &frame.body {
            Cow::Borrowed(_) => at + header.header_length(),
            Cow::Owned(_) => length + self.unpacked.len(),
        };
        let slots = self.slots.len();
        let records = header.record_count as usize;
        Fault::reserve(&mut self.slots, records).map_err(bad)?;
        let shape = Shape::from(header.attributes);
        let read = frame.records(|record| {
            self.slots.push(Slot {
                time: record.time,
                at: narrow(start + record.at),
                shape,
            });
        });
        let span = match read {
            Ok(span) => span,
            Err(fault) => {
                self.slots.truncate(slots);
                return Err(bad(fault));
            }
        };
        if let Some(span) = span {
            self.number(&frame, slots).map_err(bad)?;
            self.raise(slots, header.clamp_floor).map_err(bad)?;
            self.reached = self.reached.max(header.clamp_floor).max(span.max);
        }
        if let Cow::Owned(body) = &frame.body {
            Fault::reserve(&mut self.unpacked, body.len()).map_err(bad)?;
            self.unpacked.extend_from_slice(body);
        }
        Ok(header)
    }

    /// Takes in the offsets of the frame's records, which are the ones from `slots`
    /// on.
    fn number(&mut self, frame: &VerifiedFrame<'_>, slots: usize) -> Result<(), Fault> {
        let header = &frame.header;
        let first = *self.first.get_or_insert(header.base_offset);
        let gap = header.attributes.gaps || (slots > 0 && header.base_offset != self.next);
        if gap && self.offsets.is_none() {
            let mut offsets = Vec::new();
            Fault::reserve(&mut offsets, slots)?;
            offsets.extend((first..).take(slots));
            self.offsets = Some(offsets);
        }
        if let Some(offsets) = &mut self.offsets {
            Fault::reserve(offsets, header.record_count as usize)?;
            // The records were read without fault before.
            let _ = frame.records(|record| offsets.push(record.offset));
        }
        self.next = header.next_offset();
        Ok(())
    }

    /// Takes in what a frame says of the time before its first record, number `index`.
    fn raise(&mut self, index: usize, floor: i64) -> Result<(), Fault> {
        if index == 0 {
            self.floor = floor;
        } else if floor > self.reached {
            Fault::reserve(&mut self.raises, 1)?;
            self.raises.push(Raise { index, floor });
        }
        Ok(())
    }

    fn block(
        mut self,
        mut bytes: Vec<u8>,
        length: usize,
        damage: Vec<Damage>,
    ) -> Result<Block, usize> {
        let more = self.unpacked.len();
        bytes.try_reserve(more).map_err(|_| more)?;
        bytes.append(&mut self.unpacked);
        let numbering = match self.offsets {
            Some(offsets) => Numbering::Each(offsets),
            None => Numbering::From(self.first.unwrap_or(0)),
        };
        Ok(Block {
            bytes,
            rising: self.slots.is_sorted_by_key(|slot| slot.time),
            slots: self.slots,
            numbering,
            floor: self.floor,
            raises: self.raises,
            damage,
            length,
        })
    }
}

/// Blocks hold at most a batch beyond their stride, far below 2^32.
fn narrow(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// A part of a block, by record index.
#[derive(Clone, Debug)]
pub(crate) struct BlockSlice {
    pub(crate) block: Arc<Block>,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Records that were read together. It owns what they are made of.
#[derive(Clone, Debug)]
pub struct Batch {
    pub(crate) slices: Vec<BlockSlice>,
    pub(crate) next: u64,
    pub(crate) reverse: bool,
}

impl Batch {
    /// The offset to read next: in a forward read the one after the last record,
    /// in a reverse read the one below which the older records are.
    ///
    /// A reader has caught up when this is the offset it asked for, and never
    /// because a batch is short.
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// How many records it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slices
            .iter()
            .map(|slice| slice.end - slice.start)
            .sum()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The records, in the order of the read.
    #[must_use]
    pub fn records(&self) -> Records<'_> {
        let mut records = Records {
            batch: self,
            slice: 0,
            at: 0,
            left: self.len(),
        };
        records.enter();
        records
    }
}

impl<'a> IntoIterator for &'a Batch {
    type Item = Record<'a>;
    type IntoIter = Records<'a>;

    fn into_iter(self) -> Records<'a> {
        self.records()
    }
}

/// The records of a [`Batch`].
#[derive(Clone, Debug)]
pub struct Records<'a> {
    batch: &'a Batch,
    slice: usize,
    at: usize,
    left: usize,
}

impl Records<'_> {
    fn enter(&mut self) {
        if let Some(slice) = self.batch.slices.get(self.slice) {
            self.at = if self.batch.reverse {
                slice.end
            } else {
                slice.start
            };
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    #[inline]
    fn next(&mut self) -> Option<Record<'a>> {
        loop {
            let slice = self.batch.slices.get(self.slice)?;
            let left = if self.batch.reverse {
                self.at > slice.start
            } else {
                self.at < slice.end
            };
            if left {
                self.left = self.left.saturating_sub(1);
                if self.batch.reverse {
                    self.at -= 1;
                    return slice.block.record(self.at);
                }
                let record = slice.block.record(self.at);
                self.at += 1;
                return record;
            }
            self.slice += 1;
            self.enter();
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Records<'_> {}

/// One record that was read. It owns what the record is made of.
#[derive(Clone, Debug)]
pub struct Entry {
    pub(crate) block: Arc<Block>,
    pub(crate) index: usize,
}

impl Entry {
    /// The record.
    #[must_use]
    pub fn record(&self) -> Record<'_> {
        // The index was found in this very block.
        self.block.record(self.index).unwrap_or(Record {
            offset: 0,
            time: 0,
            key: None,
            value: None,
            headers: crate::Headers::default(),
        })
    }
}
