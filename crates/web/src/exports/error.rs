//! Owns how errors of the engine become JavaScript's: `{ code, message, details }`.
//! The only file of this module that converts errors.

use js_sys::{Object, Reflect};
use tidelog_core::{
    AppendError, BackupError, CatalogError, CheckError, ConfigureError, Corruption, ErrorKind,
    ExportError, ImportError, LookupError, MaintainError, OpenError, ReadError, RemoveError,
    StoreError, SyncError,
};
use tidelog_page::PageError;
use wasm_bindgen::JsValue;

use super::storage::StorageError;

/// What an error names, beside its sentence.
type Details = Vec<(&'static str, JsValue)>;

/// An error that JavaScript can look at.
pub trait Refusal: core::fmt::Display {
    /// What the caller should do about it.
    fn code(&self) -> ErrorKind;

    /// What it names.
    fn details(&self) -> Details {
        Details::new()
    }
}

/// Makes it what a promise is rejected with; `map_err` takes it.
#[allow(clippy::needless_pass_by_value, reason = "it is what map_err takes")]
pub fn refused(error: impl Refusal) -> JsValue {
    thrown(error.code(), &error.to_string(), error.details())
}

/// A refusal of this module itself.
pub fn refuse(code: ErrorKind, message: &str) -> JsValue {
    thrown(code, message, Details::new())
}

fn thrown(code: ErrorKind, message: &str, details: Details) -> JsValue {
    let (error, named) = (Object::new(), Object::new());
    for (name, value) in details {
        set(&named, name, &value);
    }
    set(&error, "code", &code.as_str().into());
    set(&error, "message", &message.into());
    set(&error, "details", &named);
    error.into()
}

fn set(object: &Object, name: &str, value: &JsValue) {
    // A plain object made here takes every property.
    let _ = Reflect::set(object, &name.into(), value);
}

/// Offsets and epochs stay below 2^53, so that a number holds each.
#[expect(clippy::cast_precision_loss, reason = "the engine stays below 2^53")]
fn number(value: u64) -> JsValue {
    JsValue::from_f64(value as f64)
}

fn place(place: &Corruption) -> Details {
    vec![
        ("blob", place.blob.kind.as_str().into()),
        ("position", number(place.position)),
    ]
}

macro_rules! refusals {
    ($($error:ident { $($pattern:pat => $details:expr),* $(,)? })+) => {$(
        impl<E: StoreError> Refusal for $error<E> {
            fn code(&self) -> ErrorKind {
                self.kind()
            }

            fn details(&self) -> Details {
                match self {
                    $($pattern => $details,)*
                    #[allow(unreachable_patterns, reason = "some name nothing")]
                    _ => Details::new(),
                }
            }
        }
    )+};
}

refusals! {
    OpenError {
        Self::OtherIndexes(found) => vec![
            ("keys", found.keys.into()),
            ("times", found.times.into()),
        ],
        Self::Corrupt(found) => place(found),
    }
    AppendError {
        Self::TooLarge { what, limit, .. } => vec![
            ("what", (*what).into()),
            ("limit", number(*limit as u64)),
        ],
        Self::ProducerFenced { given, current, .. } => vec![
            ("given", number(*given)),
            ("current", number(*current)),
        ],
        Self::ProducerGap { given, expected } => vec![
            ("given", number(given.sequence)),
            ("expected", number(*expected)),
        ],
    }
    SyncError {}
    ReadError {
        Self::OutOfRange { offset, oldest, next } => vec![
            ("offset", number(*offset)),
            ("oldest", number(*oldest)),
            ("next", number(*next)),
        ],
        Self::NotFound { offset, trimmed } => vec![
            ("offset", number(*offset)),
            ("trimmed", (*trimmed).into()),
        ],
        Self::Corrupt { offset, next, place } => {
            let mut details = self::place(place);
            details.push(("offset", number(*offset)));
            details.push(("next", number(*next)));
            details
        },
    }
    LookupError {
        Self::NoIndex { wanted, indexes } => vec![
            ("wanted", (*wanted).into()),
            ("keys", indexes.keys.into()),
            ("times", indexes.times.into()),
        ],
        Self::TimeNotFound(time) => {
            #[expect(clippy::cast_precision_loss, reason = "it came in as such a number")]
            let time = *time as f64;
            vec![("time", time.into())]
        },
        Self::Read(source) => source.details(),
    }
    RemoveError {
        Self::Read(source) => source.details(),
    }
    ConfigureError {}
    MaintainError {
        Self::Corrupt(found) => place(found),
    }
    CheckError {
        Self::Open(source) => source.details(),
    }
    CatalogError {
        Self::Open(source) => source.details(),
    }
}

/// Errors that are about two places, of which nothing but the kind is shown.
macro_rules! of_two_places {
    ($($error:ident),+) => {$(
        impl<S: StoreError, T: StoreError> Refusal for $error<S, T> {
            fn code(&self) -> ErrorKind {
                self.kind()
            }
        }
    )+};
}

of_two_places!(BackupError, ExportError, ImportError);

impl Refusal for PageError {
    fn code(&self) -> ErrorKind {
        self.kind()
    }
}

impl Refusal for StorageError {
    fn code(&self) -> ErrorKind {
        self.kind()
    }
}

impl Refusal for serde_wasm_bindgen::Error {
    fn code(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}
