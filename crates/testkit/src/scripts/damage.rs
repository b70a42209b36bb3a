//! Owns the script whose result is damaged afterwards: a log in which a mark vouches
//! for everything.

use tidelog_core::{Durability, limits};

use super::{Plan, Script, level};
use crate::engine::Engine;
use crate::generate::{Generator, Sizes};
use crate::random::Random;
use crate::run::{Failure, LOG, Run};
use crate::sim::Cut;

pub(super) fn script<E: Engine>() -> Script<E> {
    Script {
        name: "damaged",
        plan,
        play: |run| Box::pin(marked(run)),
    }
}

fn plan(random: &mut Random) -> Plan {
    let mut plan = Plan {
        sizes: Sizes {
            records: 3,
            value: 500,
        },
        ..Plan::default()
    };
    plan.options.segment_bytes = Some(limits::SEGMENT_MIN);
    plan.setup.geometry.atomic_append = random.one_in(4);
    if random.one_in(2) {
        let compression = Generator::new(random.word(), plan.sizes).compression();
        plan.options.compression = Some(compression);
    }
    plan
}

/// Two lives: one that rolls and is closed, one that leaves a short segment, by
/// closing or by `maintain` after a sync.
async fn marked<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    for _ in 0..12 {
        handle.append(level(run)).await?;
    }
    handle
        .produce(Generator::producer(1), Durability::Stored)
        .await?;
    handle.close().await?;
    let handle = run.reopen(LOG, Cut::Power).await?;
    for _ in 0..3 {
        handle.append(level(run)).await?;
    }
    handle.verify().await?;
    if run.generate(|generator| generator.random().one_in(2)) {
        return handle.close().await;
    }
    handle.sync().await?;
    handle.maintain().await?;
    handle.kill();
    Ok(())
}
