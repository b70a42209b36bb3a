//! Owns how the catalog is put before the simulator: as a log whose batches are
//! names.

use std::sync::Arc;

use tidelog_core::{
    AppendOptions, Catalog, CatalogError, ErrorKind, Log, LogId, Options, Settings,
};

use super::{Ack, Engine, Medium, Refusal, refusal};
use crate::generate::GeneratedBatch;
use crate::model::Seen;
use crate::sim::{SimHost, SimStore};

/// The catalog of a simulated store, or of another one. Each batch, of one record, creates the log
/// whose name is the record's digest; the order is that of the numbers given.
pub struct CatalogEngine<S: Medium = SimStore> {
    catalog: Catalog<S>,
    store: S,
    host: Arc<SimHost>,
}

impl<S: Medium> CatalogEngine<S> {
    /// The logs, in the order of their numbers.
    fn logs(&self) -> Vec<(LogId, u64)> {
        let names = self.catalog.names();
        let mut logs: Vec<(LogId, u64)> = names
            .iter()
            .filter_map(|name| {
                let digest = u64::from_str_radix(name, 16).ok()?;
                Some((self.catalog.get(name)?, digest))
            })
            .collect();
        logs.sort_unstable();
        logs
    }
}

impl<S: Medium> Engine for CatalogEngine<S> {
    async fn open(
        store: SimStore,
        _log: LogId,
        options: Options,
        host: Arc<SimHost>,
    ) -> Result<Self, Refusal> {
        let store = S::of(store)?;
        let opened = Catalog::open(store.clone(), options.access, host.clone()).await;
        let catalog = opened.map_err(|error| refusal(error.kind(), &error))?;
        Ok(Self {
            catalog,
            store,
            host,
        })
    }

    async fn append(
        &self,
        batch: &GeneratedBatch,
        _options: AppendOptions,
    ) -> Result<Ack, Refusal> {
        let digest = batch.digests().first().copied().unwrap_or_default();
        let created = self
            .catalog
            .create(&format!("{digest:016x}"), &Options::default())
            .await;
        let id = created.map_err(|error| match &error {
            // The new log is poisoned; the catalog goes on.
            CatalogError::Sync(_) => refusal(ErrorKind::Unavailable, &error),
            _ => refusal(error.kind(), &error),
        })?;
        let before = self.logs().iter().filter(|(log, _)| *log < id).count();
        let first = before as u64;
        Ok(Ack {
            first,
            next: first + 1,
            duplicate: false,
            offsets_known: true,
        })
    }

    async fn flush(&self) -> Result<u64, Refusal> {
        self.sync().await
    }

    async fn sync(&self) -> Result<u64, Refusal> {
        let sentence = "every creation is synced already";
        Err(refusal(ErrorKind::Unsupported, &sentence))
    }

    async fn maintain(&self) -> Result<bool, Refusal> {
        Ok(false)
    }

    /// The names; each must name a log that exists.
    async fn seen(&self) -> Result<Vec<Seen>, Refusal> {
        let mut seen = Vec::new();
        for (offset, (id, digest)) in (0..).zip(self.logs()) {
            let options = Options::read_only();
            let opened = Log::<S>::open(self.store.clone(), id, options, self.host.clone());
            let log = opened
                .await
                .map_err(|error| refusal(error.kind(), &error))?;
            if log.settings() != Settings::default() || log.bounds().next != 0 {
                return Err(refusal(ErrorKind::Internal, &"a new log is not empty"));
            }
            seen.push(Seen { offset, digest });
        }
        Ok(seen)
    }

    /// The names alone: that each names a log was looked at by whoever saw them.
    async fn published(&self) -> Result<Vec<Seen>, Refusal> {
        let logs = (0..).zip(self.logs());
        Ok(logs
            .map(|(offset, (_, digest))| Seen { offset, digest })
            .collect())
    }

    fn durable(&self) -> u64 {
        self.logs().len() as u64
    }

    fn reports_damage(&self) -> bool {
        false
    }

    async fn close(&self) -> Result<(), Refusal> {
        let closed = self.catalog.close().await;
        closed.map_err(|error| refusal(error.kind(), &error))
    }
}
