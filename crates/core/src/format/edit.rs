//! Owns manifest edits: what is live in a log, one change at a time.
//!
//! # Format
//!
//! The body of an edits frame is a sequence of edits that take effect together.
//! Each is a tag byte, the length of its fields as a varint, and its fields as
//! varints in the order given here (signed ones zig-zag). Frame 0 of a manifest
//! begins with [`Edit::Snapshot`] and continues with one [`Edit::Segment`] for
//! every segment that is live.

use alloc::vec::Vec;

use super::checksum::ContentHash;
use super::wire::{Input, put_signed, put_varint};
use super::{ALIGN, BLOB_HEADER, Compression, Fault, ProducerState};
use crate::limits;
use crate::options::{Durability, Indexes, Retention, Settings};
use crate::producer::ProducerId;

/// What a segment is to a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FooterPlace {
    /// It has none: an index is rebuilt from its frames when needed.
    None,
    /// Behind its frames, of this many bytes.
    Own {
        /// Bytes.
        length: u64,
    },
    /// In an index blob, behind its header.
    Blob {
        /// The number of the index blob.
        number: u64,
        /// The salt in its header; its epoch and log are the segment manifest's.
        salt: u64,
        /// The epoch in its header.
        epoch: u64,
        /// Bytes.
        length: u64,
    },
}

/// What the manifest records of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentMeta {
    pub(crate) number: u64,
    pub(crate) epoch: u64,
    pub(crate) salt: u64,
    pub(crate) base_offset: u64,
    /// Index time and content hash at its start.
    pub(crate) base_clamp: i64,
    pub(crate) base_hash: ContentHash,
    /// Everything below holds once the segment has ended.
    pub(crate) next_offset: u64,
    pub(crate) records: u64,
    /// Position at which its frames end; 0 while the segment is active.
    pub(crate) data_end: u64,
    pub(crate) min_time: i64,
    pub(crate) max_time: i64,
    pub(crate) clamp: i64,
    pub(crate) content_hash: ContentHash,
    pub(crate) producers: u64,
    pub(crate) footer: FooterPlace,
    /// It was synced as a whole after its last byte: recovery need not read it.
    pub(crate) sealed: bool,
}

impl SegmentMeta {
    /// The position at which its frames end, unless it is active.
    pub(crate) const fn end(&self) -> Option<u64> {
        match self.data_end {
            0 => None,
            end => Some(end),
        }
    }
}

/// Where a part of a mask is: a mask blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MaskPlace {
    pub(crate) number: u64,
    pub(crate) salt: u64,
    pub(crate) epoch: u64,
    /// Bytes behind the blob header.
    pub(crate) length: u64,
}

/// What the manifest records of the deletions in a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MaskMeta {
    /// The segment's number.
    pub(crate) segment: u64,
    /// Records of the segment that are gone, deleted or trimmed.
    pub(crate) deleted: u64,
    /// The lowest offset that is left of those below `covers`; `covers` if none is.
    pub(crate) first: u64,
    /// The offset after the highest that is left of those below `covers`; `first` if
    /// none is.
    pub(crate) end: u64,
    /// The segment's next offset when this was written.
    pub(crate) covers: u64,
    /// Deleted offsets, rising; together with those in the blob.
    pub(crate) offsets: Vec<u64>,
    pub(crate) blob: Option<MaskPlace>,
}

impl MaskMeta {
    /// The offsets from the first to behind the last that is left of the segment, which
    /// ends before `next`; none if they are the same.
    pub(crate) fn left(&self, next: u64) -> (u64, u64) {
        if next > self.covers {
            return (self.first, next);
        }
        // It may have lost some of what there was when this was written.
        let mut end = self.end.min(next);
        while end > self.first && self.offsets.binary_search(&(end - 1)).is_ok() {
            end -= 1;
        }
        (self.first, end)
    }
}

/// How far a log is trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trim {
    /// No record below this offset can be read.
    pub(crate) oldest: u64,
    /// Index time and content hash that a segment begins with which follows none.
    pub(crate) clamp: i64,
    pub(crate) hash: ContentHash,
}

impl Trim {
    /// That of a log which never was.
    pub(crate) const NONE: Self = Self {
        oldest: 0,
        clamp: i64::MIN,
        hash: ContentHash(0),
    };
}

