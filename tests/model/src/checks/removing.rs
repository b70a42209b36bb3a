//! Whoever removes records or rewrites segments, beside readers and appends.

use std::collections::BTreeSet;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;
use tidelog_core::{At, Compaction, Durability, LookupError, ReadError, TrimTo};

use crate::blocking::wait;
use crate::log::{BATCH, ModelledReader, PREPARED, Setting, append, key, offsets, one_read};

/// Looks of each reader at the log.
const LOOKS: usize = 3;
/// Records of a prepared log.
const RECORDS: u64 = 2 * PREPARED * BATCH;
/// One of each segment; the second is the newest with its key.
const DELETED: [u64; 2] = [1, RECORDS - 1];
/// Polls of a future before it is dropped, at most.
const POLLS: u32 = 25;

fn all(next: u64) -> BTreeSet<u64> {
    (0..next).collect()
}

fn left(next: u64) -> BTreeSet<u64> {
    let mut left = all(next);
    left.retain(|offset| !DELETED.contains(offset));
    left
}

/// Looks at a log in which [`DELETED`] go, all at once and for good.
fn look(reader: &ModelledReader) {
    let (mut gone, mut next) = (false, 0);
    for _ in 0..LOOKS {
        let bounds = reader.bounds();
        assert!(bounds.next >= next, "the end went back");
        next = bounds.next;
        // It may end early, where a segment was replaced while it was being read.
        let (found, end) = one_read(reader);
        let whole = found == all(end);
        assert!(whole || found == left(end), "half of it: {found:?}");
        assert!(!(whole && gone), "what was gone is back");
        gone |= !whole;
        let newest = wait(reader.offset_by_key(key(1))).expect("it has others");
        assert!(!gone || !DELETED.contains(&newest), "found what is gone");
        match wait(reader.get(At::Offset(DELETED[0]))) {
            Ok(_) => assert!(!gone, "what was gone is back"),
            Err(error) => {
                let expected = matches!(error, ReadError::NotFound { trimmed: false, .. });
                assert!(expected, "{error}");
                gone = true;
            }
        }
        thread::yield_now();
    }
}

/// A deletion is seen whole or not at all, and lasts once it has returned.
pub(super) fn deleting() {
    let setting = Setting::prepared();
    let reader = setting.log.reader();
    let looks = thread::spawn(move || look(&reader));
    let log = setting.log.clone();
    let appends = thread::spawn(move || {
        wait(append(&log, 0, 0, Durability::Stored)).expect("nothing fails here");
    });
    let deleted = wait(setting.log.delete(&DELETED)).expect("nothing fails here");
    assert_eq!((deleted.records, deleted.missing.len()), (2, 0));
    let (found, _) = one_read(&setting.log.reader());
    assert!(found.is_disjoint(&DELETED.into()));
    looks.join().unwrap();
    appends.join().unwrap();
    let setting = setting.reopened();
    assert_eq!(offsets(&setting.log.reader()), left(RECORDS + BATCH));
    setting.end();
}

/// Segments are merged and give space back while others read, append and delete.
pub(super) fn maintaining() {
    let setting = Setting::prepared();
    let reader = setting.log.reader();
    let looks = thread::spawn(move || {
        let first = wait(reader.get(At::Offset(0))).expect("it is there");
        let before = first.record().value.map(<[u8]>::to_vec);
        look(&reader);
        assert_eq!(
            first.record().value,
            before.as_deref(),
            "what was read stays"
        );
    });
    let log = setting.log.clone();
    let deletes = thread::spawn(move || {
        wait(append(&log, 0, 0, Durability::Stored)).expect("nothing fails here");
        wait(log.delete(&DELETED)).expect("nothing fails here");
    });
    let done = wait(setting.log.maintain(u64::MAX)).expect("nothing fails here");
    assert!(done.merged > 0, "two segments are one");
    looks.join().unwrap();
    deletes.join().unwrap();
    let report = wait(setting.log.check()).expect("it can be read");
    assert!(report.is_healthy(), "{:?}", report.findings);
    let setting = setting.reopened();
    assert_eq!(offsets(&setting.log.reader()), left(RECORDS + BATCH));
    setting.end();
}

/// Compaction beside appends of the same keys leaves the newest of each.
pub(super) fn compacting() {
    let setting = Setting::prepared();
    let log = setting.log.clone();
    let appends = thread::spawn(move || {
        for batch in 0..2 {
            wait(append(&log, 0, batch, Durability::Stored)).expect("nothing fails here");
        }
    });
    let reader = setting.log.reader();
    let looks = thread::spawn(move || {
        let mut newest = 0;
        for _ in 0..LOOKS {
            match wait(reader.offset_by_key(key(0))) {
                Ok(offset) => {
                    assert!(offset >= newest, "an older one is the newest again");
                    newest = offset;
                }
                Err(LookupError::KeyNotFound) => panic!("a key has no record"),
                Err(error) => panic!("{error}"),
            }
        }
    });
    let compaction = Compaction::up_to(i64::MAX, i64::MAX);
    let compacted = wait(setting.log.compact(compaction)).expect("nothing fails here");
    assert!(compacted.records >= RECORDS - BATCH, "{compacted:?}");
    appends.join().unwrap();
    looks.join().unwrap();
    wait(setting.log.compact(compaction)).expect("nothing fails here");
    let next = setting.log.bounds().next;
    let setting = setting.reopened();
    let expected: BTreeSet<u64> = (next - BATCH..next).collect();
    assert_eq!(
        offsets(&setting.log.reader()),
        expected,
        "the newest of each key"
    );
    setting.end();
}

/// Whoever waits for a turn, or has it, may be dropped at any of its awaits: its work
/// is done or not, and others get their turns.
pub(super) fn giving_up() {
    let setting = Setting::prepared();
    let log = setting.log.clone();
    let deletes = thread::spawn(move || drop_soon(log.delete(&DELETED)));
    let log = setting.log.clone();
    let maintains = thread::spawn(move || drop_soon(log.maintain(u64::MAX)));
    let log = setting.log.clone();
    let appends = thread::spawn(move || {
        wait(append(&log, 0, 0, Durability::Stored)).expect("nothing fails here");
    });
    let trimmed = wait(setting.log.trim(TrimTo::Before(At::Offset(1))));
    assert_eq!(trimmed.expect("nothing fails here").oldest, 1);
    let deleted = deletes.join().unwrap();
    maintains.join().unwrap();
    appends.join().unwrap();
    let setting = setting.reopened();
    let found = offsets(&setting.log.reader());
    let (mut whole, mut less) = (all(RECORDS + BATCH), left(RECORDS + BATCH));
    whole.remove(&0);
    less.remove(&0);
    assert!(
        found == less || found == whole && !deleted,
        "half of it: {found:?}"
    );
    setting.end();
}

/// Polls a few times, and drops the future. Whether it came to its end.
fn drop_soon<T, E: std::fmt::Debug>(future: impl Future<Output = Result<T, E>>) -> bool {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..thread_rng().gen_range(0..=POLLS) {
        if let Poll::Ready(outcome) = future.as_mut().poll(&mut context) {
            outcome.expect("nothing fails here");
            return true;
        }
        thread::yield_now();
    }
    false
}
