//! Owns the scripts about levels: append, flush, sync, and what readers see.

use tidelog_core::Durability;

use super::{Plan, Script, level};
use crate::engine::Engine;
use crate::random::Random;
use crate::run::{Failure, LOG, Run};

pub(super) fn scripts<E: Engine>() -> Vec<Script<E>> {
    vec![
        Script {
            name: "append",
            plan,
            play: |run| Box::pin(append(run)),
        },
        Script {
            name: "stored",
            plan,
            play: |run| Box::pin(stored(run)),
        },
        Script {
            name: "readers",
            plan,
            play: |run| Box::pin(readers(run)),
        },
    ]
}

fn plan(random: &mut Random) -> Plan {
    Plan::draw(random, 3)
}

/// Appends at every level, flushes and syncs in any order.
async fn append<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    for _ in 0..10 {
        match run.generate(|generator| generator.random().below(8)) {
            0 => {
                handle.flush().await?;
            }
            1 => {
                handle.sync().await?;
            }
            2 => {
                handle.append(None).await?;
            }
            3 => {
                handle.maintain().await?;
            }
            _ => {
                handle.append(level(run)).await?;
            }
        }
        handle.verify().await?;
    }
    Ok(())
}

/// Stores one batch after another without a sync, and syncs at last.
async fn stored<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    handle.append(Durability::Synced).await?;
    for _ in 0..9 {
        handle.append(Durability::Stored).await?;
    }
    handle.verify().await?;
    handle.append(Durability::Synced).await?;
    handle.append(Durability::Stored).await?;
    Ok(())
}

/// Other processes read while the writer writes: they see what was stored, and
/// nothing that was not sent.
async fn readers<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    for _ in 0..8 {
        handle.append(level(run)).await?;
        let seen = run.look(LOG).await?;
        let model = run.model();
        if let Some(history) = model.get(LOG) {
            history
                .check(&seen, Durability::Stored)
                .map_err(|sentence| format!("in the view of another process: {sentence}"))?;
        }
        handle.verify().await?;
    }
    handle.close().await
}
