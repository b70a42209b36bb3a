//! Owns what is live in a log: the state that manifest edits add up to, and
//! finding the manifest in a store. Knows nothing of what segments contain.
//!
//! # Invariants
//!
//! - Only the manifest decides what is live; a listing is only where to look first.
//! - A manifest that was superseded is never opened, even if its successor is
//!   damaged: that is corruption, not an older truth.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::error::{Corruption, OpenError, Unread};
use super::extent::{read_behind, read_up_to};
use super::frames::{VerifiedFrame, next_header, verify};
use crate::ErrorKind;
use crate::format::{
    ALIGN, BLOB_HEADER, BlobHeader, Edit, Fault, FrameKind, MaskMeta, ProducerState, Seed,
    SegmentMeta, SnapshotFacts,
};
use crate::limits::{MANIFEST_EDITS_MAX, NUMBER_MAX};
use crate::planted::{Bug, planted};
use crate::producer::ProducerId;
use crate::store::{BlobId, BlobKind, BlockStore, LogId, StoreError};

/// What the edits of a manifest add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ManifestState {
    pub(crate) facts: SnapshotFacts,
    /// Live segments by base offset and number, so in the order of the log.
    pub(crate) segments: BTreeMap<(u64, u64), SegmentMeta>,
    /// Deletions, by the number of their segment, which is live.
    pub(crate) masks: BTreeMap<u64, Arc<MaskMeta>>,
    /// Producers whose batches may be in no live segment.
    pub(crate) producers: BTreeMap<ProducerId, ProducerState>,
    pub(crate) superseded: Option<u64>,
}

impl ManifestState {
    pub(crate) const fn new(facts: SnapshotFacts) -> Self {
        Self {
            facts,
            segments: BTreeMap::new(),
            masks: BTreeMap::new(),
            producers: BTreeMap::new(),
            superseded: None,
        }
    }

    pub(crate) fn apply(&mut self, edit: &Edit) {
        match edit {
            Edit::Snapshot(facts) => *self = Self::new(*facts),
            Edit::Segment(meta) => {
                self.drop_segment(meta.number);
                self.segments.insert((meta.base_offset, meta.number), *meta);
                self.facts.next_offset = self.facts.next_offset.max(meta.next_offset);
            }
            Edit::Dropped(number) => {
                self.drop_segment(*number);
                self.masks.remove(number);
            }
            Edit::Allocated(number) => self.facts.allocated = self.facts.allocated.max(*number),
            Edit::Superseded(by) => self.superseded = Some(*by),
            Edit::Trimmed(trim) => self.facts.trim = *trim,
            Edit::Masked(mask) => {
                self.masks.insert(mask.segment, Arc::new(mask.clone()));
            }
            Edit::Producer(id, state) => {
                self.producers.insert(*id, state.clone());
            }
            Edit::Settings(settings) => self.facts.settings = *settings,
        }
    }

    fn drop_segment(&mut self, number: u64) {
        self.segments.retain(|key, _| key.1 != number);
    }

    /// The edits of frame 0 of a manifest that says the same.
    pub(crate) fn snapshot(&self) -> Vec<Edit> {
        core::iter::once(Edit::Snapshot(self.facts))
            .chain(self.segments.values().map(|meta| Edit::Segment(*meta)))
            .chain(
                self.masks
                    .values()
                    .map(|mask| Edit::Masked(mask.as_ref().clone())),
            )
            .chain(
                self.producers
                    .iter()
                    .map(|(id, state)| Edit::Producer(*id, state.clone())),
            )
            .collect()
    }
}

/// A manifest as found in a store.
#[derive(Clone, Debug)]
pub(crate) struct FoundManifest {
    pub(crate) header: BlobHeader,
    pub(crate) state: ManifestState,
    /// Where the next frame would go.
    pub(crate) end: u64,
    /// Whether each copy reaches up to there, and so can be continued.
    pub(crate) reaches: [bool; 2],
    /// Damage that the other copy made good.
    pub(crate) repaired: Vec<Corruption>,
    /// Edits that are torn in every copy, and their bytes: they do not count.
    pub(crate) torn: Option<(Corruption, u64)>,
}

