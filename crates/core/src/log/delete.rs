//! Owns deleting records by offset: they are hidden at once, by one edit of the
//! manifest; their space comes back when [`Log::maintain`] rewrites their segments.

use alloc::vec::Vec;

use super::blobs::Numbered;
use super::drive::Inner;
use super::error::{MaintainError, RemoveError, SyncError};
use super::handle::Log;
use super::left::Left;
use super::masks::mask_blob;
use super::snapshot::Snapshot;
use crate::format::{Edit, Mask, MaskMeta, SegmentMeta};
use crate::limits::MASK_OFFSETS_MAX;
use crate::sharing::{Shared, Sharing};
use crate::store::{BlobId, BlockStore};

/// What deleting did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Records deleted.
    pub records: u64,
    /// Offsets among those given that had no record: trimmed, deleted before, or not
    /// given yet. Rising.
    pub missing: Vec<u64>,
    /// Bytes of segments that this will give back, about: the deleted records'
    /// share of what their segments take.
    pub bytes: u64,
}

/// A change of what is deleted, worked out but not made.
#[derive(Default)]
pub(crate) struct Deletion {
    pub(crate) done: Deleted,
    /// Segments of which something is left, and all that is deleted of each.
    pub(crate) masked: Vec<(MaskMeta, Mask, u64)>,
    /// Segments of which nothing is left.
    pub(crate) gone: Vec<SegmentMeta>,
    /// Mask blobs that count no more.
    pub(crate) stale: Vec<BlobId>,
}

impl<S: BlockStore, P: Sharing> Log<S, P> {
    /// Deletes the records with these offsets, in any order: all of them with one
    /// edit, visible at once, and durable when this returns. Offsets without a record
    /// are left out and reported. Offsets are not given again.
    ///
    /// # Cancellation
    /// When its future is dropped, or it fails, either all or nothing is deleted: now, or with
    /// what is written next.
    ///
    /// # Errors
    /// `read-only`, `closed`, `poisoned`, `full`; `corrupt` if what is deleted
    /// already cannot be read.
    pub async fn delete(&self, offsets: &[u64]) -> Result<Deleted, RemoveError<S::Error>> {
        let inner = self.inner();
        let Some(cell) = &inner.writer else {
            return Err(RemoveError::Commit(SyncError::ReadOnly));
        };
        let _turn = inner.turn().await;
        let below = self.mark().await;
        let below = below.map_err(|failure| RemoveError::Commit(failure.into()))?;
        let snapshot = cell.read(|writer| writer.snapshot());
        let deletion = inner.plan_delete(&snapshot, offsets, below).await?;
        inner.apply(deletion, None).await
    }

    /// What [`delete`](Self::delete) would do now. Changes nothing.
    ///
    /// # Errors
    /// `closed`; `corrupt` if what is deleted already cannot be read.
    pub async fn plan_delete(&self, offsets: &[u64]) -> Result<Deleted, RemoveError<S::Error>> {
        let snapshot = self.open_picture()?;
        let below = snapshot.visible;
        let planned = self.inner().plan_delete(&snapshot, offsets, below).await;
        Ok(planned?.done)
    }
}

impl<S: BlockStore, P: Sharing> Inner<S, P> {
    /// Works out which of `offsets`, as far as they lie below `below`, can be deleted,
    /// and what the deletions of each segment then are.
    pub(crate) async fn plan_delete(
        &self,
        snapshot: &Snapshot,
        offsets: &[u64],
        below: u64,
    ) -> Result<Deletion, RemoveError<S::Error>> {
        let mut wanted = offsets.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        let mut deletion = Deletion::default();
        let mut rest = wanted.as_slice();
        while let Some(first) = rest.first().copied() {
            let part = snapshot
                .part_from(first)
                .filter(|_| first >= snapshot.trimmed && first < below);
            let Some(part) = part else {
                deletion.done.missing.push(first);
                rest = rest.get(1..).unwrap_or(&[]);
                continue;
            };
            let end = part.next_offset().min(below);
            let (own, behind) = rest.split_at(rest.partition_point(|offset| *offset < end));
            rest = behind;
            let left = Left::new(self.source(), part);
            let mut mask = left.mask().await?;
            let mut fresh = 0;
            for offset in own {
                let known = left.has(*offset).await?;
                match known && mask.insert(*offset) {
                    true => fresh += 1,
                    false => deletion.done.missing.push(*offset),
                }
            }
            if fresh > 0 {
                let range = (snapshot.trimmed, below);
                self.mask_part(&mut deletion, &left, mask, fresh, range)
                    .await?;
            }
        }
        Ok(deletion)
    }

