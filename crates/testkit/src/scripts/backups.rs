//! Owns the script of a log that is backed up again and again: wherever it is cut
//! short, the log and the backup before are whole.

use tidelog_core::{Durability, Indexes, LogId, Options, limits};

use super::{LEVELS, Plan, Script, level};
use crate::engine::Engine;
use crate::generate::Sizes;
use crate::random::Random;
use crate::run::{Failure, LOG, Run};
use crate::sim::{Cut, ELSEWHERE, Setup};

/// Where the backup is.
const BACKUP: LogId = LogId(LOG.0 + ELSEWHERE);

pub(super) fn scripts<E: Engine>() -> Vec<Script<E>> {
    vec![Script {
        name: "backed-up",
        plan,
        play: |run| Box::pin(backed_up(run)),
    }]
}

fn plan(random: &mut Random) -> Plan {
    let keys = random.index(2) == 1;
    Plan {
        setup: Setup {
            pace: random.below(2),
            ..Setup::default()
        },
        options: Options {
            durability: Some(LEVELS[random.index(3)]),
            segment_bytes: Some(limits::SEGMENT_MIN),
            indexes: Some(Indexes { keys, times: keys }),
            ..Options::default()
        },
        sizes: Sizes {
            records: 3,
            value: 700,
        },
    }
}

/// Two writers, each of which backs up what is there, what came since, and what
/// merging makes of it.
async fn backed_up<E: Engine>(run: &Run<E>) -> Result<(), Failure> {
    for cut in [Cut::Kill, Cut::Power] {
        let handle = run.reopen(LOG, cut).await?;
        for _ in 0..4 {
            handle.append(level(run)).await?;
        }
        handle.back_up().await?;
        handle.append(level(run)).await?;
        handle.append(level(run)).await?;
        handle.back_up().await?;
        handle.maintain().await?;
        handle.back_up().await?;
        handle.append(Durability::Synced).await?;
        handle.verify().await?;
        handle.close().await?;
    }
    if let Some(history) = run.model().get(BACKUP) {
        let seen = run.look(BACKUP).await?;
        history.check(&seen, Durability::Synced)?;
    }
    Ok(())
}
