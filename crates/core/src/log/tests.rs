//! What the log does on a sound store. What it does when things break is judged by
//! the simulator.

use alloc::rc::Rc;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use std::format;

use super::*;
use crate::sharing::Shared;
use crate::{
    Access, AppendOptions, At, BelowOldest, Compression, Durability, ErrorKind, Header, Host,
    Local, LogId, MemoryStore, NewRecord, Options, Producer, ProducerId, ReadLimits,
};

mod backup;
mod indexes;
mod portable;

struct TestHost;

impl Host for TestHost {
    fn now(&self) -> i64 {
        1_000_000
    }

    fn random(&self) -> u64 {
        0x5eed
    }
}

fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the memory store never waits"),
    }
}

mod removal;

type MemoryLog = Log<Rc<MemoryStore>>;

fn open(store: &Rc<MemoryStore>, options: Options) -> MemoryLog {
    run(Log::open(
        Rc::clone(store),
        LogId(1),
        options,
        Arc::new(TestHost),
    ))
    .unwrap()
}

fn small() -> Options {
    Options {
        segment_bytes: Some(4096),
        ..Options::default()
    }
}

/// Batch `sequence` of a producer.
fn producer(sequence: u64) -> AppendOptions {
    AppendOptions {
        durability: None,
        producer: Some(Producer {
            id: ProducerId([5; 16]),
            epoch: 3,
            sequence,
        }),
    }
}

fn append(log: &MemoryLog, from: u64, to: u64, batch: usize, level: Durability) {
    let values: Vec<_> = (from..to)
        .map(|i| format!("value {i} {}", "x".repeat(100)))
        .collect();
    for values in values.chunks(batch) {
        let records: Vec<_> = values
            .iter()
            .map(|value| NewRecord::new(value.as_bytes()).key(b"key"))
            .collect();
        run(log.append(&records, level.into())).unwrap();
    }
}

fn expect(log: &MemoryLog, from: u64, to: u64) {
    let mut at = from;
    while at < to {
        let batch = run(log.read(At::Offset(at), ReadLimits::records(7))).unwrap();
        assert!(!batch.is_empty(), "nothing at {at}");
        for record in &batch {
            assert_eq!(record.offset, at);
            let value = format!("value {at} {}", "x".repeat(100));
            assert_eq!(record.value, Some(value.as_bytes()));
            assert_eq!((record.key, record.time), (Some(&b"key"[..]), 1_000_000));
            at += 1;
        }
        assert_eq!(batch.next(), at);
    }
    for at in [from, from.midpoint(to), to - 1] {
        assert_eq!(run(log.get(At::Offset(at))).unwrap().record().offset, at);
    }
    let mut below = to;
    while below > from {
        let batch = run(log.read_reverse(At::Offset(below), ReadLimits::records(5))).unwrap();
        for record in &batch {
            below -= 1;
            assert_eq!(record.offset, below);
        }
        assert_eq!(batch.next(), below);
    }
}

#[test]
fn an_empty_log() {
    let store = Rc::new(MemoryStore::new());
    let log = open(&store, Options::default());
    assert_eq!(
        log.bounds(),
        Bounds {
            oldest: 0,
            last: None,
            next: 0,
            durable: 0
        }
    );
    for at in [At::Oldest, At::Last, At::Next, At::Offset(0)] {
        let batch = run(log.read(at, ReadLimits::default())).unwrap();
        assert!(batch.is_empty() && batch.next() == 0);
        assert_eq!(run(log.get(at)).unwrap_err().kind(), ErrorKind::OutOfRange);
    }
    let beyond = run(log.read(At::Offset(1), ReadLimits::default()));
    assert_eq!(beyond.unwrap_err().kind(), ErrorKind::OutOfRange);
    run(log.close()).unwrap();
    run(log.close()).unwrap();
    assert_eq!(
        store.held(),
        0,
        "nothing was appended, so nothing is written"
    );
}

