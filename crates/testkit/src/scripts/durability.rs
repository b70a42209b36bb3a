//! Owns the scripts about levels: append, flush, sync, close and reopen.

use tidelog_core::{Durability, Options};

use super::{Plan, Script};
use crate::engine::Engine;
use crate::random::Random;
use crate::run::{Failure, LOG, Run};
use crate::sim::{Cut, Setup};

const LEVELS: [Durability; 3] = [Durability::Buffered, Durability::Stored, Durability::Synced];

pub(super) fn scripts<E: Engine>() -> Vec<Script<E>> {
    vec![
        Script {
            name: "append",
            plan,
            play: |run| Box::pin(append(run)),
        },
        Script {
            name: "reopen",
            plan,
            play: |run| Box::pin(reopen(run)),
        },
        Script {
            name: "killed",
            plan,
            play: |run| Box::pin(killed(run)),
        },
    ]
}

fn plan(random: &mut Random) -> Plan {
    Plan {
        setup: Setup {
            pace: random.below(3),
            ..Setup::default()
        },
        options: Options {
            durability: Some(LEVELS[random.index(3)]),
            ..Options::default()
        },
        ..Plan::default()
    }
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
            3 | 4 => {
                handle.append(Durability::Synced).await?;
            }
            5 => {
                handle.append(Durability::Buffered).await?;
            }
            _ => {
                handle.append(Durability::Stored).await?;
            }
        }
        handle.verify().await?;
    }
    Ok(())
}

/// Closes and opens again, many times over.
async fn reopen<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    handle.append(Durability::Synced).await?;
    handle.close().await?;
    for _ in 0..4 {
        let handle = run.reopen(LOG, Cut::Power).await?;
        let level = LEVELS[run.generate(|generator| generator.random().index(3))];
        handle.append(level).await?;
        handle.close().await?;
    }
    Ok(())
}

/// Processes die without closing, and the next one builds on what they stored
/// but never synced.
async fn killed<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    for _ in 0..4 {
        let handle = run.reopen(LOG, Cut::Kill).await?;
        handle.append(Durability::Stored).await?;
        let level = LEVELS[run.generate(|generator| generator.random().index(3))];
        handle.append(level).await?;
        handle.verify().await?;
        handle.kill();
    }
    Ok(())
}
