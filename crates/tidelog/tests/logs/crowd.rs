//! Every verb at once: writers, followers, readers, and whoever removes, compacts, maintains,
//! reindexes, checks and backs up, all on one log; and what each of them was promised.

mod ledger;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ledger::{Ledger, Told};
use tidelog::blocking::{Log, Logs, Reader};
use tidelog::{
    AppendOptions, At, BlockStore, Compaction, Durability, ErrorKind, Indexes, Keep, MemoryStore,
    NewRecord, Options, Producer, ProducerId, ReadLimits, TrimTo,
};

const WRITERS: u64 = 3;
/// Batches of each writer.
const BATCHES: u64 = 400;
const FOLLOWERS: usize = 2;
const KEYS: u64 = 24;
const BOTH: Indexes = Indexes {
    keys: true,
    times: true,
};

fn key(number: u64) -> Vec<u8> {
    format!("key {}", number % KEYS).into_bytes()
}

/// One log, and everybody who uses it.
struct Crowd<S: BlockStore> {
    log: Log<S>,
    /// Where its backups are.
    copies: Logs<MemoryStore>,
    ledger: Ledger,
    /// The offset that each follower reads next.
    followed: [AtomicU64; FOLLOWERS],
    written: AtomicBool,
}

impl<S: BlockStore<Error: Send + Sync> + Send + Sync> Crowd<S> {
    fn run(log: Log<S>, beside: impl Fn(&Self) + Sync) -> Self {
        let crowd = Self {
            log,
            copies: Logs::memory(),
            ledger: Ledger::default(),
            followed: Default::default(),
            written: AtomicBool::new(false),
        };
        thread::scope(|scope| {
            let crowd = &crowd;
            for which in 0..FOLLOWERS {
                scope.spawn(move || crowd.follow(which));
            }
            scope.spawn(|| crowd.follow_key());
            let verbs: [fn(&Self); 7] = [
                Self::delete,
                Self::trim,
                Self::compact,
                Self::maintain,
                Self::reindex,
                Self::back_up,
                Self::look,
            ];
            let beside: Vec<_> = verbs
                .into_iter()
                .map(|verb| scope.spawn(move || verb(crowd)))
                .chain([scope.spawn(|| beside(crowd))])
                .collect();
            let writers: Vec<_> = (0..WRITERS)
                .map(|which| scope.spawn(move || crowd.write(which)))
                .collect();
            let ended = Ending(crowd);
            for thread in writers {
                thread.join().unwrap();
            }
            crowd.written.store(true, Ordering::SeqCst);
            for thread in beside {
                thread.join().unwrap();
            }
            crowd.log.sync().unwrap();
            let next = crowd.log.bounds().next;
            let patience = Instant::now() + Duration::from_secs(20);
            while crowd.slowest() < next {
                assert!(Instant::now() < patience, "a follower sees no more");
                thread::yield_now();
            }
            crowd.judge_all(&crowd.log);
            crowd.copies.back_up("log", &crowd.log).unwrap();
            crowd.judge_all(&crowd.copy());
            drop(ended);
        });
        crowd
    }

    fn goes_on(&self) -> bool {
        !self.written.load(Ordering::SeqCst)
    }

    fn slowest(&self) -> u64 {
        let places = self.followed.iter().map(|at| at.load(Ordering::SeqCst));
        places.min().unwrap_or(0)
    }

    /// Appends at every level; the first writer as a producer, with some repetitions.
    fn write(&self, which: u64) {
        let mut random = fastrand::Rng::with_seed(which);
        for number in 0..BATCHES {
            let told: Vec<Told> = (0..random.u64(1..=5))
                .map(|_| {
                    let key = random.bool().then(|| key(random.u64(..)));
                    let there = key.is_none() || random.u8(..10) > 0;
                    let length = random.usize(..300);
                    Told {
                        key,
                        value: there.then(|| vec![random.u8(..); length]),
                    }
                })
                .collect();
            let times: Vec<i64> = told
                .iter()
                .map(|told| self.ledger.write(told.clone()))
                .collect();
            let records: Vec<NewRecord<'_>> = told
                .iter()
                .zip(&times)
                .map(|(told, time)| NewRecord {
                    key: told.key.as_deref(),
                    value: told.value.as_deref(),
                    time: Some(*time),
                    ..NewRecord::new(b"")
                })
                .collect();
            let level = match number % 8 {
                0 => Durability::Synced,
                1..4 => Durability::Buffered,
                _ => Durability::Stored,
            };
            let options = AppendOptions {
                durability: Some(level),
                producer: (which == 0).then_some(Producer {
                    id: ProducerId([1; 16]),
                    epoch: 0,
                    sequence: number,
                }),
            };
            let appended = self.log.append(&records, options).unwrap();
            assert!(!appended.duplicate);
            self.ledger.give(appended, &times);
            if which == 0 && number % 4 == 0 {
                let again = self.log.append(&records, options).unwrap();
                assert!(again.duplicate, "the same batch twice");
                assert_eq!((again.first, again.next), (appended.first, appended.next));
            }
        }
    }

