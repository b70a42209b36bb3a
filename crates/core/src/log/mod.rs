//! Owns the log: one writer that publishes pictures of it, readers beside it.
//!
//! `recovery` finds what there is; `writer` stages; `commit` decides the next store
//! operation; `drive` performs it; `read` answers from a picture. Only `error`
//! converts errors.

mod block;
mod cache;
mod check;
mod chunks;
mod commit;
mod drive;
mod error;
mod extent;
mod frames;
mod group;
mod handle;
mod index;
mod maintain;
mod manifest;
mod merge;
mod producers;
mod read;
mod reader;
mod recovery;
mod refuse;
mod salvage;
mod scan;
mod segment;
mod snapshot;
mod stat;
mod switch;
mod totals;
mod waiters;
mod window;
mod writer;

pub use block::{Batch, Entry, Records};
pub use check::{Finding, FindingKind, Report};
pub use error::{
    AppendError, CheckError, Corruption, MaintainError, OpenError, Poison, ReadError, SyncError,
};
pub use handle::Log;
pub use maintain::Maintained;
pub use reader::Reader;
pub use recovery::Recovery;
pub use salvage::{Salvage, recover};
pub use scan::Damage;
pub use snapshot::Bounds;
pub use stat::Stat;
pub use writer::Appended;

#[cfg(test)]
mod tests;
