//! Owns the one store type of the exports: which of the stores a catalog lives in,
//! whether that is still open, and faults that tests put in front of it.

use core::cell::RefCell;
use core::fmt;
use std::collections::VecDeque;
use std::rc::Rc;

use serde::Deserialize;
use tidelog_core::{
    BlobId, BlockStore, Bytes, ErrorKind, Geometry, Local, LogId, MemoryError, MemoryStore,
    StoreError,
};

use crate::stores::{IdbOptions, IdbStore, OpfsOptions, OpfsStore, WebError};

/// A store that lives as long as the program: the engine then knows one type of it,
/// however a log was come by, and is compiled once. What it holds of the platform goes
/// with [`close`](Storage::close).
pub type Storage = &'static Place;

/// Where blobs are, until it is closed, with the faults that wait for it.
pub struct Place {
    open: RefCell<Option<Kind>>,
    geometry: Geometry,
    faults: RefCell<VecDeque<(Operation, ErrorKind)>>,
}

#[derive(Clone)]
enum Kind {
    Memory(Rc<MemoryStore<Local>>),
    IndexedDb(Rc<IdbStore>),
    Opfs(Rc<OpfsStore>),
}

/// Which store.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum StorageKind {
    Memory,
    IndexedDb,
    Opfs,
}

/// An operation that can be made to fail.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Read,
    Append,
    Sync,
}

/// Why the store failed.
#[derive(Debug)]
pub enum StorageError {
    Memory(MemoryError),
    Web(WebError),
    /// It was closed.
    Closed,
    /// A fault that a test asked for.
    Injected(ErrorKind),
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(source) => source.fmt(f),
            Self::Web(source) => source.fmt(f),
            Self::Closed => f.write_str("the storage was closed"),
            Self::Injected(kind) => write!(f, "a test made this operation fail: {kind}"),
        }
    }
}

impl std::error::Error for StorageError {}

impl StoreError for StorageError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Memory(source) => source.kind(),
            Self::Web(source) => source.kind(),
            Self::Closed => ErrorKind::Closed,
            Self::Injected(kind) => *kind,
        }
    }

    fn available(&self) -> Option<u64> {
        match self {
            Self::Memory(source) => source.available(),
            Self::Web(source) => source.available(),
            _ => None,
        }
    }
}

macro_rules! converted {
    ($($variant:ident of $error:ty),+) => {$(
        impl From<$error> for StorageError {
            fn from(error: $error) -> Self {
                Self::$variant(error)
            }
        }
    )+};
}

converted!(Memory of MemoryError, Web of WebError);

/// Calls the store there is.
macro_rules! each {
    ($kind:expr, $store:ident => $call:expr) => {
        match $kind {
            Kind::Memory($store) => $call,
            Kind::IndexedDb($store) => $call,
            Kind::Opfs($store) => $call,
        }
    };
}

impl Place {
    /// Opens the store of this kind and name.
    pub async fn open(kind: StorageKind, name: &str) -> Result<Storage, StorageError> {
        let kind = match kind {
            StorageKind::Memory => Kind::Memory(Rc::default()),
            StorageKind::IndexedDb => {
                Kind::IndexedDb(Rc::new(IdbStore::open(name, IdbOptions::default()).await?))
            }
            StorageKind::Opfs => Kind::Opfs(Rc::new(
                OpfsStore::open(name, OpfsOptions::default()).await?,
            )),
        };
        let geometry = each!(&kind, store => store.geometry());
        Ok(Box::leak(Box::new(Self {
            open: RefCell::new(Some(kind)),
            geometry,
            faults: RefCell::default(),
        })))
    }

    /// Lets go of the platform's storage. Nothing of it can be reached any more.
    pub async fn close(&self) {
        let taken = self.open.borrow_mut().take();
        match taken {
            Some(Kind::IndexedDb(store)) => {
                if let Some(store) = Rc::into_inner(store) {
                    store.close().await;
                }
            }
            Some(Kind::Opfs(store)) => {
                if let Some(store) = Rc::into_inner(store) {
                    store.close().await;
                }
            }
            Some(Kind::Memory(_)) | None => {}
        }
    }

    /// Makes the next operation of this sort fail.
    pub fn fail(&self, operation: Operation, kind: ErrorKind) {
        self.faults.borrow_mut().push_back((operation, kind));
    }

    fn kind(&self) -> Result<Kind, StorageError> {
        self.open.borrow().clone().ok_or(StorageError::Closed)
    }

    /// The store, unless this operation was made to fail.
    fn unless(&self, operation: Operation) -> Result<Kind, StorageError> {
        let mut faults = self.faults.borrow_mut();
        let at = faults.iter().position(|(of, _)| *of == operation);
        match at.and_then(|at| faults.remove(at)) {
            Some((_, kind)) => Err(StorageError::Injected(kind)),
            None => self.kind(),
        }
    }
}

impl BlockStore for Place {
    type Error = StorageError;

    fn geometry(&self) -> Geometry {
        self.geometry
    }

    async fn list(&self, log: LogId) -> Result<Vec<BlobId>, StorageError> {
        each!(self.kind()?, store => store.list(log).await.map_err(Into::into))
    }

    async fn read(&self, blob: BlobId, position: u64, buf: &mut [u8]) -> Result<(), StorageError> {
        let kind = self.unless(Operation::Read)?;
        each!(kind, store => store.read(blob, position, buf).await.map_err(Into::into))
    }

    async fn append(&self, blob: BlobId, position: u64, bytes: Bytes) -> Result<(), StorageError> {
        let kind = self.unless(Operation::Append)?;
        each!(kind, store => store.append(blob, position, bytes).await.map_err(Into::into))
    }

    async fn sync(&self, blobs: &[BlobId]) -> Result<(), StorageError> {
        let kind = self.unless(Operation::Sync)?;
        each!(kind, store => store.sync(blobs).await.map_err(Into::into))
    }

    async fn seal(&self, blob: BlobId) -> Result<(), StorageError> {
        each!(self.kind()?, store => store.seal(blob).await.map_err(Into::into))
    }

    async fn remove(&self, blob: BlobId) -> Result<(), StorageError> {
        each!(self.kind()?, store => store.remove(blob).await.map_err(Into::into))
    }

    async fn sync_removals(&self, log: LogId) -> Result<(), StorageError> {
        each!(self.kind()?, store => store.sync_removals(log).await.map_err(Into::into))
    }

    async fn settle(&self, blob: BlobId) -> Result<u64, StorageError> {
        each!(self.kind()?, store => store.settle(blob).await.map_err(Into::into))
    }

    async fn claim(&self, log: LogId, at_least: u64) -> Result<u64, StorageError> {
        each!(self.kind()?, store => store.claim(log, at_least).await.map_err(Into::into))
    }

    fn release(&self, log: LogId) {
        if let Ok(kind) = self.kind() {
            each!(kind, store => store.release(log));
        }
    }
}
