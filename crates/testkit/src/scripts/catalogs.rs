//! Owns the scripts of the catalog: logs are created, and found again.

use tidelog_core::Durability;

use super::{Plan, Script};
use crate::engine::Engine;
use crate::generate::Sizes;
use crate::random::Random;
use crate::run::{Failure, LOG, Run};
use crate::sim::{Cut, Setup};

pub(super) fn scripts<E: Engine>() -> Vec<Script<E>> {
    vec![Script {
        name: "catalog",
        plan,
        play: |run| Box::pin(catalog(run)),
    }]
}

fn plan(random: &mut Random) -> Plan {
    Plan {
        setup: Setup {
            pace: random.below(2),
            ..Setup::default()
        },
        sizes: Sizes {
            records: 1,
            value: 8,
        },
        ..Plan::default()
    }
}

/// Creates logs in three processes, the second of which is killed.
async fn catalog<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    for life in 0..3 {
        let handle = run.reopen(LOG, Cut::Kill).await?;
        for _ in 0..2 {
            handle.append(Durability::Synced).await?;
        }
        handle.compare().await?;
        if life == 1 {
            handle.kill();
        } else {
            handle.close().await?;
        }
    }
    Ok(())
}
