//! Owns reading by key and by time on the calling thread.

use tidelog_core::{At, Batch, BlockStore, Entry, LookupError, ReadLimits};

use super::wait::wait;
use super::{Log, Patience, Reader};

impl<S: BlockStore> Log<S> {
    /// The newest record with this key.
    ///
    /// # Errors
    /// `no-index` if the log indexes no keys, `not-found` if no record has this one,
    /// `corrupt` where damaged records may.
    pub fn get_by_key(&self, key: &[u8]) -> Result<Entry, LookupError<S::Error>> {
        // What is in memory is answered without a future.
        let known = self.as_async().try_get_by_key(key);
        known.unwrap_or_else(|| wait(self.as_async().get_by_key(key)))
    }

    /// The offset of the newest record with this key.
    ///
    /// # Errors
    /// As for [`get_by_key`](Self::get_by_key).
    pub fn offset_by_key(&self, key: &[u8]) -> Result<u64, LookupError<S::Error>> {
        wait(self.as_async().offset_by_key(key))
    }

    /// Records with this key from `at` on, oldest first.
    ///
    /// # Errors
    /// `no-index` if the log indexes no keys, and as for [`read`](Self::read).
    pub fn read_by_key(
        &self,
        key: &[u8],
        at: At,
        limits: ReadLimits,
    ) -> Result<Batch, LookupError<S::Error>> {
        wait(self.as_async().read_by_key(key, at, limits))
    }

    /// As [`read_by_key`](Self::read_by_key), but parks until there is a record with
    /// this key.
    ///
    /// # Errors
    /// As for [`read_by_key`](Self::read_by_key), and `closed` once the log is.
    pub fn follow_by_key(
        &self,
        key: &[u8],
        at: At,
        limits: ReadLimits,
    ) -> Result<Batch, LookupError<S::Error>> {
        wait(self.as_async().follow_by_key(key, at, limits))
    }

    /// As [`follow_by_key`](Self::follow_by_key), for as long as `patience` lasts:
    /// `None` when that ends first. What is there at once is returned whatever it is.
    ///
    /// # Errors
    /// As for [`follow_by_key`](Self::follow_by_key).
    pub fn follow_by_key_for(
        &self,
        key: &[u8],
        at: At,
        limits: ReadLimits,
        patience: Patience<'_>,
    ) -> Result<Option<Batch>, LookupError<S::Error>> {
        let followed = self.as_async().follow_by_key(key, at, limits);
        patience.wait(followed).transpose()
    }

    /// The first record whose index time is `time` or later, in microseconds since
    /// 1970. The index time of a record is its own, or the highest of those before it
    /// if one is later.
    ///
    /// # Errors
    /// `no-index` if the log keeps no time index, `not-found` if its records end
    /// earlier, `corrupt` where the record may be among damaged ones.
    pub fn get_by_time(&self, time: i64) -> Result<Entry, LookupError<S::Error>> {
        let known = self.as_async().try_get_by_time(time);
        known.unwrap_or_else(|| wait(self.as_async().get_by_time(time)))
    }

    /// The offset and the own time of that record.
    ///
    /// # Errors
    /// As for [`get_by_time`](Self::get_by_time).
    pub fn offset_by_time(&self, time: i64) -> Result<(u64, i64), LookupError<S::Error>> {
        wait(self.as_async().offset_by_time(time))
    }
}

impl<S: BlockStore> Reader<S> {
    /// The newest record with this key.
    ///
    /// # Errors
    /// As for [`Log::get_by_key`].
    pub fn get_by_key(&self, key: &[u8]) -> Result<Entry, LookupError<S::Error>> {
        // What is in memory is answered without a future.
        let known = self.as_async().try_get_by_key(key);
        known.unwrap_or_else(|| wait(self.as_async().get_by_key(key)))
    }

    /// The offset of the newest record with this key.
    ///
    /// # Errors
    /// As for [`Log::get_by_key`].
    pub fn offset_by_key(&self, key: &[u8]) -> Result<u64, LookupError<S::Error>> {
        wait(self.as_async().offset_by_key(key))
    }

    /// Records with this key from `at` on, oldest first.
    ///
    /// # Errors
    /// As for [`Log::read_by_key`].
    pub fn read_by_key(
        &self,
        key: &[u8],
        at: At,
        limits: ReadLimits,
    ) -> Result<Batch, LookupError<S::Error>> {
        wait(self.as_async().read_by_key(key, at, limits))
    }

    /// As [`read_by_key`](Self::read_by_key), but parks until there is a record with
    /// this key.
    ///
    /// # Errors
    /// As for [`Log::follow_by_key`].
    pub fn follow_by_key(
        &self,
        key: &[u8],
        at: At,
        limits: ReadLimits,
    ) -> Result<Batch, LookupError<S::Error>> {
        wait(self.as_async().follow_by_key(key, at, limits))
    }

    /// As [`follow_by_key`](Self::follow_by_key), for as long as `patience` lasts:
    /// `None` when that ends first. What is there at once is returned whatever it is.
    ///
    /// # Errors
    /// As for [`follow_by_key`](Self::follow_by_key).
    pub fn follow_by_key_for(
        &self,
        key: &[u8],
        at: At,
        limits: ReadLimits,
        patience: Patience<'_>,
    ) -> Result<Option<Batch>, LookupError<S::Error>> {
        let followed = self.as_async().follow_by_key(key, at, limits);
        patience.wait(followed).transpose()
    }

    /// The first record whose index time is `time` or later.
    ///
    /// # Errors
    /// As for [`Log::get_by_time`].
    pub fn get_by_time(&self, time: i64) -> Result<Entry, LookupError<S::Error>> {
        let known = self.as_async().try_get_by_time(time);
        known.unwrap_or_else(|| wait(self.as_async().get_by_time(time)))
    }

    /// The offset and the own time of that record.
    ///
    /// # Errors
    /// As for [`Log::get_by_time`].
    pub fn offset_by_time(&self, time: i64) -> Result<(u64, i64), LookupError<S::Error>> {
        wait(self.as_async().offset_by_time(time))
    }
}

#[cfg(test)]
mod tests {
    use crate::blocking::Logs;
    use crate::{AppendOptions, At, Indexes, NewRecord, ReadLimits};

    #[test]
    fn a_log_is_created_with_its_indexes() {
        let home = tempfile::tempdir().unwrap();
        let logs = Logs::create(home.path().join("data")).unwrap();
        let indexes = Indexes {
            keys: true,
            times: true,
        };
        let open = || logs.log("orders").create(true).indexes(indexes).open();
        let log = open().unwrap();
        let records = [
            NewRecord::new(b"1").key(b"a").time(10),
            NewRecord::new(b"2").key(b"b").time(30),
            NewRecord::new(b"3").key(b"a").time(20),
        ];
        log.append(&records, AppendOptions::default()).unwrap();
        let batch = log.read_by_key(b"a", At::Oldest, ReadLimits::default());
        assert_eq!(batch.unwrap().len(), 2);
        log.close().unwrap();
        drop(log);
        let reader = open().unwrap().reader();
        assert_eq!(reader.offset_by_key(b"a").unwrap(), 2);
        assert_eq!(reader.offset_by_time(15).unwrap(), (1, 30));
        assert_eq!(
            reader.get_by_key(b"b").unwrap().record().value,
            Some(&b"2"[..])
        );
    }
}
