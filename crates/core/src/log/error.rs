//! Owns the errors of the log's operations, one enum each. The only file of
//! this module that converts errors.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::blobs::ChangeError;
use super::snapshot::Snapshot;
use crate::format::Fault;
use crate::producer::{Producer, ProducerId};
use crate::store::{BlobId, StoreError};
use crate::{ErrorKind, Indexes, LogId};

/// Stored bytes that are not what they must be, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corruption {
    /// The blob.
    pub blob: BlobId,
    /// The position in it, in bytes.
    pub position: u64,
    /// What is wrong there.
    pub fault: Fault,
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at position {}: {}",
            self.blob, self.position, self.fault
        )
    }
}

impl core::error::Error for Corruption {}

impl Corruption {
    /// That of the [`Fault`].
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.fault.kind()
    }
}

/// Why a log could not be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError<E> {
    /// An option is out of its range; the text says which and what it may be.
    Invalid(&'static str),
    /// The log has these indexes, and not those asked for.
    OtherIndexes(Indexes),
    /// The manifest cannot be read; `recover` rebuilds it from the segments.
    Corrupt(Corruption),
    /// The log exists, says the catalog, but the store holds nothing of it.
    Lost(LogId),
    /// The store holds nothing of this log and the handle may not create it.
    NotFound(LogId),
    /// Memory for so many bytes of what is stored was refused.
    Memory(usize),
    /// The store failed.
    Store(E),
}

/// Why a batch was not appended. Unless the kind is `poisoned` or `fenced`,
/// nothing of it was kept, and the next append may succeed.
#[derive(Debug)]
#[non_exhaustive]
pub enum AppendError<E> {
    /// Something of the batch is longer than a named limit allows.
    TooLarge {
        /// What: "record", "batch", ...
        what: &'static str,
        /// Its size.
        size: usize,
        /// The limit, from [`limits`](crate::limits).
        limit: usize,
    },
    /// The offsets of the log are used up.
    OffsetsUsedUp,
    /// The handle was opened for reading.
    ReadOnly,
    /// A newer epoch of this producer is known.
    ProducerFenced {
        /// Who.
        id: ProducerId,
        /// The epoch given.
        given: u64,
        /// The newest epoch.
        current: u64,
    },
    /// A batch of this producer is missing before this one.
    ProducerGap {
        /// The batch given.
        given: Producer,
        /// The sequence the log expects.
        expected: u64,
    },
    /// The store has no space; the batch was refused.
    Full(Arc<E>),
    /// This write or sync, or an earlier one, failed; reopen the log.
    Poisoned(Poison<E>),
    /// The log was closed.
    Closed,
    /// Memory for so many bytes of what is stored was refused.
    Memory(usize),
    /// A bug in tidelog.
    Internal(&'static str),
}

/// Why flushed or synced could not be reached.
#[derive(Debug)]
#[non_exhaustive]
pub enum SyncError<E> {
    /// The store has no space.
    Full(Arc<E>),
    /// This write or sync, or an earlier one, failed; reopen the log.
    Poisoned(Poison<E>),
    /// The log was closed.
    Closed,
    /// The handle was opened for reading.
    ReadOnly,
    /// Memory for so many bytes of what is stored was refused.
    Memory(usize),
    /// A bug in tidelog.
    Internal(&'static str),
}

/// Why nothing could be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError<E> {
    /// The offset lies beyond the log, or below it where that is refused.
    OutOfRange {
        /// The offset asked for.
        offset: u64,
        /// The lowest readable offset.
        oldest: u64,
        /// The offset the next append gets.
        next: u64,
    },
    /// There is no record with this offset: removed, or refused when appended.
    NotFound {
        /// The offset asked for.
        offset: u64,
        /// Whether it lies below the oldest offset.
        trimmed: bool,
    },
    /// Damaged records are in the way. Reading goes on at `next`. There is always something
    /// between the two, and nothing of it lies outside of the log's bounds.
    Corrupt {
        /// The first offset that cannot be read.
        offset: u64,
        /// The offset at which reading can go on.
        next: u64,
        /// The place.
        place: Corruption,
    },
    /// The log was closed.
    Closed,
    /// Memory for so many bytes of what is stored was refused.
    Memory(usize),
    /// The store failed.
    Store(E),
}

/// Why nothing was found by key or by time.
#[derive(Debug)]
#[non_exhaustive]
pub enum LookupError<E> {
    /// The log keeps no such index.
    NoIndex {
        /// Which one was asked: "key" or "time".
        wanted: &'static str,
        /// The ones it keeps.
        indexes: Indexes,
    },
    /// No record has this key.
    KeyNotFound,
    /// Every record is earlier than this time, in microseconds since 1970.
    TimeNotFound(i64),
    /// What the index says could not be read.
    Read(ReadError<E>),
}

/// Why maintenance stopped.
#[derive(Debug)]
#[non_exhaustive]
pub enum MaintainError<E> {
    /// An edit of the manifest failed.
    Commit(SyncError<E>),
    /// Damaged bytes are in the way; `check` lists them.
    Corrupt(Corruption),
    /// Memory for so many bytes of what is stored was refused.
    Memory(usize),
    /// The store failed.
    Store(E),
}

/// Why settings were not changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfigureError<E> {
    /// An option is out of its range, or cannot be changed so; the text says which.
    Invalid(&'static str),
    /// An edit of the manifest failed.
    Commit(SyncError<E>),
}

/// Why records were not removed. Nothing was then, unless the kind is `poisoned`:
/// after that the outcome is known only by reopening.
#[derive(Debug)]
#[non_exhaustive]
pub enum RemoveError<E> {
    /// An edit of the manifest failed.
    Commit(SyncError<E>),
    /// Records that had to be looked at for it cannot be read.
    Read(ReadError<E>),
    /// Memory for so many bytes of what is stored was refused.
    Memory(usize),
    /// The store failed.
    Store(E),
}

/// Why a log could not be checked, or salvaged, to the end.
#[derive(Debug)]
#[non_exhaustive]
pub enum CheckError<E> {
    /// Nothing of the log can be found.
    NotFound(LogId),
    /// The log could not be opened for it.
    Open(OpenError<E>),
    /// What was found could not be written.
    Commit(SyncError<E>),
    /// The log was closed.
    Closed,
    /// Memory for so many bytes of what is stored was refused.
    Memory(usize),
    /// The store failed.
    Store(E),
}

/// Why stored bytes could not be had.
#[derive(Debug)]
pub(crate) enum Unread<E> {
    /// Memory for so many of them was refused.
    Memory(usize),
    Store(E),
}

impl<E> From<E> for Unread<E> {
    fn from(error: E) -> Self {
        Self::Store(error)
    }
}

impl<E> Unread<E> {
    /// Room for so many more items.
    pub(crate) fn reserve<T>(items: &mut Vec<T>, more: usize) -> Result<(), Self> {
        let refused = |_| Self::Memory(more.saturating_mul(size_of::<T>()));
        items.try_reserve(more).map_err(refused)
    }