#[test]
fn every_level_across_segments_and_openings() {
    for level in [Durability::Buffered, Durability::Stored, Durability::Synced] {
        for batch in [1, 3, 64] {
            for compression in [Compression::None, Compression::Lz4, Compression::Deflate] {
                let store = Rc::new(MemoryStore::new());
                let options = Options {
                    compression: Some(compression),
                    ..small()
                };
                let log = open(&store, options);
                append(&log, 0, 300, batch, level);
                expect(&log, 0, 300);
                run(log.close()).unwrap();
                drop(log);
                let log = open(&store, Options::default());
                assert_eq!(log.recovery().unsynced, 300..300);
                assert_eq!(log.settings().segment_bytes, 4096);
                expect(&log, 0, 300);
                append(&log, 300, 400, batch, level);
                expect(&log, 0, 400);
                run(log.sync()).unwrap();
                assert_eq!(log.bounds().durable, 400);
                drop(log);
                let log = open(&store, Options::read_only());
                expect(&log, 0, 400);
                let report = run(log.check()).unwrap();
                assert_eq!((report.findings, report.records), (Vec::new(), 400));
            }
        }
    }
}

/// So little that Miri gets through it.
#[test]
fn a_writer_that_was_killed_is_followed_by_another() {
    let store = Rc::new(MemoryStore::new());
    append(&open(&store, small()), 0, 2, 2, Durability::Stored);
    let log = open(&store, small());
    expect(&log, 0, 2);
    append(&log, 2, 4, 2, Durability::Synced);
    expect(&log, 0, 4);
    run(log.close()).unwrap();
}

#[test]
fn what_was_not_synced_is_copied_by_the_next_epoch() {
    let store = Rc::new(MemoryStore::new());
    let mut next = 0;
    for round in 1..20u64 {
        let log = open(&store, small());
        assert_eq!(log.bounds().next, next);
        if round > 1 {
            expect(&log, 0, next);
        }
        append(&log, next, next + round * 5, 2, Durability::Stored);
        next += round * 5;
        expect(&log, 0, next);
        if round % 3 == 0 {
            assert_eq!(run(log.sync()).unwrap(), next);
        }
        assert_eq!(log.epoch(), round);
        drop(log);
    }
    let large = Options {
        segment_bytes: Some(64 << 10),
        ..Options::default()
    };
    let log = open(&store, large);
    expect(&log, 0, next);
    assert!(run(log.check()).unwrap().is_healthy());
    let before = log.stat().segments;
    let done = run(log.maintain(u64::MAX)).unwrap();
    append(&log, next, next + 1, 1, Durability::Synced);
    assert!(done.merged > 0 && !done.more, "{done:?}");
    assert!(log.stat().segments < before);
    expect(&log, 0, next + 1);
    assert!(run(log.check()).unwrap().is_healthy());
    run(log.close()).unwrap();
    drop(log);
    let log = open(&store, small());
    expect(&log, 0, next + 1);
}

#[test]
fn one_writer_and_readers_beside_it() {
    let store = Rc::new(MemoryStore::new());
    let log = open(&store, Options::default());
    let second = run(MemoryLog::open(
        Rc::clone(&store),
        LogId(1),
        Options::default(),
        Arc::new(TestHost),
    ));
    assert_eq!(second.unwrap_err().kind(), ErrorKind::Locked);
    let reading = Options {
        access: Access::Read,
        ..Options::default()
    };
    let nothing = run(MemoryLog::open(
        Rc::clone(&store),
        LogId(1),
        reading,
        Arc::new(TestHost),
    ));
    assert_eq!(nothing.unwrap_err().kind(), ErrorKind::NotFound);
    append(&log, 0, 3, 1, Durability::Buffered);
    let reader = log.reader();
    assert_eq!((log.bounds().next, reader.bounds().next), (3, 0));
    run(log.flush()).unwrap();
    assert_eq!(reader.bounds().next, 3);
    let other = open(&store, reading);
    expect(&other, 0, 3);
    append(&log, 3, 5, 1, Durability::Stored);
    run(other.refresh()).unwrap();
    expect(&other, 0, 5);
    let refused = run(other.append(&[NewRecord::new(b"")], AppendOptions::default()));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::ReadOnly);
    run(log.close()).unwrap();
    let closed = run(log.append(&[NewRecord::new(b"")], AppendOptions::default()));
    assert_eq!(closed.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(
        run(reader.read(At::Oldest, ReadLimits::default()))
            .unwrap_err()
            .kind(),
        ErrorKind::Closed
    );
    open(&store, Options::default());
}

