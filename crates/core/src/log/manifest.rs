//! Owns what is live in a log: the state that manifest edits add up to, and
//! finding the manifest in a store. Knows nothing of what segments contain.
//!
//! # Invariants
//!
//! - Only the manifest decides what is live; a listing is only where to look first.
//! - A manifest that was superseded is never opened, even if its successor is
//!   damaged: that is corruption, not an older truth.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::error::{Corruption, OpenError};
use super::extent::read_up_to;
use crate::format::{
    BLOB_HEADER, BlobHeader, Edit, FRAME_HEADER, Fault, FrameHeader, FrameKind, SegmentMeta,
    SnapshotFacts,
};
use crate::limits;
use crate::store::{BlobId, BlobKind, BlockStore, LogId};

/// What the edits of a manifest add up to.
#[derive(Clone, Debug)]
pub(crate) struct ManifestState {
    pub(crate) facts: SnapshotFacts,
    /// Live segments by base offset and number, so in the order of the log.
    pub(crate) segments: BTreeMap<(u64, u64), SegmentMeta>,
    pub(crate) superseded: Option<u64>,
}

impl ManifestState {
    pub(crate) const fn new(facts: SnapshotFacts) -> Self {
        Self {
            facts,
            segments: BTreeMap::new(),
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
            Edit::Dropped(number) => self.drop_segment(*number),
            Edit::Allocated(number) => self.facts.allocated = self.facts.allocated.max(*number),
            Edit::Superseded(by) => self.superseded = Some(*by),
        }
    }

    fn drop_segment(&mut self, number: u64) {
        self.segments.retain(|key, _| key.1 != number);
    }

    /// The edits of frame 0 of a manifest that says the same.
    pub(crate) fn snapshot(&self) -> Vec<Edit> {
        core::iter::once(Edit::Snapshot(self.facts))
            .chain(self.segments.values().map(|meta| Edit::Segment(*meta)))
            .collect()
    }
}

/// A manifest as found in a store.
#[derive(Clone, Debug)]
pub(crate) struct FoundManifest {
    pub(crate) header: BlobHeader,
    pub(crate) state: ManifestState,
    /// Where the next frame would go, in each copy.
    pub(crate) end: u64,
    /// Damage that the other copy made good.
    pub(crate) repaired: Vec<Corruption>,
}

/// What looking for a manifest came to.
pub(crate) struct ManifestSearch {
    pub(crate) found: Option<FoundManifest>,
    /// The highest number any blob of this log was seen to have.
    pub(crate) highest_number: u64,
    /// The highest number of a manifest, in force or not.
    pub(crate) highest_manifest: u64,
}

/// Numbers looked at one by one where the listing shows no manifest at all.
const PROBES: u64 = 16;
const KINDS: [BlobKind; 2] = [BlobKind::Manifest, BlobKind::ManifestCopy];

/// Finds the manifest of `log` that is in force.
pub(crate) async fn find<S: BlockStore>(
    store: &S,
    log: LogId,
) -> Result<ManifestSearch, OpenError<S::Error>> {
    let listed = store.list(log).await.map_err(OpenError::Store)?;
    let mut numbers: BTreeSet<u64> = listed
        .iter()
        .filter(|blob| KINDS.contains(&blob.kind))
        .map(|blob| blob.number)
        .collect();
    let mut highest_number = listed.iter().map(|blob| blob.number).max().unwrap_or(0);
    let blind = numbers.is_empty();
    // Manifest numbers are consecutive from the one in force upwards, so that a
    // listing that lacks the newest is noticed here.
    let mut probe = numbers.last().copied().unwrap_or(0) + 1;
    let last_probe = if blind { PROBES } else { u64::MAX };
    while probe <= last_probe {
        if !exists(store, log, probe).await.map_err(OpenError::Store)? {
            if !blind {
                break;
            }
        } else {
            numbers.insert(probe);
        }
        probe += 1;
    }
    let highest_manifest = numbers.last().copied().unwrap_or(0);
    highest_number = highest_number.max(highest_manifest);

    let mut refused: Option<Corruption> = None;
    for number in numbers.into_iter().rev() {
        match read(store, log, number).await.map_err(OpenError::Store)? {
            Err(corruption) if corruption.kind() == crate::ErrorKind::Unsupported => {
                return Err(OpenError::Corrupt(corruption));
            }
            Err(corruption) => {
                refused.get_or_insert(corruption);
            }
            Ok(manifest) => {
                // A successor that never came into force leaves no mark here.
                if let Some(by) = manifest.state.superseded {
                    return Err(OpenError::Corrupt(refused.unwrap_or(Corruption {
                        blob: BlobId {
                            log,
                            kind: BlobKind::Manifest,
                            number: by,
                        },
                        position: 0,
                        fault: Fault::Blank,
                    })));
                }
                return Ok(ManifestSearch {
                    found: Some(manifest),
                    highest_number,
                    highest_manifest,
                });
            }
        }
    }
    // Blobs of a manifest that was being created when everything stopped: the
    // log never held anything, unless it has segments.
    let torn_creation = listed.iter().all(|blob| KINDS.contains(&blob.kind));
    match refused {
        Some(corruption) if !torn_creation => Err(OpenError::Corrupt(corruption)),
        _ => Ok(ManifestSearch {
            found: None,
            highest_number,
            highest_manifest,
        }),
    }
}

