//! Owns checking a log: reading everything there is of it and comparing it with
//! what it says of itself. Changes nothing.

use alloc::vec::Vec;

use super::error::{CheckError, Corruption, OpenError, ReadError, Unread};
use super::extent::read_up_to;
use super::handle::Log;
use super::index::footer_verifies;
use super::manifest::find;
use super::mismatch::Mismatch;
use super::scan::{Damage, ScanOptions, SegmentScan, scan};
use super::segment::segment_blob;
use super::snapshot::{Part, Snapshot};
use crate::format::{BLOB_HEADER, BlobHeader, Fault, FooterPlace, SegmentMeta};
use crate::sharing::Sharing;
use crate::store::{BlobId, BlockStore};

/// What is wrong at some place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindingKind {
    /// Records that cannot be read.
    Records,
    /// The header of a segment.
    Header,
    /// An index or total; it is rebuilt when needed.
    Footer,
    /// What is deleted of a segment: none of it can be read.
    Mask,
    /// A copy of the manifest; the other one is whole.
    ManifestCopy,
    /// What the manifest says of a segment is not what is in it.
    Contents,
}

impl FindingKind {
    /// A stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Header => "header",
            Self::Footer => "footer",
            Self::Mask => "mask",
            Self::ManifestCopy => "manifest-copy",
            Self::Contents => "contents",
        }
    }
}

/// Something that is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is concerned.
    pub kind: FindingKind,
    /// Where, and what is wrong.
    pub place: Corruption,
    /// The offsets that cannot be read because of it, if any.
    pub offsets: Option<(u64, u64)>,
    /// What is expected there and what is found, if that can be said by a number.
    pub mismatch: Option<Mismatch>,
}

/// What checking a log found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Everything that is wrong.
    pub findings: Vec<Finding>,
    /// Segments read.
    pub segments: usize,
    /// Records read.
    pub records: u64,
    /// Bytes of frames read.
    pub bytes: u64,
}

/// What checking some of a log found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// What was found, and how much was read.
    pub report: Report,
    /// The offset from which on another call goes on.
    pub next: u64,
    /// Whether anything is left to be looked at.
    pub more: bool,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.findings.is_empty()
    }

    fn add(&mut self, kind: FindingKind, place: (BlobId, u64, Fault), mismatch: Option<Mismatch>) {
        let (blob, position, fault) = place;
        let place = Corruption {
            blob,
            position,
            fault,
        };
        self.findings.push(Finding {
            kind,
            place,
            offsets: None,
            mismatch,
        });
    }

    fn damage(&mut self, damage: &[Damage]) {
        self.findings.extend(damage.iter().map(|damage| Finding {
            kind: FindingKind::Records,
            place: damage.place,
            offsets: Some((damage.first, damage.next)),
            mismatch: None,
        }));
    }
}

impl<S: BlockStore, P: Sharing> Log<S, P> {
    /// Reads every byte of the log that counts and reports what is wrong. A torn
    /// write at the end is not damage: [`recovery`](Log::recovery) tells of it.
    ///
    /// # Errors
    /// `corrupt` if the manifest itself cannot be read, or the store's own.
    pub async fn check(&self) -> Result<Report, CheckError<S::Error>> {
        Ok(self.check_from(0, u64::MAX).await?.report)
    }

