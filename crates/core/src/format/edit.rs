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
use super::{ALIGN, BLOB_HEADER, Compression, Fault};
use crate::limits;
use crate::options::{Durability, Settings};

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
}

impl Edit {
    const fn tag(&self) -> u8 {
        match self {
            Self::Snapshot(_) => 1,
            Self::Segment(_) => 2,
            Self::Dropped(_) => 3,
            Self::Allocated(_) => 4,
            Self::Superseded(_) => 5,
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
    let settings = &facts.settings;
    put_varint(out, settings.durability as u64);
    put_varint(out, settings.compression as u64);
    put_varint(out, settings.segment_bytes);
    put_varint(out, u64::from(settings.align));
}

fn take_facts(input: &mut Input<'_>) -> Result<SnapshotFacts, Fault> {
    let (predecessor, epoch) = (input.varint()?, input.varint()?);
    let (allocated, next_offset) = (input.varint()?, input.varint()?);
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
    if predecessor.max(epoch).max(allocated) > limits::NUMBER_MAX
        || next_offset > limits::OFFSET_MAX
    {
        return Err(Fault::Malformed("number in a manifest"));
    }
    let settings = Settings {
        durability,
        compression,
        segment_bytes,
        align,
    };
    Ok(SnapshotFacts {
        predecessor,
        epoch,
        allocated,
        next_offset,
        settings,
    })
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
