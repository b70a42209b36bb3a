//! Deleting, trimming and retention against a model that is a map.

use alloc::collections::BTreeMap;
use alloc::vec;
use core::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::portable::{Sink, Source};
use super::*;
use crate::log::{Compaction, Keep, TrimTo, Trimmed};
use crate::{
    BlobKind, BlockStore, Entry, Import, Indexes, MemoryError, ReadError, Retention, Settings,
};

/// A host whose clock stands where the test puts it.
struct Clock {
    now: AtomicI64,
    drawn: AtomicU64,
}

impl Host for Clock {
    fn now(&self) -> i64 {
        self.now.load(Ordering::Relaxed)
    }

    fn random(&self) -> u64 {
        self.drawn.fetch_add(1, Ordering::Relaxed)
    }
}

/// What a record should be: its time, key and value.
type Model = BTreeMap<u64, (i64, Vec<u8>, Vec<u8>)>;

struct Case {
    store: Rc<MemoryStore>,
    /// Where it is backed up to.
    elsewhere: Rc<MemoryStore>,
    host: Arc<Clock>,
    options: Options,
    log: MemoryLog,
    model: Model,
    next: u64,
    oldest: u64,
    random: u64,
    times: Vec<i64>,
}

impl Case {
    fn new(seed: u64, compression: Compression) -> Self {
        let store = Rc::new(MemoryStore::new());
        let host = Arc::new(Clock {
            now: AtomicI64::new(1_000),
            drawn: AtomicU64::new(seed),
        });
        let options = Options {
            segment_bytes: Some(4096),
            compression: Some(compression),
            indexes: Some(Indexes {
                keys: true,
                times: true,
            }),
            ..Options::default()
        };
        let log = Self::open(&store, &host, options);
        Self {
            store,
            elsewhere: Rc::default(),
            host,
            options,
            log,
            model: Model::new(),
            next: 0,
            oldest: 0,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            times: Vec::new(),
        }
    }

    fn open(store: &Rc<MemoryStore>, host: &Arc<Clock>, options: Options) -> MemoryLog {
        let host: Arc<dyn Host> = Arc::clone(host) as Arc<dyn Host>;
        run(Log::open(Rc::clone(store), LogId(1), options, host)).unwrap()
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % bound
    }

    fn append(&mut self, count: u64) {
        let mut records = Vec::new();
        for offset in self.next..self.next + count {
            let time = 1_000 + i64::try_from(offset).unwrap() * 10
                - i64::try_from(self.below(50)).unwrap();
            self.times.push(time);
            let key = format!("key {}", self.below(9)).into_bytes();
            let value = vec![b'v'; usize::try_from(self.below(90).saturating_sub(10)).unwrap()];
            self.model
                .insert(offset, (time, key.clone(), value.clone()));
            records.push((time, key, value));
        }
        let records: Vec<_> = records
            .iter()
            .map(|(time, key, value)| NewRecord {
                // An empty value stands for none.
                value: Some(&value[..]).filter(|value| !value.is_empty()),
                ..NewRecord::default().key(key).time(*time)
            })
            .collect();
        let level = [Durability::Buffered, Durability::Stored, Durability::Synced];
        let level = level[usize::try_from(self.below(3)).unwrap()];
        let appended = run(self.log.append(&records, level.into())).unwrap();
        assert_eq!(appended.first, self.next);
        self.next += count;
    }

    fn delete(&mut self, offsets: &[u64]) {
        let planned = run(self.log.plan_delete(offsets)).unwrap();
        let deleted = run(self.log.delete(offsets)).unwrap();
        assert_eq!(
            (planned.records, &planned.missing),
            (deleted.records, &deleted.missing)
        );
        let mut missing: Vec<u64> = offsets.to_vec();
        missing.sort_unstable();
        missing.dedup();
        let before = self.model.len() as u64;
        missing.retain(|offset| self.model.remove(offset).is_none());
        assert_eq!(deleted.missing, missing);
        assert_eq!(deleted.records, before - self.model.len() as u64);
    }

