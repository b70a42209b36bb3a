//! Owns exports: a whole log as one sequence of bytes that can be verified without
//! anything else, written from a log and read into a new one.
//!
//! # Invariants
//!
//! - Everything in an export is covered by a checksum, and its end says what it must
//!   add up to.
//! - An import takes effect with one edit, after the last byte was verified.

mod error;
mod export;
mod filling;
mod import;
mod stream;

pub use error::{ExportError, ImportError};
pub use export::Exported;
pub use import::{Import, Imported};

use crate::store::StoreError;

/// Where an export goes: a file, a pipe, a connection.
#[allow(
    async_fn_in_trait,
    reason = "futures are Send exactly when the sink's are"
)]
pub trait ExportSink {
    /// What can go wrong.
    type Error: StoreError;

    /// Takes all of `bytes`, behind those it has.
    ///
    /// # Errors
    /// The export ends with it.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;
}

/// Where an export comes from.
#[allow(
    async_fn_in_trait,
    reason = "futures are Send exactly when the source's are"
)]
pub trait ImportSource {
    /// What can go wrong.
    type Error: StoreError;

    /// Fills the front of `buf` with what comes next, and returns how much that is; 0
    /// only at the end.
    ///
    /// # Errors
    /// The import ends with it.
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Self::Error>;
}
