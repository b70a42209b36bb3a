//! Owns the scripts of logs that index keys and times. What they answer is compared
//! wherever what they hold is.

use tidelog_core::{Compression, Durability, Indexes, Options, limits};

use super::{LEVELS, Plan, Script, level};
use crate::engine::Engine;
use crate::generate::Sizes;
use crate::random::Random;
use crate::run::{Failure, LOG, Run};
use crate::sim::{Cut, Setup};

pub(super) fn scripts<E: Engine>() -> Vec<Script<E>> {
    vec![
        Script {
            name: "indexed",
            plan,
            play: |run| Box::pin(fill(run)),
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
    Plan {
        setup: Setup {
            pace: random.below(2),
            ..Setup::default()
        },
        options: Options {
            durability: Some(LEVELS[random.index(3)]),
            segment_bytes: Some(limits::SEGMENT_MIN),
            indexes: Some(Indexes {
                keys: true,
                times: true,
            }),
            ..Options::default()
        },
        sizes: Sizes {
            records: 4,
            value: 500,
        },
    }
}

/// Fills a few segments at any level, and merges them.
async fn fill<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    for _ in 0..12 {
        handle.append(level(run)).await?;
    }
    handle.verify().await?;
    handle.maintain().await?;
    handle.append(Durability::Synced).await?;
    handle.verify().await?;
    handle.close().await
}

/// Gives indexes to a log that has segments of two writers, and takes them from it.
async fn reindexed<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    for _ in 0..6 {
        handle.append(level(run)).await?;
    }
    handle.kill();
    let handle = run.reopen(LOG, Cut::Kill).await?;
    for indexed in [true, false, true] {
        handle.append(level(run)).await?;
        handle.append(level(run)).await?;
        handle.reindex(indexed).await?;
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
