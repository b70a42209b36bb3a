//! What removing records costs, and what a log costs afterwards that has lost many: counted
//! in operations and bytes.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use tidelog_core::{
    BlobKind, Durability, Host, Local, Log, LogId, MemoryStore, NewRecord, Options,
};
use tidelog_testkit::block_on::block_on;
use tidelog_testkit::counting::{CountingStore, Counts, Operation};

struct FixedHost;

impl Host for FixedHost {
    fn now(&self) -> i64 {
        0
    }

    fn random(&self) -> u64 {
        0x71de
    }
}

type Store = Rc<CountingStore<MemoryStore>>;

const RECORDS: u64 = 200_000;
const SEGMENT: u64 = 1 << 20;

fn open(store: &Store) -> Log<Store> {
    let options = Options {
        segment_bytes: Some(SEGMENT),
        ..Options::default()
    };
    let opened = Log::<_, Local>::open(Rc::clone(store), LogId(1), options, Arc::new(FixedHost));
    block_on(opened).unwrap()
}

/// What a call costs.
fn cost(store: &Store, call: impl FnOnce()) -> Counts {
    let before = store.snapshot();
    call();
    store.snapshot().since(&before)
}

/// A log of some segments, open, with nothing left to do.
fn filled() -> (Store, Log<Store>) {
    let store = Rc::new(CountingStore::new(MemoryStore::new()));
    let log = open(&store);
    let batch = [NewRecord::new(b"some value of an event, and some more of it"); 100];
    for _ in 0..RECORDS / 100 {
        block_on(log.append(&batch, Durability::Stored.into())).unwrap();
    }
    block_on(log.maintain(u64::MAX)).unwrap();
    (store, log)
}

fn appends(counts: &Counts, kind: BlobKind) -> u64 {
    counts.of(Operation::Append, kind).blobs
}

/// What opening a log costs that an earlier epoch wrote and a later one changed.
fn opening_after(change: impl FnOnce(&Store, &Log<Store>)) -> Counts {
    let (store, log) = filled();
    let segments = log.stat().segments as u64;
    assert!(segments >= 8, "{segments} segments");
    block_on(log.close()).unwrap();
    let log = open(&store);
    // The first write of an epoch begins a manifest.
    block_on(log.append(&[NewRecord::new(b"one")], Durability::Synced.into())).unwrap();
    block_on(log.maintain(u64::MAX)).unwrap();
    change(&store, &log);
    block_on(log.close()).unwrap();
    cost(&store, || drop(open(&store)))
}

#[test]
fn scattered_deletions_are_one_blob_a_segment_and_one_edit() {
    let unchanged = opening_after(|_, _| {});
    let opened = opening_after(|store, log| {
        let scattered: BTreeSet<u64> = (0..RECORDS / 10)
            .map(|number| number.wrapping_mul(0x2545_f491_4f6c_dd1d) % RECORDS)
            .collect();
        let offsets: Vec<u64> = scattered.iter().copied().collect();
        // All but the one that has just begun are touched.
        let touched = log.stat().segments as u64 - 1;
        let deleting = cost(store, || {
            let deleted = block_on(log.delete(&offsets)).unwrap();
            assert_eq!(deleted.records, offsets.len() as u64);
            assert!(deleted.missing.is_empty());
        });
        assert_eq!(appends(&deleting, BlobKind::Mask), touched);
        assert_eq!(appends(&deleting, BlobKind::Manifest), 1, "{deleting:?}");
        assert_eq!(appends(&deleting, BlobKind::Segment), 0, "{deleting:?}");
        let written = deleting.of(Operation::Append, BlobKind::Mask).bytes;
        let each = written / offsets.len() as u64;
        assert!(each <= 4, "{written} bytes of masks");
        assert_eq!(log.stat().records, RECORDS + 1 - offsets.len() as u64);
    });
    assert_eq!(
        opened.calls(Operation::Read),
        unchanged.calls(Operation::Read),
        "{opened:?}, and {unchanged:?} without deletions"
    );
    assert_eq!(opened.of(Operation::Read, BlobKind::Mask).blobs, 0);
}

#[test]
fn few_deletions_and_clearing_are_one_edit_each() {
    let (store, log) = filled();
    let few: Vec<u64> = (0..RECORDS).step_by(RECORDS as usize / 100).collect();
    let deleting = cost(&store, || {
        assert_eq!(block_on(log.delete(&few)).unwrap().records, 100);
    });
    let clearing = cost(&store, || {
        assert_eq!(block_on(log.clear()).unwrap().records, RECORDS - 100);
    });
    for (what, counts) in [("deleting", &deleting), ("clearing", &clearing)] {
        assert_eq!(appends(counts, BlobKind::Manifest), 1, "{what}: {counts:?}");
        assert_eq!(appends(counts, BlobKind::Mask), 0, "{what}: {counts:?}");
        assert_eq!(appends(counts, BlobKind::Segment), 0, "{what}: {counts:?}");
    }
    assert_eq!(clearing.calls(Operation::Read), 0, "{clearing:?}");
    assert_eq!((log.stat().records, log.bounds().next), (0, RECORDS));
}
