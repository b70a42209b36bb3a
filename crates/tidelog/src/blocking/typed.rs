//! Owns the typed log of the blocking API.

use tidelog_core::{AppendOptions, Appended, At, BlockStore, LookupError, ReadError, ReadLimits};

use super::wait::wait;
use super::{Log, Patience};
use crate::codec::Codec;
use crate::{FileStore, NewTyped, TypedAppendError, TypedBatch, TypedEntry, TypedLookupError};

/// A typed log whose operations run on the calling thread: see [`crate::TypedLog`].
/// Cheap to clone; all clones are one log.
pub struct TypedLog<K, V, S: BlockStore = FileStore> {
    raw: Log<S>,
    typed: crate::TypedLog<K, V, S>,
}

impl<K, V, S: BlockStore> Clone for TypedLog<K, V, S> {
    fn clone(&self) -> Self {
        Self {
            raw: self.raw.clone(),
            typed: self.typed.clone(),
        }
    }
}

impl<K: Codec, V: Codec, S: BlockStore> TypedLog<K, V, S> {
    /// The log, with codecs for its keys and its values.
    pub fn new(log: Log<S>, keys: K, values: V) -> Self {
        Self {
            typed: crate::TypedLog::new(log.as_async().clone(), keys, values),
            raw: log,
        }
    }

    /// The log of bytes.
    #[must_use]
    pub const fn raw(&self) -> &Log<S> {
        &self.raw
    }

    /// The same log, for async code.
    #[must_use]
    pub const fn as_async(&self) -> &crate::TypedLog<K, V, S> {
        &self.typed
    }

    /// Appends `records` as one batch, all or nothing: see [`Log::append`].
    ///
    /// # Errors
    /// `invalid` if an item cannot be written, and as there.
    pub fn append(
        &self,
        records: &[NewTyped<'_, K::Given, V::Given>],
        options: AppendOptions,
    ) -> Result<Appended, TypedAppendError<S::Error>> {
        wait(self.typed.append(records, options))
    }

    /// Records from `at` on: see [`Log::read`].
    ///
    /// # Errors
    /// As there.
    pub fn read(
        &self,
        at: At,
        limits: ReadLimits,
    ) -> Result<TypedBatch<K, V>, ReadError<S::Error>> {
        wait(self.typed.read(at, limits))
    }

    /// Records below `before`, newest first: see [`Log::read_reverse`].
    ///
    /// # Errors
    /// As there.
    pub fn read_reverse(
        &self,
        before: At,
        limits: ReadLimits,
    ) -> Result<TypedBatch<K, V>, ReadError<S::Error>> {
        wait(self.typed.read_reverse(before, limits))
    }

    /// Waits for records from `at` on, for as long as `patience` lasts: see
    /// [`Log::follow_for`].
    ///
    /// # Errors
    /// As there.
    pub fn follow(
        &self,
        at: At,
        limits: ReadLimits,
        patience: Patience<'_>,
    ) -> Result<Option<TypedBatch<K, V>>, ReadError<S::Error>> {
        patience.wait(self.typed.follow(at, limits)).transpose()
    }

    /// The record at `at`: see [`Log::get`].
    ///
    /// # Errors
    /// As there.
    pub fn get(&self, at: At) -> Result<TypedEntry<K, V>, ReadError<S::Error>> {
        wait(self.typed.get(at))
    }

    /// The newest record with this key: see [`Log::get_by_key`].
    ///
    /// # Errors
    /// `invalid` for a key that cannot be written or stands for none, and as there.
    pub fn get_by_key(
        &self,
        key: &K::Given,
    ) -> Result<TypedEntry<K, V>, TypedLookupError<S::Error>> {
        wait(self.typed.get_by_key(key))
    }

    /// Records with this key from `at` on: see [`Log::read_by_key`].
    ///
    /// # Errors
    /// As for [`get_by_key`](Self::get_by_key).
    pub fn read_by_key(
        &self,
        key: &K::Given,
        at: At,
        limits: ReadLimits,
    ) -> Result<TypedBatch<K, V>, TypedLookupError<S::Error>> {
        wait(self.typed.read_by_key(key, at, limits))
    }

    /// Waits for records with this key from `at` on, for as long as `patience` lasts:
    /// see [`Log::follow_by_key_for`].
    ///
    /// # Errors
    /// As for [`get_by_key`](Self::get_by_key), and `closed` once the log is.
    pub fn follow_by_key(
        &self,
        key: &K::Given,
        at: At,
        limits: ReadLimits,
        patience: Patience<'_>,
    ) -> Result<Option<TypedBatch<K, V>>, TypedLookupError<S::Error>> {
        patience
            .wait(self.typed.follow_by_key(key, at, limits))
            .transpose()
    }

    /// The first record whose index time is `time` or later: see [`Log::get_by_time`].
    ///
    /// # Errors
    /// As there.
    pub fn get_by_time(&self, time: i64) -> Result<TypedEntry<K, V>, LookupError<S::Error>> {
        wait(self.typed.get_by_time(time))
    }
}
