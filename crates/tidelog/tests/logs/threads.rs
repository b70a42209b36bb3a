//! Threads that share one log.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tidelog::blocking::{Log, Logs};
use tidelog::{AppendOptions, At, BlockStore, Durability, ErrorKind, NewRecord, ReadLimits};

const THREADS: u64 = 8;
const APPENDS: u64 = 200;

/// Appends from many threads at all levels, and reads everything back.
fn hammer<S: BlockStore<Error: Send + Sync> + Send + Sync>(log: &Log<S>) {
    let mut given: BTreeMap<u64, String> = BTreeMap::new();
    let (told, heard) = mpsc::channel();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let told = told.clone();
            scope.spawn(move || {
                for number in 0..APPENDS {
                    let level = match number % 10 {
                        0 => Durability::Synced,
                        1..5 => Durability::Buffered,
                        _ => Durability::Stored,
                    };
                    let values = [
                        format!("{thread} {number} a"),
                        format!("{thread} {number} b"),
                    ];
                    let records = [
                        NewRecord::new(values[0].as_bytes()),
                        NewRecord::new(values[1].as_bytes()),
                    ];
                    let appended = log.append(&records, level.into()).unwrap();
                    assert_eq!(appended.next, appended.first + 2);
                    if level == Durability::Synced {
                        assert!(log.bounds().durable >= appended.next);
                    }
                    let [a, b] = values;
                    told.send((appended.first, a)).unwrap();
                    told.send((appended.first + 1, b)).unwrap();
                }
            });
        }
    });
    drop(told);
    for (offset, value) in heard {
        assert_eq!(
            given.insert(offset, value),
            None,
            "offset {offset} was given twice"
        );
    }
    assert_eq!(log.bounds().next, THREADS * APPENDS * 2);
    assert_eq!(log.sync().unwrap(), THREADS * APPENDS * 2);

    let mut last_of_thread = BTreeMap::new();
    let mut at = 0;
    loop {
        let batch = log.read(At::Offset(at), ReadLimits::default()).unwrap();
        for record in batch.records() {
            let value = str::from_utf8(record.value.unwrap()).unwrap();
            assert_eq!(given.remove(&record.offset).as_deref(), Some(value));
            let mut words = value.split(' ');
            let thread: u64 = words.next().unwrap().parse().unwrap();
            let number: u64 = words.next().unwrap().parse().unwrap();
            let before = last_of_thread.insert(thread, number).unwrap_or(0);
            assert!(
                before <= number,
                "thread {thread} appended {number} before {before}"
            );
        }
        if batch.next() == at {
            break;
        }
        at = batch.next();
    }
    assert!(given.is_empty(), "{} records are missing", given.len());
}

#[test]
fn appends_from_many_threads_are_all_there_in_memory() {
    let logs = Logs::memory();
    hammer(&logs.log("log").create(true).open().unwrap());
}

#[test]
fn appends_from_many_threads_are_all_there_in_files() {
    let home = tempfile::tempdir().unwrap();
    let logs = Logs::create(home.path()).unwrap();
    let log = logs
        .log("log")
        .create(true)
        .segment_bytes(16 << 10)
        .open()
        .unwrap();
    hammer(&log);
    assert!(log.stat().segments > 1, "rolls under way");
    log.close().unwrap();
    let log = logs.log("log").open().unwrap();
    assert!(log.check().unwrap().findings.is_empty());
    assert_eq!(log.bounds().next, THREADS * APPENDS * 2);
}

#[test]
fn a_follower_parks_until_there_is_something() {
    let logs = Logs::memory();
    let log = logs.log("log").create(true).open().unwrap();
    let reader = log.reader();
    let (told, heard) = mpsc::channel();
    let follower = thread::spawn(move || {
        let mut at = At::Next;
        loop {
            match reader.follow(at, ReadLimits::default()) {
                Ok(batch) => {
                    for record in batch.records() {
                        told.send(record.value.unwrap().to_vec()).unwrap();
                    }
                    at = At::Offset(batch.next());
                }
                Err(error) => return error.kind(),
            }
        }
    });
    // Long enough for it to park, so that it begins at the first record below.
    let silence = heard.recv_timeout(Duration::from_millis(100));
    assert_eq!(silence, Err(mpsc::RecvTimeoutError::Timeout));
    for value in [&b"one"[..], b"two", b"three"] {
        log.append(&[NewRecord::new(value)], AppendOptions::default())
            .unwrap();
        assert_eq!(heard.recv_timeout(Duration::from_secs(10)).unwrap(), value);
    }
    log.close().unwrap();
    assert_eq!(follower.join().unwrap(), ErrorKind::Closed);
}

#[test]
fn readers_of_files_see_the_beginning_of_what_a_busy_writer_appends() {
    const RECORDS: u64 = 4000;
    let value = |offset: u64| format!("record {offset} {}", "x".repeat(100)).into_bytes();
    let home = tempfile::tempdir().unwrap();
    let logs = Logs::create(home.path()).unwrap();
    let log = logs
        .log("log")
        .create(true)
        .segment_bytes(4096)
        .open()
        .unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            for offset in 0..RECORDS {
                let value = value(offset);
                log.append(&[NewRecord::new(&value)], AppendOptions::default())
                    .unwrap();
                if offset % 1000 == 999 {
                    while log.maintain(u64::MAX).unwrap().more {}
                }
            }
        });
        for _ in 0..2 {
            scope.spawn(|| {
                let others = Logs::open_read_only(home.path()).unwrap();
                let follower = others.log("log").read_only(true).open().unwrap();
                let mut followed = 0;
                while followed < RECORDS {
                    follower.refresh().unwrap();
                    let fresh = others.log("log").read_only(true).open().unwrap();
                    let next = fresh.bounds().next;
                    assert!(next >= followed, "{next} records, {followed} were there");
                    let mut at = followed;
                    while at < follower.bounds().next {
                        let batch = follower
                            .read(At::Offset(at), ReadLimits::default())
                            .unwrap();
                        for record in batch.records() {
                            assert_eq!(record.offset, at);
                            assert_eq!(record.value.unwrap(), value(at));
                            at += 1;
                        }
                    }
                    followed = at;
                    let some = followed / 2;
                    if some > 0 {
                        let entry = fresh.get(At::Offset(some)).unwrap();
                        assert_eq!(entry.record().value.unwrap(), value(some));
                    }
                }
            });
        }
    });
}
