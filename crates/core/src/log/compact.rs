//! Owns compaction: finding the records that a newer one with the same key has made
//! superfluous, and deleting them. Offsets never change.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::drive::Inner;
use super::error::{LookupError, ReadError, RemoveError, SyncError};
use super::handle::Log;
use super::snapshot::Snapshot;
use crate::format::KeyHasher;
use crate::options::{At, ReadLimits};
use crate::record::Record;
use crate::sharing::{Shared, Sharing};
use crate::store::BlockStore;

/// What compaction may delete, and how much of the log it looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compaction {
    /// A record goes if a newer one with its key exists, both among the records up to
    /// this time, in microseconds since 1970: up to the first whose own time is later.
    /// `None` leaves them all.
    pub updates: Option<i64>,
    /// A tombstone up to this time goes if no record of its key is left before it.
    /// `None` leaves them all.
    pub tombstones: Option<i64>,
    /// Whether records without a key are treated as having one and the same; else
    /// they stay.
    pub keyless: bool,
    /// Where to begin: [`At::Oldest`], or where an earlier call ended.
    pub from: At,
    /// Records to consider for deletion in this call, at most. Memory is bounded by
    /// their keys. With a key index, so is the work; without one, the whole log may be
    /// read to find newer records.
    pub records: u64,
}

impl Compaction {
    /// Deletes updates up to this time, and tombstones up to that.
    #[must_use]
    pub const fn up_to(updates: i64, tombstones: i64) -> Self {
        Self {
            updates: Some(updates),
            tombstones: Some(tombstones),
            keyless: false,
            from: At::Oldest,
            records: u64::MAX,
        }
    }
}

/// What compaction did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Records deleted.
    pub records: u64,
    /// Tombstones among them that no newer record had made superfluous.
    pub tombstones: u64,
    /// Bytes of segments that this will give back, about.
    pub bytes: u64,
    /// Where another call goes on.
    pub next: u64,
    /// There is more to look at from there on.
    pub more: bool,
}

impl<S: BlockStore, P: Sharing> Log<S, P> {
    /// Deletes records that a newer one with the same key has made superfluous, with
    /// one edit; durable when this returns. [`maintain`](Self::maintain) gives their
    /// space back.
    ///
    /// # Cancellation
    /// When its future is dropped, or it fails, either all or nothing of this call is
    /// deleted: now, or with what is written next.
    ///
    /// # Errors
    /// `read-only`, `closed`, `poisoned`, `full`; `corrupt` if what is deleted already
    /// cannot be read. Records that cannot be read stay.
    pub async fn compact(
        &self,
        compaction: Compaction,
    ) -> Result<Compacted, RemoveError<S::Error>> {
        let inner = self.inner();
        let Some(cell) = &inner.writer else {
            return Err(RemoveError::Commit(SyncError::ReadOnly));
        };
        let _turn = inner.turn().await;
        let below = self.mark().await;
        let below = below.map_err(|failure| RemoveError::Commit(failure.into()))?;
        let snapshot = cell.read(|writer| writer.snapshot());
        let found = inner.superfluous(&snapshot, compaction, below).await;
        let (offsets, mut compacted) = found?;
        let deletion = inner.plan_delete(&snapshot, &offsets, below).await?;
        let deleted = inner.apply(deletion, None).await?;
        (compacted.records, compacted.bytes) = (deleted.records, deleted.bytes);
        Ok(compacted)
    }

    /// What [`compact`](Self::compact) would delete now, by offset. Changes nothing.
    ///
    /// # Errors
    /// `closed`; `corrupt` if what is deleted already cannot be read.
    pub async fn plan_compact(
        &self,
        compaction: Compaction,
    ) -> Result<(Vec<u64>, Compacted), RemoveError<S::Error>> {
        let snapshot = self.open_picture()?;
        let inner = self.inner();
        let below = snapshot.visible;
        let found = inner.superfluous(&snapshot, compaction, below).await;
        let (offsets, mut compacted) = found?;
        let planned = inner.plan_delete(&snapshot, &offsets, below);
        let done = planned.await?.done;
        (compacted.records, compacted.bytes) = (done.records, done.bytes);
        Ok((offsets, compacted))
    }
}

/// What is known of one key, from the records being considered.
#[derive(Clone, Copy, Default)]
struct Known {
    /// The newest record among those that updates are looked for in, and whether it is a
    /// tombstone that may go; nothing is decided about it.
    last: Option<(u64, bool)>,
    /// A record of it was found that stays.
    stays: bool,
}

