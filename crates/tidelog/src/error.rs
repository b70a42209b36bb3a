//! Owns the errors of finding logs by name, and how errors of the layers below
//! become them.

use std::error::Error;
use std::fmt;

use tidelog_core::{CatalogError, CheckError, ErrorKind, OpenError, StoreError};

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