/// The highest number of a manifest, whether or not it can be read.
pub(crate) async fn find_listed<S: BlockStore>(
    store: &S,
    log: LogId,
    listed: &[BlobId],
) -> Result<u64, S::Error> {
    let manifests = listed.iter().filter(|blob| KINDS.contains(&blob.kind));
    let mut highest = manifests.map(|blob| blob.number).max().unwrap_or(0);
    while exists(store, log, highest + 1).await? {
        highest += 1;
    }
    Ok(highest)
}

async fn exists<S: BlockStore>(store: &S, log: LogId, number: u64) -> Result<bool, S::Error> {
    for kind in KINDS {
        if !read_up_to(store, BlobId { log, kind, number }, 0, 1)
            .await?
            .is_empty()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads both copies of manifest `number` and makes one of them, frame by frame.
async fn read<S: BlockStore>(
    store: &S,
    log: LogId,
    number: u64,
) -> Result<Result<FoundManifest, Corruption>, S::Error> {
    let mut copies = Vec::new();
    for kind in KINDS {
        let blob = BlobId { log, kind, number };
        let mut bytes = Vec::new();
        loop {
            let more = read_up_to(store, blob, bytes.len() as u64, READ_CHUNK).await?;
            bytes.extend_from_slice(&more);
            if more.len() < READ_CHUNK {
                break;
            }
        }
        copies.push((blob, bytes));
    }
    Ok(merge(&copies))
}

const READ_CHUNK: usize = 64 << 10;

fn merge(copies: &[(BlobId, Vec<u8>)]) -> Result<FoundManifest, Corruption> {
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
    let seed = header.seed();
    let mut state: Option<ManifestState> = None;
    let mut position = BLOB_HEADER as u64;
    loop {
        let mut frame = None;
        let mut faults = Vec::new();
        for (blob, bytes) in copies {
            match edits_at(seed, position, bytes) {
                Ok(found) => frame = frame.or(Some(found)),
                Err(fault) => faults.push(Corruption {
                    blob: *blob,
                    position,
                    fault,
                }),
            }
        }
        let Some((edits, length)) = frame else {
            let Some(state) = state else {
                return Err(*faults.first().unwrap_or(&Corruption {
                    blob: header.blob,
                    position,
                    fault: Fault::Blank,
                }));
            };
            // Torn edits at the end were never acknowledged. A later frame that
            // vouches for this place says that it was whole once.
            let vouched = copies
                .iter()
                .any(|(_, bytes)| vouches_beyond(seed, position, bytes));
            if vouched {
                return Err(Corruption {
                    blob: header.blob,
                    position,
                    fault: Fault::Checksum,
                });
            }
            repaired.retain(|place| place.fault != Fault::Blank && place.fault != Fault::Short);
            return Ok(FoundManifest {
                header,
                state,
                end: position,
                repaired,
            });
        };
        repaired.append(&mut faults);
        for edit in &edits {
            match &mut state {
                Some(state) => state.apply(edit),
                None => match edit {
                    Edit::Snapshot(facts) => state = Some(ManifestState::new(*facts)),
                    _ => {
                        return Err(Corruption {
                            blob: header.blob,
                            position,
                            fault: Fault::Malformed("first edit of a manifest"),
                        });
                    }
                },
            }
        }
        position += length;
    }
}

/// The edits of the frame at `position`, and its length.
fn edits_at(
    seed: crate::format::Seed,
    position: u64,
    bytes: &[u8],
) -> Result<(Vec<Edit>, u64), Fault> {
    let at = usize::try_from(position).map_err(|_| Fault::Short)?;
    let rest = bytes.get(at..).ok_or(Fault::Short)?;
    let frame = FrameHeader::decode(seed, position, rest)?;
    let from = frame.header_length();
    let body = rest
        .get(from..from + frame.body_length as usize)
        .ok_or(Fault::Short)?;
    if !frame.verifies(seed, position, body) {
        return Err(Fault::Checksum);
    }
    let edits = match frame.kind {
        FrameKind::Edits => Edit::decode_all(body)?,
        FrameKind::Mark => Vec::new(),
        _ => return Err(Fault::Malformed("frame kind of a manifest")),
    };
    Ok((edits, frame.frame_length() as u64))
}

/// Whether a frame after `position` says that the bytes there were synced.
fn vouches_beyond(seed: crate::format::Seed, position: u64, bytes: &[u8]) -> bool {
    let Ok(start) = usize::try_from(position) else {
        return false;
    };
    (start..bytes.len())
        .step_by(crate::format::ALIGN)
        .any(|at| {
            bytes.get(at..).is_some_and(|rest| {
                rest.len() >= FRAME_HEADER
                    && FrameHeader::decode(seed, at as u64, rest)
                        .is_ok_and(|frame| frame.vouched > position)
            })
        })
}

/// Whether a manifest of this many bytes of edits should be rewritten.
pub(crate) const fn is_long(edits: u64) -> bool {
    edits > limits::MANIFEST_EDITS_MAX
}
