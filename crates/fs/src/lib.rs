//! A tidelog store over a directory of files, on native systems and in WASI.
//!
//! [`FileStore`] implements [`tidelog_core::BlockStore`] over `std::fs`. No
//! method of it ever waits for anything but the system call it makes, so each of
//! its futures is done at the first poll.
//!
//! # Layout
//!
//! ```text
//! DIRECTORY/
//!   tidelog              marker: names the format version of the directory
//!   log-7/               everything of log 7
//!     lock               held by the writer of the log
//!     epoch-3            an epoch taken, where files cannot be locked
//!     segment-12         one file for each blob, KIND-NUMBER
//! ```
//!
//! Files with other names are ignored and never touched.
//!
//! # Durability
//!
//! `stored` survives the end of the process, `synced` the loss of power:
//! `docs/DURABILITY.md` says by which system calls, and what neither covers.
//!
//! # Example
//!
//! ```
//! use tidelog_core::{BlobId, BlobKind, BlockStore, LogId};
//! use tidelog_fs::FileStore;
//!
//! # let scratch = tempfile::tempdir()?;
//! # let directory = scratch.path().join("events");
//! let store = FileStore::create(&directory)?;
//! let segment = BlobId { log: LogId(1), kind: BlobKind::Segment, number: 0 };
//! # tidelog_testkit::block_on::block_on(async {
//! store.claim(segment.log, 1).await?;
//! store.append(segment, 0, b"bytes".to_vec().into()).await?;
//! store.sync(&[segment]).await?;
//! # Ok::<(), tidelog_fs::FsError>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod claims;
mod directory;
mod error;
mod file;
mod folders;
mod layout;
mod options;
mod preallocation;
mod readers;
mod store;
mod tail;
mod tails;
mod writeback;

pub use error::{DirectoryError, FsError, Operation};
pub use options::{FileOptions, Locks};
pub use store::FileStore;
