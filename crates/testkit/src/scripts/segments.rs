//! Owns the scripts about segments: rolling, merging, large batches, compressed
//! ones, and the geometries that end a segment early.

use tidelog_core::Durability;

use super::{Plan, Script, fill, level};
use crate::engine::Engine;
use crate::generate::Generator;
use crate::random::Random;
use crate::run::{Failure, LOG, Run};
use crate::sim::Cut;

pub(super) fn scripts<E: Engine>() -> Vec<Script<E>> {
    vec![
        Script {
            name: "roll",
            plan,
            play: |run| Box::pin(fill(run, 14)),
        },
        Script {
            name: "roll-stored",
            plan,
            play: |run| Box::pin(roll_stored(run)),
        },
        Script {
            name: "roll-often",
            plan: |random| {
                let mut plan = plan(random);
                plan.setup.geometry.appends_max = 6;
                plan.sizes.value = 64;
                plan
            },
            // So often that the manifest has to be switched in the middle of a life.
            play: |run| Box::pin(fill(run, 24)),
        },
        Script {
            name: "merge",
            plan: |random| {
                let mut plan = plan(random);
                plan.sizes.value = 64;
                plan
            },
            play: |run| Box::pin(merge(run)),
        },
        Script {
            name: "large",
            plan,
            play: |run| Box::pin(large(run)),
        },
        Script {
            name: "compressed",
            plan: |random| {
                let mut plan = plan(random);
                plan.options.compression =
                    Some(Generator::new(random.word(), plan.sizes).compression());
                plan
            },
            play: |run| Box::pin(fill(run, 14)),
        },
        Script {
            name: "nested",
            plan,
            play: |run| Box::pin(nested(run)),
        },
        Script {
            name: "atomic",
            plan: |random| {
                let mut plan = plan(random);
                plan.setup.geometry.atomic_append = true;
                plan.sizes.value = 256;
                plan
            },
            play: |run| Box::pin(atomic(run)),
        },
    ]
}

fn plan(random: &mut Random) -> Plan {
    Plan::draw(random, 2).rolling(3, 900)
}

/// Fills a few segments without asking for a single sync.
async fn roll_stored<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    for _ in 0..12 {
        handle.append(Durability::Stored).await?;
    }
    handle.verify().await?;
    handle.kill();
    let handle = run.reopen(LOG, Cut::Kill).await?;
    for _ in 0..4 {
        handle.append(Durability::Stored).await?;
    }
    handle.close().await
}

/// Leaves many small segments behind, and merges them.
async fn merge<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    for _ in 0..4 {
        let handle = run.reopen(LOG, Cut::Power).await?;
        handle.append(Durability::Stored).await?;
        handle.append(Durability::Synced).await?;
        handle.close().await?;
    }
    let handle = run.reopen(LOG, Cut::Power).await?;
    handle.maintain().await?;
    handle.verify().await?;
    handle.append(level(run)).await?;
    handle.maintain().await?;
    handle.verify().await?;
    handle.close().await
}

/// Batches larger than a segment.
async fn large<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    for bytes in [100, 6_000, 10, 5_000, 3_900, 4_096] {
        let batch = run.generate(|generator| generator.large(bytes));
        handle.append_batch(batch, None, Some(level(run))).await?;
    }
    handle.verify().await?;
    handle.append(Durability::Synced).await?;
    handle.close().await
}

/// Values that are copies of the log's own blobs: frames inside frames, which
/// must never be taken for frames.
async fn nested<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    handle.append(Durability::Synced).await?;
    for _ in 0..5 {
        let disk = run.machine().disk();
        let bytes = disk.contents().flat_map(|(_, bytes)| bytes.to_vec());
        let mut copy: Vec<u8> = bytes.collect();
        copy.truncate(3_000);
        let batch = run.generate(|generator| generator.holding(copy));
        handle.append_batch(batch, None, Some(level(run))).await?;
        handle.append(level(run)).await?;
    }
    handle.verify().await
}

/// Rolls, merges and reopens where an append is there as a whole or not at all.
async fn atomic<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    for _ in 0..3 {
        let handle = run.reopen(LOG, Cut::Kill).await?;
        for _ in 0..5 {
            handle.append(level(run)).await?;
        }
        handle.maintain().await?;
        handle.verify().await?;
        handle.kill();
    }
    Ok(())
}
