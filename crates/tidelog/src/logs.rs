//! Owns a store together with its catalog: the place where logs are found by
//! name. May not map names itself: the catalog of the engine does.

use std::path::Path;
use std::sync::Arc;

use tidelog_core::{
    Access, BackedUp, BlockStore, Catalog, CatalogError, CheckError, Host, Import, ImportSource,
    Imported, LogId, OpenError, Options, Report, Salvage, Threads, check_name, recover,
};
use tidelog_fs::{DirectoryError, FileStore};

use crate::{
    BackupLogError, FindError, ImportLogError, Log, LogBuilder, MemoryStore, NamesError,
    OpenLogError, RecoverLogError, StreamError, SystemHost,
};

/// The logs of one store, by name. Cheap to clone.
///
/// Names are UTF-8 of 1 to [`NAME_MAX`](crate::limits::NAME_MAX) bytes without
/// control characters. They never become file names: `..` is a name like any
/// other, and names that differ only in case are different.
pub struct Logs<S = FileStore> {
    store: Arc<S>,
    host: Arc<dyn Host>,
}

impl<S> Clone for Logs<S> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            host: Arc::clone(&self.host),
        }
    }
}

impl Logs<FileStore> {
    /// The logs in the directory `dir`, which must be one of tidelog's.
    ///
    /// # Errors
    /// `not-found` if there is no such directory, `invalid` if something else
    /// keeps its files there, `unsupported` if a newer version made it.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, DirectoryError> {
        FileStore::open(dir.as_ref()).map(Self::of_system)
    }

    /// The logs in the directory `dir`, which becomes one of tidelog's if it is
    /// missing or empty.
    ///
    /// # Errors
    /// As for [`open`](Self::open), and `read-only` if it cannot be created.
    pub fn create(dir: impl AsRef<Path>) -> Result<Self, DirectoryError> {
        FileStore::create(dir.as_ref()).map(Self::of_system)
    }

    /// The logs in the directory `dir`, to read them and nothing else. Nothing is
    /// ever written there, not even a lock file.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn open_read_only(dir: impl AsRef<Path>) -> Result<Self, DirectoryError> {
        FileStore::open_read_only(dir.as_ref()).map(Self::of_system)
    }

    fn of_system(store: FileStore) -> Self {
        Self::over(store, Arc::new(SystemHost))
    }
}

impl Logs<MemoryStore> {
    /// No logs yet, in a store that ends with this process.
    #[must_use]
    pub fn memory() -> Self {
        Self::over(MemoryStore::new(), Arc::new(SystemHost))
    }
}

impl<S: BlockStore> Logs<S> {
    /// The logs of any store, with the clock and the randomness of `host`.
    #[must_use]
    pub fn over(store: S, host: Arc<dyn Host>) -> Self {
        Self {
            store: Arc::new(store),
            host,
        }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Begins to open the log `name`.
    pub fn log<'a>(&'a self, name: &'a str) -> LogBuilder<'a, Self> {
        LogBuilder::new(self, name)
    }

    /// The names of all logs, sorted.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub async fn names(&self) -> Result<Vec<String>, NamesError<S::Error>> {
        Ok(self.catalog(Access::Read).await?.names())
    }

    /// Salvages the damaged log `name`: see [`recover`].
    ///
    /// # Errors
    /// `not-found` if there is no such log, `locked` if it has a writer.
    pub async fn recover(&self, name: &str) -> Result<Salvage, RecoverLogError<S::Error>> {
        let id = self.find(name).await?;
        recover::<S, Threads>(&self.store, id, Arc::clone(&self.host))
            .await
            .map_err(|source| RecoverLogError::Recover {
                name: name.to_owned(),
                source,
            })
    }

    /// Checks the catalog, as [`Log::check`](tidelog_core::Log::check) does a log. A
    /// store without logs has none to check.
    ///
    /// # Errors
    /// As there, and `corrupt` if it cannot even be opened.
    pub async fn check_catalog(&self) -> Result<Report, CheckError<S::Error>> {
        let (options, host) = (Options::read_only(), Arc::clone(&self.host));
        let opened =
            tidelog_core::Log::<&S, Threads>::open(&*self.store, LogId::CATALOG, options, host);
        match opened.await {
            Ok(catalog) => catalog.check().await,
            Err(OpenError::NotFound(_)) => Ok(Report::default()),
            Err(error) => Err(CheckError::Open(error)),
        }
    }

    /// Salvages the damaged catalog, without which no log can be found.
    ///
    /// # Errors
    /// As for [`recover`](tidelog_core::recover()).
    pub async fn recover_catalog(&self) -> Result<Salvage, CheckError<S::Error>> {
        recover::<S, Threads>(&self.store, LogId::CATALOG, Arc::clone(&self.host)).await
    }

