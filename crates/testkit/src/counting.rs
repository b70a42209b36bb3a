//! Owns the store that counts what passes through it, so that a test can assert
//! costs as operations and bytes instead of time. May not change an outcome.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tidelog_core::{BlobId, BlobKind, BlockStore, Bytes, Geometry, LogId};

/// An operation of a [`BlockStore`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// [`BlockStore::list`].
    List,
    /// [`BlockStore::read`].
    Read,
    /// [`BlockStore::append`].
    Append,
    /// [`BlockStore::sync`].
    Sync,
    /// [`BlockStore::seal`].
    Seal,
    /// [`BlockStore::remove`].
    Remove,
    /// [`BlockStore::sync_removals`].
    SyncRemovals,
    /// [`BlockStore::settle`].
    Settle,
    /// [`BlockStore::claim`].
    Claim,
    /// [`BlockStore::release`].
    Release,
}

/// What an operation did to the blobs of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Blobs named, each time anew.
    pub blobs: u64,
    /// Bytes handed over or asked for, whether or not the operation succeeded.
    pub bytes: u64,
}

/// How often each operation was started, and with what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    calls: BTreeMap<Operation, u64>,
    tallies: BTreeMap<(Operation, BlobKind), Tally>,
}

impl Counts {
    /// Calls of one operation. A sync of several blobs is one call.
    #[must_use]
    pub fn calls(&self, operation: Operation) -> u64 {
        self.calls.get(&operation).copied().unwrap_or(0)
    }

    /// What one operation did to the blobs of one kind.
    #[must_use]
    pub fn of(&self, operation: Operation, kind: BlobKind) -> Tally {
        self.tallies
            .get(&(operation, kind))
            .copied()
            .unwrap_or_default()
    }

    /// Bytes of one operation over all kinds.
    #[must_use]
    pub fn bytes(&self, operation: Operation) -> u64 {
        BlobKind::ALL
            .iter()
            .map(|kind| self.of(operation, *kind).bytes)
            .sum()
    }

    /// Calls of all operations.
    #[must_use]
    pub fn total_calls(&self) -> u64 {
        self.calls.values().sum()
    }

    /// What was added since `earlier`, a snapshot of the same store without a
    /// reset in between.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut added = self.clone();
        for (operation, calls) in &mut added.calls {
            *calls = calls.saturating_sub(earlier.calls(*operation));
        }
        for ((operation, kind), tally) in &mut added.tallies {
            let before = earlier.of(*operation, *kind);
            tally.blobs = tally.blobs.saturating_sub(before.blobs);
            tally.bytes = tally.bytes.saturating_sub(before.bytes);
        }
        added
    }

    fn call(&mut self, operation: Operation) {
        *self.calls.entry(operation).or_default() += 1;
    }

    fn blob(&mut self, operation: Operation, kind: BlobKind, bytes: usize) {
        let tally = self.tallies.entry((operation, kind)).or_default();
        tally.blobs += 1;
        tally.bytes += bytes as u64;
    }
}

/// A store that counts the operations started on the one it wraps.
#[derive(Debug, Default)]
pub struct CountingStore<S> {
    inner: S,
    counts: Mutex<Counts>,
}

impl<S> CountingStore<S> {
    /// Counts what is done to `inner` from now on.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            counts: Mutex::default(),
        }
    }

    /// The wrapped store. What is done to it directly is not counted.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// The counts so far.
    pub fn snapshot(&self) -> Counts {
        self.counts().clone()
    }

    /// The counts so far; counting starts again from nothing.
    pub fn reset(&self) -> Counts {
        std::mem::take(&mut *self.counts())
    }

    // A panic of another test thread leaves whole numbers behind, so a poisoned
    // lock is entered as it is.
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, operation: Operation, blob: BlobId, bytes: usize) {
        let mut counts = self.counts();
        counts.call(operation);
        counts.blob(operation, blob.kind, bytes);
    }
}

impl<S: BlockStore> BlockStore for CountingStore<S> {
    type Error = S::Error;