    /// What was refused for want of memory stays refused; of everything else there is
    /// nothing to be had.
    pub(crate) fn unless_memory<T>(read: Result<T, Fault>) -> Result<Option<T>, Self> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(Fault::Memory(bytes)) => Err(Self::Memory(bytes)),
            Err(_) => Ok(None),
        }
    }
}

macro_rules! unread {
    ($($error:ident),+) => {$(
        impl<E> From<Unread<E>> for $error<E> {
            fn from(cause: Unread<E>) -> Self {
                match cause {
                    Unread::Memory(bytes) => Self::Memory(bytes),
                    Unread::Store(error) => Self::Store(error),
                }
            }
        }
    )+};
}

unread!(OpenError, ReadError, MaintainError, RemoveError, CheckError);

/// What made a log refuse further writes.
#[derive(Debug)]
pub struct Poison<E> {
    /// What the log was doing.
    pub doing: &'static str,
    /// The store's error.
    pub source: Arc<E>,
}

impl<E> Clone for Poison<E> {
    fn clone(&self) -> Self {
        Self {
            doing: self.doing,
            source: Arc::clone(&self.source),
        }
    }
}

impl<E: StoreError> Poison<E> {
    /// `fenced` when a newer writer has taken over, `poisoned` otherwise.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self.source.kind() {
            ErrorKind::Fenced => ErrorKind::Fenced,
            _ => ErrorKind::Poisoned,
        }
    }
}

