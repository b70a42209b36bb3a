//! Owns what was deleted and trimmed: what must be gone, and what may be.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

/// Every deletion and trim of one log.
#[derive(Default)]
pub struct Removals {
    deleted: BTreeSet<u64>,
    /// Everything below is gone.
    trimmed: u64,
    /// What nobody was told the end of. The last of them may be in flight.
    open: Vec<Removal>,
}

enum Removal {
    Delete(Vec<u64>),
    Trim(u64),
}

impl Removals {
    /// These offsets are about to be deleted.
    pub fn delete(&mut self, offsets: &[u64]) {
        self.open.push(Removal::Delete(offsets.to_vec()));
    }

    /// Everything below `offset` is about to go.
    pub fn trim(&mut self, offset: u64) {
        self.open.push(Removal::Trim(offset));
    }

    /// What was begun last is done.
    pub fn done(&mut self) {
        if let Some(removal) = self.open.pop() {
            self.apply(removal);
        }
    }

    /// What was begun last was refused, and never tried.
    pub fn refused(&mut self) {
        self.open.pop();
    }

    /// Whether the record at `offset` must be gone.
    pub fn took(&self, offset: u64) -> bool {
        offset < self.trimmed || self.deleted.contains(&offset)
    }

    /// Offsets from `next` on were never kept, and are given again.
    pub fn forget_from(&mut self, next: u64) {
        self.deleted.split_off(&next);
    }

    /// Finds out, from the records that there are, what became of removals that nobody
    /// was told the end of.
    ///
    /// # Errors
    /// When one of them was done by half.
    pub fn settle(&mut self, found: &[(u64, u64)]) -> Result<()> {
        let is_there = |offset: u64| found.binary_search_by_key(&offset, |(at, _)| *at).is_ok();
        let mut open = std::mem::take(&mut self.open);
        // What a trim took is missed by no deletion.
        open.sort_by_key(|removal| matches!(removal, Removal::Delete(_)));
        for removal in open {
            match &removal {
                Removal::Delete(offsets) => {
                    let left = offsets.iter().filter(|at| !self.took(**at));
                    let (there, gone): (Vec<u64>, Vec<u64>) = left.partition(|at| is_there(**at));
                    ensure!(
                        there.is_empty() || gone.is_empty(),
                        "of offsets that were deleted together {there:?} are there and {gone:?} not"
                    );
                    if there.is_empty() {
                        self.apply(removal);
                    }
                }
                Removal::Trim(offset) => {
                    // Half of a trim shows where records are missed that are above it.
                    if found.first().is_none_or(|(first, _)| first >= offset) {
                        self.apply(removal);
                    }
                }
            }
        }
        Ok(())
    }

    fn apply(&mut self, removal: Removal) {
        match removal {
            Removal::Delete(offsets) => self.deleted.extend(offsets),
            Removal::Trim(offset) => self.trimmed = self.trimmed.max(offset),
        }
    }
}
