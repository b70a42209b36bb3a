//! Owns the names of logs: a log of its own, under the reserved number 0, in which
//! each record says what became of a name. Nothing else maps names to logs.

mod error;
mod name;

pub use error::CatalogError;
pub use name::{NameError, check_name};

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::format::{CatalogEntry, LogState};
use crate::log::{Claim, Log, OpenError, validate};
use crate::sharing::{Local, Shared, Sharing};
use crate::store::{BlockStore, LogId};
use crate::{Access, At, Durability, Host, NewRecord, Options, ReadLimits};

/// The catalog of a store.
///
/// Open it for reading to look names up, and for writing as long as it takes to add
/// one: only one handle may have it open for writing.
pub struct Catalog<S: BlockStore, P: Sharing = Local> {
    /// `None` in a store without a catalog, opened for reading.
    log: Option<Log<S, P>>,
    host: Arc<dyn Host>,
    names: P::Cell<BTreeMap<String, CatalogEntry>>,
}

impl<S: BlockStore, P: Sharing> fmt::Debug for Catalog<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog")
            .field("names", &self.names())
            .finish()
    }
}

impl<S: BlockStore, P: Sharing> Catalog<S, P> {
    /// Opens the catalog and reads it. A store that has none has no logs.
    ///
    /// # Errors
    /// `locked` if another handle has it open for writing and this one would, too;
    /// otherwise as for opening and reading a log.
    pub async fn open(
        store: S,
        access: Access,
        host: Arc<dyn Host>,
    ) -> Result<Self, CatalogError<S::Error>> {
        let options = Options {
            access,
            durability: Some(Durability::Synced),
            ..Options::default()
        };
        let opened = Log::open(store, LogId::CATALOG, options, Arc::clone(&host)).await;
        let log = match opened {
            Ok(log) => Some(log),
            Err(OpenError::NotFound(_)) => None,
            Err(error) => return Err(CatalogError::Open(error)),
        };
        let names = match &log {
            Some(log) => read_names(log).await?,
            None => BTreeMap::new(),
        };
        Ok(Self {
            log,
            host,
            names: Shared::new(names),
        })
    }

