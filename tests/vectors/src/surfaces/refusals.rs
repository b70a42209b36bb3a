//! Owns how the errors of the engine are shown to a script: a kind and fields.

use serde_json::{Map, Value, json};
use tidelog::{BackupLogError, ImportLogError, OpenLogError, RecoverLogError};
use tidelog_core::{
    AppendError, BackupError, CheckError, ConfigureError, Corruption, ExportError, ImportError,
    LookupError, MaintainError, OpenError, ReadError, RemoveError, StoreError, SyncError,
};

use crate::number::canonical;
use crate::surface::Failure;

/// An error that scripts can look at.
pub trait Refusal: std::fmt::Display {
    /// Its kind, by name.
    fn kind(&self) -> &'static str;

    /// What it names.
    fn fields(&self) -> Map<String, Value>;
}

/// Turns it into a failure of the step.
#[allow(clippy::needless_pass_by_value, reason = "it is what map_err takes")]
pub fn refused(error: impl Refusal) -> Failure {
    Failure::Refused {
        kind: error.kind().to_owned(),
        fields: error.fields(),
        message: error.to_string(),
    }
}

impl<E: StoreError> Refusal for OpenLogError<E> {
    fn kind(&self) -> &'static str {
        self.kind().as_str()
    }

    fn fields(&self) -> Map<String, Value> {
        match self {
            Self::Open { source, .. } => source.fields(),
            _ => Map::new(),
        }
    }
}

impl<E: StoreError> Refusal for RecoverLogError<E> {
    fn kind(&self) -> &'static str {
        self.kind().as_str()
    }

    fn fields(&self) -> Map<String, Value> {
        match self {
            Self::Recover { source, .. } => source.fields(),
            _ => Map::new(),
        }
    }
}

/// Errors that are about two places, of which nothing but the kind is shown.
macro_rules! of_two_places {
    ($($error:ident),+) => {$(
        impl<S: StoreError, T: StoreError> Refusal for $error<S, T> {
            fn kind(&self) -> &'static str {
                self.kind().as_str()
            }

            fn fields(&self) -> Map<String, Value> {
                Map::new()
            }
        }
    )+};
}

of_two_places!(BackupError, BackupLogError, ExportError, ImportError);

impl<E: StoreError> Refusal for ImportLogError<E> {
    fn kind(&self) -> &'static str {
        self.kind().as_str()
    }

    fn fields(&self) -> Map<String, Value> {
        Map::new()
    }
}

fn named<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    let owned = |(name, value): (&str, Value)| (name.to_owned(), value);
    fields.into_iter().map(owned).collect()
}

fn number(value: impl Into<i128>) -> Value {
    canonical(value.into())
}

fn place(place: &Corruption) -> Map<String, Value> {
    named([("blob", json!(place.blob.kind.as_str()))])
}

macro_rules! refusals {
    ($($error:ident { $($pattern:pat => $fields:expr),* $(,)? })+) => {$(
        impl<E: StoreError> Refusal for $error<E> {
            fn kind(&self) -> &'static str {
                self.kind().as_str()
            }

            fn fields(&self) -> Map<String, Value> {
                match self {
                    $($pattern => $fields,)*
                    _ => Map::new(),
                }
            }
        }
    )+};
}

refusals! {
    OpenError {
        Self::OtherIndexes(found) => named([
            ("keys", json!(found.keys)),
            ("times", json!(found.times)),
        ]),
        Self::Corrupt(found) => place(found),
    }
    AppendError {
        Self::TooLarge { what, limit, .. } => named([
            ("what", json!(what)),
            ("limit", json!(limit)),
        ]),
        Self::ProducerFenced { given, current, .. } => named([
            ("given", number(*given)),
            ("current", number(*current)),
        ]),
        Self::ProducerGap { given, expected } => named([
            ("given", number(given.sequence)),
            ("expected", number(*expected)),
        ]),
    }
    SyncError {}
    ReadError {
        Self::OutOfRange { offset, oldest, next } => named([
            ("offset", number(*offset)),
            ("oldest", number(*oldest)),
            ("next", number(*next)),
        ]),
        Self::NotFound { offset, trimmed } => named([
            ("offset", number(*offset)),
            ("trimmed", json!(trimmed)),
        ]),
        Self::Corrupt { offset, next, place } => named([
            ("offset", number(*offset)),
            ("next", number(*next)),
            ("blob", json!(place.blob.kind.as_str())),
        ]),
    }
    LookupError {
        Self::NoIndex { wanted, indexes } => named([
            ("wanted", json!(wanted)),
            ("keys", json!(indexes.keys)),
            ("times", json!(indexes.times)),
        ]),
        Self::TimeNotFound(time) => named([("time", number(*time))]),
        Self::Read(source) => source.fields(),
    }
    RemoveError {
        Self::Commit(source) => source.fields(),
        Self::Read(source) => source.fields(),
    }
    ConfigureError {}
    MaintainError {
        Self::Corrupt(found) => place(found),
    }
    CheckError {
        Self::Open(source) => source.fields(),
    }
}