/// Keys and what is known of each, found by their hash.
#[derive(Default)]
struct Knowledge {
    hasher: KeyHasher,
    by_hash: BTreeMap<u64, Vec<(Vec<u8>, Known)>>,
}

impl Knowledge {
    fn get_mut(&mut self, key: &[u8]) -> Option<&mut Known> {
        let same = self.by_hash.get_mut(&self.hasher.hash(key))?;
        same.iter_mut()
            .find_map(|(own, known)| (own == key).then_some(known))
    }

    /// Adds a key that is not there.
    fn insert(&mut self, key: &[u8], known: Known) {
        let same = self.by_hash.entry(self.hasher.hash(key));
        let same = same.or_insert_with(|| Vec::with_capacity(1));
        same.push((key.to_vec(), known));
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = (&[u8], &mut Known)> {
        let all = self.by_hash.values_mut().flatten();
        all.map(|(key, known)| (key.as_slice(), known))
    }
}

/// What is known of the keys of the records being considered.
#[derive(Default)]
struct Keys {
    known: Knowledge,
    keyless: Option<Known>,
    /// Records that a newer one has made superfluous.
    found: Vec<u64>,
    /// Tombstones that may go if nothing of their key is left before them.
    candidates: BTreeMap<Vec<u8>, Vec<u64>>,
}

impl Keys {
    /// Takes in the next record: one that is superfluous if a newer one is found, or one
    /// that stays, and what may go of it as a tombstone.
    fn add(&mut self, record: &Record<'_>, keyless: bool, update: bool, tombstone: bool) {
        let (found, candidates) = (&mut self.found, &mut self.candidates);
        let mut take = |known: &mut Known| {
            let own = (record.offset, tombstone);
            match known.last.take() {
                Some((before, _)) if update => found.push(before),
                Some(before) => known.settle(before, record.key, candidates),
                None => {}
            }
            match update {
                true => known.last = Some(own),
                false => known.settle(own, record.key, candidates),
            }
        };
        match record.key {
            None if keyless => take(self.keyless.get_or_insert_default()),
            None => {}
            Some(key) => match self.known.get_mut(key) {
                Some(known) => take(known),
                None => {
                    let mut known = Known::default();
                    take(&mut known);
                    self.known.insert(key, known);
                }
            },
        }
    }

    /// Decides about what is left, when no more records come.
    fn settle(&mut self) {
        for (key, known) in self.known.iter_mut() {
            if let Some(last) = known.last.take() {
                known.settle(last, Some(key), &mut self.candidates);
            }
        }
    }
}

impl Known {
    /// Decides about a record that no newer one makes superfluous.
    fn settle(
        &mut self,
        (offset, tombstone): (u64, bool),
        key: Option<&[u8]>,
        candidates: &mut BTreeMap<Vec<u8>, Vec<u64>>,
    ) {
        match key.filter(|_| tombstone && !self.stays) {
            None => self.stays = true,
            Some(key) => match candidates.get_mut(key) {
                Some(offsets) => offsets.push(offset),
                None => {
                    candidates.insert(key.to_vec(), Vec::from([offset]));
                }
            },
        }
    }
}

impl<S: BlockStore, P: Sharing> Inner<S, P> {
    /// The offsets of records that may go, for the sake of others below `below`.
    async fn superfluous(
        &self,
        snapshot: &Snapshot,
        compaction: Compaction,
        below: u64,
    ) -> Result<(Vec<u64>, Compacted), RemoveError<S::Error>> {
        let oldest = snapshot.oldest();
        let from = match compaction.from {
            At::Offset(offset) => offset.max(oldest),
            At::Oldest => oldest,
            At::Last => snapshot.last().unwrap_or(oldest),
            At::Next => snapshot.visible,
        };
        let updates = match compaction.updates {
            Some(time) => self.later_than(snapshot, time).await?.min(below),
            None => oldest,
        };
        let tombstones = match compaction.tombstones {
            Some(time) => self.later_than(snapshot, time).await?.min(below),
            None => oldest,
        };
        let stop = updates.max(tombstones);
        let mut keys = Keys {
            known: Knowledge {
                hasher: snapshot.hasher,
                ..Knowledge::default()
            },
            ..Keys::default()
        };
        let mut left = compaction.records;
        let window = self
            .each(snapshot, from, stop, |record| {
                if left == 0 {
                    return false;
                }
                left -= 1;
                let tombstone = record.value.is_none() && record.offset < tombstones;
                let update = record.offset < updates;
                keys.add(record, compaction.keyless, update, tombstone);
                true
            })
            .await?;
        if window < updates {
            self.newer_behind(snapshot, &mut keys, window, updates)
                .await?;
        }
        keys.settle();
        let Keys {
            mut found,
            mut candidates,
            ..
        } = keys;
        if !candidates.is_empty() && from > oldest {
            self.first_ones(snapshot, &mut candidates, oldest, from)
                .await?;
        }
        let before = found.len();
        found.extend(candidates.into_values().flatten());
        let compacted = Compacted {
            tombstones: (found.len() - before) as u64,
            next: window.max(from),
            more: window < stop,
            ..Compacted::default()
        };
        found.sort_unstable();
        Ok((found, compacted))
    }

