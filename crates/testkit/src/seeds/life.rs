//! Owns one generation of a random life: which verb comes next, and what is
//! observed of it.

use std::cell::Cell;
use std::fmt;

use tidelog_core::{Durability, ErrorKind, Indexes, Keep, LogId, ReadLimits, Retention};

use super::LEVELS;
use super::verb::{Counts, Mix, Verb};
use crate::engine::{Engine as _, LogEngine, Medium};
use crate::generate::Generator;
use crate::model::{History, Produced, Seen};
use crate::random::{digest, mix};
use crate::run::{Failure, Handle, LOG, Run};
use crate::sim::{Crowd, Cut, ELSEWHERE};

/// Times a log is opened again when a fault hits the opening itself.
const OPENINGS: u64 = 4;

/// How many of the last batches of producers may be sent again.
const RESENT: usize = 8;

/// How old records may become where time decides, in microseconds.
const AGE: u64 = 10_000_000;

/// Microseconds between the time up to which records go and those of any record: half of
/// what generated times differ by.
const AWAY: i64 = 1 << 19;

/// One process after the other on one machine.
pub(super) struct Life<'a, S: Medium> {
    run: &'a Run<LogEngine<S>>,
    mix: Mix,
    observed: Cell<u64>,
    /// What the writer saw when it last read everything.
    known: Vec<Seen>,
    step: u64,
    verb: Verb,
    counts: Counts,
}

impl<S: Medium> fmt::Display for Life<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {} ({:?})", self.step, self.verb)
    }
}

type Open<'a, S> = Handle<'a, LogEngine<S>>;

impl<'a, S: Medium> Life<'a, S> {
    pub fn new(run: &'a Run<LogEngine<S>>, mix: Mix, observed: u64) -> Self {
        Self {
            run,
            mix,
            observed: Cell::new(observed),
            known: Vec::new(),
            step: 0,
            verb: Verb::Open,
            counts: Counts::new(),
        }
    }

    /// The hash of everything observed so far.
    pub const fn observed(&self) -> u64 {
        self.observed.get()
    }

    /// The steps so far.
    pub fn counts(self) -> Counts {
        self.counts
    }

    /// Opens what a crash of this sort left, and does `steps` steps with it. What
    /// is in flight at the end stays so.
    pub async fn live(&mut self, cut: Cut, steps: u64) -> Result<(), Failure> {
        let mut handle = self.open(cut).await?;
        if let Err(failure) = self.look_at_backup(cut).await {
            self.note_failure(&failure)?;
        }
        for step in 0..steps {
            self.step = step;
            self.verb = self.draw(&handle);
            self.run.tell(|| format!("-- {self}"));
            *self.counts.entry(self.verb).or_default() += 1;
            handle = self.step(handle).await?;
        }
        self.verb = Verb::End;
        if let Err(failure) = self.look_back(&handle).await {
            self.note_failure(&failure)?;
            handle = self.again(handle).await?;
            self.look_back(&handle).await?;
        }
        if let Err(failure) = self.crowd(&handle, 3).await {
            self.note_failure(&failure)?;
        }
        Ok(())
    }

    /// Reads everything; now and then in every way there is.
    async fn look_back(&self, handle: &Open<'a, S>) -> Result<(), Failure> {
        if self.below(4) == 0 {
            handle.verify().await
        } else {
            handle.compare().await
        }
    }

    fn draw(&self, handle: &Open<'a, S>) -> Verb {
        let verb = self.mix.verb(self.below(self.mix.all()));
        match verb {
            Verb::Resend if self.produced().is_empty() => Verb::Produce,
            verb if handle.engine().log().bounds().last.is_none() => verb.where_empty(),
            verb => verb,
        }
    }

    /// The backup that a crash of this sort left is one that was made, whole.
    async fn look_at_backup(&self, cut: Cut) -> Result<(), Failure> {
        if self.run.model().backups().next().is_none() {
            return Ok(());
        }
        let seen = self.run.look(LogId(LOG.0 + ELSEWHERE)).await?;
        self.note_seen(&seen);
        self.run.remember("looked at the backup", |model| {
            model.backup(LOG).reopen(&seen, cut)
        })?;
        Ok(())
    }

