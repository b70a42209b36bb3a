//! Owns counting what it costs to open a log, as operations of the store. May not
//! change the outcome of any.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde::Serialize;
use tidelog::blocking::{Log, Logs};
use tidelog::{BlobId, BlockStore, Bytes, FileStore, FsError, Geometry, LogId, SystemHost};

use crate::args::Shared;
use crate::error::Failure;

/// What opening a log took: directory, catalog and the log itself. Reads are those
/// tried, whatever came of them; bytes are those that came.
#[derive(Serialize)]
pub struct Opening {
    seconds: f64,
    lists: u64,
    reads: u64,
    bytes_read: u64,
}

impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seconds,
            lists,
            reads,
            bytes_read,
        } = self;
        write!(
            f,
            "{seconds:.6} s, {lists} lists, {reads} reads, {bytes_read} bytes read"
        )
    }
}

/// The log `name`, to read beside its writer, and what it took to open it.
///
/// # Errors
/// There is no such log, or it cannot be read.
pub fn to_read(shared: &Shared, name: &str) -> Result<(Log<Counted>, Opening), Failure> {
    let begun = Instant::now();
    let store = Counted {
        inner: FileStore::open_read_only(&shared.dir)?,
        lists: AtomicU64::new(0),
        reads: AtomicU64::new(0),
        bytes_read: AtomicU64::new(0),
    };
    let logs = Logs::over(store, Arc::new(SystemHost));
    let log = logs.log(name).read_only(true).open()?;
    let seconds = begun.elapsed().as_secs_f64();
    let store = logs.as_async().store();
    let opening = Opening {
        seconds,
        lists: store.lists.load(Ordering::Relaxed),
        reads: store.reads.load(Ordering::Relaxed),
        bytes_read: store.bytes_read.load(Ordering::Relaxed),
    };
    Ok((log, opening))
}

/// A file store whose looks at the storage are counted.
pub struct Counted {
    inner: FileStore,
    lists: AtomicU64,
    reads: AtomicU64,
    bytes_read: AtomicU64,
}

impl BlockStore for Counted {
    type Error = FsError;

    fn geometry(&self) -> Geometry {
        self.inner.geometry()
    }

    async fn list(&self, log: LogId) -> Result<Vec<BlobId>, FsError> {
        self.lists.fetch_add(1, Ordering::Relaxed);
        self.inner.list(log).await
    }

    async fn read(&self, blob: BlobId, position: u64, buf: &mut [u8]) -> Result<(), FsError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.read(blob, position, buf).await?;
        self.bytes_read
            .fetch_add(buf.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    async fn append(&self, blob: BlobId, position: u64, bytes: Bytes) -> Result<(), FsError> {
        self.inner.append(blob, position, bytes).await
    }

    async fn sync(&self, blobs: &[BlobId]) -> Result<(), FsError> {
        self.inner.sync(blobs).await
    }

    async fn seal(&self, blob: BlobId) -> Result<(), FsError> {
        self.inner.seal(blob).await
    }

    async fn remove(&self, blob: BlobId) -> Result<(), FsError> {
        self.inner.remove(blob).await
    }

    async fn sync_removals(&self, log: LogId) -> Result<(), FsError> {
        self.inner.sync_removals(log).await
    }

    async fn settle(&self, blob: BlobId) -> Result<u64, FsError> {
        self.inner.settle(blob).await
    }

    async fn claim(&self, log: LogId, at_least: u64) -> Result<u64, FsError> {
        self.inner.claim(log, at_least).await
    }

    fn release(&self, log: LogId) {
        self.inner.release(log);
    }
}
