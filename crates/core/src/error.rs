//! Owns the one classification every error of every surface maps to.

use core::fmt;

/// What the caller should do about an error. The same word in Rust, WIT, the
/// `code` of a JavaScript error and the problem type of an HTTP answer.
///
/// Adding a kind is an API event: it needs a changelog entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The call itself is wrong; correct it.
    Invalid,
    /// The thing asked for does not exist.
    NotFound,
    /// The offset, or the position, lies outside what exists.
    OutOfRange,
    /// The log keeps no such index.
    NoIndex,
    /// Somebody else changed the state this call relied on; look again.
    Conflict,
    /// Another writer holds the log.
    Locked,
    /// A newer writer took the log over; stop.
    Fenced,
    /// It exists already.
    Exists,
    /// The handle, or the storage, allows no writing.
    ReadOnly,
    /// No space is left; nothing of this call was kept.
    Full,
    /// Larger than a named limit will ever allow.
    TooLarge,
    /// Stored bytes are damaged; the error names the place.
    Corrupt,
    /// The storage was cleared or evicted.
    Lost,
    /// The storage cannot be reached, or failed, now.
    Unavailable,
    /// A deadline passed.
    Timeout,
    /// Asked to slow down.
    Throttled,
    /// No or wrong credentials.
    Unauthenticated,
    /// The credentials do not allow it.
    Forbidden,
    /// An earlier write or sync failed; reopen the log.
    Poisoned,
    /// The handle was closed.
    Closed,
    /// This build or this store cannot do it.
    Unsupported,
    /// A bug in tidelog; report it.
    Internal,
}

impl ErrorKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 22] = [
        Self::Invalid,
        Self::NotFound,
        Self::OutOfRange,
        Self::NoIndex,
        Self::Conflict,
        Self::Locked,
        Self::Fenced,
        Self::Exists,
        Self::ReadOnly,
        Self::Full,
        Self::TooLarge,
        Self::Corrupt,
        Self::Lost,
        Self::Unavailable,
        Self::Timeout,
        Self::Throttled,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::Poisoned,
        Self::Closed,
        Self::Unsupported,
        Self::Internal,
    ];

    /// The stable name, as every surface spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NotFound => "not-found",
            Self::OutOfRange => "out-of-range",
            Self::NoIndex => "no-index",
            Self::Conflict => "conflict",
            Self::Locked => "locked",
            Self::Fenced => "fenced",
            Self::Exists => "exists",
            Self::ReadOnly => "read-only",
            Self::Full => "full",
            Self::TooLarge => "too-large",
            Self::Corrupt => "corrupt",
            Self::Lost => "lost",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Throttled => "throttled",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Poisoned => "poisoned",
            Self::Closed => "closed",
            Self::Unsupported => "unsupported",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
