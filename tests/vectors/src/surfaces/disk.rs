//! Owns the store between a log and its medium: it knows what was appended and what was
//! synced, so that a power cut can be imitated, and fails where it is told to.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidelog_core::{BlobId, BlockStore, Bytes, ErrorKind, Geometry, LogId, StoreError};

use crate::script::StoreOperation;

/// How much of a blob there is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extent {
    /// Bytes appended.
    pub length: u64,
    /// Of these, bytes synced.
    pub synced: u64,
}

/// What outlives the process: which blobs there are.
#[derive(Debug, Default)]
pub struct Memory {
    /// Each blob.
    pub blobs: BTreeMap<BlobId, Extent>,
    /// Operations that will fail, in this order.
    pub faults: VecDeque<(StoreOperation, ErrorKind)>,
}

/// Shared by every store of one vector.
pub type Shared = Arc<Mutex<Memory>>;

/// Enters it, also after a panic of another thread, which leaves it whole.
pub fn enter(shared: &Shared) -> MutexGuard<'_, Memory> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The store.
pub struct Disk<S> {
    inner: S,
    memory: Shared,
}

/// Why an operation failed.
#[derive(Debug)]
pub enum DiskError<E> {
    /// The medium says so.
    Medium(E),
    /// The script says so.
    Told(ErrorKind),
}

impl<E: StoreError> fmt::Display for DiskError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Medium(error) => fmt::Display::fmt(error, f),
            Self::Told(kind) => write!(f, "the script makes this fail as {kind}"),
        }
    }
}

impl<E: StoreError> std::error::Error for DiskError<E> {}

impl<E: StoreError> StoreError for DiskError<E> {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Medium(error) => error.kind(),
            Self::Told(kind) => *kind,
        }
    }

    fn available(&self) -> Option<u64> {
        match self {
            Self::Medium(error) => error.available(),
            Self::Told(_) => None,
        }
    }
}

impl<S: BlockStore> Disk<S> {
    /// A store over `inner` that remembers in `memory`.
    pub fn new(inner: S, memory: Shared) -> Self {
        Self { inner, memory }
    }

    fn told(&self, operation: StoreOperation) -> Result<(), DiskError<S::Error>> {
        let mut memory = enter(&self.memory);
        match memory.faults.front() {
            Some((wanted, kind)) if *wanted == operation => {
                let kind = *kind;
                memory.faults.pop_front();
                Err(DiskError::Told(kind))
            }
            _ => Ok(()),
        }
    }
}

impl<S: BlockStore> BlockStore for Disk<S> {
    type Error = DiskError<S::Error>;

    fn geometry(&self) -> Geometry {
        self.inner.geometry()
    }

    async fn list(&self, log: LogId) -> Result<Vec<BlobId>, Self::Error> {
        self.inner.list(log).await.map_err(DiskError::Medium)
    }

    async fn read(&self, blob: BlobId, position: u64, buf: &mut [u8]) -> Result<(), Self::Error> {
        self.told(StoreOperation::Read)?;
        let read = self.inner.read(blob, position, buf).await;
        read.map_err(DiskError::Medium)
    }

    async fn append(&self, blob: BlobId, position: u64, bytes: Bytes) -> Result<(), Self::Error> {
        self.told(StoreOperation::Append)?;
        let length = position + bytes.len() as u64;
        let appended = self.inner.append(blob, position, bytes).await;
        appended.map_err(DiskError::Medium)?;
        let mut memory = enter(&self.memory);
        let extent = memory.blobs.entry(blob).or_default();
        extent.length = length;
        extent.synced = extent.synced.min(position);
        Ok(())
    }

    async fn sync(&self, blobs: &[BlobId]) -> Result<(), Self::Error> {
        self.told(StoreOperation::Sync)?;
        self.inner.sync(blobs).await.map_err(DiskError::Medium)?;
        let mut memory = enter(&self.memory);
        for blob in blobs {
            if let Some(extent) = memory.blobs.get_mut(blob) {
                extent.synced = extent.length;
            }
        }
        Ok(())
    }

    async fn seal(&self, blob: BlobId) -> Result<(), Self::Error> {
        self.inner.seal(blob).await.map_err(DiskError::Medium)
    }

    async fn remove(&self, blob: BlobId) -> Result<(), Self::Error> {
        self.inner.remove(blob).await.map_err(DiskError::Medium)?;
        enter(&self.memory).blobs.remove(&blob);
        Ok(())
    }

    async fn sync_removals(&self, log: LogId) -> Result<(), Self::Error> {
        let synced = self.inner.sync_removals(log).await;
        synced.map_err(DiskError::Medium)
    }

    async fn settle(&self, blob: BlobId) -> Result<u64, Self::Error> {
        self.inner.settle(blob).await.map_err(DiskError::Medium)
    }

    async fn claim(&self, log: LogId, at_least: u64) -> Result<u64, Self::Error> {
        let claimed = self.inner.claim(log, at_least).await;
        claimed.map_err(DiskError::Medium)
    }

    fn release(&self, log: LogId) {
        self.inner.release(log);
    }
}
