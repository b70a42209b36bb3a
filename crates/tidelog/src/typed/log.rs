//! Owns the typed log of the async API.

use std::sync::Arc;

use tidelog_core::{
    AppendOptions, Appended, At, Batch, BlockStore, Entry, LookupError, ReadError, ReadLimits,
};

use super::error::{TypedAppendError, TypedLookupError};
use super::record::{Codecs, NewTyped, TypedBatch, TypedEntry};
use crate::codec::Codec;
use crate::{FileStore, Log};

/// A log whose keys and values are written and read by [codecs](crate::codec). Cheap to
/// clone; all clones are one log.
///
/// A record that somebody else wrote may not be what the codecs expect. It is reported
/// where it is looked at, with its offset, and costs no other record.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use tidelog::blocking::{Logs, TypedLog};
/// use tidelog::codec::{Json, Text};
/// use tidelog::{AppendOptions, At, Indexes, NewTyped, ReadLimits};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize)]
/// struct Price {
///     cents: u32,
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let by_key = Indexes { keys: true, times: false };
/// let log = Logs::memory().log("prices").create(true).indexes(by_key).open()?;
/// let prices = TypedLog::new(log, Text, Json::<Price>::new());
///
/// let (tea, cup) = (Price { cents: 250 }, Price { cents: 900 });
/// let two = [NewTyped::new(&tea).key("tea"), NewTyped::new(&cup).key("cup")];
/// prices.append(&two, AppendOptions::default())?;
///
/// let newest = prices.get_by_key("tea")?;
/// assert_eq!(newest.record()?.value, Some(Price { cents: 250 }));
///
/// // A tombstone: the key is there, the value is not.
/// prices.append(&[NewTyped::tombstone("tea")], AppendOptions::default())?;
/// assert_eq!(prices.get_by_key("tea")?.record()?.value, None);
///
/// for record in prices.read(At::Oldest, ReadLimits::default())?.records() {
///     let record = record?;
///     println!("{} {:?} {:?}", record.offset, record.key, record.value);
/// }
/// # Ok(())
/// # }
/// ```
pub struct TypedLog<K, V, S: BlockStore = FileStore> {
    log: Log<S>,
    codecs: Arc<Codecs<K, V>>,
}

impl<K, V, S: BlockStore> Clone for TypedLog<K, V, S> {
    fn clone(&self) -> Self {
        Self {
            log: self.log.clone(),
            codecs: Arc::clone(&self.codecs),
        }
    }
}

impl<K: Codec, V: Codec, S: BlockStore> TypedLog<K, V, S> {
    /// The log, with codecs for its keys and its values.
    pub fn new(log: Log<S>, keys: K, values: V) -> Self {
        Self {
            log,
            codecs: Arc::new(Codecs { keys, values }),
        }
    }

    /// The log of bytes.
    #[must_use]
    pub const fn raw(&self) -> &Log<S> {
        &self.log
    }

    /// Appends `records` as one batch, all or nothing: see [`Log::append`].
    ///
    /// # Errors
    /// `invalid` if an item cannot be written, and as there.
    pub async fn append(
        &self,
        records: &[NewTyped<'_, K::Given, V::Given>],
        options: AppendOptions,
    ) -> Result<Appended, TypedAppendError<S::Error>> {
        let encoded = self.codecs.encode(records)?;
        let records = encoded.records(records);
        Ok(self.log.append(&records, options).await?)
    }

    /// Records from `at` on: see [`Log::read`].
    ///
    /// # Errors
    /// As there.
    pub async fn read(
        &self,
        at: At,
        limits: ReadLimits,
    ) -> Result<TypedBatch<K, V>, ReadError<S::Error>> {
        Ok(self.batch(self.log.read(at, limits).await?))
    }

    /// Records below `before`, newest first: see [`Log::read_reverse`].
    ///
    /// # Errors
    /// As there.
    pub async fn read_reverse(
        &self,
        before: At,
        limits: ReadLimits,
    ) -> Result<TypedBatch<K, V>, ReadError<S::Error>> {
        Ok(self.batch(self.log.read_reverse(before, limits).await?))
    }

    /// Waits for records from `at` on: see [`Log::follow`].
    ///
    /// # Errors
    /// As there.
    pub async fn follow(
        &self,
        at: At,
        limits: ReadLimits,
    ) -> Result<TypedBatch<K, V>, ReadError<S::Error>> {
        Ok(self.batch(self.log.follow(at, limits).await?))
    }

    /// The record at `at`: see [`Log::get`].
    ///
    /// # Errors
    /// As there.
    pub async fn get(&self, at: At) -> Result<TypedEntry<K, V>, ReadError<S::Error>> {
        Ok(self.entry(self.log.get(at).await?))
    }

    /// The newest record with this key: see [`Log::get_by_key`].
    ///
    /// # Errors
    /// `invalid` for a key that cannot be written or stands for none, and as there.
    pub async fn get_by_key(
        &self,
        key: &K::Given,
    ) -> Result<TypedEntry<K, V>, TypedLookupError<S::Error>> {
        let key = self.codecs.key(key)?;
        Ok(self.entry(self.log.get_by_key(&key).await?))
    }

    /// Records with this key from `at` on: see [`Log::read_by_key`].
    ///
    /// # Errors
    /// As for [`get_by_key`](Self::get_by_key).
    pub async fn read_by_key(
        &self,
        key: &K::Given,
        at: At,
        limits: ReadLimits,
    ) -> Result<TypedBatch<K, V>, TypedLookupError<S::Error>> {
        let key = self.codecs.key(key)?;
        Ok(self.batch(self.log.read_by_key(&key, at, limits).await?))
    }

    /// Waits for records with this key from `at` on: see [`Log::follow_by_key`].
    ///
    /// # Errors
    /// As for [`get_by_key`](Self::get_by_key), and `closed` when the log is closed
    /// meanwhile.
    pub async fn follow_by_key(
        &self,
        key: &K::Given,
        at: At,
        limits: ReadLimits,
    ) -> Result<TypedBatch<K, V>, TypedLookupError<S::Error>> {
        let key = self.codecs.key(key)?;
        Ok(self.batch(self.log.follow_by_key(&key, at, limits).await?))
    }

    /// The first record whose index time is `time` or later: see [`Log::get_by_time`].
    ///
    /// # Errors
    /// As there.
    pub async fn get_by_time(&self, time: i64) -> Result<TypedEntry<K, V>, LookupError<S::Error>> {
        Ok(self.entry(self.log.get_by_time(time).await?))
    }

    fn batch(&self, batch: Batch) -> TypedBatch<K, V> {
        TypedBatch {
            batch,
            codecs: Arc::clone(&self.codecs),
        }
    }

    fn entry(&self, entry: Entry) -> TypedEntry<K, V> {
        TypedEntry {
            entry,
            codecs: Arc::clone(&self.codecs),
        }
    }
}
