//! Owns where the bytes of a vector are, and changing them behind a log's back.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;
use tidelog_core::{BlobId, BlockStore, MemoryStore, StoreError, Threads};
use tidelog_fs::FileStore;

use super::futures::now;

/// A place for blobs, empty at first.
pub trait Medium: Sized {
    /// The store over it.
    type Store: BlockStore<Error: StoreError + Send + Sync> + Send + Sync + 'static;

    /// A new one.
    ///
    /// # Errors
    /// When the system refuses it.
    fn fresh() -> io::Result<Self>;

    /// A store over what is there, as a new process opens it.
    ///
    /// # Errors
    /// When the system refuses it.
    fn store(&self) -> io::Result<Self::Store>;

    /// The first `length` bytes of a blob.
    ///
    /// # Errors
    /// When they cannot be read.
    fn read(&self, blob: BlobId, length: usize) -> io::Result<Vec<u8>>;

    /// Makes `bytes` all there is of a blob; nothing of it for `None`.
    ///
    /// # Errors
    /// When they cannot be written.
    fn replace(&self, blob: BlobId, bytes: Option<&[u8]>) -> io::Result<()>;
}

/// Memory.
pub struct Memory(Arc<MemoryStore<Threads>>);

impl Medium for Memory {
    type Store = Arc<MemoryStore<Threads>>;

    fn fresh() -> io::Result<Self> {
        Ok(Self(Arc::new(MemoryStore::new())))
    }

    fn store(&self) -> io::Result<Self::Store> {
        Ok(Arc::clone(&self.0))
    }

    fn read(&self, blob: BlobId, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        now(self.0.read(blob, 0, &mut bytes)).map_err(io::Error::other)?;
        Ok(bytes)
    }

    fn replace(&self, blob: BlobId, bytes: Option<&[u8]>) -> io::Result<()> {
        now(self.0.remove(blob)).map_err(io::Error::other)?;
        let Some(bytes) = bytes else { return Ok(()) };
        now(self.0.append(blob, 0, bytes.to_vec().into())).map_err(io::Error::other)
    }
}

/// A directory of files.
pub struct Files(TempDir);

impl Files {
    fn path(&self, blob: BlobId) -> PathBuf {
        let folder = self.0.path().join(format!("log-{}", blob.log));
        folder.join(format!("{}-{}", blob.kind.as_str(), blob.number))
    }
}

impl Medium for Files {
    type Store = FileStore;

    fn fresh() -> io::Result<Self> {
        // Where there is memory to be had: these tests are of behaviour, not of disks.
        let shared = std::path::Path::new("/dev/shm");
        let built = tempfile::Builder::new()
            .prefix("tidelog-vectors-")
            .tempdir_in(shared);
        built.or_else(|_| tempfile::tempdir()).map(Self)
    }

    fn store(&self) -> io::Result<FileStore> {
        FileStore::create(self.0.path()).map_err(io::Error::other)
    }

    fn read(&self, blob: BlobId, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = fs::read(self.path(blob))?;
        bytes.truncate(length);
        Ok(bytes)
    }

    fn replace(&self, blob: BlobId, bytes: Option<&[u8]>) -> io::Result<()> {
        match bytes {
            Some(bytes) => fs::write(self.path(blob), bytes),
            None => fs::remove_file(self.path(blob)),
        }
    }
}
