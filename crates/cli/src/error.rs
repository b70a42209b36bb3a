//! Owns why a verb failed, in words and as an exit code. The only place where
//! errors of other crates become errors of the command.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;

use tidelog::{
    AppendError, BackupLogError, CheckError, ConfigureError, DirectoryError, ErrorKind,
    ExportError, FsError, ImportLogError, LookupError, MaintainError, NamesError, OpenError,
    OpenLogError, ReadError, RecoverLogError, RemoveError, StreamError, SyncError,
};

use crate::rows::Place;

/// Shown below `--help`. [`Failure::exit_code`] keeps the promise.
pub const EXIT_CODES: &str = "\
Exit codes:
  0    done; for check: healthy
  1    failed, for a reason without a code of its own; for check: damaged
  2    wrong usage; for check also: could not look
  3    no such directory, file, log, offset, key or time
  4    another writer holds the log, or took it over
  5    no space is left
  6    stored bytes are damaged
  7    the input is malformed, or too large for a record
  8    writing, or reading, is not allowed here
  141  whoever read the output has gone";

/// Why a verb ended early: what, where, and what to do.
#[derive(Debug)]
pub struct Failure {
    cause: Cause,
    message: String,
    /// The exit code, where the cause does not decide it.
    code: Option<u8>,
}

#[derive(Clone, Copy, Debug)]
enum Cause {
    /// The log, or what holds it, refused or failed.
    Log(ErrorKind),
    /// The arguments contradict what is there.
    Usage,
    /// The input is not what its format says.
    Input,
    /// A file that is not the log's, or an output, failed.
    Io(io::ErrorKind),
    /// Whoever read the output has gone. Nobody is left to be told.
    BrokenPipe,
    /// The verb has said everything itself.
    Told,
}

impl Failure {
    fn new(cause: Cause, message: String) -> Self {
        Self {
            cause,
            message,
            code: None,
        }
    }

    /// Arguments that contradict what is there.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Cause::Usage, message.into())
    }

    /// Input that is wrong at `place`.
    pub fn input(place: Place, wrong: impl fmt::Display) -> Self {
        Self::new(Cause::Input, format!("{place}: {wrong}"))
    }

    /// `doing` something to the file at `path` failed.
    pub fn io(doing: &str, path: &Path, error: &io::Error) -> Self {
        Self::new(
            Cause::Io(error.kind()),
            format!("cannot {doing} {}: {error}", path.display()),
        )
    }

    /// Writing to the standard output failed.
    pub fn output(error: &io::Error) -> Self {
        let cause = match error.kind() {
            io::ErrorKind::BrokenPipe => Cause::BrokenPipe,
            kind => Cause::Io(kind),
        };
        Self::new(cause, format!("cannot write the output: {error}"))
    }

    /// Something of tidelog refused or failed.
    fn log(kind: ErrorKind, error: &dyn Error) -> Self {
        Self::new(Cause::Log(kind), error.to_string())
    }

    /// The end of a verb that has said everything itself.
    pub fn told(code: u8) -> Self {
        Self::new(Cause::Told, String::new()).ending_with(code)
    }

    /// The same failure, of the input at `path`.
    #[must_use]
    pub fn within(mut self, path: &Path) -> Self {
        if matches!(self.cause, Cause::Input) {
            self.message = format!("{}: {}", path.display(), self.message);
        }
        self
    }

    /// The same failure, and what to know beside it.
    #[must_use]
    pub fn and_note(mut self, note: &str) -> Self {
        self.message = format!("{}; {note}", self.message);
        self
    }

    /// The same failure, ending with `code` whatever it is.
    #[must_use]
    pub fn ending_with(mut self, code: u8) -> Self {
        self.code = Some(code);
        self
    }

    /// The kind, as `--json` names it.
    pub fn kind(&self) -> ErrorKind {
        match self.cause {
            Cause::Log(kind) => kind,
            Cause::Usage | Cause::Input => ErrorKind::Invalid,
            Cause::Io(kind) => match kind {
                io::ErrorKind::NotFound => ErrorKind::NotFound,
                io::ErrorKind::AlreadyExists => ErrorKind::Exists,
                io::ErrorKind::PermissionDenied => ErrorKind::Forbidden,
                io::ErrorKind::StorageFull => ErrorKind::Full,
                _ => ErrorKind::Unavailable,
            },
            Cause::BrokenPipe | Cause::Told => ErrorKind::Closed,
        }
    }

    /// What the process ends with; see [`EXIT_CODES`].
    pub fn exit_code(&self) -> u8 {
        self.code.unwrap_or(match self.cause {
            Cause::Usage => 2,
            Cause::Input => 7,
            Cause::BrokenPipe => 141,
            Cause::Told => 1,
            Cause::Log(_) | Cause::Io(_) => match self.kind() {
                ErrorKind::Invalid => 2,
                ErrorKind::NotFound | ErrorKind::OutOfRange => 3,
                ErrorKind::Locked | ErrorKind::Fenced => 4,
                ErrorKind::Full => 5,
                ErrorKind::Corrupt => 6,
                ErrorKind::TooLarge => 7,
                ErrorKind::ReadOnly | ErrorKind::Forbidden => 8,
                _ => 1,
            },
        })
    }

    /// Whether there is nothing to say.
    pub fn is_silent(&self) -> bool {
        matches!(self.cause, Cause::BrokenPipe | Cause::Told)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

macro_rules! from_tidelog {
    ($($error:ty),+ $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::log(error.kind(), &error)
            }
        }
    )+};
}

from_tidelog!(
    DirectoryError,
    NamesError<FsError>,
    OpenError<FsError>,
    OpenLogError<FsError>,
    RecoverLogError<FsError>,
    BackupLogError<FsError, FsError>,
    ImportLogError<FsError>,
    ExportError<FsError, StreamError>,
    AppendError<FsError>,
    ReadError<FsError>,
    SyncError<FsError>,
    CheckError<FsError>,
    LookupError<FsError>,
    RemoveError<FsError>,
    MaintainError<FsError>,
    ConfigureError<FsError>,
);
