//! Owns what opening a log finds: which segments there are, where their data
//! ends, what is durable, and what is damaged. Writes nothing.

use alloc::vec::Vec;

use super::error::{Corruption, OpenError};
use super::index::load_footer;
use super::manifest::{FoundManifest, ManifestSearch, Superseding, find};
use super::producers::Producers;
use super::scan::{Damage, ScanOptions, SegmentScan, scan};
use super::segment::EndedSegment;
use super::totals::Totals;
use crate::format::{ContentHash, FooterPlace, ProducerBatch, SegmentMeta};
use crate::options::Access;
use crate::store::{BlockStore, LogId};

/// What opening a log found, for the caller to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The writer epoch of this handle, or of the last writer for a reader.
    pub epoch: u64,
    /// Offsets that are there but not known to be durable: a power cut may have
    /// taken more that followed. Empty after a clean close.
    pub unsynced: core::ops::Range<u64>,
    /// Bytes of a torn write that were left behind, and where.
    pub torn: Option<(Corruption, u64)>,
    /// Durable records that cannot be read any more.
    pub damage: Vec<Damage>,
    /// Damage that a second copy made good.
    pub repaired: Vec<Corruption>,
}

/// What opening a log found, for the engine.
pub(crate) struct Recovered {
    pub(crate) manifest: Option<FoundManifest>,
    pub(crate) superseding: Superseding,
    pub(crate) highest_number: u64,
    pub(crate) highest_manifest: u64,
    /// Every segment with data, in order, as a reader sees it.
    pub(crate) segments: Vec<EndedSegment>,
    pub(crate) producers: Producers,
    pub(crate) next: u64,
    pub(crate) durable: u64,
    /// Index time and content hash at the end of all data.
    pub(crate) clamp: i64,
    pub(crate) plan: TakeoverPlan,
    pub(crate) report: Recovery,
}

/// What the first write of a new epoch has to do about the data of earlier ones.
#[derive(Default)]
pub(crate) struct TakeoverPlan {
    /// Segments as they are once the epoch has begun: sealed, or, behind
    /// `sealed` ones, still holding data that has to be copied.
    pub(crate) sealed: Vec<EndedSegment>,
    /// Segments with loose data, as the manifest has to know them until that is
    /// copied, and what is left of the first of them afterwards.
    pub(crate) loose: Vec<SegmentMeta>,
    pub(crate) trimmed: Option<EndedSegment>,
    /// Frames to copy, back to back: (segment, position in it, bytes).
    pub(crate) copy: Vec<LooseRun>,
    /// Where the copies start.
    pub(crate) base_offset: u64,
    pub(crate) base_clamp: i64,
    pub(crate) base_hash: ContentHash,
}

/// Loose frames of one segment.
pub(crate) struct LooseRun {
    pub(crate) meta: SegmentMeta,
    /// Position of each frame, in order; damage between them is left out.
    pub(crate) positions: Vec<u64>,
    pub(crate) bytes: Vec<u8>,
}

/// Times a reader looks again when the manifest changes under it.
const ATTEMPTS: usize = 8;

/// Reads the manifest, and every segment that may hold data that is not synced.
///
/// A writer has claimed the log, so that nobody changes it meanwhile. A reader looks
/// again when the manifest it found was not the one in force any more at the end:
/// then what it read may have been removed under it.
pub(crate) async fn recover<S: BlockStore>(
    store: &S,
    log: LogId,
    access: Access,
    existing: bool,
) -> Result<Recovered, OpenError<S::Error>> {
    let mut attempt = 1;
    loop {
        let found = recover_once(store, log, access, existing).await;
        if access == Access::Write || attempt == ATTEMPTS {
            return found;
        }
        attempt += 1;
        match &found {
            Err(OpenError::Corrupt(_)) => {}
            Err(_) => return found,
            Ok(before) => {
                let after = find(store, log, existing).await;
                let place = |found: &Option<FoundManifest>| {
                    found
                        .as_ref()
                        .map(|found| (found.header.blob.number, found.end))
                };
                if after.is_ok_and(|after| place(&after.found) == place(&before.manifest)) {
                    return found;
                }
            }
        }
    }
}

