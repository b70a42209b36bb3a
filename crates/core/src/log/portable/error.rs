//! Owns why an export was not written or read. The only file of this module that
//! converts errors.

use core::fmt;

use crate::format::Fault;
use crate::log::blobs::ChangeError;
use crate::log::error::{
    Corruption, Failure, MaintainError, OpenError, SyncError, Unread, no_memory,
};
use crate::store::StoreError;
use crate::{ErrorKind, LogId};

/// Why an export was not written to its end. `S` is the error of the log's store, `W`
/// that of where it goes.
#[derive(Debug)]
#[non_exhaustive]
pub enum ExportError<S, W> {
    /// The last segment of the log could not be ended.
    Commit(SyncError<S>),
    /// Damaged bytes are in the way; `check` lists them, `recover` leaves them behind.
    Corrupt(Corruption),
    /// Memory for so many bytes of what is stored was refused.
    Memory(usize),
    /// The log's store failed.
    Store(S),
    /// Where it goes to failed.
    Sink(W),
}

impl<S: StoreError, W: StoreError> ExportError<S, W> {
    /// What the caller should do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Commit(source) => source.kind(),
            Self::Corrupt(place) => place.kind(),
            Self::Memory(_) => ErrorKind::Unavailable,
            Self::Store(source) => source.kind(),
            Self::Sink(source) => source.kind(),
        }
    }
}

impl<S: StoreError, W: StoreError> fmt::Display for ExportError<S, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commit(source) => source.fmt(f),
            Self::Corrupt(place) => write!(
                f,
                "the log is damaged and cannot be exported; recover leaves the damage \
                 behind: {place}"
            ),
            Self::Memory(bytes) => no_memory(*bytes, f),
            Self::Store(source) => write!(f, "{source}"),
            Self::Sink(source) => write!(f, "the export cannot be written: {source}"),
        }
    }
}

impl<S: StoreError, W: StoreError> core::error::Error for ExportError<S, W> {}

impl<S, W> From<Unread<S>> for ExportError<S, W> {
    fn from(cause: Unread<S>) -> Self {
        match cause {
            Unread::Memory(bytes) => Self::Memory(bytes),
            Unread::Store(error) => Self::Store(error),
        }
    }
}

impl<S, W> From<MaintainError<S>> for ExportError<S, W> {
    fn from(error: MaintainError<S>) -> Self {
        match error {
            MaintainError::Commit(error) => Self::Commit(error),
            MaintainError::Corrupt(place) => Self::Corrupt(place),
            MaintainError::Memory(bytes) => Self::Memory(bytes),
            MaintainError::Store(error) => Self::Store(error),
        }
    }
}

impl<S, W> ExportError<S, W> {
    pub(super) fn building(fault: Fault) -> Self {
        Self::Commit(Failure::from(fault).into())
    }
}

/// Why nothing was imported. `S` is the error of the store, `R` that of where the
/// export comes from.
#[derive(Debug)]
#[non_exhaustive]
pub enum ImportError<S, R> {
    /// The bytes are not those of an export, or not all of them.
    Damaged {
        /// Where in the export, in bytes.
        position: u64,
        /// What is wrong there.
        fault: Fault,
    },
    /// There is a log of this number, with records or other indexes.
    Exists(LogId),
    /// The new log could not be opened.
    Open(OpenError<S>),
    /// The new log could not be written.
    Commit(SyncError<S>),
    /// Memory for so many bytes of the export was refused.
    Memory(usize),
    /// The store failed.
    Store(S),
    /// Where it comes from failed.
    Source(R),
}

impl<S: StoreError, R: StoreError> ImportError<S, R> {
    /// What the caller should do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Damaged { fault, .. } => fault.kind(),
            Self::Exists(_) => ErrorKind::Exists,
            Self::Open(source) => source.kind(),
            Self::Commit(source) => source.kind(),
            Self::Memory(_) => ErrorKind::Unavailable,
            Self::Store(source) => source.kind(),
            Self::Source(source) => source.kind(),
        }
    }
}

impl<S: StoreError, R: StoreError> fmt::Display for ImportError<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged { position, fault } => match fault {
                Fault::Magic | Fault::Blank if *position == 0 => {
                    f.write_str("this is not an exported log; nothing was imported")
                }
                Fault::Foreign if *position == 0 => {
                    f.write_str("this is a blob of a log, not an export; nothing was imported")
                }
                _ => write!(
                    f,
                    "the export cannot be read at position {position}; nothing was imported: \
                     {fault}"
                ),
            },
            Self::Exists(log) => write!(
                f,
                "there is a log {log} already; an export can only become a new one"
            ),
            Self::Open(source) => source.fmt(f),
            Self::Commit(source) => write!(f, "nothing was imported: {source}"),
            Self::Memory(bytes) => no_memory(*bytes, f),
            Self::Store(source) => write!(f, "nothing was imported: {source}"),
            Self::Source(source) => write!(f, "the export cannot be read: {source}"),
        }
    }
}

impl<S: StoreError, R: StoreError> core::error::Error for ImportError<S, R> {}

impl<S, R> From<Failure<S>> for ImportError<S, R> {
    fn from(failure: Failure<S>) -> Self {
        Self::Commit(failure.into())
    }
}

impl<S, R> From<ChangeError<S>> for ImportError<S, R> {
    fn from(error: ChangeError<S>) -> Self {
        match error {
            ChangeError::Commit(error) => Self::Commit(error),
            ChangeError::Store(error) => Self::Store(error),
        }
    }
}

impl<S, R> ImportError<S, R> {
    pub(super) const fn at(position: u64, fault: Fault) -> Self {
        match fault {
            Fault::Memory(bytes) => Self::Memory(bytes),
            fault => Self::Damaged { position, fault },
        }
    }

    pub(super) fn opening(error: OpenError<S>, log: LogId) -> Self {
        match error {
            OpenError::OtherIndexes(_) => Self::Exists(log),
            OpenError::Memory(bytes) => Self::Memory(bytes),
            error => Self::Open(error),
        }
    }
}
