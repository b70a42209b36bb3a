//! Owns the ways in which bytes at rest are damaged.

use std::fmt;

use tidelog_core::{BlobId, BlobKind};

use crate::random::{Random, mix};
use crate::sim::Disk;

/// Bytes that a damaged block spans.
const BLOCK: u64 = 512;

/// One piece of damage to one blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub blob: BlobId,
    pub harm: Harm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Harm {
    /// These bits of the byte at a position are flipped.
    Flipped(u64, u8),
    /// The byte at a position is zero.
    Zeroed(u64),
    /// The block that starts here is zero.
    BlankBlock(u64),
    /// The block that starts here holds garbage.
    GarbageBlock(u64),
    /// The block that starts here holds the bytes of that position.
    WrongBlock(u64, u64),
    /// The blob ends here.
    Cut(u64),
    /// The blob is gone.
    Missing,
}

impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.blob, self.harm)
    }
}

impl Hit {
    /// Damage number `number` of a disk.
    pub fn draw(disk: &Disk, number: u64) -> Option<Self> {
        let mut random = Random::new(mix(number ^ 0xDA3A_6E00));
        let blobs: Vec<(BlobId, u64)> = disk
            .contents()
            .map(|(id, bytes)| (id, bytes.len() as u64))
            .filter(|(_, len)| *len > 0)
            .collect();
        let total = blobs.iter().map(|(_, len)| len).sum();
        let mut at = random.below(total);
        let (blob, len) = blobs.iter().find(|(_, len)| {
            let here = at < *len;
            at = if here { at } else { at - len };
            here
        })?;
        let block = at / BLOCK * BLOCK;
        let harm = match random.below(16) {
            0 => Harm::Zeroed(at),
            1 => Harm::BlankBlock(block),
            2 => Harm::GarbageBlock(block),
            3 => Harm::WrongBlock(block, random.below(len / BLOCK + 1) * BLOCK),
            4 => Harm::Cut(at),
            5 if random.one_in(8) => Harm::Missing,
            6..=8 => Harm::Flipped(at, 0xFF),
            9..=11 => Harm::Flipped(at, 0x80),
            _ => Harm::Flipped(at, 0x01),
        };
        Some(Self { blob: *blob, harm })
    }

    /// The disk with this damage.
    pub fn on(self, disk: &Disk) -> Disk {
        let content = disk.visible(self.blob).unwrap_or_default();
        let mut bytes = content.to_vec();
        let block = |start: u64| {
            let start = start as usize;
            start..bytes.len().min(start + BLOCK as usize)
        };
        match self.harm {
            Harm::Flipped(at, bits) => bytes[at as usize] ^= bits,
            Harm::Zeroed(at) => bytes[at as usize] = 0,
            Harm::BlankBlock(start) => {
                let block = block(start);
                bytes[block].fill(0);
            }
            Harm::GarbageBlock(start) => {
                let block = block(start);
                Random::new(mix(start)).fill(&mut bytes[block]);
            }
            Harm::WrongBlock(start, from) => {
                let block = block(start);
                let other = (from as usize..).map(|at| content.get(at).copied().unwrap_or(0));
                for (byte, wrong) in bytes[block].iter_mut().zip(other) {
                    *byte = wrong;
                }
            }
            Harm::Cut(at) => bytes.truncate(at as usize),
            Harm::Missing => bytes.clear(),
        }
        let whole = disk.contents().filter(|(id, _)| *id != self.blob);
        let whole = whole.map(|(id, bytes)| (id, bytes.to_vec()));
        let hit = (self.harm != Harm::Missing).then_some((self.blob, bytes));
        Disk::holding(whole.chain(hit))
    }

    /// Whether the other copy of the manifest has what this one lost.
    pub fn has_a_copy(self, disk: &Disk) -> bool {
        let kind = match self.blob.kind {
            BlobKind::Manifest => BlobKind::ManifestCopy,
            BlobKind::ManifestCopy => BlobKind::Manifest,
            _ => return false,
        };
        let copy = BlobId { kind, ..self.blob };
        disk.visible(copy).is_some()
    }

    /// Whether nobody could notice: the only copy of a manifest that ends early
    /// may be one to which nothing more was ever written, and a segment that was
    /// not sealed vouches for itself, so that it must not be hit as a whole.
    pub fn is_silent(self, disk: &Disk, killed: bool) -> bool {
        match self.blob.kind {
            BlobKind::Manifest | BlobKind::ManifestCopy => {
                matches!(self.harm, Harm::Cut(_)) && !self.has_a_copy(disk)
            }
            BlobKind::Segment if killed => {
                let segments = disk
                    .contents()
                    .filter(|(id, _)| id.kind == BlobKind::Segment);
                let last = segments.map(|(id, _)| id).max();
                last == Some(self.blob) && !self.is_small()
            }
            _ => false,
        }
    }

    /// Whether no more than one frame can be hit.
    pub const fn is_small(self) -> bool {
        matches!(self.harm, Harm::Flipped(..) | Harm::Zeroed(_))
    }
}