    /// Adds a part of which `fresh` more records are deleted, as `mask` says. What stays
    /// begins at the first offset of `range`; nothing is deleted behind it.
    pub(crate) async fn mask_part(
        &self,
        deletion: &mut Deletion,
        left: &Left<'_, S, P>,
        mask: Mask,
        fresh: u64,
        range: (u64, u64),
    ) -> Result<(), RemoveError<S::Error>> {
        let part = &left.part;
        let records = part.records();
        let share = u128::from(part.bytes()) * u128::from(fresh) / u128::from(records.max(1));
        deletion.done.records += fresh;
        deletion.done.bytes += u64::try_from(share).unwrap_or(u64::MAX);
        if let Some(place) = part.mask().and_then(|meta| meta.blob) {
            deletion.stale.push(mask_blob(self.log, place.number));
        }
        let deleted = part.deleted() + fresh;
        if let Some(meta) = part.sealed().filter(|_| deleted == records) {
            deletion.gone.push(*meta);
            return Ok(());
        }
        let facts = left.facts(&mask, deleted, range).await?;
        deletion.masked.push((facts, mask, part.base_offset()));
        Ok(())
    }

    /// Makes a deletion, together with a trim to `oldest` if there is one.
    pub(crate) async fn apply(
        &self,
        deletion: Deletion,
        oldest: Option<u64>,
    ) -> Result<Deleted, RemoveError<S::Error>> {
        let Deletion {
            done,
            masked,
            gone,
            mut stale,
        } = deletion;
        if masked.is_empty() && gone.is_empty() && oldest.is_none() {
            return Ok(done);
        }
        let is_long = |mask: &Mask| mask.len() > MASK_OFFSETS_MAX as u64;
        let long = masked.iter().filter(|(_, mask, _)| is_long(mask)).count();
        let mut numbers = match long {
            0 => Vec::new(),
            count => self.numbers(count).await?,
        };
        let mut fresh = Vec::new();
        let mut edits = Vec::new();
        for (mut meta, mask, base_offset) in masked {
            let number: Option<Numbered> = if is_long(&mask) { numbers.pop() } else { None };
            match number {
                None => meta.offsets = mask.iter().collect(),
                Some(number) => {
                    let (blob, place) = self.write_mask(number, base_offset, &mask).await?;
                    fresh.push(blob);
                    meta.blob = Some(place);
                }
            }
            edits.push(Edit::Masked(meta));
        }
        let carried = self.carried(&gone).await;
        edits.extend(carried.map_err(RemoveError::from)?);
        for meta in &gone {
            edits.push(Edit::Dropped(meta.number));
            stale.extend(self.blobs_of(meta));
        }
        self.change(&fresh, oldest, edits, &stale).await?;
        Ok(done)
    }
}

impl<E> From<MaintainError<E>> for RemoveError<E> {
    fn from(error: MaintainError<E>) -> Self {
        match error {
            MaintainError::Commit(error) => Self::Commit(error),
            MaintainError::Store(error) => Self::Store(error),
            MaintainError::Memory(bytes) => Self::Memory(bytes),
            MaintainError::Corrupt(place) => Self::Read(super::ReadError::Corrupt {
                offset: 0,
                next: 0,
                place,
            }),
        }
    }
}
