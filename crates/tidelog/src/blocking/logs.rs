//! Owns the blocking handle of a store's logs.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tidelog_core::{BackedUp, BlockStore, CheckError, ErrorKind, Host, Imported, Report, Salvage};
use tidelog_fs::{DirectoryError, FileStore};

use super::Log;
use super::wait::wait;
use crate::{
    BackupLogError, FindError, FromReader, ImportLogError, LogBuilder, MemoryStore, NamesError,
    OpenLogError, RecoverLogError,
};

/// How long to wait for another process or thread that adds a name. It holds the
/// catalog for a few writes and a sync.
const CATALOG_PATIENCE: Duration = Duration::from_secs(5);

/// The logs of one store, by name, for threads that wait. See [`crate::Logs`].
pub struct Logs<S = FileStore>(crate::Logs<S>);

impl<S> Clone for Logs<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl Logs<FileStore> {
    /// See [`crate::Logs::open`].
    ///
    /// # Errors
    /// See there.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, DirectoryError> {
        crate::Logs::open(dir).map(Self)
    }

    /// See [`crate::Logs::create`].
    ///
    /// # Errors
    /// See there.
    pub fn create(dir: impl AsRef<Path>) -> Result<Self, DirectoryError> {
        crate::Logs::create(dir).map(Self)
    }

    /// See [`crate::Logs::open_read_only`].
    ///
    /// # Errors
    /// See there.
    pub fn open_read_only(dir: impl AsRef<Path>) -> Result<Self, DirectoryError> {
        crate::Logs::open_read_only(dir).map(Self)
    }
}

impl Logs<MemoryStore> {
    /// See [`crate::Logs::memory`].
    #[must_use]
    pub fn memory() -> Self {
        Self(crate::Logs::memory())
    }
}

impl<S: BlockStore> Logs<S> {
    /// See [`crate::Logs::over`]. A store that is not synchronous must be driven
    /// by a thread of its own.
    #[must_use]
    pub fn over(store: S, host: Arc<dyn Host>) -> Self {
        Self(crate::Logs::over(store, host))
    }

    /// The same logs, for async code.
    #[must_use]
    pub fn as_async(&self) -> &crate::Logs<S> {
        &self.0
    }

    /// Begins to open the log `name`.
    pub fn log<'a>(&'a self, name: &'a str) -> LogBuilder<'a, Self> {
        LogBuilder::new(self, name)
    }

    /// See [`crate::Logs::names`].
    ///
    /// # Errors
    /// See there.
    pub fn names(&self) -> Result<Vec<String>, NamesError<S::Error>> {
        wait(self.0.names())
    }

    /// See [`crate::Logs::check_catalog`].
    ///
    /// # Errors
    /// See there.
    pub fn check_catalog(&self) -> Result<Report, CheckError<S::Error>> {
        wait(self.0.check_catalog())
    }

    /// See [`crate::Logs::recover_catalog`].
    ///
    /// # Errors
    /// See there.
    pub fn recover_catalog(&self) -> Result<Salvage, CheckError<S::Error>> {
        wait(self.0.recover_catalog())
    }

    /// See [`crate::Logs::back_up`].
    ///
    /// # Errors
    /// See there.
    pub fn back_up<T: BlockStore>(
        &self,
        name: &str,
        log: &Log<T>,
    ) -> Result<BackedUp, BackupLogError<T::Error, S::Error>> {
        wait(self.0.back_up(name, log.as_async()))
    }

    /// See [`crate::Logs::import`]. The reader need not be buffered.
    ///
    /// # Errors
    /// See there.
    pub fn import(
        &self,
        name: &str,
        reader: impl Read,
    ) -> Result<Imported, ImportLogError<S::Error>> {
        wait(self.0.import(name, &mut FromReader(reader)))
    }

    /// See [`crate::Logs::recover`].
    ///
    /// # Errors
    /// See there.
    pub fn recover(&self, name: &str) -> Result<Salvage, RecoverLogError<S::Error>> {
        wait(self.0.recover(name))
    }
}

impl<S: BlockStore> LogBuilder<'_, Logs<S>> {
    /// Opens the log. If another thread or process is adding a name to the
    /// catalog, waits up to five seconds for it.
    ///
    /// # Errors
    /// See [`LogBuilder::open`](LogBuilder#method.open).
    pub fn open(self) -> Result<Log<S>, OpenLogError<S::Error>> {
        let patience = Instant::now() + CATALOG_PATIENCE;
        loop {
            match wait(self.over(&self.logs.0).open()) {
                Err(OpenLogError::Find(FindError::Catalog { source, .. }))
                    if source.kind() == ErrorKind::Locked && Instant::now() < patience =>
                {
                    thread::sleep(Duration::from_millis(2));
                }
                opened => return opened.map(Log::over),
            }
        }
    }
}
