//! Owns records as callers see them: one to append, one that was read.

use crate::format::next_header;

/// A named piece of metadata of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// The name; it may repeat.
    pub name: &'a [u8],
    /// The value.
    pub value: &'a [u8],
}

/// A record to append.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewRecord<'a> {
    /// Microseconds since 1970-01-01T00:00:00Z; `None` for the host's clock.
    pub time: Option<i64>,
    /// The key; absent and empty are different.
    pub key: Option<&'a [u8]>,
    /// The value; a record with a key and no value is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Headers, in order.
    pub headers: &'a [Header<'a>],
}

impl<'a> NewRecord<'a> {
    /// A record of this value alone.
    #[must_use]
    pub const fn new(value: &'a [u8]) -> Self {
        Self {
            time: None,
            key: None,
            value: Some(value),
            headers: &[],
        }
    }

    /// With this key.
    #[must_use]
    pub const fn key(self, key: &'a [u8]) -> Self {
        Self {
            key: Some(key),
            ..self
        }
    }

    /// With this time, in microseconds since 1970.
    #[must_use]
    pub const fn time(self, time: i64) -> Self {
        Self {
            time: Some(time),
            ..self
        }
    }

    /// With these headers.
    #[must_use]
    pub const fn headers(self, headers: &'a [Header<'a>]) -> Self {
        Self { headers, ..self }
    }
}

/// A record that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its number in the log.
    pub offset: u64,
    /// Microseconds since 1970-01-01T00:00:00Z, as given by the writer.
    pub time: i64,
    /// The key, if any.
    pub key: Option<&'a [u8]>,
    /// The value, if any.
    pub value: Option<&'a [u8]>,
    /// The headers, in order.
    pub headers: Headers<'a>,
}

/// The headers of a record that was read: an iterator over [`Header`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headers<'a> {
    encoded: &'a [u8],
    left: usize,
}

impl<'a> Headers<'a> {
    pub(crate) const fn encoded(encoded: &'a [u8], count: usize) -> Self {
        Self {
            encoded,
            left: count,
        }
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.left
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.left == 0
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (header, rest) = next_header(self.encoded)?;
        self.encoded = rest;
        Some(header)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Headers<'_> {}
