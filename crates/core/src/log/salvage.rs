//! Owns salvage: making a damaged log whole again, with what can still be read, on
//! request and never by itself.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::check::{Finding, FindingKind};
use super::error::{CheckError, Corruption, MaintainError, OpenError};
use super::handle::{Claim, Log};
use super::manifest::{Superseding, highest_manifest};
use super::producers::Producers;
use super::recovery::{Recovered, Recovery, TakeoverPlan, replay_producers};
use super::scan::{Damage, ScanOptions, SegmentScan, scan};
use super::segment::EndedSegment;
use super::totals::Totals;
use super::writer::Writer;
use crate::format::{
    BLOB_HEADER, BlobHeader, ContentHash, Edit, FooterPlace, KeyHasher, SegmentMeta, Trim,
};
use crate::host::Host;
use crate::options::{Indexes, Options};
use crate::sharing::Sharing;
use crate::store::{BlobKind, BlockStore, LogId};

/// What salvage did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salvage {
    /// Why the manifest had to be rebuilt from the segments, if it had to.
    pub manifest: Option<Corruption>,
    /// Offsets that are lost, and where they were.
    pub lost: Vec<Damage>,
    /// Masks that could not be read: what they hid is back.
    pub masks: Vec<Corruption>,
    /// Records that are readable now.
    pub records: u64,
    /// Segments that were rewritten without their damage.
    pub rewritten: usize,
}

/// Makes log `id` readable and writable again: rebuilds its manifest if that is
/// damaged, makes its copies whole if one of them is, and rewrites segments that hold damage without it. A healthy log is left
/// as it is. No offset is given twice.
///
/// # Errors
/// `locked` if the log has a writer; `not-found` if the store holds nothing of it;
/// `unsupported` if a newer tidelog wrote it; or the store's own.
pub async fn recover<S: BlockStore, P: Sharing>(
    store: &S,
    id: LogId,
    host: Arc<dyn Host>,
) -> Result<Salvage, CheckError<S::Error>> {
    let mut salvage = Salvage::default();
    let opened = Log::<&S, P>::open(store, id, Options::default(), Arc::clone(&host)).await;
    let log = match opened {
        Ok(log) => log,
        Err(OpenError::Corrupt(place)) if place.kind() == crate::ErrorKind::Corrupt => {
            salvage.manifest = Some(place);
            rebuild(store, id, host).await?
        }
        Err(error) => return Err(CheckError::Open(error)),
    };
    let nothing = log.stat().segments == 0 && log.stat().bounds.next == 0;
    if nothing && salvage.manifest.is_none() && log.recovery().epoch <= 1 {
        return Err(CheckError::NotFound(id));
    }
    if salvage.manifest.is_some() {
        log.establish().await.map_err(commit)?;
    }
    let report = log.check().await?;
    let mut hit: Vec<u64> = Vec::new();
    for finding in &report.findings {
        if finding.kind == FindingKind::Mask {
            salvage.masks.push(finding.place);
            let ended = &log.own().ended;
            hit.extend(ended.iter().filter_map(|segment| {
                let place = segment.mask.as_ref()?.blob?;
                (place.number == finding.place.blob.number).then_some(segment.meta.number)
            }));
            continue;
        }
        if let Some((first, next)) = finding.offsets {
            salvage.lost.push(Damage {
                first,
                next,
                place: finding.place,
            });
        }
        if finding.place.blob.kind == BlobKind::Segment && !hit.contains(&finding.place.blob.number)
        {
            hit.push(finding.place.blob.number);
        }
    }
    for number in hit {
        let found = log
            .own()
            .ended
            .iter()
            .find(|s| s.meta.number == number)
            .map(|s| s.meta);
        if let Some(meta) = found {
            let _turn = log.inner().turn().await;
            log.inner()
                .rewrite(&[meta], true)
                .await
                .map_err(|error| match error {
                    MaintainError::Store(error) => CheckError::Store(error),
                    MaintainError::Memory(bytes) => CheckError::Memory(bytes),
                    MaintainError::Commit(error) => commit(error),
                    MaintainError::Corrupt(place) => CheckError::Open(OpenError::Corrupt(place)),
                })?;
            salvage.rewritten += 1;
        }
    }
    let is_copy = |finding: &Finding| finding.kind == FindingKind::ManifestCopy;
    if report.findings.iter().any(is_copy) {
        // The first edit of an epoch is written to a manifest of its own, in whole copies.
        let begin = |writer: &mut Writer<S::Error>| {
            writer.usable()?;
            Ok((writer.ask([Edit::Settings(writer.settings)]), ()))
        };
        let asked = log.inner().reach(begin).await;
        asked.map_err(|failure| commit(failure.into()))?;
    }
    salvage.records = log.stat().records;
    log.close().await.map_err(commit)?;
    Ok(salvage)
}

fn commit<E>(error: super::SyncError<E>) -> CheckError<E> {
    CheckError::Commit(error)
}

