//! Owns checksums: CRC-32 (IEEE) seeded with where the bytes belong, and the
//! content hash that chains segments.

use crc32fast::Hasher;

use crate::store::{BlobId, BlobKind, LogId};

/// What the checksums of one blob start from: log, kind, number, writer epoch
/// and salt. Bytes of any other blob, or of an older generation of this one,
/// do not verify under it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seed(pub(super) u32);

impl Seed {
    pub(crate) fn of(blob: BlobId, epoch: u64, salt: u64) -> Self {
        // The two copies of a manifest are identical, so they share a seed.
        let kind = match blob.kind {
            BlobKind::ManifestCopy => BlobKind::Manifest,
            kind => kind,
        };
        Self::over([blob.log.0, kind as u64, blob.number, epoch, salt])
    }

    /// That of an export, whose kind no blob has.
    pub(super) fn of_export(log: LogId, kind: u8, epoch: u64, salt: u64) -> Self {
        Self::over([log.0, u64::from(kind), 0, epoch, salt])
    }

    fn over(fields: [u64; 5]) -> Self {
        let mut hasher = Hasher::new();
        for field in fields {
            hasher.update(&field.to_le_bytes());
        }
        Self(hasher.finalize())
    }

    /// The checksum of `bytes` that belong at `position`. Equal bytes at two
    /// positions below 2^32 always differ: a CRC is injective in its start.
    #[inline]
    pub(super) fn crc(self, position: u64, bytes: &[u8]) -> u32 {
        let mut hasher = Hasher::new_with_initial(self.0 ^ fold(position));
        hasher.update(bytes);
        hasher.finalize()
    }
}

#[allow(clippy::cast_possible_truncation, reason = "both halves are folded in")]
const fn fold(position: u64) -> u32 {
    (position as u32) ^ ((position >> 32) as u32)
}

/// A plain checksum, where there is no place to seed it with yet.
pub(super) fn plain(parts: &[&[u8]]) -> u32 {
    let mut hasher = Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize()
}

/// A 64-bit hash over the frames of a segment, started from the hash of the
/// segment before it. It detects accidents, not forgery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ContentHash(pub(crate) u64);

impl ContentHash {
    /// Folds in one frame: the two checksums of its header.
    #[inline]
    pub(crate) const fn frame(self, header_crc: u32, body_crc: u32) -> Self {
        let mut x = self.0 ^ ((header_crc as u64) << 32 | body_crc as u64);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((x ^ (x >> 31)).wrapping_add(0x9e37_79b9_7f4a_7c15))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The vectors of FORMAT.md, section "Checksums".
    #[test]
    fn vectors() {
        assert_eq!(plain(&[b"123456789"]), 0xcbf4_3926);
        let blob = BlobId {
            log: LogId(7),
            kind: BlobKind::Segment,
            number: 3,
        };
        let seed = Seed::of(blob, 2, 0x0123_4567_89ab_cdef);
        let copy = BlobId {
            kind: BlobKind::ManifestCopy,
            ..blob
        };
        let manifest = BlobId {
            kind: BlobKind::Manifest,
            ..blob
        };
        assert_eq!(Seed::of(copy, 2, 9), Seed::of(manifest, 2, 9));
        assert_ne!(seed, Seed::of(blob, 3, 0x0123_4567_89ab_cdef));
        assert_ne!(seed.crc(64, b"tide"), seed.crc(72, b"tide"));
        assert_eq!(
            std::format!("{:08x} {:08x}", seed.0, seed.crc(64, b"tide")),
            "ed767f83 22dd0d3c"
        );
    }
}
