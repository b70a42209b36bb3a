//! Owns the error of the catalog. The only file of this module that converts errors.

use alloc::string::String;
use core::fmt;

use super::NameError;
use crate::log::{AppendError, MaintainError, OpenError, ReadError, SyncError};
use crate::store::StoreError;
use crate::{ErrorKind, LogId};

/// Why the catalog could not be opened, read or added to.
#[derive(Debug)]
#[non_exhaustive]
pub enum CatalogError<E> {
    /// The name is not allowed.
    Name(NameError),
    /// There is a log of this name.
    Exists(String),
    /// The number that a log has to keep belongs to another one here.
    Taken {
        /// The number.
        id: LogId,
        /// The name of the other log.
        name: String,
    },
    /// There is no log of this name.
    NotFound(String),
    /// The catalog was opened for reading.
    ReadOnly,
    /// Two logs were being created through one handle at the same time; try again.
    Busy,
    /// A record of the catalog does not say what it must.
    Damaged {
        /// Its offset in log 0.
        offset: u64,
    },
    /// A log could not be opened.
    Open(OpenError<E>),
    /// The catalog could not be read.
    Read(ReadError<E>),
    /// The catalog could not be added to.
    Append(AppendError<E>),
    /// A log could not be created, or the catalog not closed.
    Sync(SyncError<E>),
    /// What an interrupted creation left could not be given its indexes.
    Index(MaintainError<E>),
    /// A log could not be removed.
    Remove(E),
}

impl<E: StoreError> CatalogError<E> {
    /// What the caller should do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Name(_) => ErrorKind::Invalid,
            Self::Exists(_) | Self::Taken { .. } => ErrorKind::Exists,
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::ReadOnly => ErrorKind::ReadOnly,
            Self::Busy => ErrorKind::Conflict,
            Self::Damaged { .. } => ErrorKind::Corrupt,
            Self::Open(source) => source.kind(),
            Self::Read(source) => source.kind(),
            Self::Append(source) => source.kind(),
            Self::Sync(source) => source.kind(),
            Self::Index(source) => source.kind(),
            Self::Remove(source) => source.kind(),
        }
    }
}

impl<E: StoreError> fmt::Display for CatalogError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(source) => source.fmt(f),
            Self::Exists(name) => write!(f, "there is a log named {name:?} already"),
            Self::Taken { id, name } => write!(
                f,
                "number {id}, which the log has to keep, belongs to the log {name:?} there; \
                 use another store"
            ),
            Self::NotFound(name) => write!(f, "there is no log named {name:?}"),
            Self::ReadOnly => f.write_str("the catalog was opened for reading"),
            Self::Busy => f.write_str("another log was being created at the same time; try again"),
            Self::Damaged { offset } => {
                write!(
                    f,
                    "record {offset} of the catalog (log 0) does not name a log"
                )
            }
            Self::Open(source) => source.fmt(f),
            Self::Read(source) => source.fmt(f),
            Self::Append(source) => source.fmt(f),
            Self::Sync(source) => source.fmt(f),
            Self::Index(source) => source.fmt(f),
            Self::Remove(source) => write!(f, "the log cannot be removed: {source}"),
        }
    }
}

impl<E: StoreError> core::error::Error for CatalogError<E> {}