/// What a manifest says beside its segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SnapshotFacts {
    /// The manifest this one follows; 0 for the first.
    pub(crate) predecessor: u64,
    pub(crate) epoch: u64,
    /// Numbers up to this one may be in use.
    pub(crate) allocated: u64,
    /// No offset below this one is ever given again.
    pub(crate) next_offset: u64,
    pub(crate) trim: Trim,
    /// What hashes of keys start from; random, for the life of the log.
    pub(crate) key_seed: u64,
    pub(crate) settings: Settings,
}

/// One change to what is live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    /// Forget everything before; only as the first edit of a manifest.
    Snapshot(SnapshotFacts),
    /// The segment is live, and this is what is known of it.
    Segment(SegmentMeta),
    /// The segment is no longer live.
    Dropped(u64),
    /// Numbers up to this one may be in use.
    Allocated(u64),
    /// Another manifest has taken over; nothing follows.
    Superseded(u64),
    /// The log is trimmed.
    Trimmed(Trim),
    /// The deletions in a segment are these.
    Masked(MaskMeta),
    /// A producer whose batches may be in no segment any more.
    Producer(ProducerId, ProducerState),
    /// The settings are these.
    Settings(Settings),
}

impl Edit {
    const fn tag(&self) -> u8 {
        match self {
            Self::Snapshot(_) => 1,
            Self::Segment(_) => 2,
            Self::Dropped(_) => 3,
            Self::Allocated(_) => 4,
            Self::Superseded(_) => 5,
            Self::Trimmed(_) => 6,
            Self::Masked(_) => 7,
            Self::Producer(..) => 8,
            Self::Settings(_) => 9,
        }
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let mut fields = Vec::new();
        match self {
            Self::Snapshot(facts) => put_facts(facts, &mut fields),
            Self::Segment(meta) => put_segment(meta, &mut fields),
            Self::Dropped(number) | Self::Allocated(number) | Self::Superseded(number) => {
                put_varint(&mut fields, *number);
            }
            Self::Trimmed(trim) => put_trim(trim, &mut fields),
            Self::Masked(meta) => put_mask(meta, &mut fields),
            Self::Producer(id, state) => state.put(*id, &mut fields),
            Self::Settings(settings) => put_settings(settings, &mut fields),
        }
        out.push(self.tag());
        put_varint(out, fields.len() as u64);
        out.extend_from_slice(&fields);
    }

    /// Hands every edit in the body of a frame to `each`, in order.
    pub(crate) fn decode_each(body: &[u8], mut each: impl FnMut(Self)) -> Result<(), Fault> {
        let mut input = Input::new(body);
        while !input.is_empty() {
            let tag = input.u8()?;
            let length = input.length()?;
            let mut fields = Input::new(input.take(length)?);
            let edit = match tag {
                1 => Self::Snapshot(take_facts(&mut fields)?),
                2 => Self::Segment(take_segment(&mut fields)?),
                3 => Self::Dropped(take_number(&mut fields)?),
                4 => Self::Allocated(take_number(&mut fields)?),
                5 => Self::Superseded(take_number(&mut fields)?),
                6 => Self::Trimmed(take_trim(&mut fields)?),
                7 => Self::Masked(take_mask(&mut fields)?),
                8 => {
                    let (id, state) = ProducerState::take(&mut fields)?;
                    Self::Producer(id, state)
                }
                9 => Self::Settings(take_settings(&mut fields)?),
                _ => return Err(Fault::Malformed("manifest edit")),
            };
            if !fields.is_empty() {
                return Err(Fault::Malformed("length of a manifest edit"));
            }
            each(edit);
        }
        Ok(())
    }
}

fn take_number(input: &mut Input<'_>) -> Result<u64, Fault> {
    match input.varint()? {
        number if number <= limits::NUMBER_MAX => Ok(number),
        _ => Err(Fault::Malformed("number in a manifest")),
    }
}

fn put_facts(facts: &SnapshotFacts, out: &mut Vec<u8>) {
    for field in [
        facts.predecessor,
        facts.epoch,
        facts.allocated,
        facts.next_offset,
    ] {
        put_varint(out, field);
    }
    put_trim(&facts.trim, out);
    put_varint(out, facts.key_seed);
    put_settings(&facts.settings, out);
}

