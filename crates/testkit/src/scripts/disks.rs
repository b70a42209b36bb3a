//! Owns the scripts about difficult disks: full ones, and those whose crashes
//! damage more than what was being written.

use tidelog_core::{Durability, ErrorKind};

use super::{Plan, Script, level};
use crate::engine::Engine;
use crate::random::Random;
use crate::run::{Failure, Handle, LOG, Run};
use crate::sim::Cut;

pub(super) fn scripts<E: Engine>() -> Vec<Script<E>> {
    vec![
        Script {
            name: "full",
            plan: |random| {
                let mut plan = plan(random);
                plan.setup.capacity = 6_000 + random.below(8_000);
                plan
            },
            play: |run| Box::pin(full(run)),
        },
        Script {
            name: "full-takeover",
            plan,
            play: |run| Box::pin(full_takeover(run)),
        },
        Script {
            name: "blast-512",
            plan: |random| blasting(random, 512),
            play: |run| Box::pin(blast(run)),
        },
        Script {
            name: "blast-4096",
            plan: |random| blasting(random, 4096),
            play: |run| Box::pin(blast(run)),
        },
    ]
}

fn plan(random: &mut Random) -> Plan {
    Plan::draw(random, 2).rolling(3, 700)
}

fn blasting(random: &mut Random, radius: u32) -> Plan {
    let mut plan = plan(random);
    plan.setup.geometry.blast_radius = radius;
    plan.options.align = Some(radius);
    plan.options.segment_bytes = Some(u64::from(radius) * 8);
    plan.sizes.value = 200;
    plan
}

/// Writes until the disk is full, three times, and goes on when there is room
/// again, without opening anew.
async fn full<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    for _ in 0..3 {
        let mut refusals = 0;
        for _ in 0..40 {
            if !fits(&handle, level(run)).await? {
                refusals += 1;
            }
            if refusals == 2 {
                break;
            }
        }
        handle.verify().await?;
        match handle.maintain().await {
            Err(Failure::Refused(refusal)) if refusal.kind == ErrorKind::Full => {}
            other => other?,
        }
        let capacity = run.machine().setup().capacity;
        run.machine().set_capacity(capacity + 5_000);
    }
    // Whatever is still buffered has room now.
    run.machine().set_capacity(u64::MAX);
    handle.append(Durability::Synced).await?;
    handle.verify().await
}

/// Finds the disk full when what an earlier process stored has to be copied.
async fn full_takeover<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    for life in 0..3 {
        let handle = run.reopen(LOG, Cut::Kill).await?;
        if life > 0 {
            let held = run.machine().disk().held();
            run.machine().set_capacity(held);
            for _ in 0..3 {
                fits(&handle, level(run)).await?;
                handle.compare().await?;
            }
            run.machine().set_capacity(u64::MAX);
        }
        let large = run.generate(|generator| generator.large(5_000));
        handle
            .append_batch(large, None, Some(Durability::Stored))
            .await?;
        handle.append(Durability::Stored).await?;
        handle.append(level(run)).await?;
        handle.verify().await?;
        handle.kill();
    }
    Ok(())
}

async fn fits<E: Engine>(handle: &Handle<'_, E>, level: Durability) -> Result<bool, Failure> {
    match handle.append(level).await {
        Ok(_) => Ok(true),
        Err(Failure::Refused(refusal)) if refusal.kind == ErrorKind::Full => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Syncs often, so that synced and unsynced frames would share a block if they
/// could.
async fn blast<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    for _ in 0..4 {
        handle.append(Durability::Synced).await?;
        handle.append(Durability::Stored).await?;
    }
    handle.kill();
    let handle = run.reopen(LOG, Cut::Kill).await?;
    handle.append(level(run)).await?;
    handle.append(Durability::Synced).await?;
    handle.append(Durability::Stored).await?;
    handle.verify().await
}
