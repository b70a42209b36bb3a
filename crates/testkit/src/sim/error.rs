//! Owns the error of the simulated store.

use core::fmt;

use tidelog_core::{BlobId, ErrorKind, LogId, StoreError};

/// Why the simulated store refused, or failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SimError {
    /// No such blob.
    NotFound(BlobId),
    /// A read past the end of the blob.
    PastEnd {
        /// The blob.
        blob: BlobId,
        /// Bytes that exist from the position asked for.
        available: u64,
    },
    /// An append somewhere else than where this process stopped.
    Conflict {
        /// The blob.
        blob: BlobId,
        /// Where an append would be taken.
        end: u64,
        /// The position given.
        position: u64,
    },
    /// The capacity is used up, or a fault says so.
    Full,
    /// The blob has as many bytes, or appends, as the geometry allows.
    TooLong(BlobId),
    /// Another process writes to this log.
    Locked(LogId),
    /// A newer process took the log over.
    Fenced(LogId),
    /// A fault: the operation failed, and nobody knows how far it came.
    Failed,
    /// A fault: the operation was interrupted, and nobody knows how far it came.
    Interrupted,
    /// The process was killed; nothing it does reaches the disk any more.
    Dead,
    /// More operations than a script can need: the engine does not come to an end.
    Endless,
}

impl fmt::Display for SimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(blob) => write!(f, "{blob} does not exist"),
            Self::PastEnd { blob, available } => {
                write!(f, "{blob} has only {available} bytes from there on")
            }
            Self::Conflict {
                blob,
                end,
                position,
            } => write!(f, "{blob} continues at {end}, not at {position}"),
            Self::Full => f.write_str("the simulated disk is full"),
            Self::TooLong(blob) => write!(f, "{blob} can hold no more"),
            Self::Locked(log) => write!(f, "log {log} has a writer already"),
            Self::Fenced(log) => write!(f, "a newer writer took log {log} over"),
            Self::Failed => f.write_str("the simulated disk failed"),
            Self::Interrupted => f.write_str("the simulated disk was interrupted"),
            Self::Dead => f.write_str("the simulated process was killed"),
            Self::Endless => f.write_str("too many operations on the simulated disk"),
        }
    }
}

impl core::error::Error for SimError {}

impl StoreError for SimError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::PastEnd { .. } => ErrorKind::OutOfRange,
            Self::Conflict { .. } => ErrorKind::Conflict,
            Self::Full => ErrorKind::Full,
            Self::TooLong(_) => ErrorKind::TooLarge,
            Self::Locked(_) => ErrorKind::Locked,
            Self::Fenced(_) => ErrorKind::Fenced,
            Self::Interrupted => ErrorKind::Timeout,
            Self::Failed | Self::Dead | Self::Endless => ErrorKind::Unavailable,
        }
    }

    fn available(&self) -> Option<u64> {
        match self {
            Self::PastEnd { available, .. } => Some(*available),
            _ => None,
        }
    }
}