    fn trim(&mut self, to: TrimTo) -> Trimmed {
        let planned = run(self.log.plan_trim(to)).unwrap();
        let trimmed = run(self.log.trim(to)).unwrap();
        // A mark may have been written in between.
        let found = |trimmed: &Trimmed| (trimmed.oldest, trimmed.records);
        assert_eq!(found(&planned), found(&trimmed), "{to:?}");
        self.expect_trimmed(trimmed.oldest, trimmed.records);
        trimmed
    }

    fn expect_trimmed(&mut self, oldest: u64, records: u64) {
        let kept = self.model.split_off(&oldest);
        let gone = core::mem::replace(&mut self.model, kept);
        assert_eq!(records, gone.len() as u64);
        self.oldest = self.oldest.max(oldest);
    }

    /// The latest of every key up to a time, and no tombstones up to another.
    fn compact(&mut self) {
        let times = [
            self.below(self.next * 10 + 1),
            self.below(self.next * 10 + 1),
        ];
        let [updates, tombstones] = times.map(|time| 1_000 + i64::try_from(time).unwrap());
        let up_to = |time: i64| {
            let later = self.model.iter().find(|(_, record)| record.0 > time);
            later.map_or(self.next, |(offset, _)| *offset)
        };
        let (updates_end, tombstones_end) = (up_to(updates), up_to(tombstones));
        let newest: BTreeMap<Vec<u8>, u64> = self
            .model
            .range(..updates_end)
            .map(|(offset, record)| (record.1.clone(), *offset))
            .collect();
        let mut gone: Vec<u64> = self
            .model
            .range(..updates_end)
            .filter(|(offset, record)| newest[&record.1] > **offset)
            .map(|(offset, _)| *offset)
            .collect();
        let mut seen = Vec::new();
        for (offset, (_, key, value)) in &self.model {
            if gone.contains(offset) {
                continue;
            }
            if value.is_empty() && *offset < tombstones_end && !seen.contains(key) {
                gone.push(*offset);
                continue;
            }
            seen.push(key.clone());
        }
        gone.sort_unstable();
        let mut compaction = Compaction::up_to(updates, tombstones);
        let planned = run(self.log.plan_compact(compaction)).unwrap();
        assert_eq!(planned.0, gone);
        compaction.records = 1 + self.below(60);
        let mut deleted = 0;
        loop {
            let compacted = run(self.log.compact(compaction)).unwrap();
            deleted += compacted.records;
            compaction.from = At::Offset(compacted.next);
            if !compacted.more {
                break;
            }
        }
        assert_eq!(deleted, gone.len() as u64);
        self.model.retain(|offset, _| !gone.contains(offset));
    }

    fn reopen(&mut self, close: bool) {
        if close {
            run(self.log.close()).unwrap();
        } else {
            run(self.log.flush()).unwrap();
        }
        let empty = Rc::new(MemoryStore::new());
        let old = core::mem::replace(&mut self.log, Self::open(&empty, &self.host, self.options));
        drop(old);
        self.log = Self::open(&self.store, &self.host, self.options);
    }

    /// Backs the log up, and holds the backup against the model.
    fn back_up(&mut self) {
        let done = run(self.log.backup(&self.elsewhere)).unwrap();
        assert_eq!((done.next, done.damage.len()), (self.next, 0));
        let again = run(self.log.backup(&self.elsewhere)).unwrap();
        assert_eq!((again.copied, again.removed), (0, 0));
        let settings = self.log.settings();
        let backup = Self::open(&self.elsewhere, &self.host, Options::read_only());
        assert_eq!(backup.settings(), settings);
        let log = core::mem::replace(&mut self.log, backup);
        self.check();
        self.log = log;
    }

