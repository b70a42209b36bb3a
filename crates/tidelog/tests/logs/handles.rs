//! Opening, closing, dropping: who may write, who may read, and what is there
//! afterwards.

use tidelog::blocking::{Log, Logs};
use tidelog::{AppendOptions, At, ErrorKind, NewRecord, ReadLimits};

fn append(log: &Log, value: &[u8]) -> u64 {
    log.append(&[NewRecord::new(value)], AppendOptions::default())
        .unwrap()
        .first
}

#[test]
fn a_second_writer_is_refused_until_the_first_lets_go() {
    let home = tempfile::tempdir().unwrap();
    let logs = Logs::create(home.path()).unwrap();
    let others = Logs::open(home.path()).unwrap();
    let log = logs.log("log").create(true).open().unwrap();
    append(&log, b"one");
    for logs in [&logs, &logs.clone(), &others] {
        let refused = logs.log("log").open().err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::Locked);
        assert!(refused.to_string().contains("\"log\""), "{refused}");
    }

    let clone = log.clone();
    drop(log);
    assert_eq!(append(&clone, b"two"), 1, "a clone holds the log");
    assert_eq!(
        others.log("log").open().err().unwrap().kind(),
        ErrorKind::Locked
    );
    drop(clone);
    let log = others.log("log").open().unwrap();
    assert_eq!(append(&log, b"three"), 2);

    log.close().unwrap();
    log.close().unwrap();
    let refused = log
        .append(&[NewRecord::new(b"x")], AppendOptions::default())
        .err()
        .unwrap();
    assert_eq!(refused.kind(), ErrorKind::Closed);
    let log = logs.log("log").open().unwrap();
    assert_eq!(
        append(&log, b"four"),
        3,
        "closing lets go, whoever holds the handle"
    );
}

#[test]
fn a_second_writer_is_refused_in_memory_too() {
    let logs = Logs::memory();
    let log = logs.log("log").create(true).open().unwrap();
    let refused = logs.log("log").open().err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Locked);
    drop(log);
    logs.log("log").open().unwrap();
}

#[test]
fn readers_stand_beside_a_writer_and_write_nothing() {
    let home = tempfile::tempdir().unwrap();
    let logs = Logs::create(home.path()).unwrap();
    let log = logs.log("log").create(true).open().unwrap();
    append(&log, b"one");

    let read_only = Logs::open_read_only(home.path()).unwrap();
    let reader = read_only.log("log").read_only(true).open().unwrap();
    append(&log, b"two");
    assert_eq!(
        reader.get(At::Offset(0)).unwrap().record().value,
        Some(&b"one"[..])
    );
    let refused = reader
        .append(&[NewRecord::new(b"x")], AppendOptions::default())
        .err()
        .unwrap();
    assert_eq!(refused.kind(), ErrorKind::ReadOnly);
    let refused = read_only.log("log").open().err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::ReadOnly);
    let refused = read_only.log("new").create(true).open().err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::ReadOnly);
    let refused = logs
        .log("new")
        .create(true)
        .read_only(true)
        .open()
        .err()
        .unwrap();
    assert_eq!(
        refused.kind(),
        ErrorKind::NotFound,
        "a reader creates nothing"
    );
    assert_eq!(logs.names().unwrap(), ["log"]);
}

#[test]
fn reopening_finds_what_was_there() {
    let home = tempfile::tempdir().unwrap();
    let value = |number: u64| format!("record {number}").into_bytes();
    for round in 0..5 {
        let logs = Logs::create(home.path()).unwrap();
        let log = logs
            .log("log")
            .create(true)
            .segment_bytes(4096)
            .open()
            .unwrap();
        assert_eq!(log.bounds().next, round * 100);
        for number in round * 100..(round + 1) * 100 {
            assert_eq!(append(&log, &value(number)), number);
        }
        if round % 2 == 0 {
            log.close().unwrap();
        }
    }
    let logs = Logs::open_read_only(home.path()).unwrap();
    let log = logs.log("log").read_only(true).open().unwrap();
    let batch = log.read(At::Oldest, ReadLimits::default()).unwrap();
    assert_eq!(batch.len(), 500);
    for record in batch.records() {
        assert_eq!(record.value.unwrap(), value(record.offset));
    }
    let newest = log.read_reverse(At::Next, ReadLimits::records(2)).unwrap();
    let offsets: Vec<u64> = newest.records().map(|record| record.offset).collect();
    assert_eq!(offsets, [499, 498]);
}

#[test]
fn directories_are_told_apart() {
    let home = tempfile::tempdir().unwrap();
    let missing = home.path().join("missing");
    assert_eq!(
        Logs::open(&missing).err().unwrap().kind(),
        ErrorKind::NotFound
    );
    assert!(!missing.exists());
    std::fs::write(home.path().join("letter.txt"), "dear").unwrap();
    for opened in [Logs::open(home.path()), Logs::create(home.path())] {
        let refused = opened.err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::Invalid);
        assert!(
            refused.to_string().contains(home.path().to_str().unwrap()),
            "{refused}"
        );
    }
}
