//! Owns the scripts of two writers: where locks do not exist, the newer one takes
//! the log over and the older one must notice before it acknowledges anything.

use tidelog_core::{Durability, ErrorKind, Options};

use super::{LEVELS, Plan, Script, level};
use crate::engine::Engine;
use crate::random::Random;
use crate::run::{Failure, Handle, LOG, Run};
use crate::sim::{Claims, Crowd, Cut, Setup};

pub(super) fn scripts<E: Engine>() -> Vec<Script<E>> {
    vec![
        Script {
            name: "takeover",
            plan,
            play: |run| Box::pin(takeover(run)),
        },
        Script {
            name: "takeover-race",
            plan: |random| {
                let mut plan = plan(random);
                plan.setup.pace = 1 + random.below(3);
                plan
            },
            play: |run| Box::pin(race(run)),
        },
        Script {
            name: "locked",
            plan: |random| {
                let mut plan = plan(random);
                plan.setup.claims = Claims::Locks;
                plan
            },
            play: |run| Box::pin(locked(run)),
        },
    ]
}

fn plan(random: &mut Random) -> Plan {
    Plan {
        setup: Setup {
            claims: Claims::Epochs,
            pace: random.below(2),
            ..Setup::default()
        },
        options: Options {
            durability: Some(LEVELS[1 + random.index(2)]),
            ..Options::default()
        },
        ..Plan::default()
    }
}

/// A writer that was replaced goes on writing, and is refused.
async fn takeover<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let mut old = run.open(LOG).await?;
    for round in 0..3 {
        old.append(level(run)).await?;
        old.append(Durability::Stored).await?;
        let new = run.reopen(LOG, Cut::Kill).await?;
        if round > 0 {
            new.append(level(run)).await?;
        }
        refused(&old).await?;
        new.append(Durability::Synced).await?;
        refused(&old).await?;
        new.verify().await?;
        old = new;
    }
    Ok(())
}

/// The zombie's append must not be acknowledged.
async fn refused<E: Engine>(old: &Handle<'_, E>) -> Result<(), Failure> {
    match old.append(Durability::Stored).await {
        Ok(ack) => Err(Failure::Broken(format!(
            "a writer that was replaced acknowledged offset {}",
            ack.first
        ))),
        Err(Failure::Refused(refusal))
            if matches!(refusal.kind, ErrorKind::Fenced | ErrorKind::Poisoned) =>
        {
            Ok(())
        }
        Err(failure) => Err(failure),
    }
}

/// The new writer comes while the old one is in the middle of something.
async fn race<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let old = run.open(LOG).await?;
    old.append(Durability::Synced).await?;
    let seed = run.generate(|generator| generator.random().word());
    let mut crowd = Crowd::new(seed, 0);
    crowd.add(0, async {
        // Until it is replaced.
        for _ in 0..6 {
            match old.append(level(run)).await {
                Ok(_) => {}
                Err(Failure::Refused(refusal))
                    if matches!(refusal.kind, ErrorKind::Fenced | ErrorKind::Poisoned) =>
                {
                    break;
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    });
    crowd.add(1, async {
        let new = run.reopen(LOG, Cut::Kill).await?;
        for _ in 0..3 {
            new.append(level(run)).await?;
        }
        new.verify().await
    });
    for (_, outcome) in crowd.run(run.machine())? {
        outcome.transpose()?;
    }
    Ok(())
}

/// Where locks exist, the second writer is refused, and the first is not
/// disturbed.
async fn locked<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    let handle = run.open(LOG).await?;
    for _ in 0..3 {
        handle.append(level(run)).await?;
        match run.open(LOG).await {
            Err(Failure::Refused(refusal)) if refusal.kind == ErrorKind::Locked => {}
            Err(failure) => return Err(failure),
            Ok(_) => return Err(Failure::Broken("two writers at once".into())),
        }
        handle.append(Durability::Synced).await?;
    }
    handle.close().await?;
    let handle = run.reopen(LOG, Cut::Power).await?;
    handle.append(level(run)).await?;
    Ok(())
}
