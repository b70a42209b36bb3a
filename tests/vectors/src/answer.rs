//! Owns what operations answer, on every surface alike. `expect` of a step is compared
//! with the JSON of these.

use schemars::JsonSchema;
use serde::Serialize;

use crate::bytes::Bytes;
use crate::number::{Signed, Unsigned};

/// Nothing but success.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub struct Done {}

/// A run of offsets.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Range {
    /// The first.
    pub first: Unsigned,
    /// The one after the last.
    pub next: Unsigned,
}

/// Of `open`: what was found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Opened {
    /// The lowest readable offset; `next` if there is none.
    pub oldest: Unsigned,
    /// The highest existing offset.
    pub last: Option<Unsigned>,
    /// The offset the next append gets.
    pub next: Unsigned,
    /// Whether a torn write was left behind.
    pub torn: bool,
    /// Offsets that are there but not known to be durable; null if there are none.
    pub unsynced: Option<Range>,
    /// Durable records that cannot be read any more.
    pub damage: Vec<Range>,
    /// Damaged places that a second copy made good.
    pub repaired: Unsigned,
}

/// Of `append`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Appended {
    /// The offset of its first record.
    pub first: Unsigned,
    /// The offset after its last record.
    pub next: Unsigned,
    /// Its producer had appended it before.
    pub duplicate: bool,
    /// Whether `first` and `next` are known.
    pub offsets_known: bool,
}

/// Of `flush` and `sync`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Reached {
    /// Records below this offset are that far.
    pub next: Unsigned,
}

/// Of `bounds`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Bounds {
    /// The lowest readable offset; `next` if there is none.
    pub oldest: Unsigned,
    /// The highest existing offset.
    pub last: Option<Unsigned>,
    /// The offset the next append gets.
    pub next: Unsigned,
    /// The first offset that is not known to be synced.
    pub durable: Unsigned,
}

/// Of `stat`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Stat {
    /// The bounds.
    #[serde(flatten)]
    pub bounds: Bounds,
    /// Records, without deleted ones.
    pub records: Unsigned,
    /// Deleted records whose space is not given back yet.
    pub deleted: Unsigned,
    /// Segments with records.
    pub segments: Unsigned,
    /// Bytes of these segments.
    pub bytes: Unsigned,
    /// The epoch of the last writer.
    pub epoch: Unsigned,
    /// Bytes held in memory for reading.
    pub cached_bytes: Unsigned,
}

/// Of `settings`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "SettingsInForce")]
pub struct Settings {
    /// The level of appends that name none.
    pub durability: &'static str,
    /// How new frames are compressed.
    pub compression: &'static str,
    /// Bytes after which a segment is rolled.
    pub segment_bytes: Unsigned,
    /// Whether there is an index by key.
    pub keys: bool,
    /// Whether there is an index by time.
    pub times: bool,
    /// What is kept: microseconds.
    pub retention_age: Option<Unsigned>,
    /// What is kept: bytes.
    pub retention_bytes: Option<Unsigned>,
    /// What is kept: records.
    pub retention_records: Option<Unsigned>,
    /// Microseconds after which a segment is rolled.
    pub segment_age: Option<Unsigned>,
    /// Microseconds after which a producer is forgotten.
    pub producer_expiry: Option<Unsigned>,
}

/// A record that was read.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "RecordRead")]
pub struct Record {
    /// Its offset.
    pub offset: Unsigned,
    /// Its own time.
    pub time: Signed,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its value.
    pub value: Option<Bytes>,
    /// Its headers.
    pub headers: Vec<Header>,
}

/// A header that was read.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "HeaderRead")]
pub struct Header {
    /// The name.
    pub name: Bytes,
    /// The value.
    pub value: Bytes,
}

/// Of `read`, `read_reverse`, `read_by_key` and `settle`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Batch {
    /// How many records.
    pub count: Unsigned,
    /// The records, in the order of the read.
    pub records: Vec<Record>,
    /// The offset to go on at.
    pub next: Unsigned,
}

/// Of `offset_by_key`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Offset {
    /// The offset.
    pub offset: Unsigned,
}

/// Of `offset_by_time`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct TimedOffset {
    /// The offset.
    pub offset: Unsigned,
    /// The record's own time.
    pub time: Signed,
}

/// Of `delete` and `plan_delete`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Deleted {
    /// Records deleted.
    pub records: Unsigned,
    /// Offsets given that had no record, rising.
    pub missing: Vec<Unsigned>,
    /// Bytes that will be given back, about.
    pub bytes: Unsigned,
}

/// Of `trim` and `plan_trim`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Trimmed {
    /// The lowest readable offset afterwards.
    pub oldest: Unsigned,
    /// Records removed.
    pub records: Unsigned,
    /// Bytes that will be given back, about.
    pub bytes: Unsigned,
}

/// Of `compact`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Compacted {
    /// Records deleted.
    pub records: Unsigned,
    /// Tombstones among them that nothing had superseded.
    pub tombstones: Unsigned,
    /// Bytes that will be given back, about.
    pub bytes: Unsigned,
    /// Where another call goes on.
    pub next: Unsigned,
    /// There is more to look at from there on.
    pub more: bool,
}

/// Of `plan_compact`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PlannedCompaction {
    /// What would go, rising.
    pub offsets: Vec<Unsigned>,
    /// What compaction would answer.
    #[serde(flatten)]
    pub compacted: Compacted,
}

/// Of `gc`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Freed {
    /// Bytes given back.
    pub bytes: Unsigned,
}

/// Of `maintain` and `reindex`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Maintained {
    /// There is more to do.
    pub more: bool,
    /// Records that retention removed.
    pub trimmed: Unsigned,
    /// Segments that were merged or rewritten.
    pub merged: Unsigned,
    /// Blobs that were removed.
    pub removed: Unsigned,
    /// Segments that were given an index.
    pub indexed: Unsigned,
}

/// Of `backup`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct BackedUp {
    /// The offset that follows the last record in the backup.
    pub next: Unsigned,
    /// Segments that it consists of.
    pub segments: Unsigned,
    /// Blobs that were copied.
    pub copied: Unsigned,
    /// Blobs that were there already.
    pub kept: Unsigned,
    /// Blobs that are not needed any more.
    pub removed: Unsigned,
    /// Damaged places that were copied as they are.
    pub damaged: Unsigned,
}

/// Of `export` and `import`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Carried {
    /// The offset that follows the last record.
    pub next: Unsigned,
    /// How many records.
    pub records: Unsigned,
}

/// Of `check`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Report {
    /// Whether nothing is wrong.
    pub healthy: bool,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Segments read.
    pub segments: Unsigned,
    /// Records read.
    pub records: Unsigned,
}

/// Something that is wrong.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Finding {
    /// What is concerned.
    pub kind: &'static str,
    /// The kind of the blob.
    pub blob: &'static str,
    /// The offsets that cannot be read because of it.
    pub offsets: Option<Range>,
}

/// Of `recover`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Recovered {
    /// Whether the manifest had to be rebuilt.
    pub rebuilt: bool,
    /// Offsets that are lost.
    pub lost: Vec<Range>,
    /// Masks that could not be read.
    pub masks: Unsigned,
    /// Records that are readable now.
    pub records: Unsigned,
    /// Segments that were rewritten.
    pub rewritten: Unsigned,
}