/// Manifests beside the one in force.
#[derive(Clone, Debug, Default)]
pub(crate) struct Superseding {
    /// Older ones without a mark: left alone, they would be opened were every newer
    /// one damaged.
    pub(crate) unmarked: Vec<FoundManifest>,
    /// Older ones that are damaged, or have a mark, which a sync that failed may have
    /// taken: a listing might show nothing newer.
    pub(crate) stale: Vec<u64>,
    /// Blobs of torn ones: were they to vanish, the numbers would have a hole.
    pub(crate) torn: Vec<BlobId>,
    /// Blobs of new ones that a store refused, and may hold all the same.
    pub(crate) refused: Vec<BlobId>,
}

/// What looking for a manifest came to.
pub(crate) struct ManifestSearch {
    pub(crate) found: Option<FoundManifest>,
    /// Manifests that a switch has to settle before it goes past them: ones below the
    /// one found that were never marked, and torn ones above it.
    pub(crate) superseding: Superseding,
    /// The highest number the listing shows on any other blob.
    pub(crate) highest_number: u64,
    /// The highest number of a manifest that exists, in force or not.
    pub(crate) highest_manifest: u64,
}

/// Numbers looked at one by one where the listing shows no manifest at all.
const PROBES: u64 = 16;
const KINDS: [BlobKind; 2] = [BlobKind::Manifest, BlobKind::ManifestCopy];

/// Finds the manifest of `log` that is in force. A log that is not known to exist may
/// have none.
pub(crate) async fn find<S: BlockStore>(
    store: &S,
    log: LogId,
    existing_log: bool,
) -> Result<ManifestSearch, OpenError<S::Error>> {
    let listed = store.list(log).await.map_err(OpenError::Store)?;
    let numbers = existing(store, log, &listed).await?;
    let others = listed.iter().filter(|blob| !KINDS.contains(&blob.kind));
    let others = others
        .map(|blob| blob.number)
        .filter(|number| *number <= NUMBER_MAX);
    let highest_number = others.max().unwrap_or(0);
    let mut search = ManifestSearch {
        found: None,
        superseding: Superseding::default(),
        highest_number,
        highest_manifest: 0,
    };
    let mut whole = BTreeMap::new();
    let mut damaged = BTreeMap::new();
    let mut known = BTreeSet::new();
    let mut unread = numbers;
    let found = loop {
        for number in core::mem::take(&mut unread) {
            known.insert(number);
            match read(store, log, number).await? {
                Ok(manifest) => {
                    whole.insert((manifest.state.facts.epoch, number), Box::new(manifest));
                }
                Err(place) => {
                    damaged.insert(number, place);
                }
            }
        }
        // Attempts to take the place of one manifest follow each other by epoch and
        // number, and no other succeeds once one has.
        let newest = match planted(Bug::IgnoreSuperseded) {
            true => whole.pop_first(),
            false => whole.pop_last(),
        };
        let Some(((_, number), manifest)) = newest else {
            break None;
        };
        match manifest.state.superseded {
            Some(by) if !planted(Bug::IgnoreSuperseded) => {
                unread = successors(store, log, &manifest, by, &known).await?;
                whole.insert((manifest.state.facts.epoch, number), manifest);
            }
            _ if is_dead(store, log, &manifest).await? => {
                search.superseding.unmarked.push(*manifest);
            }
            _ => break Some(*manifest),
        }
    };
    search.highest_manifest = known.last().copied().unwrap_or(0);
    let newest = found.as_ref().map_or(0, |found| found.header.blob.number);
    let refused = damaged.values().next_back().copied();
    for (number, place) in damaged.range(newest..) {
        if place.kind() == ErrorKind::Unsupported {
            return Err(OpenError::Corrupt(*place));
        }
        let torn = blobs_of(store, log, *number).await?;
        search.superseding.torn.extend(torn);
    }
    let older = damaged.range(..newest).map(|(number, _)| *number);
    search.superseding.stale.extend(older);
    for ((_, number), manifest) in whole {
        match manifest.state.superseded {
            Some(_) => search.superseding.stale.push(number),
            None => search.superseding.unmarked.push(*manifest),
        }
    }
    search.found = found;
    if search.found.is_some() {
        return Ok(search);
    }
    // No order of crashes leaves segments without a manifest. A first manifest that
    // was torn while it was written, on the other hand, never promised anything.
    let blank = Corruption {
        blob: BlobId {
            log,
            kind: BlobKind::Manifest,
            number: 1,
        },
        position: 0,
        fault: Fault::Blank,
    };
    if has_segments(store, &listed).await? {
        return Err(OpenError::Corrupt(refused.unwrap_or(blank)));
    }
    match refused {
        Some(place) if existing_log => Err(OpenError::Corrupt(place)),
        _ => Ok(search),
    }
}

