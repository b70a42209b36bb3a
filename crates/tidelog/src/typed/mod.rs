//! Logs whose keys and values are items of a program, not bytes.

mod error;
mod log;
mod record;

pub use error::{DecodeError, EncodeError, Field, TypedAppendError, TypedLookupError};
pub use log::TypedLog;
pub use record::{NewTyped, TypedBatch, TypedEntry, TypedRecord};
