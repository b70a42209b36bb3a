//! Owns a store together with its catalog: the place where JavaScript finds logs by
//! name. May not map names itself: the catalog of the engine does.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use js_sys::Function;
use serde::Deserialize;
use tidelog_core::{
    Access, BackedUp, Catalog, CatalogError, ErrorKind, Host, Import, Local, Log, LogId, OpenError,
    Options, check_name, recover,
};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::error::{refuse, refused};
use super::log::{StoredLog, WebLog};
use super::options::{OpenOptions, from};
use super::portable::Source;
use super::reports::{self, to};
use super::storage::{Operation, Place, Storage, StorageError, StorageKind};
use crate::host::WebHost;

type Found<T> = Result<T, CatalogError<StorageError>>;

/// A store, and the catalog of the logs in it.
#[wasm_bindgen]
pub struct WebStores {
    storage: Storage,
    host: Arc<Clock>,
}

/// The browser's clock, unless a test has set it.
struct Clock {
    set: AtomicI64,
}

const UNSET: i64 = i64::MIN;

impl Host for Clock {
    fn now(&self) -> i64 {
        match self.set.load(Ordering::Relaxed) {
            UNSET => WebHost.now(),
            set => set,
        }
    }

    fn random(&self) -> u64 {
        WebHost.random()
    }
}

/// Where the logs are.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Where {
    kind: StorageKind,
    /// Keeps users of one origin apart.
    namespace: String,
}

#[wasm_bindgen]
impl WebStores {
    /// Opens a store.
    ///
    /// # Errors
    /// `unsupported` where the browser has no such storage, and the store's own.
    pub async fn open(place: JsValue) -> Result<Self, JsValue> {
        let place: Where = from(place)?;
        let opened = Place::open(place.kind, &name(&place.namespace)).await;
        let storage = opened.map_err(refused)?;
        Ok(Self {
            storage,
            host: Arc::new(Clock {
                set: AtomicI64::new(UNSET),
            }),
        })
    }

    /// Opens a log, and creates it first if it is to be and there is none.
    ///
    /// # Errors
    /// `not-found`, `locked`, and as for opening a log.
    pub async fn log(&self, name: String, options: JsValue) -> Result<WebLog, JsValue> {
        let chosen: OpenOptions = from(options)?;
        let options = chosen.options();
        let id = match self.find(&name).await.map_err(refused)? {
            Some(id) => id,
            None if chosen.create && chosen.writes() => {
                self.add(&name, &options).await.map_err(refused)?
            }
            None => return Err(missing(&name)),
        };
        let log = self.open_number(id, options).await.map_err(refused)?;
        Ok(WebLog::new(log))
    }

