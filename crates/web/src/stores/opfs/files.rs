//! Owns which files are open: few, and for long. May not know what is in them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use tidelog_core::{BlobId, LogId};

use super::file::BlobFile;
use crate::stores::error::Reason;

/// The open files of one store.
#[derive(Debug)]
pub(super) struct Files {
    table: RefCell<Table>,
    most: usize,
}

#[derive(Debug, Default)]
struct Table {
    open: BTreeMap<BlobId, (Rc<BlobFile>, u64)>,
    uses: u64,
}

impl Files {
    pub(super) fn new(most: usize) -> Self {
        Self {
            table: RefCell::default(),
            most: most.max(1),
        }
    }

    /// The file of `blob`, if it is open.
    pub(super) fn get(&self, blob: BlobId) -> Option<Rc<BlobFile>> {
        let mut table = self.table.borrow_mut();
        table.uses += 1;
        let uses = table.uses;
        let (file, used) = table.open.get_mut(&blob)?;
        *used = uses;
        Some(Rc::clone(file))
    }

    /// Keeps `file` open, and closes the one that was not used for longest if there
    /// are too many. Returns the blob of one that could not be flushed first.
    pub(super) fn keep(&self, blob: BlobId, file: Rc<BlobFile>) -> Option<(BlobId, Reason)> {
        let mut table = self.table.borrow_mut();
        table.uses += 1;
        let uses = table.uses;
        table.open.insert(blob, (file, uses));
        if table.open.len() <= self.most {
            return None;
        }
        // One that somebody is using would stay open.
        let unused = table
            .open
            .iter()
            .filter(|(_, (file, _))| Rc::strong_count(file) == 1);
        let oldest = unused.min_by_key(|(_, (_, used))| *used);
        let (surplus, _) = oldest.map(|(blob, used)| (*blob, used))?;
        let (file, _) = table.open.remove(&surplus)?;
        file.flush().err().map(|reason| (surplus, reason))
    }

    pub(super) fn close(&self, blob: BlobId) {
        self.table.borrow_mut().open.remove(&blob);
    }

    pub(super) fn close_log(&self, log: LogId) {
        self.table
            .borrow_mut()
            .open
            .retain(|blob, _| blob.log != log);
    }
}