    /// Makes the log `name` of this store a backup of `log`, which is of another one and
    /// may be written to meanwhile: see [`Log::backup`](tidelog_core::Log::backup). A
    /// backup keeps the number of its log, so that logs of one store can be backed up
    /// into one other store.
    ///
    /// # Errors
    /// `exists` if the name, or the log's number, belongs to anything but an earlier
    /// backup of it here; `locked` if somebody writes to that; otherwise as there.
    pub async fn back_up<T: BlockStore>(
        &self,
        name: &str,
        log: &Log<T>,
    ) -> Result<BackedUp, BackupLogError<T::Error, S::Error>> {
        let id = log.id();
        // The catalog is not held for as long as copying takes.
        let catalog = self.catalog(Access::Write).await.map_err(refused(name))?;
        catalog.reserve(name, id).await.map_err(refused(name))?;
        catalog.close().await.map_err(refused(name))?;
        let done = log.backup(&*self.store).await;
        let done = done.map_err(|source| BackupLogError::Backup {
            name: name.to_owned(),
            source,
        })?;
        if self.find(name).await.is_err() {
            self.adopt(name, id).await?;
        }
        Ok(done)
    }

    /// Makes a new log `name` of what [`Log::export`](tidelog_core::Log::export) has
    /// written. It appears once everything was verified and is synced.
    ///
    /// # Errors
    /// `exists` if there is a log of this name; `corrupt` where the export is damaged or
    /// ends early. Nothing of it is left then.
    pub async fn import<R: ImportSource<Error = StreamError>>(
        &self,
        name: &str,
        source: &mut R,
    ) -> Result<Imported, ImportLogError<S::Error>> {
        let failed = |source| ImportLogError::Import {
            name: name.to_owned(),
            source,
        };
        let import = Import::begin(source).await.map_err(failed)?;
        let catalog = self.catalog(Access::Write).await.map_err(refused(name))?;
        let id = catalog.reserve_new(name).await.map_err(refused(name))?;
        catalog.close().await.map_err(refused(name))?;
        let host = Arc::clone(&self.host);
        let filled = import.fill::<S, Threads>(&self.store, id, host).await;
        let imported = filled.map_err(failed)?;
        self.adopt(name, id).await?;
        Ok(imported)
    }

    /// Makes what was set aside for this name one of the logs.
    async fn adopt(&self, name: &str, id: LogId) -> Result<(), FindError<S::Error>> {
        let catalog = self.catalog(Access::Write).await.map_err(refused(name))?;
        catalog.adopt(name, id).await.map_err(refused(name))?;
        catalog.close().await.map_err(refused(name))
    }

    async fn catalog(
        &self,
        access: Access,
    ) -> Result<Catalog<Arc<S>, Threads>, CatalogError<S::Error>> {
        Catalog::open(Arc::clone(&self.store), access, Arc::clone(&self.host)).await
    }

    /// Opens the catalog anew for each look: another process may have added to it.
    async fn find(&self, name: &str) -> Result<LogId, FindError<S::Error>> {
        check_name(name)
            .map_err(CatalogError::Name)
            .map_err(refused(name))?;
        let catalog = self.catalog(Access::Read).await.map_err(refused(name))?;
        catalog.get(name).ok_or_else(|| FindError::NotFound {
            name: name.to_owned(),
        })
    }

    /// Adds the name, unless another handle did so in the meantime. The catalog's
    /// lock is held for that long only.
    async fn add(&self, name: &str, options: &Options) -> Result<LogId, FindError<S::Error>> {
        let catalog = self.catalog(Access::Write).await.map_err(refused(name))?;
        let id = match catalog.get(name) {
            Some(id) => id,
            None => catalog.create(name, options).await.map_err(refused(name))?,
        };
        catalog.close().await.map_err(refused(name))?;
        Ok(id)
    }
}

fn refused<E>(name: &str) -> impl FnOnce(CatalogError<E>) -> FindError<E> {
    let name = name.to_owned();
    |source| FindError::Catalog { name, source }
}

impl<S: BlockStore> LogBuilder<'_, Logs<S>> {
    /// Opens the log.
    ///
    /// # Errors
    /// `not-found` if there is none of this name and [`create`](Self::create) is
    /// off, `invalid` for a name or an option that cannot be, `locked` if another
    /// handle of any process writes to the log or is adding a name to the
    /// catalog, `corrupt` if it is damaged beyond what opening can repair.
    pub async fn open(self) -> Result<Log<S>, OpenLogError<S::Error>> {
        let Self {
            logs,
            name,
            create,
            options,
        } = self;
        let id = match logs.find(name).await {
            Err(FindError::NotFound { .. }) if create && options.access == Access::Write => {
                logs.add(name, &options).await?
            }
            found => found?,
        };
        // The catalog says that it exists, so an empty folder means that it is lost.
        let options = Options {
            existing: true,
            ..options
        };
        Log::open(Arc::clone(&logs.store), id, options, Arc::clone(&logs.host))
            .await
            .map_err(|source| OpenLogError::Open {
                name: name.to_owned(),
                source,
            })
    }
}
