//! Owns the simulated disk: all blobs, cheap to clone, so that every moment of a
//! run can be kept.

use std::collections::BTreeMap;
use std::rc::Rc;

use tidelog_core::{BlobId, BlobKind, Bytes, LogId};

use super::blob::{Change, SimBlob};
use crate::random::mix;

type Content = Rc<Vec<u8>>;

/// The blobs of a machine: what is durable, and what a crash may still take.
/// A clone shares everything with its original until one of them changes.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    blobs: Rc<BTreeMap<BlobId, Rc<SimBlob>>>,
    /// The newest writer epoch of each log, where writers are told apart so.
    epochs: Rc<BTreeMap<LogId, u64>>,
    /// The last blob of each kind that was removed: what stale bytes look like.
    graves: Rc<BTreeMap<(LogId, BlobKind), Content>>,
    seq: u64,
}

impl Disk {
    /// A disk that durably holds these blobs.
    #[must_use]
    pub fn holding(blobs: impl IntoIterator<Item = (BlobId, Vec<u8>)>) -> Self {
        let mut disk = Self::default();
        for (id, bytes) in blobs {
            disk.replace(id, SimBlob::settled(Some(Rc::new(bytes))));
        }
        disk
    }

    /// Everything a read can see, by blob.
    pub fn contents(&self) -> impl Iterator<Item = (BlobId, &[u8])> {
        self.blobs
            .iter()
            .filter_map(|(id, blob)| blob.visible().map(|bytes| (*id, bytes.as_slice())))
    }

    /// What a read of the blob can see.
    #[must_use]
    pub fn visible(&self, id: BlobId) -> Option<&[u8]> {
        self.blobs.get(&id)?.visible().map(|bytes| bytes.as_slice())
    }