async fn recover_once<S: BlockStore>(
    store: &S,
    log: LogId,
    access: Access,
    existing: bool,
) -> Result<Recovered, OpenError<S::Error>> {
    let ManifestSearch {
        found,
        superseding,
        highest_number,
        highest_manifest,
    } = find(store, log, existing).await?;
    let atomic = store.geometry().atomic_append;
    let keep = access == Access::Write;
    let mut sealed = Vec::new();
    let mut scans: Vec<SegmentScan> = Vec::new();
    if let Some(manifest) = &found {
        for meta in manifest.state.segments.values() {
            if meta.sealed {
                sealed.push(EndedSegment {
                    meta: *meta,
                    index: None,
                });
            } else {
                let options = ScanOptions {
                    end: meta.end(),
                    atomic,
                    synced: false,
                    keep,
                };
                scans.push(
                    scan(store, log, *meta, options)
                        .await
                        .map_err(OpenError::Store)?,
                );
            }
        }
    }
    if let Some(place) = scans.iter().find_map(|scan| scan.unsupported) {
        return Err(OpenError::Corrupt(place));
    }
    read_past_damage(store, log, &mut scans).await?;
    let report = judge(&mut scans);
    let mut producers = Producers::default();
    if keep {
        restore_producers(store, log, &sealed, &mut producers).await?;
        replay_producers(&scans, &mut producers);
    }
    let floor = found
        .as_ref()
        .map_or(0, |manifest| manifest.state.facts.next_offset);
    Ok(assemble(
        Parts {
            found,
            highest_number,
            highest_manifest,
            superseding,
            sealed,
            scans,
            producers,
            report,
        },
        floor,
    ))
}

/// A tear in a segment that a later one vouches for is damage: what follows it in the
/// segment still counts.
async fn read_past_damage<S: BlockStore>(
    store: &S,
    log: LogId,
    scans: &mut [SegmentScan],
) -> Result<(), OpenError<S::Error>> {
    let vouching = scans
        .iter()
        .rposition(|scan| scan.earlier_synced)
        .unwrap_or(0);
    for found in scans
        .iter_mut()
        .take(vouching)
        .filter(|scan| scan.tear.is_some())
    {
        let options = ScanOptions {
            end: found.meta.end(),
            atomic: false,
            synced: true,
            keep: false,
        };
        *found = scan(store, log, found.meta, options)
            .await
            .map_err(OpenError::Store)?;
    }
    Ok(())
}

/// Decides which tears are damage, and drops what follows the first that is not.
fn judge(scans: &mut Vec<SegmentScan>) -> Recovery {
    let mut report = Recovery::default();
    let vouching = scans
        .iter()
        .rposition(|scan| scan.earlier_synced)
        .unwrap_or(0);
    for index in 0..vouching {
        let next_base = scans.get(index + 1).map_or(0, |scan| scan.meta.base_offset);
        if let Some(scan) = scans.get_mut(index) {
            scan.vouch_whole(next_base);
        }
    }
    if let Some(torn) = scans.iter().position(|scan| scan.tear.is_some()) {
        let behind: u64 = scans
            .iter()
            .skip(torn + 1)
            .map(|scan| scan.all.data_end)
            .sum();
        scans.truncate(torn + 1);
        report.torn = scans.last().and_then(|scan| {
            let used = scan.torn_bytes + behind;
            scan.tear.filter(|_| used > 0).map(|place| (place, used))
        });
    }
    for scan in scans.iter_mut() {
        scan.drop_loose_marks();
    }
    report.damage = scans
        .iter()
        .flat_map(|scan| scan.damage.iter().copied())
        .collect();
    report
}

async fn restore_producers<S: BlockStore>(
    store: &S,
    log: LogId,
    sealed: &[EndedSegment],
    producers: &mut Producers,
) -> Result<(), OpenError<S::Error>> {
    for segment in sealed
        .iter()
        .rev()
        .filter(|segment| segment.meta.producers > 0)
    {
        match load_footer(store, log, &segment.meta)
            .await
            .map_err(OpenError::Store)?
        {
            Some(footer) => {
                for (id, state) in footer.producers {
                    producers.restore(id, state);
                }
            }
            None => {
                let options = ScanOptions {
                    end: segment.meta.end(),
                    atomic: false,
                    synced: true,
                    keep: false,
                };
                let found = scan(store, log, segment.meta, options)
                    .await
                    .map_err(OpenError::Store)?;
                let mut own = Producers::default();
                replay_producers(core::slice::from_ref(&found), &mut own);
                for (id, state) in own.iter() {
                    producers.restore(*id, state.clone());
                }
            }
        }
    }
    Ok(())
}

