//! Owns [`FileStore`]: which parts of the crate each store operation goes through.
//! Nothing here waits, so every future is done at its first poll.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use tidelog_core::{BlobId, BlockStore, Bytes, Geometry, LogId};

use crate::claims::Claims;
use crate::directory;
use crate::error::{DirectoryError, FsError, Operation, Reason};
use crate::folders::Folders;
use crate::layout::{self, Layout};
use crate::options::FileOptions;
use crate::readers::Readers;
use crate::tail::Tail;
use crate::tails::Tails;

/// A store whose blobs are files in a directory.
///
/// It may be shared between threads. Several processes may have one directory
/// open; each log has one writer among them at a time.
#[derive(Debug)]
pub struct FileStore {
    layout: Layout,
    read_only: bool,
    claims: Claims,
    folders: Folders,
    tails: Tails,
    readers: Readers,
}

impl FileStore {
    /// Opens an existing directory for writing.
    ///
    /// # Errors
    /// [`DirectoryError`]: it is missing, not a tidelog directory, of a newer
    /// format, or the system refused.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, DirectoryError> {
        Self::open_with(directory, FileOptions::default())
    }

    /// Opens a directory for writing, after creating it if it is missing or
    /// empty. A new directory is durable on return.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn create(directory: impl Into<PathBuf>) -> Result<Self, DirectoryError> {
        let options = FileOptions {
            create_if_missing: true,
            ..FileOptions::default()
        };
        Self::open_with(directory, options)
    }

    /// Opens an existing directory for reading. Nothing is ever written.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn open_read_only(directory: impl Into<PathBuf>) -> Result<Self, DirectoryError> {
        let options = FileOptions {
            read_only: true,
            ..FileOptions::default()
        };
        Self::open_with(directory, options)
    }

    /// Opens a directory as `options` say.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn open_with(
        directory: impl Into<PathBuf>,
        options: FileOptions,
    ) -> Result<Self, DirectoryError> {
        let root = directory.into();
        directory::open(&root, &options)?;
        Ok(Self {
            layout: Layout::new(root),
            read_only: options.read_only,
            claims: Claims::new(options.locks),
            folders: Folders::default(),
            tails: Tails::new(options.open_files),
            readers: Readers::new(options.open_files),
        })
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.layout.root()
    }

    /// Does something to the growing end of a blob. Where its log can be taken
    /// over, that is looked for before, so that nothing of the newer writer is
    /// written over, and after, so that nothing it did not see is acknowledged.
    fn change<R>(
        &self,
        operation: Operation,
        blob: BlobId,
        change: impl FnOnce(&mut Tail) -> Result<R, Reason>,
    ) -> Result<R, FsError> {
        let outcome = self.writable(blob.log).and_then(|()| {
            let changed = self.tails.with(&self.layout, blob, change)?;
            self.claims.check(&self.layout, blob.log)?;
            Ok(changed)
        });
        outcome.map_err(|reason| reason.at(operation, &self.layout.blob(blob)))
    }

    fn writable(&self, log: LogId) -> Result<(), Reason> {
        if self.read_only {
            return Err(Reason::OpenedReadOnly);
        }
        self.claims.check(&self.layout, log)
    }

    /// Makes the names of blobs in `log` durable; a failure stays with them.
    fn name(&self, log: LogId, blobs: &[BlobId]) -> Result<(), FsError> {
        let named = self.folders.sync(&self.layout, log);
        for blob in blobs.iter().filter(|blob| blob.log == log) {
            self.tails.with(&self.layout, *blob, |tail| match named {
                Ok(()) => tail.set_named(),
                Err(_) => tail.set_failed(),
            });
        }
        named.map_err(|(path, reason)| reason.at(Operation::Sync, &path))
    }
}

impl BlockStore for FileStore {
    type Error = FsError;

    fn geometry(&self) -> Geometry {
        Geometry {
            atomic_append: false,
            blast_radius: 0,
            longest_blob: i64::MAX.cast_unsigned(),
            appends_max: 0,
            cheap_append: 0,
        }
    }

    async fn list(&self, log: LogId) -> Result<Vec<BlobId>, FsError> {
        let folder = self.layout.folder(log);
        match entries(log, &folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            listed => listed.map_err(|error| Reason::from(error).at(Operation::List, &folder)),
        }
    }

    async fn read(&self, blob: BlobId, position: u64, buf: &mut [u8]) -> Result<(), FsError> {
        let refused = |reason: Reason| reason.at(Operation::Read, &self.layout.blob(blob));
        let file = match self.readers.get(blob) {
            Some(file) => file,
            None => self
                .readers
                .open(blob, &self.layout.blob(blob))
                .map_err(refused)?,
        };
        // The system takes no larger position; no blob is that long.
        let available = if position > self.geometry().longest_blob {
            0
        } else {
            file.read_at(position, buf)
                .map_err(|error| refused(error.into()))?
        };
        if available < buf.len() {
            let available = available as u64;
            return Err(refused(Reason::PastEnd { available }));
        }
        Ok(())
    }

