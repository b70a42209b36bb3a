//! Owns the store that a backup is made in: what is there already, what is copied,
//! and the switch to the manifest that names it.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::{BackedUp, BackupError, Piece, pieces};
use crate::Bytes;
use crate::ErrorKind;
use crate::format::{BLOB_HEADER, BlobHeader, Fault, SegmentMeta};
use crate::limits;
use crate::log::OpenError;
use crate::log::drive::perform;
use crate::log::error::Corruption;
use crate::log::extent::read_up_to;
use crate::log::manifest::{FoundManifest, ManifestSearch, ManifestState, find};
use crate::log::scan::{ScanOptions, scan};
use crate::log::segment::segment_blob;
use crate::log::switch::{ManifestEnd, NewManifest, Switch, manifest_blobs};
use crate::store::{BlobId, BlobKind, BlockStore, LogId, StoreError};

/// Bytes copied at once.
const CHUNK: u64 = 1 << 20;

const PARTED: &str = "a backup of a log that went another way";

/// A backup being made.
pub(super) struct Target<'a, S, T> {
    source: &'a S,
    target: &'a T,
    log: LogId,
    /// What the backup will say.
    state: ManifestState,
    pieces: BTreeMap<BlobId, Piece>,
    salts: [u64; 2],
    search: ManifestSearch,
    done: BackedUp,
    /// Copied and not synced yet.
    unsynced: Vec<BlobId>,
}

impl<'a, S: BlockStore, T: BlockStore> Target<'a, S, T> {
    /// Looks at what `target`, which is claimed, holds of the log. Changes nothing.
    pub(super) async fn begin(
        source: &'a S,
        target: &'a T,
        log: LogId,
        mut state: ManifestState,
        salts: [u64; 2],
    ) -> Result<Self, BackupError<S::Error, T::Error>> {
        let search = find(target, log, false).await?;
        let pieces = pieces(log, &state);
        if let Some(found) = &search.found {
            let mut refused = refusal(log, found, &state, &pieces);
            if refused.is_none() && is_parted(source, log, &found.state, &state).await? {
                refused = Some(PARTED);
            }
            if let Some(found) = refused {
                return Err(BackupError::Other { log, found });
            }
            state.facts.predecessor = found.header.blob.number;
        }
        let done = BackedUp {
            next: state.facts.next_offset,
            segments: state.segments.len(),
            ..BackedUp::default()
        };
        Ok(Self {
            source,
            target,
            log,
            state,
            pieces,
            salts,
            search,
            done,
            unsynced: Vec::new(),
        })
    }

    /// Copies what is missing, lets the backup say what it is to say, and removes what
    /// that does not name.
    pub(super) async fn fill(mut self) -> Result<BackedUp, BackupError<S::Error, T::Error>> {
        let mut olds = self.olds();
        if olds.is_empty() && !self.pieces.is_empty() {
            // Segments without a manifest would look like a log that lost it.
            let mut empty = ManifestState::new(self.state.facts);
            (empty.facts.next_offset, empty.facts.trim.oldest) = (0, 0);
            let number = self.search.highest_manifest + 1;
            olds.push(self.switch(number, &empty, &[]).await?);
            self.state.facts.predecessor = number;
        }
        self.copy_missing().await?;
        let number = match self.is_current() {
            true => self.state.facts.predecessor,
            false => {
                let last = olds.first().map_or(0, |old| old.number);
                let number = last.max(self.search.highest_manifest) + 1;
                let state = self.state.clone();
                self.switch(number, &state, &olds).await?.number
            }
        };
        self.remove_others(number).await?;
        Ok(self.done)
    }

    /// The manifests that the next one takes the place of, that in force first.
    fn olds(&self) -> Vec<ManifestEnd> {
        let found = self.search.found.iter();
        let unmarked = self.search.superseding.unmarked.iter();
        found.chain(unmarked).map(ManifestEnd::of).collect()
    }

    /// Whether the manifest there says everything already.
    fn is_current(&self) -> bool {
        let whole =
            self.search.superseding.unmarked.is_empty() && self.search.superseding.torn.is_empty();
        self.search.found.as_ref().is_some_and(|found| {
            let mut state = self.state.clone();
            state.facts.predecessor = found.state.facts.predecessor;
            whole && found.repaired.is_empty() && found.torn.is_none() && state == found.state
        })
    }

    fn copies(&self) -> usize {
        if self.target.geometry().atomic_append {
            1
        } else {
            2
        }
    }

