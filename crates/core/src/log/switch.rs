//! Owns moving a log to a new manifest: at the first write of an epoch, and when
//! the old one has grown long.
//!
//! # Invariants
//!
//! Write and sync the new one; append and sync "superseded" to the old one; only
//! then is anything appended to the new one, or the old one removed. A crash
//! between any two steps leaves exactly one manifest that counts.

use alloc::vec::Vec;

use super::manifest::ManifestState;
use crate::Bytes;
use crate::format::{
    BLOB_HEADER, BlobHeader, Edit, Fault, FrameHeader, FrameKind, Seed, seal_frame,
};
use crate::store::{BlobId, BlobKind, LogId};

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
}

/// The next thing a switch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SwitchStep {
    /// Append the snapshot to this copy.
    Write(usize),
    SyncNew,
    /// Append the mark to this copy of the old one.
    Mark(usize),
    SyncOld,
}

/// A switch under way.
#[derive(Debug)]
pub(crate) struct Switch {
    pub(crate) step: SwitchStep,
    pub(crate) new: ManifestEnd,
    pub(crate) snapshot: Bytes,
    pub(crate) old: Option<ManifestEnd>,
    pub(crate) mark: Bytes,
}

impl Switch {
    /// A switch from `old`, if there is one, to manifest `number` that says `state`.
    pub(crate) fn plan(
        log: LogId,
        number: u64,
        salt: u64,
        state: &ManifestState,
        old: Option<ManifestEnd>,
    ) -> Result<Self, Fault> {
        let blob = BlobId {
            log,
            kind: BlobKind::Manifest,
            number,
        };
        let header = BlobHeader {
            blob,
            epoch: state.facts.epoch,
            base_offset: 0,
            salt,
        };
        let seed = header.seed();
        let mut bytes = Vec::new();
        header.encode(&mut bytes);
        put_edits(&mut bytes, 0, seed, 0, &state.snapshot())?;
        let mut mark = Vec::new();
        if let Some(old) = old {
            put_edits(
                &mut mark,
                old.end,
                old.seed,
                old.synced,
                &[Edit::Superseded(number)],
            )?;
        }
        let end = bytes.len() as u64;
        Ok(Self {
            step: SwitchStep::Write(0),
            new: ManifestEnd {
                number,
                seed,
                end,
                synced: end,
            },
            snapshot: Bytes::from(bytes),
            old,
            mark: Bytes::from(mark),
        })
    }

    /// What follows the step that has just been done; `None` when all are.
    pub(crate) const fn next(&self, copies: usize) -> Option<SwitchStep> {
        match self.step {
            SwitchStep::Write(copy) if copy + 1 < copies => Some(SwitchStep::Write(copy + 1)),
            SwitchStep::Write(_) => Some(SwitchStep::SyncNew),
            SwitchStep::SyncNew if self.old.is_some() => Some(SwitchStep::Mark(0)),
            SwitchStep::Mark(copy) if copy + 1 < copies => Some(SwitchStep::Mark(copy + 1)),
            SwitchStep::Mark(_) => Some(SwitchStep::SyncOld),
            SwitchStep::SyncNew | SwitchStep::SyncOld => None,
        }
    }
}

/// Appends a frame of edits to `out`, of which the first byte belongs at `start` of
/// the manifest with `seed`.
pub(crate) fn put_edits(
    out: &mut Vec<u8>,
    start: u64,
    seed: Seed,
    vouched: u64,
    edits: &[Edit],
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
    Ok(())
}
