//! Owns how tidelog's own log is put before the simulator.

use std::fmt::Display;
use std::sync::Arc;

use tidelog_core::{AppendOptions, At, Batch, ErrorKind, Log, LogId, Options, ReadLimits, Record};

use super::{Ack, Engine, Refusal};
use crate::generate::{GeneratedBatch, record_digest};
use crate::model::Seen;
use crate::sim::{SimHost, SimStore};

/// A tidelog log on a simulated store.
pub struct LogEngine(Log<SimStore>);

impl LogEngine {
    /// The log itself.
    #[must_use]
    pub const fn log(&self) -> &Log<SimStore> {
        &self.0
    }

    /// The [`record_digest`] of a record that was read.
    #[must_use]
    pub fn digest(record: &Record<'_>) -> u64 {
        let headers = record.headers.map(|header| (header.name, header.value));
        record_digest(record.time, record.key, record.value, headers)
    }
}

/// Bytes a maintenance call may copy: enough for any script.
const BUDGET: u64 = 1 << 20;

impl Engine for LogEngine {
    async fn open(
        store: SimStore,
        log: LogId,
        options: Options,
        host: Arc<SimHost>,
    ) -> Result<Self, Refusal> {
        let opened = Log::open(store, log, options, host).await;
        opened
            .map(Self)
            .map_err(|error| refusal(error.kind(), &error))
    }

    async fn append(&self, batch: &GeneratedBatch, options: AppendOptions) -> Result<Ack, Refusal> {
        let headers = batch.headers();
        let records = batch.borrowed(&headers);
        let appended = self.0.append(&records, options).await;
        let appended = appended.map_err(|error| refusal(error.kind(), &error))?;
        Ok(Ack {
            first: appended.first,
            next: appended.next,
            duplicate: appended.duplicate,
            offsets_known: appended.offsets_known,
        })
    }

    async fn flush(&self) -> Result<u64, Refusal> {
        let flushed = self.0.flush().await;
        flushed.map_err(|error| refusal(error.kind(), &error))
    }

    async fn sync(&self) -> Result<u64, Refusal> {
        let synced = self.0.sync().await;
        synced.map_err(|error| refusal(error.kind(), &error))
    }

    async fn maintain(&self) -> Result<bool, Refusal> {
        let maintained = self.0.maintain(BUDGET).await;
        maintained
            .map(|maintained| maintained.more)
            .map_err(|error| refusal(error.kind(), &error))
    }

    async fn seen(&self) -> Result<Vec<Seen>, Refusal> {
        let mut all = Vec::new();
        let mut next = self.0.bounds().oldest;
        loop {
            let read = self.0.read(At::Offset(next), ReadLimits::default()).await;
            let batch = read.map_err(|error| refusal(error.kind(), &error))?;
            if batch.next() == next {
                return Ok(all);
            }
            next = take(&batch, next, &mut all)?;
        }
    }

    async fn published(&self) -> Result<Vec<Seen>, Refusal> {
        let reader = self.0.reader();
        let mut all = Vec::new();
        let mut next = reader.bounds().oldest;
        loop {
            let read = reader.read(At::Offset(next), ReadLimits::records(3)).await;
            let batch = read.map_err(|error| refusal(error.kind(), &error))?;
            if batch.next() == next {
                return Ok(all);
            }
            next = take(&batch, next, &mut all)?;
        }
    }

    async fn read_otherwise(&self, seen: &[Seen]) -> Result<(), Refusal> {
        for record in seen.iter().step_by(3) {
            let entry = self.0.get(At::Offset(record.offset)).await;
            let entry = entry.map_err(|error| refusal(error.kind(), &error))?;
            differs(std::slice::from_ref(record), [entry.record()], "by offset")?;
        }
        let mut backwards = seen.to_vec();
        backwards.reverse();
        let mut rest = backwards.as_slice();
        let mut before = At::Next;
        while !rest.is_empty() {
            let read = self.0.read_reverse(before, ReadLimits::records(2)).await;
            let batch = read.map_err(|error| refusal(error.kind(), &error))?;
            let count = batch.len().clamp(1, rest.len());
            differs(&rest[..count], batch.records(), "backwards")?;
            before = At::Offset(rest[count - 1].offset);
            rest = &rest[count..];
        }
        if self.0.reader().bounds().last.is_some() {
            let followed = self.0.follow(At::Oldest, ReadLimits::records(1)).await;
            let batch = followed.map_err(|error| refusal(error.kind(), &error))?;
            differs(&seen[..1], batch.records(), "following")?;
        }
        Ok(())
    }

    fn durable(&self) -> u64 {
        self.0.bounds().durable
    }

    fn reports_damage(&self) -> bool {
        !self.0.recovery().damage.is_empty()
    }

    async fn close(&self) -> Result<(), Refusal> {
        let closed = self.0.close().await;
        closed.map_err(|error| refusal(error.kind(), &error))
    }
}

fn take(batch: &Batch, from: u64, all: &mut Vec<Seen>) -> Result<u64, Refusal> {
    if batch.next() < from {
        let sentence = format!("reading from {from} on leads back to {}", batch.next());
        return Err(refusal(ErrorKind::Internal, &sentence));
    }
    all.extend(batch.records().map(|record| Seen {
        offset: record.offset,
        digest: LogEngine::digest(&record),
    }));
    Ok(batch.next())
}

fn differs<'r>(
    seen: &[Seen],
    records: impl IntoIterator<Item = Record<'r>>,
    way: &str,
) -> Result<(), Refusal> {
    let read = records.into_iter().map(|record| Seen {
        offset: record.offset,
        digest: LogEngine::digest(&record),
    });
    if read.eq(seen.iter().copied()) {
        return Ok(());
    }
    let first = seen.first().map_or(0, |record| record.offset);
    let sentence = format!("reading offset {first} {way} finds something else");
    Err(refusal(ErrorKind::Internal, &sentence))
}

fn refusal(kind: ErrorKind, error: &impl Display) -> Refusal {
    Refusal {
        kind,
        sentence: error.to_string(),
    }
}
