//! Owns the work nobody waits for: marks, merging of small segments, removing what
//! nothing names any more.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::error::{Failure, MaintainError, SyncError};
use super::handle::Log;
use super::switch::manifest_blobs;
use super::waiters::Goal;
use super::writer::{Takeover, Writer};
use crate::format::{FooterPlace, SegmentMeta};
use crate::sharing::{Shared, Sharing};
use crate::store::{BlobId, BlobKind, BlockStore};

/// What maintenance did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintained {
    /// There is more to do, beyond this call's budget.
    pub more: bool,
    /// Segments that were merged into others.
    pub merged: usize,
    /// Blobs that were removed.
    pub removed: usize,
    /// Bytes that were copied.
    pub copied: u64,
}

impl<S: BlockStore, P: Sharing> Log<S, P> {
    /// Does what keeps the log small and quick to open, copying about `budget` bytes
    /// at most: writes a mark where a sync was followed by nothing, merges small
    /// neighbouring segments, and removes blobs that nothing names any more.
    ///
    /// # Cancellation
    /// What is half done when its future is dropped is removed by a later call of a
    /// later epoch.
    ///
    /// # Errors
    /// `read-only`, `closed`, `poisoned`, `full`; `corrupt` if damage is in the way.
    pub async fn maintain(&self, budget: u64) -> Result<Maintained, MaintainError<S::Error>> {
        let inner = self.inner();
        let Some(cell) = &inner.writer else {
            return Err(MaintainError::Commit(SyncError::ReadOnly));
        };
        let mut done = Maintained::default();
        self.mark()
            .await
            .map_err(|failure| MaintainError::Commit(failure.into()))?;
        loop {
            let run = cell.read(|writer| writer.small_run(budget - done.copied));
            match run {
                Run::Merge(old) => {
                    done.copied += old.iter().map(|meta| meta.data_end).sum::<u64>();
                    done.merged += old.len();
                    inner.rewrite(&old, false).await?;
                    done.removed += old.len();
                }
                Run::TooLong => {
                    done.more = true;
                    break;
                }
                Run::None => break,
            }
        }
        done.removed += self.remove_unknown().await?;
        if done.removed > 0 {
            inner
                .store
                .sync_removals(inner.log)
                .await
                .map_err(MaintainError::Store)?;
        }
        Ok(done)
    }

    /// Syncs, and vouches for what was synced.
    async fn mark(&self) -> Result<(), Failure<S::Error>> {
        let quiet = |writer: &mut Writer<S::Error>| {
            writer.usable()?;
            Ok((Goal::Quiet, ()))
        };
        let began = |writer: &Writer<S::Error>| writer.active.is_some() || !writer.queue.is_empty();
        let Some(cell) = &self.inner().writer else {
            return Ok(());
        };
        if !cell.read(began) {
            return cell.read(Writer::usable);
        }
        self.inner().reach(quiet).await?;
        let marked = |writer: &mut Writer<S::Error>| {
            writer.usable()?;
            writer.stage_mark()?;
            Ok((Goal::Quiet, ()))
        };
        self.inner().reach(marked).await
    }

    /// Removes blobs of earlier epochs that nothing names. A number of this epoch
    /// may belong to something that is just being written.
    async fn remove_unknown(&self) -> Result<usize, MaintainError<S::Error>> {
        let inner = self.inner();
        let Some(cell) = &inner.writer else {
            return Ok(0);
        };
        if !cell.read(|writer| matches!(writer.takeover, Takeover::Done)) {
            return Ok(0);
        }
        let listed = inner
            .store
            .list(inner.log)
            .await
            .map_err(MaintainError::Store)?;
        let unknown: Vec<BlobId> = cell.read(|writer| {
            let known = writer.named_blobs();
            let current = writer.manifest.map_or(0, |manifest| manifest.number);
            let old = |blob: &BlobId| match blob.kind {
                BlobKind::Manifest | BlobKind::ManifestCopy => blob.number < current,
                _ => blob.number < writer.first_number,
            };
            listed
                .into_iter()
                .filter(|blob| !known.contains(blob) && old(blob))
                .collect()
        });
        for blob in &unknown {
            inner
                .store
                .remove(*blob)
                .await
                .map_err(MaintainError::Store)?;
        }
        Ok(unknown.len())
    }
}

/// What could be merged next.
enum Run {
    Merge(Vec<SegmentMeta>),
    TooLong,
    None,
}

impl<E> Writer<E> {
    /// Neighbouring sealed segments that fit into one, and into the budget.
    fn small_run(&self, budget: u64) -> Run {
        let limit = self.settings.segment_bytes;
        let mut run: Vec<SegmentMeta> = Vec::new();
        let mut total = 0;
        let mut too_long = false;
        let mut take = |run: &mut Vec<SegmentMeta>, total: &mut u64| {
            let found = core::mem::take(run);
            let fits = core::mem::take(total) <= budget;
            too_long |= found.len() > 1 && !fits;
            (found.len() > 1 && fits).then_some(found)
        };
        for meta in self.live.segments.values() {
            let small = meta.sealed && meta.data_end <= limit / 2;
            if (!small || total + meta.data_end > limit)
                && let Some(found) = take(&mut run, &mut total)
            {
                return Run::Merge(found);
            }
            if small {
                total += meta.data_end;
                run.push(*meta);
            }
        }
        match take(&mut run, &mut total) {
            Some(found) => Run::Merge(found),
            None if too_long => Run::TooLong,
            None => Run::None,
        }
    }

    /// Every blob that is in use.
    fn named_blobs(&self) -> BTreeSet<BlobId> {
        let log = self.log;
        let mut named = BTreeSet::new();
        for meta in self.live.segments.values() {
            named.insert(super::segment::segment_blob(log, meta.number));
            if let FooterPlace::Blob { number, .. } = meta.footer {
                named.insert(super::index::index_blob(log, number));
            }
        }
        if let Some(manifest) = &self.manifest {
            named.extend(manifest_blobs(log, manifest.number, self.copies));
        }
        named
    }
}
