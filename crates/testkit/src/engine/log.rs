//! Owns how tidelog's own log is put before the simulator.

use std::sync::Arc;

use tidelog_core::{
    AppendOptions, At, Batch, Compaction, ErrorKind, Indexes, Log, LogId, Options, ReadLimits,
    Record, TrimTo,
};

use super::lookups::{self, agree};
use super::{Ack, Engine, Medium, Refusal, Removing, refusal};
use crate::generate::{GeneratedBatch, record_digest};
use crate::model::Seen;
use crate::sim::{SimHost, SimStore};

/// A tidelog log on a simulated store, or on another one.
pub struct LogEngine<S: Medium = SimStore>(Log<S>);

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

impl<S: Medium> Engine for LogEngine<S> {
    async fn open(
        store: SimStore,
        log: LogId,
        options: Options,
        host: Arc<SimHost>,
    ) -> Result<Self, Refusal> {
        let (store, log) = store.placed(log);
        let opened = Log::open(S::of(store)?, log, options, host).await;
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

    async fn reindex(&self, indexed: bool) -> Result<(), Refusal> {
        let indexes = Indexes {
            keys: indexed,
            times: indexed,
        };
        let reindexed = self.0.reindex(indexes).await;
        reindexed
            .map(drop)
            .map_err(|error| refusal(error.kind(), &error))
    }

    const REMOVES: bool = true;

    async fn remove(&self, what: Removing<'_>) -> Result<u64, Refusal> {
        let log = &self.0;
        let removed = match what {
            Removing::Deleted(offsets) => log.delete(offsets).await.map(|done| done.records),
            Removing::Trimmed(below) => {
                let before = TrimTo::Before(At::Offset(below));
                log.trim(before).await.map(|done| done.records)
            }
            Removing::Compacted(updates, tombstones) => {
                let compaction = Compaction::up_to(updates, tombstones);
                log.compact(compaction).await.map(|done| done.records)
            }
        };
        removed.map_err(|error| refusal(error.kind(), &error))
    }

    async fn configure(&self, options: &Options) -> Result<(), Refusal> {
        let configured = self.0.configure(options).await;
        configured.map_err(|error| refusal(error.kind(), &error))
    }

    fn backs_up(&self) -> bool {
        self.0.store().elsewhere().is_some()
    }

    async fn back_up(&self) -> Result<u64, Refusal> {
        let Some(target) = self.0.store().elsewhere() else {
            return Err(refusal(ErrorKind::Unsupported, &"there is nowhere else"));
        };
        let done = self.0.backup(&target).await;
        let done = done.map_err(|error| refusal(error.kind(), &error))?;
        Ok(done.next)
    }

    async fn seen(&self) -> Result<Vec<Seen>, Refusal> {
        let mut all = Vec::new();
        let bounds = self.0.bounds();
        let mut next = bounds.oldest;
        loop {
            let read = self.0.read(At::Offset(next), ReadLimits::default()).await;
            let batch = read.map_err(|error| refusal(error.kind(), &error))?;
            if batch.next() == next {
                break;
            }
            next = take(&batch, next, &mut all)?;
        }
        // Where reading found damage, opening may have taken more for lost than there is; and
        // a reader looks again, at what has changed meanwhile.
        let settled = !self.reports_damage() && self.0.bounds().last == bounds.last;
        let exists = |last: u64| all.iter().any(|record| record.offset == last);
        if settled && !bounds.last.is_none_or(exists) {
            let sentence = format!("the last of {bounds:?} does not exist");
            return Err(refusal(ErrorKind::Internal, &sentence));
        }
        agree(&self.0).await?;
        Ok(all)
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

    async fn find_times(&self, times: &[(u64, i64)]) -> Result<(), Refusal> {
        lookups::by_index_time(&self.0, times).await
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

    async fn follow(&self, next: u64) -> Result<Vec<Seen>, Refusal> {
        let reader = self.0.reader();
        let followed = reader
            .follow(At::Offset(next), ReadLimits::records(2))
            .await;
        let batch = followed.map_err(|error| refusal(error.kind(), &error))?;
        let mut seen = Vec::new();
        take(&batch, next, &mut seen)?;
        Ok(seen)
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
