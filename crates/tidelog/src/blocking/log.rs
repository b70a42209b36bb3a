//! Owns the blocking log.

use tidelog_core::{
    AppendError, AppendOptions, Appended, At, Batch, BlockStore, Bounds, CheckError, Entry,
    MaintainError, Maintained, NewRecord, OpenError, ReadError, ReadLimits, Recovery, Report, Stat,
    SyncError,
};

use super::Reader;
use super::wait::wait;
use crate::FileStore;

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

    /// In a handle that only reads: looks at the store again, for what the writer
    /// in another process has appended since.
    ///
    /// # Errors
    /// As for [`LogBuilder::open`](crate::LogBuilder#method.open).
    pub fn refresh(&self) -> Result<(), OpenError<S::Error>> {
        wait(self.0.refresh())
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

    /// Reads everything and reports what is damaged.
    ///
    /// # Errors
    /// The store cannot be read; damage is no error but a finding.
    pub fn check(&self) -> Result<Report, CheckError<S::Error>> {
        wait(self.0.check())
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
