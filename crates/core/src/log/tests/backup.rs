//! Backups: what is copied, what is left alone, and what is refused.

use core::cell::Cell;

use alloc::vec;

use super::*;
use crate::{BlobId, BlobKind, BlockStore, Bytes, Geometry, MemoryError, Settings};

fn back_up(log: &MemoryLog, target: &Rc<MemoryStore>) -> BackedUp {
    run(log.backup(target)).unwrap()
}

fn blobs(store: &MemoryStore, kind: BlobKind) -> usize {
    let listed = run(store.list(LogId(1))).unwrap();
    listed.iter().filter(|blob| blob.kind == kind).count()
}

#[test]
fn a_backup_is_the_log_again() {
    for level in [Durability::Buffered, Durability::Stored, Durability::Synced] {
        let (store, target) = (Rc::new(MemoryStore::new()), Rc::new(MemoryStore::new()));
        let settings = Settings {
            segment_bytes: 4096,
            compression: Compression::Lz4,
            durability: level,
            producer_expiry: Some(77),
            ..Settings::default()
        };
        let options = Options {
            compression: Some(Compression::Lz4),
            durability: Some(level),
            producer_expiry: Some(Some(77)),
            ..small()
        };
        let log = open(&store, options);
        append(&log, 0, 98, 4, level);
        run(log.append(&[NewRecord::new(b"once")], producer(0))).unwrap();
        let done = back_up(&log, &target);
        assert_eq!((done.next, done.kept, done.removed), (99, 0, 0));
        assert_eq!(done.copied, done.segments);
        append(&log, 99, 119, 3, level);
        let copy = open(&target, Options::read_only());
        assert_eq!(copy.settings(), settings);
        assert_eq!((copy.bounds().next, copy.bounds().durable), (99, 99));
        expect(&copy, 0, 98);
        expect(&log, 99, 119);
        assert!(run(copy.check()).unwrap().is_healthy());
        drop(copy);
        // It remembers producers, and can be written to.
        let copy = open(&target, Options::default());
        let again = run(copy.append(&[NewRecord::new(b"once")], producer(0))).unwrap();
        assert!(again.duplicate && again.first == 98);
        append(&copy, 99, 109, 1, level);
        expect(&copy, 99, 109);
        run(copy.close()).unwrap();
        let refused = run(log.backup(&target)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Exists, "{refused}");
        expect(&open(&target, Options::read_only()), 99, 109);
    }
}

#[test]
fn offsets_of_which_no_segment_is_left_are_in_a_backup() {
    let (store, target) = (Rc::new(MemoryStore::new()), Rc::new(MemoryStore::new()));
    let log = open(&store, Options::default());
    append(&log, 0, 8, 4, Durability::Synced);
    back_up(&log, &target);
    append(&log, 8, 10, 2, Durability::Synced);
    back_up(&log, &target);
    run(log.delete(&[8, 9])).unwrap();
    assert_eq!(back_up(&log, &target).next, 10);
    let copy = open(&target, Options::read_only());
    let read = run(copy.read(At::Oldest, ReadLimits::default())).unwrap();
    assert_eq!((read.len(), read.next(), copy.bounds().next), (8, 10, 10));
}

#[test]
fn only_what_is_new_is_copied() {
    let (store, target) = (Rc::new(MemoryStore::new()), Rc::new(MemoryStore::new()));
    let log = open(&store, small());
    append(&log, 0, 200, 5, Durability::Stored);
    let first = back_up(&log, &target);
    assert!(first.copied > 4, "{first:?}");
    append(&log, 200, 210, 5, Durability::Stored);
    let second = back_up(&log, &target);
    assert_eq!((second.copied, second.kept), (1, first.copied));
    assert!(second.copied_bytes < 4096);
    let third = back_up(&log, &target);
    assert_eq!((third.copied, third.kept), (0, first.copied + 1));
    run(log.delete(&(0..150).collect::<Vec<_>>())).unwrap();
    let fourth = back_up(&log, &target);
    assert_eq!((fourth.copied, fourth.removed), (0, 4));
    run(log.maintain(u64::MAX)).unwrap();
    let fifth = back_up(&log, &target);
    assert!(fifth.copied > 0 && fifth.removed > 0, "{fifth:?}");
    let copy = open(&target, Options::read_only());
    assert_eq!(copy.bounds().oldest, 150);
    expect(&copy, 150, 210);
    assert_eq!(blobs(&target, BlobKind::Segment), fifth.segments);
    // What is in the way is no obstacle, and what is missing is copied anew.
    let victim = run(target.list(LogId(1))).unwrap();
    let victim = victim
        .into_iter()
        .find(|blob| blob.kind == BlobKind::Segment);
    run(target.remove(victim.unwrap())).unwrap();
    assert_eq!(back_up(&log, &target).copied, 1);
    expect(&open(&target, Options::read_only()), 150, 210);
}

