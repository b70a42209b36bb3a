//! What lookups by key and time read from the store, within a budget of memory: counted
//! in operations and bytes.

use std::rc::Rc;
use std::sync::Arc;

use tidelog_core::{Durability, Host, Indexes, Local, Log, LogId, MemoryStore, NewRecord, Options};
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

const SAMPLE: u64 = 2000;

fn key(number: u64) -> [u8; 12] {
    let mut key = [b'k'; 12];
    key[4..].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    key
}

fn open(store: &Store, options: Options) -> Log<Store> {
    let opened = Log::<_, Local>::open(Rc::clone(store), LogId(1), options, Arc::new(FixedHost));
    block_on(opened).unwrap()
}

/// A log of this many records with different keys, closed.
fn fill(records: u64, options: Options) -> Store {
    let store = Rc::new(CountingStore::new(MemoryStore::new()));
    let log = open(&store, options);
    for first in (0..records).step_by(100) {
        let keys: Vec<_> = (first..first + 100).map(key).collect();
        let batch: Vec<_> = (first..)
            .zip(&keys)
            .map(|(number, key)| {
                NewRecord::new(b"some value of an event")
                    .key(key)
                    .time(number.cast_signed())
            })
            .collect();
        block_on(log.append(&batch, Durability::Stored.into())).unwrap();
    }
    block_on(log.close()).unwrap();
    store
}

/// Calls and bytes of reads, for each of some lookups.
struct Cost {
    calls: f64,
    bytes: f64,
}

fn cost(store: &Store, log: &Log<Store>, budget: usize, ask: impl Fn(u64)) -> Cost {
    let before: Counts = store.snapshot();
    for number in 0..SAMPLE {
        ask(number);
        assert!(log.stat().cached_bytes <= budget, "over the budget");
    }
    let counts = store.snapshot().since(&before);
    let each = |value: u64| f64::from(u32::try_from(value).unwrap()) / f64::from(SAMPLE as u32);
    Cost {
        calls: each(counts.calls(Operation::Read)),
        bytes: each(counts.bytes(Operation::Read)),
    }
}

/// Opens a log of this many records with a cache that holds its filters and little
/// more, and looks for records all over it.
fn within_budget(records: u64, segment_bytes: u64, budget: usize) {
    let options = Options {
        indexes: Some(Indexes {
            keys: true,
            times: true,
        }),
        segment_bytes: Some(segment_bytes),
        cache_bytes: budget,
        ..Options::default()
    };
    let store = fill(records, options);
    let before = store.snapshot();
    let log = open(&store, options);
    let opening = store.snapshot().since(&before);
    let segments = log.stat().segments as u64;
    assert!(segments >= 8, "{segments} segments");
    assert!(
        opening.bytes(Operation::Read) < 1 << 20,
        "opening reads no index: {opening:?}"
    );
    let some = |number: u64| number.wrapping_mul(0x2545_f491_4f6c_dd1d) % records;
    // The filters come into memory, once each.
    let warm = cost(&store, &log, budget, |number| {
        let missing = block_on(log.get_by_key(&key(records + number)));
        assert!(missing.is_err());
    });
    let filters = records as f64 * 1.5 / SAMPLE as f64;
    println!(
        "first: {:.3} reads, {:.0} bytes each; filters are {filters:.0}",
        warm.calls, warm.bytes
    );
    assert!(warm.bytes < filters * 1.1 + 600.0, "{}", warm.bytes);
    let absent = cost(&store, &log, budget, |number| {
        let missing = block_on(log.get_by_key(&key(records + SAMPLE + number)));
        assert!(missing.is_err());
    });
    let present = cost(&store, &log, budget, |number| {
        let offset = some(number);
        assert_eq!(block_on(log.offset_by_key(&key(offset))).unwrap(), offset);
    });
    let by_time = cost(&store, &log, budget, |number| {
        let offset = some(number);
        let found = block_on(log.offset_by_time(offset.cast_signed())).unwrap();
        assert_eq!(found, (offset, offset.cast_signed()));
    });
    for (name, cost) in [
        ("absent", &absent),
        ("present", &present),
        ("by time", &by_time),
    ] {
        println!(
            "{name}: {:.3} reads, {:.0} bytes each",
            cost.calls, cost.bytes
        );
    }
    // A filter lets one of a hundred or so pass.
    assert!(absent.calls < segments as f64 * 0.02, "{}", absent.calls);
    // A block of the key index, a block of records, and now and then one more.
    assert!(present.calls < 3.0 + absent.calls, "{}", present.calls);
    assert!(present.bytes < 16384.0 + absent.bytes, "{}", present.bytes);
    // A block of records; the indexes of each segment once.
    let indexes = segments as f64 * 5.0 / SAMPLE as f64;
    assert!(by_time.calls < 1.1 + indexes, "{}", by_time.calls);
}

#[test]
fn lookups_read_filters_once_and_then_single_blocks() {
    within_budget(200_000, 1 << 20, 1 << 20);
}

#[test]
fn ten_million_keys_are_found_within_64_mib() {
    within_budget(10_000_000, 64 << 20, 64 << 20);
}