    /// The names of all logs, sorted.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub async fn names(&self) -> Result<Vec<String>, JsValue> {
        let catalog = self.catalog(Access::Read).await.map_err(refused)?;
        Ok(catalog.names())
    }

    /// Salvages a damaged log.
    ///
    /// # Errors
    /// `not-found`, `locked`.
    pub async fn recover(&self, name: String) -> Result<JsValue, JsValue> {
        let found = self.find(&name).await.map_err(refused)?;
        let id = found.ok_or_else(|| missing(&name))?;
        let host: Arc<dyn Host> = self.host.clone();
        let salvage = recover::<Place, Local>(self.storage, id, host).await;
        to(&reports::Salvage::from(&salvage.map_err(refused)?))
    }

    /// Makes a new log of an export that a function gives piece by piece.
    ///
    /// # Errors
    /// `exists`; `corrupt` where the export is damaged.
    #[wasm_bindgen(js_name = importFrom)]
    pub async fn import_from(&self, name: String, next: Function) -> Result<JsValue, JsValue> {
        let mut source = Source::new(next);
        let import = Import::begin::<StorageError>(&mut source).await;
        let import = import.map_err(refused)?;
        let catalog = self.catalog(Access::Write).await.map_err(refused)?;
        let id = catalog.reserve_new(&name).await.map_err(refused)?;
        catalog.close().await.map_err(refused)?;
        let host: Arc<dyn Host> = self.host.clone();
        let filled = import.fill::<Place, Local>(self.storage, id, host).await;
        let imported = filled.map_err(refused)?;
        self.adopt(&name, id).await.map_err(refused)?;
        to(&reports::Imported::from(&imported))
    }

    /// Removes a log for ever.
    ///
    /// # Errors
    /// `not-found`, `locked`.
    pub async fn remove(&self, name: String) -> Result<(), JsValue> {
        let catalog = self.catalog(Access::Write).await.map_err(refused)?;
        let removed = catalog.remove(&name).await;
        catalog.close().await.map_err(refused)?;
        removed.map_err(refused)
    }

    /// Lets go of the storage.
    pub async fn close(&self) {
        self.storage.close().await;
    }

    /// Sets the clock, in microseconds since 1970: for tests.
    ///
    /// # Errors
    /// When that is no time.
    #[wasm_bindgen(js_name = setClock)]
    pub fn set_clock(&self, time: JsValue) -> Result<(), JsValue> {
        self.host.set.store(from(time)?, Ordering::Relaxed);
        Ok(())
    }

    /// Makes the next operation of a sort fail, with an error of this kind: for tests.
    ///
    /// # Errors
    /// When there is no such operation or kind.
    pub fn fail(&self, operation: &str, kind: &str) -> Result<(), JsValue> {
        let operation = match operation {
            "read" => Operation::Read,
            "append" => Operation::Append,
            "sync" => Operation::Sync,
            _ => {
                return Err(refuse(
                    ErrorKind::Invalid,
                    "an operation that can fail is \"read\", \"append\" or \"sync\"",
                ));
            }
        };
        let known = ErrorKind::ALL.iter().find(|known| known.as_str() == kind);
        let kind =
            known.ok_or_else(|| refuse(ErrorKind::Invalid, "there is no such error code"))?;
        self.storage.fail(operation, *kind);
        Ok(())
    }
}

impl WebStores {
    async fn open_number(
        &self,
        id: LogId,
        options: Options,
    ) -> Result<StoredLog, OpenError<StorageError>> {
        let host: Arc<dyn Host> = self.host.clone();
        Log::open(self.storage, id, options, host).await
    }

    async fn catalog(&self, access: Access) -> Found<Catalog<Storage, Local>> {
        let host: Arc<dyn Host> = self.host.clone();
        Catalog::open(self.storage, access, host).await
    }

    /// Opens the catalog anew for each look: somebody else may have added to it.
    async fn find(&self, name: &str) -> Found<Option<LogId>> {
        check_name(name).map_err(CatalogError::Name)?;
        Ok(self.catalog(Access::Read).await?.get(name))
    }

    /// Adds the name, unless somebody else did so in the meantime. The catalog is held
    /// for that long only.
    async fn add(&self, name: &str, options: &Options) -> Found<LogId> {
        let catalog = self.catalog(Access::Write).await?;
        let id = match catalog.get(name) {
            Some(id) => id,
            None => catalog.create(name, options).await?,
        };
        catalog.close().await?;
        Ok(id)
    }

    async fn adopt(&self, name: &str, id: LogId) -> Found<()> {
        let catalog = self.catalog(Access::Write).await?;
        catalog.adopt(name, id).await?;
        catalog.close().await
    }

    /// Makes the log `name` of this store a backup of `log`.
    pub(super) async fn back_up(&self, name: &str, log: &StoredLog) -> Result<BackedUp, JsValue> {
        let id = log.id();
        let catalog = self.catalog(Access::Write).await.map_err(refused)?;
        catalog.reserve(name, id).await.map_err(refused)?;
        // The catalog is not held for as long as copying takes.
        catalog.close().await.map_err(refused)?;
        let done = log.backup(&self.storage).await.map_err(refused)?;
        self.adopt(name, id).await.map_err(refused)?;
        Ok(done)
    }
}

fn missing(name: &str) -> JsValue {
    let words = format!("there is no log named {name:?}; open it with create: true to make one");
    refuse(ErrorKind::NotFound, &words)
}

/// What the storage of a namespace is called among those of its origin: something that
/// every storage takes for a name, whatever the namespace is.
fn name(namespace: &str) -> String {
    match namespace {
        "" => "tidelog".to_owned(),
        _ => format!("tidelog-{}", js_sys::encode_uri_component(namespace)),
    }
}
