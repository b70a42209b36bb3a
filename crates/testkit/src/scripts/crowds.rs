//! Owns the scripts of many futures at once, polled in any order and dropped at
//! any await: nobody's commit may be disturbed.

use tidelog_core::{Durability, Options};

use super::{LEVELS, Plan, Script, level};
use crate::engine::Engine;
use crate::generate::Generator;
use crate::random::Random;
use crate::run::{Failure, Handle, LOG, Run};
use crate::sim::{Crowd, Setup};

pub(super) fn scripts<E: Engine>() -> Vec<Script<E>> {
    vec![
        Script {
            name: "concurrent",
            plan,
            play: |run| Box::pin(concurrent(run, 0)),
        },
        Script {
            name: "dropped",
            plan,
            play: |run| Box::pin(concurrent(run, 4)),
        },
        Script {
            name: "dropped-rolling",
            plan: |random| {
                let mut plan = plan(random);
                plan.options.segment_bytes = Some(4096);
                plan.sizes.value = 700;
                plan
            },
            play: |run| Box::pin(concurrent(run, 6)),
        },
    ]
}

fn plan(random: &mut Random) -> Plan {
    Plan {
        setup: Setup {
            pace: 1 + random.below(4),
            ..Setup::default()
        },
        options: Options {
            durability: Some(LEVELS[random.index(3)]),
            ..Options::default()
        },
        ..Plan::default()
    }
}

/// Rounds of appends, syncs, flushes and reads at the same time.
async fn concurrent<E: Engine>(run: &Run<E>, drops: u64) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    for _ in 0..4 {
        let seed = run.generate(|generator| generator.random().word());
        let mut crowd = Crowd::new(seed, drops);
        for member in 0..5 {
            crowd.add(member, something(run, &handle, member));
        }
        for (_, outcome) in crowd.run(run.machine())? {
            outcome.transpose()?;
        }
        // Whoever comes next finds everything in order, whatever was dropped.
        handle.append(level(run)).await?;
        handle.verify().await?;
    }
    handle.sync().await?;
    handle.verify().await?;
    handle.close().await
}

async fn something<E: Engine>(
    run: &Run<E>,
    handle: &Handle<'_, E>,
    member: usize,
) -> Result<(), Failure> {
    match run.generate(|generator| generator.random().below(8)) {
        0 => {
            handle.sync().await?;
        }
        1 => {
            handle.flush().await?;
        }
        2 => handle.maintain().await?,
        3 => {
            // Each has a producer of its own: the count of one that was dropped
            // goes on with the next round.
            let id = Generator::producer(member as u8);
            handle.produce(id, Durability::Synced).await?;
        }
        _ => {
            handle.append(level(run)).await?;
            handle.append(level(run)).await?;
        }
    }
    Ok(())
}