    /// Checks some of the log: segments from the one with offset `from` on, and as many
    /// as have about `budget` bytes, but at least one; with those from 0 on the
    /// manifest. While the answer says that there is `more`, call again from its `next`
    /// on, with this or any later handle.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub async fn check_from(
        &self,
        from: u64,
        budget: u64,
    ) -> Result<Checked, CheckError<S::Error>> {
        if self.own().closed {
            return Err(CheckError::Closed);
        }
        let mut report = Report::default();
        if from == 0 {
            self.check_manifest(&mut report).await?;
        }
        let mut snapshot = self.own();
        let (mut index, mut rest) = (0, None);
        while let Some(part) = snapshot.part(index)
            && part.extent().is_some()
        {
            let at = index;
            index += 1;
            if from > 0 && part.next_offset() <= from {
                continue;
            }
            if report.segments > 0 && report.bytes.saturating_add(part.bytes()) > budget {
                rest = Some(part.base_offset());
                break;
            }
            let mut found = Report::default();
            self.check_part(&snapshot, at, &mut found).await?;
            // What was read may have been replaced meanwhile, and be gone.
            if !found.is_healthy()
                && let Some(newer) = self.inner().newer(&snapshot).await
                && !newer.has(&part)
            {
                index = newer.index_from(part.base_offset());
                snapshot = newer;
                continue;
            }
            report.take(found);
        }
        let looked = from..rest.unwrap_or(u64::MAX);
        let known = &self.recovery().damage;
        let known = known.iter().filter(|damage| looked.contains(&damage.first));
        report.damage(&known.copied().collect::<Vec<_>>());
        let mut seen = Vec::new();
        report.findings.retain(|finding| {
            let new = !seen.contains(finding);
            seen.push(*finding);
            new
        });
        for finding in &mut report.findings {
            if finding.mismatch.is_none() {
                finding.mismatch = Mismatch::at(&self.inner().store, finding).await?;
            }
        }
        Ok(Checked {
            report,
            next: rest.unwrap_or(snapshot.visible),
            more: rest.is_some(),
        })
    }

    async fn check_manifest(&self, report: &mut Report) -> Result<(), CheckError<S::Error>> {
        let inner = self.inner();
        let search = find(&inner.store, inner.log, true)
            .await
            .map_err(|error| match error {
                OpenError::Store(error) => CheckError::Store(error),
                error => CheckError::Open(error),
            })?;
        for place in search.found.iter().flat_map(|found| &found.repaired) {
            let place = (place.blob, place.position, place.fault);
            report.add(FindingKind::ManifestCopy, place, None);
        }
        Ok(())
    }

    async fn check_part(
        &self,
        snapshot: &Snapshot,
        at: usize,
        report: &mut Report,
    ) -> Result<(), Unread<S::Error>> {
        let Some(part) = &snapshot.part(at) else {
            return Ok(());
        };
        let (base, next) = (part.base_offset(), part.next_offset());
        if let Err(ReadError::Corrupt { place, .. }) =
            self.inner().source().deleted(part, base).await
        {
            report.findings.push(Finding {
                kind: FindingKind::Mask,
                place,
                offsets: Some((base, next)),
                mismatch: None,
            });
        }
        let Some(meta) = meta(part) else {
            return Ok(());
        };
        if !matches!(part, Part::Ended(_)) {
            report.count(&self.scan_whole(&meta).await?);
            return Ok(());
        }
        self.check_segment(&meta, report).await?;
        let inner = self.inner();
        if meta.footer != FooterPlace::None
            && !footer_verifies(&inner.store, inner.log, &meta).await?
            && (meta.sealed || self.is_vouched(snapshot, at).await?)
        {
            let blob = segment_blob(inner.log, meta.number);
            let place = (blob, meta.data_end, Fault::Checksum);
            report.add(FindingKind::Footer, place, None);
        }
        Ok(())
    }

    /// Whether a later segment says that this one was synced. What is not may have gone with
    /// the power.
    async fn is_vouched(&self, snapshot: &Snapshot, at: usize) -> Result<bool, Unread<S::Error>> {
        for later in at + 1..snapshot.parts() {
            let Some(meta) = snapshot.part(later).as_ref().and_then(meta) else {
                continue;
            };
            if self.scan_whole(&meta).await?.earlier_synced {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn check_segment(
        &self,
        meta: &SegmentMeta,
        report: &mut Report,
    ) -> Result<(), Unread<S::Error>> {
        let inner = self.inner();
        let blob = segment_blob(inner.log, meta.number);
        let first = read_up_to(&inner.store, blob, 0, BLOB_HEADER).await?;
        match BlobHeader::decode(blob, &first) {
            Err(fault) => report.add(FindingKind::Header, (blob, 0, fault), None),
            Ok(found) if found.epoch != meta.epoch || found.salt != meta.salt => {
                let mismatch = Mismatch::of_header(&found, meta);
                report.add(FindingKind::Header, (blob, 0, Fault::Foreign), mismatch);
            }
            Ok(_) => {}
        }
        let found = self.scan_whole(meta).await?;
        report.count(&found);
        let sound = found.damage.is_empty() && found.tear.is_none();
        let same = found.all.next_offset <= meta.next_offset
            && found.all.data_end == meta.data_end
            && found.all.records == meta.records
            && found.all.hash == meta.content_hash;
        // A segment that was cut, or had damage when it ended, is described by
        // what was left of it.
        if sound && !same && meta.sealed {
            let place = (blob, found.all.data_end, Fault::Gap);
            let mismatch = Mismatch::of_segment(&found, meta);
            report.add(FindingKind::Contents, place, mismatch);
        }
        Ok(())
    }

    async fn scan_whole(&self, meta: &SegmentMeta) -> Result<SegmentScan, Unread<S::Error>> {
        let inner = self.inner();
        let options = ScanOptions::sealed(meta, None);
        scan(&inner.store, inner.log, *meta, options).await
    }
}

/// What is known of a segment that is with the store.
fn meta(part: &Part<'_>) -> Option<SegmentMeta> {
    match part {
        Part::Ended(segment) => Some(segment.meta),
        Part::Active(active) => Some(SegmentMeta {
            data_end: active.data_end,
            next_offset: active.next_offset,
            ..active.meta
        }),
        Part::Tail(_) => None,
    }
}

impl Report {
    fn take(&mut self, part: Self) {
        self.findings.extend(part.findings);
        self.segments += part.segments;
        self.records += part.records;
        self.bytes += part.bytes;
    }

    fn count(&mut self, found: &SegmentScan) {
        self.segments += 1;
        self.records += found.all.records;
        self.bytes += found.all.data_end;
        self.damage(&found.damage);
    }
}
