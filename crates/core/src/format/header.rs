//! Owns the 64 bytes every blob begins with, and every export.

use alloc::vec::Vec;

use super::Fault;
use super::checksum::{Seed, plain};
use super::wire::Input;
use crate::LogId;
use crate::store::{BlobId, BlobKind};

/// Bytes of a blob's header.
pub(crate) const BLOB_HEADER: usize = 64;

const MAGIC: [u8; 8] = *b"tidelog\n";
const VERSION: u16 = 1;
/// Required feature bits this build understands.
const KNOWN: u32 = 0;
/// Optional feature bit of a rewritten segment.
const REWRITTEN: u32 = 1;
/// Optional feature bit of the manifest of a backup.
const BACKUP: u32 = 1 << 1;
const CRC_AT: usize = 20;

/// The header of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlobHeader {
    pub(crate) blob: BlobId,
    pub(crate) epoch: u64,
    /// For a segment: the offset its records start at.
    pub(crate) base_offset: u64,
    pub(crate) salt: u64,
    /// For a segment: it holds records of earlier segments, in their place, and not
    /// what came after all of them.
    pub(crate) rewritten: bool,
    /// For a manifest: backing up wrote it, and no writer has opened the log since.
    pub(crate) backup: bool,
}

impl BlobHeader {
    pub(crate) fn seed(&self) -> Seed {
        Seed::of(self.blob, self.epoch, self.salt)
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let kind = match self.blob.kind {
            BlobKind::ManifestCopy => BlobKind::Manifest,
            kind => kind,
        };
        let fields = Fields {
            kind: kind as u8,
            optional: if self.rewritten { REWRITTEN } else { 0 }
                | if self.backup { BACKUP } else { 0 },
            log: self.blob.log,
            number: self.blob.number,
            epoch: self.epoch,
            base_offset: self.base_offset,
            salt: self.salt,
        };
        fields.put(out);
    }

    /// Reads the header of `blob`.
    ///
    /// A version or feature this build does not know is told apart from damage
    /// only when the checksum holds.
    pub(crate) fn decode(blob: BlobId, bytes: &[u8]) -> Result<Self, Fault> {
        let fields = Fields::take(bytes)?;
        let expected = match blob.kind {
            BlobKind::ManifestCopy => BlobKind::Manifest,
            kind => kind,
        };
        if (fields.log, fields.number, fields.kind) != (blob.log, blob.number, expected as u8) {
            return Err(Fault::Foreign);
        }
        Ok(Self {
            blob,
            epoch: fields.epoch,
            base_offset: fields.base_offset,
            salt: fields.salt,
            rewritten: fields.optional & REWRITTEN != 0,
            backup: fields.optional & BACKUP != 0,
        })
    }
}

/// The checksum that the bytes of a blob's header say, and what they come to.
pub(crate) fn header_checksums(bytes: &[u8]) -> Option<(u32, u32)> {
    let stored = Input::new(bytes.get(CRC_AT..)?).u32().ok()?;
    let covered = plain(&[bytes.get(..CRC_AT)?, bytes.get(CRC_AT + 4..BLOB_HEADER)?]);
    Some((stored, covered))
}

/// The header of an exported log, which is no blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExportHeader {
    /// The number that the log had where it was exported.
    pub(crate) log: LogId,
    pub(crate) epoch: u64,
    pub(crate) salt: u64,
}

impl ExportHeader {
    const KIND: u8 = 6;

    pub(crate) fn seed(&self) -> Seed {
        Seed::of_export(self.log, Self::KIND, self.epoch, self.salt)
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let fields = Fields {
            kind: Self::KIND,
            optional: 0,
            log: self.log,
            number: 0,
            epoch: self.epoch,
            base_offset: 0,
            salt: self.salt,
        };
        fields.put(out);
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let fields = Fields::take(bytes)?;
        if (fields.kind, fields.number) != (Self::KIND, 0) {
            return Err(Fault::Foreign);
        }
        Ok(Self {
            log: fields.log,
            epoch: fields.epoch,
            salt: fields.salt,
        })
    }
}

