//! Owns checksums as docs/FORMAT.md has them, written down once more: what is
//! repaired here and still refused by the engine is a difference between the two.

use crc32fast::Hasher;
use tidelog_core::{BlobId, BlobKind};

/// What the checksums of a blob start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seed(u32);

impl Seed {
    /// Of a blob of this epoch and salt.
    pub(crate) fn of(blob: BlobId, epoch: u64, salt: u64) -> Self {
        let kind = match blob.kind {
            BlobKind::ManifestCopy => BlobKind::Manifest,
            kind => kind,
        };
        let mut hasher = Hasher::new();
        for field in [blob.log.0, kind as u64, blob.number, epoch, salt] {
            hasher.update(&field.to_le_bytes());
        }
        Self(hasher.finalize())
    }

    /// Of the blob that a header names.
    pub(crate) fn of_header(header: &[u8; 64]) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(&header[24..32]);
        hasher.update(&[header[10], 0, 0, 0, 0, 0, 0, 0]);
        hasher.update(&header[32..48]);
        hasher.update(&header[56..64]);
        Self(hasher.finalize())
    }

    /// The checksum of `bytes` that belong at `position`.
    pub(crate) fn checksum(self, position: u64, bytes: &[u8]) -> u32 {
        let folded = (position as u32) ^ ((position >> 32) as u32);
        let mut hasher = Hasher::new_with_initial(self.0 ^ folded);
        hasher.update(bytes);
        hasher.finalize()
    }
}

/// The checksum of a blob header.
pub(crate) fn of_header(header: &[u8; 64]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&header[..20]);
    hasher.update(&header[24..]);
    hasher.finalize()
}
