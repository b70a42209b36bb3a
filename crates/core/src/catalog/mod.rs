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
use crate::log::{Log, OpenError};
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

    /// Adds a log. When this returns it exists, empty, and survives a power cut. A
    /// creation that was interrupted is completed.
    ///
    /// # Errors
    /// `invalid` if the name is not allowed, `exists` if it is taken, `read-only` if
    /// the catalog was opened for reading; otherwise as for appending to a log.
    pub async fn create(&self, name: &str) -> Result<LogId, CatalogError<S::Error>> {
        check_name(name).map_err(CatalogError::Name)?;
        let Some(log) = &self.log else {
            return Err(CatalogError::ReadOnly);
        };
        let id = match self.names.read(|names| names.get(name).copied()) {
            Some(entry) if entry.state == LogState::Live => {
                return Err(CatalogError::Exists(name.to_string()));
            }
            Some(entry) => entry.id,
            // A number that follows from the record's place is never given twice.
            None => {
                let id = LogId(log.bounds().next + 1);
                self.record(
                    log,
                    name,
                    CatalogEntry {
                        id,
                        state: LogState::Creating,
                    },
                )
                .await?
            }
        };
        let new = Log::<&S, P>::open(log.store(), id, Options::default(), Arc::clone(&self.host));
        let new = new.await.map_err(CatalogError::Open)?;
        new.establish().await.map_err(CatalogError::Sync)?;
        new.close().await.map_err(CatalogError::Sync)?;
        self.record(
            log,
            name,
            CatalogEntry {
                id,
                state: LogState::Live,
            },
        )
        .await
    }

    async fn record(
        &self,
        log: &Log<S, P>,
        name: &str,
        entry: CatalogEntry,
    ) -> Result<LogId, CatalogError<S::Error>> {
        let value = entry.encode();
        let record = NewRecord::new(&value).key(name.as_bytes());
        let given = log.append(&[record], Durability::Synced.into()).await;
        let given = given.map_err(CatalogError::Append)?;
        if entry.state == LogState::Creating && given.first + 1 != entry.id.0 {
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
