//! Owns the errors of the browser's stores, and how the browser's exceptions become
//! them.

use std::fmt;

use tidelog_core::{ErrorKind, StoreError};
use wasm_bindgen::{JsCast, JsValue};

/// Why a store of the browser refused, or failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebError {
    doing: String,
    reason: Reason,
}

/// What went wrong, without the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The platform lacks an interface, or this kind of context may not use it.
    Missing(&'static str),
    /// The storage was made by a newer version.
    Newer,
    /// The storage was made by something else.
    Foreign,
    /// Asked not to create, and there is nothing.
    Absent,
    NotFound,
    PastEnd {
        available: u64,
    },
    Conflict {
        end: u64,
        position: u64,
    },
    Exists,
    Locked,
    Fenced,
    /// What was there is gone: cleared, or evicted.
    Lost,
    /// The connection to the database broke; it can be opened again.
    ConnectionLost,
    Closed,
    /// A sync found no space.
    UnsyncedForSpace,
    /// A sync failed, and what it covered may be gone.
    FailedBefore,
    /// Fewer bytes were written than given.
    Short,
    /// An exception of the browser.
    Threw {
        name: String,
        message: String,
    },
}

/// The exception a browser throws when there is no space.
const QUOTA: &str = "QuotaExceededError";

impl Reason {
    pub(crate) fn doing(self, doing: impl Into<String>) -> WebError {
        WebError {
            doing: doing.into(),
            reason: self,
        }
    }

    /// Reads what JavaScript threw.
    pub(crate) fn thrown(value: &JsValue) -> Self {
        let text = |key: &str| {
            let found = js_sys::Reflect::get(value, &key.into()).ok();
            found.and_then(|found| found.as_string())
        };
        if value.is_object() {
            Self::Threw {
                name: text("name").unwrap_or_default(),
                message: text("message").unwrap_or_default(),
            }
        } else {
            Self::Threw {
                name: String::new(),
                message: value
                    .dyn_ref::<js_sys::JsString>()
                    .map_or_else(|| format!("{value:?}"), String::from),
            }
        }
    }

    /// The name of the exception, if it is one.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Threw { name, .. } => name,
            _ => "",
        }
    }

    /// Whether another connection may serve where this one did not.
    pub(crate) fn is_lost_connection(&self) -> bool {
        const NAMES: [&str; 3] = ["InvalidStateError", "UnknownError", "AbortError"];
        matches!(self, Self::ConnectionLost) || NAMES.contains(&self.name())
    }

    pub(crate) fn is_full(&self) -> bool {
        matches!(self, Self::Short) || self.name() == QUOTA
    }

    /// As a sync tells it: one that finds no space is not the harmless refusal that
    /// `full` stands for, since what it was to make durable is in doubt.
    pub(crate) fn of_sync(self) -> Self {
        if self.is_full() {
            Self::UnsyncedForSpace
        } else {
            self
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Missing(_) | Self::Newer | Self::Foreign => ErrorKind::Unsupported,
            Self::Absent | Self::NotFound => ErrorKind::NotFound,
            Self::PastEnd { .. } => ErrorKind::OutOfRange,
            Self::Conflict { .. } | Self::Exists => ErrorKind::Conflict,
            Self::Locked => ErrorKind::Locked,
            Self::Fenced => ErrorKind::Fenced,
            Self::Short => ErrorKind::Full,
            Self::Lost => ErrorKind::Lost,
            Self::Closed => ErrorKind::Closed,
            Self::FailedBefore | Self::UnsyncedForSpace | Self::ConnectionLost => {
                ErrorKind::Unavailable
            }
            Self::Threw { name, .. } => match name.as_str() {
                QUOTA => ErrorKind::Full,
                "SecurityError" | "NotAllowedError" => ErrorKind::Forbidden,
                _ => ErrorKind::Unavailable,
            },
        }
    }
}

impl From<JsValue> for Reason {
    fn from(value: JsValue) -> Self {
        Self::thrown(&value)
    }
}

impl StoreError for WebError {
    fn kind(&self) -> ErrorKind {
        self.reason.kind()
    }

    fn available(&self) -> Option<u64> {
        match self.reason {
            Reason::PastEnd { available } => Some(available),
            _ => None,
        }
    }
}

impl fmt::Display for WebError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: ", self.doing)?;
        match &self.reason {
            Reason::Missing(what) => write!(f, "this context offers no {what}"),
            Reason::Newer => f.write_str("it was made by a newer version of tidelog: update"),
            Reason::Foreign => f.write_str("it was not made by tidelog: choose another name"),
            Reason::Absent => f.write_str("there is nothing of that name, and none was to be made"),
            Reason::NotFound => f.write_str("it does not exist"),
            Reason::PastEnd { available } => {
                write!(f, "only {available} bytes are there from that position on")
            }
            Reason::Conflict { end, position } => {
                write!(f, "it ends at {end}, not at {position}")
            }
            Reason::Exists => f.write_str("it exists already"),
            Reason::Locked => f.write_str("another tab or worker of this origin writes to it"),
            Reason::Fenced => f.write_str("a newer writer took over, or this one let go"),
            Reason::Lost => f.write_str("the browser's storage was cleared or evicted"),
            Reason::ConnectionLost => f.write_str("the connection to the database was lost"),
            Reason::Closed => f.write_str("the store was closed"),
            Reason::UnsyncedForSpace => f.write_str("there was no space to make it durable"),
            Reason::FailedBefore => f.write_str("an earlier write or sync of it failed"),
            Reason::Short => f.write_str("there was no space for all of it"),
            Reason::Threw { name, message } if name.is_empty() => f.write_str(message),
            Reason::Threw { name, message } => write!(f, "{name}: {message}"),
        }
    }
}

impl std::error::Error for WebError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn threw(name: &str) -> Reason {
        Reason::Threw {
            name: name.to_owned(),
            message: "no".to_owned(),
        }
    }

    #[test]
    fn only_an_append_is_full() {
        for full in [threw(QUOTA), Reason::Short] {
            assert_eq!(full.clone().doing("appending").kind(), ErrorKind::Full);
            let synced = full.of_sync().doing("syncing");
            assert_eq!(synced.kind(), ErrorKind::Unavailable, "{synced}");
        }
        assert_eq!(Reason::Fenced.of_sync(), Reason::Fenced);
    }

    #[test]
    fn a_connection_can_be_lost_in_several_words() {
        for name in ["InvalidStateError", "UnknownError", "AbortError"] {
            assert!(threw(name).is_lost_connection(), "{name}");
        }
        for name in [QUOTA, "ConstraintError", ""] {
            assert!(!threw(name).is_lost_connection(), "{name}");
        }
    }

    #[test]
    fn an_error_says_what_was_done_and_why_it_failed() {
        let error = threw("DataError").doing("reading segment 1 of log 7");
        assert_eq!(
            error.to_string(),
            "reading segment 1 of log 7 failed: DataError: no"
        );
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
}
