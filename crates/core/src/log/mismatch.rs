//! Owns the numbers of a finding: what should be there, and what is.

use super::check::{Finding, FindingKind};
use super::error::{Corruption, Unread};
use super::extent::read_up_to;
use super::scan::SegmentScan;
use crate::format::{
    BLOB_HEADER, BlobHeader, FRAME_HEADER_MAX, Fault, FrameHeader, SegmentMeta, header_checksums,
};
use crate::store::BlockStore;

/// A number that is not what it should be.
///
/// Of checksums, the one that is stored is what should be. Show them only to those who may
/// read the store: with the bytes under it, a checksum tells how bytes in a value would
/// have to look to be taken for a frame of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What it is: `"header checksum"`, `"body checksum"`, `"bytes"`, `"records"`,
    /// `"next offset"`, `"content hash"` or `"epoch"`.
    pub what: &'static str,
    /// What it should be.
    pub expected: u64,
    /// What it is.
    pub actual: u64,
}

impl Mismatch {
    const fn new(what: &'static str, expected: u64, actual: u64) -> Self {
        Self {
            what,
            expected,
            actual,
        }
    }

    /// The number by which a header belongs to another writer.
    pub(super) fn of_header(found: &BlobHeader, meta: &SegmentMeta) -> Option<Self> {
        (found.epoch != meta.epoch).then(|| Self::new("epoch", meta.epoch, found.epoch))
    }

    /// The first number in which a segment is not what the manifest says.
    pub(super) fn of_segment(found: &SegmentScan, meta: &SegmentMeta) -> Option<Self> {
        let all = &found.all;
        let facts = [
            ("bytes", meta.data_end, all.data_end),
            ("records", meta.records, all.records),
            ("content hash", meta.content_hash.0, all.hash.0),
        ];
        let differs = facts.into_iter().find(|(_, said, found)| said != found);
        let (what, said, found) = differs.or_else(|| {
            let beyond = all.next_offset > meta.next_offset;
            beyond.then_some(("next offset", meta.next_offset, all.next_offset))
        })?;
        Some(Self::new(what, said, found))
    }

    /// The number by which the bytes at a place are refused, if they are refused for one:
    /// looks at them again.
    pub(super) async fn at<S: BlockStore>(
        store: &S,
        finding: &Finding,
    ) -> Result<Option<Self>, Unread<S::Error>> {
        let Corruption {
            blob,
            position,
            fault,
        } = finding.place;
        if !matches!(fault, Fault::Checksum | Fault::Short) || finding.kind == FindingKind::Footer {
            return Ok(None);
        }
        let first = read_up_to(store, blob, 0, BLOB_HEADER).await?;
        if position == 0 {
            return Ok(Self::in_blob_header(&first));
        }
        // Whatever is at a place is known only by the blob's own header.
        let Ok(header) = BlobHeader::decode(blob, &first) else {
            return Ok(None);
        };
        let seed = header.seed();
        let start = read_up_to(store, blob, position, FRAME_HEADER_MAX).await?;
        let header = match FrameHeader::decode(seed, position, &start) {
            Ok(header) => header,
            Err(Fault::Checksum) => {
                let checksums = FrameHeader::checksums(seed, position, &start);
                return Ok(Self::between("header checksum", checksums));
            }
            Err(_) => return Ok(None),
        };
        let length = header.frame_length();
        let frame = read_up_to(store, blob, position, length).await?;
        if frame.len() < length {
            let (length, there) = (length as u64, frame.len() as u64);
            return Ok(Some(Self::new("bytes", length, there)));
        }
        let checksums = header.body_checksums(seed, position, &frame);
        Ok(Self::between("body checksum", checksums))
    }

    fn in_blob_header(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < BLOB_HEADER {
            let there = bytes.len() as u64;
            return Some(Self::new("bytes", BLOB_HEADER as u64, there));
        }
        Self::between("header checksum", header_checksums(bytes))
    }

    fn between(what: &'static str, checksums: Option<(u32, u32)>) -> Option<Self> {
        let (stored, found) = checksums.filter(|(stored, found)| stored != found)?;
        Some(Self::new(what, stored.into(), found.into()))
    }
}