    async fn append(&self, blob: BlobId, position: u64, bytes: Bytes) -> Result<(), FsError> {
        self.change(Operation::Append, blob, |tail| {
            tail.append(position, &bytes)
        })
    }

    async fn sync(&self, blobs: &[BlobId]) -> Result<(), FsError> {
        let mut unnamed = Vec::new();
        for blob in blobs {
            let named = self.change(Operation::Sync, *blob, |tail| {
                tail.sync()?;
                Ok(tail.is_named())
            })?;
            if !named {
                unnamed.push(*blob);
            }
        }
        let logs: BTreeSet<LogId> = unnamed.iter().map(|blob| blob.log).collect();
        for log in logs {
            self.name(log, &unnamed)?;
            let checked = self.claims.check(&self.layout, log);
            checked.map_err(|reason| reason.at(Operation::Sync, &self.layout.folder(log)))?;
        }
        Ok(())
    }

    async fn seal(&self, blob: BlobId) -> Result<(), FsError> {
        // A newer writer might be appending behind the end this one knows.
        if self.claims.can_be_lost(blob.log) || self.tails.appended(blob).is_none() {
            return Ok(());
        }
        self.change(Operation::Seal, blob, Tail::shrink)
    }

    async fn remove(&self, blob: BlobId) -> Result<(), FsError> {
        self.change(Operation::Remove, blob, |_| {
            match fs::remove_file(self.layout.blob(blob)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
            self.readers.forget(blob);
            Ok(())
        })?;
        self.tails.forget(blob);
        Ok(())
    }

    async fn sync_removals(&self, log: LogId) -> Result<(), FsError> {
        let folder = self.layout.folder(log);
        let refused = |reason: Reason| reason.at(Operation::Sync, &folder);
        self.writable(log).map_err(refused)?;
        if folder.exists() {
            self.name(log, &[])?;
        }
        self.claims.check(&self.layout, log).map_err(refused)
    }

    async fn settle(&self, blob: BlobId) -> Result<u64, FsError> {
        Ok(self.tails.appended(blob).unwrap_or(0))
    }

    async fn claim(&self, log: LogId, at_least: u64) -> Result<u64, FsError> {
        if self.read_only {
            let folder = self.layout.folder(log);
            return Err(Reason::OpenedReadOnly.at(Operation::Claim, &folder));
        }
        self.claims.claim(&self.layout, log, at_least)
    }

    fn release(&self, log: LogId) {
        // The next writer, even through this store, knows nothing of this one.
        self.tails.forget_log(log);
        self.folders.forget(log);
        self.claims.release(log);
    }
}

fn entries(log: LogId, folder: &Path) -> io::Result<Vec<BlobId>> {
    let mut blobs = Vec::new();
    for entry in fs::read_dir(folder)? {
        blobs.extend(layout::parse(log, &entry?.file_name()));
    }
    Ok(blobs)
}

#[cfg(test)]
mod tests {
    use tidelog_core::{BlobId, BlobKind, BlockStore, ErrorKind, LogId, StoreError};
    use tidelog_testkit::block_on::block_on;

    use super::FileStore;
    use crate::error::Operation;
    use crate::options::{FileOptions, Locks};

    const BLOB: BlobId = BlobId {
        log: LogId(1),
        kind: BlobKind::Segment,
        number: 1,
    };

    #[test]
    fn an_append_during_a_takeover_is_not_acknowledged() {
        let scratch = tempfile::tempdir().unwrap();
        let options = FileOptions {
            create_if_missing: true,
            locks: Locks::EpochFiles,
            ..FileOptions::default()
        };
        let open = || FileStore::open_with(scratch.path(), options).unwrap();
        let (old, new) = (open(), open());
        block_on(old.claim(BLOB.log, 1)).unwrap();
        let outcome = old.change(Operation::Append, BLOB, |tail| {
            tail.append(0, b"late")?;
            block_on(new.claim(BLOB.log, 1)).unwrap();
            Ok(())
        });
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Fenced);
    }

    #[test]
    fn no_position_is_too_far_to_be_out_of_range() {
        let scratch = tempfile::tempdir().unwrap();
        let store = FileStore::create(scratch.path()).unwrap();
        block_on(store.append(BLOB, 0, b"bytes".to_vec().into())).unwrap();
        for position in [i64::MAX.cast_unsigned() + 1, u64::MAX] {
            let error = block_on(store.read(BLOB, position, &mut [0])).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::OutOfRange, "{error}");
            assert_eq!(error.available(), Some(0));
        }
    }
}
