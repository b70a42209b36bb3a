//! Owns moving a log to a new manifest: at the first write of an epoch, and when
//! the old one has grown long.
//!
//! # Invariants
//!
//! Write and sync the new one; append and sync "superseded" to the old one; only
//! then is anything appended to the new one, or the old one removed. A crash
//! between any two steps leaves exactly one manifest that counts.
//!
//! What a store refused of a new manifest may be whole. It is removed, for good, before
//! the manifest that it was to supersede, the mark on which shows that it counts for
//! nothing.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::commit::Io;
use super::group::padding;
use super::manifest::{FoundManifest, ManifestState};
use crate::format::{
    BLOB_HEADER, BlobHeader, Edit, Fault, FrameHeader, FrameKind, Seed, seal_frame,
};
use crate::planted::{Bug, planted};
use crate::store::{BlobId, BlobKind, LogId};
use crate::{Bytes, ErrorKind};

/// The blobs of manifest `number`, as many as it has copies.
pub(crate) fn manifest_blobs(log: LogId, number: u64, copies: usize) -> Vec<BlobId> {
    [BlobKind::Manifest, BlobKind::ManifestCopy]
        .into_iter()
        .take(copies)
        .map(|kind| BlobId { log, kind, number })
        .collect()
}

/// A manifest that can be appended to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ManifestEnd {
    pub(crate) number: u64,
    pub(crate) seed: Seed,
    pub(crate) end: u64,
    /// Bytes of it known to be synced.
    pub(crate) synced: u64,
    /// Which copies can be appended to.
    pub(crate) reaches: [bool; 2],
    /// Appends that this writer has made to each copy.
    pub(crate) appends: u32,
}

impl ManifestEnd {
    /// Where a manifest that was found goes on.
    pub(crate) fn of(found: &FoundManifest) -> Self {
        Self {
            number: found.header.blob.number,
            seed: found.header.seed(),
            end: found.end,
            synced: 0,
            reaches: found.reaches,
            appends: 0,
        }
    }

    /// The copies that can be appended to. One that a crash left short cannot; a mark
    /// on the other one counts for both.
    fn continued(&self, log: LogId, copies: usize) -> Vec<BlobId> {
        let blobs = manifest_blobs(log, self.number, copies)
            .into_iter()
            .zip(self.reaches);
        blobs
            .filter_map(|(blob, reaches)| reaches.then_some(blob))
            .collect()
    }
}

/// A manifest about to be written.
#[derive(Clone, Copy)]
pub(crate) struct NewManifest {
    pub(crate) log: LogId,
    pub(crate) number: u64,
    pub(crate) salt: u64,
    /// Whether it is that of a backup.
    pub(crate) backup: bool,
}

/// A switch under way.
#[derive(Debug)]
pub(crate) struct Switch {
    /// What is left to do, in order.
    pub(crate) steps: VecDeque<Io>,
    pub(crate) new: ManifestEnd,
    /// What carries a mark once it is done.
    pub(crate) old: Vec<BlobId>,
    /// There is a manifest that it takes the place of.
    supersedes: bool,
}