    /// Exports the log, and holds what an import makes of it against the model.
    fn export(&mut self) {
        let mut bytes = Vec::new();
        let done = run(self.log.export(&mut Sink(&mut bytes))).unwrap();
        assert_eq!((done.next, done.bytes), (self.next, bytes.len() as u64));
        assert_eq!(done.records, self.model.len() as u64);
        let store = Rc::new(MemoryStore::new());
        let host: Arc<dyn Host> = Arc::clone(&self.host) as Arc<dyn Host>;
        let mut source = Source(&bytes);
        let import = run(Import::begin::<MemoryError>(&mut source)).unwrap();
        let done = run(import.fill::<_, Local>(&store, LogId(1), host)).unwrap();
        assert_eq!((done.next, done.bytes), (self.next, bytes.len() as u64));
        let imported = Self::open(&store, &self.host, Options::read_only());
        assert_eq!(imported.settings(), self.log.settings());
        let log = core::mem::replace(&mut self.log, imported);
        self.check();
        self.log = log;
    }

    fn check(&mut self) {
        let expected: Vec<u64> = self.model.keys().copied().collect();
        let log = &self.log;
        let bounds = log.bounds();
        assert_eq!(bounds.next, self.next);
        assert_eq!(bounds.last, expected.last().copied());
        assert_eq!(
            bounds.oldest,
            expected.first().copied().unwrap_or(self.next)
        );
        assert_eq!(log.stat().records, expected.len() as u64);
        let mut found = Vec::new();
        let mut at = At::Oldest;
        loop {
            let batch = run(log.read(at, ReadLimits::records(11))).unwrap();
            for record in &batch {
                let (time, key, value) = &self.model[&record.offset];
                assert_eq!(record.time, *time);
                assert_eq!(
                    (record.key, record.value),
                    (
                        Some(&key[..]),
                        Some(&value[..]).filter(|value| !value.is_empty())
                    )
                );
                found.push(record.offset);
            }
            if at == At::Offset(batch.next()) {
                break;
            }
            at = At::Offset(batch.next());
        }
        assert_eq!(found, expected);
        let mut found = Vec::new();
        let mut below = bounds.next;
        loop {
            let batch = run(log.read_reverse(At::Offset(below), ReadLimits::records(13))).unwrap();
            found.extend(batch.records().map(|record| record.offset));
            if batch.next() >= below {
                break;
            }
            below = batch.next();
        }
        found.reverse();
        assert_eq!(found, expected);
        for offset in 0..self.next {
            let got = run(log.get(At::Offset(offset)));
            match (got, self.model.contains_key(&offset)) {
                (Ok(entry), true) => assert_eq!(entry.record().offset, offset),
                (Err(ReadError::NotFound { trimmed, .. }), false) => {
                    assert!(offset >= self.oldest || trimmed, "{offset}");
                }
                (got, there) => panic!("{offset}: {got:?}, {there}"),
            }
            let seen = log.try_get(offset);
            assert!(seen.is_none() || self.model.contains_key(&offset));
        }
        let last: Option<Entry> = run(log.get(At::Last)).ok();
        assert_eq!(
            last.map(|entry| entry.record().offset),
            expected.last().copied()
        );
        self.check_indexes();
        assert!(run(self.log.check()).unwrap().is_healthy());
    }

    /// Index times, over every record that ever was.
    fn reached(&self) -> BTreeMap<u64, i64> {
        let mut clamp = i64::MIN;
        let reach = |(offset, time): (usize, &i64)| {
            clamp = clamp.max(*time);
            (offset as u64, clamp)
        };
        self.times.iter().enumerate().map(reach).collect()
    }

    fn check_indexes(&mut self) {
        for key in 0..10 {
            let key = format!("key {key}").into_bytes();
            let with_key: Vec<u64> = self
                .model
                .iter()
                .filter(|(_, record)| record.1 == key)
                .map(|(offset, _)| *offset)
                .collect();
            let newest = run(self.log.offset_by_key(&key)).ok();
            assert_eq!(newest, with_key.last().copied());
            let mut found = Vec::new();
            let mut at = At::Oldest;
            loop {
                let batch = run(self.log.read_by_key(&key, at, ReadLimits::records(5))).unwrap();
                found.extend(batch.records().map(|record| record.offset));
                if batch.is_empty() {
                    break;
                }
                at = At::Offset(batch.next());
            }
            assert_eq!(found, with_key);
        }
        let reached = self.reached();
        for _ in 0..10 {
            let time = 990 + i64::try_from(self.below(self.next * 10 + 30)).unwrap();
            let expected = self.model.keys().find(|offset| reached[offset] >= time);
            let found = run(self.log.offset_by_time(time)).ok();
            assert_eq!(found.map(|found| found.0), expected.copied(), "time {time}");
        }
    }

