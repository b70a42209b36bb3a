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

type Shared = Arc<Mutex<Tail>>;

#[derive(Debug, Default)]
struct Table {
    tails: HashMap<BlobId, Shared>,
    /// When those whose files may be open were last used.
    used: HashMap<BlobId, u64>,
    uses: u64,
    /// The one used last: appends come in runs, and most need to look no further.
    latest: Option<(BlobId, Shared)>,
}

impl Tails {
    pub(crate) fn new(open_files: usize) -> Self {
        Self {
            table: Mutex::default(),
            open_files: open_files.max(1),
        }
    }

    /// Uses the tail of `blob`, alone.
    pub(crate) fn with<R>(
        &self,
        layout: &Layout,
        blob: BlobId,
        use_it: impl FnOnce(&mut Tail) -> R,
    ) -> R {
        let (tail, surplus) = lock(&self.table).find(layout, blob, self.open_files);
        if let Some(surplus) = surplus {
            lock(&surplus).close();
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
        table.latest = None;
    }

    /// Nothing is known of the blobs of `log` any more.
    pub(crate) fn forget_log(&self, log: LogId) {
        let mut table = lock(&self.table);
        table.tails.retain(|blob, _| blob.log != log);
        table.used.retain(|blob, _| blob.log != log);
        table.latest = None;
    }
}

impl Table {
    /// The tail of `blob`, and the one to close if too many are open now.
    fn find(
        &mut self,
        layout: &Layout,
        blob: BlobId,
        open_files: usize,
    ) -> (Shared, Option<Shared>) {
        if let Some((_, tail)) = self.latest.as_ref().filter(|(latest, _)| *latest == blob) {
            return (Arc::clone(tail), None);
        }
        let surplus = self.note_use(blob, open_files);
        let tail = self
            .tails
            .entry(blob)
            .or_insert_with(|| Arc::new(Mutex::new(Tail::unknown(blob, layout.blob(blob)))));
        self.latest = Some((blob, Arc::clone(tail)));
        (Arc::clone(tail), surplus)
    }

    fn note_use(&mut self, blob: BlobId, open_files: usize) -> Option<Shared> {
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
                surplus = self.tails.get(&oldest).map(Arc::clone);
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
