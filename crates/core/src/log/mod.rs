//! Owns the log: one writer that publishes pictures of it, readers beside it.
//!
//! `recovery` finds what there is; `writer` stages; `commit` decides the next store
//! operation; `drive` performs it; `read` answers from a picture. Only `error`
//! converts errors.

mod backup;
mod blobs;
mod block;
mod by_key;
mod by_time;
mod cache;
mod carried;
mod check;
mod chunks;
mod commit;
mod compact;
mod configure;
mod copying;
mod delete;
mod drive;
mod ending;
mod error;
mod extent;
mod followers;
mod frames;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod gc;
mod group;
mod growing;
mod handle;
mod index;
mod keys;
mod known;
mod left;
mod maintain;
mod manifest;
mod masks;
mod merge;
mod mismatch;
mod portable;
mod producers;
mod read;
mod reader;
mod recovery;
mod refuse;
mod regroup;
mod reindex;
mod removals;
mod salvage;
mod scan;
mod segment;
mod snapshot;
mod stat;
mod switch;
mod totals;
mod trim;
mod turn;
mod unchanging;
mod waiters;
mod wants;
mod window;
mod writer;

pub use backup::{BackedUp, BackupError};
pub use block::{Batch, Entry, Records};
pub use check::{Checked, Finding, FindingKind, Report};
pub use compact::{Compacted, Compaction};
pub use delete::Deleted;
pub use error::{
    AppendError, CheckError, ConfigureError, Corruption, LookupError, MaintainError, OpenError,
    Poison, ReadError, RemoveError, SyncError,
};
pub use gc::Keep;
pub use handle::Log;
pub(crate) use handle::{Claim, validate};
pub use maintain::Maintained;
pub use mismatch::Mismatch;
pub use portable::{
    ExportError, ExportSink, Exported, Import, ImportError, ImportSource, Imported,
};
pub use reader::Reader;
pub use recovery::Recovery;
pub use salvage::{Salvage, recover};
pub use scan::Damage;
pub use snapshot::Bounds;
pub use stat::Stat;
pub use trim::{TrimTo, Trimmed};
pub use writer::Appended;

#[cfg(test)]
mod tests;
