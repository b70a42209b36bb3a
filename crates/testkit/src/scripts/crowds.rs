//! Owns the scripts of many futures at once, polled in any order and dropped at
//! any await: nobody's commit may be disturbed.

use std::cell::RefCell;

use tidelog_core::Durability;

use super::{Plan, Script, level};
use crate::engine::Engine;
use crate::generate::Generator;
use crate::model::Seen;
use crate::random::Random;
use crate::run::{Failure, Handle, LOG, Run};
use crate::sim::{Crowd, run_for};

pub(super) fn scripts<E: Engine>() -> Vec<Script<E>> {
    vec![
        Script {
            name: "concurrent",
            plan,
            play: |run| Box::pin(concurrent(run, 0)),
        },
        Script {
            name: "followers",
            plan,
            play: |run| Box::pin(followers(run)),
        },
        Script {
            name: "cancelled",
            plan,
            play: |run| Box::pin(cancelled(run)),
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
    let mut plan = Plan::draw(random, 4);
    plan.setup.pace += 1;
    plan
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

/// Batches that are appended while others follow.
const FOLLOWED: usize = 3;

/// Followers, and a process of its own that reads, beside a writer.
async fn followers<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    handle.append(Durability::Synced).await?;
    for _ in 0..3 {
        let published = handle.engine().published().await?;
        let from = published.last().map_or(0, |last| last.offset + 1);
        let seed = run.generate(|generator| generator.random().word());
        let refused = RefCell::new(None);
        let mut crowd = Crowd::new(seed, 0);
        for member in 0..2 {
            let engine = handle.engine();
            crowd.add(member, async move {
                let mut seen: Vec<Seen> = Vec::new();
                while seen.len() < FOLLOWED {
                    let next = seen.last().map_or(from, |last| last.offset + 1);
                    seen.extend(engine.follow(next).await?);
                }
                Ok::<_, Failure>(seen)
            });
        }
        crowd.add(2, async {
            for _ in 0..FOLLOWED {
                if let Err(failure) = handle.append(Durability::Synced).await {
                    refused.replace(Some(failure));
                    break;
                }
            }
            Ok(Vec::new())
        });
        crowd.add(3, async { run.look(LOG).await.map(|_| Vec::new()) });
        let followed = crowd.run(run.machine());
        if let Some(failure) = refused.take() {
            // What they follow never comes.
            return Err(failure);
        }
        let followed = followed?;
        let all = handle.engine().seen().await?;
        for (member, outcome) in followed {
            let seen = outcome.transpose()?.unwrap_or_default();
            let there = all.iter().skip_while(|known| known.offset < from);
            if !there.take(seen.len()).eq(seen.iter()) {
                let sentence = format!("follower {member} from {from} on saw something else");
                return Err(Failure::Broken(sentence));
            }
        }
        handle.verify().await?;
    }
    handle.close().await
}

/// Polls of one operation at most: more than any takes.
const POLLS_MAX: u32 = 40;

/// Every operation is dropped at every one of its awaits, one after the other.
async fn cancelled<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    for operation in 0..5 {
        for polls in 1..POLLS_MAX {
            let machine = run.machine();
            let outcome = match operation {
                0 => run_for(machine, handle.append(Durability::Synced), polls)?.map(told),
                1 => {
                    handle.append(Durability::Buffered).await?;
                    run_for(machine, handle.flush(), polls)?.map(told)
                }
                2 => {
                    handle.append(Durability::Stored).await?;
                    run_for(machine, handle.sync(), polls)?.map(told)
                }
                3 => {
                    let id = Generator::producer(1);
                    run_for(machine, handle.produce(id, Durability::Synced), polls)?.map(told)
                }
                _ => run_for(machine, handle.maintain(), polls)?.map(told),
            };
            let compared = handle.compare().await;
            if let Some(outcome) = outcome {
                outcome?;
                compared?;
                break;
            }
            if compared.is_err() {
                // What failed while nobody waited for it is told to whoever comes next.
                handle.flush().await?;
            }
            compared?;
        }
    }
    handle.append(Durability::Synced).await?;
    handle.verify().await
}

fn told<T>(outcome: Result<T, Failure>) -> Result<(), Failure> {
    outcome.map(|_| ())
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
