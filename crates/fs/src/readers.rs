//! Owns the files kept open for reading, a bounded number of them. Knows nothing
//! of writers.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidelog_core::BlobId;

use crate::error::Reason;
use crate::file::BlobFile;

/// The files open for reading.
#[derive(Debug)]
pub(crate) struct Readers {
    table: Mutex<Table>,
    open_files: usize,
}

#[derive(Debug, Default)]
struct Table {
    files: HashMap<BlobId, (Arc<BlobFile>, u64)>,
    uses: u64,
    forgotten: u64,
}

impl Readers {
    pub(crate) fn new(open_files: usize) -> Self {
        Self {
            table: Mutex::default(),
            open_files: open_files.max(1),
        }
    }

    /// The file of `blob`, if it is open.
    pub(crate) fn get(&self, blob: BlobId) -> Option<Arc<BlobFile>> {
        let mut table = self.table();
        table.uses += 1;
        let now = table.uses;
        let (file, used) = table.files.get_mut(&blob)?;
        *used = now;
        Some(Arc::clone(file))
    }

    /// Opens the file of `blob`, and closes the one used longest ago if that makes
    /// one too many.
    pub(crate) fn open(&self, blob: BlobId, path: &Path) -> Result<Arc<BlobFile>, Reason> {
        let forgotten = self.table().forgotten;
        let file = Arc::new(BlobFile::open_to_read(path)?);
        let mut table = self.table();
        // A blob removed meanwhile would otherwise stay readable.
        if table.forgotten != forgotten {
            return Ok(file);
        }
        if table.files.len() >= self.open_files && !table.files.contains_key(&blob) {
            let oldest = table.files.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(oldest) = oldest.map(|(blob, _)| *blob) {
                table.files.remove(&oldest);
            }
        }
        table.uses += 1;
        let now = table.uses;
        table.files.insert(blob, (Arc::clone(&file), now));
        Ok(file)
    }

    /// Closes the file of `blob`.
    pub(crate) fn forget(&self, blob: BlobId) {
        let mut table = self.table();
        table.forgotten += 1;
        table.files.remove(&blob);
    }

    // The table is whole after every statement, so a poisoned lock is entered.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
