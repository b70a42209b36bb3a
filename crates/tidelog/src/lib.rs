//! An append-only event log that runs wherever an app runs. This crate is what
//! Rust programs add: logs by name, over files or in memory, with a blocking and
//! an async API. It contains no engine: that is [`tidelog_core`], whose words and
//! types it re-exports.
//!
//! ```
//! use tidelog::blocking::Logs;
//! use tidelog::{AppendOptions, At, Durability, NewRecord, ReadLimits};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let home = tempfile::tempdir()?;
//! # let dir = home.path().join("data");
//! let logs = Logs::create(&dir)?;
//! let orders = logs.log("orders").create(true).open()?;
//!
//! // Acknowledged means: given to the system, safe from the death of this process.
//! let two = [
//!     NewRecord::new(b"{\"item\":\"tea\"}").key(b"order-1"),
//!     NewRecord::new(b"{\"item\":\"cup\"}").key(b"order-2"),
//! ];
//! let appended = orders.append(&two, AppendOptions::default())?;
//! assert_eq!((appended.first, appended.next), (0, 2));
//!
//! // Safe from a power cut as well.
//! orders.append(&[NewRecord::new(b"paid")], Durability::Synced.into())?;
//!
//! let batch = orders.read(At::Oldest, ReadLimits::default())?;
//! for record in batch.records() {
//!     println!("{} {:?} {:?}", record.offset, record.key, record.value);
//! }
//! assert_eq!(batch.next(), 3);
//! assert_eq!(orders.get(At::Last)?.record().value, Some(&b"paid"[..]));
//! orders.close()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Blocking or async
//!
//! Both are the same engine. A call of [`blocking`] runs the operation on the
//! calling thread; threads that append to one log at the same time are committed
//! together: one leads, the others park. The async API runs on any executor and
//! needs none of its features. Over a synchronous store, such as [`FileStore`],
//! an operation blocks the thread that polls it.
//!
//! # Typed logs
//!
//! A [`TypedLog`] writes and reads keys and values with [codecs](codec) instead of bytes.
//!
//! # Features
//!
//! - `messagepack`: the codec `MessagePack`.
//!
//! # Other stores
//!
//! [`Logs::over`] takes any [`BlockStore`].
#![forbid(unsafe_code)]

pub mod blocking;
mod builder;
pub mod codec;
mod error;
mod host;
mod logs;
mod stream;
mod typed;

/// The example of the repository's README, compiled with the others.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

pub use builder::LogBuilder;
pub use error::{
    BackupLogError, FindError, ImportLogError, NamesError, OpenLogError, RecoverLogError,
    StreamError,
};
pub use host::SystemHost;
pub use logs::Logs;
pub use stream::{FromReader, ToWriter};
pub use tidelog_core::*;
pub use tidelog_fs::{DirectoryError, FileOptions, FileStore, FsError, Locks};
pub use typed::{
    DecodeError, EncodeError, Field, NewTyped, TypedAppendError, TypedBatch, TypedEntry, TypedLog,
    TypedLookupError, TypedRecord,
};

/// A log in a store that threads may share. Cheap to clone; all clones are one.
pub type Log<S = FileStore> = tidelog_core::Log<std::sync::Arc<S>, Threads>;

/// A reader of a log. It never waits for the writer.
pub type Reader<S = FileStore> = tidelog_core::Reader<std::sync::Arc<S>, Threads>;

/// A store in memory that threads may share.
pub type MemoryStore = tidelog_core::MemoryStore<Threads>;
