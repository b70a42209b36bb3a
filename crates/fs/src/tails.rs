//! Owns the tails of all blobs this writer touched, and how many of their files
//! are open. May not do I/O while others wait for the table.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidelog_core::{BlobId, LogId};

use crate::layout::Layout;
use crate::tail::Tail;

/// Every tail of one store.
#[derive(Debug)]
pub(crate) struct Tails {
    table: Mutex<Table>,
    open_files: usize,
}

#[derive(Debug, Default)]
struct Table {
    tails: HashMap<BlobId, Arc<Mutex<Tail>>>,
    /// When those whose files may be open were last used.
    used: HashMap<BlobId, u64>,
    uses: u64,
}

impl Tails {
    pub(crate) fn new(open_files: usize) -> Self {
        Self {
            table: Mutex::default(),
            open_files: open_files.max(1),
        }
    }

    /// Uses the tail of `blob`, alone. Others wait in the order they came.
    pub(crate) fn with<R>(
        &self,
        layout: &Layout,
        blob: BlobId,
        use_it: impl FnOnce(&mut Tail) -> R,
    ) -> R {
        let (tail, surplus) = {
            let mut table = lock(&self.table);
            let surplus = table.touch(blob, self.open_files);
            let tail = table
                .tails
                .entry(blob)
                .or_insert_with(|| Arc::new(Mutex::new(Tail::unknown(blob))));
            (Arc::clone(tail), surplus)
        };
        if let Some((blob, tail)) = surplus {
            lock(&tail).close(&layout.blob(blob));
        }
        use_it(&mut lock(&tail))
    }

    /// Where the next append of this writer to `blob` continues.
    pub(crate) fn appended(&self, blob: BlobId) -> Option<u64> {
        let tail = Arc::clone(lock(&self.table).tails.get(&blob)?);
        lock(&tail).appended()
    }

    /// Nothing is known of `blob` any more.
    pub(crate) fn forget(&self, blob: BlobId) {
        let mut table = lock(&self.table);
        table.tails.remove(&blob);
        table.used.remove(&blob);
    }

    /// Nothing is known of the blobs of `log` any more.
    pub(crate) fn forget_log(&self, log: LogId) {
        let mut table = lock(&self.table);
        table.tails.retain(|blob, _| blob.log != log);
        table.used.retain(|blob, _| blob.log != log);
    }
}

impl Table {
    /// Notes a use; returns the tail to close if too many are open now.
    fn touch(&mut self, blob: BlobId, open_files: usize) -> Option<(BlobId, Arc<Mutex<Tail>>)> {
        self.uses += 1;
        if let Some(use_number) = self.used.get_mut(&blob) {
            *use_number = self.uses;
            return None;
        }
        let mut surplus = None;
        if self.used.len() >= open_files {
            let oldest = self.used.iter().min_by_key(|(_, at)| **at);
            if let Some(oldest) = oldest.map(|(blob, _)| *blob) {
                self.used.remove(&oldest);
                surplus = self
                    .tails
                    .get(&oldest)
                    .map(|tail| (oldest, Arc::clone(tail)));
            }
        }
        self.used.insert(blob, self.uses);
        surplus
    }
}

// A panic inside leaves whole values behind, so a poisoned lock is entered.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