/// A log made from its segments alone: their headers say what they are.
async fn rebuild<S: BlockStore, P: Sharing>(
    store: &S,
    id: LogId,
    host: Arc<dyn Host>,
) -> Result<Log<&S, P>, CheckError<S::Error>> {
    let claimed = store.claim(id, 1).await.map_err(CheckError::Store)?;
    let claim = Claim {
        store: &store,
        id,
        kept: false,
    };
    let listed = store.list(id).await.map_err(CheckError::Store)?;
    let mut scans: Vec<(SegmentScan, bool)> = Vec::new();
    for blob in listed.iter().filter(|blob| blob.kind == BlobKind::Segment) {
        let mut header = [0; BLOB_HEADER];
        if store.read(*blob, 0, &mut header).await.is_err() {
            continue;
        }
        let Ok(header) = BlobHeader::decode(*blob, &header) else {
            continue;
        };
        // Nobody knows any more what was synced, so everything that verifies counts.
        let meta = bare_meta(&header);
        let options = ScanOptions::sealed(&meta, None);
        let found = scan(store, id, meta, options).await?;
        if found.all.records > 0 {
            scans.push((found, header.rewritten));
        }
    }
    let mut covered = 0;
    let mut kept = Vec::new();
    for (mut found, below) in keep_newest(scans) {
        if below < found.all.next_offset {
            let options = ScanOptions {
                below,
                ..ScanOptions::sealed(&found.meta, None)
            };
            found = scan(store, id, found.meta, options).await?;
        }
        if found.all.records > 0 {
            let lost = found.damage.last().map_or(0, |damage| damage.next);
            covered = covered.max(found.all.next_offset).max(lost.min(below));
            kept.push(found);
        }
    }
    let scans = kept;
    let highest = |kinds: &[BlobKind]| {
        let numbers = listed
            .iter()
            .filter(|blob| kinds.contains(&blob.kind))
            .map(|b| b.number);
        numbers.max().unwrap_or(0)
    };
    let highest_manifest = highest_manifest(store, id, &listed).await?;
    let highest_number = highest(&BlobKind::ALL).max(highest_manifest);
    let epoch = scans
        .iter()
        .map(|found| found.meta.epoch)
        .max()
        .unwrap_or(0);
    let mut producers = Producers::default();
    replay_producers(&scans, &mut producers);
    let mut segments = Vec::new();
    let mut end = Totals::start(0, i64::MIN, ContentHash::default());
    for found in scans {
        let meta = found.all.ended(&found.meta, FooterPlace::None, true);
        end = found.all;
        segments.push(EndedSegment {
            meta,
            index: Some(found.index),
            mask: None,
        });
    }
    let found = Recovered {
        manifest: None,
        highest_number,
        highest_manifest,
        superseding: Superseding::default(),
        plan: TakeoverPlan {
            sealed: segments.clone(),
            ..TakeoverPlan::default()
        },
        segments,
        producers,
        indexes: Indexes::default(),
        hasher: KeyHasher::default(),
        trim: Trim::NONE,
        next: covered,
        durable: covered,
        clamp: end.clamp,
        report: Recovery {
            epoch,
            ..Recovery::default()
        },
    };
    claim.keep();
    let epoch = claimed.max(epoch + 1);
    Ok(Log::writing(
        store,
        id,
        Options::default(),
        host,
        epoch,
        found,
    ))
}

/// Drops what newer segments have taken the place of, and puts the rest in order. A
/// segment that an epoch wrote at the end of the log replaces everything older from
/// its base on; one that was rewritten replaces the offsets it covers.
///
/// Returns each segment with the offset below which it counts.
fn keep_newest(scans: Vec<(SegmentScan, bool)>) -> Vec<(SegmentScan, u64)> {
    let mut newest: Vec<(SegmentScan, bool, u64)> = Vec::new();
    let mut sorted = scans;
    sorted.sort_by_key(|(found, _)| Reverse((found.meta.epoch, found.meta.number)));
    for (found, rewritten) in sorted {
        let base = found.meta.base_offset;
        let mut below = u64::MAX;
        for (newer, inside, cut) in &newest {
            let (from, to) = (newer.meta.base_offset, newer.all.next_offset.min(*cut));
            match inside {
                true if (from..to).contains(&base) => below = base,
                true => {}
                false => below = below.min(from.max(base)),
            }
        }
        if found.all.next_offset.min(below) > base {
            newest.push((found, rewritten, below));
        }
    }
    let kept = newest.into_iter().map(|(found, _, below)| (found, below));
    let mut kept: Vec<(SegmentScan, u64)> = kept.collect();
    kept.sort_by_key(|(found, _)| found.meta.base_offset);
    kept
}

/// What a segment's header alone says of it.
const fn bare_meta(header: &BlobHeader) -> SegmentMeta {
    SegmentMeta {
        number: header.blob.number,
        epoch: header.epoch,
        salt: header.salt,
        base_offset: header.base_offset,
        base_clamp: i64::MIN,
        base_hash: ContentHash(0),
        next_offset: header.base_offset,
        records: 0,
        data_end: 0,
        min_time: 0,
        max_time: 0,
        clamp: i64::MIN,
        content_hash: ContentHash(0),
        producers: 0,
        footer: FooterPlace::None,
        sealed: false,
    }
}
