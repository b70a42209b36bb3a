//! Owns where things are in an undamaged image: frames, what they hold and vouch
//! for, which segments are live. It shares no code with the engine, which is judged
//! by it, and knows no more of the format than a judge needs.

use std::collections::BTreeMap;
use std::ops::Range;

use crc32fast::Hasher;
use tidelog_core::{BlobId, BlobKind, LogId};

use super::shelf::Blobs;

const BLOB_HEADER: usize = 64;
const FRAME_HEADER: usize = 56;

/// A frame, as its header says.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Its bytes in the blob.
    pub range: Range<usize>,
    /// Where its header ends.
    pub header_end: usize,
    /// The offsets of its records; empty if it has none.
    pub offsets: Range<u64>,
    /// Bytes of the blob that it vouches for.
    pub vouched: u64,
    /// It says that all earlier segments were synced.
    pub earlier_synced: bool,
    /// Its body verifies.
    pub is_sound: bool,
    kind: u8,
}

/// A live segment.
#[derive(Clone, Debug)]
pub struct Segment {
    /// The blob.
    pub blob: BlobId,
    /// The manifest says that it was synced as a whole.
    pub sealed: bool,
    /// Its frames.
    pub frames: Vec<Frame>,
    /// Its footer: the blob that it is in, and where.
    pub footer: Option<(BlobId, Range<usize>)>,
    /// What is deleted of it, where that has a blob of its own, and how much of that
    /// counts.
    pub mask: Option<(BlobId, Range<usize>)>,
}

impl Segment {
    /// The offsets from its first record to its last.
    #[must_use]
    pub fn offsets(&self) -> Range<u64> {
        let ranges = || self.frames.iter().map(|frame| &frame.offsets);
        let start = ranges().map(|range| range.start).min();
        let end = ranges().map(|range| range.end).max();
        start.unwrap_or(0)..end.unwrap_or(0)
    }
}

/// What is where.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The log.
    pub log: LogId,
    /// The number of the manifest in force.
    pub manifest: u64,
    /// The frames of the manifest in force, each with the copies in which it is whole.
    pub edits: Vec<(Frame, Vec<BlobId>)>,
    /// Live segments, in order.
    pub segments: Vec<Segment>,
}

impl Layout {
    /// Takes an image apart; `None` where it cannot be understood.
    #[must_use]
    pub fn of(log: LogId, blobs: &Blobs) -> Option<Self> {
        let manifests = blobs.keys().filter(|id| id.kind == BlobKind::Manifest);
        let manifest = manifests.map(|id| id.number).max()?;
        let copies: Vec<BlobId> = [BlobKind::Manifest, BlobKind::ManifestCopy]
            .into_iter()
            .map(|kind| BlobId {
                log,
                kind,
                number: manifest,
            })
            .filter(|id| blobs.contains_key(id))
            .collect();
        let mut edits = Vec::new();
        let mut live = BTreeMap::new();
        let mut masks = BTreeMap::new();
        let mut at = BLOB_HEADER;
        loop {
            let whole = |id: &&BlobId| -> bool {
                let frame = frame(**id, &blobs[*id], at);
                frame.is_some_and(|frame| frame.is_sound)
            };
            let whole: Vec<BlobId> = copies.iter().filter(whole).copied().collect();
            let Some(first) = whole.first() else { break };
            let bytes = &blobs[first];
            let found = frame(*first, bytes, at)?;
            if found.kind == 2 {
                apply(
                    &bytes[found.header_end..found.range.end],
                    &mut live,
                    &mut masks,
                )?;
            }
            at = found.range.end;
            edits.push((found, whole));
        }
        let mut segments: Vec<Segment> = Vec::new();
        for (number, entry) in live {
            let blob = BlobId {
                log,
                kind: BlobKind::Segment,
                number,
            };
            let mut segment = entry.segment(blob, blobs.get(&blob)?);
            segment.mask = masks.get(&number).map(|(number, length)| {
                let (kind, number) = (BlobKind::Mask, *number);
                (
                    BlobId {
                        kind,
                        number,
                        ..blob
                    },
                    0..BLOB_HEADER + length,
                )
            });
            segments.push(segment);
        }
        segments.sort_by_key(|segment| (segment.offsets().start, segment.blob.number));
        Some(Self {
            log,
            manifest,
            edits,
            segments,
        })
    }
}

/// Whether `bytes` begin with the header of a blob of this name, whoever wrote it.
#[must_use]
pub fn is_header(blob: BlobId, bytes: &[u8]) -> bool {
    let verifies = || {
        let mut hasher = Hasher::new();
        hasher.update(bytes.get(..20)?);
        hasher.update(bytes.get(24..BLOB_HEADER)?);
        let named = (long(bytes, 24)?, long(bytes, 32)?) == (blob.log.0, blob.number);
        Some(named && word(bytes, 20)? == hasher.finalize())
    };
    verifies().unwrap_or(false)
}

/// What the manifest says of a segment.
struct Entry {
    data_end: usize,
    sealed: bool,
    footer: Option<(u64, usize)>,
}

