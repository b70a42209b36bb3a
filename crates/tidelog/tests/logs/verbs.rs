//! The blocking twins of the verbs that look up and remove: each does what the
//! engine does, to the same log.

use std::time::Duration;

use tidelog::blocking::{Log, Logs};
use tidelog::{
    AppendOptions, At, Compaction, ErrorKind, Indexes, Keep, MemoryStore, NewRecord, Options,
    ReadLimits, Retention, TrimTo,
};

const BOTH: Indexes = Indexes {
    keys: true,
    times: true,
};

/// Ten records: keys `0`, `1`, `2`, `0`, ..., times in seconds.
fn ten(logs: &Logs<MemoryStore>) -> Log<MemoryStore> {
    let log = logs.log("log").create(true).indexes(BOTH).open().unwrap();
    for number in 0..10_i64 {
        let (key, value) = (format!("{}", number % 3), format!("{number}"));
        let record = NewRecord::new(value.as_bytes())
            .key(key.as_bytes())
            .time(number * 1_000_000);
        log.append(&[record], AppendOptions::default()).unwrap();
    }
    log
}

fn offsets(log: &Log<MemoryStore>) -> Vec<u64> {
    let batch = log.read(At::Oldest, ReadLimits::default()).unwrap();
    batch.records().map(|record| record.offset).collect()
}

#[test]
fn records_are_found_by_key_and_by_time() {
    let log = ten(&Logs::memory());
    let reader = log.reader();
    assert_eq!(log.get_by_key(b"0").unwrap().record().offset, 9);
    assert_eq!(reader.get_by_key(b"1").unwrap().record().offset, 7);
    assert_eq!(log.offset_by_key(b"2").unwrap(), 8);
    assert_eq!(reader.offset_by_key(b"2").unwrap(), 8);
    let all = ReadLimits::default();
    let ones = |batch: tidelog::Batch| batch.records().map(|r| r.offset).collect::<Vec<_>>();
    assert_eq!(
        ones(log.read_by_key(b"1", At::Oldest, all).unwrap()),
        [1, 4, 7]
    );
    assert_eq!(
        ones(reader.read_by_key(b"1", At::Offset(2), all).unwrap()),
        [4, 7]
    );
    assert_eq!(
        ones(log.follow_by_key(b"1", At::Offset(5), all).unwrap()),
        [7]
    );
    assert_eq!(
        ones(reader.follow_by_key(b"1", At::Offset(5), all).unwrap()),
        [7]
    );
    assert_eq!(log.get_by_time(2_500_000).unwrap().record().offset, 3);
    assert_eq!(reader.get_by_time(0).unwrap().record().offset, 0);
    assert_eq!(log.offset_by_time(9_000_000).unwrap(), (9, 9_000_000));
    assert_eq!(reader.offset_by_time(1).unwrap(), (1, 1_000_000));

    assert_eq!(
        log.get_by_key(b"3").unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let late = log.get_by_time(9_000_001).unwrap_err();
    assert_eq!(late.kind(), ErrorKind::NotFound);
}

#[test]
fn without_an_index_the_log_says_what_it_has() {
    let logs = Logs::memory();
    let log = logs.log("plain").create(true).open().unwrap();
    for refused in [
        log.get_by_key(b"0").unwrap_err(),
        log.get_by_time(0).unwrap_err(),
    ] {
        assert_eq!(refused.kind(), ErrorKind::NoIndex);
        assert!(refused.to_string().contains("reindex"), "{refused}");
    }
    drop(log);
    let refused = logs.log("plain").indexes(BOTH).open().err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert!(refused.to_string().contains("no index"), "{refused}");
}

#[test]
fn a_plan_says_what_the_deed_does_and_changes_nothing() {
    let log = ten(&Logs::memory());
    let whole = offsets(&log);
    let wanted = [9, 3, 99];
    let planned = log.plan_delete(&wanted).unwrap();
    assert_eq!((planned.records, &planned.missing[..]), (2, &[99][..]));
    assert_eq!(offsets(&log), whole);
    let deleted = log.delete(&wanted).unwrap();
    assert_eq!(
        (deleted.records, deleted.missing),
        (planned.records, planned.missing)
    );
    assert_eq!(offsets(&log), [0, 1, 2, 4, 5, 6, 7, 8]);
    assert_eq!(log.stat().deleted, 2);
    assert_eq!(
        log.get_by_key(b"0").unwrap().record().offset,
        6,
        "the one before comes back"
    );

    let compaction = Compaction::up_to(6_000_000, 0);
    let (found, planned) = log.plan_compact(compaction).unwrap();
    assert_eq!((found, planned.more), (vec![0, 1, 2], false));
    let compacted = log.compact(compaction).unwrap();
    assert_eq!(compacted.records, planned.records);
    assert_eq!(offsets(&log), [4, 5, 6, 7, 8]);

    let planned = log.plan_trim(TrimTo::Records(2)).unwrap();
    assert_eq!((planned.oldest, planned.records), (7, 3));
    let trimmed = log.trim(TrimTo::Records(2)).unwrap();
    assert_eq!((trimmed.oldest, trimmed.records), (7, 3));
    assert_eq!(offsets(&log), [7, 8]);
    let cleared = log.clear().unwrap();
    assert_eq!((cleared.oldest, cleared.records), (10, 2));
    let appended = log
        .append(&[NewRecord::new(b"x")], AppendOptions::default())
        .unwrap();
    assert_eq!(appended.first, 10, "offsets go on");
}

#[test]
fn settings_given_to_the_builder_become_the_logs_own() {
    let logs = Logs::memory();
    let retention = Retention {
        records: Some(2),
        ..Retention::default()
    };
    let log = logs
        .log("log")
        .create(true)
        .indexes(BOTH)
        .retention(retention)
        .segment_age(Some(Duration::from_secs(60)))
        .producer_expiry(Some(Duration::MAX))
        .open()
        .unwrap();
    for _ in 0..5 {
        log.append(&[NewRecord::new(b"x")], AppendOptions::default())
            .unwrap();
    }
    log.close().unwrap();
    let log = logs.log("log").open().unwrap();
    let settings = log.settings();
    assert_eq!((settings.indexes, settings.retention), (BOTH, retention));
    assert_eq!(settings.segment_age, Some(60_000_000));
    assert_eq!(settings.producer_expiry, Some(u64::MAX));
    assert_eq!(log.maintain(u64::MAX).unwrap().trimmed, 3);
    assert_eq!(offsets(&log), [3, 4]);

    let options = Options {
        retention: Some(Retention::default()),
        ..Options::default()
    };
    log.configure(&options).unwrap();
    assert_eq!(log.settings().retention, Retention::default());
    let options = Options {
        indexes: Some(Indexes::default()),
        ..Options::default()
    };
    let refused = log.configure(&options).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
}

#[test]
fn memory_is_given_back_on_demand() {
    let log = ten(&Logs::memory());
    log.sync().unwrap();
    log.get(At::Oldest).unwrap();
    let held = log.stat().cached_bytes;
    assert!(held > 0);
    assert_eq!(log.gc(Keep::Bytes(0)), held);
    assert_eq!(log.stat().cached_bytes, 0);
    assert_eq!(log.get(At::Oldest).unwrap().record().offset, 0);
}