    fn step(&mut self) {
        match self.below(15) {
            0..=3 => {
                let count = 1 + self.below(40);
                self.append(count);
            }
            4 => {
                let (from, count) = (self.below(self.next + 5), self.below(700));
                let offsets: Vec<u64> = (from..from + count).collect();
                self.delete(&offsets);
            }
            5 | 6 => {
                let count = self.below(300);
                let bound = self.next + 10;
                let offsets: Vec<u64> = (0..count).map(|_| self.below(bound)).collect();
                self.delete(&offsets);
            }
            7 => {
                let offset = self.oldest + self.below(200);
                self.trim(TrimTo::Before(At::Offset(offset)));
            }
            8 => {
                let all = self.model.len() as u64;
                let keep = all.saturating_sub(self.below(100));
                self.trim(TrimTo::Records(keep));
                assert_eq!(self.model.len() as u64, all.min(keep));
            }
            9 => {
                let keep =
                    [Keep::Used, Keep::Bytes(5_000)][usize::try_from(self.below(2)).unwrap()];
                self.log.gc(keep);
                let budget = self.below(40_000);
                let _done = run(self.log.maintain(budget)).unwrap();
            }
            10 => self.compact(),
            11 => self.reopen(true),
            12 => self.back_up(),
            13 => self.export(),
            _ => self.reopen(false),
        }
    }
}

#[test]
fn any_order_of_verbs_leaves_what_a_map_would() {
    for seed in 1..=60 {
        let compression = [Compression::None, Compression::Lz4, Compression::Deflate];
        let mut case = Case::new(seed, compression[usize::try_from(seed % 3).unwrap()]);
        for _ in 0..40 {
            case.step();
            case.check();
        }
    }
}

#[test]
fn what_follows_a_loss_is_not_trimmed_away() {
    let mut case = Case::new(3, Compression::None);
    case.append(30);
    case.trim(TrimTo::Before(At::Next));
    let blobs = run(case.store.list(LogId(1))).unwrap();
    let is_segment = |blob: &&crate::BlobId| blob.kind == BlobKind::Segment;
    for blob in blobs.iter().filter(is_segment) {
        run(case.store.remove(*blob)).unwrap();
    }
    case.reopen(false);
    case.append(3);
    case.check();
}

#[test]
fn space_comes_back_and_offsets_do_not() {
    let mut case = Case::new(7, Compression::None);
    for _ in 0..40 {
        case.append(25);
    }
    run(case.log.sync()).unwrap();
    let full = case.log.stat();
    let offsets: Vec<u64> = (0..1000).filter(|offset| offset % 4 != 1).collect();
    case.delete(&offsets);
    assert!(case.log.stat().bytes >= full.bytes);
    case.reopen(true);
    while run(case.log.maintain(10_000)).unwrap().more {}
    case.check();
    assert!(
        case.log.stat().bytes < full.bytes / 2,
        "{:?}",
        case.log.stat()
    );
    case.trim(TrimTo::Before(At::Next));
    case.check();
    case.reopen(true);
    let maintained = run(case.log.maintain(u64::MAX)).unwrap();
    assert_eq!((maintained.more, case.log.stat().segments), (false, 0));
    assert_eq!(case.log.bounds().next, 1000);
    case.append(3);
    case.check();
}