impl<E: StoreError> fmt::Display for Poison<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            ErrorKind::Fenced => f.write_str("a newer writer has taken this log over"),
            _ => write!(f, "{} failed; reopen the log: {}", self.doing, self.source),
        }
    }
}

/// How a commit ended for those who wait for it.
#[derive(Debug)]
pub(crate) enum Failure<E> {
    Full(Arc<E>),
    Poisoned(Poison<E>),
    Closed,
    Memory(usize),
    Internal(&'static str),
}

impl<E> Clone for Failure<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Full(source) => Self::Full(Arc::clone(source)),
            Self::Poisoned(poison) => Self::Poisoned(poison.clone()),
            Self::Closed => Self::Closed,
            Self::Memory(bytes) => Self::Memory(*bytes),
            Self::Internal(what) => Self::Internal(what),
        }
    }
}

impl<E> From<Failure<E>> for SyncError<E> {
    fn from(failure: Failure<E>) -> Self {
        match failure {
            Failure::Full(source) => Self::Full(source),
            Failure::Poisoned(poison) => Self::Poisoned(poison),
            Failure::Closed => Self::Closed,
            Failure::Memory(bytes) => Self::Memory(bytes),
            Failure::Internal(what) => Self::Internal(what),
        }
    }
}

impl<E> From<ChangeError<E>> for RemoveError<E> {
    fn from(error: ChangeError<E>) -> Self {
        match error {
            ChangeError::Commit(error) => Self::Commit(error),
            ChangeError::Store(error) => Self::Store(error),
        }
    }
}

impl<E> From<RemoveError<E>> for MaintainError<E> {
    fn from(error: RemoveError<E>) -> Self {
        match error {
            RemoveError::Commit(error) => Self::Commit(error),
            RemoveError::Store(error) | RemoveError::Read(ReadError::Store(error)) => {
                Self::Store(error)
            }
            RemoveError::Memory(bytes) | RemoveError::Read(ReadError::Memory(bytes)) => {
                Self::Memory(bytes)
            }
            RemoveError::Read(ReadError::Corrupt { place, .. }) => Self::Corrupt(place),
            RemoveError::Read(_) => Self::Commit(SyncError::Closed),
        }
    }
}

impl<E> From<ChangeError<E>> for MaintainError<E> {
    fn from(error: ChangeError<E>) -> Self {
        match error {
            ChangeError::Commit(error) => Self::Commit(error),
            ChangeError::Store(error) => Self::Store(error),
        }
    }
}

impl<E> From<Fault> for Failure<E> {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Memory(bytes) => Self::Memory(bytes),
            _ => Self::Internal("a frame under construction does not fit"),
        }
    }
}

macro_rules! kinds {
    ($($error:ident { $($pattern:pat => $kind:expr),+ $(,)? })+) => {$(
        impl<E: StoreError> $error<E> {
            /// What the caller should do about it.
            #[must_use]
            pub fn kind(&self) -> ErrorKind {
                match self {
                    $($pattern => $kind),+
                }
            }
        }
    )+};
}

