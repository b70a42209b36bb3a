//! Owns one generation of a random life: which verb comes next, and what is
//! observed of it.

use std::cell::Cell;
use std::fmt;

use tidelog_core::{At, Batch, Durability, ErrorKind, ReadLimits};

use super::{Engine, LEVELS};
use crate::engine::{Engine as _, refusal};
use crate::generate::Generator;
use crate::model::{History, Produced, Seen};
use crate::random::{digest, mix};
use crate::run::{Failure, Handle, LOG, Run};
use crate::sim::{Crowd, Cut};

/// Times a log is opened again when a fault hits the opening itself.
const OPENINGS: u64 = 4;

/// How many of the last batches of producers may be sent again.
const RESENT: usize = 8;

/// What a step may be, with how often in about two hundred. What reads everything
/// is rare: it takes as long as a hundred of the others.
const VERBS: [(Verb, u64); 17] = [
    (Verb::Append, 100),
    (Verb::Large, 2),
    (Verb::Produce, 16),
    (Verb::Resend, 8),
    (Verb::Flush, 8),
    (Verb::Sync, 8),
    (Verb::Maintain, 6),
    (Verb::Get, 20),
    (Verb::Read, 10),
    (Verb::Backwards, 8),
    (Verb::Follow, 6),
    (Verb::Stat, 6),
    (Verb::Compare, 1),
    (Verb::Look, 1),
    (Verb::Crowd, 4),
    (Verb::Close, 1),
    (Verb::Kill, 1),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Open,
    Append,
    Large,
    Produce,
    Resend,
    Flush,
    Sync,
    Maintain,
    Get,
    Read,
    Backwards,
    Follow,
    Stat,
    Compare,
    Look,
    Crowd,
    Close,
    Kill,
    End,
}

/// One process after the other on one machine.
pub(super) struct Life<'a> {
    run: &'a Run<Engine>,
    observed: Cell<u64>,
    /// What the writer saw when it last read everything.
    known: Vec<Seen>,
    step: u64,
    verb: Verb,
}

impl fmt::Display for Life<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {} ({:?})", self.step, self.verb)
    }
}

type Open<'a> = Handle<'a, Engine>;

impl<'a> Life<'a> {
    pub fn new(run: &'a Run<Engine>, observed: u64) -> Self {
        Self {
            run,
            observed: Cell::new(observed),
            known: Vec::new(),
            step: 0,
            verb: Verb::Open,
        }
    }

    /// The hash of everything observed so far.
    pub const fn observed(&self) -> u64 {
        self.observed.get()
    }

    /// Opens what a crash of this sort left, and does `steps` steps with it. What
    /// is in flight at the end stays so.
    pub async fn live(&mut self, cut: Cut, steps: u64) -> Result<(), Failure> {
        let mut handle = self.open(cut).await?;
        for step in 0..steps {
            self.step = step;
            self.verb = self.draw();
            self.run.tell(|| format!("-- {self}"));
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
    async fn look_back(&self, handle: &Open<'a>) -> Result<(), Failure> {
        if self.below(4) == 0 {
            handle.verify().await
        } else {
            handle.compare().await
        }
    }

    fn draw(&self) -> Verb {
        let all: u64 = VERBS.iter().map(|(_, odds)| odds).sum();
        let mut at = self.below(all);
        for (verb, odds) in VERBS {
            if at < odds {
                return verb;
            }
            at -= odds;
        }
        Verb::Append
    }

    async fn step(&mut self, handle: Open<'a>) -> Result<Open<'a>, Failure> {
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
                if failure.is(ErrorKind::Full) && self.resend_lost(&handle).await.is_ok() {
                    return Ok(handle);
                }
                self.again(handle).await
            }
        }
    }

    /// One step that leaves the log open.
    async fn act(&mut self, handle: &Open<'a>) -> Result<(), Failure> {
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
    async fn again(&mut self, handle: Open<'a>) -> Result<Open<'a>, Failure> {
        handle.kill();
        self.open(Cut::Kill).await
    }

    /// Opens the log, and sends what a crash took of its producers again. A fault
    /// may hit either; another process opens it then.
    async fn open(&mut self, mut cut: Cut) -> Result<Open<'a>, Failure> {
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

    async fn resend_lost(&self, handle: &Open<'a>) -> Result<(), Failure> {
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
    async fn resend(&self, handle: &Open<'a>) -> Result<(), Failure> {
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

    /// Reads a few records somewhere; what was there before must still be there.
    async fn read(&self, handle: &Open<'a>) -> Result<(), Failure> {
        let log = handle.engine().log();
        let bounds = log.bounds();
        if bounds.last.is_none() {
            return Ok(());
        }
        let span = bounds.next - bounds.oldest;
        let from = bounds.oldest + self.below(span);
        let limits = ReadLimits::records(1 + self.below(4) as usize);
        let batch = match self.verb {
            Verb::Get => {
                // An offset may be vacant: of a batch that was taken back.
                match log.get(At::Offset(from)).await {
                    Ok(entry) => {
                        let record = entry.record();
                        let digest = Engine::digest(&record);
                        let offset = record.offset;
                        return self.observe(&[Seen { offset, digest }]);
                    }
                    Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                    Err(error) => return Err(refusal(error.kind(), &error).into()),
                }
            }
            Verb::Read => log.read(At::Offset(from), limits).await,
            Verb::Backwards => log.read_reverse(At::Offset(from), limits).await,
            _ => {
                let reader = log.reader();
                match reader.bounds().last {
                    Some(last) => reader.follow(At::Offset(from.min(last)), limits).await,
                    None => return Ok(()),
                }
            }
        };
        let batch = batch.map_err(|error| refusal(error.kind(), &error))?;
        self.observe(&seen(&batch))
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
    async fn crowd(&self, handle: &Open<'a>, drops: u64) -> Result<(), Failure> {
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

fn seen(batch: &Batch) -> Vec<Seen> {
    let records = batch.records();
    records
        .map(|record| Seen {
            offset: record.offset,
            digest: Engine::digest(&record),
        })
        .collect()
}
