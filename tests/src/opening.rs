//! What opening a log costs, in store operations and bytes: it follows the number of
//! segments and what was not synced, never the number of records.

use std::sync::Arc;

use tidelog_core::{
    AppendOptions, At, Durability, Host, Log, LogId, NewRecord, Options, ReadLimits, Threads,
    limits,
};
use tidelog_fs::FileStore;
use tidelog_testkit::block_on::block_on;
use tidelog_testkit::counting::{CountingStore, Operation};

struct TestHost;

impl Host for TestHost {
    fn now(&self) -> i64 {
        0
    }

    fn random(&self) -> u64 {
        7
    }
}

type Store = Arc<CountingStore<FileStore>>;
type FileLog = Log<Store, Threads>;

const SEGMENT: u64 = 8 << 20;

fn open(store: &Store) -> FileLog {
    let options = Options {
        segment_bytes: Some(SEGMENT),
        ..Options::default()
    };
    block_on(FileLog::open(
        Arc::clone(store),
        LogId(1),
        options,
        Arc::new(TestHost),
    ))
    .expect("the log opens")
}

fn append(log: &FileLog, records: u64, level: Durability) {
    let value = [b'v'; 128];
    let batch = [NewRecord::new(&value).key(b"0123456789"); 100];
    let options = AppendOptions::from(level);
    for _ in 0..records / 100 {
        block_on(log.append(&batch, options)).expect("there is space");
    }
}

/// Opens the log and returns the operations and bytes that took.
fn cost(store: &Store, records: u64) -> (u64, u64) {
    store.reset();
    let log = open(store);
    assert_eq!(log.bounds().next, records);
    let counts = store.snapshot();
    if records > 0 {
        let last = block_on(log.read(At::Last, ReadLimits::records(1))).expect("it is readable");
        assert_eq!(last.len(), 1);
    }
    (counts.total_calls(), counts.bytes(Operation::Read))
}

#[test]
fn a_million_records_open_as_fast_as_their_segments() {
    let mut seen = Vec::new();
    for records in [10_000, 100_000, 1_000_000] {
        let dir = tempfile::tempdir().expect("a directory");
        let store = FileStore::create(dir.path()).expect("a store");
        let store = Arc::new(CountingStore::new(store));
        let log = open(&store);
        append(&log, records, Durability::Stored);
        block_on(log.close()).expect("it closes");
        let segments = log.stat().segments as u64;
        drop(log);
        let (calls, bytes) = cost(&store, records);
        println!("{records} records, {segments} segments: {calls} operations, {bytes} bytes read");
        assert!(
            calls <= 24 + segments,
            "{calls} operations for {segments} segments"
        );
        // Both copies of the manifest, with the space given to them ahead, and an
        // entry in them for each segment.
        let bound = 512 * 1024 + segments * 1024;
        assert!(bytes <= bound, "{bytes} bytes for {segments} segments");
        seen.push(calls);
    }
    assert!(
        seen.last() <= seen.first().map(|calls| calls + 24).as_ref(),
        "{seen:?}"
    );
}

/// Bytes that an opening after a crash reads at most: the active segment as a whole, and
/// the unsynced ones before it; what follows the end is looked at as far as unsynced bytes
/// may reach.
const AFTER_CRASH: u64 = SEGMENT + 2 * limits::UNSYNCED_MAX + (1 << 20);

/// Bytes that an opening after a crash reads at once, on the whole.
const AT_ONCE: u64 = 32 << 10;

/// Calls that an opening after a crash makes at most.
const fn calls_max(segments: u64, bytes: u64) -> u64 {
    32 + 2 * segments + bytes / AT_ONCE
}

#[test]
fn what_was_not_synced_is_all_that_a_crash_adds() {
    let mut seen = Vec::new();
    for records in [100_000, 1_000_000] {
        let dir = tempfile::tempdir().expect("a directory");
        let store = FileStore::create(dir.path()).expect("a store");
        let store = Arc::new(CountingStore::new(store));
        let log = open(&store);
        append(&log, records, Durability::Stored);
        let segments = log.stat().segments as u64;
        drop(log);
        let (calls, bytes) = cost(&store, records);
        println!("after a crash at {records}: {calls} operations, {bytes} bytes read");
        assert!(bytes <= AFTER_CRASH, "{bytes} bytes read");
        assert!(calls <= calls_max(segments, bytes), "{calls} operations");
        seen.push(calls);
    }
    // Both leave as much unsynced as may be left.
    assert!(seen[1] <= 2 * seen[0], "{seen:?}");
}

#[test]
fn a_crash_after_a_sync_adds_what_was_not_sealed() {
    let mut seen = Vec::new();
    for records in [200_000, 1_000_000] {
        let dir = tempfile::tempdir().expect("a directory");
        let store = FileStore::create(dir.path()).expect("a store");
        let store = Arc::new(CountingStore::new(store));
        let log = open(&store);
        append(&log, records - 1_000, Durability::Stored);
        block_on(log.sync()).expect("it syncs");
        append(&log, 1_000, Durability::Synced);
        let segments = log.stat().segments as u64;
        drop(log);
        let (calls, bytes) = cost(&store, records);
        println!("after a crash at {records}, synced: {calls} operations, {bytes} bytes read");
        // Segments that ended are not known to have until `maintain` has sealed them: as many
        // as may be unsynced.
        let bound = SEGMENT + limits::UNSYNCED_MAX + (1 << 20);
        assert!(bytes <= bound, "{bytes} bytes read");
        assert!(calls <= calls_max(segments, bytes), "{calls} operations");
        seen.push(bytes);
    }
    assert!(seen[1] <= seen[0] + SEGMENT, "{seen:?}");
}

#[test]
fn one_crash_after_the_other_adds_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = FileStore::create(dir.path()).expect("a store");
    let store = Arc::new(CountingStore::new(store));
    let mut seen = Vec::new();
    for life in 0..24 {
        let records = life * 2_000;
        seen.push(cost(&store, records));
        let log = open(&store);
        append(&log, 1_000, Durability::Stored);
        block_on(log.maintain(1 << 20)).expect("it is maintained");
        append(&log, 1_000, Durability::Synced);
    }
    println!("operations and bytes of each opening after a crash: {seen:?}");
    let (calls, bytes) = seen[2];
    for (life, (later_calls, later_bytes)) in (0..).zip(&seen).skip(3) {
        // A few manifests of earlier lives are still there, and are looked at. No segment
        // is read again.
        let bound = calls + 40;
        assert!(
            *later_calls <= bound,
            "opening {life} makes {later_calls} calls"
        );
        let bound = bytes + (2 << 20);
        assert!(
            *later_bytes <= bound,
            "opening {life} reads {later_bytes} bytes"
        );
    }
}
