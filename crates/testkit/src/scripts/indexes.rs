//! Owns the scripts of logs that index keys and times. What they answer is compared
//! wherever what they hold is.

use tidelog_core::{Compression, Indexes};

use super::{BOTH, Plan, Script, fill, level};
use crate::engine::Engine;
use crate::random::Random;
use crate::run::{Failure, LOG, Run};
use crate::sim::Cut;

pub(super) fn scripts<E: Engine>() -> Vec<Script<E>> {
    vec![
        Script {
            name: "indexed",
            plan,
            play: |run| Box::pin(fill(run, 12)),
        },
        Script {
            name: "indexed-lives",
            plan: |random| {
                let mut plan = plan(random);
                plan.options.compression =
                    Some([Compression::None, Compression::Lz4][random.index(2)]);
                plan
            },
            play: |run| Box::pin(lives(run)),
        },
        Script {
            name: "reindexed",
            plan: |random| {
                let mut plan = plan(random);
                plan.options.indexes = None;
                plan
            },
            play: |run| Box::pin(reindexed(run)),
        },
    ]
}

fn plan(random: &mut Random) -> Plan {
    Plan::draw(random, 2).rolling(4, 500).indexed(BOTH)
}

/// Gives indexes to a log that has segments of two writers, and takes them from it.
async fn reindexed<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    for _ in 0..6 {
        handle.append(level(run)).await?;
    }
    handle.kill();
    let handle = run.reopen(LOG, Cut::Kill).await?;
    for indexes in [BOTH, Indexes::default(), BOTH] {
        handle.append(level(run)).await?;
        handle.append(level(run)).await?;
        handle.reindex(indexes).await?;
        handle.verify().await?;
    }
    handle.append(level(run)).await?;
    handle.maintain().await?;
    handle.verify().await?;
    handle.close().await
}

/// Writers that come and go, killed or closed, so that segments end without a footer.
async fn lives<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    for life in 0..4 {
        let handle = run.reopen(LOG, Cut::Kill).await?;
        for _ in 0..5 {
            handle.append(level(run)).await?;
        }
        handle.verify().await?;
        if life % 2 == 1 {
            handle.maintain().await?;
            handle.verify().await?;
            handle.close().await?;
        } else {
            handle.kill();
        }
    }
    Ok(())
}
