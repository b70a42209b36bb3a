//! Owns how tidelog itself is opened and appended to, through the blocking API
//! that its users have.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use tidelog::blocking::{Log, Logs};
use tidelog::{
    AppendOptions, BlobKind, BlockStore, Durability, FileStore, Indexes, NewRecord, Producer,
    ProducerId, SystemHost,
};
use tidelog_testkit::counting::{CountingStore, Operation};

use crate::workload::{Appender, Message, Workload};

const NAME: &str = "bench";

/// Bytes of cache that hold every log of these measurements.
pub const CACHE_FOR_ALL: usize = 2 << 30;

/// Opens the log in `dir`, with its default settings.
///
/// # Errors
/// That of tidelog.
pub fn open(dir: &Path) -> Result<Log> {
    open_over(FileStore::create(dir)?)
}

/// Indexes by key and by time.
pub const BOTH: Indexes = Indexes {
    keys: true,
    times: true,
};

/// Opens the log in `dir` with these indexes, which it gets if it is new.
///
/// # Errors
/// That of tidelog.
pub fn open_indexed(dir: &Path, indexes: Indexes) -> Result<Log> {
    let logs = Logs::over(FileStore::create(dir)?, Arc::new(SystemHost));
    Ok(logs.log(NAME).create(true).indexes(indexes).open()?)
}

/// Opens the log in `store`.
///
/// # Errors
/// That of tidelog.
pub fn open_over<S>(store: S) -> Result<Log<S>>
where
    S: BlockStore<Error: Send + Sync>,
{
    let logs = Logs::over(store, Arc::new(SystemHost));
    Ok(logs.log(NAME).create(true).open()?)
}

/// Opens the log in `dir` with a cache that holds all of it.
///
/// # Errors
/// That of tidelog.
pub fn open_cached(dir: &Path) -> Result<Log> {
    let logs = Logs::open(dir)?;
    Ok(logs.log(NAME).cache_bytes(CACHE_FOR_ALL).open()?)
}

/// A log and how to append to it.
pub struct Ours<S: BlockStore = FileStore> {
    log: Log<S>,
    options: AppendOptions,
    records: Vec<NewRecord<'static>>,
}

impl<S: BlockStore> Ours<S> {
    /// Appends to `log` at `level`.
    #[must_use]
    pub fn new(log: Log<S>, level: Durability) -> Self {
        Self {
            log,
            options: level.into(),
            records: Vec::new(),
        }
    }

    /// The same, as an idempotent producer.
    #[must_use]
    pub fn producing(mut self) -> Self {
        self.options.producer = Some(Producer {
            id: ProducerId([7; 16]),
            epoch: 0,
            sequence: 0,
        });
        self
    }
}

impl<S: BlockStore<Error: Send + Sync>> Appender for Ours<S> {
    fn append(&mut self, batch: &[Message]) -> Result<()> {
        self.records.clear();
        self.records.extend(batch.iter().map(|message| NewRecord {
            key: message.key,
            ..NewRecord::new(message.value)
        }));
        self.log.append(&self.records, self.options)?;
        if let Some(producer) = &mut self.options.producer {
            producer.sequence += 1;
        }
        Ok(())
    }
}

/// Bytes that one batch adds to the segment: its frame.
///
/// # Errors
/// That of tidelog.
pub fn frame_bytes(workload: &Workload) -> Result<usize> {
    let store = Arc::new(CountingStore::new(tidelog::MemoryStore::new()));
    let mut ours = Ours::new(open_over(Arc::clone(&store))?, Durability::Stored);
    let mut batch = Vec::new();
    workload.fill(0, &mut batch);
    ours.append(&batch)?;
    let before = store.snapshot();
    ours.append(&batch)?;
    let added = store.snapshot().since(&before);
    Ok(usize::try_from(
        added.of(Operation::Append, BlobKind::Segment).bytes,
    )?)
}

/// Fills the log in `dir` with a workload, and closes it: sealed, as `maintain`
/// leaves it.
///
/// # Errors
/// That of tidelog.
pub fn fill(dir: &Path, workload: &Workload) -> Result<()> {
    let log = open(dir)?;
    workload.run(&mut Ours::new(log.clone(), workload.level))?;
    log.close()?;
    Ok(())
}
