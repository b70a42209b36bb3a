//! Owns the exploration of damage at rest: a closed log is hit somewhere, and
//! (g) the damage is reported with its place, costs no more than what it hit, and
//! keeps nobody from going on.

use std::rc::Rc;
use std::sync::Arc;

use tidelog_core::{
    At, Durability, ErrorKind, Local, Log, ReadError, ReadLimits, Salvage, recover,
};

use super::hit::Hit;
use super::{Address, Explorer, Played, Tally};
use crate::engine::{Engine, LogEngine};
use crate::model::{Model, Seen};
use crate::panics;
use crate::random::mix;
use crate::run::{LOG, Run};
use crate::sim::{self, Disk, Machine, Notes, Setup, SimHost, SimStore};

impl Explorer<'_, LogEngine> {
    /// Plays the script, and hits what it leaves in about `states` ways.
    #[must_use]
    pub fn explore_damage(mut self, states: u64) -> Tally {
        let (disk, model, killed) = match panics::caught(|| self.left()) {
            Ok(left) => left,
            Err(sentence) => {
                self.fail(&Address::of(None), "run", sentence);
                return self.tally;
            }
        };
        for number in 0..states {
            let Some(hit) = Hit::draw(&disk, number) else {
                continue;
            };
            if hit.is_silent(&disk, killed) {
                continue;
            }
            let damaged = hit.on(&disk);
            self.tally.states += 1;
            if !self.keys.insert(self.script.name, mix(damaged.digest())) {
                continue;
            }
            self.tally.count_damage(hit.blob.kind);
            self.tally.lived_on += 1;
            let judged = panics::caught(|| self.judge_damage(hit, &disk, damaged, &model, None));
            if let Err(sentence) = judged {
                let address = Address::of_damage(number);
                self.fail(&address, "damage", format!("{sentence} ({hit})"));
            }
        }
        self.tally
    }

    /// Judges damage `number` again.
    ///
    /// # Errors
    /// The sentence of its failure.
    pub fn repeat_damage(&self, number: u64, notes: &Notes) -> Result<(), String> {
        let (disk, model, _) = panics::caught(|| self.left())?;
        let hit = Hit::draw(&disk, number).ok_or("the script left nothing to damage")?;
        let note = |line: String| notes.borrow_mut().push(line);
        note(hit.to_string());
        disk.describe().into_iter().for_each(note);
        let damaged = hit.on(&disk);
        panics::caught(|| self.judge_damage(hit, &disk, damaged, &model, Some(notes)))
            .map_err(|sentence| format!("{sentence} ({hit})"))
    }

    /// What the script leaves, what is in it, and whether its last segment was
    /// left without being sealed.
    fn left(&self) -> Result<(Disk, Rc<Model>, bool), String> {
        let Played {
            moments, machine, ..
        } = self.play(None)?;
        let last = moments.last().map(|moment| Rc::clone(&moment.model));
        let model = last.unwrap_or_default();
        let closed = moments.last().is_some_and(|last| last.event == "closed");
        Ok((machine.disk(), model, !closed))
    }

    fn judge_damage(
        &self,
        hit: Hit,
        whole: &Disk,
        damaged: Disk,
        model: &Model,
        notes: Option<&Notes>,
    ) -> Result<(), String> {
        let setup = Setup {
            pace: 0,
            notes: notes.cloned(),
            ..self.plan.setup.clone()
        };
        let machine = Machine::with_disk(damaged, setup, 1);
        let history = model.get(LOG).ok_or("nothing was written")?;
        let run = self.run(machine.clone(), Rc::new(model.clone()), mix(self.seed ^ 3));
        let judged = async {
            let mut lost = match run.open(LOG).await {
                Ok(handle) => {
                    let log = handle.engine().log();
                    let lost = readable(log, &history.records()).await?;
                    small_enough(hit, &lost, &history.batches())?;
                    reported(log, &lost).await?;
                    let ack = handle.append(Durability::Synced).await;
                    ack.map_err(|failure| format!("(f) an append fails: {failure}"))?;
                    handle
                        .close()
                        .await
                        .map_err(|failure| failure.to_string())?;
                    lost
                }
                Err(failure) if hit.has_a_copy(whole) => {
                    return Err(format!("one copy of the manifest costs the log: {failure}"));
                }
                // Only what says what is live can keep a log from being opened.
                Err(failure) if failure.is(ErrorKind::Corrupt) => Vec::new(),
                Err(failure) => return Err(format!("opening fails: {failure}")),
            };
            let salvage = salvage(&machine).await?;
            lost.extend(salvage.lost.iter().map(|lost| (lost.first, lost.next)));
            salvaged(&run, &lost, &history.records()).await
        };
        sim::run(&machine, judged).map_err(|stuck| stuck.to_string())?
    }
}