    fn geometry(&self) -> Geometry {
        self.inner.geometry()
    }

    async fn list(&self, log: LogId) -> Result<Vec<BlobId>, S::Error> {
        self.counts().call(Operation::List);
        self.inner.list(log).await
    }

    async fn read(&self, blob: BlobId, position: u64, buf: &mut [u8]) -> Result<(), S::Error> {
        self.count(Operation::Read, blob, buf.len());
        self.inner.read(blob, position, buf).await
    }

    async fn append(&self, blob: BlobId, position: u64, bytes: Bytes) -> Result<(), S::Error> {
        self.count(Operation::Append, blob, bytes.len());
        self.inner.append(blob, position, bytes).await
    }

    async fn sync(&self, blobs: &[BlobId]) -> Result<(), S::Error> {
        {
            let mut counts = self.counts();
            counts.call(Operation::Sync);
            for blob in blobs {
                counts.blob(Operation::Sync, blob.kind, 0);
            }
        }
        self.inner.sync(blobs).await
    }

    async fn seal(&self, blob: BlobId) -> Result<(), S::Error> {
        self.count(Operation::Seal, blob, 0);
        self.inner.seal(blob).await
    }

    async fn remove(&self, blob: BlobId) -> Result<(), S::Error> {
        self.count(Operation::Remove, blob, 0);
        self.inner.remove(blob).await
    }

    async fn sync_removals(&self, log: LogId) -> Result<(), S::Error> {
        self.counts().call(Operation::SyncRemovals);
        self.inner.sync_removals(log).await
    }

    async fn settle(&self, blob: BlobId) -> Result<u64, S::Error> {
        self.count(Operation::Settle, blob, 0);
        self.inner.settle(blob).await
    }

    async fn claim(&self, log: LogId, at_least: u64) -> Result<u64, S::Error> {
        self.counts().call(Operation::Claim);
        self.inner.claim(log, at_least).await
    }

    fn release(&self, log: LogId) {
        self.counts().call(Operation::Release);
        self.inner.release(log);
    }
}

#[cfg(test)]
mod tests {
    use tidelog_core::{BlobId, BlobKind, BlockStore, Bytes, LogId, MemoryStore, Threads};

    use super::{CountingStore, Operation, Tally};
    use crate::block_on::block_on;

    #[test]
    fn counts_calls_blobs_and_bytes_by_kind() {
        let store = CountingStore::new(MemoryStore::<Threads>::new());
        let segment = BlobId {
            log: LogId(1),
            kind: BlobKind::Segment,
            number: 1,
        };
        let mask = BlobId {
            kind: BlobKind::Mask,
            ..segment
        };
        block_on(async {
            store
                .append(segment, 0, Bytes::from(vec![1; 10]))
                .await
                .unwrap();
            let before = store.snapshot();
            store
                .append(segment, 10, Bytes::from(vec![2; 5]))
                .await
                .unwrap();
            store
                .append(mask, 0, Bytes::from(vec![3; 3]))
                .await
                .unwrap();
            store.sync(&[segment, mask]).await.unwrap();
            store.read(segment, 0, &mut [0; 15]).await.unwrap();
            assert!(store.read(mask, 0, &mut [0; 4]).await.is_err());

            let added = store.snapshot().since(&before);
            assert_eq!(added.calls(Operation::Append), 2);
            assert_eq!(
                added.of(Operation::Append, BlobKind::Segment),
                Tally { blobs: 1, bytes: 5 }
            );
            assert_eq!(added.bytes(Operation::Append), 8);
            assert_eq!(added.calls(Operation::Sync), 1);
            assert_eq!(added.of(Operation::Sync, BlobKind::Mask).blobs, 1);
            assert_eq!(added.bytes(Operation::Read), 19);
            assert_eq!(added.total_calls(), 5);
        });
        assert_eq!(store.reset().calls(Operation::Append), 3);
        assert_eq!(store.snapshot().total_calls(), 0);
    }
}
