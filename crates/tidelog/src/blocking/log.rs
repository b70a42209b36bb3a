//! Owns the blocking log.

use std::io::Write;

use tidelog_core::{
    AppendError, AppendOptions, Appended, At, BackedUp, BackupError, Batch, BlockStore, Bounds,
    CheckError, Checked, Compacted, Compaction, ConfigureError, Deleted, Entry, ExportError,
    Exported, Indexes, Keep, MaintainError, Maintained, NewRecord, OpenError, Options, ReadError,
    ReadLimits, Recovery, RemoveError, Report, Settings, Stat, SyncError, TrimTo, Trimmed,
};

use super::wait::wait;
use super::{Patience, Reader};
use crate::{FileStore, StreamError, ToWriter};

/// A log whose operations run on the calling thread. Cheap to clone; all clones
/// are one log, and the last one that is dropped lets go of the writer's lock.
pub struct Log<S: BlockStore = FileStore>(crate::Log<S>);

impl<S: BlockStore> Clone for Log<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: BlockStore> Log<S> {
    pub(super) fn over(log: crate::Log<S>) -> Self {
        Self(log)
    }

    /// The same log, for async code.
    #[must_use]
    pub fn as_async(&self) -> &crate::Log<S> {
        &self.0
    }

    /// What opening found: what a power cut took, and where bytes are damaged.
    #[must_use]
    pub fn recovery(&self) -> &Recovery {
        self.0.recovery()
    }

    /// Appends `records` as one batch, all or nothing, and returns once it has
    /// reached the level asked for.
    ///
    /// # Errors
    /// `too-large` beyond the [limits](crate::limits), `full` without space,
    /// `read-only`, `fenced`, `poisoned`, `closed`. In none of these cases but a
    /// failed sync is anything of the batch kept.
    pub fn append(
        &self,
        records: &[NewRecord<'_>],
        options: AppendOptions,
    ) -> Result<Appended, AppendError<S::Error>> {
        wait(self.0.append(records, options))
    }

    /// Hands buffered records to the store. Returns the offset that follows them.
    ///
    /// # Errors
    /// `full`, `fenced`, `poisoned`, `closed`, or a failure of the store.
    pub fn flush(&self) -> Result<u64, SyncError<S::Error>> {
        wait(self.0.flush())
    }

    /// Makes everything appended so far durable. Returns the offset that follows it.
    ///
    /// # Errors
    /// As for [`flush`](Self::flush). A failed sync poisons the log: reopen it.
    pub fn sync(&self) -> Result<u64, SyncError<S::Error>> {
        wait(self.0.sync())
    }

    /// The offsets that this handle can read, and how far they are durable.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        self.0.bounds()
    }

    /// The size of the log.
    #[must_use]
    pub fn stat(&self) -> Stat {
        self.0.stat()
    }

