//! What a backup reads and writes: counted in operations and bytes.

use std::rc::Rc;
use std::sync::Arc;

use tidelog_core::{
    BackedUp, BlobKind, Durability, Host, Local, Log, LogId, MemoryStore, NewRecord, Options,
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

const RECORDS: usize = 100_000;

/// A log of some segments, and a store for its backup.
struct Pair {
    log: Log<Store>,
    source: Store,
    target: Store,
}

/// What one backup did, and what it cost on both sides.
struct Cost {
    done: BackedUp,
    read: Counts,
    written: Counts,
}

impl Pair {
    fn new() -> Self {
        let store = || Rc::new(CountingStore::new(MemoryStore::new()));
        let (source, target) = (store(), store());
        let options = Options {
            segment_bytes: Some(1 << 20),
            ..Options::default()
        };
        let opened =
            Log::<_, Local>::open(Rc::clone(&source), LogId(1), options, Arc::new(FixedHost));
        let pair = Self {
            log: block_on(opened).unwrap(),
            source,
            target,
        };
        pair.append(RECORDS);
        pair
    }

    fn append(&self, records: usize) {
        let batch = [NewRecord::new(b"some value of an event, and some more of it"); 100];
        for _ in 0..records / 100 {
            block_on(self.log.append(&batch, Durability::Stored.into())).unwrap();
        }
    }

    fn back_up(&self) -> Cost {
        let (source, target) = (self.source.snapshot(), self.target.snapshot());
        let done = block_on(self.log.backup(&self.target)).unwrap();
        Cost {
            done,
            read: self.source.snapshot().since(&source),
            written: self.target.snapshot().since(&target),
        }
    }

    /// Bytes of all blobs of the log that hold records, with their footers.
    fn stored(&self) -> u64 {
        let appended = self.source.snapshot();
        appended.of(Operation::Append, BlobKind::Segment).bytes
    }
}

impl Cost {
    fn appended(&self) -> u64 {
        let segments = self.written.of(Operation::Append, BlobKind::Segment);
        segments.bytes
    }
}

#[test]
fn the_first_backup_reads_and_writes_everything_once() {
    let pair = Pair::new();
    let first = pair.back_up();
    assert!(first.done.segments >= 4, "{:?}", first.done);
    assert_eq!(first.done.copied, first.done.segments);
    assert_eq!(first.done.copied_bytes, pair.stored());
    assert_eq!(first.appended(), pair.stored());
    let read = first.read.of(Operation::Read, BlobKind::Segment);
    assert_eq!(read.bytes, pair.stored(), "{:?}", first.read);
    // What a backup that was cut short may have left is asked for, and not there; what was
    // written is read back, once.
    let back = first.written.of(Operation::Read, BlobKind::Segment);
    assert!(back.bytes <= pair.stored() * 2, "{:?}", first.written);
}

#[test]
fn another_backup_copies_what_is_new_and_looks_at_the_ends_of_the_rest() {
    let pair = Pair::new();
    let before = pair.back_up().done;
    let stored = pair.stored();
    pair.append(1_000);
    let again = pair.back_up();
    let new = pair.stored() - stored;
    assert!(new < stored / 20, "{new} bytes are new, of {stored}");
    assert_eq!((again.done.copied, again.done.kept), (1, before.segments));
    assert_eq!((again.done.copied_bytes, again.appended()), (new, new));
    let read = again.read.of(Operation::Read, BlobKind::Segment);
    assert_eq!(read.bytes, new, "{:?}", again.read);
    let back = again.written.of(Operation::Read, BlobKind::Segment);
    let ends = before.segments as u64;
    assert!(back.bytes <= new * 2 + ends, "{:?}", again.written);

    let nothing = pair.back_up();
    assert_eq!((nothing.done.copied, nothing.done.copied_bytes), (0, 0));
    assert_eq!(nothing.read.calls(Operation::Read), 0, "{:?}", nothing.read);
    let written = nothing.written.calls(Operation::Append);
    assert_eq!(written, 0, "{:?}", nothing.written);
    assert_eq!(nothing.written.calls(Operation::Remove), 0);
}

#[test]
fn what_is_deleted_costs_a_backup_its_mask_and_a_manifest() {
    let pair = Pair::new();
    pair.back_up();
    let scattered: Vec<u64> = (0..RECORDS as u64 / 4).step_by(7).collect();
    block_on(pair.log.delete(&scattered)).unwrap();
    let again = pair.back_up();
    assert_eq!(again.appended(), 0, "{:?}", again.written);
    let masks = again.written.of(Operation::Append, BlobKind::Mask);
    assert!(masks.blobs >= 1, "{:?}", again.written);
    assert_eq!(again.done.copied as u64, masks.blobs);
    assert_eq!(again.done.copied_bytes, masks.bytes);
    let read = again.read.of(Operation::Read, BlobKind::Segment);
    assert_eq!(read.bytes, 0, "{:?}", again.read);
}
