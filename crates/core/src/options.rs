//! Owns what a caller may choose: when opening a log, per append, per read.

use core::fmt;

use crate::Compression;
use crate::limits;
use crate::producer::Producer;

/// How far an append has got when it is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Durability {
    /// In this process's memory. Lost with the process.
    Buffered = 0,
    /// Given to the store. Survives the death of the process or the tab.
    #[default]
    Stored = 1,
    /// Synced. Survives a power cut.
    Synced = 2,
}

/// Whether a handle may write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Access {
    /// Claims the log: one writer at a time.
    #[default]
    Write,
    /// Reads beside a writer, claims nothing, writes nothing.
    Read,
}

/// Which indexes a log keeps beside the one by offset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Indexes {
    /// By key: every position of every key.
    pub keys: bool,
    /// By time, which is made non-decreasing for it.
    pub times: bool,
}

impl fmt::Display for Indexes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.keys, self.times) {
            (true, true) => "indexes by key and by time",
            (true, false) => "an index by key alone",
            (false, true) => "an index by time alone",
            (false, false) => "no index but the one by offset",
        })
    }
}

/// What a log keeps, from the new end backwards; [`Log::maintain`](crate::Log::maintain)
/// trims what is beyond. Nothing is trimmed for a limit that is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Retention {
    /// Microseconds. Trims records whose own time is this old or older, up to the
    /// first that is younger.
    pub age: Option<u64>,
    /// Bytes of segments, as [`Stat::bytes`](crate::Stat::bytes) counts them.
    pub bytes: Option<u64>,
    /// Records.
    pub records: Option<u64>,
}

/// What a log keeps of its options, from one opening to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The level of appends that name none.
    pub durability: Durability,
    /// How new frames are compressed.
    pub compression: Compression,
    /// Bytes after which a segment is rolled.
    pub segment_bytes: u64,
    /// Padding after each sync, for a store whose crash may damage this many
    /// bytes around a write: 0, or a power of two.
    pub align: u32,
    /// The indexes it has beside the one by offset.
    pub indexes: Indexes,
    /// What it keeps.
    pub retention: Retention,
    /// Microseconds from a segment's first record, by index time, after which it is
    /// rolled whatever its size.
    pub segment_age: Option<u64>,
    /// Microseconds by which the log's index time may go beyond a producer's newest
    /// record before the producer is forgotten; `None` for never.
    pub producer_expiry: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            compression: Compression::default(),
            segment_bytes: limits::SEGMENT_DEFAULT,
            align: 0,
            indexes: Indexes::default(),
            retention: Retention::default(),
            segment_age: None,
            producer_expiry: None,
        }
    }
}

/// How to open a log. What is `None` stays as the log has it; what is given
/// becomes the log's own with the first write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether to write.
    pub access: Access,
    /// The level of appends that name none. [`Durability::Stored`] in a new log.
    pub durability: Option<Durability>,
    /// Compression of new frames. None in a new log.
    pub compression: Option<Compression>,
    /// Bytes after which a segment is rolled, between
    /// [`SEGMENT_MIN`](limits::SEGMENT_MIN) and [`SEGMENT_MAX`](limits::SEGMENT_MAX).
    /// [`SEGMENT_DEFAULT`](limits::SEGMENT_DEFAULT) in a new log.
    pub segment_bytes: Option<u64>,
    /// See [`Settings::align`]. The store's blast radius in a new log.
    pub align: Option<u32>,
    /// The indexes of a new log: none unless given. One that exists must have the same.
    pub indexes: Option<Indexes>,
    /// What the log keeps. Everything in a new log.
    pub retention: Option<Retention>,
    /// See [`Settings::segment_age`]; `Some(None)` for no limit, as in a new log.
    pub segment_age: Option<Option<u64>>,
    /// See [`Settings::producer_expiry`]; `Some(None)` for never, as in a new log.
    pub producer_expiry: Option<Option<u64>>,
    /// Bytes of blocks kept in memory for reading.
    pub cache_bytes: usize,
    /// The log is known to exist: a store that holds nothing of it has lost it,
    /// and opening says so instead of beginning a new one.
    pub existing: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            access: Access::Write,
            durability: None,
            compression: None,
            segment_bytes: None,
            align: None,
            indexes: None,
            retention: None,
            segment_age: None,
            producer_expiry: None,
            cache_bytes: limits::CACHE_DEFAULT,
            existing: false,
        }
    }
}

impl Options {
    /// Options of a handle that only reads.
    #[must_use]
    pub fn read_only() -> Self {
        Self {
            access: Access::Read,
            ..Self::default()
        }
    }

    pub(crate) fn settings(&self, own: Settings) -> Settings {
        Settings {
            durability: self.durability.unwrap_or(own.durability),
            compression: self.compression.unwrap_or(own.compression),
            segment_bytes: self.segment_bytes.unwrap_or(own.segment_bytes),
            align: self.align.unwrap_or(own.align),
            indexes: self.indexes.unwrap_or(own.indexes),
            retention: self.retention.unwrap_or(own.retention),
            segment_age: self.segment_age.unwrap_or(own.segment_age),
            producer_expiry: self.producer_expiry.unwrap_or(own.producer_expiry),
        }
    }
}

/// How to append a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AppendOptions {
    /// The level to reach before the acknowledgement; `None` for the log's own.
    pub durability: Option<Durability>,
    /// The producer's identity for this batch, to be kept exactly once.
    pub producer: Option<Producer>,
}

impl From<Durability> for AppendOptions {
    fn from(level: Durability) -> Self {
        Self {
            durability: Some(level),
            producer: None,
        }
    }
}

/// A place in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The lowest readable offset.
    Oldest,
    /// The highest existing offset.
    Last,
    /// The offset the next append gets.
    Next,
    /// This offset.
    Offset(u64),
}

impl From<u64> for At {
    fn from(offset: u64) -> Self {
        Self::Offset(offset)
    }
}

/// What reading below the oldest offset does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BelowOldest {
    /// Starts at the oldest.
    #[default]
    Clamp,
    /// Is refused as out of range.
    Refuse,
}

/// How much one read returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// Records at most; 0 only resolves the place.
    pub records: usize,
    /// Bytes of frames at most, except that a first record is always returned.
    pub bytes: usize,
    /// What to do below the oldest offset.
    pub below_oldest: BelowOldest,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            records: 1024,
            bytes: 1 << 20,
            below_oldest: BelowOldest::Clamp,
        }
    }
}

impl ReadLimits {
    /// At most this many records.
    #[must_use]
    pub fn records(records: usize) -> Self {
        Self {
            records,
            ..Self::default()
        }
    }
}
