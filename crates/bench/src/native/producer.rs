//! Owns what it costs to append as a producer: with and without.

use anyhow::Result;
use tidelog::Durability;

use super::Effort;
use crate::peers::Contender;
use crate::report::{Bar, Report, Row};
use crate::turns::take_turns;
use crate::workload::{Payload, Workload};

/// With a producer against without, stored.
///
/// # Errors
/// The first failure of either.
pub fn check(effort: &Effort, report: &mut Report) -> Result<()> {
    for batch in [1, 64] {
        let workload = Workload {
            payload: Payload::small(),
            messages: effort.stored.next_multiple_of(batch),
            batch,
            level: Durability::Stored,
        };
        let sides = [
            Contender::producer(workload.level),
            Contender::ours(workload.level),
        ];
        let figures = take_turns(&effort.dir, effort.rounds, &workload, &sides)?;
        let (bar, peer) = (Some(Bar::CostAtMost(1.03)), "without producer");
        report.add(Row::new(
            format!("append stored as a producer, batch {batch}"),
            &figures[0],
            peer,
            &figures[1],
            bar,
        ));
    }
    Ok(())
}