    /// The settings in force for this handle.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.0.settings()
    }

    /// A reader, which sees only what is acknowledged at the log's level.
    #[must_use]
    pub fn reader(&self) -> Reader<S> {
        Reader::over(self.0.reader())
    }

    /// Records from `at` on, buffered ones included. Caught up is `batch.next()`
    /// being where the read started, never a short batch.
    ///
    /// # Errors
    /// `out-of-range` beyond the next offset, `corrupt` where records are damaged.
    pub fn read(&self, at: At, limits: ReadLimits) -> Result<Batch, ReadError<S::Error>> {
        wait(self.0.read(at, limits))
    }

    /// Records below `before`, newest first; [`At::Next`] begins at the newest.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn read_reverse(
        &self,
        before: At,
        limits: ReadLimits,
    ) -> Result<Batch, ReadError<S::Error>> {
        wait(self.0.read_reverse(before, limits))
    }

    /// The record at `at`.
    ///
    /// # Errors
    /// `out-of-range` if there is none, `corrupt` if it is damaged.
    pub fn get(&self, at: At) -> Result<Entry, ReadError<S::Error>> {
        // What is in memory is answered without a future.
        if let At::Offset(offset) = at
            && let Some(entry) = self.0.try_get(offset)
        {
            return Ok(entry);
        }
        wait(self.0.get(at))
    }

    /// As [`read`](Self::read), but parks until there is something to return.
    ///
    /// # Errors
    /// As for [`read`](Self::read), and `closed` once the log is.
    pub fn follow(&self, at: At, limits: ReadLimits) -> Result<Batch, ReadError<S::Error>> {
        wait(self.0.follow(at, limits))
    }

    /// As [`follow`](Self::follow), for as long as `patience` lasts: `None` when that
    /// ends first. What is there at once is returned whatever it is.
    ///
    /// # Errors
    /// As for [`follow`](Self::follow).
    pub fn follow_for(
        &self,
        at: At,
        limits: ReadLimits,
        patience: Patience<'_>,
    ) -> Result<Option<Batch>, ReadError<S::Error>> {
        patience.wait(self.0.follow(at, limits)).transpose()
    }

    /// In a handle that only reads: looks at the store again, for what the writer
    /// in another process has appended since.
    ///
    /// # Errors
    /// As for [`LogBuilder::open`](crate::LogBuilder#method.open).
    pub fn refresh(&self) -> Result<(), OpenError<S::Error>> {
        wait(self.0.refresh())
    }

    /// Deletes the records with these offsets, in any order: all of them with one edit,
    /// visible at once, and durable when this returns. Offsets without a record are
    /// left out and reported. Offsets are not given again.
    ///
    /// # Errors
    /// `read-only`, `closed`, `poisoned`, `full`; `corrupt` if what is deleted already
    /// cannot be read.
    pub fn delete(&self, offsets: &[u64]) -> Result<Deleted, RemoveError<S::Error>> {
        wait(self.0.delete(offsets))
    }

    /// What [`delete`](Self::delete) would do now. Changes nothing.
    ///
    /// # Errors
    /// `closed`; `corrupt` if what is deleted already cannot be read.
    pub fn plan_delete(&self, offsets: &[u64]) -> Result<Deleted, RemoveError<S::Error>> {
        wait(self.0.plan_delete(offsets))
    }

    /// Removes records from the old end, with one edit, durable when this returns.
    ///
    /// # Errors
    /// As for [`delete`](Self::delete), and `corrupt` if records that have to be looked
    /// at cannot be read.
    pub fn trim(&self, to: TrimTo) -> Result<Trimmed, RemoveError<S::Error>> {
        wait(self.0.trim(to))
    }

    /// What [`trim`](Self::trim) would do now. Changes nothing.
    ///
    /// # Errors
    /// As for [`plan_delete`](Self::plan_delete).
    pub fn plan_trim(&self, to: TrimTo) -> Result<Trimmed, RemoveError<S::Error>> {
        wait(self.0.plan_trim(to))
    }

    /// Removes every record, with one edit. Offsets go on where they were.
    ///
    /// # Errors
    /// As for [`delete`](Self::delete).
    pub fn clear(&self) -> Result<Trimmed, RemoveError<S::Error>> {
        wait(self.0.clear())
    }

    /// Deletes records that a newer one with the same key has made superfluous, and old
    /// tombstones. While the answer says that there is `more`, call again from its
    /// `next` on.
    ///
    /// # Errors
    /// As for [`delete`](Self::delete).
    pub fn compact(&self, compaction: Compaction) -> Result<Compacted, RemoveError<S::Error>> {
        wait(self.0.compact(compaction))
    }

    /// What [`compact`](Self::compact) would delete now, by offset. Changes nothing.
    ///
    /// # Errors
    /// As for [`plan_delete`](Self::plan_delete).
    pub fn plan_compact(
        &self,
        compaction: Compaction,
    ) -> Result<(Vec<u64>, Compacted), RemoveError<S::Error>> {
        wait(self.0.plan_compact(compaction))
    }

    /// Makes settings the log's own, with one edit; what is `None` stays. Compression,
    /// segment size and age, retention and producer expiry can be changed.
    ///
    /// # Errors
    /// `invalid` for other options, and for those out of their range; `read-only`,
    /// `closed`, `poisoned`, `full`.
    pub fn configure(&self, options: &Options) -> Result<(), ConfigureError<S::Error>> {
        wait(self.0.configure(options))
    }

    /// Makes these the indexes of the log: adds what it lacks, by reading its segments,
    /// and drops what it has more. Appends and reads go on meanwhile.
    ///
    /// # Errors
    /// As for [`maintain`](Self::maintain).
    pub fn reindex(&self, indexes: Indexes) -> Result<Maintained, MaintainError<S::Error>> {
        wait(self.0.reindex(indexes))
    }

    /// Drops blocks and indexes from memory; reads load them again. Returns the bytes
    /// given back.
    pub fn gc(&self, keep: Keep) -> usize {
        self.0.gc(keep)
    }

    /// Does some of the work that keeps opening and reading cheap, copying about
    /// `budget` bytes at most. Call it now and then until nothing is left.
    ///
    /// # Errors
    /// `read-only`, `full`, `fenced`, `poisoned`, `closed`; `corrupt` if damage is
    /// in the way.
    pub fn maintain(&self, budget: u64) -> Result<Maintained, MaintainError<S::Error>> {
        wait(self.0.maintain(budget))
    }

    /// Makes `target` hold a backup of this log, under the same number; other threads go
    /// on appending and reading. See [`tidelog_core::Log::backup`], and
    /// [`Logs::back_up`](super::Logs::back_up) for one that has a name.
    ///
    /// # Errors
    /// See there.
    pub fn backup<T: BlockStore>(
        &self,
        target: &T,
    ) -> Result<BackedUp, BackupError<S::Error, T::Error>> {
        wait(self.0.backup(target))
    }

    /// Writes everything appended so far to `writer`, which need not be buffered, as one
    /// file that [`Logs::import`](super::Logs::import) makes a log of. See
    /// [`tidelog_core::Log::export`].
    ///
    /// # Errors
    /// See there.
    pub fn export(
        &self,
        writer: impl Write,
    ) -> Result<Exported, ExportError<S::Error, StreamError>> {
        wait(self.0.export(&mut ToWriter(writer)))
    }

    /// Reads everything and reports what is damaged.
    ///
    /// # Errors
    /// The store cannot be read; damage is no error but a finding.
    pub fn check(&self) -> Result<Report, CheckError<S::Error>> {
        wait(self.0.check())
    }

    /// Checks some of the log: see [`tidelog_core::Log::check_from`].
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub fn check_from(&self, from: u64, budget: u64) -> Result<Checked, CheckError<S::Error>> {
        wait(self.0.check_from(from, budget))
    }

    /// Syncs, and lets go of the log for all clones. A closed log may be closed
    /// again.
    ///
    /// # Errors
    /// As for [`sync`](Self::sync).
    pub fn close(&self) -> Result<(), SyncError<S::Error>> {
        wait(self.0.close())
    }
}