#[test]
fn what_is_no_backup_of_the_log_is_left_alone() {
    struct Random(u64);
    impl Host for Random {
        fn now(&self) -> i64 {
            0
        }
        fn random(&self) -> u64 {
            self.0
        }
    }
    let (store, target) = (Rc::new(MemoryStore::new()), Rc::new(MemoryStore::new()));
    let log = open(&store, small());
    append(&log, 0, 30, 1, Durability::Stored);
    let mine = run(Log::<_, Local>::open(
        Rc::clone(&target),
        LogId(1),
        small(),
        Arc::new(Random(9)),
    ));
    let mine = mine.unwrap();
    append(&mine, 0, 10, 1, Durability::Stored);
    assert_eq!(
        run(log.backup(&target)).unwrap_err().kind(),
        ErrorKind::Locked
    );
    run(mine.close()).unwrap();
    let held = target.held();
    let refused = run(log.backup(&target)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Exists);
    assert!(format!("{refused}").contains("another log"), "{refused}");
    assert_eq!(target.held(), held);
    // A backup that is ahead, as of a log that was itself restored.
    let (ahead, restored) = (Rc::new(MemoryStore::new()), Rc::new(MemoryStore::new()));
    back_up(&log, &restored);
    append(&log, 30, 60, 1, Durability::Stored);
    back_up(&log, &ahead);
    let other = open(&restored, small());
    append(&other, 30, 40, 1, Durability::Stored);
    let refused = run(other.backup(&ahead)).unwrap_err();
    assert!(format!("{refused}").contains("later"), "{refused}");
    append(&other, 40, 90, 1, Durability::Stored);
    let refused = run(other.backup(&ahead)).unwrap_err();
    assert!(format!("{refused}").contains("another way"), "{refused}");
    expect(&open(&ahead, Options::read_only()), 0, 60);
    let reader = open(&store, Options::read_only());
    let refused = run(reader.backup(&ahead)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ReadOnly);
}

/// The same store, with one bit of the first segment another.
pub(super) fn damaged(store: &MemoryStore) -> Rc<MemoryStore> {
    let broken = Rc::new(MemoryStore::new());
    for blob in run(store.list(LogId(1))).unwrap() {
        let mut bytes = Vec::new();
        let mut byte = [0];
        while run(store.read(blob, bytes.len() as u64, &mut byte)).is_ok() {
            bytes.push(byte[0]);
        }
        if (blob.kind, blob.number) == (BlobKind::Segment, 1) {
            bytes[1000] ^= 1;
        }
        run(broken.append(blob, 0, Bytes::from(bytes))).unwrap();
    }
    broken
}

#[test]
fn damage_is_copied_and_said() {
    let (store, target) = (Rc::new(MemoryStore::new()), Rc::new(MemoryStore::new()));
    let log = open(&store, small());
    append(&log, 0, 60, 1, Durability::Stored);
    run(log.close()).unwrap();
    let log = open(&damaged(&store), small());
    let done = back_up(&log, &target);
    assert_eq!(done.damage.len(), 1);
    let findings = run(log.check()).unwrap().findings;
    assert_eq!(findings.len(), 1);
    let mismatch = findings[0].mismatch.unwrap();
    assert_eq!(mismatch.what, "body checksum");
    // A checksum tells one changed bit.
    assert_ne!(mismatch.expected, mismatch.actual);
    let copy = open(&target, Options::read_only());
    assert_eq!(run(copy.check()).unwrap().findings.len(), 1);
    expect(&copy, 40, 60);
}

#[test]
fn checking_in_steps_finds_what_checking_at_once_does() {
    let store = Rc::new(MemoryStore::new());
    let log = open(&store, small());
    append(&log, 0, 300, 1, Durability::Stored);
    run(log.close()).unwrap();
    let log = open(&damaged(&store), small());
    append(&log, 300, 320, 1, Durability::Stored);
    let whole = run(log.check()).unwrap();
    assert_eq!(whole.findings.len(), 1);
    for budget in [0, 5_000, 20_000, u64::MAX] {
        let (mut from, mut steps) = (0, 0);
        let mut all = Report::default();
        loop {
            let step = run(log.check_from(from, budget)).unwrap();
            assert!(step.report.segments == 1 || step.report.bytes <= budget);
            steps += 1;
            all.segments += step.report.segments;
            all.records += step.report.records;
            all.bytes += step.report.bytes;
            all.findings.extend(step.report.findings);
            assert!(step.next > from);
            from = step.next;
            if !step.more {
                break;
            }
        }
        assert_eq!((&all, from), (&whole, 320));
        assert_eq!(steps == 1, budget == u64::MAX, "{steps} steps");
        assert!(budget > 0 || steps == whole.segments);
    }
}