#[test]
fn retention_is_the_logs_own_and_works_at_the_hosts_time() {
    let mut case = Case::new(9, Compression::None);
    case.options.retention = Some(Retention {
        age: Some(2_000),
        records: Some(150),
        bytes: None,
    });
    case.reopen(true);
    for _ in 0..10 {
        case.append(30);
    }
    case.host.now.store(1_000, Ordering::Relaxed);
    let done = run(case.log.maintain(0)).unwrap();
    assert_eq!(done.trimmed, 150);
    case.expect_trimmed(150, 150);
    case.check();
    // Of the records at 2500 and later, those of the last 2000 microseconds stay.
    case.options.retention = None;
    case.reopen(true);
    case.host.now.store(5_000, Ordering::Relaxed);
    let done = run(case.log.maintain(0)).unwrap();
    let young = case.model.iter().find(|(_, record)| record.0 > 3_000);
    let (oldest, before) = (*young.unwrap().0, case.model.len() as u64);
    case.expect_trimmed(oldest, done.trimmed);
    assert_eq!(before - done.trimmed, case.model.len() as u64);
    case.check();
    let settings: Settings = case.log.settings();
    assert_eq!(settings.retention.records, Some(150));
}

#[test]
fn trims_by_bytes_and_by_time() {
    let mut case = Case::new(11, Compression::None);
    for _ in 0..30 {
        case.append(20);
    }
    run(case.log.sync()).unwrap();
    let all = case.log.stat().bytes;
    assert_eq!(case.trim(TrimTo::Bytes(all + 500)).records, 0);
    let trimmed = case.trim(TrimTo::Bytes(all / 2));
    assert!(trimmed.records > 0);
    assert_eq!(case.trim(TrimTo::Bytes(all / 2)).records, 0);
    case.check();
    let some = case.model.values().nth(100).unwrap().0;
    let first_later = case.model.iter().find(|(_, record)| record.0 > some);
    let oldest = *first_later.unwrap().0;
    assert_eq!(case.trim(TrimTo::Time(some)).oldest, oldest);
    case.check();
    case.trim(TrimTo::Time(i64::MAX));
    assert!(case.model.is_empty());
    case.check();
}

#[test]
fn an_idle_producer_is_remembered_until_it_expires() {
    let producer = |sequence| Producer {
        id: ProducerId([7; 16]),
        epoch: 1,
        sequence,
    };
    let mut case = Case::new(13, Compression::None);
    let record = [NewRecord::new(b"once").time(1_000)];
    let options = |sequence| AppendOptions {
        durability: None,
        producer: Some(producer(sequence)),
    };
    run(case.log.append(&record, options(0))).unwrap();
    case.model.insert(0, (1_000, Vec::new(), b"once".to_vec()));
    case.times.push(1_000);
    case.next = 1;
    case.reopen(true);
    for _ in 0..10 {
        case.append(20);
    }
    case.trim(TrimTo::Records(5));
    case.reopen(true);
    run(case.log.maintain(u64::MAX)).unwrap();
    case.reopen(false);
    // Its only batch is gone, the producer is not.
    let again = run(case.log.append(&record, options(0))).unwrap();
    assert!(again.duplicate);
    let gap = run(case.log.append(&record, options(2))).unwrap_err();
    assert_eq!(gap.kind(), ErrorKind::Conflict);
    case.options.producer_expiry = Some(Some(100));
    case.reopen(true);
    let anew = run(case.log.append(&record, options(0))).unwrap();
    assert!(!anew.duplicate);
}

#[test]
fn settings_change_while_the_log_is_open() {
    let mut case = Case::new(15, Compression::None);
    case.append(10);
    let wanted = Options {
        compression: Some(Compression::Lz4),
        retention: Some(Retention {
            records: Some(4),
            ..Retention::default()
        }),
        ..Options::default()
    };
    run(case.log.configure(&wanted)).unwrap();
    assert_eq!(case.log.settings().compression, Compression::Lz4);
    let done = run(case.log.maintain(0)).unwrap();
    case.expect_trimmed(6, done.trimmed);
    case.options.compression = None;
    case.reopen(false);
    assert_eq!(case.log.settings().retention.records, Some(4));
    assert_eq!(case.log.settings().compression, Compression::Lz4);
    case.append(3);
    case.check();
    let refused = Options {
        indexes: Some(Indexes::default()),
        ..Options::default()
    };
    let error = run(case.log.configure(&refused)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let refused = Options {
        segment_bytes: Some(1),
        ..Options::default()
    };
    let error = run(case.log.configure(&refused)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    run(case.log.clear()).unwrap();
    case.expect_trimmed(13, case.model.len() as u64);
    case.check();
}
