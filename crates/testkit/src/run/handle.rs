//! Owns an open log of a run: each call goes to the engine and to the model, and
//! the answers are compared.

mod lookups;
mod removals;

use std::cell::Cell;
use std::rc::Rc;

use tidelog_core::{
    AppendOptions, Durability, ErrorKind, Indexes, LogId, Options, Producer, ProducerId,
};

use super::{Failure, Run};
use crate::engine::{Ack, Engine, Refusal};
use crate::generate::{GeneratedBatch, Generator};
use crate::model::{BatchId, Fate, History, Produced, Seen};
use crate::sim::{Claims, Operation, SimStore};

/// An open log of a run.
pub struct Handle<'a, E> {
    run: &'a Run<E>,
    store: SimStore,
    engine: E,
    log: LogId,
    /// For each level, the next offset of what this handle acknowledged at it.
    reached: Cell<[u64; 3]>,
}

impl<'a, E: Engine> Handle<'a, E> {
    pub(super) fn new(run: &'a Run<E>, store: SimStore, engine: E, log: LogId) -> Self {
        Self {
            run,
            store,
            engine,
            log,
            reached: Cell::default(),
        }
    }

    /// The engine, for calls whose answers the caller compares.
    #[must_use]
    pub const fn engine(&self) -> &E {
        &self.engine
    }

