//! Owns how tidelog's own log is put before the simulator.

use std::sync::Arc;

use tidelog_core::{
    AppendOptions, At, Batch, Compacted, Compaction, Deleted, ErrorKind, Indexes, Log, LogId,
    Options, ReadLimits, Record, TrimTo, Trimmed,
};

use super::lookups::{self, Knowing};
use super::{Ack, Engine, Medium, Refusal, Removed, Removing, refusal};
use crate::generate::{GeneratedBatch, record_digest};
use crate::model::Seen;
use crate::sim::{SimHost, SimStore};

/// A tidelog log on a simulated store, or on another one.
pub struct LogEngine<S: Medium = SimStore> {
    log: Log<S>,
    process: SimStore,
}

impl<S: Medium> LogEngine<S> {
    /// The log itself.
    #[must_use]
    pub const fn log(&self) -> &Log<S> {
        &self.log
    }
}

impl LogEngine {
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
        let (process, log) = store.placed(log);
        let opened = Log::open(S::of(process.clone())?, log, options, host).await;
        opened
            .map(|log| Self { log, process })
            .map_err(|error| refusal(error.kind(), &error))
    }

    async fn append(&self, batch: &GeneratedBatch, options: AppendOptions) -> Result<Ack, Refusal> {
        let headers = batch.headers();
        let records = batch.borrowed(&headers);
        let appended = self.log.append(&records, options).await;
        let appended = appended.map_err(|error| refusal(error.kind(), &error))?;
        Ok(Ack {
            first: appended.first,
            next: appended.next,
            duplicate: appended.duplicate,
            offsets_known: appended.offsets_known,
        })
    }

    async fn flush(&self) -> Result<u64, Refusal> {
        let flushed = self.log.flush().await;
        flushed.map_err(|error| refusal(error.kind(), &error))
    }

    async fn sync(&self) -> Result<u64, Refusal> {
        let synced = self.log.sync().await;
        synced.map_err(|error| refusal(error.kind(), &error))
    }

    async fn maintain(&self) -> Result<bool, Refusal> {
        let maintained = self.log.maintain(BUDGET).await;
        maintained
            .map(|maintained| maintained.more)
            .map_err(|error| refusal(error.kind(), &error))
    }

    async fn reindex(&self, indexes: Indexes) -> Result<(), Refusal> {
        let reindexed = self.log.reindex(indexes).await;
        reindexed
            .map(drop)
            .map_err(|error| refusal(error.kind(), &error))
    }

    const REMOVES: bool = true;

    async fn remove(&self, what: Removing<'_>) -> Result<Removed, Refusal> {
        let log = &self.log;
        let removed = match what {
            Removing::Deleted(offsets) => log.delete(offsets).await.map(|done| deleted(&done)),
            Removing::Trimmed(to) => log.trim(to).await.map(trimmed),
            Removing::Cleared => log.clear().await.map(trimmed),
            Removing::Compacted(updates, tombstones) => {
                let compaction = Compaction::up_to(updates, tombstones);
                log.compact(compaction).await.map(compacted)
            }
        };
        removed.map_err(|error| refusal(error.kind(), &error))
    }

    async fn plan(&self, what: Removing<'_>) -> Result<Removed, Refusal> {
        let log = &self.log;
        let planned = match what {
            Removing::Deleted(offsets) => log.plan_delete(offsets).await.map(|done| deleted(&done)),
            Removing::Trimmed(to) => log.plan_trim(to).await.map(trimmed),
            Removing::Cleared => {
                let all = TrimTo::Before(At::Next);
                log.plan_trim(all).await.map(trimmed)
            }
            Removing::Compacted(updates, tombstones) => {
                let compaction = Compaction::up_to(updates, tombstones);
                let planned = log.plan_compact(compaction).await;
                planned.map(|(_, planned)| compacted(planned))
            }
        };
        planned.map_err(|error| refusal(error.kind(), &error))
    }

    async fn configure(&self, options: &Options) -> Result<(), Refusal> {
        let configured = self.log.configure(options).await;
        configured.map_err(|error| refusal(error.kind(), &error))
    }

    const BACKS_UP: bool = true;

    async fn back_up(&self) -> Result<u64, Refusal> {
        let target = S::of(self.process.elsewhere())?;
        let done = self.log.backup(&target).await;
        let done = done.map_err(|error| refusal(error.kind(), &error))?;
        Ok(done.next)
    }

    async fn seen(&self) -> Result<Vec<Seen>, Refusal> {
        let mut all = Vec::new();
        let mut known = Knowing::of(&self.log);
        let bounds = self.log.bounds();
        let mut next = bounds.oldest;
        loop {
            let read = self.log.read(At::Offset(next), ReadLimits::default()).await;
            let batch = read.map_err(|error| refusal(error.kind(), &error))?;
            if batch.next() == next {
                break;
            }
            next = take(&batch, next, &mut all)?;
            known.learn(&batch);
        }
        // Where reading found damage, opening may have taken more for lost than there is; and
        // a reader looks again, at what has changed meanwhile.
        let settled = !self.reports_damage() && self.log.bounds().last == bounds.last;
        let exists = |last: u64| all.iter().any(|record| record.offset == last);
        if settled && !bounds.last.is_none_or(exists) {
            let sentence = format!("the last of {bounds:?} does not exist");
            return Err(refusal(ErrorKind::Internal, &sentence));
        }
        known.agree(&self.log).await?;
        Ok(all)
    }

    async fn published(&self) -> Result<Vec<Seen>, Refusal> {
        let reader = self.log.reader();
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

    fn is_timed(&self) -> bool {
        self.log.settings().indexes.times
    }

    async fn find_times(&self, times: &[(u64, i64)]) -> Result<(), Refusal> {
        lookups::by_index_time(&self.log, times).await
    }

    async fn read_otherwise(&self, seen: &[Seen]) -> Result<(), Refusal> {
        for record in seen.iter().step_by(3) {
            let entry = self.log.get(At::Offset(record.offset)).await;
            let entry = entry.map_err(|error| refusal(error.kind(), &error))?;
            differs(std::slice::from_ref(record), [entry.record()], "by offset")?;
        }
        let mut backwards = seen.to_vec();
        backwards.reverse();
        let mut rest = backwards.as_slice();
        let mut before = At::Next;
        while !rest.is_empty() {
            let read = self.log.read_reverse(before, ReadLimits::records(2)).await;
            let batch = read.map_err(|error| refusal(error.kind(), &error))?;
            let count = batch.len().clamp(1, rest.len());
            differs(&rest[..count], batch.records(), "backwards")?;
            before = At::Offset(rest[count - 1].offset);
            rest = &rest[count..];
        }
        if self.log.reader().bounds().last.is_some() {
            let followed = self.log.follow(At::Oldest, ReadLimits::records(1)).await;
            let batch = followed.map_err(|error| refusal(error.kind(), &error))?;
            differs(&seen[..1], batch.records(), "following")?;
        }
        Ok(())
    }

    async fn follow(&self, next: u64) -> Result<Vec<Seen>, Refusal> {
        let reader = self.log.reader();
        let followed = reader
            .follow(At::Offset(next), ReadLimits::records(2))
            .await;
        let batch = followed.map_err(|error| refusal(error.kind(), &error))?;
        let mut seen = Vec::new();
        take(&batch, next, &mut seen)?;
        Ok(seen)
    }

    fn durable(&self) -> u64 {
        self.log.bounds().durable
    }

    fn reports_damage(&self) -> bool {
        !self.log.recovery().damage.is_empty()
    }

    async fn close(&self) -> Result<(), Refusal> {
        let closed = self.log.close().await;
        closed.map_err(|error| refusal(error.kind(), &error))
    }
}

fn deleted(done: &Deleted) -> Removed {
    Removed {
        records: done.records,
        oldest: None,
    }
}

fn trimmed(done: Trimmed) -> Removed {
    Removed {
        records: done.records,
        oldest: Some(done.oldest),
    }
}

fn compacted(done: Compacted) -> Removed {
    Removed {
        records: done.records,
        oldest: None,
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