    /// The names of all logs, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.names.read(|names| {
            let live = names
                .iter()
                .filter(|(_, entry)| entry.state == LogState::Live);
            live.map(|(name, _)| name.clone()).collect()
        })
    }

    /// The number of the log `name`, if there is one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<LogId> {
        let live = |entry: &&CatalogEntry| entry.state == LogState::Live;
        self.names
            .read(|names| names.get(name).filter(live).map(|entry| entry.id))
    }

    /// Adds a log with these settings. When this returns it exists, empty, and survives
    /// a power cut. A creation that was interrupted is completed.
    ///
    /// # Errors
    /// `invalid` if the name or an option is not allowed, `exists` if the name is taken,
    /// `read-only` if the catalog was opened for reading; otherwise as for appending to
    /// a log.
    pub async fn create(
        &self,
        name: &str,
        options: &Options,
    ) -> Result<LogId, CatalogError<S::Error>>
    where
        S: Clone,
    {
        check_name(name).map_err(CatalogError::Name)?;
        validate(options).map_err(CatalogError::Open)?;
        let Some(log) = &self.log else {
            return Err(CatalogError::ReadOnly);
        };
        let id = self.reserve_new(name).await?;
        let new = self.open_new(log.store(), id, options).await?;
        new.establish().await.map_err(CatalogError::Sync)?;
        new.close().await.map_err(CatalogError::Sync)?;
        self.complete(log, name, id).await
    }

    /// Sets a name aside, with a number of its own, for a log that is yet to be made.
    /// [`adopt`](Self::adopt) makes it one of the logs. What is set aside already keeps
    /// its number.
    ///
    /// # Errors
    /// `invalid` if the name is not allowed, `exists` if there is a log of this name;
    /// `read-only`; otherwise as for appending to a log.
    pub async fn reserve_new(&self, name: &str) -> Result<LogId, CatalogError<S::Error>> {
        check_name(name).map_err(CatalogError::Name)?;
        let Some(log) = &self.log else {
            return Err(CatalogError::ReadOnly);
        };
        match self.names.read(|names| names.get(name).copied()) {
            Some(entry) if entry.state == LogState::Live => {
                Err(CatalogError::Exists(name.to_string()))
            }
            Some(entry) if entry.state == LogState::Creating => Ok(entry.id),
            _ => self.set_aside(log, name, self.free_number(log)).await,
        }
    }

    /// Sets a name and a number aside for a log that is not here yet and has to keep its
    /// number, as a backup does. [`adopt`](Self::adopt) makes it one of the logs.
    ///
    /// # Errors
    /// `invalid` if the name is not allowed, `exists` if the name belongs to another
    /// number here, or the number to another name; `read-only`; otherwise as for
    /// appending to a log.
    pub async fn reserve(&self, name: &str, id: LogId) -> Result<(), CatalogError<S::Error>> {
        check_name(name).map_err(CatalogError::Name)?;
        let Some(log) = &self.log else {
            return Err(CatalogError::ReadOnly);
        };
        let (known, other) = self.names.read(|names| {
            let mut others = names.iter().filter(|(other, _)| *other != name);
            let other = others.find(|(_, entry)| entry.id == id);
            (
                names.get(name).copied(),
                other.map(|(other, _)| other.clone()),
            )
        });
        if let Some(other) = other {
            return Err(CatalogError::Taken { id, name: other });
        }
        match known {
            Some(entry) if entry.id == id => Ok(()),
            Some(entry) if entry.state != LogState::Removed => {
                Err(CatalogError::Exists(name.to_string()))
            }
            _ => self.set_aside(log, name, id).await.map(drop),
        }
    }

    /// Makes the log for which `name` was [set aside](Self::reserve) one of the logs.
    ///
    /// # Errors
    /// As for [`reserve`](Self::reserve).
    pub async fn adopt(&self, name: &str, id: LogId) -> Result<(), CatalogError<S::Error>> {
        self.reserve(name, id).await?;
        let Some(log) = &self.log else {
            return Err(CatalogError::ReadOnly);
        };
        match self.get(name) {
            Some(_) => Ok(()),
            None => self.complete(log, name, id).await.map(drop),
        }
    }

    /// Removes the log `name`, with everything in it, for ever. It is gone for everybody
    /// with one record; its space comes back before this returns. What a crash in between
    /// leaves goes when the name is removed again, which is then `not-found`.
    ///
    /// # Errors
    /// `not-found` if there is no such log; `locked` if it has a writer; `read-only`;
    /// otherwise as for appending to a log, and the store's own.
    pub async fn remove(&self, name: &str) -> Result<(), CatalogError<S::Error>> {
        let Some(log) = self.log.as_ref().filter(|log| log.writes()) else {
            return Err(CatalogError::ReadOnly);
        };
        let missing = || CatalogError::NotFound(name.to_string());
        let entry = self.names.read(|names| names.get(name).copied());
        let CatalogEntry { id, state } = entry.ok_or_else(missing)?;
        let store = log.store();
        store.claim(id, 1).await.map_err(CatalogError::Remove)?;
        let _claim = Claim {
            store,
            id,
            kept: false,
        };
        if state != LogState::Removed {
            let state = LogState::Removed;
            self.record(log, name, CatalogEntry { id, state }).await?;
        }
        for blob in store.list(id).await.map_err(CatalogError::Remove)? {
            store.remove(blob).await.map_err(CatalogError::Remove)?;
        }
        let removed = store.sync_removals(id).await;
        removed.map_err(CatalogError::Remove)?;
        match state {
            LogState::Live => Ok(()),
            LogState::Creating | LogState::Removed => Err(missing()),
        }
    }

    /// A number that no log ever had. It follows from the place of the record that sets
    /// it aside, unless a log brought along a higher one.
    fn free_number(&self, log: &Log<S, P>) -> LogId {
        let given = |names: &BTreeMap<String, CatalogEntry>| {
            names.values().map(|entry| entry.id.0).max().unwrap_or(0)
        };
        LogId(log.bounds().next.max(self.names.read(given)) + 1)
    }

    async fn set_aside(
        &self,
        log: &Log<S, P>,
        name: &str,
        id: LogId,
    ) -> Result<LogId, CatalogError<S::Error>> {
        let state = LogState::Creating;
        self.record(log, name, CatalogEntry { id, state }).await
    }

    async fn complete(
        &self,
        log: &Log<S, P>,
        name: &str,
        id: LogId,
    ) -> Result<LogId, CatalogError<S::Error>> {
        let state = LogState::Live;
        self.record(log, name, CatalogEntry { id, state }).await
    }

    /// The log that is being created. What an interrupted creation left of it has the
    /// indexes that were asked for then.
    async fn open_new(
        &self,
        store: &S,
        id: LogId,
        options: &Options,
    ) -> Result<Log<S, P>, CatalogError<S::Error>>
    where
        S: Clone,
    {
        let options = Options {
            access: Access::Write,
            existing: false,
            ..*options
        };
        let open = |options| Log::<S, P>::open(store.clone(), id, options, Arc::clone(&self.host));
        let (opened, wanted) = (open(options).await, options.indexes);
        let (Err(OpenError::OtherIndexes(_)), Some(indexes)) = (&opened, wanted) else {
            return opened.map_err(CatalogError::Open);
        };
        let options = Options {
            indexes: None,
            ..options
        };
        let left = open(options).await.map_err(CatalogError::Open)?;
        left.reindex(indexes).await.map_err(CatalogError::Index)?;
        Ok(left)
    }

    async fn record(
        &self,
        log: &Log<S, P>,
        name: &str,
        entry: CatalogEntry,
    ) -> Result<LogId, CatalogError<S::Error>> {
        let (value, place) = (entry.encode(), log.bounds().next);
        let record = NewRecord::new(&value).key(name.as_bytes());
        let given = log.append(&[record], Durability::Synced.into()).await;
        let given = given.map_err(CatalogError::Append)?;
        if entry.state == LogState::Creating && given.first != place {
            return Err(CatalogError::Busy);
        }
        self.names
            .write(|names| names.insert(name.to_string(), entry));
        Ok(entry.id)
    }

    /// Gives the catalog up, leaving it small and quick to open.
    ///
    /// # Errors
    /// As for closing a log.
    pub async fn close(&self) -> Result<(), CatalogError<S::Error>> {
        let Some(log) = &self.log else { return Ok(()) };
        if log.stat().segments > MERGE_ABOVE && log.settings().durability == Durability::Synced {
            // Merging is not what the caller asked for: if it fails, the segments
            // stay as they are.
            let _ = log.maintain(u64::MAX).await;
        }
        log.close().await.map_err(CatalogError::Sync)
    }
}

/// Segments the catalog may have before closing it merges them.
const MERGE_ABOVE: usize = 8;

async fn read_names<S: BlockStore, P: Sharing>(
    log: &Log<S, P>,
) -> Result<BTreeMap<String, CatalogEntry>, CatalogError<S::Error>> {
    let mut names = BTreeMap::new();
    let mut at = log.bounds().oldest;
    loop {
        let read = log.read(At::Offset(at), ReadLimits::default()).await;
        let batch = read.map_err(CatalogError::Read)?;
        for record in &batch {
            let damaged = CatalogError::Damaged {
                offset: record.offset,
            };
            let name = record.key.and_then(|key| core::str::from_utf8(key).ok());
            let entry = record
                .value
                .and_then(|value| CatalogEntry::decode(value).ok());
            match (name, entry) {
                (Some(name), Some(entry)) => names.insert(name.to_string(), entry),
                _ => return Err(damaged),
            };
        }
        if batch.next() == at {
            return Ok(names);
        }
        at = batch.next();
    }
}
