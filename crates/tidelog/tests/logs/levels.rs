//! What each durability level gives to whom.

use tidelog::blocking::{Log, Logs};
use tidelog::{Appended, At, Compression, Durability, ErrorKind, NewRecord, ReadLimits};

fn append(log: &Log, value: &str, level: Durability) -> Appended {
    log.append(&[NewRecord::new(value.as_bytes())], level.into())
        .unwrap()
}

fn values(log: &Log) -> Vec<String> {
    let batch = log.read(At::Oldest, ReadLimits::default()).unwrap();
    batch
        .records()
        .map(|record| String::from_utf8(record.value.unwrap().to_vec()).unwrap())
        .collect()
}

#[test]
fn buffered_records_are_seen_by_the_handle_and_stored_ones_by_all() {
    let home = tempfile::tempdir().unwrap();
    let logs = Logs::create(home.path()).unwrap();
    let log = logs.log("log").create(true).open().unwrap();
    let from_outside = || {
        let others = Logs::open_read_only(home.path()).unwrap();
        values(&others.log("log").read_only(true).open().unwrap())
    };

    append(&log, "stored", Durability::Stored);
    append(&log, "buffered", Durability::Buffered);
    assert_eq!(values(&log), ["stored", "buffered"]);
    assert_eq!(
        log.reader().bounds().next,
        1,
        "not acknowledged at the log's level"
    );
    assert_eq!(from_outside(), ["stored"]);

    assert_eq!(log.flush().unwrap(), 2);
    assert_eq!(log.reader().bounds().next, 2);
    assert_eq!(from_outside(), ["stored", "buffered"]);
    assert_eq!(log.bounds().durable, 0);

    append(&log, "synced", Durability::Synced);
    assert_eq!(log.bounds().durable, 3, "a sync covers what came before");
}

#[test]
fn a_log_keeps_its_settings() {
    let home = tempfile::tempdir().unwrap();
    let logs = Logs::create(home.path()).unwrap();
    let log = logs
        .log("log")
        .create(true)
        .durability(Durability::Synced)
        .compression(Compression::Lz4)
        .segment_bytes(4096)
        .open()
        .unwrap();
    let value = vec![b'x'; 1 << 20];
    log.append(&[NewRecord::new(&value)], tidelog::AppendOptions::default())
        .unwrap();
    assert_eq!(log.bounds().durable, 1, "the log's own level");
    log.close().unwrap();

    let log = logs.log("log").open().unwrap();
    log.append(&[NewRecord::new(&value)], tidelog::AppendOptions::default())
        .unwrap();
    assert_eq!(log.bounds().durable, 2);
    let bytes = log.stat().bytes;
    assert!(bytes < 64 << 10, "{bytes} bytes for two compressible MiB");
    assert_eq!(log.get(At::Last).unwrap().record().value, Some(&value[..]));

    let refused = logs.log("other").create(true).segment_bytes(1).open();
    assert_eq!(refused.err().unwrap().kind(), ErrorKind::Invalid);
}
