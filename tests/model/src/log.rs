//! Owns what every check starts from: a log on a device, and records that can be
//! found again.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use shuttle::thread::{self, JoinHandle};
use tidelog_core::{
    AppendError, AppendOptions, Appended, At, BlobId, BlockStore, Durability, Host, Indexes, Log,
    LogId, MemoryStore, NewRecord, Options, ReadError, ReadLimits, Reader, Sharing, Threads,
};

use crate::blocking::wait;
use crate::device::{Device, DeviceError};
use crate::sharing::Modelled;

/// A log as the checks see it.
pub type ModelledLog = Log<Arc<Device>, Modelled>;

/// A reader of one.
pub type ModelledReader = Reader<Arc<Device>, Modelled>;

/// What an append comes to.
pub type Outcome<E = DeviceError> = Result<Appended, AppendError<E>>;

/// Records in every batch.
pub const BATCH: u64 = 2;

/// A clock that stands still, and numbers that are random enough for salts.
struct Counting(AtomicU64);

impl Host for Counting {
    fn now(&self) -> i64 {
        0
    }

    fn random(&self) -> u64 {
        self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed)
    }
}

/// The key of records with this number in their batch.
pub const fn key(record: u64) -> &'static [u8] {
    match record {
        0 => b"even",
        _ => b"odd",
    }
}

/// The indexes of logs that are prepared.
const INDEXES: Indexes = Indexes {
    keys: true,
    times: true,
};

/// Batches in each of the two segments of a prepared log.
pub const PREPARED: u64 = 2;

/// What a store holds after two writers that closed the log: two small segments with
/// footers, and indexes by key and time.
fn prepared() -> &'static [(BlobId, Vec<u8>)] {
    static BLOBS: OnceLock<Vec<(BlobId, Vec<u8>)>> = OnceLock::new();
    BLOBS.get_or_init(|| {
        let store = Arc::new(MemoryStore::<Threads>::new());
        for writer in 0..2 {
            let options = Options {
                indexes: Some(INDEXES),
                ..Options::default()
            };
            let host = Arc::new(Counting(AtomicU64::new(writer * 1000 + 1)));
            let opened = Log::<_, Threads>::open(Arc::clone(&store), LogId(1), options, host);
            let log = wait(opened).expect("memory opens");
            for batch in 0..PREPARED {
                let level = Durability::Synced;
                wait(append(&log, 8 + writer, batch, level)).expect("memory takes it");
            }
            wait(log.close()).expect("memory takes it");
        }
        let blobs = wait(store.list(LogId(1))).expect("memory lists");
        let read = |blob| {
            let length = wait(store.settle(blob)).expect("it is there");
            let mut bytes = vec![0; usize::try_from(length).expect("small blobs")];
            wait(store.read(blob, 0, &mut bytes)).expect("it is there");
            (blob, bytes)
        };
        blobs.into_iter().map(read).collect()
    })
}

/// A log, its device, and the thread that is the device's.
pub struct Setting {
    pub device: Arc<Device>,
    pub log: ModelledLog,
    works: JoinHandle<()>,
}

impl Setting {
    /// A new log of which the level is `durability`.
    pub fn new(durability: Durability) -> Self {
        Self::on(Device::default(), durability)
    }

    /// A log with two segments that could be one, indexed, with `stored` as its level.
    pub fn prepared() -> Self {
        Self::on(Device::of(prepared()), Durability::Stored)
    }

    fn on(device: Device, durability: Durability) -> Self {
        let device = Arc::new(device);
        let working = Arc::clone(&device);
        let works = thread::spawn(move || working.work());
        let options = Options {
            durability: Some(durability),
            ..Options::default()
        };
        let log = open(Arc::clone(&device), options);
        Self { device, log, works }
    }

    /// The process dies, and another opens the log.
    pub fn reopened(self) -> Self {
        let Self { device, log, works } = self;
        drop(log);
        let log = open(Arc::clone(&device), Options::default());
        Self { device, log, works }
    }

    /// Ends the device's thread, once nothing asks it for anything any more.
    pub fn end(self) {
        drop(self.log);
        self.device.stop();
        self.works.join().expect("the device works to its end");
    }
}

/// A new log in `store`.
pub fn open<S: BlockStore>(store: S, options: Options) -> Log<S, Modelled> {
    let host = Arc::new(Counting(AtomicU64::new(1)));
    wait(Log::open(store, LogId(1), options, host)).expect("an empty store opens")
}

