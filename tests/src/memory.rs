//! What a log takes in memory: as much after a million records as after a few.

use std::sync::Arc;

use peak_alloc::PeakAlloc;
use tidelog_core::{
    AppendOptions, At, Durability, Host, Log, LogId, NewRecord, Options, ReadLimits, Threads,
};
use tidelog_fs::FileStore;
use tidelog_testkit::block_on::block_on;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const MIB: usize = 1 << 20;
const CACHE: usize = 4 * MIB;

struct TestHost;

impl Host for TestHost {
    fn now(&self) -> i64 {
        0
    }

    fn random(&self) -> u64 {
        7
    }
}

#[test]
fn a_million_records_take_no_more_than_a_hundred_thousand() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Arc::new(FileStore::create(dir.path()).expect("a store"));
    let options = Options {
        cache_bytes: CACHE,
        ..Options::default()
    };
    let log = Log::<_, Threads>::open(store, LogId(1), options, Arc::new(TestHost));
    let log = block_on(log).expect("the log opens");
    let value = [b'v'; 128];
    let batch = [NewRecord::new(&value).key(b"0123456789"); 10];
    let mut grown = Vec::new();
    for _ in 0..10 {
        HEAP.reset_peak_usage();
        for _ in 0..10_000 {
            let options = AppendOptions::from(Durability::Stored);
            block_on(log.append(&batch, options)).expect("there is space");
        }
        grown.push(HEAP.peak_usage());
    }
    println!("peaks while appending, per 100,000 records: {grown:?}");
    let (first, last) = (grown[0], grown[9]);
    assert!(
        last <= first + MIB,
        "appending grew from {first} to {last} bytes"
    );
    assert!(last <= 8 * MIB, "appending takes {last} bytes");

    HEAP.reset_peak_usage();
    let mut at = 0;
    while at < 1_000_000 {
        let batch = block_on(log.read(At::Offset(at), ReadLimits::default()));
        at = batch.expect("it is readable").next();
    }
    let peak = HEAP.peak_usage();
    println!("peak while reading all: {peak}");
    assert!(
        peak <= CACHE + 8 * MIB,
        "reading takes {peak} bytes with a cache of {CACHE}"
    );
}
