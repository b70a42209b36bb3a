//! Owns the store in which images are made: in memory, of the geometry asked for,
//! with blobs that outlive their removal where a crash could have brought them back.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tidelog_core::{
    BlobId, BlockStore, Bytes, Geometry, LogId, MemoryError, MemoryStore, StoreError,
};

use crate::block_on::block_on;

/// How the store behaves.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Nature {
    /// Appends are atomic, so a manifest has one copy.
    pub(super) atomic: bool,
    /// Removals are undone, as by a crash before they were synced.
    pub(super) undone_removals: bool,
}

/// The store.
pub(super) struct ImageStore {
    memory: MemoryStore,
    nature: Nature,
}

impl ImageStore {
    pub(super) fn new(nature: Nature) -> Self {
        Self {
            memory: MemoryStore::new(),
            nature,
        }
    }

    /// Every blob of `log`, by its file in the file store's layout.
    pub(super) fn files(&self, log: LogId) -> BTreeMap<PathBuf, Vec<u8>> {
        let blobs = block_on(self.memory.list(log)).unwrap_or_default();
        blobs
            .into_iter()
            .map(|blob| {
                let name = format!("log-{log}/{}-{}", blob.kind.as_str(), blob.number);
                (name.into(), self.whole(blob))
            })
            .collect()
    }

    fn whole(&self, blob: BlobId) -> Vec<u8> {
        // Asking for more than there is tells how much there is.
        let mut bytes = vec![0; 1 << 20];
        if let Err(error) = block_on(self.memory.read(blob, 0, &mut bytes)) {
            let length = error.available().unwrap_or(0);
            bytes.truncate(usize::try_from(length).unwrap_or(0));
        }
        block_on(self.memory.read(blob, 0, &mut bytes)).expect("the blob is that long");
        bytes
    }
}

impl BlockStore for ImageStore {
    type Error = MemoryError;

    fn geometry(&self) -> Geometry {
        Geometry {
            atomic_append: self.nature.atomic,
            ..self.memory.geometry()
        }
    }

    async fn list(&self, log: LogId) -> Result<Vec<BlobId>, MemoryError> {
        self.memory.list(log).await
    }

    async fn read(&self, blob: BlobId, position: u64, buf: &mut [u8]) -> Result<(), MemoryError> {
        self.memory.read(blob, position, buf).await
    }

    async fn append(&self, blob: BlobId, position: u64, bytes: Bytes) -> Result<(), MemoryError> {
        self.memory.append(blob, position, bytes).await
    }

    async fn sync(&self, blobs: &[BlobId]) -> Result<(), MemoryError> {
        self.memory.sync(blobs).await
    }

    async fn seal(&self, blob: BlobId) -> Result<(), MemoryError> {
        self.memory.seal(blob).await
    }

    async fn remove(&self, blob: BlobId) -> Result<(), MemoryError> {
        if self.nature.undone_removals {
            return Ok(());
        }
        self.memory.remove(blob).await
    }

    async fn sync_removals(&self, log: LogId) -> Result<(), MemoryError> {
        self.memory.sync_removals(log).await
    }

    async fn settle(&self, blob: BlobId) -> Result<u64, MemoryError> {
        self.memory.settle(blob).await
    }

    async fn claim(&self, log: LogId, at_least: u64) -> Result<u64, MemoryError> {
        self.memory.claim(log, at_least).await
    }

    fn release(&self, log: LogId) {
        self.memory.release(log);
    }
}
