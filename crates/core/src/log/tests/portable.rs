//! Exports: what an import makes of one, and what it makes of one that is damaged.

use alloc::vec;

use super::backup::damaged;
use super::*;
use crate::{
    ExportSink, Header, Import, ImportError, ImportSource, Imported, Indexes, MemoryError,
};

/// A sink in memory.
pub(super) struct Sink<'a>(pub(super) &'a mut Vec<u8>);

impl ExportSink for Sink<'_> {
    type Error = MemoryError;

    async fn write(&mut self, bytes: &[u8]) -> Result<(), MemoryError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// Bytes that come a few at a time.
pub(super) struct Source<'a>(pub(super) &'a [u8]);

impl ImportSource for Source<'_> {
    type Error = MemoryError;

    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, MemoryError> {
        let some = buf.len().min(self.0.len()).min(1000);
        let (now, later) = self.0.split_at(some);
        buf[..some].copy_from_slice(now);
        self.0 = later;
        Ok(some)
    }
}

type Outcome = Result<Imported, ImportError<MemoryError, MemoryError>>;

fn import(bytes: &[u8], store: &Rc<MemoryStore>, id: u64) -> Outcome {
    let mut source = Source(bytes);
    let import = run(Import::begin(&mut source))?;
    run(import.fill::<_, Local>(store, LogId(id), Arc::new(TestHost)))
}

fn export(log: &MemoryLog) -> Vec<u8> {
    let mut bytes = Vec::new();
    let done = run(log.export(&mut Sink(&mut bytes))).unwrap();
    assert_eq!(done.bytes, bytes.len() as u64);
    bytes
}

/// A log with everything that a log can have, and its export.
fn story() -> (MemoryLog, Vec<u8>) {
    let store = Rc::new(MemoryStore::new());
    let options = Options {
        compression: Some(Compression::Lz4),
        indexes: Some(Indexes {
            keys: true,
            times: true,
        }),
        producer_expiry: Some(Some(1 << 40)),
        ..small()
    };
    let log = open(&store, options);
    append(&log, 0, 60, 7, Durability::Stored);
    let headers = [Header {
        name: b"h",
        value: b"v",
    }];
    let records = [
        NewRecord::new(b"").key(b"").headers(&headers),
        NewRecord::default().time(5),
    ];
    run(log.append(&records, producer(0))).unwrap();
    append(&log, 62, 80, 1, Durability::Buffered);
    run(log.delete(&[3, 4, 40, 61, 79])).unwrap();
    run(log.trim(TrimTo::Before(At::Offset(2)))).unwrap();
    let bytes = export(&log);
    (log, bytes)
}

/// Offset, time, key and value of a record.
type Found = (u64, i64, Option<Vec<u8>>, Option<Vec<u8>>);

fn records(log: &Log<impl crate::BlockStore>) -> Vec<Found> {
    let mut all = Vec::new();
    let mut at = At::Oldest;
    loop {
        let batch = run(log.read(at, ReadLimits::records(9))).unwrap();
        for record in &batch {
            let own = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
            all.push((
                record.offset,
                record.time,
                own(record.key),
                own(record.value),
            ));
        }
        if batch.is_empty() {
            return all;
        }
        at = At::Offset(batch.next());
    }
}

#[test]
fn an_import_answers_what_the_log_does_under_any_number() {
    let (log, bytes) = story();
    let store = Rc::new(MemoryStore::new());
    let done = import(&bytes, &store, 9).unwrap();
    assert_eq!((done.next, done.records), (80, 73));
    let opened = Log::<_, Local>::open(
        Rc::clone(&store),
        LogId(9),
        Options::default(),
        Arc::new(TestHost),
    );
    let copy = run(opened).unwrap();
    assert_eq!(copy.settings(), log.settings());
    assert_eq!(records(&copy), records(&log));
    assert_eq!(copy.bounds(), log.bounds());
    for offset in 0..81 {
        let kinds = [&log, &copy].map(|log| match run(log.get(At::Offset(offset))) {
            Ok(entry) => format!("{:?}", entry.record()),
            Err(error) => format!("{error}"),
        });
        assert_eq!(kinds[0], kinds[1]);
    }
    let key = run(copy.offset_by_key(b"")).unwrap();
    assert_eq!(key, 60);
    let time = run(copy.offset_by_time(6)).unwrap();
    assert_eq!(time, run(log.offset_by_time(6)).unwrap());
    let again = run(copy.append(&[NewRecord::new(b"")], producer(0))).unwrap();
    assert!(again.duplicate && (again.first, again.next) == (60, 62));
    let anew = run(copy.append(&[NewRecord::new(b"")], producer(1))).unwrap();
    assert_eq!(anew.first, 80);
    run(copy.close()).unwrap();
    assert!(run(copy.check()).is_err(), "it is closed");
    assert_eq!(export(&log), bytes, "an export of the same log is the same");
    // What exists stays as it is.
    let held = store.held();
    let refused = import(&bytes, &store, 9).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Exists);
    assert_eq!(store.held(), held);
}