    /// Sees every record that nobody may remove, and every record once and in order.
    fn follow(&self, which: usize) {
        let reader = self.log.reader();
        let mut seen = BTreeMap::new();
        let mut at = 0;
        loop {
            let past = self.ledger.past();
            let batch = match reader.follow(At::Offset(at), ReadLimits::records(64)) {
                Ok(batch) => batch,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
                    break;
                }
            };
            for record in batch.records() {
                assert!(record.offset >= at, "{} after {at}", record.offset);
                self.ledger.judge(&record, &past);
                at = record.offset + 1;
                seen.insert(record.offset, record.time);
            }
            at = batch.next();
            self.followed[which].store(at, Ordering::SeqCst);
        }
        for (offset, time) in self.ledger.given() {
            match seen.get(&offset) {
                Some(seen) => assert_eq!(*seen, time),
                None => assert!(
                    self.ledger.may_be_missing(offset),
                    "{offset} was passed over"
                ),
            }
        }
    }

    fn follow_key(&self) {
        let (reader, wanted) = (self.log.reader(), key(3));
        let mut at = 0;
        loop {
            let past = self.ledger.past();
            let limits = ReadLimits::records(8);
            let batch = match reader.follow_by_key(&wanted, At::Offset(at), limits) {
                Ok(batch) => batch,
                Err(error) if error.kind() == ErrorKind::NoIndex => continue,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
                    return;
                }
            };
            assert!(!batch.is_empty(), "woken for nothing");
            for record in batch.records() {
                assert!(record.offset >= at, "{} after {at}", record.offset);
                assert_eq!(record.key, Some(wanted.as_slice()));
                self.ledger.judge(&record, &past);
            }
            at = batch.next();
        }
    }

    /// Deletes records with keys; those without stay for the followers.
    fn delete(&self) {
        let mut random = fastrand::Rng::with_seed(10);
        while self.goes_on() {
            let some =
                (0..random.usize(1..40)).filter_map(|_| self.ledger.some_offset(&mut random, true));
            let mut offsets: Vec<u64> = some.collect();
            offsets.sort_unstable();
            offsets.dedup();
            self.ledger.ask_deletion(&offsets);
            let mut asked = offsets.clone();
            asked.push(u64::MAX);
            let planned = self.log.plan_delete(&asked).unwrap();
            let deleted = self.log.delete(&asked).unwrap();
            assert_eq!(
                deleted.records as usize + deleted.missing.len(),
                asked.len()
            );
            assert!(deleted.records <= planned.records, "more than was planned");
            assert_eq!(deleted.missing.last(), Some(&u64::MAX));
            self.ledger.delete(&offsets);
        }
    }

    /// Trims behind the slowest follower.
    fn trim(&self) {
        while self.goes_on() {
            let before = self.slowest().saturating_sub(500);
            self.ledger.ask_trim(before);
            let trimmed = self.log.trim(TrimTo::Before(At::Offset(before))).unwrap();
            assert!(
                trimmed.oldest >= before,
                "{trimmed:?} is less than {before}"
            );
            self.ledger.trim(before);
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn compact(&self) {
        let mut from = At::Oldest;
        while self.goes_on() {
            let bound = self.ledger.now() - 200;
            self.ledger.ask_compaction(bound);
            let compaction = Compaction {
                from,
                records: 300,
                ..Compaction::up_to(bound, bound)
            };
            let compacted = self.log.compact(compaction).unwrap();
            from = match compacted.more {
                true => At::Offset(compacted.next),
                false => At::Oldest,
            };
        }
    }

    fn maintain(&self) {
        let mut random = fastrand::Rng::with_seed(11);
        while self.goes_on() {
            self.log.maintain(random.u64(..1 << 18)).unwrap();
            match random.u8(..4) {
                0 => self.log.gc(Keep::Bytes(0)),
                1 => self.log.gc(Keep::Used),
                _ => 0,
            };
            let options = Options {
                segment_bytes: Some([4 << 10, 16 << 10][random.usize(..2)]),
                ..Options::default()
            };
            self.log.configure(&options).unwrap();
        }
    }

    fn reindex(&self) {
        let mut random = fastrand::Rng::with_seed(12);
        while self.goes_on() {
            let (keys, times) = (random.bool(), random.bool());
            self.log.reindex(Indexes { keys, times }).unwrap();
            let found = self.log.check().unwrap().findings;
            assert!(found.is_empty(), "{found:?}");
        }
        self.log.reindex(BOTH).unwrap();
    }

    /// Backs up, and holds each backup against what was told before it was begun.
    fn back_up(&self) {
        while self.goes_on() {
            let (past, given) = (self.ledger.past(), self.ledger.given());
            let done = self.copies.back_up("log", &self.log).unwrap();
            assert!(done.damage.is_empty(), "{:?}", done.damage);
            let next = given.keys().next_back().map_or(0, |last| last + 1);
            assert!(done.next >= next, "{done:?}, where {next} was next");
            let copy = self.copy();
            assert_eq!(copy.bounds().next, done.next);
            let mut left = BTreeSet::new();
            let mut at = At::Oldest;
            loop {
                let batch = copy.read(at, ReadLimits::default()).unwrap();
                for record in batch.records() {
                    self.ledger.judge(&record, &past);
                    left.insert(record.offset);
                }
                if batch.next() == done.next {
                    break;
                }
                at = At::Offset(batch.next());
            }
            let mut given = given.into_keys();
            let lost =
                given.find(|offset| !left.contains(offset) && !self.ledger.may_be_missing(*offset));
            assert_eq!(lost, None, "it is not in a backup");
            let findings = copy.check().unwrap().findings;
            assert!(findings.is_empty(), "{findings:?}");
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn copy(&self) -> Log<MemoryStore> {
        self.copies.log("log").read_only(true).open().unwrap()
    }

    /// Reads in every way there is.
    fn look(&self) {
        let reader = self.log.reader();
        let mut random = fastrand::Rng::with_seed(13);
        let mut missing: Vec<u64> = Vec::new();
        let mut before = reader.bounds();
        while self.goes_on() {
            let bounds = reader.bounds();
            assert!(
                bounds.next >= before.next
                    && bounds.durable >= before.durable
                    && bounds.oldest >= before.oldest,
                "{before:?} became {bounds:?}"
            );
            before = bounds;
            let keyed = random.bool();
            if let Some(offset) = self.ledger.some_offset(&mut random, keyed) {
                self.look_at(&reader, offset, &mut missing);
            }
            if !missing.is_empty() {
                let offset = missing[random.usize(..missing.len())];
                let found = reader
                    .get(At::Offset(offset))
                    .err()
                    .map(|error| error.kind());
                assert_eq!(found, Some(ErrorKind::NotFound), "{offset} is back");
            }
            let past = self.ledger.past();
            let wanted = key(random.u64(..));
            match reader.get_by_key(&wanted) {
                Ok(entry) => {
                    self.ledger.judge(&entry.record(), &past);
                    assert_eq!(entry.record().key, Some(wanted.as_slice()));
                }
                Err(error) => assert!(
                    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NoIndex),
                    "{error}"
                ),
            }
            let past = self.ledger.past();
            let batch = reader
                .read_reverse(At::Next, ReadLimits::records(100))
                .unwrap();
            batch
                .records()
                .for_each(|record| self.ledger.judge(&record, &past));
        }
    }

    fn look_at(&self, reader: &Reader<S>, offset: u64, missing: &mut Vec<u64>) {
        let past = self.ledger.past();
        let entry = match reader.get(At::Offset(offset)) {
            Ok(entry) => entry,
            // Acknowledged as buffered: others do not see it yet.
            Err(error) if error.kind() == ErrorKind::OutOfRange => return,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
                assert!(self.ledger.may_be_missing(offset), "{offset} is not there");
                missing.push(offset);
                return;
            }
        };
        let record = entry.record();
        assert_eq!(record.offset, offset);
        self.ledger.judge(&record, &past);
        match reader.offset_by_time(record.time) {
            Ok((found, _)) => assert!(
                found <= offset || self.ledger.may_be_missing(offset),
                "time {} is reached at {offset}, found at {found}",
                record.time
            ),
            Err(error) if error.kind() == ErrorKind::NoIndex => {}
            Err(error) => assert!(self.ledger.may_be_missing(offset), "{error}"),
        }
        // What was read stays what it was, whatever becomes of its segment.
        self.ledger.judge(&record, &past);
    }

    /// Nobody is at work any more: the log holds what the ledger says.
    fn judge_all<T: BlockStore<Error: Send + Sync>>(&self, log: &Log<T>) {
        let past = self.ledger.past();
        let mut left = BTreeMap::new();
        let mut at = At::Oldest;
        loop {
            let batch = log.read(at, ReadLimits::default()).unwrap();
            for record in batch.records() {
                self.ledger.judge(&record, &past);
                left.insert(record.offset, (record.time, record.key.map(<[u8]>::to_vec)));
            }
            if batch.next() == log.bounds().next {
                break;
            }
            at = At::Offset(batch.next());
        }
        assert_eq!(log.stat().records, left.len() as u64);
        let (mut clock, mut reached) = (0, BTreeMap::new());
        for (offset, time) in self.ledger.given() {
            clock = clock.max(time);
            reached.insert(offset, clock);
            let there = left.contains_key(&offset);
            assert!(
                there || self.ledger.may_be_missing(offset),
                "{offset} is lost"
            );
            assert!(
                !there || !self.ledger.must_be_missing(offset),
                "{offset} is back"
            );
        }
        for number in 0..KEYS {
            let wanted = key(number);
            let own = left
                .iter()
                .filter(|(_, (_, key))| key.as_ref() == Some(&wanted));
            let own: Vec<u64> = own.map(|(offset, _)| *offset).collect();
            let found = log.read_by_key(&wanted, At::Oldest, ReadLimits::records(usize::MAX));
            let found: Vec<u64> = found
                .unwrap()
                .records()
                .map(|record| record.offset)
                .collect();
            assert_eq!(found, own);
            assert_eq!(log.offset_by_key(&wanted).ok(), own.last().copied());
        }
        for time in (1..=clock).step_by(37) {
            let own = left.keys().find(|offset| reached[*offset] >= time);
            let found = log.offset_by_time(time).ok().map(|(offset, _)| offset);
            assert_eq!(found, own.copied(), "time {time}");
        }
        let findings = log.check().unwrap().findings;
        assert!(findings.is_empty(), "{findings:?}");
    }
}

/// Closes the log, also when somebody panics: else followers wait for ever.
struct Ending<'a, S: BlockStore>(&'a Crowd<S>);