impl Entry {
    fn segment(&self, blob: BlobId, bytes: &[u8]) -> Segment {
        let mut frames: Vec<Frame> = Vec::new();
        let mut at = BLOB_HEADER;
        let end = if self.data_end == 0 {
            usize::MAX
        } else {
            self.data_end
        };
        while at < end
            && let Some(found) = frame(blob, bytes, at)
        {
            at = found.range.end;
            frames.push(found);
        }
        let footer = self.footer.map(|(number, length)| match number {
            0 => (blob, self.data_end..self.data_end + length),
            number => {
                let kind = BlobKind::Index;
                let blob = BlobId {
                    kind,
                    number,
                    ..blob
                };
                (blob, BLOB_HEADER..BLOB_HEADER + length)
            }
        });
        Segment {
            blob,
            sealed: self.sealed,
            frames,
            footer,
            mask: None,
        }
    }
}

/// The frame at `at`, if its header verifies.
fn frame(blob: BlobId, bytes: &[u8], at: usize) -> Option<Frame> {
    let rest = bytes.get(at..)?;
    let header_length = usize::from(*rest.get(15)?) * 8;
    if !(FRAME_HEADER..=FRAME_HEADER + 40).contains(&header_length) {
        return None;
    }
    let header = rest.get(..header_length)?;
    if crc(blob, bytes, at, &header[4..])? != word(header, 0)? {
        return None;
    }
    let (length, attributes, kind) = (word(header, 8)?, half(header, 12)?, header[14]);
    let (base, delta, count) = (long(header, 16)?, word(header, 24)?, word(header, 28)?);
    let end = (at + header_length + length as usize).next_multiple_of(8);
    let records = if count > 0 { u64::from(delta) + 1 } else { 0 };
    let body = rest.get(header_length..header_length + length as usize);
    let is_sound = match body {
        Some(body) => crc(blob, bytes, at, body)? == word(header, 4)?,
        None => false,
    };
    Some(Frame {
        range: at..end,
        header_end: at + header_length,
        offsets: base..base + records,
        vouched: long(header, 48)?,
        earlier_synced: attributes & (1 << 6) != 0,
        is_sound,
        kind,
    })
}

/// The checksum of `covered`, which belongs at `position`, with the seed that the
/// blob's own header gives.
fn crc(blob: BlobId, bytes: &[u8], position: usize, covered: &[u8]) -> Option<u32> {
    let kind = match blob.kind {
        BlobKind::ManifestCopy => BlobKind::Manifest,
        kind => kind,
    };
    let (epoch, salt) = (long(bytes, 40)?, long(bytes, 56)?);
    let mut seed = Hasher::new();
    for part in [blob.log.0, kind as u64, blob.number, epoch, salt] {
        seed.update(&part.to_le_bytes());
    }
    let position = position as u64;
    let place = (position as u32) ^ ((position >> 32) as u32);
    let mut hasher = Hasher::new_with_initial(seed.finalize() ^ place);
    hasher.update(covered);
    Some(hasher.finalize())
}

/// Takes in the edits of one frame, behind which zeros may follow. Masks are the
/// number and length of a segment's mask blob.
fn apply(
    mut body: &[u8],
    live: &mut BTreeMap<u64, Entry>,
    masks: &mut BTreeMap<u64, (u64, usize)>,
) -> Option<()> {
    while let Some((tag, rest)) = body.split_first()
        && *tag != 0
    {
        body = rest;
        let length = varint(&mut body)? as usize;
        let mut fields = body.get(..length)?;
        body = &body[length..];
        match tag {
            1 => live.clear(),
            2 => {
                let number = varint(&mut fields)?;
                live.insert(number, entry(&mut fields)?);
            }
            3 => {
                let number = varint(&mut fields)?;
                live.remove(&number);
                masks.remove(&number);
            }
            7 => {
                let number = varint(&mut fields)?;
                masks.remove(&number);
                // Behind the number: deleted, first, end, covers, count, the offsets.
                skip(&mut fields, 4)?;
                let count = varint(&mut fields)? as usize;
                skip(&mut fields, count)?;
                if varint(&mut fields)? == 1 {
                    let blob = varint(&mut fields)?;
                    masks.insert(number, (blob, skip(&mut fields, 3)? as usize));
                }
            }
            _ => {}
        }
    }
    Some(())
}

fn entry(fields: &mut &[u8]) -> Option<Entry> {
    // Behind the number: epoch, salt, base offset, base clamp, base hash, next
    // offset, records, data end; three times, content hash, producers, sealed.
    let data_end = skip(fields, 8)? as usize;
    let sealed = skip(fields, 6)? == 1;
    let footer = match varint(fields)? {
        0 => None,
        1 => Some((0, varint(fields)? as usize)),
        _ => Some((varint(fields)?, skip(fields, 3)? as usize)),
    };
    Some(Entry {
        data_end,
        sealed,
        footer,
    })
}

/// Takes so many numbers; the last one.
fn skip(fields: &mut &[u8], count: usize) -> Option<u64> {
    (0..count).try_fold(0, |_, _| varint(fields))
}

fn varint(input: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = input.split_first()?;
        *input = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
