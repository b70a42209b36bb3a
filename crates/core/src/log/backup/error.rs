//! Owns why a backup was not made. The only file of this module that converts errors.

use core::fmt;

use crate::ErrorKind;
use crate::LogId;
use crate::log::error::{Corruption, OpenError, SyncError, Unread, no_memory};
use crate::store::StoreError;

/// Why a backup was not made: an earlier one is as it was. `S` is the error of the
/// log's store, `T` that of the other one.
#[derive(Debug)]
#[non_exhaustive]
pub enum BackupError<S, T> {
    /// The last segment of the log could not be ended.
    Commit(SyncError<S>),
    /// The log's store failed.
    Store(S),
    /// A blob of the log ends too early to be copied; `check` says more.
    Corrupt(Corruption),
    /// Memory for so many bytes of what is stored was refused.
    Memory(usize),
    /// The other store failed, or cannot be read.
    Target(OpenError<T>),
    /// The other store gives back something else than what was written to it.
    Miscopied(Corruption),
    /// The other store holds something under the log's number that is no backup of it.
    Other {
        /// The log's number.
        log: LogId,
        /// What is there instead.
        found: &'static str,
    },
}

impl<S: StoreError, T: StoreError> BackupError<S, T> {
    /// What the caller should do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Commit(source) => source.kind(),
            Self::Store(source) => source.kind(),
            Self::Corrupt(place) | Self::Miscopied(place) => place.kind(),
            Self::Memory(_) => ErrorKind::Unavailable,
            Self::Target(source) => source.kind(),
            Self::Other { .. } => ErrorKind::Exists,
        }
    }
}

impl<S: StoreError, T: StoreError> fmt::Display for BackupError<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commit(source) => source.fmt(f),
            Self::Store(source) => write!(f, "{source}"),
            Self::Corrupt(place) => write!(f, "the log cannot be copied: {place}"),
            Self::Memory(bytes) => no_memory(*bytes, f),
            Self::Target(source) => write!(f, "where the backup goes: {source}"),
            Self::Miscopied(place) => write!(
                f,
                "the copy is not what was written; do not trust this storage: {place}"
            ),
            Self::Other { log, found } => write!(
                f,
                "there is {found} under number {log} where the backup goes, which was left \
                 as it is; back up to another place"
            ),
        }
    }
}

impl<S: StoreError, T: StoreError> core::error::Error for BackupError<S, T> {}

impl<S, T> From<Unread<S>> for BackupError<S, T> {
    fn from(cause: Unread<S>) -> Self {
        match cause {
            Unread::Memory(bytes) => Self::Memory(bytes),
            Unread::Store(error) => Self::Store(error),
        }
    }
}

impl<S, T> From<OpenError<T>> for BackupError<S, T> {
    fn from(source: OpenError<T>) -> Self {
        Self::Target(source)
    }
}