#[test]
fn an_empty_log_and_one_that_was_cleared() {
    let log = open(&Rc::new(MemoryStore::new()), small());
    for next in [0, 30] {
        append(&log, log.bounds().next, next, 1, Durability::Stored);
        run(log.clear()).unwrap();
        let store = Rc::new(MemoryStore::new());
        let done = import(&export(&log), &store, 1).unwrap();
        assert_eq!((done.next, done.records, done.segments), (next, 0, 0));
        let copy = open(&store, small());
        assert_eq!(copy.bounds(), log.bounds());
        append(&copy, next, next + 5, 1, Durability::Stored);
        expect(&copy, next, next + 5);
    }
}

/// Whether nothing at all came of it, and the error says so.
#[track_caller]
fn refused(bytes: &[u8], what: &str) {
    let store = Rc::new(MemoryStore::new());
    let error = import(bytes, &store, 1).expect_err(what);
    let kind = error.kind();
    assert!(
        matches!(kind, ErrorKind::Corrupt | ErrorKind::Unsupported),
        "{what}: {error}"
    );
    assert_eq!(store.held(), 0, "{what}: {error}");
    let reader = Options::read_only();
    let opened = Log::<_, Local>::open(store, LogId(1), reader, Arc::new(TestHost));
    assert_eq!(run(opened).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn every_byte_and_every_length_counts() {
    let (_, bytes) = story();
    let step = if cfg!(miri) { 997 } else { 1 };
    for at in (0..bytes.len()).step_by(step) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        refused(&bytes, &format!("byte {at} of {}", bytes.len()));
    }
    for length in (0..bytes.len()).step_by(step) {
        refused(&bytes[..length], &format!("{length} of {}", bytes.len()));
    }
    for behind in [0, 1] {
        let mut bytes = bytes.clone();
        bytes.push(behind);
        refused(&bytes, "a byte more");
    }
    let twice = [&bytes[..], &bytes[..]].concat();
    refused(&twice, "twice");
}

#[test]
fn nothing_is_left_of_many_segments() {
    let log = open(&Rc::new(MemoryStore::new()), small());
    append(&log, 0, 300, 3, Durability::Stored);
    let bytes = export(&log);
    for length in (0..bytes.len()).step_by(511) {
        refused(&bytes[..length], &format!("{length} of {}", bytes.len()));
    }
    let store = Rc::new(MemoryStore::new());
    assert!(import(&bytes, &store, 1).unwrap().segments > 5);
    expect(&open(&store, small()), 0, 300);
    // An empty log that was there stays.
    let store = Rc::new(MemoryStore::new());
    run(open(&store, small()).establish()).unwrap();
    import(&bytes[..bytes.len() - 1], &store, 1).unwrap_err();
    assert_eq!(open(&store, Options::read_only()).bounds().next, 0);
    import(&bytes, &store, 1).unwrap();
    expect(&open(&store, small()), 0, 300);
}

#[test]
fn parts_of_other_exports_do_not_fit() {
    let (log, bytes) = story();
    append(&log, 80, 90, 1, Durability::Stored);
    let other = export(&log);
    let splice = |at: usize| {
        let mut bytes = bytes[..at].to_vec();
        bytes.extend_from_slice(&other[at..]);
        bytes
    };
    for at in (64..bytes.len()).step_by(8) {
        let spliced = splice(at);
        if spliced != other {
            refused(&spliced, &format!("spliced at {at}"));
        }
    }
}

#[test]
fn a_damaged_log_is_not_exported() {
    let store = Rc::new(MemoryStore::new());
    let log = open(&store, small());
    append(&log, 0, 60, 1, Durability::Stored);
    let reader = open(&store, Options::read_only());
    let refused = run(reader.export(&mut Sink(&mut vec![]))).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ReadOnly);
    run(log.close()).unwrap();
    let refused = run(log.export(&mut Sink(&mut vec![]))).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Closed);
    let damaged = open(&damaged(&store), small());
    let refused = run(damaged.export(&mut Sink(&mut vec![]))).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt);
    assert!(format!("{refused}").contains("recover"), "{refused}");
}
