//! Owns the scripts about idempotent producers: everything is sent again, at any
//! time, and kept once.

use tidelog_core::{Durability, limits};

use super::{Plan, Script, level};
use crate::engine::Engine;
use crate::generate::Generator;
use crate::random::Random;
use crate::run::{Failure, Handle, LOG, Run};
use crate::sim::Cut;

/// Batches of a producer that may be sent again and answered with their offsets.
const WINDOW: usize = 8;

pub(super) fn scripts<E: Engine>() -> Vec<Script<E>> {
    vec![
        Script {
            name: "producers",
            plan,
            play: |run| Box::pin(producers(run)),
        },
        Script {
            name: "producers-killed",
            plan,
            play: |run| Box::pin(producers_killed(run)),
        },
    ]
}

fn plan(random: &mut Random) -> Plan {
    let mut plan = Plan::draw(random, 2);
    plan.options.segment_bytes = Some(limits::SEGMENT_MIN);
    plan
}

/// Two producers; each batch within the window comes again up to three times.
async fn producers<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    for _ in 0..12 {
        let producer = run.generate(|generator| generator.random().below(2) as u8);
        let id = Generator::producer(producer);
        handle.produce(id, level(run)).await?;
        resend(run, &handle).await?;
    }
    handle.verify().await
}

/// As `producers`, with processes that die in between.
async fn producers_killed<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    for _ in 0..4 {
        let handle = run.reopen(LOG, Cut::Kill).await?;
        // What a crash took is sent again first, in order.
        let produced = run.model().get(LOG).map(|history| history.produced());
        for (id, _, _, there) in produced.unwrap_or_default() {
            if there.is_none() {
                handle.resend(id, level(run)).await?;
            }
        }
        for _ in 0..3 {
            handle.produce(Generator::producer(1), level(run)).await?;
            resend(run, &handle).await?;
        }
        handle.verify().await?;
        handle.kill();
    }
    Ok(())
}

async fn resend<E: Engine>(run: &Run<E>, handle: &Handle<'_, E>) -> Result<(), Failure> {
    let produced = run.model().get(LOG).map(|history| history.produced());
    let produced = produced.unwrap_or_default();
    for times in 0..run.generate(|generator| generator.random().below(4)) {
        let at = run.generate(|generator| generator.random().index(produced.len()));
        let (id, producer, ..) = &produced[at];
        let later = produced[at..].iter();
        if later
            .filter(|(_, other, ..)| other.id == producer.id)
            .count()
            > WINDOW
        {
            continue;
        }
        let level = if times == 0 {
            Durability::Synced
        } else {
            level(run)
        };
        handle.resend(*id, level).await?;
    }
    Ok(())
}
