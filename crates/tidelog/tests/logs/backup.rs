//! Backing up through the facade, between stores and while threads append.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tidelog::blocking::Logs;
use tidelog::{AppendOptions, At, Durability, ErrorKind, NewRecord, ReadLimits};

#[test]
fn threads_append_while_backups_are_made() {
    let home = tempfile::tempdir().unwrap();
    let logs = Logs::create(home.path().join("data")).unwrap();
    let copies = Logs::create(home.path().join("copies")).unwrap();
    let log = logs
        .log("events")
        .create(true)
        .segment_bytes(256 << 10)
        .open()
        .unwrap();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for level in [Durability::Stored, Durability::Stored, Durability::Synced] {
            let (log, over) = (&log, &over);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let record = NewRecord::new(b"something that happened");
                    log.append(&[record], level.into()).unwrap();
                    thread::sleep(Duration::from_micros(50));
                }
            });
        }
        let mut before = 0;
        for _ in 0..8 {
            let asked = log.bounds().next;
            let done = copies.back_up("events", &log).unwrap();
            assert!(done.next >= asked, "{done:?}, but {asked} was there");
            assert!(done.kept >= before, "{done:?} keeps fewer than {before}");
            before = done.segments;
            let copy = copies.log("events").read_only(true).open().unwrap();
            assert_eq!((copy.bounds().oldest, copy.bounds().next), (0, done.next));
        }
        over.store(true, Ordering::Relaxed);
    });
    let done = copies.back_up("events", &log).unwrap();
    let copy = copies.log("events").read_only(true).open().unwrap();
    assert!(copy.check().unwrap().is_healthy());
    assert_eq!(copy.stat().records, done.next);
    assert_eq!(copies.names().unwrap(), ["events"]);
}

#[test]
fn memory_and_files_hold_backups_of_each_other() {
    let home = tempfile::tempdir().unwrap();
    let (memory, again) = (Logs::memory(), Logs::memory());
    let files = Logs::create(home.path().join("data")).unwrap();
    let log = memory.log("a").create(true).open().unwrap();
    for number in 0..50_u8 {
        log.append(&[NewRecord::new(&[number])], AppendOptions::default())
            .unwrap();
    }
    files.back_up("a", &log).unwrap();
    let copy = files.log("a").open().unwrap();
    again.back_up("b", &copy).unwrap();
    let copy = again.log("b").open().unwrap();
    let batch = copy.read(At::Oldest, ReadLimits::default()).unwrap();
    assert_eq!(batch.records().count(), 50);
    // A writer has it open, and there it is.
    let refused = again.back_up("b", &log).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Locked, "{refused}");
    let refused = memory.back_up("c", &log).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Exists, "{refused}");
}

#[test]
fn an_export_becomes_a_log_under_another_name_and_number() {
    let home = tempfile::tempdir().unwrap();
    let (memory, files) = (
        Logs::memory(),
        Logs::create(home.path().join("data")).unwrap(),
    );
    let log = memory.log("a").create(true).open().unwrap();
    for number in 0..50_u8 {
        log.append(&[NewRecord::new(&[number])], AppendOptions::default())
            .unwrap();
    }
    let mut bytes = Vec::new();
    let exported = log.export(&mut bytes).unwrap();
    assert_eq!((exported.next, exported.bytes), (50, bytes.len() as u64));
    files
        .log("other")
        .create(true)
        .open()
        .unwrap()
        .close()
        .unwrap();
    let cut = files.import("copy", &bytes[..bytes.len() - 1]).unwrap_err();
    assert_eq!(cut.kind(), ErrorKind::Corrupt, "{cut}");
    assert_eq!(files.names().unwrap(), ["other"]);
    files.import("copy", &*bytes).unwrap();
    let exists = files.import("copy", &*bytes).unwrap_err();
    assert_eq!(exists.kind(), ErrorKind::Exists, "{exists}");
    let copy = files.log("copy").open().unwrap();
    let batch = copy.read(At::Oldest, ReadLimits::default()).unwrap();
    assert!(
        batch
            .records()
            .map(|record| record.value.unwrap()[0])
            .eq(0..50)
    );
    assert_eq!(files.names().unwrap(), ["copy", "other"]);
}