    /// Bytes that reads can see, in all blobs.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.contents().map(|(_, bytes)| bytes.len() as u64).sum()
    }

    /// One line for each blob: how much of it is visible, durable, and pending.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        let len = |bytes: Option<&Content>| match bytes {
            Some(bytes) => bytes.len().to_string(),
            None => "-".to_string(),
        };
        self.blobs
            .iter()
            .map(|(id, blob)| {
                let (visible, durable) = (len(blob.visible()), len(blob.durable()));
                let pending = blob.pending().len();
                format!("{id}: {visible} bytes, {durable} durable, {pending} operations pending")
            })
            .collect()
    }

    /// A hash of what reads can see.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let blobs = self.blobs.iter().map(|(id, blob)| part(*id, blob));
        let epochs = self
            .epochs
            .iter()
            .map(|(log, epoch)| mix(mix(log.0 ^ 0xE0C4) ^ epoch));
        blobs.chain(epochs).fold(0, u64::wrapping_add)
    }

    /// What a power cut leaves if everything not synced is lost.
    #[must_use]
    pub fn only_durable(&self) -> Self {
        let blobs = self.blobs.iter().filter_map(|(id, blob)| {
            let bytes = blob.durable()?;
            let kept = if blob.pending().is_empty() {
                Rc::clone(blob)
            } else {
                Rc::new(SimBlob::settled(Some(Rc::clone(bytes))))
            };
            Some((*id, kept))
        });
        Self {
            blobs: Rc::new(blobs.collect()),
            ..self.clone()
        }
    }

    /// Flips or overwrites bytes behind the engine's back: `damage` gets those
    /// of `range` that exist.
    pub fn damage(&mut self, id: BlobId, start: u64, end: u64, damage: impl FnMut(&mut [u8])) {
        self.change(id, |blob| blob.damage(start as usize, end as usize, damage));
    }

    /// Whether both share everything: nothing happened between them.
    pub(crate) fn same_moment(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.blobs, &other.blobs) && Rc::ptr_eq(&self.epochs, &other.epochs)
    }

    /// Whether both hold the same blobs in the same state.
    pub(crate) fn same_blobs(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.blobs, &other.blobs)
    }

    pub(super) fn blobs(&self) -> &BTreeMap<BlobId, Rc<SimBlob>> {
        &self.blobs
    }

    pub(super) fn replace(&mut self, id: BlobId, blob: SimBlob) {
        if blob.is_gone() {
            Rc::make_mut(&mut self.blobs).remove(&id);
        } else {
            Rc::make_mut(&mut self.blobs).insert(id, Rc::new(blob));
        }
    }

    fn change(&mut self, id: BlobId, change: impl FnOnce(&mut SimBlob)) {
        let blobs = Rc::make_mut(&mut self.blobs);
        let blob = blobs
            .entry(id)
            .or_insert_with(|| Rc::new(SimBlob::absent()));
        change(Rc::make_mut(blob));
        if blob.is_gone() {
            blobs.remove(&id);
        }
    }

    /// A sequence above those of all operations so far. The first is 1.
    pub(super) const fn seq(&self) -> u64 {
        self.seq + 1
    }

    fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    /// A write is on its way. The sequences of its parts: the creation, if it
    /// creates the blob, and the write.
    pub(super) fn issue_write(&mut self, id: BlobId, position: u64, bytes: Bytes) -> [u64; 2] {
        let create = self.next_seq();
        let write = self.next_seq();
        self.change(id, |blob| {
            if position == 0 {
                blob.issue(create, Change::Create);
            }
            blob.issue(write, Change::Write { position, bytes });
        });
        [create, write]
    }

    pub(super) fn issue_remove(&mut self, id: BlobId) -> u64 {
        let seq = self.next_seq();
        self.change(id, |blob| blob.issue(seq, Change::Remove));
        seq
    }

    /// Only the first `len` bytes of a write will ever be there, if any.
    pub(super) fn reduce(&mut self, id: BlobId, [create, write]: [u64; 2], len: usize) {
        self.change(id, |blob| {
            blob.reduce(write, len);
            if len == 0 {
                blob.reduce(create, 0);
            }
        });
    }

    pub(super) fn complete(&mut self, id: BlobId, seqs: &[u64]) {
        if let Some(bytes) = self.blobs.get(&id).and_then(|blob| blob.visible()) {
            let removes = |seq| {
                let pending = self.blobs.get(&id).map_or(&[][..], |blob| blob.pending());
                let entry = pending.iter().find(|entry| entry.seq == seq);
                entry.is_some_and(|entry| matches!(entry.change, Change::Remove))
            };
            if seqs.iter().any(|seq| removes(*seq)) {
                let bytes = Rc::clone(bytes);
                Rc::make_mut(&mut self.graves).insert((id.log, id.kind), bytes);
            }
        }
        self.change(id, |blob| seqs.iter().for_each(|seq| blob.complete(*seq)));
    }

    pub(super) fn sync(&mut self, id: BlobId, before: u64) {
        self.change(id, |blob| blob.sync(before));
    }

    pub(super) fn forsake(&mut self, id: BlobId, before: u64, forsaken: impl FnMut() -> bool) {
        self.change(id, |blob| blob.forsake(before, forsaken));
    }

    pub(super) fn sync_removals(&mut self, log: LogId) {
        let removed: Vec<BlobId> = self
            .blobs
            .iter()
            .filter(|(id, blob)| id.log == log && !blob.pending().is_empty())
            .map(|(id, _)| *id)
            .collect();
        for id in removed {
            self.change(id, SimBlob::sync_removal);
        }
    }

    pub(super) fn epoch(&self, log: LogId) -> u64 {
        self.epochs.get(&log).copied().unwrap_or(0)
    }

    pub(super) fn set_epoch(&mut self, log: LogId, epoch: u64) {
        Rc::make_mut(&mut self.epochs).insert(log, epoch);
    }

    /// Bytes that could lie where `id` is written: those of an older blob of its
    /// kind, else its own.
    pub(super) fn stale(&self, id: BlobId) -> Content {
        let first = BlobId { number: 0, ..id };
        let sibling = self
            .blobs
            .range(first..id)
            .next_back()
            .and_then(|(_, blob)| blob.visible());
        let older = sibling.or_else(|| self.graves.get(&(id.log, id.kind)));
        older.cloned().unwrap_or_else(|| {
            // Half of it, so that no position holds its own bytes.
            let own = self.visible(id).unwrap_or_default();
            Rc::new(own[..own.len() / 2].to_vec())
        })
    }
}

/// What one blob adds to the digest of its disk.
pub(super) fn part(id: BlobId, blob: &SimBlob) -> u64 {
    match blob.visible() {
        Some(_) => mix(mix(mix(id.log.0) ^ id.number ^ ((id.kind as u64) << 56)) ^ blob.digest()),
        None => 0,
    }
}
