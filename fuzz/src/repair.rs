//! Owns repairing checksums: bytes that a mutator has changed get the checksums that
//! would have been written for them, so that more than the checksum is put to the test.
//! Works from docs/FORMAT.md and shares no code with the engine.

use crate::checksum::{self, Seed};

/// Bytes of a blob header.
pub(crate) const HEADER: usize = 64;

/// No codec expands further: a body that claims more is refused.
const RATIO: usize = 1040;

/// Bytes of a full block of a footer, and of what ends each.
const BLOCK: usize = 4096;
const TRAILER: usize = 8;

/// Repairs the header at the start of a blob, and returns what the rest is checked with.
pub(crate) fn header(blob: &mut [u8]) -> Option<Seed> {
    let header = blob.first_chunk_mut::<HEADER>()?;
    let sum = checksum::of_header(header);
    put(header, 20, sum);
    Some(Seed::of_header(header))
}

/// The length of the frame that `bytes` begin with, if it is whole.
pub(crate) fn frame_length(bytes: &[u8]) -> Option<usize> {
    let from = header_length(bytes)?;
    let length = usize::try_from(get(bytes, 8)?).ok()?;
    let end = from.checked_add(length)?.next_multiple_of(8);
    (end <= bytes.len()).then_some(end)
}

/// The body of a frame that is whole.
pub(crate) fn body(frame: &[u8]) -> &[u8] {
    let from = header_length(frame).unwrap_or(0);
    let length = get(frame, 8).unwrap_or(0) as usize;
    frame.get(from..from + length).unwrap_or(&[])
}

fn header_length(bytes: &[u8]) -> Option<usize> {
    let length = usize::from(*bytes.get(15)?) * 8;
    ((56..=96).contains(&length) && length <= bytes.len()).then_some(length)
}

/// Repairs the frame that `bytes` begin with, and returns its length if it is whole.
/// With `fit`, its body is made as long as the bytes that are there.
pub(crate) fn frame(seed: Seed, position: u64, bytes: &mut [u8], fit: bool) -> Option<usize> {
    let from = header_length(bytes)?;
    if fit {
        put(bytes, 8, u32::try_from(bytes.len() - from).ok()?);
    }
    let whole = frame_length(bytes);
    if let Some(end) = whole {
        let to = from + body(bytes).len();
        bytes.get_mut(to..end)?.fill(0);
        let sum = seed.checksum(position, body(bytes));
        put(bytes, 4, sum);
    }
    let sum = seed.checksum(position, bytes.get(4..from)?);
    put(bytes, 0, sum);
    whole
}

/// Whether the checksums of the frame that `bytes` begin with are right.
pub(crate) fn verifies(seed: Seed, position: u64, bytes: &[u8]) -> bool {
    let sums = || {
        frame_length(bytes)?;
        let header = bytes.get(4..header_length(bytes)?)?;
        let own = (get(bytes, 0)?, get(bytes, 4)?);
        Some(
            own == (
                seed.checksum(position, header),
                seed.checksum(position, body(bytes)),
            ),
        )
    };
    sums().unwrap_or(false)
}

/// Bytes that the body of the frame which `bytes` begin with may unpack to.
pub(crate) fn unpacks_to(bytes: &[u8]) -> usize {
    let packed = bytes.get(12).is_some_and(|bits| bits & 3 != 0);
    match get(bytes, 56) {
        Some(raw) if packed => (raw as usize).min(body(bytes).len() * RATIO),
        _ => 0,
    }
}

/// The same, of all frames of a blob.
pub(crate) fn unpacks(blob: &[u8]) -> usize {
    let (mut at, mut all) = (HEADER, 0);
    while let Some(rest) = blob.get(at..)
        && let Some(length) = frame_length(rest)
    {
        all += unpacks_to(rest);
        at += length;
    }
    all
}

/// Repairs every block of the footer that `bytes` are, which belongs at `position`.
pub(crate) fn footer(seed: Seed, position: u64, bytes: &mut [u8]) {
    let Some(root) = root_of(bytes) else { return };
    for section in sections(&bytes[root..]) {
        let (from, length) = section;
        let Some(to) = from.checked_add(length) else {
            continue;
        };
        let mut at = from;
        while at < to.min(root) {
            let end = to.min(at + BLOCK);
            block(seed, position, bytes, at, end);
            at = end;
        }
    }
    let end = bytes.len();
    block(seed, position, bytes, root, end);
}

/// Where the root of a footer begins.
fn root_of(bytes: &[u8]) -> Option<usize> {
    let end = bytes.len().checked_sub(TRAILER)?;
    let length = u16::from_le_bytes([*bytes.get(end + 2)?, *bytes.get(end + 3)?]);
    end.checked_sub(usize::from(length).next_multiple_of(8))
}

/// Where the sections are, as the root says: from and length.
fn sections(root: &[u8]) -> Vec<(usize, usize)> {
    let entries = root.get(72..).unwrap_or(&[]);
    let entries = entries.chunks_exact(16);
    entries
        .filter_map(|entry| Some((get(entry, 8)? as usize, get(entry, 12)? as usize)))
        .collect()
}

fn block(seed: Seed, position: u64, bytes: &mut [u8], from: usize, to: usize) {
    if let Some(block) = bytes.get_mut(from..to)
        && let Some(covered) = block.len().checked_sub(4)
    {
        let sum = seed.checksum(position + from as u64, &block[..covered]);
        put(block, covered, sum);
    }
}

/// Repairs a whole segment or manifest: its header, its frames, and what follows them
/// as a footer.
pub(crate) fn blob(bytes: &mut [u8]) {
    let Some(seed) = header(bytes) else { return };
    let mut at = HEADER;
    while let Some(rest) = bytes.get_mut(at..)
        && let Some(length) = frame(seed, at as u64, rest, false)
    {
        at += length;
    }
    if let Some(rest) = bytes.get_mut(at..) {
        footer(seed, at as u64, rest);
    }
}

fn get(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*field))
}

fn put(bytes: &mut [u8], at: usize, value: u32) {
    if let Some(field) = bytes.get_mut(at..at + 4) {
        field.copy_from_slice(&value.to_le_bytes());
    }
}