/// What a header says, whatever it is the header of.
struct Fields {
    kind: u8,
    optional: u32,
    log: LogId,
    number: u64,
    epoch: u64,
    base_offset: u64,
    salt: u64,
}

impl Fields {
    fn put(&self, out: &mut Vec<u8>) {
        let mut head = Vec::with_capacity(CRC_AT);
        head.extend_from_slice(&MAGIC);
        head.extend_from_slice(&VERSION.to_le_bytes());
        head.push(self.kind);
        head.push(0);
        head.extend_from_slice(&KNOWN.to_le_bytes());
        head.extend_from_slice(&self.optional.to_le_bytes());
        let mut rest = Vec::with_capacity(BLOB_HEADER - CRC_AT - 4);
        for field in [
            self.log.0,
            self.number,
            self.epoch,
            self.base_offset,
            self.salt,
        ] {
            rest.extend_from_slice(&field.to_le_bytes());
        }
        out.extend_from_slice(&head);
        out.extend_from_slice(&plain(&[&head, &rest]).to_le_bytes());
        out.extend_from_slice(&rest);
    }

    fn take(bytes: &[u8]) -> Result<Self, Fault> {
        let bytes = bytes.get(..BLOB_HEADER).ok_or(Fault::Short)?;
        if bytes.iter().all(|byte| *byte == 0) {
            return Err(Fault::Blank);
        }
        let mut input = Input::new(bytes);
        let magic: [u8; 8] = input.array()?;
        let version = input.u16()?;
        let kind = input.u8()?;
        let reserved = input.u8()?;
        let required = input.u32()?;
        let optional = input.u32()?;
        let crc = input.u32()?;
        let (head, rest) = bytes.split_at_checked(CRC_AT).ok_or(Fault::Short)?;
        let rest = rest.get(4..).ok_or(Fault::Short)?;
        if magic != MAGIC {
            return Err(Fault::Magic);
        }
        if crc != plain(&[head, rest]) {
            return Err(Fault::Checksum);
        }
        if version != VERSION {
            return Err(Fault::Version(version));
        }
        if required & !KNOWN != 0 {
            return Err(Fault::Feature(required & !KNOWN));
        }
        if reserved != 0 {
            return Err(Fault::Malformed("blob header's reserved byte"));
        }
        Ok(Self {
            kind,
            optional,
            log: LogId(input.u64()?),
            number: input.u64()?,
            epoch: input.u64()?,
            base_offset: input.u64()?,
            salt: input.u64()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> BlobHeader {
        let blob = BlobId {
            log: LogId(5),
            kind: BlobKind::Segment,
            number: 9,
        };
        BlobHeader {
            blob,
            epoch: 3,
            base_offset: 1000,
            salt: 77,
            rewritten: false,
            backup: true,
        }
    }

    #[test]
    fn round_trips_and_notices_every_flipped_bit() {
        let mut bytes = Vec::new();
        header().encode(&mut bytes);
        assert_eq!(bytes.len(), BLOB_HEADER);
        assert_eq!(BlobHeader::decode(header().blob, &bytes), Ok(header()));
        for bit in 0..BLOB_HEADER * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(BlobHeader::decode(header().blob, &bytes).is_err());
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn names_what_it_does_not_know() {
        let mut bytes = Vec::new();
        header().encode(&mut bytes);
        let reseal = |bytes: &mut Vec<u8>| {
            let crc = plain(&[&bytes[..20], &bytes[24..]]);
            bytes[20..24].copy_from_slice(&crc.to_le_bytes());
        };
        let mut newer = bytes.clone();
        newer[8] = 2;
        reseal(&mut newer);
        assert_eq!(
            BlobHeader::decode(header().blob, &newer),
            Err(Fault::Version(2))
        );
        let mut feature = bytes.clone();
        feature[12] = 4;
        reseal(&mut feature);
        assert_eq!(
            BlobHeader::decode(header().blob, &feature),
            Err(Fault::Feature(4))
        );
        let other = BlobId {
            number: 10,
            ..header().blob
        };
        assert_eq!(BlobHeader::decode(other, &bytes), Err(Fault::Foreign));
        assert_eq!(BlobHeader::decode(other, &[0; 64]), Err(Fault::Blank));
    }
}
