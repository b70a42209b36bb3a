//! Owns the scripts of many logs in one store.

use tidelog_core::LogId;

use super::{Plan, Script, level};
use crate::engine::Engine;
use crate::random::Random;
use crate::run::{Failure, Run};
use crate::sim::{Crowd, Cut};

const LOGS: [LogId; 3] = [LogId(1), LogId(2), LogId(1 << 40)];

pub(super) fn scripts<E: Engine>() -> Vec<Script<E>> {
    vec![Script {
        name: "many",
        plan,
        play: |run| Box::pin(many(run)),
    }]
}

fn plan(random: &mut Random) -> Plan {
    Plan::draw(random, 3)
}

/// Logs are written beside each other by one process, twice.
async fn many<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    for _ in 0..2 {
        let seed = run.generate(|generator| generator.random().word());
        let mut crowd = Crowd::new(seed, 0);
        for (member, log) in LOGS.into_iter().enumerate() {
            crowd.add(member, async move {
                let handle = run.reopen(log, Cut::Power).await?;
                for _ in 0..2 {
                    handle.append(level(run)).await?;
                }
                handle.verify().await?;
                handle.close().await
            });
        }
        for (_, outcome) in crowd.run(run.machine())? {
            outcome.transpose()?;
        }
    }
    Ok(())
}
