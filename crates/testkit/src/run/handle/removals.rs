//! Owns the calls of an open log that remove records: what has to go is worked out
//! beforehand, and compared.

use std::future::Future;

use tidelog_core::{At, Options, Retention, TrimTo};

use super::{Failure, Handle};
use crate::engine::{Engine, Refusal, Removed, Removing};
use crate::generate::GeneratedRecord;
use crate::model::{History, RemovalId, Seen, superfluous};

/// Microseconds by which the clock may move on between asking for a removal by age and
/// its being worked out. Times of records are the same, or farther from each other.
const HASTE: i64 = 1_000;

impl<E: Engine> Handle<'_, E> {
    /// Deletes some of the records there are: about half, or few.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn delete(&self) -> Result<(), Failure> {
        let mut records = self.removable();
        let one_in = [2, 2, 16][self.drawn(3)];
        records.retain(|_| self.drawn(one_in) == 0);
        self.delete_these(records).await.map(drop)
    }

    /// Deletes some of `most` records that follow each other, and offsets that nobody
    /// has. Nothing else may be going on.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn delete_few(&self, most: usize) -> Result<(), Failure> {
        let mut records = self.removable();
        records.drain(..self.drawn(records.len()));
        records.truncate(most);
        let first = records.first().copied();
        records.retain(|record| Some(*record) == first || self.drawn(3) > 0);
        let certain = self.certain(&records);
        let all = records.len() as u64;
        let removed = self.delete_these(records).await?;
        if (certain..=all).contains(&removed) {
            return Ok(());
        }
        Err(Failure::Broken(format!(
            "{removed} records were deleted, where {certain} to {all} were there"
        )))
    }

    async fn delete_these(&self, records: Vec<Seen>) -> Result<u64, Failure> {
        if records.is_empty() {
            return Ok(0);
        }
        let mut offsets: Vec<u64> = records.iter().map(|record| record.offset).collect();
        // Nobody has this one yet: it is left out.
        offsets.push(u64::MAX);
        let deletion = self.engine.remove(Removing::Deleted(&offsets));
        let removed = self.remove(records, 0, deletion).await?;
        Ok(removed.records)
    }

    /// Trims away some of the oldest records.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn trim(&self) -> Result<(), Failure> {
        let mut records = self.removable();
        records.truncate(1 + self.drawn(records.len()));
        let Some(last) = records.last() else {
            return Ok(());
        };
        let below = last.offset + 1;
        let to = TrimTo::Before(At::Offset(below));
        let trim = self.engine.remove(Removing::Trimmed(to));
        self.remove(records, below, trim).await.map(drop)
    }

    /// Removes everything. Nothing else may be going on.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn clear(&self) -> Result<(), Failure> {
        if !E::REMOVES {
            return Ok(());
        }
        let below = self.sync().await?;
        let clear = self.engine.remove(Removing::Cleared);
        self.remove(self.removable(), below, clear).await?;
        match self.told(self.engine.seen().await).await?.first() {
            None => Ok(()),
            Some(left) => Err(Failure::Broken(format!(
                "offset {} is there after everything was removed",
                left.offset
            ))),
        }
    }

    /// Trims by count, by bytes or by age, and holds what was planned, and what was
    /// done, against what it has to be. Nothing else may be going on.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn trim_by_rule(&self) -> Result<(), Failure> {
        if !E::REMOVES {
            return Ok(());
        }
        let seen = self.marked().await?;
        let (to, exact) = match self.drawn(3) {
            0 => {
                let keep = self.drawn(seen.len() + 2);
                let gone = seen.len().saturating_sub(keep);
                (TrimTo::Records(keep as u64), Some(gone))
            }
            1 => (TrimTo::Bytes(512 * self.drawn(40) as u64), None),
            _ => self.known(&seen, |known| {
                let time = match known.get(self.drawn(known.len() + 1)) {
                    Some((_, record)) => record.time,
                    None => i64::MAX,
                };
                let gone = known.iter().position(|(_, record)| record.time > time);
                (TrimTo::Time(time), Some(gone.unwrap_or(known.len())))
            }),
        };
        let planned = self.planned(&seen, to).await?;
        if exact.is_some_and(|exact| exact != planned.len()) {
            return Err(Failure::Broken(format!(
                "trimming to {to:?} would remove {} records, not {exact:?}",
                planned.len()
            )));
        }
        let count = planned.len() as u64;
        let below = planned.last().map_or(0, |last| last.offset + 1);
        let trim = self.engine.remove(Removing::Trimmed(to));
        let done = self.remove(planned, below, trim).await?;
        if done.records == count {
            return Ok(());
        }
        Err(Failure::Broken(format!(
            "trimming to {to:?} removed {} records, where {count} were planned",
            done.records
        )))
    }

    /// Which of the records that are seen such a trim would remove: what it says of
    /// their number is what it says of their offsets.
    async fn planned(&self, seen: &[Seen], to: TrimTo) -> Result<Vec<Seen>, Failure> {
        let plan = self.engine.plan(Removing::Trimmed(to)).await;
        let plan = self.told(plan).await?;
        let oldest = plan.oldest.unwrap_or(0);
        let below = seen.partition_point(|record| record.offset < oldest);
        if plan.records == below as u64 {
            return Ok(seen[..below].to_vec());
        }
        Err(Failure::Broken(format!(
            "trimming to {to:?} would remove {} records, but {below} lie below {oldest}",
            plan.records
        )))
    }

    /// Everything that is there, synced and vouched for.
    async fn marked(&self) -> Result<Vec<Seen>, Failure> {
        let oldest = Removing::Trimmed(TrimTo::Before(At::Oldest));
        self.told(self.engine.remove(oldest).await).await?;
        self.sync().await?;
        self.told(self.engine.seen().await).await
    }

    /// Deletes what newer records have made superfluous, up to some time. Nothing else
    /// may be going on.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn compact(&self) -> Result<(), Failure> {
        if !E::REMOVES {
            return Ok(());
        }
        self.sync().await?;
        let seen = self.told(self.engine.seen().await).await?;
        let (updates, tombstones, mut records) = self.known(&seen, |known| {
            let times = known.iter().map(|(_, record)| record.time);
            let times: Vec<i64> = times.chain([i64::MAX]).collect();
            let updates = times[self.drawn(times.len())];
            let tombstones = times[self.drawn(times.len())];
            (updates, tombstones, superfluous(known, updates, tombstones))
        });
        let expected = records.len() as u64;
        if self.forgiven() {
            records = seen;
        }
        let superfluous = Removing::Compacted(updates, tombstones);
        let planned = self.told(self.engine.plan(superfluous).await).await?;
        if planned.records != expected && !self.forgiven() {
            return Err(Failure::Broken(format!(
                "compaction would delete {} records instead of {expected}",
                planned.records
            )));
        }
        let compaction = self.engine.remove(superfluous);
        let removed = self.remove(records, 0, compaction).await?.records;
        if removed == expected || self.forgiven() {
            return Ok(());
        }
        Err(Failure::Broken(format!(
            "compaction deleted {removed} records instead of {expected}"
        )))
    }

    /// The times of the records there are, in order.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn times(&self) -> Result<Vec<i64>, Failure> {
        let seen = self.told(self.engine.seen().await).await?;
        Ok(self.known(&seen, |known| {
            let times = known.iter().map(|(_, record)| record.time);
            times.collect()
        }))
    }

    /// Lets the log, and all who open it from now on, keep no more than this.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn retain(&self, retention: Retention) -> Result<(), Failure> {
        let retention = Some(retention);
        let options = Options {
            retention,
            ..Options::default()
        };
        self.told(self.engine.configure(&options).await).await?;
        self.run.set_options(Options {
            retention,
            ..self.run.options()
        });
        Ok(())
    }

    /// Housekeeping until there is nothing more to do. Where the log does not keep
    /// everything, nothing else may be going on.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn maintain(&self) -> Result<(), Failure> {
        for _ in 0..64 {
            let begun = self.begin(self.retired().await?, 0);
            let more = self.told(self.engine.maintain().await).await?;
            self.end("retired", &begun);
            if !more {
                return Ok(());
            }
        }
        Err(Failure::Broken("maintain never comes to an end".into()))
    }

    /// What retention has to remove now, removal by removal.
    async fn retired(&self) -> Result<Vec<Vec<Seen>>, Failure> {
        let retention = self.run.options.get().retention.unwrap_or_default();
        if !E::REMOVES || retention == Retention::default() {
            return Ok(Vec::new());
        }
        let seen = self.marked().await?;
        let age = retention.age.and_then(|age| i64::try_from(age).ok());
        let old = age.map_or(0, |age| {
            let time = self.run.host.clock() - age + HASTE;
            let young = |known: &[(Seen, &GeneratedRecord)]| {
                known.iter().position(|(_, record)| record.time > time)
            };
            self.known(&seen, young).unwrap_or(seen.len())
        });
        if self.forgiven() {
            return Ok(vec![seen]);
        }
        if let Some(bytes) = retention.bytes {
            return Ok(vec![self.planned(&seen, TrimTo::Bytes(bytes)).await?]);
        }
        let (old, rest) = seen.split_at(old);
        let most = retention.records.unwrap_or(u64::MAX);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let (surplus, _) = rest.split_at(rest.len().saturating_sub(most));
        Ok(vec![old.to_vec(), surplus.to_vec()])
    }

    /// These records go, together with whatever else lies below `below`, or not at all.
    async fn remove(
        &self,
        records: Vec<Seen>,
        below: u64,
        removal: impl Future<Output = Result<Removed, Refusal>>,
    ) -> Result<Removed, Failure> {
        let begun = self.begin(vec![records], below);
        let answer = removal.await;
        self.run
            .tell(|| format!("-- removed {begun:?}: {answer:?}"));
        // One that failed may have been written before the answer, or is written later.
        if answer.is_ok() {
            self.end("removed", &begun);
        }
        self.told(answer).await
    }

    fn begin(&self, sets: Vec<Vec<Seen>>, below: u64) -> Vec<RemovalId> {
        let mut sets = sets;
        if self.forgiven() {
            // What a lying disk shows decides what goes.
            sets = sets
                .into_iter()
                .flatten()
                .map(|record| vec![record])
                .collect();
        }
        sets.retain(|records| !records.is_empty());
        if sets.is_empty() {
            return Vec::new();
        }
        self.run.tell(|| format!("-- removing {sets:?}"));
        self.run.remember("remove", |model| {
            let history = model.log(self.log);
            let begun = sets
                .into_iter()
                .map(|records| history.remove(records, below));
            begun.collect()
        })
    }

    fn end(&self, event: &'static str, begun: &[RemovalId]) {
        if begun.is_empty() {
            return;
        }
        self.run.remember(event, |model| {
            let history = model.log(self.log);
            begun.iter().for_each(|id| history.removed(*id));
        });
    }

    fn removable(&self) -> Vec<Seen> {
        if !E::REMOVES {
            return Vec::new();
        }
        let model = self.run.model();
        let history = model.get(self.log);
        history.map_or_else(Vec::new, History::removable)
    }

    /// How many of these records are there for certain.
    fn certain(&self, records: &[Seen]) -> u64 {
        let model = self.run.model();
        let history = model.get(self.log);
        let certain = |record: &&Seen| history.is_some_and(|history| !history.is_doubtful(record));
        records.iter().filter(certain).count() as u64
    }

    /// Whether the disk lies.
    fn forgiven(&self) -> bool {
        let model = self.run.model();
        model.get(self.log).is_some_and(History::is_forgiven)
    }

    /// What `look` makes of the records that are seen.
    fn known<T>(&self, seen: &[Seen], look: impl FnOnce(&[(Seen, &GeneratedRecord)]) -> T) -> T {
        let model = self.run.model();
        let history = model.get(self.log);
        look(&history.map_or_else(Vec::new, |history| history.known(seen)))
    }

    pub(super) fn drawn(&self, bound: usize) -> usize {
        self.run
            .generate(|generator| generator.random().index(bound))
    }
}