#[test]
fn producers_are_answered_across_openings() {
    let store = Rc::new(MemoryStore::new());
    let producer = |epoch, sequence| AppendOptions {
        durability: None,
        producer: Some(Producer {
            id: ProducerId([7; 16]),
            epoch,
            sequence,
        }),
    };
    let mut log = open(&store, small());
    for sequence in 0..40u64 {
        if sequence % 7 == 3 {
            if sequence % 2 == 0 {
                run(log.close()).unwrap();
            }
            drop(log);
            log = open(&store, small());
        }
        let big = [b'x'; 1000];
        let given = run(log.append(&[NewRecord::new(&big); 2], producer(4, sequence))).unwrap();
        assert_eq!(
            (given.first, given.next, given.duplicate),
            (sequence * 2, sequence * 2 + 2, false)
        );
        for back in 0..=sequence.min(10) {
            let again = run(log.append(&[NewRecord::new(&big); 2], producer(4, sequence - back)));
            let again = again.unwrap();
            assert!(again.duplicate);
            assert_eq!(again.offsets_known, back < 8, "{back} back of {sequence}");
            if again.offsets_known {
                assert_eq!(again.first, (sequence - back) * 2);
            }
        }
        let gap = run(log.append(&[NewRecord::new(b"")], producer(4, sequence + 2)));
        assert_eq!(gap.unwrap_err().kind(), ErrorKind::Conflict);
        let old = run(log.append(&[NewRecord::new(b"")], producer(3, 0)));
        assert_eq!(old.unwrap_err().kind(), ErrorKind::Fenced);
    }
    assert_eq!(log.bounds().next, 80);
}

