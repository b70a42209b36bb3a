//! Owns the errors of finding logs by name, and how errors of the layers below
//! become them.

use std::error::Error;
use std::fmt;

use std::io;

use tidelog_core::{
    BackupError, CatalogError, CheckError, ErrorKind, ImportError, OpenError, StoreError,
};

/// Why a store's logs cannot be listed.
#[derive(Debug)]
#[non_exhaustive]
pub enum NamesError<E> {
    /// The catalog cannot be read.
    Catalog(CatalogError<E>),
}

/// Why a log was not found.
#[derive(Debug)]
#[non_exhaustive]
pub enum FindError<E> {
    /// There is no log of this name.
    NotFound {
        /// The name.
        name: String,
    },
    /// The catalog refuses the name, or cannot be read.
    Catalog {
        /// The name.
        name: String,
        /// Why.
        source: CatalogError<E>,
    },
}

/// Why a log was not opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenLogError<E> {
    /// It was not found, or not created.
    Find(FindError<E>),
    /// It exists and cannot be opened.
    Open {
        /// The name.
        name: String,
        /// Why.
        source: OpenError<E>,
    },
}

/// Why a log was not salvaged.
#[derive(Debug)]
#[non_exhaustive]
pub enum RecoverLogError<E> {
    /// It was not found.
    Find(FindError<E>),
    /// It exists and cannot be salvaged.
    Recover {
        /// The name.
        name: String,
        /// Why.
        source: CheckError<E>,
    },
}

/// Why a log was not backed up. `S` is the error of its store, `T` that of the one
/// the backup goes to.
#[derive(Debug)]
#[non_exhaustive]
pub enum BackupLogError<S, T> {
    /// The backup cannot have this name, or this number, where it goes.
    Find(FindError<T>),
    /// It was not made. An earlier one is as it was.
    Backup {
        /// The name of the backup.
        name: String,
        /// Why.
        source: BackupError<S, T>,
    },
}

impl<S: StoreError, T: StoreError> BackupLogError<S, T> {
    /// What the caller should do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Find(source) => source.kind(),
            Self::Backup { source, .. } => source.kind(),
        }
    }
}

impl<S: StoreError, T: StoreError> fmt::Display for BackupLogError<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Find(source) => write!(f, "where the backup goes: {source}"),
            Self::Backup { name, source } => {
                write!(f, "the backup {name:?} was not made: {source}")
            }
        }
    }
}

impl<S: StoreError, T: StoreError> Error for BackupLogError<S, T> {}

impl<S, T> From<FindError<T>> for BackupLogError<S, T> {
    fn from(source: FindError<T>) -> Self {
        Self::Find(source)
    }
}

/// Why an export did not become a log.
#[derive(Debug)]
#[non_exhaustive]
pub enum ImportLogError<E> {
    /// The log cannot have this name.
    Find(FindError<E>),
    /// Nothing was imported.
    Import {
        /// The name that it would have.
        name: String,
        /// Why.
        source: ImportError<E, StreamError>,
    },
}

impl<E: StoreError> ImportLogError<E> {
    /// What the caller should do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Find(source) => source.kind(),
            Self::Import { source, .. } => source.kind(),
        }
    }
}

impl<E: StoreError> fmt::Display for ImportLogError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Find(source) => source.fmt(f),
            Self::Import { name, source } => {
                write!(f, "the log {name:?} was not imported: {source}")
            }
        }
    }
}

impl<E: StoreError> Error for ImportLogError<E> {}

impl<E> From<FindError<E>> for ImportLogError<E> {
    fn from(source: FindError<E>) -> Self {
        Self::Find(source)
    }
}

/// Why a stream of an export or import failed.
#[derive(Debug)]
pub struct StreamError(io::Error);

impl From<io::Error> for StreamError {
    fn from(source: io::Error) -> Self {
        Self(source)
    }
}

impl StoreError for StreamError {
    fn kind(&self) -> ErrorKind {
        match self.0.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::PermissionDenied => ErrorKind::Forbidden,
            io::ErrorKind::StorageFull => ErrorKind::Full,
            io::ErrorKind::TimedOut => ErrorKind::Timeout,
            _ => ErrorKind::Unavailable,
        }
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for StreamError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

impl<E: StoreError> NamesError<E> {
    /// What the caller should do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Catalog(source) => source.kind(),
        }
    }
}

impl<E: StoreError> FindError<E> {
    /// What the caller should do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Catalog { source, .. } => source.kind(),
        }
    }
}

impl<E: StoreError> OpenLogError<E> {
    /// What the caller should do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Find(source) => source.kind(),
            Self::Open { source, .. } => source.kind(),
        }
    }
}

impl<E: StoreError> RecoverLogError<E> {
    /// What the caller should do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Find(source) => source.kind(),
            Self::Recover { source, .. } => source.kind(),
        }
    }
}

impl<E: StoreError> fmt::Display for NamesError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Catalog(source) => write!(f, "cannot read the catalog of logs: {source}"),
        }
    }
}

impl<E: StoreError> fmt::Display for FindError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { name } => write!(f, "there is no log {name:?} in this store"),
            Self::Catalog { name, source } => {
                write!(
                    f,
                    "cannot look up the log {name:?} in the catalog: {source}"
                )
            }
        }
    }
}

impl<E: StoreError> fmt::Display for OpenLogError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Find(source) => source.fmt(f),
            Self::Open { name, source } => write!(f, "cannot open the log {name:?}: {source}"),
        }
    }
}

impl<E: StoreError> fmt::Display for RecoverLogError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Find(source) => source.fmt(f),
            Self::Recover { name, source } => {
                write!(f, "cannot recover the log {name:?}: {source}")
            }
        }
    }
}

impl<E: StoreError> Error for NamesError<E> {}
impl<E: StoreError> Error for FindError<E> {}
impl<E: StoreError> Error for OpenLogError<E> {}
impl<E: StoreError> Error for RecoverLogError<E> {}

impl<E> From<CatalogError<E>> for NamesError<E> {
    fn from(source: CatalogError<E>) -> Self {
        Self::Catalog(source)
    }
}

impl<E> From<FindError<E>> for OpenLogError<E> {
    fn from(source: FindError<E>) -> Self {
        Self::Find(source)
    }
}

impl<E> From<FindError<E>> for RecoverLogError<E> {
    fn from(source: FindError<E>) -> Self {
        Self::Find(source)
    }
}