    async fn switch(
        &mut self,
        number: u64,
        state: &ManifestState,
        olds: &[ManifestEnd],
    ) -> Result<ManifestEnd, BackupError<S::Error, T::Error>> {
        let [salt, other] = self.salts;
        self.salts = [other, salt];
        let new = NewManifest {
            log: self.log,
            number,
            salt,
            backup: true,
        };
        let torn = core::mem::take(&mut self.search.superseding.torn);
        let switch = Switch::plan(new, state, olds, &torn, self.copies()).map_err(|fault| {
            let blob = BlobId {
                log: self.log,
                kind: BlobKind::Manifest,
                number,
            };
            BackupError::Corrupt(misfit(blob, 0, fault))
        })?;
        for step in switch.steps {
            perform(self.target, self.log, step).await.map_err(there)?;
        }
        // Were one of these to come back without a mark, only its predecessor would show
        // that it does not count.
        let listed = self.target.list(self.log).await.map_err(there)?;
        let others = listed.into_iter().filter(|blob| {
            is_manifest(blob) && blob.number != number && !switch.old.contains(blob)
        });
        for blob in others.chain(torn) {
            self.target.remove(blob).await.map_err(there)?;
        }
        self.target.sync_removals(self.log).await.map_err(there)?;
        for blob in switch.old {
            self.target.remove(blob).await.map_err(there)?;
        }
        Ok(switch.new)
    }

    async fn copy_missing(&mut self) -> Result<(), BackupError<S::Error, T::Error>> {
        let found = self.search.found.as_ref();
        let known = found.map(|found| pieces(self.log, &found.state));
        let known = known.unwrap_or_default();
        let mut unsynced = 0;
        for (blob, piece) in self.pieces.clone() {
            let named = known.get(&blob).is_some_and(|known| piece.is_in(known));
            if named && self.reaches(blob, piece.length).await? {
                self.done.kept += 1;
                continue;
            }
            // A backup that was cut short may have got as far as this.
            if self.difference(blob, piece.length).await?.is_none() {
                self.done.kept += 1;
            } else {
                self.copy(blob, &piece).await?;
                unsynced += piece.length;
            }
            self.unsynced.push(blob);
            if unsynced > limits::UNSYNCED_MAX {
                self.sync().await?;
                unsynced = 0;
            }
        }
        self.sync().await
    }

    /// Whether the blob is there and has this length or more.
    async fn reaches(
        &self,
        blob: BlobId,
        length: u64,
    ) -> Result<bool, BackupError<S::Error, T::Error>> {
        let (last, mut byte) = (length.saturating_sub(1), [0]);
        match self.target.read(blob, last, &mut byte).await {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::OutOfRange) => {
                Ok(false)
            }
            Err(error) => Err(there(error)),
        }
    }

    /// The position from which on the copy of a blob may differ, if it does.
    async fn difference(
        &self,
        blob: BlobId,
        length: u64,
    ) -> Result<Option<u64>, BackupError<S::Error, T::Error>> {
        let mut at = 0;
        while at < length {
            let want = piece_of(CHUNK.min(length - at));
            let copy = read_up_to(self.target, blob, at, want).await;
            let copy = copy.map_err(OpenError::from)?;
            if copy.len() < want || copy != self.read(blob, at, want).await? {
                return Ok(Some(at));
            }
            at += want as u64;
        }
        Ok(None)
    }

    async fn read(
        &self,
        blob: BlobId,
        at: u64,
        want: usize,
    ) -> Result<Vec<u8>, BackupError<S::Error, T::Error>> {
        let bytes = read_up_to(self.source, blob, at, want).await?;
        match bytes.len() == want {
            true => Ok(bytes),
            false => {
                let end = at + bytes.len() as u64;
                Err(BackupError::Corrupt(misfit(blob, end, Fault::Short)))
            }
        }
    }

    async fn copy(
        &mut self,
        blob: BlobId,
        piece: &Piece,
    ) -> Result<(), BackupError<S::Error, T::Error>> {
        let appends_max = u64::from(self.target.geometry().appends_max);
        let chunk = match appends_max {
            0 => CHUNK,
            most => CHUNK.max(piece.length.div_ceil(most)),
        };
        let mut at = 0;
        while at < piece.length {
            let want = piece_of(chunk.min(piece.length - at));
            let bytes = Bytes::from(self.read(blob, at, want).await?);
            let appended = self.target.append(blob, at, bytes.clone()).await;
            match appended {
                // What a backup that was cut short left is in the way.
                Err(error) if at == 0 && error.kind() == ErrorKind::Conflict => {
                    self.target.remove(blob).await.map_err(there)?;
                    self.target.sync_removals(self.log).await.map_err(there)?;
                    let again = self.target.append(blob, at, bytes).await;
                    again.map_err(there)?;
                }
                appended => appended.map_err(there)?,
            }
            at += want as u64;
        }
        self.done.copied += 1;
        self.done.copied_bytes += piece.length;
        self.verify(blob, piece).await
    }

    /// Reads a copy back. Damage of the log itself is copied with the rest.
    async fn verify(
        &mut self,
        blob: BlobId,
        piece: &Piece,
    ) -> Result<(), BackupError<S::Error, T::Error>> {
        let mut damage = Vec::new();
        if let Some(meta) = &piece.meta {
            let options = ScanOptions::sealed(meta, None);
            let found = scan(self.target, self.log, *meta, options).await;
            let found = found.map_err(OpenError::from)?;
            if found.damage.is_empty() && is_whole(&found.all.ended(meta, meta.footer, true), meta)
            {
                return Ok(());
            }
            damage = found.damage;
        }
        if let Some(at) = self.difference(blob, piece.length).await? {
            return Err(BackupError::Miscopied(misfit(blob, at, Fault::Checksum)));
        }
        self.done.damage.extend(damage);
        Ok(())
    }

    async fn sync(&mut self) -> Result<(), BackupError<S::Error, T::Error>> {
        let blobs = core::mem::take(&mut self.unsynced);
        if blobs.is_empty() {
            return Ok(());
        }
        self.target.sync(&blobs).await.map_err(there)?;
        for blob in blobs {
            self.target.seal(blob).await.map_err(there)?;
        }
        Ok(())
    }

    /// Removes what the manifest in force, which is this one, does not name.
    async fn remove_others(
        &mut self,
        manifest: u64,
    ) -> Result<(), BackupError<S::Error, T::Error>> {
        let manifests = manifest_blobs(self.log, manifest, self.copies());
        let listed = self.target.list(self.log).await.map_err(there)?;
        for blob in listed {
            let named = self.pieces.contains_key(&blob)
                || manifests.contains(&blob)
                || blob.kind == BlobKind::Cursors;
            if !named {
                self.target.remove(blob).await.map_err(there)?;
                self.done.removed += usize::from(!is_manifest(&blob));
            }
        }
        self.target.sync_removals(self.log).await.map_err(there)
    }
}

