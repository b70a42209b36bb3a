//! Owns the scripts in which processes come and go: closed, killed, interrupted
//! while they open.

use tidelog_core::Durability;

use super::{Plan, Script, level};
use crate::engine::Engine;
use crate::random::Random;
use crate::run::{Failure, LOG, Run};
use crate::sim::{Crowd, Cut};

pub(super) fn scripts<E: Engine>() -> Vec<Script<E>> {
    vec![
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
        Script {
            name: "interrupted",
            plan: |random| {
                let mut plan = plan(random);
                plan.setup.pace = 1 + random.below(3);
                plan
            },
            play: |run| Box::pin(interrupted(run)),
        },
    ]
}

fn plan(random: &mut Random) -> Plan {
    Plan::draw(random, 3)
}

/// Closes and opens again, many times over.
async fn reopen<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    handle.append(Durability::Synced).await?;
    handle.close().await?;
    for life in 0..4 {
        let handle = run.reopen(LOG, Cut::Power).await?;
        // A life in which nothing is appended must cost nothing.
        if life != 2 {
            handle.append(level(run)).await?;
        }
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
        handle.append(level(run)).await?;
        handle.verify().await?;
        handle.kill();
    }
    Ok(())
}

/// Processes die at any await, most of them before they have appended anything.
async fn interrupted<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    for _ in 0..5 {
        let seed = run.generate(|generator| generator.random().word());
        let mut crowd = Crowd::new(seed, 12);
        crowd.add(0, async {
            let handle = run.reopen(LOG, Cut::Kill).await?;
            handle.append(Durability::Stored).await?;
            handle.append(Durability::Synced).await?;
            handle.append(level(run)).await
        });
        let outcomes = crowd.run(run.machine())?;
        run.machine().kill_all();
        for (_, outcome) in outcomes {
            outcome.transpose()?;
        }
    }
    let handle = run.reopen(LOG, Cut::Kill).await?;
    handle.append(Durability::Synced).await?;
    Ok(())
}
