//! What reading by key and by time answers: always what looking at every record would.

use alloc::string::ToString;

use super::*;
use crate::{BlobKind, BlockStore, Indexes, LookupError};

/// A record as it should be there.
#[derive(Clone)]
struct Known {
    offset: u64,
    time: i64,
    key: Option<Vec<u8>>,
    deleted: bool,
}

/// What a log holds, beside it.
#[derive(Default)]
struct Beside {
    records: Vec<Known>,
    next: u64,
    random: u64,
    /// How far times are from rising evenly.
    jitter: u64,
}

impl Beside {
    fn random(&mut self, below: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005) + 1_442_695_041;
        (self.random >> 33) % below
    }

    /// Appends a batch to both.
    fn append(&mut self, log: &MemoryLog, level: Durability) {
        let count = self.random(5) + 1;
        let batch: Vec<Known> = (0..count)
            .map(|i| Known {
                offset: self.next + i,
                time: (self.next + i + self.random(self.jitter + 1)) as i64 - 1000,
                key: match self.random(12) {
                    0 => None,
                    1 => Some(Vec::new()),
                    2 => Some(format!("rare {}", self.next).into_bytes()),
                    n => Some(format!("key {n}").into_bytes()),
                },
                deleted: false,
            })
            .collect();
        let value = "x".repeat(self.random(60) as usize);
        let records: Vec<_> = batch
            .iter()
            .map(|known| NewRecord {
                time: Some(known.time),
                key: known.key.as_deref(),
                value: Some(value.as_bytes()),
                headers: &[],
            })
            .collect();
        let appended = run(log.append(&records, level.into())).unwrap();
        assert_eq!(appended.first, self.next);
        self.next = appended.next;
        self.records.extend(batch);
    }

    fn by_key(&self, key: &[u8]) -> Vec<u64> {
        let keyed = |known: &&Known| !known.deleted && known.key.as_deref() == Some(key);
        self.records
            .iter()
            .filter(keyed)
            .map(|known| known.offset)
            .collect()
    }

    fn by_time(&self, time: i64) -> Option<(u64, i64)> {
        let mut clock = i64::MIN;
        let reaches = |known: &&Known| {
            // What is deleted has raised index time all the same.
            clock = clock.max(known.time);
            clock >= time && !known.deleted
        };
        let known = self.records.iter().find(reaches)?;
        Some((known.offset, known.time))
    }

    /// Deletes some records, often the newest of a key.
    fn delete(&mut self, log: &MemoryLog) {
        let count = self.records.len() as u64;
        let mut offsets: Vec<u64> = (0..30).map(|_| self.random(count)).collect();
        for n in 3..9 {
            offsets.extend(self.by_key(format!("key {n}").as_bytes()).last());
        }
        for known in &mut self.records {
            known.deleted |= offsets.contains(&known.offset);
        }
        run(log.delete(&offsets)).unwrap();
    }

    /// Asks the log for everything.
    fn expect(&mut self, log: &MemoryLog) {
        let mut keys: Vec<Vec<u8>> = self.records.iter().filter_map(|k| k.key.clone()).collect();
        keys.extend([b"absent".to_vec(), b"key".to_vec(), Vec::new()]);
        keys.sort();
        keys.dedup();
        for key in &keys {
            let expected = self.by_key(key);
            match run(log.offset_by_key(key)) {
                Ok(offset) => assert_eq!(Some(&offset), expected.last(), "{key:?}"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::NotFound);
                    assert_eq!(expected.last(), None, "{key:?}");
                }
            }
            let mut at = self.random(self.next + 1);
            let start = at;
            let mut expected = expected.into_iter().filter(|offset| *offset >= start);
            loop {
                let limits = ReadLimits::records(self.random(4) as usize + 1);
                let batch = run(log.read_by_key(key, at.into(), limits)).unwrap();
                for record in &batch {
                    assert_eq!(Some(record.offset), expected.next(), "{key:?}");
                    assert_eq!(record.key, Some(&key[..]));
                    at = record.offset + 1;
                }
                if batch.is_empty() {
                    assert_eq!((batch.next(), expected.next()), (self.next, None));
                    break;
                }
                assert_eq!(batch.next(), at);
            }
        }
        let times = (0..40)
            .map(|_| self.random(4000) as i64 - 2000)
            .collect::<Vec<_>>();
        let own = self.records.iter().step_by(7).map(|known| known.time);
        for time in times
            .into_iter()
            .chain(own.clone())
            .chain([i64::MIN, i64::MAX])
        {
            match run(log.offset_by_time(time)) {
                Ok(found) => assert_eq!(Some(found), self.by_time(time), "time {time}"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::NotFound);
                    assert_eq!(self.by_time(time), None, "time {time}");
                }
            }
        }
    }
}

fn both() -> Option<Indexes> {
    Some(Indexes {
        keys: true,
        times: true,
    })
}