pub(crate) fn replay_producers(scans: &[SegmentScan], producers: &mut Producers) {
    for frame in scans.iter().flat_map(|scan| &scan.produced) {
        if let (Some(producer), Some(span)) = (frame.header.producer, frame.span) {
            let given = ProducerBatch {
                first: frame.header.base_offset,
                next: frame.header.next_offset(),
            };
            producers.replay(&producer, given, span.max);
        }
    }
}

struct Parts {
    found: Option<FoundManifest>,
    superseding: Superseding,
    highest_number: u64,
    highest_manifest: u64,
    sealed: Vec<EndedSegment>,
    scans: Vec<SegmentScan>,
    producers: Producers,
    report: Recovery,
}

fn assemble(parts: Parts, floor: u64) -> Recovered {
    let Parts {
        found,
        highest_number,
        highest_manifest,
        superseding,
        sealed,
        scans,
        producers,
        mut report,
    } = parts;
    let start = sealed.last().map_or_else(
        || Totals::start(floor, i64::MIN, ContentHash::default()),
        |last| Totals {
            next_offset: last.meta.next_offset,
            ..Totals::start(0, last.meta.clamp, last.meta.content_hash)
        },
    );
    let mut segments = sealed.clone();
    let mut plan = TakeoverPlan {
        sealed,
        ..TakeoverPlan::default()
    };
    let (mut end, mut durable_end) = (start, start);
    let mut durable = true;
    for scan in scans {
        let lost = scan.damage.last().map_or(0, |damage| damage.next);
        let whole = durable && scan.loose.is_empty();
        if scan.all.records == 0 && scan.damage.is_empty() {
            continue;
        }
        end = scan.all;
        end.next_offset = end.next_offset.max(lost);
        let mut meta = scan.all.ended(&scan.meta, FooterPlace::None, false);
        meta.next_offset = end.next_offset;
        // What is missing at the end is damage to whoever reads there.
        if lost > scan.all.next_offset {
            meta.data_end = meta.data_end.max(scan.end);
        }
        if scan.meta.end() == meta.end() {
            meta.footer = scan.meta.footer;
        }
        segments.push(EndedSegment {
            meta,
            index: Some(scan.index.clone()),
        });
        if whole {
            meta.sealed = true;
            durable_end = end;
            plan.sealed.push(EndedSegment {
                meta,
                index: Some(scan.index),
            });
            continue;
        }
        plan.loose.push(meta);
        if durable {
            let first_loose = scan.loose.front().map_or(u64::MAX, |frame| frame.position);
            let lost = scan
                .damage
                .iter()
                .filter(|damage| damage.place.position < first_loose);
            let lost = lost.map(|damage| damage.next).max().unwrap_or(0);
            durable_end = scan.vouched;
            durable_end.next_offset = durable_end.next_offset.max(lost);
            if scan.vouched.records > 0 || !scan.damage.is_empty() {
                let mut kept = durable_end.ended(&scan.meta, FooterPlace::None, true);
                kept.data_end = kept.data_end.max(scan.damaged_end());
                let mut index = super::chunks::Chunks::default();
                for entry in scan
                    .index
                    .iter()
                    .filter(|e| u64::from(e.position) < kept.data_end)
                {
                    index.push(*entry);
                }
                plan.trimmed = Some(EndedSegment {
                    meta: kept,
                    index: Some(index),
                });
            }
            durable = false;
        }
        plan.copy.push(LooseRun {
            meta: scan.meta,
            positions: scan.loose.iter().map(|frame| frame.position).collect(),
            bytes: scan.loose_bytes,
        });
    }
    let next = end.next_offset.max(floor);
    plan.base_offset = if plan.copy.is_empty() {
        next
    } else {
        durable_end.next_offset
    };
    plan.base_clamp = durable_end.clamp;
    plan.base_hash = durable_end.hash;
    let durable = if plan.copy.is_empty() {
        next
    } else {
        durable_end.next_offset.min(next)
    };
    report.unsynced = durable..next;
    report.epoch = found
        .as_ref()
        .map_or(0, |manifest| manifest.state.facts.epoch);
    report.repaired = found
        .as_ref()
        .map_or_else(Vec::new, |manifest| manifest.repaired.clone());
    Recovered {
        manifest: found,
        highest_number,
        highest_manifest,
        superseding,

        segments,
        producers,
        next,
        durable,
        clamp: end.clamp,
        plan,
        report,
    }
}