    /// Appends a new batch; `None` for the log's own level.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn append(&self, level: impl Into<Option<Durability>>) -> Result<Ack, Failure> {
        let batch = self.run.generate(Generator::batch);
        self.append_batch(batch, None, level.into()).await
    }

    /// Appends a new batch as the next one of a producer.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn produce(
        &self,
        id: ProducerId,
        level: impl Into<Option<Durability>>,
    ) -> Result<Ack, Failure> {
        let last = self
            .produced()
            .iter()
            .filter(|(_, producer, ..)| producer.id == id)
            .map(|(_, producer, ..)| (producer.epoch, producer.sequence + 1))
            .max();
        let (epoch, sequence) = last.unwrap_or((0, 0));
        let producer = Producer {
            id,
            epoch,
            sequence,
        };
        let batch = self.run.generate(Generator::batch);
        self.append_batch(batch, Some(producer), level.into()).await
    }

    /// Appends this batch.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn append_batch(
        &self,
        batch: GeneratedBatch,
        producer: Option<Producer>,
        level: Option<Durability>,
    ) -> Result<Ack, Failure> {
        let batch = Rc::new(batch);
        let sent = Rc::clone(&batch);
        let writer = self.run.origin ^ self.store.process();
        let id = self.run.remember("send", |model| {
            model.log(self.log).send(sent, producer, writer)
        });
        let ack = self.send(id, &batch, producer, level).await?;
        if ack.duplicate {
            return Err(Failure::Broken(format!(
                "(c) {id:?} is new, but was answered as a duplicate"
            )));
        }
        Ok(ack)
    }

    /// Sends a batch of a producer once more.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn resend(
        &self,
        id: BatchId,
        level: impl Into<Option<Durability>>,
    ) -> Result<Ack, Failure> {
        let found = self.produced().into_iter().find(|(known, ..)| *known == id);
        let Some((_, producer, batch, there)) = found else {
            return Err(Failure::Broken(format!("{id:?} belongs to no producer")));
        };
        let writer = self.run.origin ^ self.store.process();
        self.run
            .remember("resend", |model| model.log(self.log).resend(id, writer));
        let ack = self.send(id, &batch, Some(producer), level.into()).await?;
        if there.is_none() && !ack.duplicate {
            self.run.remember("resent", |model| {
                model.log(self.log).appended_anew(id);
            });
        }
        if there.is_some() && !ack.duplicate {
            return Err(Failure::Broken(format!(
                "(c) {id:?} is there, but was appended once more"
            )));
        }
        Ok(ack)
    }

    async fn send(
        &self,
        id: BatchId,
        batch: &GeneratedBatch,
        producer: Option<Producer>,
        level: Option<Durability>,
    ) -> Result<Ack, Failure> {
        let options = AppendOptions {
            durability: level,
            producer,
        };
        let mut watch = Watch {
            run: self.run,
            log: self.log,
            id: Some(id),
        };
        let answer = self.engine.append(batch, options).await;
        watch.id = None;
        let run = self.run;
        run.tell(|| format!("-- {id:?} sent with {options:?}: {answer:?}"));
        let own = run.options.get().durability.unwrap_or_default();
        let level = level.unwrap_or(own);
        let ack = match answer {
            Ok(ack) => ack,
            Err(refusal) => {
                let fate = match refusal.kind {
                    // It may have been written before the answer, or never.
                    ErrorKind::Unavailable
                    | ErrorKind::Timeout
                    | ErrorKind::Fenced
                    | ErrorKind::Poisoned => Fate::Abandoned,
                    _ => Fate::Refused,
                };
                run.remember("refuse", |model| model.log(self.log).end(id, fate));
                return Err(self.failed(refusal).await);
            }
        };
        let records = batch.records().len() as u64;
        if ack.offsets_known {
            if ack.next != ack.first + records {
                return Err(Failure::Broken(format!(
                    "{records} records got the offsets {} to {}",
                    ack.first, ack.next
                )));
            }
            run.remember("ack", |model| model.log(self.log).ack(id, ack.first, level))?;
            self.reach(ack.next, level);
        } else {
            // It was there, and may have been removed since.
            run.remember("known", |model| {
                model.log(self.log).end(id, Fate::Abandoned);
            });
        }
        Ok(ack)
    }

    /// Hands buffered records to the store.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn flush(&self) -> Result<u64, Failure> {
        let next = self.told(self.engine.flush().await).await?;
        self.reach(next, Durability::Stored);
        self.run.remember("flushed", |model| {
            model.log(self.log).reached(next, Durability::Stored);
        });
        Ok(next)
    }

    /// Makes everything durable.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn sync(&self) -> Result<u64, Failure> {
        let sent = self.floor(Durability::Buffered);
        let next = self.told(self.engine.sync().await).await?;
        self.run.remember("synced", |model| {
            model.log(self.log).reached(next, Durability::Synced);
        });
        self.reach(next, Durability::Synced);
        if next < sent {
            return Err(Failure::Broken(format!(
                "sync answered {next}, but {sent} was acknowledged before"
            )));
        }
        Ok(next)
    }

    /// Makes these the indexes of the log.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn reindex(&self, indexes: Indexes) -> Result<(), Failure> {
        // Opening is refused where a log has other indexes than those named.
        let named = |indexes| Options {
            indexes,
            ..self.run.options()
        };
        self.run.set_options(named(None));
        let reindexed = self.engine.reindex(indexes).await;
        self.told(reindexed).await?;
        self.run.set_options(named(Some(indexes)));
        Ok(())
    }

    /// Brings the backup of the log up to date: everything in the log is in it then, and
    /// nothing else. Nothing else may be going on.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn back_up(&self) -> Result<(), Failure> {
        if !E::BACKS_UP {
            return Ok(());
        }
        let seen = self.picture().await?;
        let next = seen.last().map_or(0, |last| last.offset + 1);
        let next = next.max(self.floor(Durability::Buffered));
        self.run.remember("backing up", |model| {
            model.backup(self.log).begin(seen);
        });
        let answer = self.engine.back_up().await;
        let reaches = self.told(answer).await?;
        if reaches < next {
            return Err(Failure::Broken(format!(
                "the backup ends at {reaches}, and the log at {next}"
            )));
        }
        self.run.remember("backed up", |model| {
            model.backup(self.log).done();
        });
        Ok(())
    }

    /// Everything in the log, as a copy of it has to have it.
    async fn picture(&self) -> Result<Vec<Seen>, Failure> {
        // What is in nobody's view yet, or may yet be refused, would make a difference.
        let model = self.run.model();
        let open = model.get(self.log).is_some_and(History::is_open);
        drop(model);
        if open || self.run.machine.setup().may_be_full() {
            self.sync().await?;
        }
        self.told(self.engine.seen().await).await
    }

    /// Closes the log: everything in it is synced then.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn close(self) -> Result<(), Failure> {
        let next = self.floor(Durability::Buffered);
        self.engine.close().await?;
        self.run.remember("closed", |model| {
            model.log(self.log).reached(next, Durability::Synced);
        });
        Ok(())
    }

    /// Compares what this handle, and readers beside it, can see with what was
    /// sent and acknowledged.
    ///
    /// # Errors
    /// [`Failure::Broken`] at a difference.
    pub async fn compare(&self) -> Result<(), Failure> {
        let seen = self.engine.seen().await?;
        let published = self.engine.published().await?;
        let model = self.run.model();
        let Some(history) = model.get(self.log) else {
            return Ok(());
        };
        history
            .check(&seen, Durability::Buffered)
            .map_err(|sentence| format!("in the writer's own view: {sentence}"))?;
        history
            .check_part(&published)
            .map_err(|sentence| format!("in the view of readers: {sentence}"))?;
        let own = self.run.options.get().durability.unwrap_or_default();
        let (acked, synced) = (
            self.reached.get()[own as usize],
            self.reached.get()[Durability::Synced as usize],
        );
        let visible = published.last().map_or(0, |record| record.offset + 1);
        let next = history.end_of(&published);
        let durable = self.engine.durable();
        let sentence = if next < acked {
            format!("readers see up to {next}, but {acked} was acknowledged at the log's level")
        } else if own == Durability::Synced && visible > durable {
            format!("readers see up to {visible}, of which only {durable} is durable")
        } else if durable < synced {
            format!("the engine holds {durable} for durable, but acknowledged {synced} as synced")
        } else {
            return Ok(());
        };
        Err(Failure::Broken(sentence))
    }

    /// As [`compare`](Self::compare), and every other way of reading must agree.
    ///
    /// # Errors
    /// [`Failure::Broken`] at a difference.
    pub async fn verify(&self) -> Result<(), Failure> {
        self.compare().await?;
        let seen = self.engine.seen().await?;
        self.engine.read_otherwise(&seen).await?;
        if !self.engine.is_timed() {
            return Ok(());
        }
        let model = self.run.model();
        let times = model.get(self.log).and_then(|history| history.times(&seen));
        if let Some(times) = times {
            self.engine.find_times(&times).await?;
        }
        Ok(())
    }

    fn reach(&self, next: u64, level: Durability) {
        let mut reached = self.reached.get();
        for floor in &mut reached[..=level as usize] {
            *floor = next.max(*floor);
        }
        self.reached.set(reached);
    }

    async fn told<T>(&self, answer: Result<T, Refusal>) -> Result<T, Failure> {
        match answer {
            Ok(answer) => Ok(answer),
            Err(refusal) => Err(self.failed(refusal).await),
        }
    }

    /// After a write or a sync failed, nothing is acknowledged any more, and what
    /// is durable stays readable.
    async fn failed(&self, refusal: Refusal) -> Failure {
        if refusal.kind != ErrorKind::Poisoned {
            return refusal.into();
        }
        let batch = self.run.generate(Generator::batch);
        if let Ok(ack) = self.engine.append(&batch, AppendOptions::default()).await {
            let first = ack.first;
            return Failure::Broken(format!("poisoned, but acknowledged offset {first}"));
        }
        if let Ok(next) = self.engine.sync().await {
            return Failure::Broken(format!("poisoned, but synced up to {next}"));
        }
        let readable = self
            .run
            .machine
            .setup()
            .faults
            .iter()
            .all(|fault| !matches!(fault.operation, Operation::Read | Operation::List));
        if !readable {
            return refusal.into();
        }
        let seen = match self.engine.seen().await {
            Ok(seen) => seen,
            Err(refusal) => {
                return Failure::Broken(format!("poisoned, and unreadable: {refusal}"));
            }
        };
        let model = self.run.model();
        let claims = self.run.machine.setup().claims;
        let checked = model.get(self.log).map_or(Ok(()), |history| match claims {
            Claims::Locks => history.check(&seen, Durability::Synced),
            // A writer that was replaced does not see what came after it.
            Claims::Epochs => history.check_part(&seen),
        });
        match checked {
            Ok(()) => refusal.into(),
            Err(sentence) => Failure::Broken(format!("poisoned, and {sentence}")),
        }
    }

    /// The batches of producers. What is remembered is not held on to: a change to
    /// it would have to copy it.
    fn produced(&self) -> Vec<Produced> {
        let model = self.run.model();
        let history = model.get(self.log);
        history.map_or_else(Vec::new, History::produced)
    }

    /// Kills the process that holds this log.
    pub fn kill(self) {
        self.run.machine.kill(&self.store);
    }

    fn floor(&self, level: Durability) -> u64 {
        let model = self.run.model();
        model
            .get(self.log)
            .map_or(0, |history| history.floor(level))
    }
}

/// Notes that nobody waits for an append any more, when its future is dropped.
struct Watch<'a, E: Engine> {
    run: &'a Run<E>,
    log: LogId,
    id: Option<BatchId>,
}

impl<E: Engine> Drop for Watch<'_, E> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.run
                .tell(|| format!("-- nobody waits for {id:?} any more"));
            self.run.remember("abandon", |model| {
                model.log(self.log).end(id, Fate::Abandoned);
            });
        }
    }
}
