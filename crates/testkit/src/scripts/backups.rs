//! Owns the script of a log that is backed up again and again: wherever it is cut
//! short, the log and the backup before are whole.

use tidelog_core::{Durability, LogId};

use super::{Plan, Script, indexes, level};
use crate::engine::Engine;
use crate::random::Random;
use crate::run::{Failure, LOG, Run};
use crate::sim::{Cut, ELSEWHERE};

pub(super) fn scripts<E: Engine>() -> Vec<Script<E>> {
    vec![Script {
        name: "backed-up",
        plan,
        play: |run| Box::pin(backed_up(run)),
    }]
}

fn plan(random: &mut Random) -> Plan {
    let indexes = indexes(random);
    Plan::draw(random, 2).rolling(3, 700).indexed(indexes)
}

/// Two writers, each of which backs up what is there, what came since and
/// went since, and what merging makes of it.
async fn backed_up<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    for cut in [Cut::Kill, Cut::Power] {
        let handle = run.reopen(LOG, cut).await?;
        for _ in 0..4 {
            handle.append(level(run)).await?;
        }
        handle.back_up().await?;
        handle.append(level(run)).await?;
        handle.append(level(run)).await?;
        handle.back_up().await?;
        handle.delete().await?;
        handle.back_up().await?;
        handle.maintain().await?;
        handle.back_up().await?;
        handle.append(Durability::Synced).await?;
        handle.verify().await?;
        handle.close().await?;
    }
    let seen = run.look(LogId(LOG.0 + ELSEWHERE)).await?;
    for (_, backup) in run.model().backups() {
        backup.check(&seen)?;
    }
    Ok(())
}
