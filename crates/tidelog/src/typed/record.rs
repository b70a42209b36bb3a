//! Owns typed records: one to append, those that were read, and the way between them
//! and bytes.

use std::ops::Range;
use std::sync::Arc;

use tidelog_core::{Batch, Entry, Header, Headers, NewRecord, Record};

use super::error::{DecodeError, EncodeError, Field};
use crate::codec::{Codec, CodecError, Presence};

/// A record to append, of items that codecs write.
#[derive(Debug)]
pub struct NewTyped<'a, K: ?Sized, V: ?Sized> {
    /// Microseconds since 1970-01-01T00:00:00Z; `None` for the host's clock.
    pub time: Option<i64>,
    /// The key, if any.
    pub key: Option<&'a K>,
    /// The value; a record with a key and no value is a tombstone.
    pub value: Option<&'a V>,
    /// Headers, in order.
    pub headers: &'a [Header<'a>],
}

impl<K: ?Sized, V: ?Sized> Clone for NewTyped<'_, K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: ?Sized, V: ?Sized> Copy for NewTyped<'_, K, V> {}

impl<'a, K: ?Sized, V: ?Sized> NewTyped<'a, K, V> {
    /// A record of this value alone.
    #[must_use]
    pub const fn new(value: &'a V) -> Self {
        Self {
            time: None,
            key: None,
            value: Some(value),
            headers: &[],
        }
    }

    /// A record that says that nothing is left of this key.
    #[must_use]
    pub const fn tombstone(key: &'a K) -> Self {
        Self {
            time: None,
            key: Some(key),
            value: None,
            headers: &[],
        }
    }

    /// With this key.
    #[must_use]
    pub const fn key(self, key: &'a K) -> Self {
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

/// A record that was read, and its items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedRecord<'a, K, V> {
    /// Its number in the log.
    pub offset: u64,
    /// Microseconds since 1970-01-01T00:00:00Z, as given by the writer.
    pub time: i64,
    /// The key, if any.
    pub key: Option<K>,
    /// The value, if any.
    pub value: Option<V>,
    /// The headers, in order.
    pub headers: Headers<'a>,
}

/// The codecs of a log.
pub(super) struct Codecs<K, V> {
    pub(super) keys: K,
    pub(super) values: V,
}

/// Records as bytes, end to end.
#[derive(Default)]
pub(super) struct Encoded {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

/// Where the parts of a record are.
struct Span {
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
}

impl Encoded {
    /// The records again, as the log takes them.
    pub(super) fn records<'e, K: ?Sized, V: ?Sized>(
        &'e self,
        records: &'e [NewTyped<'e, K, V>],
    ) -> Vec<NewRecord<'e>> {
        let part = |span: &Option<Range<usize>>| span.clone().map(|span| &self.bytes[span]);
        let spans = self.spans.iter().zip(records);
        spans
            .map(|(span, record)| NewRecord {
                time: record.time,
                key: part(&span.key),
                value: part(&span.value),
                headers: record.headers,
            })
            .collect()
    }

    fn write<C: Codec>(
        &mut self,
        codec: &C,
        given: Option<&C::Given>,
    ) -> Result<Option<Range<usize>>, CodecError> {
        let Some(given) = given else { return Ok(None) };
        let start = self.bytes.len();
        Ok(match codec.encode(given, &mut self.bytes)? {
            Presence::Present => Some(start..self.bytes.len()),
            Presence::Absent => None,
        })
    }
}

impl<K: Codec, V: Codec> Codecs<K, V> {
    pub(super) fn encode(
        &self,
        records: &[NewTyped<'_, K::Given, V::Given>],
    ) -> Result<Encoded, EncodeError> {
        let mut encoded = Encoded::default();
        for (index, record) in records.iter().enumerate() {
            let wrong = |field, codec| {
                move |source| EncodeError {
                    index: Some(index),
                    field,
                    codec,
                    source,
                }
            };
            let key = encoded.write(&self.keys, record.key);
            let key = key.map_err(wrong(Field::Key, K::NAME))?;
            let value = encoded.write(&self.values, record.value);
            let value = value.map_err(wrong(Field::Value, V::NAME))?;
            encoded.spans.push(Span { key, value });
        }
        Ok(encoded)
    }

    /// The bytes of a key to look for.
    pub(super) fn key(&self, key: &K::Given) -> Result<Vec<u8>, EncodeError> {
        let mut bytes = Vec::new();
        let written = match self.keys.encode(key, &mut bytes) {
            Ok(Presence::Present) => Ok(bytes),
            Ok(Presence::Absent) => Err(CodecError::new(
                "it stands for no key, and records without a key are not indexed",
            )),
            Err(source) => Err(source),
        };
        written.map_err(|source| EncodeError {
            index: None,
            field: Field::Key,
            codec: K::NAME,
            source,
        })
    }

    fn decode<'a>(
        &self,
        record: &Record<'a>,
    ) -> Result<TypedRecord<'a, K::Item, V::Item>, DecodeError> {
        let wrong = |field, codec| {
            let offset = record.offset;
            move |source| DecodeError {
                offset,
                field,
                codec,
                source,
            }
        };
        let key = record.key.map(|bytes| self.keys.decode(bytes)).transpose();
        let value = record.value.map(|bytes| self.values.decode(bytes));
        Ok(TypedRecord {
            offset: record.offset,
            time: record.time,
            key: key.map_err(wrong(Field::Key, K::NAME))?,
            value: value.transpose().map_err(wrong(Field::Value, V::NAME))?,
            headers: record.headers,
        })
    }
}

/// One record that was read.
pub struct TypedEntry<K, V> {
    pub(super) entry: Entry,
    pub(super) codecs: Arc<Codecs<K, V>>,
}

impl<K: Codec, V: Codec> TypedEntry<K, V> {
    /// The record.
    ///
    /// # Errors
    /// Its bytes are no items of the codecs.
    pub fn record(&self) -> Result<TypedRecord<'_, K::Item, V::Item>, DecodeError> {
        self.codecs.decode(&self.entry.record())
    }

    /// Its bytes.
    #[must_use]
    pub const fn raw(&self) -> &Entry {
        &self.entry
    }
}

/// Records that were read together.
pub struct TypedBatch<K, V> {
    pub(super) batch: Batch,
    pub(super) codecs: Arc<Codecs<K, V>>,
}

impl<K: Codec, V: Codec> TypedBatch<K, V> {
    /// The records, in the order in which they were read. One that is no items of the
    /// codecs is an error in its place; the others follow.
    pub fn records(
        &self,
    ) -> impl Iterator<Item = Result<TypedRecord<'_, K::Item, V::Item>, DecodeError>> {
        self.batch
            .records()
            .map(|record| self.codecs.decode(&record))
    }

    /// The offset to go on from.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.batch.next()
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.batch.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// Their bytes.
    #[must_use]
    pub const fn raw(&self) -> &Batch {
        &self.batch
    }
}
