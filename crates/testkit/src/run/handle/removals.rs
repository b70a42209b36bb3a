//! Owns the calls of an open log that remove records: what has to go is worked out
//! beforehand, and compared.

use std::future::Future;

use tidelog_core::{Options, Retention};

use super::{Failure, Handle};
use crate::engine::{Engine, Refusal, Removing};
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
        if records.is_empty() {
            return Ok(());
        }
        let offsets: Vec<u64> = records.iter().map(|record| record.offset).collect();
        let deletion = self.engine.remove(Removing::Deleted(&offsets));
        self.remove(records, 0, deletion).await.map(drop)
    }

    /// Trims away some of the oldest records.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn trim(&self) -> Result<(), Failure> {
        let mut records = self.removable();
        records.truncate(self.drawn(records.len() + 1));
        let Some(last) = records.last() else {
            return Ok(());
        };
        let below = last.offset + 1;
        let trim = self.engine.remove(Removing::Trimmed(below));
        self.remove(records, below, trim).await.map(drop)
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
        let compaction = self.engine.remove(Removing::Compacted(updates, tombstones));
        let removed = self.remove(records, 0, compaction).await?;
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
            ..self.run.options()
        };
        self.run.set_options(options);
        let options = Options {
            retention,
            ..Options::default()
        };
        self.told(self.engine.configure(&options).await).await
    }

    /// Housekeeping until there is nothing more to do. Where the log keeps only so many
    /// records, or those of some time, nothing else may be going on.
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
        if !E::REMOVES || (retention.age, retention.records) == (None, None) {
            return Ok(Vec::new());
        }
        self.sync().await?;
        let seen = self.told(self.engine.seen().await).await?;
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
        removal: impl Future<Output = Result<u64, Refusal>>,
    ) -> Result<u64, Failure> {
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

    fn drawn(&self, bound: usize) -> usize {
        self.run
            .generate(|generator| generator.random().index(bound))
    }
}