impl Switch {
    /// A switch from `olds` to the manifest `new` that says `state`, each in this many
    /// copies. `torn` are blobs of manifests that never counted.
    pub(crate) fn plan(
        new: NewManifest,
        state: &ManifestState,
        olds: &[ManifestEnd],
        torn: &[BlobId],
        copies: usize,
    ) -> Result<Self, Fault> {
        let NewManifest { log, number, .. } = new;
        let blob = BlobId {
            log,
            kind: BlobKind::Manifest,
            number,
        };
        let header = BlobHeader {
            blob,
            epoch: state.facts.epoch,
            base_offset: 0,
            salt: new.salt,
            rewritten: false,
            backup: new.backup,
        };
        let (seed, align) = (header.seed(), state.facts.settings.align);
        let mut bytes = Vec::new();
        header.encode(&mut bytes);
        put_edits(&mut bytes, 0, seed, 0, &state.snapshot(), align)?;
        let end = bytes.len() as u64;
        let bytes = Bytes::from(bytes);
        let blobs = manifest_blobs(log, number, copies);
        let mut steps = VecDeque::new();
        // What was found was perhaps never synced. Were it to vanish under the new
        // manifest, the numbers would have a hole, and a listing that lacks the new
        // one would lead to an older one still.
        let mut found = torn.to_vec();
        for old in olds.iter().filter(|old| old.synced < old.end) {
            found.extend(old.continued(log, copies));
        }
        if !found.is_empty() {
            steps.push_back(Io::Sync(found));
        }
        steps.extend(blobs.iter().map(|blob| Io::Append {
            blob: *blob,
            position: 0,
            bytes: bytes.clone(),
        }));
        if !planted(Bug::SwitchUnsynced) {
            steps.push_back(Io::Sync(blobs));
        }
        let mut marked = Vec::new();
        for old in olds.iter().filter(|_| !planted(Bug::NoSupersededMark)) {
            let mut mark = Vec::new();
            let superseded = [Edit::Superseded(number)];
            put_edits(&mut mark, old.end, old.seed, old.synced, &superseded, align)?;
            let mark = Bytes::from(mark);
            for blob in old.continued(log, copies) {
                steps.push_back(Io::Append {
                    blob,
                    position: old.end,
                    bytes: mark.clone(),
                });
                marked.push(blob);
            }
        }
        if !marked.is_empty() {
            steps.push_back(Io::Sync(marked));
        }
        let mut old = Vec::new();
        for manifest in olds {
            old.extend(manifest_blobs(log, manifest.number, copies));
        }
        let new = ManifestEnd {
            number,
            seed,
            end,
            synced: end,
            reaches: [true; 2],
            appends: 1,
        };
        Ok(Self {
            steps,
            new,
            old,
            supersedes: state.facts.predecessor > 0,
        })
    }

    /// Whether nothing of it counts yet, so that it may be begun anew under another
    /// number.
    pub(crate) fn is_fresh(&self) -> bool {
        matches!(self.steps.front(), Some(Io::Append { position: 0, .. }))
    }

    /// What a fresh switch that was refused leaves in the store, or has met there. Had
    /// it ever counted, what this one was to supersede would carry a mark.
    pub(crate) fn refused(&self, log: LogId, kind: ErrorKind, copies: usize) -> Vec<BlobId> {
        let blobs = manifest_blobs(log, self.new.number, copies).into_iter();
        let all = kind == ErrorKind::Full || self.supersedes;
        let written = |blob: &BlobId| all || !self.writes(*blob);
        blobs.filter(written).collect()
    }

    fn writes(&self, blob: BlobId) -> bool {
        let creates = |step: &Io| matches!(step, Io::Append { blob: other, position: 0, .. } if *other == blob);
        self.steps.iter().any(creates)
    }
}

/// Appends a frame of edits to `out`, of which the first byte belongs at `start` of
/// the manifest with `seed`, and pads it to a multiple of `align`, so that what is
/// synced next shares no block with what comes later.
pub(crate) fn put_edits(
    out: &mut Vec<u8>,
    start: u64,
    seed: Seed,
    vouched: u64,
    edits: &[Edit],
    align: u32,
) -> Result<(), Fault> {
    let at = out.len();
    let mut header = FrameHeader::mark(0, 0, vouched, false);
    header.kind = FrameKind::Edits;
    out.resize(at + header.header_length(), 0);
    for edit in edits {
        edit.encode(out);
    }
    debug_assert!(
        start > 0 || at >= BLOB_HEADER,
        "a manifest begins with its header"
    );
    seal_frame(out, at, header, seed, start + at as u64)?;
    let at = out.len();
    let length = padding(start + at as u64, align);
    if length > 0 {
        out.resize(at + length, 0);
        let mark = FrameHeader::mark(0, 0, vouched, false);
        seal_frame(out, at, mark, seed, start + at as u64)?;
    }
    Ok(())
}
