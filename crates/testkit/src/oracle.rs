//! Owns the judgement after a crash: the log is opened again, compared with what
//! was promised, written to, and opened once more.

use tidelog_core::{Durability, LogId};

use crate::engine::Engine;
use crate::generate::Generator;
use crate::model::{History, Seen};
use crate::run::{Failure, Run};
use crate::sim::{Cut, ELSEWHERE, Machine};

/// How many of a producer's batches are sent again after a crash.
const RESENT: usize = 8;

/// What a reader that changes nothing finds is the truth from now on: (e) the
/// writer that opens next, and any other after another crash, must find the same.
///
/// # Errors
/// [`Failure`], with the promise broken.
pub async fn first_look<E: Engine>(run: &Run<E>, cut: Cut) -> Result<(), Failure> {
    for log in logs(run) {
        match run.look(log).await {
            Err(failure) if excused(run, log, &failure) => {}
            seen => {
                let seen = seen?;
                run.remember("looked", |model| model.log(log).reopen(&seen, cut))?;
            }
        }
    }
    backups(run, cut).await
}

/// What a crash left must keep every promise: a writer that opens it finds (a) to
/// (d) kept.
///
/// # Errors
/// [`Failure`], with the promise broken.
pub async fn read_back<E: Engine>(run: &Run<E>, cut: Cut) -> Result<(), Failure> {
    for log in logs(run) {
        match run.reopen(log, cut).await {
            Err(failure) if excused(run, log, &failure) => {}
            opened => drop(opened?),
        }
    }
    backups(run, cut).await
}

/// What a crash left must keep every promise: opening it finds (a) to (d) kept,
/// retries of producers are neither doubled nor refused, and (f) appending goes
/// on.
///
/// # Errors
/// [`Failure`], with the promise broken.
pub async fn aftermath<E: Engine>(run: &Run<E>, cut: Cut) -> Result<(), Failure> {
    for log in logs(run) {
        let handle = match run.reopen(log, cut).await {
            Err(failure) if excused(run, log, &failure) => continue,
            opened => opened?,
        };
        if cut == Cut::Kill && forgiven(run, log) {
            // What was lied about may still be lost.
            continue;
        }
        run.remember("trust", |model| model.log(log).forgive(false));
        let produced = run
            .model()
            .get(log)
            .map(|history| history.produced())
            .unwrap_or_default();
        for (at, (id, producer, _, there)) in produced.iter().enumerate() {
            let later = produced[at..].iter();
            let later = later.filter(|(_, other, ..)| other.id == producer.id);
            if there.is_some() && later.count() > RESENT {
                continue;
            }
            handle
                .resend(*id, Durability::Stored)
                .await
                .map_err(|failure| after("a retry after the crash", &failure))?;
        }
        handle
            .append(Durability::Synced)
            .await
            .map_err(|failure| after("(f) an append after the crash", &failure))?;
        handle.compare().await?;
    }
    backups(run, cut).await?;
    live_on_in_backups(run).await
}

/// What is durable after the aftermath must hold everything that was promised
/// in it, and nothing else.
///
/// # Errors
/// [`Failure`], with the promise broken.
pub async fn second_look<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    for log in logs(run) {
        let model = run.model();
        let Some(history) = model.get(log).filter(|history| !history.is_forgiven()) else {
            continue;
        };
        let seen = run.look(log).await?;
        history
            .check(&seen, Durability::Synced)
            .map_err(|sentence| format!("when opened once more: {sentence}"))?;
    }
    backups(run, Cut::Power).await
}

/// (g) Each backup is as a whole what was backed up, or what was backed up before it.
async fn backups<E: Engine>(run: &Run<E>, cut: Cut) -> Result<(), Failure> {
    for log in backed_up(run) {
        let seen = run.look(LogId(log.0 + ELSEWHERE)).await;
        if run.model().is_forgiving() {
            // It may be anything, but invented.
            let invented = match seen {
                Err(failure) if failure.reports_loss() => false,
                seen => !has_sent(run, log, &seen?),
            };
            if invented {
                return Err(Failure::Broken("(g) invented, in a backup".into()));
            }
            continue;
        }
        let seen =
            seen.map_err(|failure| after("(g) opening a backup after the crash", &failure))?;
        run.remember("looked at a backup", |model| {
            model.backup(log).reopen(&seen, cut)
        })?;
    }
    Ok(())
}

/// (g) A backup is a log like any other: it can be written on.
async fn live_on_in_backups<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    if run.model().is_forgiving() {
        return Ok(());
    }
    for log in backed_up(run) {
        let handle = run.open(LogId(log.0 + ELSEWHERE)).await?;
        let mut seen = handle.engine().seen().await?;
        let first = handle.engine().sync().await?;
        let batch = run.generate(Generator::batch);
        let digests = batch.digests().iter();
        seen.extend((first..).zip(digests).map(|(offset, digest)| Seen {
            offset,
            digest: *digest,
        }));
        run.remember("writing to a backup", |model| model.backup(log).begin(seen));
        handle
            .engine()
            .append(&batch, Durability::Synced.into())
            .await
            .map_err(|refusal| after("(g) an append to a backup", &refusal.into()))?;
        run.remember("wrote to a backup", |model| model.backup(log).done());
    }
    Ok(())
}

fn has_sent<E: Engine>(run: &Run<E>, log: LogId, seen: &[Seen]) -> bool {
    let model = run.model();
    let known = model.get(log).map(|history| history.known(seen).len());
    known.unwrap_or(0) == seen.len()
}

fn backed_up<E: Engine>(run: &Run<E>) -> Vec<LogId> {
    run.model().backups().map(|(log, _)| log).collect()
}

/// A machine that lost everything not synced, for [`second_look`].
#[must_use]
pub fn without_power(machine: &Machine) -> Machine {
    let setup = machine.setup().clone();
    Machine::with_disk(machine.disk().only_durable(), setup, 0)
}

fn logs<E: Engine>(run: &Run<E>) -> Vec<LogId> {
    run.model().logs().map(|(log, _)| log).collect()
}

fn forgiven<E: Engine>(run: &Run<E>, log: LogId) -> bool {
    run.model().get(log).is_some_and(History::is_forgiven)
}

/// Whether damage that a lying disk has done was found and reported.
fn excused<E: Engine>(run: &Run<E>, log: LogId, failure: &Failure) -> bool {
    failure.reports_loss() && forgiven(run, log)
}

fn after(what: &str, failure: &Failure) -> Failure {
    Failure::Broken(format!("{what} failed: {failure}"))
}
