//! The tidelog engine: an append-only event log over an abstract block store.
//!
//! This crate owns the on-disk format, the log, recovery and the catalog. It
//! performs no I/O, reads no clock, draws no randomness and spawns nothing:
//! a [`BlockStore`] does the first, a [`Host`] hands in the next two, and
//! whoever calls drives the rest.
//!
//! `docs/FORMAT.md` is the normative description of every byte written here,
//! `docs/ARCHITECTURE.md` the map of the code and its invariants.
//!
//! # Features
//!
//! - `std`: the [`Threads`] lock family, for handles shared between threads.
//! - `lz4`, `deflate`: compression of frames (both on by default).
//! - `fuzzing`: the decoders one by one, for `fuzz/`. Not part of the interface.
//! - `planted`: defects for tests to plant; never in a shipped build.
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc,
    clippy::alloc_instead_of_core,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::cast_possible_truncation
    )
)]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

mod bytes;
mod catalog;
mod error;
mod format;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod host;
pub mod limits;
mod log;
mod options;
#[cfg(feature = "planted")]
pub mod planted;
#[cfg(not(feature = "planted"))]
mod planted;
mod producer;
mod record;
mod search;
mod sharing;
mod store;

pub use bytes::Bytes;
pub use catalog::{Catalog, CatalogError, NameError, check_name};
pub use error::ErrorKind;
pub use format::{Compression, Fault};
pub use host::Host;
pub use log::{
    AppendError, Appended, BackedUp, BackupError, Batch, Bounds, CheckError, Checked, Compacted,
    Compaction, ConfigureError, Corruption, Damage, Deleted, Entry, ExportError, ExportSink,
    Exported, Finding, FindingKind, Import, ImportError, ImportSource, Imported, Keep, Log,
    LookupError, MaintainError, Maintained, Mismatch, OpenError, Poison, ReadError, Reader,
    Records, Recovery, RemoveError, Report, Salvage, Stat, SyncError, TrimTo, Trimmed, recover,
};
pub use options::{
    Access, AppendOptions, At, BelowOldest, Durability, Indexes, Options, ReadLimits, Retention,
    Settings,
};
pub use producer::{Producer, ProducerId};
pub use record::{Header, Headers, NewRecord, Record};
#[cfg(feature = "std")]
pub use sharing::Threads;
pub use sharing::{Local, Shared, Sharing};
pub use store::{
    BlobId, BlobKind, BlockStore, Geometry, LogId, MemoryError, MemoryStore, StoreError,
};