kinds! {
    OpenError {
        Self::Invalid(_) | Self::OtherIndexes(_) => ErrorKind::Invalid,
        Self::Corrupt(place) => place.kind(),
        Self::Lost(_) => ErrorKind::Lost,
        Self::NotFound(_) => ErrorKind::NotFound,
        Self::Memory(_) => ErrorKind::Unavailable,
        Self::Store(source) => source.kind(),
    }
    AppendError {
        Self::TooLarge { .. } => ErrorKind::TooLarge,
        Self::OffsetsUsedUp => ErrorKind::OutOfRange,
        Self::ReadOnly => ErrorKind::ReadOnly,
        Self::ProducerFenced { .. } => ErrorKind::Fenced,
        Self::ProducerGap { .. } => ErrorKind::Conflict,
        Self::Full(_) => ErrorKind::Full,
        Self::Poisoned(poison) => poison.kind(),
        Self::Closed => ErrorKind::Closed,
        Self::Memory(_) => ErrorKind::Unavailable,
        Self::Internal(_) => ErrorKind::Internal,
    }
    SyncError {
        Self::Full(_) => ErrorKind::Full,
        Self::Poisoned(poison) => poison.kind(),
        Self::Closed => ErrorKind::Closed,
        Self::ReadOnly => ErrorKind::ReadOnly,
        Self::Memory(_) => ErrorKind::Unavailable,
        Self::Internal(_) => ErrorKind::Internal,
    }
    ReadError {
        Self::OutOfRange { .. } => ErrorKind::OutOfRange,
        Self::NotFound { .. } => ErrorKind::NotFound,
        Self::Corrupt { place, .. } => place.kind(),
        Self::Closed => ErrorKind::Closed,
        Self::Memory(_) => ErrorKind::Unavailable,
        Self::Store(source) => source.kind(),
    }
    LookupError {
        Self::NoIndex { .. } => ErrorKind::NoIndex,
        Self::KeyNotFound | Self::TimeNotFound(_) => ErrorKind::NotFound,
        Self::Read(source) => source.kind(),
    }
    MaintainError {
        Self::Commit(source) => source.kind(),
        Self::Corrupt(place) => place.kind(),
        Self::Memory(_) => ErrorKind::Unavailable,
        Self::Store(source) => source.kind(),
    }
    ConfigureError {
        Self::Invalid(_) => ErrorKind::Invalid,
        Self::Commit(source) => source.kind(),
    }
    RemoveError {
        Self::Commit(source) => source.kind(),
        Self::Read(source) => source.kind(),
        Self::Memory(_) => ErrorKind::Unavailable,
        Self::Store(source) => source.kind(),
    }
    CheckError {
        Self::NotFound(_) => ErrorKind::NotFound,
        Self::Open(source) => source.kind(),
        Self::Commit(source) => source.kind(),
        Self::Closed => ErrorKind::Closed,
        Self::Memory(_) => ErrorKind::Unavailable,
        Self::Store(source) => source.kind(),
    }
}

pub(super) fn no_memory(bytes: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(
        f,
        "memory for {bytes} stored bytes was refused; free some and try again"
    )
}

impl<E: StoreError> fmt::Display for OpenError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(what) => f.write_str(what),
            Self::OtherIndexes(indexes) => write!(
                f,
                "the log has {indexes}; open it without asking for others, and reindex it"
            ),
            Self::Corrupt(place) => match place.kind() {
                ErrorKind::Unsupported => write!(f, "this log needs a newer tidelog: {place}"),
                _ => write!(f, "the manifest is damaged; recover rebuilds it: {place}"),
            },
            Self::Lost(log) => write!(f, "the storage of log {log} was cleared"),
            Self::NotFound(log) => write!(f, "there is no log {log} in this store"),
            Self::Memory(bytes) => no_memory(*bytes, f),
            Self::Store(source) => write!(f, "{source}"),
        }
    }
}

impl<E: StoreError> fmt::Display for AppendError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { what, size, limit } => {
                write!(
                    f,
                    "a {what} of {size} is larger than the limit of {limit}; split it"
                )
            }
            Self::OffsetsUsedUp => f.write_str("the log has used up its offsets"),
            Self::ReadOnly => f.write_str("the log was opened for reading"),
            Self::ProducerFenced { id, given, current } => {
                write!(
                    f,
                    "producer {id} is at epoch {current}; epoch {given} may not append any more"
                )
            }
            Self::ProducerGap { given, expected } => write!(
                f,
                "producer {} sent batch {} of epoch {}, but batch {expected} comes first",
                given.id, given.sequence, given.epoch
            ),
            Self::Full(source) => write!(f, "no space is left; nothing was appended: {source}"),
            Self::Poisoned(poison) => poison.fmt(f),
            Self::Closed => f.write_str("the log is closed"),
            Self::Memory(bytes) => no_memory(*bytes, f),
            Self::Internal(what) => write!(f, "bug in tidelog, please report: {what}"),
        }
    }
}

impl<E: StoreError> fmt::Display for SyncError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(source) => write!(f, "no space is left: {source}"),
            Self::Poisoned(poison) => poison.fmt(f),
            Self::Closed => f.write_str("the log is closed"),
            Self::ReadOnly => f.write_str("the log was opened for reading"),
            Self::Memory(bytes) => no_memory(*bytes, f),
            Self::Internal(what) => write!(f, "bug in tidelog, please report: {what}"),
        }
    }
}

