//! Waiting for records: until there are some, until a moment, until somebody
//! cancels, until the log is closed.

use std::thread;
use std::time::{Duration, Instant};

use tidelog::blocking::{Cancel, Log, Logs, Patience};
use tidelog::{AppendOptions, At, ErrorKind, Indexes, MemoryStore, NewRecord, ReadLimits};

/// Long enough that whoever waits for it has not been woken.
const AGES: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(20);

fn keyed() -> Log<MemoryStore> {
    let indexes = Indexes {
        keys: true,
        times: false,
    };
    let logs = Logs::memory();
    logs.log("log")
        .create(true)
        .indexes(indexes)
        .open()
        .unwrap()
}

fn append(log: &Log<MemoryStore>, key: &[u8]) {
    log.append(&[NewRecord::new(b"v").key(key)], AppendOptions::default())
        .unwrap();
}

#[test]
fn patience_ends_at_its_deadline_and_not_before() {
    let log = keyed();
    let begun = Instant::now();
    let limits = ReadLimits::default();
    let none = log
        .follow_for(At::Next, limits, Patience::lasting(SHORT))
        .unwrap();
    assert!(none.is_none());
    assert!(begun.elapsed() >= SHORT);
    append(&log, b"other");
    let deadline = Instant::now() + SHORT;
    let none = log
        .reader()
        .follow_by_key_for(b"k", At::Oldest, limits, Patience::until(deadline))
        .unwrap();
    assert!(none.is_none());
    assert!(Instant::now() >= deadline);
}

#[test]
fn what_is_there_needs_no_patience() {
    let log = keyed();
    append(&log, b"k");
    let past = Patience::until(Instant::now());
    let limits = ReadLimits::default();
    for batch in [
        log.follow_for(At::Oldest, limits, past).unwrap(),
        log.reader().follow_for(At::Oldest, limits, past).unwrap(),
        log.follow_by_key_for(b"k", At::Oldest, limits, past)
            .unwrap(),
    ] {
        assert_eq!(batch.unwrap().len(), 1);
    }
    let beyond = log.follow_for(At::Offset(2), limits, past).unwrap_err();
    assert_eq!(beyond.kind(), ErrorKind::OutOfRange);
}

#[test]
fn a_record_wakes_whoever_waits_for_it() {
    let log = keyed();
    let waiting = log.clone();
    let thread = thread::spawn(move || {
        let patience = Patience::lasting(AGES);
        waiting.follow_by_key_for(b"k", At::Oldest, ReadLimits::default(), patience)
    });
    thread::sleep(SHORT);
    append(&log, b"other");
    append(&log, b"k");
    let batch = thread.join().unwrap().unwrap().unwrap();
    assert_eq!(batch.records().next().unwrap().offset, 1);
}

#[test]
fn cancelling_ends_all_waits_and_those_to_come() {
    let (log, cancel) = (keyed(), Cancel::default());
    let limits = ReadLimits::default();
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let (log, cancel) = (log.clone(), cancel.clone());
            thread::spawn(move || {
                let patience = match number % 2 {
                    0 => Patience::default(),
                    _ => Patience::lasting(AGES),
                };
                log.follow_for(At::Next, limits, patience.unless(&cancel))
            })
        })
        .collect();
    thread::sleep(SHORT);
    assert!(!cancel.is_cancelled());
    cancel.cancel();
    for thread in threads {
        assert!(thread.join().unwrap().unwrap().is_none());
    }
    assert!(cancel.is_cancelled());
    let patience = Patience::default().unless(&cancel);
    assert!(
        log.follow_for(At::Next, limits, patience)
            .unwrap()
            .is_none()
    );
}

#[test]
fn closing_releases_everybody() {
    let log = keyed();
    let limits = ReadLimits::default();
    let by_offset = log.clone();
    let by_offset = thread::spawn(move || {
        let patience = Patience::lasting(AGES);
        by_offset
            .follow_for(At::Next, limits, patience)
            .err()
            .unwrap()
            .kind()
    });
    let by_key = log.reader();
    let by_key = thread::spawn(move || {
        let followed = by_key.follow_by_key(b"k", At::Next, limits);
        followed.err().unwrap().kind()
    });
    thread::sleep(SHORT);
    log.close().unwrap();
    assert_eq!(by_offset.join().unwrap(), ErrorKind::Closed);
    assert_eq!(by_key.join().unwrap(), ErrorKind::Closed);
}
