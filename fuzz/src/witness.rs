//! Owns the frames of a store that verify, found by searching every place where one
//! could be: nothing may be handed out that stands in none of them. Works from
//! docs/FORMAT.md and shares no code with the engine.

use tidelog_core::{BlobId, BlobKind, Record};

use crate::checksum::Seed;
use crate::repair;

/// The kind of a frame of edits.
const EDITS: u8 = 2;

/// The tag of the edit that names a segment.
const SEGMENT: u8 = 2;

/// Every batch in a store that verifies.
pub(crate) struct Witnesses<'a>(Vec<Witness<'a>>);

struct Witness<'a> {
    first: u64,
    last: u64,
    /// `None` if it is packed.
    body: Option<&'a [u8]>,
}

impl<'a> Witnesses<'a> {
    /// Those in these blobs.
    pub(crate) fn of(blobs: &'a [(BlobId, Vec<u8>)]) -> Self {
        let mut named: Vec<_> = blobs.iter().flat_map(named).collect();
        named.sort_unstable();
        named.dedup();
        let mut found = Vec::new();
        for (id, bytes) in blobs {
            if id.kind != BlobKind::Segment {
                continue;
            }
            for (_, epoch, salt) in named.iter().filter(|(number, ..)| *number == id.number) {
                let seed = Seed::of(*id, *epoch, *salt);
                let places = (repair::HEADER..bytes.len()).step_by(8);
                found.extend(places.filter_map(|at| witness(seed, at, &bytes[at..])));
            }
        }
        Self(found)
    }

    /// Whether the record stands in one of them.
    pub(crate) fn have(&self, record: &Record<'_>) -> bool {
        let holds = |body: &[u8], part: Option<&[u8]>| match part {
            None | Some([]) => true,
            Some(part) => body.windows(part.len()).any(|window| window == part),
        };
        let around = self.0.iter();
        let mut around = around.filter(|w| (w.first..=w.last).contains(&record.offset));
        around.any(|witness| match witness.body {
            None => true,
            Some(body) => holds(body, record.key) && holds(body, record.value),
        })
    }
}

fn witness(seed: Seed, at: usize, bytes: &[u8]) -> Option<Witness<'_>> {
    if !repair::verifies(seed, at as u64, bytes) {
        return None;
    }
    let field = |at: usize| bytes.get(at..)?.first_chunk();
    let first = u64::from_le_bytes(*field(16)?);
    let delta = u32::from_le_bytes(*bytes.get(24..)?.first_chunk()?);
    let packed = bytes[12] & 3 != 0;
    Some(Witness {
        first,
        last: first.saturating_add(u64::from(delta)),
        body: (!packed).then(|| repair::body(bytes)),
    })
}

/// The segments that a manifest names, in any frame of edits that could be one: number,
/// epoch, salt.
fn named((id, bytes): &(BlobId, Vec<u8>)) -> Vec<(u64, u64, u64)> {
    let mut named = Vec::new();
    if !matches!(id.kind, BlobKind::Manifest | BlobKind::ManifestCopy) {
        return named;
    }
    for at in (repair::HEADER..bytes.len()).step_by(8) {
        let frame = &bytes[at..];
        if frame.get(14) == Some(&EDITS) && repair::frame_length(frame).is_some() {
            named.extend(segments(repair::body(frame)));
        }
    }
    named
}

fn segments(mut edits: &[u8]) -> Vec<(u64, u64, u64)> {
    let mut named = Vec::new();
    while let Some((&tag, fields)) = edits.split_first() {
        let Some((length, fields)) = varint(fields) else {
            break;
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some((fields, rest)) = fields.split_at_checked(length) else {
            break;
        };
        if tag == SEGMENT {
            named.extend(three(fields));
        }
        edits = rest;
    }
    named
}

fn three(fields: &[u8]) -> Option<(u64, u64, u64)> {
    let (number, fields) = varint(fields)?;
    let (epoch, fields) = varint(fields)?;
    let (salt, _) = varint(fields)?;
    Some((number, epoch, salt))
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if *byte < 0x80 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}
