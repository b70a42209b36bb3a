//! Owns what opening a log finds: which segments there are, where their data
//! ends, what is durable, and what is damaged. Writes nothing.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::error::{Corruption, OpenError};
use super::index::load_producers;
use super::manifest::{FoundManifest, ManifestSearch, Superseding, find};
use super::producers::Producers;
use super::scan::{Damage, LooseFrame, ScanOptions, SegmentScan, scan};
use super::segment::EndedSegment;
use super::totals::Totals;
use crate::format::{
    Compression, ContentHash, FooterPlace, KeyHasher, ProducerBatch, SegmentMeta, Trim,
};
use crate::options::{Access, Indexes};
use crate::planted::{Bug, planted};
use crate::store::{BlockStore, LogId};

/// What opening a log found, for the caller to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The writer epoch of this handle, or of the last writer for a reader.
    pub epoch: u64,
    /// Offsets that are there but not known to be durable: a power cut may have
    /// taken more that followed. Empty after a clean close.
    pub unsynced: core::ops::Range<u64>,
    /// Where a torn write was found, of records or of the manifest's edits, and how many
    /// of its bytes were left behind. None may be left of one that is known from the
    /// manifest alone.
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
    pub(crate) indexes: Indexes,
    pub(crate) hasher: KeyHasher,
    pub(crate) trim: Trim,
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
    /// The frames, in order; damage between them is left out.
    pub(crate) frames: VecDeque<LooseFrame>,
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
        mut found,
        superseding,
        highest_number,
        highest_manifest,
    } = find(store, log, existing).await?;
    if planted(Bug::TrustList)
        && let Some(manifest) = &mut found
    {
        let listed = store.list(log).await.map_err(OpenError::Store)?;
        let is_listed = |number| listed.iter().any(|blob| blob.number == number);
        manifest
            .state
            .segments
            .retain(|_, meta| is_listed(meta.number));
    }
    let atomic = store.geometry().atomic_append;
    let keep = access == Access::Write;
    let facts = found.as_ref().map(|found| found.state.facts);
    let indexes = facts.map_or_else(Indexes::default, |facts| facts.settings.indexes);
    let hasher = KeyHasher::new(facts.map_or(0, |facts| facts.key_seed), log);
    let keys = indexes.keys.then_some(hasher);
    let mut sealed = Vec::new();
    let mut scans: Vec<SegmentScan> = Vec::new();
    if let Some(manifest) = &found {
        for meta in manifest.state.segments.values() {
            if meta.sealed {
                sealed.push(EndedSegment {
                    meta: *meta,
                    index: None,
                    mask: manifest.state.masks.get(&meta.number).cloned(),
                });
            } else {
                let options = ScanOptions {
                    end: meta.end(),
                    atomic,
                    synced: false,
                    keep,
                    packed: manifest.state.facts.settings.compression != Compression::None,
                    keys,
                    below: u64::MAX,
                };
                scans.push(scan(store, log, *meta, options).await?);
            }
        }
    }
    if let Some(place) = scans.iter().find_map(|scan| scan.unsupported) {
        return Err(OpenError::Corrupt(place));
    }
    // Deletions are of what was synced; a disk that lied may have lost the word for it.
    for found_in in &mut scans {
        let masks = found.as_ref().map(|manifest| &manifest.state.masks);
        let mask = masks.and_then(|masks| masks.get(&found_in.meta.number));
        if let Some(last) = mask.and_then(|mask| mask.offsets.last()) {
            found_in.vouch_up_to(*last);
        }
    }
    read_past_damage(store, log, keys, &mut scans).await?;
    let mut report = judge(&mut scans);
    let torn = found.as_ref().and_then(|manifest| manifest.torn);
    report.torn = report.torn.or(torn);
    let mut producers = Producers::default();
    if keep {
        restore_producers(store, log, &sealed, &mut producers).await?;
        for (id, state) in found.iter().flat_map(|manifest| &manifest.state.producers) {
            producers.carry(*id, state);
        }
        if !planted(Bug::LateProducers) {
            replay_producers(&scans, &mut producers);
        }
    }
    // Below where it is trimmed, and among what is deleted, nothing that is appended would
    // be seen.
    let masks = found.iter().flat_map(|found| found.state.masks.values());
    let floor = facts.map_or(0, |facts| facts.next_offset.max(facts.trim.oldest));
    let floor = masks.map(|mask| mask.covers).fold(floor, u64::max);
    Ok(assemble(
        Parts {
            found,
            highest_number,
            highest_manifest,
            superseding,
            sealed,
            scans,
            producers,
            indexes,
            hasher,
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
    keys: Option<KeyHasher>,
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
        let options = ScanOptions::sealed(&found.meta, keys);
        *found = scan(store, log, found.meta, options).await?;
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
        if planted(Bug::CutTooFar)
            && let Some(scan) = scans.last_mut()
        {
            scan.loose.clear();
            scan.loose_bytes.clear();
            scan.all = scan.vouched;
        }
        report.torn = scans.last().and_then(|scan| {
            let used = scan.torn_bytes + behind;
            scan.tear.map(|place| (place, used))
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
        match load_producers(store, log, &segment.meta).await? {
            Some(states) => {
                for (id, state) in states {
                    producers.restore(id, state);
                }
            }
            None => {
                let options = ScanOptions::sealed(&segment.meta, None);
                let found = scan(store, log, segment.meta, options).await?;
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
    indexes: Indexes,
    hasher: KeyHasher,
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
        indexes,
        hasher,
        mut report,
    } = parts;
    let trim = found
        .as_ref()
        .map_or(Trim::NONE, |manifest| manifest.state.facts.trim);
    let mask_of = |number: u64| {
        let manifest = found.as_ref()?;
        manifest.state.masks.get(&number).cloned()
    };
    let start = sealed.last().map_or_else(
        || Totals::start(floor, trim.clamp, trim.hash),
        |last| Totals {
            next_offset: last.meta.next_offset,
            ..Totals::start(0, last.meta.clamp.max(trim.clamp), last.meta.content_hash)
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
        let whole = durable && (scan.loose.is_empty() || planted(Bug::TrustUnvouched));
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
        let mask = mask_of(meta.number);
        segments.push(EndedSegment {
            meta,
            index: Some(scan.index.clone()),
            mask: mask.clone(),
        });
        if whole {
            meta.sealed = true;
            durable_end = end;
            plan.sealed.push(EndedSegment {
                meta,
                index: Some(scan.index),
                mask,
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
                let index = scan
                    .index
                    .cut(kept.base_offset, kept.data_end, kept.next_offset);
                plan.trimmed = Some(EndedSegment {
                    meta: kept,
                    index: Some(index),
                    mask,
                });
            }
            durable = false;
        }
        plan.copy.push(LooseRun {
            meta: scan.meta,
            frames: scan.loose,
            bytes: scan.loose_bytes,
        });
    }
    // Whatever the last segment says, no offset that stands in one is given again.
    let given = segments.iter().map(|segment| segment.meta.next_offset);
    let next = given.fold(end.next_offset.max(floor), u64::max);
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
        indexes,
        hasher,
        trim,
        next,
        durable,
        clamp: end.clamp,
        plan,
        report,
    }
}
