//! Owns how a log is asked for, in both APIs.

use std::time::Duration;

use tidelog_core::{Access, Compression, Durability, Indexes, Options, Retention};

/// A log about to be opened. Begun by [`Logs::log`](crate::Logs::log) or
/// [`blocking::Logs::log`](crate::blocking::Logs::log), whose type is `L`.
///
/// What is not set stays as the log has it.
#[must_use = "nothing is opened before `open`"]
pub struct LogBuilder<'a, L> {
    pub(crate) logs: &'a L,
    pub(crate) name: &'a str,
    pub(crate) create: bool,
    pub(crate) options: Options,
}

impl<'a, L> LogBuilder<'a, L> {
    pub(crate) fn new(logs: &'a L, name: &'a str) -> Self {
        Self {
            logs,
            name,
            create: false,
            options: Options::default(),
        }
    }

    /// The same request, to another handle of the same logs.
    pub(crate) fn over<'b, M>(&'b self, logs: &'b M) -> LogBuilder<'b, M> {
        LogBuilder {
            logs,
            name: self.name,
            create: self.create,
            options: self.options,
        }
    }

    /// Whether to create the log if there is none of this name. Off at first.
    pub fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// Whether to read only: beside a writer of any process, taking no lock and
    /// writing nothing. Off at first.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.options.access = if read_only {
            Access::Read
        } else {
            Access::Write
        };
        self
    }

    /// The level of appends that name none.
    pub fn durability(mut self, level: Durability) -> Self {
        self.options.durability = Some(level);
        self
    }

    /// How new records are compressed.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.options.compression = Some(compression);
        self
    }

    /// Bytes after which a segment is rolled, from
    /// [`SEGMENT_MIN`](crate::limits::SEGMENT_MIN) to
    /// [`SEGMENT_MAX`](crate::limits::SEGMENT_MAX).
    pub fn segment_bytes(mut self, bytes: u64) -> Self {
        self.options.segment_bytes = Some(bytes);
        self
    }

    /// How long a segment may grow, by index time from its first record on, before it
    /// is rolled whatever its size; `None` for no limit.
    pub fn segment_age(mut self, age: Option<Duration>) -> Self {
        self.options.segment_age = Some(age.map(micros));
        self
    }

    /// The indexes of a log that is created. One that exists must have the same;
    /// [`Log::reindex`](crate::Log::reindex) adds and drops them.
    pub fn indexes(mut self, indexes: Indexes) -> Self {
        self.options.indexes = Some(indexes);
        self
    }

    /// What the log keeps; [`Log::maintain`](crate::Log::maintain) trims the rest.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.options.retention = Some(retention);
        self
    }

    /// How far the log's index time may go beyond a producer's newest record before the
    /// producer is forgotten; `None` for never.
    pub fn producer_expiry(mut self, age: Option<Duration>) -> Self {
        self.options.producer_expiry = Some(age.map(micros));
        self
    }

    /// Padding after each sync: 0, or a power of two.
    pub fn align(mut self, bytes: u32) -> Self {
        self.options.align = Some(bytes);
        self
    }

    /// Bytes of blocks kept in memory for reading.
    pub fn cache_bytes(mut self, bytes: usize) -> Self {
        self.options.cache_bytes = bytes;
        self
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