#[test]
fn every_lookup_answers_what_looking_at_every_record_would() {
    for seed in 0..6 {
        let store = Rc::new(MemoryStore::new());
        let options = Options {
            indexes: both(),
            cache_bytes: [0, 20_000, 16 << 20][seed as usize % 3],
            compression: (seed % 2 == 1).then_some(Compression::Lz4),
            ..small()
        };
        let mut beside = Beside {
            random: seed,
            jitter: [2000, 0, 30][seed as usize / 2],
            ..Beside::default()
        };
        for life in 0..6 {
            let log = open(&store, options);
            let level = [Durability::Buffered, Durability::Stored, Durability::Synced]
                [beside.random(3) as usize];
            for _ in 0..80 {
                beside.append(&log, level);
                if beside.random(25) == 0 {
                    beside.expect(&log);
                }
            }
            beside.expect(&log);
            if life % 3 > 0 {
                beside.delete(&log);
                beside.expect(&log);
            }
            if life % 3 == 2 {
                run(log.maintain(u64::MAX)).unwrap();
                beside.expect(&log);
            }
            if life % 2 == 0 {
                run(log.close()).unwrap();
            } else {
                // What is only buffered goes with the handle.
                run(log.flush()).unwrap();
            }
        }
        let reading = open(&store, Options::read_only());
        beside.expect(&reading);
    }
}

#[test]
fn indexes_are_added_to_a_log_that_is_written_and_dropped_again() {
    for seed in 0..4 {
        let store = Rc::new(MemoryStore::new());
        let mut beside = Beside {
            random: seed,
            jitter: 2000,
            ..Beside::default()
        };
        let log = open(&store, small());
        for _ in 0..60 {
            beside.append(&log, Durability::Stored);
        }
        if seed > 1 {
            // Segments of an earlier writer, and one that has no footer.
            drop(log);
        } else {
            run(log.close()).unwrap();
        }
        let log = open(&store, small());
        for _ in 0..40 {
            let level = [Durability::Buffered, Durability::Synced][seed as usize % 2];
            beside.append(&log, level);
        }
        let keys = Indexes {
            keys: true,
            times: false,
        };
        let both = both().unwrap();
        let done = run(log.reindex(keys)).unwrap();
        assert_eq!(done.indexed, log.stat().segments, "the last one too");
        assert_eq!(log.settings().indexes, keys);
        let no_times = run(log.get_by_time(0)).unwrap_err();
        assert_eq!(no_times.kind(), ErrorKind::NoIndex);
        beside.append(&log, Durability::Buffered);
        run(log.reindex(both)).unwrap();
        beside.expect(&log);
        for _ in 0..40 {
            beside.append(&log, Durability::Stored);
        }
        beside.expect(&log);
        let again = run(log.reindex(both)).unwrap();
        assert_eq!(again.indexed, 0, "every segment has both");
        run(log.close()).unwrap();
        drop(log);
        let log = open(&store, small());
        beside.expect(&log);
        run(log.reindex(Indexes::default())).unwrap();
        let none = run(log.get_by_key(b"")).unwrap_err();
        assert_eq!(none.kind(), ErrorKind::NoIndex);
        for _ in 0..20 {
            beside.append(&log, Durability::Stored);
        }
        run(log.reindex(both)).unwrap();
        beside.expect(&log);
        assert!(run(log.check()).unwrap().is_healthy());
        run(log.close()).unwrap();
        beside.expect(&open(&store, Options::read_only()));
    }
}

#[test]
fn maintenance_gives_a_footer_to_segments_without_one() {
    let store = Rc::new(MemoryStore::new());
    let options = Options {
        indexes: both(),
        segment_bytes: Some(16 << 10),
        ..Options::default()
    };
    let mut beside = Beside {
        jitter: 2000,
        ..Beside::default()
    };
    for _ in 0..3 {
        let log = open(&store, options);
        for _ in 0..200 {
            beside.append(&log, Durability::Synced);
        }
        // The handle goes, and with it the chance to write a footer.
    }
    let log = open(&store, options);
    beside.append(&log, Durability::Synced);
    let done = run(log.maintain(u64::MAX)).unwrap();
    assert!(done.indexed > 0, "{done:?}");
    beside.expect(&log);
    assert_eq!(run(log.maintain(u64::MAX)).unwrap().indexed, 0);
    assert!(run(log.check()).unwrap().is_healthy());
    run(log.close()).unwrap();
    drop(log);
    let log = open(&store, options);
    beside.expect(&log);
    for blob in run(store.list(LogId(1))).unwrap() {
        // Indexes are derived: without them everything is found in the frames.
        if blob.kind == BlobKind::Index {
            run(store.remove(blob)).unwrap();
        }
    }
    beside.expect(&open(&store, Options::read_only()));
}

#[test]
fn what_is_not_indexed_is_refused_by_name() {
    let store = Rc::new(MemoryStore::new());
    let log = open(&store, small());
    append(&log, 0, 3, 1, Durability::Synced);
    for error in [
        run(log.get_by_key(b"key")).unwrap_err(),
        run(log.get_by_time(0)).unwrap_err(),
    ] {
        assert!(matches!(error, LookupError::NoIndex { .. }));
        assert_eq!(error.kind(), ErrorKind::NoIndex);
    }
    assert_eq!(
        run(log.get_by_key(b"key")).unwrap_err().to_string(),
        "the log has no index by key: it has no index but the one by offset; reindex adds one"
    );
}

