//! Owns the blocking reader.

use std::sync::Arc;

use tidelog_core::{At, Batch, BlockStore, Bounds, Entry, ReadError, ReadLimits, Threads};

use super::Patience;
use super::wait::wait;
use crate::FileStore;

/// A reader of a log: sees what is acknowledged at the log's level, and never
/// waits for the writer.
pub struct Reader<S: BlockStore = FileStore>(crate::Reader<S>);

impl<S: BlockStore> Clone for Reader<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: BlockStore> Reader<S> {
    pub(super) fn over(reader: tidelog_core::Reader<Arc<S>, Threads>) -> Self {
        Self(reader)
    }

    /// The same reader, for async code.
    #[must_use]
    pub fn as_async(&self) -> &crate::Reader<S> {
        &self.0
    }

    /// The offsets that can be read now.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        self.0.bounds()
    }

    /// Records from `at` on. Caught up is `batch.next()` being where the read
    /// started, never a short batch.
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
}