/// What is there that is no earlier backup of the log, which is `state` now.
fn refusal(
    log: LogId,
    found: &FoundManifest,
    state: &ManifestState,
    now: &BTreeMap<BlobId, Piece>,
) -> Option<&'static str> {
    let facts = &found.state.facts;
    if facts.key_seed != state.facts.key_seed {
        return Some("another log");
    }
    if !found.header.backup {
        return Some("a log that has been written to");
    }
    if facts.next_offset > state.facts.next_offset {
        return Some("a backup of a later state of the log");
    }
    let known = pieces(log, &found.state);
    let mut both = known
        .iter()
        .filter_map(|(blob, old)| Some((old, now.get(blob)?)));
    both.any(|(old, new)| !old.of_same_writer(new))
        .then_some(PARTED)
}

/// Whether the log has other records now than those that `then` was a picture of: in
/// the place of a segment that is gone may only be one that was rewritten.
async fn is_parted<S: BlockStore, T>(
    source: &S,
    log: LogId,
    then: &ManifestState,
    now: &ManifestState,
) -> Result<bool, BackupError<S::Error, T>> {
    let gone = then
        .segments
        .iter()
        .filter(|(key, _)| !now.segments.contains_key(key));
    for old in gone.map(|(_, meta)| meta) {
        let overlaps = |new: &&SegmentMeta| {
            new.base_offset < old.next_offset && old.base_offset < new.next_offset
        };
        for new in now.segments.values().filter(overlaps) {
            let blob = segment_blob(log, new.number);
            let header = read_up_to(source, blob, 0, BLOB_HEADER).await?;
            let header = BlobHeader::decode(blob, &header);
            let header = header.map_err(|fault| BackupError::Corrupt(misfit(blob, 0, fault)))?;
            if !header.rewritten {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether a segment was found to be what its manifest entry says.
fn is_whole(found: &SegmentMeta, meta: &SegmentMeta) -> bool {
    found.content_hash == meta.content_hash
        && found.data_end == meta.data_end
        && found.records == meta.records
}

const fn is_manifest(blob: &BlobId) -> bool {
    matches!(blob.kind, BlobKind::Manifest | BlobKind::ManifestCopy)
}

const fn misfit(blob: BlobId, position: u64, fault: Fault) -> Corruption {
    Corruption {
        blob,
        position,
        fault,
    }
}

/// Chunks are far below the address space.
fn piece_of(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

fn there<S, T>(error: T) -> BackupError<S, T> {
    BackupError::Target(OpenError::Store(error))
}
