//! Owns the scripts in which records are deleted and trimmed, and their space is given
//! back, between appends and lives.

use tidelog_core::{Durability, Indexes, Retention};

use super::{BOTH, Plan, Script, indexes, level};
use crate::engine::Engine;
use crate::generate::Sizes;
use crate::random::Random;
use crate::run::{Failure, LOG, Run};
use crate::sim::{Crowd, Cut};

/// How old records may become where time decides, in microseconds.
const AGE: u64 = 10_000_000;

pub(super) fn scripts<E: Engine>() -> Vec<Script<E>> {
    vec![
        Script {
            name: "deleted",
            plan,
            play: |run| Box::pin(deleted(run)),
        },
        Script {
            name: "trimmed",
            plan,
            play: |run| Box::pin(trimmed(run)),
        },
        Script {
            name: "compacted",
            plan: |random| Plan {
                sizes: Sizes {
                    records: 5,
                    value: 300,
                },
                ..plan(random)
            },
            play: |run| Box::pin(compacted(run)),
        },
        Script {
            name: "retired",
            plan,
            play: |run| Box::pin(retired(run)),
        },
        Script {
            name: "removed-reindexed",
            plan: |random| {
                let mut plan = plan(random);
                plan.options.indexes = None;
                plan
            },
            play: |run| Box::pin(reindexed(run)),
        },
        Script {
            name: "removed-lives",
            plan,
            play: |run| Box::pin(lives(run)),
        },
        Script {
            name: "removed-together",
            plan: |random| {
                let mut plan = plan(random);
                plan.setup.pace = 1 + random.below(3);
                plan
            },
            play: |run| Box::pin(together(run)),
        },
    ]
}

fn plan(random: &mut Random) -> Plan {
    let indexes = indexes(random);
    Plan::draw(random, 2).rolling(4, 500).indexed(indexes)
}

/// Deletes from sealed segments and from the one that grows, and gives space back.
async fn deleted<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    for _ in 0..2 {
        for _ in 0..4 {
            handle.append(level(run)).await?;
        }
        handle.delete().await?;
        handle.verify().await?;
    }
    handle.maintain().await?;
    handle.verify().await?;
    handle.append(Durability::Synced).await?;
    handle.close().await
}

/// Trims until nothing is left, and goes on.
async fn trimmed<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    for _ in 0..6 {
        handle.append(level(run)).await?;
    }
    for _ in 0..3 {
        handle.trim().await?;
        handle.append(level(run)).await?;
        handle.verify().await?;
    }
    handle.maintain().await?;
    handle.verify().await?;
    handle.close().await
}

/// Compacts, in one life and in the next, with deletions in between.
async fn compacted<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    for life in 0..2 {
        let handle = run.reopen(LOG, Cut::Kill).await?;
        for _ in 0..4 {
            handle.append(level(run)).await?;
        }
        handle.compact().await?;
        handle.verify().await?;
        handle.append(level(run)).await?;
        if life == 0 {
            handle.delete().await?;
            handle.kill();
        } else {
            handle.compact().await?;
            handle.maintain().await?;
            handle.verify().await?;
            handle.close().await?;
        }
    }
    Ok(())
}

/// Keeps fewer and fewer records, then those of some time, across lives.
async fn retired<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    for records in [8, 5] {
        for _ in 0..4 {
            handle.append(level(run)).await?;
        }
        let retention = Retention {
            records: Some(records),
            ..Retention::default()
        };
        handle.retain(retention).await?;
        handle.maintain().await?;
        handle.verify().await?;
    }
    handle.kill();
    let handle = run.reopen(LOG, Cut::Kill).await?;
    handle.append(level(run)).await?;
    handle.append(level(run)).await?;
    // A disk that lied may have lost them all.
    let times = handle.times().await?;
    let drawn = run.generate(|generator| generator.random().index(times.len().max(1)));
    let time = times.get(drawn).copied().unwrap_or_default();
    let retention = Retention {
        age: Some(AGE),
        ..Retention::default()
    };
    handle.retain(retention).await?;
    run.host().set_clock(time + AGE.cast_signed());
    handle.maintain().await?;
    handle.verify().await?;
    handle.close().await
}

/// Gives indexes to segments of which something is deleted, and takes them away.
async fn reindexed<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    for _ in 0..5 {
        handle.append(level(run)).await?;
    }
    handle.delete().await?;
    handle.reindex(BOTH).await?;
    handle.verify().await?;
    handle.append(level(run)).await?;
    handle.delete().await?;
    handle.reindex(Indexes::default()).await?;
    handle.trim().await?;
    handle.reindex(BOTH).await?;
    handle.maintain().await?;
    handle.verify().await?;
    handle.close().await
}

/// Every life removes something of what earlier ones left, and dies.
async fn lives<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    for life in 0..3 {
        let handle = run.reopen(LOG, Cut::Kill).await?;
        handle.append(level(run)).await?;
        handle.append(level(run)).await?;
        match life {
            1 => handle.trim().await?,
            _ => handle.delete().await?,
        }
        handle.verify().await?;
        handle.maintain().await?;
        handle.append(level(run)).await?;
        handle.kill();
    }
    Ok(())
}

/// Deletions, trims, appends, syncs and housekeeping at the same time, dropped at any await.
async fn together<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    for _ in 0..5 {
        handle.append(level(run)).await?;
    }
    for _ in 0..2 {
        let seed = run.generate(|generator| generator.random().word());
        let mut crowd = Crowd::new(seed, 8);
        crowd.add(0, async { handle.delete().await });
        crowd.add(1, async { handle.append(level(run)).await.map(drop) });
        crowd.add(2, async { handle.sync().await.map(drop) });
        crowd.add(3, async { handle.maintain().await });
        crowd.add(4, async { handle.append(level(run)).await.map(drop) });
        crowd.add(5, async { handle.trim().await });
        for (_, outcome) in crowd.run(run.machine())? {
            outcome.transpose()?;
        }
        handle.append(level(run)).await?;
        handle.verify().await?;
    }
    handle.close().await
}
