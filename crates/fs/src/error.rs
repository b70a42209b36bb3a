//! Owns the errors of the file store, and how the system's errors become them.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use tidelog_core::{ErrorKind, StoreError};

/// What was being done when an error occurred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Opening or creating the directory.
    Open,
    /// Listing the blobs of a log.
    List,
    /// Reading from a blob.
    Read,
    /// Appending to a blob.
    Append,
    /// Making appends or removals durable.
    Sync,
    /// Shrinking a sealed blob.
    Seal,
    /// Removing a blob.
    Remove,
    /// Becoming the writer of a log.
    Claim,
}

impl Operation {
    const fn doing(self) -> &'static str {
        match self {
            Self::Open => "opening",
            Self::List => "listing",
            Self::Read => "reading",
            Self::Append => "appending to",
            Self::Sync => "syncing",
            Self::Seal => "sealing",
            Self::Remove => "removing",
            Self::Claim => "claiming",
        }
    }

    const fn writes(self) -> bool {
        !matches!(self, Self::List | Self::Read)
    }
}

/// Why a store operation failed, and where.
#[derive(Debug)]
pub struct FsError {
    operation: Operation,
    path: PathBuf,
    reason: Reason,
}

/// What went wrong, without the place.
#[derive(Debug)]
pub(crate) enum Reason {
    Io(io::Error),
    PastEnd { available: u64 },
    Conflict { end: u64, position: u64 },
    Locked,
    Fenced { epoch: u64 },
    OpenedReadOnly,
    NotAFile,
    FailedBefore,
}

impl From<io::Error> for Reason {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Reason {
    pub(crate) fn at(self, operation: Operation, path: &Path) -> FsError {
        FsError {
            operation,
            path: path.to_owned(),
            reason: self,
        }
    }

    /// Whether there was no space. Only then is the outcome known.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self, Self::Io(error) if is_full(error))
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

impl FsError {
    /// What was being done.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    /// The file or folder it was done to.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn io_kind(&self, error: &io::Error) -> ErrorKind {
        match error.kind() {
            // A sync that finds no space has lost what it was to make durable:
            // that is not the harmless refusal `full` stands for.
            _ if is_full(error) && self.operation != Operation::Sync => ErrorKind::Full,
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                if self.operation.writes() {
                    ErrorKind::ReadOnly
                } else {
                    ErrorKind::Forbidden
                }
            }
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::UnexpectedEof => ErrorKind::OutOfRange,
            io::ErrorKind::AlreadyExists => ErrorKind::Conflict,
            _ => ErrorKind::Unavailable,
        }
    }
}

impl StoreError for FsError {
    fn kind(&self) -> ErrorKind {
        match &self.reason {
            Reason::Io(error) => self.io_kind(error),
            Reason::PastEnd { .. } => ErrorKind::OutOfRange,
            Reason::Conflict { .. } => ErrorKind::Conflict,
            Reason::Locked => ErrorKind::Locked,
            Reason::Fenced { .. } => ErrorKind::Fenced,
            Reason::OpenedReadOnly => ErrorKind::ReadOnly,
            Reason::NotAFile | Reason::FailedBefore => ErrorKind::Unavailable,
        }
    }

    fn available(&self) -> Option<u64> {
        match self.reason {
            Reason::PastEnd { available } => Some(available),
            _ => None,
        }
    }
}

impl fmt::Display for FsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let doing = self.operation.doing();
        write!(f, "{doing} {} failed: ", self.path.display())?;
        match &self.reason {
            Reason::Io(error) => error.fmt(f),
            Reason::PastEnd { available } => {
                write!(f, "only {available} bytes are there from that position on")
            }
            Reason::Conflict { end, position } => {
                write!(f, "it ends at {end} for this writer, not at {position}")
            }
            Reason::Locked => f.write_str("another writer holds this log; close it first"),
            Reason::Fenced { epoch } => write!(
                f,
                "a newer writer took the log over from epoch {epoch}; reopen it to write again"
            ),
            Reason::OpenedReadOnly => f.write_str("the directory was opened for reading only"),
            Reason::NotAFile => f.write_str("it is a link, or no regular file; move it away"),
            Reason::FailedBefore => f.write_str(
                "an earlier write or sync of it failed, so that what it holds is unknown; \
                 reopen the log",
            ),
        }
    }
}

impl std::error::Error for FsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.reason {
            Reason::Io(error) => error.source(),
            _ => None,
        }
    }
}

/// Why a directory could not be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum DirectoryError {
    /// There is no such directory.
    Missing(PathBuf),
    /// The directory, or file, exists but holds something else.
    NotTidelog(PathBuf),
    /// The directory was made by a newer version.
    Newer {
        /// The directory.
        path: PathBuf,
        /// The format version its marker names.
        version: u32,
    },
    /// The system refused.
    Fs(FsError),
}

impl DirectoryError {
    /// What the caller should do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Missing(_) => ErrorKind::NotFound,
            Self::NotTidelog(_) => ErrorKind::Invalid,
            Self::Newer { .. } => ErrorKind::Unsupported,
            Self::Fs(error) => error.kind(),
        }
    }
}

impl From<FsError> for DirectoryError {
    fn from(error: FsError) -> Self {
        Self::Fs(error)
    }
}

impl fmt::Display for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "the directory {} does not exist", path.display()),
            Self::NotTidelog(path) => write!(
                f,
                "{} is not a tidelog directory; name another one, or a new or empty one to create",
                path.display()
            ),
            Self::Newer { path, version } => write!(
                f,
                "the directory {} has format {version}, which this version cannot read; update tidelog",
                path.display()
            ),
            Self::Fs(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DirectoryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Fs(error) => error.source(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use tidelog_core::{ErrorKind, StoreError};

    use super::{Operation, Reason};

    #[test]
    fn system_errors_become_kinds_by_operation() {
        for (error, operation, kind) in [
            (
                io::ErrorKind::StorageFull,
                Operation::Append,
                ErrorKind::Full,
            ),
            (
                io::ErrorKind::QuotaExceeded,
                Operation::Append,
                ErrorKind::Full,
            ),
            (
                io::ErrorKind::FileTooLarge,
                Operation::Append,
                ErrorKind::Full,
            ),
            (
                io::ErrorKind::StorageFull,
                Operation::Sync,
                ErrorKind::Unavailable,
            ),
            (
                io::ErrorKind::PermissionDenied,
                Operation::Claim,
                ErrorKind::ReadOnly,
            ),
            (
                io::ErrorKind::PermissionDenied,
                Operation::Read,
                ErrorKind::Forbidden,
            ),
            (
                io::ErrorKind::ReadOnlyFilesystem,
                Operation::Append,
                ErrorKind::ReadOnly,
            ),
            (
                io::ErrorKind::NotFound,
                Operation::Read,
                ErrorKind::NotFound,
            ),
            (
                io::ErrorKind::AlreadyExists,
                Operation::Append,
                ErrorKind::Conflict,
            ),
            (
                io::ErrorKind::Other,
                Operation::Sync,
                ErrorKind::Unavailable,
            ),
        ] {
            let error = Reason::Io(error.into()).at(operation, Path::new("somewhere"));
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().contains("somewhere"), "{error}");
        }
    }
}