fn take_facts(input: &mut Input<'_>) -> Result<SnapshotFacts, Fault> {
    let (predecessor, epoch) = (input.varint()?, input.varint()?);
    let (allocated, next_offset) = (input.varint()?, input.varint()?);
    if predecessor.max(epoch).max(allocated) > limits::NUMBER_MAX
        || next_offset > limits::OFFSET_MAX
    {
        return Err(Fault::Malformed("number in a manifest"));
    }
    Ok(SnapshotFacts {
        predecessor,
        epoch,
        allocated,
        next_offset,
        trim: take_trim(input)?,
        key_seed: input.varint()?,
        settings: take_settings(input)?,
    })
}

fn put_trim(trim: &Trim, out: &mut Vec<u8>) {
    put_varint(out, trim.oldest);
    put_signed(out, trim.clamp);
    put_varint(out, trim.hash.0);
}

fn take_trim(input: &mut Input<'_>) -> Result<Trim, Fault> {
    let trim = Trim {
        oldest: input.varint()?,
        clamp: input.signed()?,
        hash: ContentHash(input.varint()?),
    };
    match trim.oldest <= limits::OFFSET_MAX {
        true => Ok(trim),
        false => Err(Fault::Malformed("oldest offset")),
    }
}

const KEYS_BIT: u64 = 1;
const TIMES_BIT: u64 = 1 << 1;

fn put_settings(settings: &Settings, out: &mut Vec<u8>) {
    put_varint(out, settings.durability as u64);
    put_varint(out, settings.compression as u64);
    put_varint(out, settings.segment_bytes);
    put_varint(out, u64::from(settings.align));
    let (keys, times) = (settings.indexes.keys, settings.indexes.times);
    put_varint(
        out,
        (u64::from(keys) * KEYS_BIT) | (u64::from(times) * TIMES_BIT),
    );
    let retention = &settings.retention;
    for limit in [
        retention.age,
        retention.bytes,
        retention.records,
        settings.segment_age,
        settings.producer_expiry,
    ] {
        put_varint(out, limit.unwrap_or(0));
    }
}

fn take_settings(input: &mut Input<'_>) -> Result<Settings, Fault> {
    let durability = match input.varint()? {
        0 => Durability::Buffered,
        1 => Durability::Stored,
        2 => Durability::Synced,
        _ => return Err(Fault::Malformed("durability")),
    };
    let compression = u16::try_from(input.varint()?)
        .ok()
        .and_then(Compression::from_bits)
        .ok_or(Fault::Malformed("compression"))?;
    let segment_bytes = input.varint()?;
    let align = u32::try_from(input.varint()?).map_err(|_| Fault::Malformed("alignment"))?;
    let aligned =
        align.is_power_of_two() && (limits::ALIGN_MIN..=limits::ALIGN_MAX).contains(&align);
    if align != 0 && !aligned {
        return Err(Fault::Malformed("alignment"));
    }
    if !(limits::SEGMENT_MIN..=limits::SEGMENT_MAX).contains(&segment_bytes) {
        return Err(Fault::Malformed("segment size"));
    }
    let indexes = input.varint()?;
    if indexes & !(KEYS_BIT | TIMES_BIT) != 0 {
        // A later version keeps an index that this one would let fall behind.
        return Err(Fault::Codec("this kind of index"));
    }
    let mut limit = || input.varint().map(|limit| (limit > 0).then_some(limit));
    Ok(Settings {
        durability,
        compression,
        segment_bytes,
        align,
        indexes: Indexes {
            keys: indexes & KEYS_BIT != 0,
            times: indexes & TIMES_BIT != 0,
        },
        retention: Retention {
            age: limit()?,
            bytes: limit()?,
            records: limit()?,
        },
        segment_age: limit()?,
        producer_expiry: limit()?,
    })
}

fn put_mask(meta: &MaskMeta, out: &mut Vec<u8>) {
    for field in [
        meta.segment,
        meta.deleted,
        meta.first,
        meta.end,
        meta.covers,
    ] {
        put_varint(out, field);
    }
    put_varint(out, meta.offsets.len() as u64);
    let mut expected = 0;
    for offset in &meta.offsets {
        put_varint(out, offset - expected);
        expected = offset + 1;
    }
    put_varint(out, u64::from(meta.blob.is_some()));
    if let Some(place) = &meta.blob {
        for field in [place.number, place.salt, place.epoch, place.length] {
            put_varint(out, field);
        }
    }
}