type Ranges = Vec<(u64, u64)>;

/// Reads everything, by offset and across the damage. What cannot be read.
async fn readable(log: &Log<SimStore>, written: &[Seen]) -> Result<Ranges, String> {
    let mut lost: Ranges = Vec::new();
    for record in written {
        let offset = record.offset;
        match log.get(At::Offset(offset)).await {
            Ok(entry) if LogEngine::digest(&entry.record()) == record.digest => {}
            Ok(_) => return Err(format!("(g) offset {offset} reads as another record")),
            Err(error) if error.kind() == ErrorKind::Corrupt => match lost.last_mut() {
                Some((_, next)) if *next == offset => *next += 1,
                _ => lost.push((offset, offset + 1)),
            },
            Err(error) => return Err(format!("(g) offset {offset} cannot be read: {error}")),
        }
    }
    let left = |offset: u64| {
        !lost
            .iter()
            .any(|(first, next)| (*first..*next).contains(&offset))
    };
    let expected = written.iter().filter(|record| left(record.offset));
    let expected: Vec<Seen> = expected.copied().collect();
    let found = across(log).await?;
    if found != expected {
        let offsets = |seen: &[Seen]| seen.iter().map(|record| record.offset).collect::<Vec<_>>();
        let (found, expected) = (offsets(&found), offsets(&expected));
        return Err(format!(
            "(g) reading on finds {found:?}, but by offset {expected:?}"
        ));
    }
    Ok(lost)
}

/// Reads from the oldest record on, and goes on wherever an error says.
async fn across(log: &Log<SimStore>) -> Result<Vec<Seen>, String> {
    let mut all = Vec::new();
    let mut from = log.bounds().oldest;
    loop {
        let next = match log.read(At::Offset(from), ReadLimits::default()).await {
            Ok(batch) => {
                all.extend(batch.records().map(|record| Seen {
                    offset: record.offset,
                    digest: LogEngine::digest(&record),
                }));
                batch.next()
            }
            Err(ReadError::Corrupt { next, .. }) if next > from => next,
            Err(error) => return Err(format!("(g) reading from {from} on fails: {error}")),
        };
        if next == from {
            return Ok(all);
        }
        from = next;
    }
}

/// One byte costs one batch at most, and a block only neighbours.
fn small_enough(hit: Hit, lost: &Ranges, batches: &[(u64, u64)]) -> Result<(), String> {
    if lost.len() > 1 {
        return Err(format!("(g) one hit costs several places: {lost:?}"));
    }
    let Some(lost) = lost.first() else {
        return Ok(());
    };
    if hit.is_small() && !batches.contains(lost) {
        return Err(format!(
            "(g) one byte costs offsets {} to {}",
            lost.0, lost.1
        ));
    }
    Ok(())
}

/// What cannot be read is among the findings.
async fn reported(log: &Log<SimStore>, lost: &Ranges) -> Result<(), String> {
    let report = log.check().await.map_err(|error| error.to_string())?;
    let found: Vec<(u64, u64)> = report
        .findings
        .iter()
        .filter_map(|one| one.offsets)
        .collect();
    for (first, next) in lost {
        let known = found.iter().any(|(from, to)| from <= first && next <= to);
        if !known {
            return Err(format!(
                "(g) {first} to {next} cannot be read, but check finds {found:?}"
            ));
        }
    }
    Ok(())
}

async fn salvage(machine: &Machine) -> Result<Salvage, String> {
    let host = Arc::new(SimHost::new(5));
    let store = machine.process();
    let recovered = recover::<SimStore, Local>(&store, LOG, host).await;
    recovered.map_err(|error| format!("recover fails: {error}"))
}

/// After salvage the log is sound, and has all that was not lost.
async fn salvaged(run: &Run<LogEngine>, lost: &Ranges, written: &[Seen]) -> Result<(), String> {
    let handle = run.open(LOG).await;
    let handle = handle.map_err(|failure| format!("after recover, opening fails: {failure}"))?;
    let log = handle.engine().log();
    let report = log.check().await.map_err(|error| error.to_string())?;
    if !report.is_healthy() {
        return Err(format!(
            "after recover, there is damage: {:?}",
            report.findings
        ));
    }
    let seen = handle.engine().seen().await;
    let seen = seen.map_err(|refusal| format!("after recover, reading fails: {refusal}"))?;
    let gone = |offset: u64| {
        lost.iter()
            .any(|(first, next)| (*first..*next).contains(&offset))
    };
    let missing = written
        .iter()
        .find(|record| !gone(record.offset) && !seen.contains(record));
    match missing {
        Some(record) => Err(format!("recover lost offset {}", record.offset)),
        None => Ok(()),
    }
}