#[test]
fn a_log_with_other_indexes_is_not_opened() {
    let store = Rc::new(MemoryStore::new());
    let with = |indexes| Options { indexes, ..small() };
    let times = Indexes {
        keys: false,
        times: true,
    };
    let log = open(&store, with(Some(times)));
    append(&log, 0, 3, 1, Durability::Synced);
    run(log.close()).unwrap();
    drop(log);
    for access in [Access::Write, Access::Read] {
        let options = Options {
            access,
            ..with(both())
        };
        let id = LogId(1);
        let opened = run(MemoryLog::open(
            Rc::clone(&store),
            id,
            options,
            Arc::new(TestHost),
        ));
        let error = opened.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(
            error.to_string(),
            "the log has an index by time alone; open it without asking for others, and \
             reindex it"
        );
    }
    let log = open(&store, with(None));
    assert_eq!(log.settings().indexes, times);
    assert_eq!(run(log.offset_by_time(0)).unwrap(), (0, 1_000_000));
}

#[test]
fn an_empty_log_has_nothing_by_key_or_time() {
    let store = Rc::new(MemoryStore::new());
    let options = Options {
        indexes: both(),
        ..small()
    };
    let log = open(&store, options);
    assert_eq!(
        run(log.get_by_key(b"")).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let early = run(log.get_by_time(i64::MIN)).unwrap_err();
    assert_eq!(early.kind(), ErrorKind::NotFound);
    let batch = run(log.read_by_key(b"k", At::Oldest, ReadLimits::default())).unwrap();
    assert_eq!((batch.len(), batch.next()), (0, 0));
    let beyond = run(log.read_by_key(b"k", At::Offset(1), ReadLimits::default()));
    assert_eq!(beyond.unwrap_err().kind(), ErrorKind::OutOfRange);
}

#[test]
fn followers_of_a_key_wait_for_a_match() {
    let store = Rc::new(MemoryStore::new());
    let options = Options {
        indexes: both(),
        ..small()
    };
    let log = open(&store, options);
    let put = |key: &[u8]| {
        let record = NewRecord::new(b"v").key(key);
        run(log.append(&[record], Durability::Synced.into())).unwrap();
    };
    put(b"a");
    let limits = ReadLimits::default();
    let mut following = pin!(log.follow_by_key(b"b", At::Oldest, limits));
    let mut context = Context::from_waker(Waker::noop());
    assert!(following.as_mut().poll(&mut context).is_pending());
    put(b"a");
    assert!(following.as_mut().poll(&mut context).is_pending());
    put(b"b");
    let Poll::Ready(Ok(batch)) = following.as_mut().poll(&mut context) else {
        panic!("there is a match");
    };
    assert_eq!(batch.records().map(|r| r.offset).collect::<Vec<_>>(), [2]);
    let mut following = pin!(log.follow_by_key(b"b", At::Next, limits));
    assert!(following.as_mut().poll(&mut context).is_pending());
    run(log.close()).unwrap();
    let Poll::Ready(Err(error)) = following.as_mut().poll(&mut context) else {
        panic!("the log is closed");
    };
    assert_eq!(error.kind(), ErrorKind::Closed);
}

/// Symptom: an append after `reindex` failed, as one at a position that was taken.
/// Cause: padding a segment that was to end made it the place of the next batch again. Now
/// that goes where it was to go, into a new segment.
#[test]
fn a_segment_that_is_padded_while_it_ends_takes_nothing_more() {
    let store = Rc::new(MemoryStore::new());
    let padded = || Options {
        align: Some(512),
        ..small()
    };
    let mut beside = Beside::default();
    let log = open(&store, padded());
    beside.append(&log, Durability::Stored);
    drop(log);
    // What was not synced is copied, and the copy is synced before anything else.
    let log = open(&store, padded());
    beside.append(&log, Durability::Buffered);
    run(log.reindex(both().unwrap())).unwrap();
    beside.append(&log, Durability::Synced);
    beside.expect(&log);
    assert!(run(log.check()).unwrap().is_healthy());
}

/// Symptom: `delete` took records that were just appended as buffered for missing.
/// Cause: padding counted as one of the frames whose writing was waited for. Now it does not.
#[test]
fn what_is_buffered_behind_padding_is_deleted() {
    let store = Rc::new(MemoryStore::new());
    let padded = || Options {
        align: Some(512),
        ..small()
    };
    let log = open(&store, padded());
    append(&log, 0, 2, 1, Durability::Stored);
    drop(log);
    // What was not synced is copied, and padded before anything else.
    let log = open(&store, padded());
    append(&log, 2, 4, 2, Durability::Buffered);
    let deleted = run(log.delete(&[1, 2, 3])).unwrap();
    assert_eq!((deleted.records, deleted.missing.len()), (3, 0));
    assert_eq!(log.stat().records, 1);
}