async fn has_segments<S: BlockStore>(
    store: &S,
    listed: &[BlobId],
) -> Result<bool, Unread<S::Error>> {
    for blob in listed.iter().filter(|blob| blob.kind == BlobKind::Segment) {
        if !read_up_to(store, *blob, 0, 1).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The copies of manifest `number` that exist, be they empty.
async fn blobs_of<S: BlockStore>(
    store: &S,
    log: LogId,
    number: u64,
) -> Result<Vec<BlobId>, Unread<S::Error>> {
    let mut blobs = Vec::new();
    for kind in KINDS {
        let blob = BlobId { log, kind, number };
        match store.read(blob, 0, &mut [0]).await {
            Ok(()) => blobs.push(blob),
            Err(error) => match error.kind() {
                ErrorKind::OutOfRange => blobs.push(blob),
                ErrorKind::NotFound => {}
                _ => return Err(Unread::Store(error)),
            },
        }
    }
    Ok(blobs)
}

/// The numbers of manifests that exist.
async fn existing<S: BlockStore>(
    store: &S,
    log: LogId,
    listed: &[BlobId],
) -> Result<BTreeSet<u64>, Unread<S::Error>> {
    let manifests = listed.iter().filter(|blob| KINDS.contains(&blob.kind));
    let manifests = manifests.map(|blob| blob.number);
    // A listing may invent blobs, of any number.
    let mut numbers: BTreeSet<u64> = manifests
        .filter(|number| (1..=NUMBER_MAX).contains(number))
        .collect();
    let mut real = BTreeSet::new();
    for number in &numbers {
        if exists(store, log, *number).await? {
            real.insert(*number);
        }
    }
    core::mem::swap(&mut numbers, &mut real);
    // Numbers are taken one after the other, so that a listing that lacks the newest
    // manifest is noticed here.
    if numbers.is_empty() {
        for number in 1..=PROBES {
            if exists(store, log, number).await? {
                numbers.insert(number);
            }
        }
    }
    while let Some(next) = numbers.last().and_then(|last| last.checked_add(1))
        && exists(store, log, next).await?
    {
        numbers.insert(next);
    }
    Ok(numbers)
}

/// The highest number of a manifest that exists.
pub(crate) async fn highest_manifest<S: BlockStore>(
    store: &S,
    log: LogId,
    listed: &[BlobId],
) -> Result<u64, Unread<S::Error>> {
    Ok(existing(store, log, listed)
        .await?
        .last()
        .copied()
        .unwrap_or(0))
}

/// Whether another manifest has taken the place that this one was made for, or that
/// the one it was to follow was made for: it was written by somebody who did not get to
/// mark its predecessor, or who had taken one of those for the newest.
async fn is_dead<S: BlockStore>(
    store: &S,
    log: LogId,
    manifest: &FoundManifest,
) -> Result<bool, Unread<S::Error>> {
    let mut line = vec![manifest.header.blob.number];
    let mut predecessor = manifest.state.facts.predecessor;
    while predecessor != 0 && !line.contains(&predecessor) {
        let Ok(found) = read(store, log, predecessor).await? else {
            return Ok(false);
        };
        // A mark is made on everything unmarked that came before, not on the
        // predecessor alone.
        if found.state.superseded.is_some_and(|by| !line.contains(&by)) {
            return Ok(true);
        }
        line.push(predecessor);
        predecessor = found.state.facts.predecessor;
    }
    Ok(false)
}

/// The numbers behind a manifest with a mark that exist and are not `known`. What the
/// mark names was whole before the mark was written, so that one which cannot be read
/// is damaged. One that was superseded and removed in its turn leaves a successor.
async fn successors<S: BlockStore>(
    store: &S,
    log: LogId,
    manifest: &FoundManifest,
    by: u64,
    known: &BTreeSet<u64>,
) -> Result<BTreeSet<u64>, OpenError<S::Error>> {
    let number = manifest.header.blob.number;
    let malformed = OpenError::Corrupt(Corruption {
        blob: manifest.header.blob,
        position: manifest.end,
        fault: Fault::Malformed("number of a manifest's successor"),
    });
    if by <= number || by > NUMBER_MAX {
        return Err(malformed);
    }
    let mut numbers = BTreeSet::new();
    let mut reached = false;
    let mut next = (number + 1).max(by.saturating_sub(PROBES));
    loop {
        if exists(store, log, next).await? {
            numbers.insert(next);
            reached |= next >= by;
        } else if next >= by && (reached || next >= by + PROBES) {
            break;
        }
        next += 1;
    }
    numbers.retain(|number| !known.contains(number));
    if !numbers.is_empty() {
        return Ok(numbers);
    }
    Err(match read(store, log, by).await? {
        Err(place) => OpenError::Corrupt(place),
        Ok(_) => malformed,
    })
}

/// Whether there is a manifest of this number, be it empty: a number that was taken
/// is no hole.
async fn exists<S: BlockStore>(
    store: &S,
    log: LogId,
    number: u64,
) -> Result<bool, Unread<S::Error>> {
    Ok(!blobs_of(store, log, number).await?.is_empty())
}

/// Reads both copies of manifest `number` and makes one of them, frame by frame.
async fn read<S: BlockStore>(
    store: &S,
    log: LogId,
    number: u64,
) -> Result<Result<FoundManifest, Corruption>, Unread<S::Error>> {
    let mut copies = Vec::new();
    for kind in KINDS {
        let blob = BlobId { log, kind, number };
        let mut bytes = Vec::new();
        loop {
            let from = bytes.len() as u64;
            let more = read_behind(store, blob, from, READ_CHUNK, &mut bytes).await?;
            if more < READ_CHUNK {
                break;
            }
        }
        copies.push((blob, bytes));
    }
    match merge(&copies, store.geometry().atomic_append) {
        Err(Corruption {
            fault: Fault::Memory(bytes),
            ..
        }) => Err(Unread::Memory(bytes)),
        merged => Ok(merged),
    }
}

const READ_CHUNK: usize = 64 << 10;

fn merge(copies: &[(BlobId, Vec<u8>)], atomic: bool) -> Result<FoundManifest, Corruption> {
    let mut repaired = Vec::new();
    let mut headers = Vec::new();
    for (blob, bytes) in copies {
        match BlobHeader::decode(*blob, bytes) {
            Ok(header) => headers.push(header),
            Err(fault) => repaired.push(Corruption {
                blob: *blob,
                position: 0,
                fault,
            }),
        }
    }
    let Some(header) = headers.first().copied() else {
        return Err(*repaired.first().unwrap_or(&Corruption {
            blob: BlobId {
                log: LogId(0),
                kind: BlobKind::Manifest,
                number: 0,
            },
            position: 0,
            fault: Fault::Blank,
        }));
    };
    // Copies are written alike, so that one of them is another log's. Nobody can tell
    // which.
    if let Some(other) = headers.iter().find(|other| other.seed() != header.seed()) {
        return Err(Corruption {
            blob: other.blob,
            position: 0,
            fault: Fault::Foreign,
        });
    }
    let seed = header.seed();
    let mut state: Option<ManifestState> = None;
    let mut position = BLOB_HEADER as u64;
    loop {
        let mut frame = None;
        let mut faults = Vec::new();
        for (blob, bytes) in copies {
            match edits_at(seed, position, bytes, state.is_none()) {
                Ok(found) => frame = frame.or(Some(found)),
                Err(fault) => faults.push(Corruption {
                    blob: *blob,
                    position,
                    fault,
                }),
            }
        }
        if let Some(frame) = frame {
            repaired.append(&mut faults);
            position += frame.header.frame_length() as u64;
            // Of what was decoded before, nothing but memory can be missing now.
            if frame.header.kind == FrameKind::Edits {
                let applied = Edit::decode_each(&frame.body, |edit| match (&mut state, &edit) {
                    (Some(state), edit) => state.apply(edit),
                    (None, Edit::Snapshot(facts)) => state = Some(ManifestState::new(*facts)),
                    (None, _) => {}
                });
                let blob = header.blob;
                applied.map_err(|fault| Corruption {
                    blob,
                    position,
                    fault,
                })?;
            }
            continue;
        }
        let refused = |place: &&Corruption| matches!(place.fault, Fault::Memory(_));
        if let Some(place) = faults.iter().find(refused) {
            return Err(*place);
        }
        let first = faults.first().copied();
        let Some(state) = state else {
            let blank = Corruption {
                blob: header.blob,
                position,
                fault: Fault::Blank,
            };
            return Err(first.unwrap_or(blank));
        };
        // Torn edits at the end were never acknowledged. Where nothing is ever torn, or
        // a later frame vouches for this place, they were whole once.
        let written = copies.iter().map(|(_, bytes)| written(position, bytes));
        let torn = faults.iter().copied().zip(written);
        let torn = torn.max_by_key(|(_, bytes)| *bytes);
        let torn = torn.filter(|(_, bytes)| *bytes > 0);
        if atomic && torn.is_some()
            || copies
                .iter()
                .any(|(_, bytes)| vouches_beyond(seed, position, bytes))
        {
            return Err(Corruption {
                blob: header.blob,
                position,
                fault: Fault::Checksum,
            });
        }
        if let Some(newer) = faults
            .iter()
            .find(|place| place.kind() == ErrorKind::Unsupported)
        {
            return Err(*newer);
        }
        repaired.retain(|place| place.fault != Fault::Blank && place.fault != Fault::Short);
        let reach = |copy: usize| {
            copies
                .get(copy)
                .is_some_and(|(_, bytes)| bytes.len() as u64 >= position)
        };
        let reaches = [reach(0), reach(1)];
        return Ok(FoundManifest {
            header,
            state,
            end: position,
            reaches,
            repaired,
            torn,
        });
    }
}

/// The frame at `position`, if it holds edits that make sense there: the first of a
/// manifest, and no other, begins with a snapshot.
fn edits_at(
    seed: Seed,
    position: u64,
    bytes: &[u8],
    first: bool,
) -> Result<VerifiedFrame<'_>, Fault> {
    let at = usize::try_from(position).map_err(|_| Fault::Short)?;
    let rest = bytes.get(at..).ok_or(Fault::Short)?;
    let frame = verify(seed, position, rest).map_err(|bad| bad.fault)?;
    let mut snapshots = 0;
    let mut edits = 0;
    let mut in_front = false;
    match frame.header.kind {
        FrameKind::Edits => Edit::decode_each(&frame.body, |edit| {
            let snapshot = matches!(edit, Edit::Snapshot(_));
            in_front |= snapshot && edits == 0;
            snapshots += u32::from(snapshot);
            edits += 1;
        })?,
        FrameKind::Mark => {}
        _ => return Err(Fault::Malformed("frame kind of a manifest")),
    }
    if snapshots != u32::from(first) || in_front != first {
        return Err(Fault::Malformed("snapshot of a manifest"));
    }
    Ok(frame)
}

/// Bytes from `position` up to the last one that is not zero.
fn written(position: u64, bytes: &[u8]) -> u64 {
    let rest = usize::try_from(position)
        .ok()
        .and_then(|at| bytes.get(at..));
    let last = rest.and_then(|rest| rest.iter().rposition(|byte| *byte != 0));
    last.map_or(0, |last| last as u64 + 1)
}

/// Whether a frame after `position` says that the bytes there were synced.
fn vouches_beyond(seed: Seed, position: u64, bytes: &[u8]) -> bool {
    let Ok(mut from) = usize::try_from(position) else {
        return false;
    };
    while let Some((at, frame)) = next_header(seed, 0, bytes, from) {
        if frame.vouched > position {
            return true;
        }
        from = at + ALIGN;
    }
    false
}

/// Whether a manifest of this many bytes of edits should be rewritten.
pub(crate) const fn is_long(edits: u64) -> bool {
    edits > MANIFEST_EDITS_MAX
}