    /// Finds newer records of these keys in [`from`, `to`).
    async fn newer_behind(
        &self,
        snapshot: &Snapshot,
        keys: &mut Keys,
        from: u64,
        to: u64,
    ) -> Result<(), RemoveError<S::Error>> {
        let (known, found) = (&mut keys.known, &mut keys.found);
        if snapshot.indexes.keys && keys.keyless.is_none() {
            let source = self.source();
            for (key, known) in known.iter_mut() {
                match source.newest_below(snapshot, key, to).await {
                    Ok(Some(offset)) if offset >= from => {
                        found.extend(known.last.take().map(|(offset, _)| offset));
                    }
                    // What cannot be read is no reason to delete anything.
                    Ok(_) | Err(LookupError::Read(ReadError::Corrupt { .. })) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            return Ok(());
        }
        self.each(snapshot, from, to, |record| {
            let known = match record.key {
                Some(key) => known.get_mut(key),
                None => keys.keyless.as_mut(),
            };
            let last = known.and_then(|known| known.last.take());
            found.extend(last.map(|(offset, _)| offset));
            true
        })
        .await?;
        Ok(())
    }

    /// Leaves those of the candidates whose key has no record in [`from`, `to`).
    async fn first_ones(
        &self,
        snapshot: &Snapshot,
        candidates: &mut BTreeMap<Vec<u8>, Vec<u64>>,
        from: u64,
        to: u64,
    ) -> Result<(), RemoveError<S::Error>> {
        if snapshot.indexes.keys {
            let source = self.source();
            let mut kept = BTreeMap::new();
            for (key, offsets) in core::mem::take(candidates) {
                let before = source.newest_below(snapshot, &key, to).await;
                match before {
                    Ok(None) => {
                        kept.insert(key, offsets);
                    }
                    Ok(Some(_)) | Err(LookupError::Read(ReadError::Corrupt { .. })) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            *candidates = kept;
            return Ok(());
        }
        self.each(snapshot, from, to, |record| {
            if let Some(key) = record.key {
                candidates.remove(key);
            }
            !candidates.is_empty()
        })
        .await?;
        Ok(())
    }

    /// Hands the records in [`from`, `to`) to `look`, leaving out what cannot be read,
    /// until it says no. Returns the offset up to which it went.
    async fn each(
        &self,
        snapshot: &Snapshot,
        from: u64,
        to: u64,
        mut look: impl FnMut(&Record<'_>) -> bool,
    ) -> Result<u64, RemoveError<S::Error>> {
        let source = self.source();
        let mut cursor = from;
        while cursor < to {
            let read = source.read(snapshot, At::Offset(cursor), ReadLimits::default());
            let batch = match read.await {
                Err(ReadError::Corrupt { next, .. }) => {
                    cursor = next;
                    continue;
                }
                batch => batch?,
            };
            for record in &batch {
                if record.offset >= to {
                    return Ok(to);
                }
                if !look(&record) {
                    return Ok(record.offset);
                }
            }
            cursor = batch.next();
        }
        Ok(cursor.min(to))
    }
}

impl<E> From<LookupError<E>> for RemoveError<E> {
    fn from(error: LookupError<E>) -> Self {
        match error {
            LookupError::Read(error) => Self::Read(error),
            _ => Self::Commit(SyncError::Internal("a key index is there and is not")),
        }
    }
}
