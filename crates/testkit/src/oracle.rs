//! Owns the judgement after a crash: the log is opened again, compared with what
//! was promised, written to, and opened once more.

use tidelog_core::{Durability, ErrorKind, LogId};

use crate::engine::Engine;
use crate::model::{History, Model};
use crate::run::{Failure, Run};
use crate::sim::{Cut, Machine};

/// How many of a producer's batches are sent again after a crash.
const RESENT: usize = 8;

/// What a crash left must keep every promise: opening it finds (a) to (d) kept,
/// retries of producers are neither doubled nor refused, and (f) appending goes
/// on. With `looking`, a reader that changes nothing comes first, and (e) the
/// writer must find the same.
///
/// # Errors
/// [`Failure`], with the promise broken.
pub async fn aftermath<E: Engine>(run: &Run<E>, cut: Cut, looking: bool) -> Result<(), Failure> {
    let logs: Vec<LogId> = run.model().logs().map(|(log, _)| log).collect();
    for log in logs {
        let lied = |model: &Model| model.get(log).is_some_and(History::is_forgiven);
        let opened = async {
            if looking {
                look(run, log, cut).await?;
            }
            run.reopen(log, cut).await
        };
        let handle = match opened.await {
            // Damage that a lying disk has done is found and reported.
            Err(Failure::Refused(refusal))
                if refusal.kind == ErrorKind::Corrupt && lied(&run.model()) =>
            {
                continue;
            }
            opened => opened?,
        };
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
        handle.verify().await?;
    }
    Ok(())
}

/// What a reader finds is the truth from now on: the writer that opens next, and
/// any other after another crash, must find the same.
async fn look<E: Engine>(run: &Run<E>, log: LogId, cut: Cut) -> Result<(), Failure> {
    let seen = run.look(log).await?;
    run.remember("looked", |model| model.log(log).reopen(&seen, cut))?;
    Ok(())
}

/// What is durable after the aftermath must hold everything that was promised
/// in it, and nothing else.
///
/// # Errors
/// [`Failure`], with the promise broken.
pub async fn second_look<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let logs: Vec<LogId> = run.model().logs().map(|(log, _)| log).collect();
    for log in logs {
        let model = run.model();
        let Some(history) = model.get(log).filter(|history| !history.is_forgiven()) else {
            continue;
        };
        let seen = run.look(log).await?;
        history
            .check(&seen, Durability::Synced)
            .map_err(|sentence| format!("when opened once more: {sentence}"))?;
    }
    Ok(())
}

/// A machine that lost everything not synced, for [`second_look`].
#[must_use]
pub fn without_power(machine: &Machine) -> Machine {
    let setup = machine.setup().clone();
    Machine::with_disk(machine.disk().only_durable(), setup, 0)
}

fn after(what: &str, failure: &Failure) -> Failure {
    Failure::Broken(format!("{what} failed: {failure}"))
}