fn take_mask(input: &mut Input<'_>) -> Result<MaskMeta, Fault> {
    let malformed = Fault::Malformed("manifest entry of a mask");
    let mut meta = MaskMeta {
        segment: take_number(input)?,
        deleted: input.varint()?,
        first: input.varint()?,
        end: input.varint()?,
        covers: input.varint()?,
        ..MaskMeta::default()
    };
    let count = input.length()?;
    if count > limits::MASK_OFFSETS_MAX {
        return Err(malformed);
    }
    Fault::reserve(&mut meta.offsets, count)?;
    let mut expected = 0u64;
    for _ in 0..count {
        let offset = expected.checked_add(input.varint()?);
        let offset = offset.filter(|offset| *offset < limits::OFFSET_MAX);
        let offset = offset.ok_or(malformed)?;
        meta.offsets.push(offset);
        expected = offset + 1;
    }
    meta.blob = match input.varint()? {
        0 => None,
        1 => Some(MaskPlace {
            number: take_number(input)?,
            salt: input.varint()?,
            epoch: take_number(input)?,
            length: input.varint()?,
        }),
        _ => return Err(malformed),
    };
    let fits = meta.first <= meta.end
        && meta.end <= meta.covers
        && meta.covers <= limits::OFFSET_MAX
        && meta.deleted <= limits::OFFSET_MAX
        && meta
            .blob
            .is_none_or(|place| place.length <= limits::BLOB_MAX);
    match fits {
        true => Ok(meta),
        false => Err(malformed),
    }
}

fn put_segment(meta: &SegmentMeta, out: &mut Vec<u8>) {
    for field in [meta.number, meta.epoch, meta.salt, meta.base_offset] {
        put_varint(out, field);
    }
    put_signed(out, meta.base_clamp);
    put_varint(out, meta.base_hash.0);
    for field in [meta.next_offset, meta.records, meta.data_end] {
        put_varint(out, field);
    }
    for time in [meta.min_time, meta.max_time, meta.clamp] {
        put_signed(out, time);
    }
    put_varint(out, meta.content_hash.0);
    put_varint(out, meta.producers);
    put_varint(out, u64::from(meta.sealed));
    match meta.footer {
        FooterPlace::None => put_varint(out, 0),
        FooterPlace::Own { length } => {
            put_varint(out, 1);
            put_varint(out, length);
        }
        FooterPlace::Blob {
            number,
            salt,
            epoch,
            length,
        } => {
            put_varint(out, 2);
            for field in [number, salt, epoch, length] {
                put_varint(out, field);
            }
        }
    }
}

fn take_segment(input: &mut Input<'_>) -> Result<SegmentMeta, Fault> {
    let meta = SegmentMeta {
        number: input.varint()?,
        epoch: input.varint()?,
        salt: input.varint()?,
        base_offset: input.varint()?,
        base_clamp: input.signed()?,
        base_hash: ContentHash(input.varint()?),
        next_offset: input.varint()?,
        records: input.varint()?,
        data_end: input.varint()?,
        min_time: input.signed()?,
        max_time: input.signed()?,
        clamp: input.signed()?,
        content_hash: ContentHash(input.varint()?),
        producers: input.varint()?,
        sealed: match input.varint()? {
            0 => false,
            1 => true,
            _ => return Err(Fault::Malformed("segment state")),
        },
        footer: match input.varint()? {
            0 => FooterPlace::None,
            1 => FooterPlace::Own {
                length: input.varint()?,
            },
            2 => FooterPlace::Blob {
                number: input.varint()?,
                salt: input.varint()?,
                epoch: input.varint()?,
                length: input.varint()?,
            },
            _ => return Err(Fault::Malformed("footer place")),
        },
    };
    let offsets = meta.base_offset <= meta.next_offset
        && meta.next_offset <= limits::OFFSET_MAX
        && meta.records <= meta.next_offset - meta.base_offset;
    let end = meta.data_end;
    let bytes = match end {
        0 => !meta.sealed,
        _ => {
            (BLOB_HEADER as u64..=limits::BLOB_MAX).contains(&end)
                && end.is_multiple_of(ALIGN as u64)
        }
    };
    let footer = match meta.footer {
        FooterPlace::None => true,
        FooterPlace::Own { length } => length <= limits::BLOB_MAX,
        FooterPlace::Blob { number, length, .. } => {
            length <= limits::BLOB_MAX && number <= limits::NUMBER_MAX
        }
    };
    if !(offsets && bytes && footer && meta.number.max(meta.epoch) <= limits::NUMBER_MAX) {
        return Err(Fault::Malformed("manifest entry of a segment"));
    }
    Ok(meta)
}