    async fn step(&mut self, handle: Open<'a, S>) -> Result<Open<'a, S>, Failure> {
        let done = match self.verb {
            Verb::Close => {
                return match handle.close().await {
                    Ok(()) => self.open(Cut::Power).await,
                    Err(failure) => {
                        self.note_failure(&failure)?;
                        self.run.machine().kill_all();
                        self.open(Cut::Kill).await
                    }
                };
            }
            Verb::Kill => return self.again(handle).await,
            _ => self.act(&handle).await,
        };
        match done {
            Ok(()) => Ok(handle),
            Err(failure) => {
                self.note_failure(&failure)?;
                // Of what was refused, producers send theirs again first.
                let goes_on = failure.is(ErrorKind::Full) && !self.verb.removes();
                if goes_on && self.resend_lost(&handle).await.is_ok() {
                    return Ok(handle);
                }
                self.again(handle).await
            }
        }
    }

    /// One step that leaves the log open.
    async fn act(&mut self, handle: &Open<'a, S>) -> Result<(), Failure> {
        match self.verb {
            Verb::Large => {
                let bytes = 1_000 + self.below(6_000) as usize;
                let batch = self.run.generate(|generator| generator.large(bytes));
                let ack = handle.append_batch(batch, None, Some(self.level())).await?;
                self.note(ack.first);
            }
            Verb::Resend => self.resend(handle).await?,
            Verb::Maintain => handle.maintain().await?,
            Verb::Get | Verb::Read | Verb::Backwards | Verb::Follow => self.read(handle).await?,
            Verb::FindKey => self.observe(handle.find_key().await?.as_slice())?,
            Verb::FindTime => self.observe(handle.find_time().await?.as_slice())?,
            Verb::ReadKey => {
                let from = self.somewhere(handle);
                self.observe(&handle.read_key(from, self.limits()).await?)?;
            }
            Verb::Delete => handle.delete_few(8).await?,
            Verb::Trim => handle.trim().await?,
            Verb::TrimByRule => handle.trim_by_rule().await?,
            Verb::Clear => handle.clear().await?,
            Verb::Compact => handle.compact().await?,
            Verb::Retain => self.retain(handle).await?,
            Verb::Reindex => {
                let (keys, times) = (self.below(4) > 0, self.below(4) > 0);
                handle.reindex(Indexes { keys, times }).await?;
            }
            Verb::Gc => {
                let keep = match self.below(2) {
                    0 => Keep::Used,
                    // Everything or nothing: what a block weighs differs by platform.
                    _ if self.below(8_192) < 4_096 => Keep::Bytes(usize::MAX),
                    _ => Keep::Bytes(0),
                };
                handle.engine().log().gc(keep);
            }
            Verb::Backup => {
                handle.back_up().await?;
                self.look_at_backup(Cut::Kill).await?;
            }
            Verb::Export => handle.export().await?,
            Verb::Check => handle.check().await?,
            Verb::Stat => {
                let stat = handle.engine().log().stat();
                for fact in [stat.records, stat.bytes, stat.epoch, stat.bounds.durable] {
                    self.note(fact);
                }
            }
            Verb::Compare => {
                handle.compare().await?;
                self.known = handle.engine().seen().await?;
                self.note_seen(&self.known);
            }
            Verb::Look => {
                let seen = self.run.look(LOG).await?;
                self.note_seen(&seen);
                let model = self.run.model();
                if let Some(history) = model.get(LOG) {
                    history
                        .check(&seen, Durability::Stored)
                        .map_err(|sentence| format!("in another process: {sentence}"))?;
                }
            }
            Verb::Crowd => self.crowd(handle, 6).await?,
            Verb::Flush => self.note(handle.flush().await?),
            Verb::Sync => self.note(handle.sync().await?),
            Verb::Produce => {
                let producer = Generator::producer(self.below(2) as u8);
                let ack = handle.produce(producer, self.level()).await?;
                self.note(ack.first);
            }
            _ => {
                let ack = handle.append(self.level()).await?;
                self.note(ack.first);
                self.note(ack.next);
            }
        }
        Ok(())
    }

    /// Kills the process, and opens the log in another.
    async fn again(&mut self, handle: Open<'a, S>) -> Result<Open<'a, S>, Failure> {
        handle.kill();
        self.open(Cut::Kill).await
    }

    /// Opens the log, and sends what a crash took of its producers again. A fault
    /// may hit either; another process opens it then.
    async fn open(&mut self, mut cut: Cut) -> Result<Open<'a, S>, Failure> {
        self.known.clear();
        let mut openings = 1;
        loop {
            let failure = match self.run.reopen(LOG, cut).await {
                Ok(handle) => match self.resend_lost(&handle).await {
                    Ok(()) => return Ok(handle),
                    Err(failure) => {
                        cut = Cut::Kill;
                        failure
                    }
                },
                Err(failure) => failure,
            };
            self.note_failure(&failure)?;
            if openings == OPENINGS {
                return Err(failure);
            }
            openings += 1;
            self.run.machine().kill_all();
        }
    }

    async fn resend_lost(&self, handle: &Open<'a, S>) -> Result<(), Failure> {
        for (id, _, _, there) in self.produced() {
            if there.is_none() {
                let ack = handle.resend(id, self.level()).await?;
                self.note(ack.first);
            }
        }
        Ok(())
    }

    fn produced(&self) -> Vec<Produced> {
        let model = self.run.model();
        let history = model.get(LOG);
        history.map_or_else(Vec::new, History::produced)
    }

    /// Sends one of a producer's last batches once more.
    async fn resend(&self, handle: &Open<'a, S>) -> Result<(), Failure> {
        let mut produced = self.produced();
        let recent = produced.split_off(produced.len().saturating_sub(RESENT));
        if recent.is_empty() {
            return Ok(());
        }
        let (id, ..) = recent[self.below(recent.len() as u64) as usize];
        let ack = handle.resend(id, self.level()).await?;
        self.note(u64::from(ack.duplicate));
        Ok(())
    }

    /// Lets the log keep everything from now on, or so many records or bytes, or those
    /// of some time.
    async fn retain(&self, handle: &Open<'a, S>) -> Result<(), Failure> {
        let mut retention = Retention::default();
        match self.below(4) {
            0 => retention.records = Some(1 + self.below(60)),
            1 => retention.bytes = Some(4_096 * (1 + self.below(6))),
            2 => {
                retention.age = Some(AGE);
                let times = handle.times().await?;
                let time = times.get(self.below(times.len() as u64) as usize);
                let time = time.copied().unwrap_or_default();
                let now = time + AWAY + AGE.cast_signed();
                self.run.host().set_clock(now);
            }
            _ => {}
        }
        handle.retain(retention).await
    }

    /// Reads a few records somewhere; what was there before must still be there.
    async fn read(&self, handle: &Open<'a, S>) -> Result<(), Failure> {
        let (from, limits) = (self.somewhere(handle), self.limits());
        let seen = match self.verb {
            Verb::Get => handle.get(from).await?.into_iter().collect(),
            Verb::Read => handle.read(from, limits).await?,
            Verb::Backwards => handle.read_reverse(from, limits).await?,
            _ => {
                let reader = handle.engine().log().reader();
                if reader.bounds().last.is_none() {
                    handle.sync().await?;
                }
                match reader.bounds().last {
                    Some(last) => handle.follow(from.min(last), limits).await?,
                    None => Vec::new(),
                }
            }
        };
        self.observe(&seen)
    }

    fn somewhere(&self, handle: &Open<'a, S>) -> u64 {
        let bounds = handle.engine().log().bounds();
        bounds.oldest + self.below(bounds.next - bounds.oldest)
    }

    fn limits(&self) -> ReadLimits {
        ReadLimits::records(1 + self.below(4) as usize)
    }

    fn observe(&self, seen: &[Seen]) -> Result<(), Failure> {
        for record in seen {
            let known = self
                .known
                .binary_search_by_key(&record.offset, |known| known.offset);
            if known.is_ok_and(|at| self.known[at] != *record) {
                let offset = record.offset;
                return Err(Failure::Broken(format!("offset {offset} has changed")));
            }
        }
        self.note_seen(seen);
        Ok(())
    }

    /// A few appends, syncs and reads at the same time, one poll in `drops` of
    /// which is the last of its future.
    async fn crowd(&self, handle: &Open<'a, S>, drops: u64) -> Result<(), Failure> {
        let mut crowd = Crowd::new(self.word(), drops);
        for member in 0..3 {
            crowd.add(member, async move {
                match self.below(6) {
                    0 => handle.sync().await,
                    1 => handle.flush().await,
                    2 => handle
                        .produce(Generator::producer(2 + member as u8), self.level())
                        .await
                        .map(|ack| ack.first),
                    _ => handle.append(self.level()).await.map(|ack| ack.first),
                }
            });
        }
        let mut refused = Ok(());
        for (member, outcome) in crowd.run(self.run.machine())? {
            self.note(member as u64);
            match outcome {
                Some(Ok(number)) => self.note(number),
                Some(Err(failure)) => refused = Err(failure),
                None => {}
            }
        }
        refused
    }

    fn word(&self) -> u64 {
        self.run.generate(|generator| generator.random().word())
    }

    fn below(&self, bound: u64) -> u64 {
        self.run
            .generate(|generator| generator.random().below(bound))
    }

    fn level(&self) -> Durability {
        LEVELS[self.below(3) as usize]
    }

    fn note(&self, fact: u64) {
        self.observed
            .set(mix(self.observed.get() ^ fact).wrapping_add(fact));
    }

    fn note_seen(&self, seen: &[Seen]) {
        for record in seen {
            self.note(record.offset);
            self.note(record.digest);
        }
    }

    /// Refusals are right where something went wrong with the disk.
    fn note_failure(&self, failure: &Failure) -> Result<(), Failure> {
        let faulty = !self.run.machine().setup().faults.is_empty();
        if !faulty || matches!(failure, Failure::Broken(_)) {
            return Err(failure.clone());
        }
        self.note(digest(1, failure.to_string().as_bytes()));
        Ok(())
    }
}