/// A store that stops at its n-th operation, be it for a moment.
struct Halting {
    store: Rc<MemoryStore>,
    left: Cell<u32>,
}

impl Halting {
    async fn step(&self) {
        if self.left.get() == 0 {
            core::future::pending::<()>().await;
        }
        self.left.set(self.left.get() - 1);
    }
}

impl BlockStore for Halting {
    type Error = MemoryError;

    fn geometry(&self) -> Geometry {
        self.store.geometry()
    }
    async fn list(&self, log: LogId) -> Result<Vec<BlobId>, MemoryError> {
        self.store.list(log).await
    }
    async fn read(&self, blob: BlobId, position: u64, buf: &mut [u8]) -> Result<(), MemoryError> {
        self.store.read(blob, position, buf).await
    }
    async fn append(&self, blob: BlobId, position: u64, bytes: Bytes) -> Result<(), MemoryError> {
        self.step().await;
        self.store.append(blob, position, bytes).await
    }
    async fn sync(&self, blobs: &[BlobId]) -> Result<(), MemoryError> {
        self.step().await;
        self.store.sync(blobs).await
    }
    async fn seal(&self, blob: BlobId) -> Result<(), MemoryError> {
        self.step().await;
        self.store.seal(blob).await
    }
    async fn remove(&self, blob: BlobId) -> Result<(), MemoryError> {
        self.step().await;
        self.store.remove(blob).await
    }
    async fn sync_removals(&self, log: LogId) -> Result<(), MemoryError> {
        self.step().await;
        self.store.sync_removals(log).await
    }
    async fn settle(&self, blob: BlobId) -> Result<u64, MemoryError> {
        self.store.settle(blob).await
    }
    async fn claim(&self, log: LogId, at_least: u64) -> Result<u64, MemoryError> {
        self.store.claim(log, at_least).await
    }
    fn release(&self, log: LogId) {
        self.store.release(log);
    }
}

#[test]
fn a_backup_that_is_dropped_leaves_the_one_before() {
    let store = Rc::new(MemoryStore::new());
    let log = open(&store, small());
    append(&log, 0, 60, 1, Durability::Stored);
    for (repeated, steps) in (0..60).flat_map(|steps| [(false, steps), (true, steps)]) {
        let target = Rc::new(MemoryStore::new());
        let mut expected = vec![0, log.bounds().next];
        if repeated {
            back_up(&log, &target);
            expected = vec![log.bounds().next];
            let next = log.bounds().next;
            append(&log, next, next + 40, 1, Durability::Stored);
            run(log.delete(&[next - 1])).unwrap();
            run(log.maintain(u64::MAX)).unwrap();
            expected.push(log.bounds().next);
        }
        let halting = Halting {
            store: Rc::clone(&target),
            left: Cell::new(steps),
        };
        {
            let mut backup = pin!(log.backup(&halting));
            let polled = backup
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
            if polled.is_ready() {
                assert!(steps > 12, "{steps}");
                continue;
            }
            // Appending goes on beside it.
            run(log.append(&[NewRecord::new(b"beside")], Durability::Synced.into())).unwrap();
        }
        let reader = Options::read_only();
        let copy = Log::<_, Local>::open(Rc::clone(&target), LogId(1), reader, Arc::new(TestHost));
        match run(copy) {
            Ok(copy) => {
                let next = copy.bounds().next;
                assert!(expected.contains(&next), "{next} is none of {expected:?}");
                assert!(run(copy.check()).unwrap().is_healthy());
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
                assert!(expected.contains(&0));
            }
        }
        let whole = back_up(&log, &target);
        assert_eq!(whole.next, log.bounds().next);
        let copy = open(&target, Options::read_only());
        assert!(run(copy.check()).unwrap().is_healthy());
        assert_eq!(blobs(&target, BlobKind::Segment), whole.segments);
        assert_eq!(copy.stat().records, log.stat().records);
    }
}