/// What a record says: who wrote it, which of that thread's batches it is in, and
/// which record of the batch it is. No two are the same.
pub fn value(thread: u64, batch: u64, record: u64) -> [u8; 16] {
    let mut value = *b"<thread-t-b-r--#";
    for (at, number) in [(8, thread), (10, batch), (12, record)] {
        value[at] = b'a' + u8::try_from(number).expect("few of them");
    }
    value
}

/// The batch that a record with this value is in, and its place in the batch.
pub fn batch_of(value: &[u8]) -> ([u8; 3], u64) {
    ([value[8], b'-', value[10]], u64::from(value[12] - b'a'))
}

/// Appends one batch.
pub async fn append<S: BlockStore, P: Sharing>(
    log: &Log<S, P>,
    thread: u64,
    batch: u64,
    level: Durability,
) -> Outcome<S::Error> {
    let values: Vec<[u8; 16]> = (0..BATCH).map(|at| value(thread, batch, at)).collect();
    let records: Vec<NewRecord<'_>> = (0..)
        .zip(&values)
        .map(|(record, value)| NewRecord::new(value).key(key(record)))
        .collect();
    let options = AppendOptions {
        durability: Some(level),
        ..AppendOptions::default()
    };
    log.append(&records, options).await
}

/// Holds an acknowledgement against the device: it has answered for those bytes.
pub fn is_kept(device: &Device, thread: u64, batch: u64, level: Durability) {
    for record in 0..BATCH {
        let kept = device.has(&value(thread, batch, record));
        let enough = match level {
            Durability::Buffered => true,
            Durability::Stored => kept.is_some(),
            Durability::Synced => kept == Some(Durability::Synced),
        };
        assert!(
            enough,
            "batch {batch} of thread {thread} was acknowledged as {level:?}, the device has {kept:?}"
        );
    }
}

/// The offsets that one read of the log finds, and the one that it got to.
pub fn one_read(reader: &ModelledReader) -> (BTreeSet<u64>, u64) {
    let batch = wait(reader.read(At::Oldest, ReadLimits::records(64)));
    let batch = batch.expect("what is in bounds can be read");
    let offsets = batch.records().map(|record| record.offset);
    (offsets.collect(), batch.next())
}

/// All offsets, when nobody else is at work any more.
pub fn offsets(reader: &ModelledReader) -> BTreeSet<u64> {
    let (offsets, next) = one_read(reader);
    assert_eq!(next, reader.bounds().next, "nothing is in the way");
    offsets
}

/// Every record below `end`, in order. Whatever is in bounds can be read; what was
/// refused leaves a gap.
pub fn read(reader: &ModelledReader, end: u64) -> Vec<Vec<u8>> {
    let mut values = Vec::new();
    let mut next = 0;
    while next < end {
        let batch = match wait(reader.read(At::Offset(next), ReadLimits::records(64))) {
            Ok(batch) => batch,
            Err(ReadError::Closed) => return values,
            Err(error) => panic!("what is in bounds can be read: {error}"),
        };
        assert!(batch.next() > next, "what is in bounds can be read");
        for record in batch.records().take_while(|record| record.offset < end) {
            assert!(record.offset >= next, "offsets grow");
            next = record.offset + 1;
            values.push(record.value.expect("every record has a value").to_vec());
        }
        next = batch.next();
    }
    values
}

/// No batch is torn: each is there from its first record to its last.
pub fn are_whole(values: &[Vec<u8>]) {
    assert_eq!(values.len() as u64 % BATCH, 0, "whole batches");
    for chunk in values.chunks(usize::try_from(BATCH).expect("few")) {
        let batches: Vec<_> = chunk.iter().map(|value| batch_of(value)).collect();
        for (at, (batch, record)) in (0..).zip(&batches) {
            assert_eq!(
                (*batch, *record),
                (batches[0].0, at),
                "a batch in one piece"
            );
        }
    }
}

/// Every batch got offsets of its own, without a gap between them.
pub fn are_consecutive(mut appended: Vec<Appended>) {
    appended.sort_by_key(|one| one.first);
    let mut next = 0;
    for one in appended {
        assert_eq!((one.first, one.next), (next, next + BATCH), "offsets");
        next = one.next;
    }
}
