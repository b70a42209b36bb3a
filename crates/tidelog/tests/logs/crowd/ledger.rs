//! Owns what a crowd was told, and holds everything that is read against it. A record is
//! known by its time, which no other has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use tidelog::{Appended, Record};

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub key: Option<Vec<u8>>,
    /// `None` makes it a tombstone.
    pub value: Option<Vec<u8>>,
}

#[derive(Default)]
struct Book {
    /// Handed to an append, by time.
    written: BTreeMap<i64, Told>,
    /// Acknowledged: offset and time.
    given: BTreeMap<u64, i64>,
    /// The newest acknowledged offset of each key, by time up to which it counts.
    by_key: BTreeMap<Vec<u8>, Vec<(u64, i64)>>,
    /// Offsets that somebody has asked to delete.
    deleting: BTreeSet<u64>,
    /// Those for which that was acknowledged.
    gone: BTreeSet<u64>,
}

/// What everybody was told so far.
#[derive(Default)]
pub struct Ledger {
    book: Mutex<Book>,
    clock: AtomicI64,
    /// Records below these were asked to go, and are gone.
    trimming: AtomicU64,
    trimmed: AtomicU64,
    /// The latest time up to which compaction was asked for.
    compacting: AtomicI64,
}

/// What must not be seen any more by a read that begins now.
pub struct Past {
    gone: BTreeSet<u64>,
    trimmed: u64,
}

impl Ledger {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    /// Times so far.
    pub fn now(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }

    /// Before it is appended: a time for a record.
    pub fn write(&self, told: Told) -> i64 {
        let time = self.clock.fetch_add(1, Ordering::SeqCst) + 1;
        self.book().written.insert(time, told);
        time
    }

    /// After records with these times were acknowledged.
    pub fn give(&self, appended: Appended, times: &[i64]) {
        assert_eq!(appended.next - appended.first, times.len() as u64);
        let mut book = self.book();
        for (offset, time) in (appended.first..).zip(times) {
            let before = book.given.insert(offset, *time);
            assert_eq!(before, None, "offset {offset} was given twice");
            if let Some(key) = book.written[time].key.clone() {
                book.by_key.entry(key).or_default().push((offset, *time));
            }
        }
    }

    /// Before offsets are deleted.
    pub fn ask_deletion(&self, offsets: &[u64]) {
        self.book().deleting.extend(offsets);
    }

    /// After they were.
    pub fn delete(&self, offsets: &[u64]) {
        self.book().gone.extend(offsets);
    }

    /// Before records below an offset are trimmed.
    pub fn ask_trim(&self, before: u64) {
        self.trimming.fetch_max(before, Ordering::SeqCst);
    }

    /// After they were.
    pub fn trim(&self, oldest: u64) {
        self.trimmed.fetch_max(oldest, Ordering::SeqCst);
    }

    /// Before records up to a time are compacted.
    pub fn ask_compaction(&self, time: i64) {
        self.compacting.fetch_max(time, Ordering::SeqCst);
    }

    /// What no read that begins now may show.
    pub fn past(&self) -> Past {
        let trimmed = self.trimmed.load(Ordering::SeqCst);
        let gone = self.book().gone.clone();
        Past { gone, trimmed }
    }

    /// Acknowledged records.
    pub fn given(&self) -> BTreeMap<u64, i64> {
        self.book().given.clone()
    }

    /// Some acknowledged offset with a key, or without one.
    pub fn some_offset(&self, random: &mut fastrand::Rng, keyed: bool) -> Option<u64> {
        let book = self.book();
        let (&last, _) = book.given.last_key_value()?;
        let from = random.u64(0..=last);
        let mut behind = book.given.range(from..);
        behind
            .find(|(_, time)| book.written[*time].key.is_some() == keyed)
            .map(|(offset, _)| *offset)
    }

    /// A record that was read is the one that was written, and nobody removed it
    /// before the read began.
    pub fn judge(&self, record: &Record<'_>, past: &Past) {
        let offset = record.offset;
        let book = self.book();
        let told = book.written.get(&record.time);
        let told = told.unwrap_or_else(|| panic!("offset {offset} was never written"));
        assert_eq!(
            (record.key, record.value),
            (told.key.as_deref(), told.value.as_deref()),
            "at {offset}"
        );
        if let Some(time) = book.given.get(&offset) {
            assert_eq!(record.time, *time, "another record at {offset}");
        }
        assert!(!past.gone.contains(&offset), "{offset} was deleted");
        assert!(offset >= past.trimmed, "{offset} was trimmed");
    }

    /// Whether an acknowledged record may be missing by now.
    pub fn may_be_missing(&self, offset: u64) -> bool {
        if offset < self.trimming.load(Ordering::SeqCst) {
            return true;
        }
        let bound = self.compacting.load(Ordering::SeqCst);
        let book = self.book();
        if book.deleting.contains(&offset) {
            return true;
        }
        let told = &book.written[&book.given[&offset]];
        let Some(key) = &told.key else {
            return false;
        };
        let superseded = |(newer, time): &(u64, i64)| *newer > offset && *time <= bound;
        told.value.is_none() || book.by_key[key].iter().any(superseded)
    }

    /// When all is over: whether a record must be missing.
    pub fn must_be_missing(&self, offset: u64) -> bool {
        offset < self.trimmed.load(Ordering::SeqCst) || self.book().gone.contains(&offset)
    }
}