#[test]
fn a_full_store_refuses_and_recovers() {
    let store = Rc::new(MemoryStore::with_capacity(20_000));
    let log = open(&store, small());
    let value = [b'x'; 500];
    let mut accepted = 0;
    let error = loop {
        match run(log.append(&[NewRecord::new(&value)], AppendOptions::default())) {
            Ok(given) => {
                assert_eq!(given.first, accepted);
                accepted += 1;
            }
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Full);
    assert!(accepted > 20);
    assert_eq!(log.bounds().next, accepted);
    let batch = run(log.read(At::Oldest, ReadLimits::records(1000))).unwrap();
    assert_eq!(batch.len() as u64, accepted);
    let small = run(log.append(&[NewRecord::new(b"y")], AppendOptions::default()));
    assert!(small.is_ok() || small.unwrap_err().kind() == ErrorKind::Full);
}

#[test]
fn limits_are_named_and_nothing_is_written() {
    let store = Rc::new(MemoryStore::new());
    let log = open(&store, Options::default());
    let huge = std::vec![0; crate::limits::RECORD_MAX + 1];
    let error = run(log.append(&[NewRecord::new(&huge)], AppendOptions::default())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(format!("{error}").contains("16777216"), "{error}");
    let large = [NewRecord::new(&huge[1..]); 2];
    let error = run(log.append(&large, AppendOptions::default())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!((log.bounds().next, store.held()), (0, 0));
    run(log.append(&large[..1], AppendOptions::default())).unwrap();
    assert_eq!(
        run(log.append(&[], AppendOptions::default())).unwrap().next,
        1
    );
    for bad in [100, 1 << 40] {
        let options = Options {
            segment_bytes: Some(bad),
            ..Options::default()
        };
        let store = Rc::new(MemoryStore::<Local>::new());
        let error = run(MemoryLog::open(
            store,
            LogId(1),
            options,
            Arc::new(TestHost),
        ))
        .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}

#[test]
fn reading_keeps_to_its_limits() {
    let store = Rc::new(MemoryStore::new());
    let log = open(&store, small());
    append(&log, 0, 200, 10, Durability::Stored);
    let none = run(log.read(At::Offset(50), ReadLimits::records(0))).unwrap();
    assert!(none.is_empty() && none.next() == 50);
    let limits = ReadLimits {
        bytes: 1,
        ..ReadLimits::default()
    };
    for offset in [0, 9, 10, 199] {
        let one = run(log.read(At::Offset(offset), limits)).unwrap();
        assert_eq!((one.len(), one.next()), (1, offset + 1));
        let one = run(log.read_reverse(At::Offset(offset + 1), limits)).unwrap();
        assert_eq!((one.len(), one.next()), (1, offset));
    }
    let limits = ReadLimits {
        bytes: 5000,
        ..ReadLimits::records(1000)
    };
    let some = run(log.read(At::Oldest, limits)).unwrap();
    assert!((30..=45).contains(&some.len()), "{}", some.len());
    let end = run(log.read(At::Next, limits)).unwrap();
    assert!(end.is_empty() && end.next() == 200);
    assert_eq!(run(log.get(At::Last)).unwrap().record().offset, 199);
    assert_eq!(run(log.get(At::Oldest)).unwrap().record().offset, 0);
    let refuse = ReadLimits {
        below_oldest: BelowOldest::Refuse,
        ..ReadLimits::default()
    };
    assert!(run(log.read(At::Oldest, refuse)).is_ok());
}

#[test]
fn headers_and_absent_values_come_back() {
    let store = Rc::new(MemoryStore::new());
    let log = open(&store, Options::default());
    let headers = [
        Header {
            name: b"a",
            value: b"1",
        },
        Header {
            name: b"",
            value: b"",
        },
    ];
    let records = [
        NewRecord {
            time: Some(-5),
            key: Some(b""),
            value: None,
            headers: &headers,
        },
        NewRecord {
            time: Some(i64::MAX),
            key: None,
            value: Some(b""),
            headers: &[],
        },
        NewRecord {
            time: Some(3),
            key: None,
            value: None,
            headers: &[],
        },
    ];
    run(log.append(&records, AppendOptions::default())).unwrap();
    let batch = run(log.read(At::Oldest, ReadLimits::default())).unwrap();
    for (read, sent) in batch.records().zip(&records) {
        assert_eq!(
            (Some(read.time), read.key, read.value),
            (sent.time, sent.key, sent.value)
        );
        assert!(read.headers.eq(sent.headers.iter().copied()));
    }
}

#[test]
fn a_removed_log_is_gone_and_its_number_with_it() {
    let store = Rc::new(MemoryStore::<Local>::new());
    let open = |access| {
        let host = Arc::new(TestHost);
        run(crate::Catalog::<_, Local>::open(
            Rc::clone(&store),
            access,
            host,
        ))
        .unwrap()
    };
    let catalog = open(Access::Write);
    let id = run(catalog.create("old", &Options::default())).unwrap();
    let (options, host) = (Options::default(), Arc::new(TestHost));
    let log = run(MemoryLog::open(Rc::clone(&store), id, options, host)).unwrap();
    run(log.append(&[NewRecord::new(b"1")], AppendOptions::default())).unwrap();
    let held = run(catalog.remove("old")).unwrap_err();
    assert_eq!(held.kind(), ErrorKind::Locked);
    run(log.close()).unwrap();
    assert_eq!(open(Access::Read).get("old"), Some(id));

    run(catalog.remove("old")).unwrap();
    assert!(
        run(crate::BlockStore::list(&*store, id))
            .unwrap()
            .is_empty()
    );
    assert!(catalog.names().is_empty());
    for name in ["old", "never"] {
        let missing = run(catalog.remove(name)).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound, "{name}");
    }
    let refused = run(open(Access::Read).remove("old")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ReadOnly);

    run(catalog.close()).unwrap();
    let catalog = open(Access::Write);
    let anew = run(catalog.create("old", &Options::default())).unwrap();
    assert!(anew > id);
    assert_eq!(open(Access::Read).get("old"), Some(anew));
}

#[test]
fn the_catalog_names_logs() {
    let store = Rc::new(MemoryStore::<Local>::new());
    let open = |access| {
        run(crate::Catalog::<_, Local>::open(
            Rc::clone(&store),
            access,
            Arc::new(TestHost),
        ))
    };
    assert!(open(Access::Read).unwrap().names().is_empty());
    for round in 0..30u64 {
        let catalog = open(Access::Write).unwrap();
        let name = format!("log {round}");
        let id = run(catalog.create(&name, &Options::default())).unwrap();
        assert_eq!(
            run(catalog.create(&name, &Options::default()))
                .unwrap_err()
                .kind(),
            ErrorKind::Exists
        );
        assert_eq!(open(Access::Write).unwrap_err().kind(), ErrorKind::Locked);
        run(catalog.close()).unwrap();
        assert_eq!(open(Access::Read).unwrap().get(&name), Some(id));
        assert_eq!(open(Access::Read).unwrap().names().len() as u64, round + 1);
        let options = Options {
            existing: true,
            ..Options::default()
        };
        let log = run(MemoryLog::open(
            Rc::clone(&store),
            id,
            options,
            Arc::new(TestHost),
        ));
        append(&log.unwrap(), 0, 2, 1, Durability::Synced);
        let lost = run(MemoryLog::open(
            Rc::clone(&store),
            LogId(9999),
            options,
            Arc::new(TestHost),
        ));
        assert_eq!(lost.unwrap_err().kind(), ErrorKind::Lost);
    }
    let catalog = open(Access::Write).unwrap();
    for bad in ["", "a\0b", "new\nline", &"x".repeat(256)] {
        assert_eq!(
            run(catalog.create(bad, &Options::default()))
                .unwrap_err()
                .kind(),
            ErrorKind::Invalid,
            "{bad:?}"
        );
    }
    let wild = Options {
        segment_bytes: Some(1),
        ..Options::default()
    };
    let refused = run(catalog.create("wild", &wild)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    for fine in ["..", "a/b", "LOG 1", "\u{e9}", "e\u{301}"] {
        run(catalog.create(fine, &Options::default())).unwrap();
    }
}

#[test]
fn a_store_of_any_size_fills_up_without_harm() {
    for capacity in (500..20_000u64).step_by(97) {
        let store = Rc::new(MemoryStore::with_capacity(capacity));
        let log = open(&store, small());
        let mut given = Vec::new();
        for round in 0..60usize {
            let level = [Durability::Buffered, Durability::Stored, Durability::Synced][round % 3];
            let value = std::vec![b'x'; 37 * (round % 11)];
            match run(log.append(&[NewRecord::new(&value)], level.into())) {
                Ok(appended) => given.push((appended.first, value)),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Full, "{error}"),
            }
        }
        for (offset, value) in given {
            let entry = run(log.get(At::Offset(offset))).unwrap();
            assert_eq!(entry.record().value, Some(&value[..]));
        }
    }
}

#[test]
fn who_stops_following_leaves_nothing_behind() {
    let store = Rc::new(MemoryStore::new());
    let log = open(&store, small());
    let mut context = Context::from_waker(Waker::noop());
    let waiting = || log.inner().published.read(|out| out.followers.len());
    let mut stays = pin!(log.follow(At::Next, ReadLimits::default()));
    assert!(stays.as_mut().poll(&mut context).is_pending());
    for _ in 0..100 {
        let mut gives_up = pin!(log.follow(At::Next, ReadLimits::default()));
        assert!(gives_up.as_mut().poll(&mut context).is_pending());
        assert!(gives_up.as_mut().poll(&mut context).is_pending());
    }
    assert_eq!(waiting(), 1);
    append(&log, 0, 1, 1, Durability::Stored);
    assert_eq!(waiting(), 0);
    assert!(stays.as_mut().poll(&mut context).is_ready());
}

#[test]
fn who_follows_buffered_records_sleeps_until_there_are_more() {
    let store = Rc::new(MemoryStore::new());
    let mut options = small();
    options.durability = Some(Durability::Buffered);
    let log = open(&store, options);
    append(&log, 0, 1, 1, Durability::Buffered);
    let mut context = Context::from_waker(Waker::noop());
    let mut next = pin!(log.follow(At::Next, ReadLimits::default()));
    assert!(next.as_mut().poll(&mut context).is_pending());
    append(&log, 1, 2, 1, Durability::Buffered);
    assert_eq!(log.inner().published.read(|out| out.followers.len()), 0);
    let Poll::Ready(Ok(batch)) = next.as_mut().poll(&mut context) else {
        panic!("a buffered record was not followed");
    };
    assert_eq!((batch.records().count(), batch.next()), (1, 2));
}

#[test]
fn a_creation_that_was_interrupted_is_completed_as_it_is_asked_for_now() {
    let indexes = |keys| Options {
        indexes: Some(crate::Indexes { keys, times: true }),
        ..Options::default()
    };
    let store = Rc::new(MemoryStore::<Local>::new());
    // The log was established, but the catalog never learned of it.
    run(open(&store, indexes(false)).establish()).unwrap();
    let catalog = run(crate::Catalog::<_, Local>::open(
        Rc::clone(&store),
        Access::Write,
        Arc::new(TestHost),
    ));
    let catalog = catalog.unwrap();
    assert_eq!(
        run(catalog.create("log", &indexes(true))).unwrap(),
        LogId(1)
    );
    assert_eq!(open(&store, Options::default()).settings().indexes, {
        indexes(true).indexes.unwrap()
    });
}