impl<S: BlockStore> Drop for Ending<'_, S> {
    fn drop(&mut self) {
        self.0.written.store(true, Ordering::SeqCst);
        let _ = self.0.log.close();
    }
}

fn open<S: BlockStore<Error: Send + Sync>>(logs: &Logs<S>) -> Log<S> {
    let builder = logs.log("log").create(true).cache_bytes(1 << 20);
    builder.segment_bytes(4 << 10).indexes(BOTH).open().unwrap()
}

#[test]
fn every_verb_at_once_keeps_its_promises_in_memory() {
    let logs = Logs::memory();
    let crowd = Crowd::run(open(&logs), |_| {});
    let log = logs.log("log").open().unwrap();
    crowd.judge_all(&log);
}

/// A reader of its own, as another process would have it.
fn look_from_outside<S>(home: &Path, crowd: &Crowd<S>)
where
    S: BlockStore<Error: Send + Sync> + Send + Sync,
{
    let logs = Logs::open_read_only(home).unwrap();
    let log = logs.log("log").read_only(true).open().unwrap();
    let mut next = 0;
    while crowd.goes_on() {
        let past = crowd.ledger.past();
        log.refresh().unwrap();
        assert!(log.bounds().next >= next, "bounds went back");
        next = log.bounds().next;
        let mut at = At::Oldest;
        loop {
            let batch = log.read(at, ReadLimits::default()).unwrap();
            let records = batch.records();
            records.for_each(|record| crowd.ledger.judge(&record, &past));
            if batch.next() >= next {
                break;
            }
            at = At::Offset(batch.next());
        }
    }
}

#[test]
fn every_verb_at_once_keeps_its_promises_in_files() {
    let home = tempfile::tempdir().unwrap();
    let logs = Logs::create(home.path()).unwrap();
    let crowd = Crowd::run(open(&logs), |crowd| look_from_outside(home.path(), crowd));
    let log = logs.log("log").open().unwrap();
    crowd.judge_all(&log);
}
