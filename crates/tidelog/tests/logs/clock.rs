//! A clock that runs backwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tidelog::blocking::Logs;
use tidelog::{AppendOptions, At, FileStore, Host, NewRecord, ReadLimits};

/// A clock that is set by the test, and a generator that counts.
#[derive(Default)]
struct SetHost {
    now: AtomicI64,
    drawn: AtomicU64,
}

impl Host for SetHost {
    fn now(&self) -> i64 {
        self.now.load(Ordering::SeqCst)
    }

    fn random(&self) -> u64 {
        self.drawn.fetch_add(1, Ordering::SeqCst)
    }
}

#[test]
fn order_and_times_survive_a_clock_that_runs_backwards() {
    const TIMES: [i64; 6] = [5_000_000, 4_000_000, i64::MAX, -3, i64::MIN, 0];
    let home = tempfile::tempdir().unwrap();
    for round in 0..2 {
        let host = Arc::new(SetHost::default());
        let store = FileStore::create(home.path()).unwrap();
        let logs = Logs::over(store, host.clone());
        let log = logs.log("log").create(true).open().unwrap();
        for time in TIMES {
            host.now.store(time, Ordering::SeqCst);
            log.append(&[NewRecord::new(b"x")], AppendOptions::default())
                .unwrap();
        }
        assert_eq!(log.bounds().next, (round + 1) * 6);
        log.close().unwrap();
    }
    let logs = Logs::open_read_only(home.path()).unwrap();
    let log = logs.log("log").read_only(true).open().unwrap();
    let batch = log.read(At::Oldest, ReadLimits::default()).unwrap();
    let read: Vec<i64> = batch.records().map(|record| record.time).collect();
    assert_eq!(read, [TIMES, TIMES].concat());
    assert!(log.check().unwrap().findings.is_empty());
}