impl<E: StoreError> fmt::Display for ReadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange {
                offset,
                oldest,
                next,
            } => {
                write!(
                    f,
                    "offset {offset} is outside the log, which goes from {oldest} up to {next}"
                )
            }
            Self::NotFound {
                offset,
                trimmed: true,
            } => {
                write!(f, "offset {offset} was trimmed away")
            }
            Self::NotFound { offset, .. } => write!(f, "there is no record with offset {offset}"),
            Self::Corrupt {
                offset,
                next,
                place,
            } => {
                write!(f, "offsets {offset} up to {next} cannot be read: {place}")
            }
            Self::Closed => f.write_str("the log is closed"),
            Self::Memory(bytes) => no_memory(*bytes, f),
            Self::Store(source) => write!(f, "{source}"),
        }
    }
}

impl<E: StoreError> fmt::Display for LookupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoIndex { wanted, indexes } => {
                write!(
                    f,
                    "the log has no index by {wanted}: it has {indexes}; reindex adds one"
                )
            }
            Self::KeyNotFound => f.write_str("no record has this key"),
            Self::TimeNotFound(time) => {
                write!(f, "every record of the log is earlier than {time}")
            }
            Self::Read(source) => source.fmt(f),
        }
    }
}

impl<E> ReadError<E> {
    /// Damage that hits all of a segment from `base` up to `next`: reading backwards goes on
    /// below it.
    pub(super) fn of_all(self, base: u64, next: u64) -> Self {
        match self {
            Self::Corrupt { place, .. } => Self::Corrupt {
                offset: base,
                next,
                place,
            },
            error => error,
        }
    }

    /// The same, with nothing called damaged that is not there to be seen.
    pub(super) fn within(self, snapshot: &Snapshot) -> Self {
        match self {
            Self::Corrupt {
                offset,
                next,
                place,
            } => Self::Corrupt {
                offset: offset.max(snapshot.trimmed),
                next: next.min(snapshot.visible),
                place,
            },
            other => other,
        }
    }
}

impl<E> LookupError<E> {
    /// As [`ReadError::within`].
    pub(super) fn within(self, snapshot: &Snapshot) -> Self {
        match self {
            Self::Read(source) => Self::Read(source.within(snapshot)),
            other => other,
        }
    }
}

impl<E> From<ReadError<E>> for LookupError<E> {
    fn from(source: ReadError<E>) -> Self {
        Self::Read(source)
    }
}

impl<E: StoreError> fmt::Display for MaintainError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commit(source) => source.fmt(f),
            Self::Corrupt(place) => write!(f, "damaged bytes are in the way: {place}"),
            Self::Memory(bytes) => no_memory(*bytes, f),
            Self::Store(source) => write!(f, "{source}"),
        }
    }
}

impl<E: StoreError> fmt::Display for ConfigureError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(what) => f.write_str(what),
            Self::Commit(source) => source.fmt(f),
        }
    }
}

impl<E: StoreError> fmt::Display for RemoveError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commit(source) => source.fmt(f),
            Self::Read(source) => write!(f, "nothing was removed: {source}"),
            Self::Memory(bytes) => no_memory(*bytes, f),
            Self::Store(source) => write!(f, "nothing was removed: {source}"),
        }
    }
}

impl<E: StoreError> fmt::Display for CheckError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(log) => write!(f, "the store holds nothing of log {log}"),
            Self::Open(source) => source.fmt(f),
            Self::Commit(source) => source.fmt(f),
            Self::Closed => f.write_str("the log is closed"),
            Self::Memory(bytes) => no_memory(*bytes, f),
            Self::Store(source) => write!(f, "{source}"),
        }
    }
}

impl<E: StoreError> core::error::Error for OpenError<E> {}
impl<E: StoreError> core::error::Error for AppendError<E> {}
impl<E: StoreError> core::error::Error for SyncError<E> {}
impl<E: StoreError> core::error::Error for ReadError<E> {}
impl<E: StoreError> core::error::Error for LookupError<E> {}
impl<E: StoreError> core::error::Error for MaintainError<E> {}
impl<E: StoreError> core::error::Error for ConfigureError<E> {}
impl<E: StoreError> core::error::Error for RemoveError<E> {}
impl<E: StoreError> core::error::Error for CheckError<E> {}
