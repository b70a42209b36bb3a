//! Owns the work nobody waits for: marks, retention, giving back the space of deleted
//! records, merging of small segments, removing what nothing names any more.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::error::{Failure, MaintainError, SyncError};
use super::handle::Log;
use super::switch::manifest_blobs;
use super::trim::TrimTo;
use super::writer::{Takeover, Writer};
use crate::format::{FooterPlace, SegmentMeta};
use crate::limits;
use crate::planted::{Bug, planted};
use crate::sharing::{Shared, Sharing};
use crate::store::{BlobId, BlobKind, BlockStore};

/// How often a mark is asked for. What others have staged before the sync vouches for
/// less than it covered, so that it takes another.
const MARKS: u32 = 8;

/// What maintenance did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintained {
    /// There is more to do, beyond this call's budget.
    pub more: bool,
    /// Records that retention removed.
    pub trimmed: u64,
    /// Segments that were merged into others, or rewritten without deleted records.
    pub merged: usize,
    /// Segments that were given a footer, or an index, that they lacked.
    pub indexed: usize,
    /// Blobs that were removed.
    pub removed: usize,
    /// Bytes that were copied.
    pub copied: u64,
}

impl<S: BlockStore, P: Sharing> Log<S, P> {
    /// Does what keeps the log small and quick to open, copying about `budget` bytes
    /// at most: writes a mark where a sync was followed by nothing, trims what is beyond
    /// the log's [`Retention`](crate::Retention) at the host's time, rewrites segments of
    /// which a quarter is deleted, merges small neighbouring ones, indexes those that
    /// ended without a footer, forgets producers that
    /// have expired, and removes blobs that nothing names any more.
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
        let _turn = inner.turn().await;
        let mut done = Maintained::default();
        let below = self.mark().await;
        let below = below.map_err(|failure| MaintainError::Commit(failure.into()))?;
        for limit in cell.write(Writer::limits) {
            let trimmed = self.trim_in_turn(limit, below).await?;
            done.trimmed += trimmed.records;
        }
        for meta in cell.read(Writer::mostly_deleted) {
            if done.copied + meta.data_end > budget {
                done.more = true;
                break;
            }
            done.copied += meta.data_end;
            inner.rewrite(&[meta], false).await?;
            done.merged += 1;
            done.removed += 1;
        }
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
        for meta in cell.read(Writer::footerless) {
            if done.copied + meta.data_end > budget {
                done.more = true;
                break;
            }
            if inner.write_index(&meta).await? {
                done.copied += meta.data_end;
                done.indexed += 1;
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

    /// Syncs what there is, and vouches for it. Returns the offset below which that is so:
    /// what lies there stays where it is, whatever a crash takes, so that it can be
    /// named by an edit.
    pub(crate) async fn mark(&self) -> Result<u64, Failure<S::Error>> {
        let Some(cell) = &self.inner().writer else {
            return Ok(0);
        };
        let quiet = |writer: &mut Writer<S::Error>| {
            writer.usable()?;
            Ok((writer.quiet(), ()))
        };
        if cell.read(Writer::is_at_rest) {
            return cell.read(|writer| writer.usable().map(|()| writer.durable));
        }
        self.inner().reach(quiet).await?;
        let known = cell.read(Writer::known);
        for _ in 0..MARKS {
            if cell.read(|writer| writer.vouches(&known)) {
                return Ok(known.next);
            }
            let marked = |writer: &mut Writer<S::Error>| {
                writer.usable()?;
                writer.stage_mark()?;
                Ok((writer.quiet(), ()))
            };
            self.inner().reach(marked).await?;
        }
        Err(Failure::Internal("what is synced is not vouched for"))
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
            // Those that are just being removed have an order.
            let settled = writer.removals.len() == 0;
            let old = |blob: &BlobId| match blob.kind {
                BlobKind::Manifest | BlobKind::ManifestCopy => settled && blob.number < current,
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

/// How far a log is synced.
struct Known {
    /// The offset below which it is.
    next: u64,
    /// The active segment, and where what is synced of its batches ends.
    active: Option<(u64, u64)>,
}

/// What could be merged next.
enum Run {
    Merge(Vec<SegmentMeta>),
    TooLong,
    None,
}

impl<E> Writer<E> {
    /// Nothing is on its way, and nothing is left that has to be vouched for.
    fn is_at_rest(&self) -> bool {
        self.active.is_none()
            && self.ending.is_empty()
            && self.queue.is_empty()
            && self.durable >= self.stored
    }

    fn known(&self) -> Known {
        let active = self.active.as_ref();
        Known {
            next: self.durable,
            active: active.map(|active| (active.meta.number, active.synced.min(active.batch_end))),
        }
    }

    /// Whether what was synced then is vouched for: by edits that are on their way to the
    /// manifest before any other, or by frames that are synced.
    fn vouches(&self, known: &Known) -> bool {
        let mut ending = self.ending.iter();
        let ended = ending.all(|ending| ending.meta.base_offset >= known.next);
        let vouched = match (&self.active, known.active) {
            (Some(active), Some((number, end))) if active.meta.number == number => {
                active.settled >= end || planted(Bug::NoMark)
            }
            _ => true,
        };
        ended && vouched
    }

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
        let range = |run: &[SegmentMeta], next: &SegmentMeta| {
            let base = run
                .first()
                .map_or(next.base_offset, |first| first.base_offset);
            next.next_offset - base
        };
        for meta in self.live.segments.values() {
            let small = meta.sealed && meta.data_end <= limit / 2;
            let records = run.iter().map(|meta| meta.records).sum::<u64>() + meta.records;
            let far = range(&run, meta) > u64::from(u32::MAX)
                || self.building.keys && records > limits::SEGMENT_KEYS_MAX;
            if (!small || far || total + meta.data_end > limit)
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

    /// What retention asks for now.
    fn limits(&mut self) -> Vec<TrimTo> {
        self.expire_producers();
        let retention = self.settings.retention;
        let age = retention.age.map(|age| {
            let age = i64::try_from(age).unwrap_or(i64::MAX);
            TrimTo::Time(self.host.now().saturating_sub(age))
        });
        let records = retention.records.map(TrimTo::Records);
        let bytes = retention.bytes.map(TrimTo::Bytes);
        [age, records, bytes].into_iter().flatten().collect()
    }

    /// Sealed segments of which a quarter or more is deleted.
    fn mostly_deleted(&self) -> Vec<SegmentMeta> {
        let deleted = |meta: &SegmentMeta| {
            let mask = self.live.masks.get(&meta.number);
            mask.map_or(0, |mask| mask.deleted)
        };
        let sealed = self.live.segments.values().filter(|meta| meta.sealed);
        sealed
            .filter(|meta| deleted(meta) > 0 && deleted(meta) >= meta.records / 4)
            .copied()
            .collect()
    }

    /// Every blob that is in use.
    fn named_blobs(&self) -> BTreeSet<BlobId> {
        let log = self.log;
        let mut named = BTreeSet::new();
        for place in self.live.masks.values().filter_map(|mask| mask.blob) {
            named.insert(super::masks::mask_blob(log, place.number));
        }
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
