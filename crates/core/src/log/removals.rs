//! Owns what nothing names any more: which blobs are to be removed, and in which order.
//! Removes nothing itself.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::store::BlobId;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    /// Remove this blob.
    Blob(BlobId),
    /// Make the removals so far durable: what comes next may not go before them.
    Settle,
}

/// Blobs that wait for their removal.
#[derive(Debug, Default)]
pub(crate) struct Removals {
    queue: VecDeque<Removal>,
    /// Those that an edit still names until it is superseded by one that is synced.
    named: Vec<BlobId>,
}

impl Removals {
    /// Removes a blob that nothing names.
    pub(crate) fn push(&mut self, blob: BlobId) {
        self.queue.push_back(Removal::Blob(blob));
    }

    /// Removes these once all removals so far are durable.
    pub(crate) fn push_behind(&mut self, blobs: impl IntoIterator<Item = BlobId>) {
        self.queue.push_back(Removal::Settle);
        self.queue.extend(blobs.into_iter().map(Removal::Blob));
    }

    /// Removes a blob once the edits so far are synced.
    pub(crate) fn push_named(&mut self, blob: BlobId) {
        self.named.push(blob);
    }

    /// The edits so far are synced.
    pub(crate) fn edits_synced(&mut self) {
        self.queue.extend(self.named.drain(..).map(Removal::Blob));
    }

    pub(crate) fn pop(&mut self) -> Option<Removal> {
        self.queue.pop_front()
    }

    /// The removal of a blob failed. What may go only after it is left to whoever opens
    /// the log next.
    pub(crate) fn blob_failed(&mut self) {
        if self.queue.contains(&Removal::Settle) {
            self.queue.clear();
        }
    }

    /// The removals so far are perhaps not durable.
    pub(crate) fn settle_failed(&mut self) {
        self.queue.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }
}
