//! Owns getting records by offset out of a log that is in memory, beside a
//! `HashMap` of the same set, asked in the same order.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Result;
use tidelog::blocking::Log;
use tidelog::{At, Durability};

use super::Effort;
use crate::peers::ours;
use crate::report::{Bar, Report, Row};
use crate::rounds::{Figures, in_fresh_directory};
use crate::workload::{Payload, Workload};

/// Offsets in one turn: some milliseconds.
const TURN: usize = 20_000;

type Map = HashMap<u64, Vec<u8>>;

/// Logs of single records and of batches; in order, and shuffled.
///
/// # Errors
/// That of tidelog.
pub fn by_offset(effort: &Effort, report: &mut Report) -> Result<()> {
    let payload = Payload::small();
    let map: Map = (0..effort.records)
        .map(|offset| (offset, payload.message(offset).value.to_vec()))
        .collect();
    let ordered: Vec<u64> = (0..effort.records).collect();
    let mut shuffled = ordered.clone();
    fastrand::Rng::with_seed(4).shuffle(&mut shuffled);
    for batch in [64, 1] {
        let workload = Workload {
            payload,
            messages: effort.records,
            batch,
            level: Durability::Stored,
        };
        in_fresh_directory(&effort.dir, |home| {
            ours::fill(home, &workload)?;
            let log = ours::open_cached(home)?;
            get_all(&log, &ordered)?;
            for (order, name) in [(&ordered, "in order"), (&shuffled, "shuffled")] {
                let [mut gets, mut lookups] = [Figures::default(), Figures::default()];
                for _ in 0..effort.rounds {
                    let [ours, theirs] = in_turns(&log, &map, order)?;
                    gets.add(ours, effort.records);
                    lookups.add(theirs, effort.records);
                }
                let name = format!("get by offset, {name}, appended {batch} at a time");
                let bar = Some(Bar::CostAtMost(3.0));
                report.add(Row::new(name, &gets, "HashMap", &lookups, bar));
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Both sides answer all offsets, a turn at a time.
fn in_turns(log: &Log, map: &Map, offsets: &[u64]) -> Result<[Duration; 2]> {
    let mut took = [Duration::ZERO; 2];
    for (number, turn) in offsets.chunks(TURN).enumerate() {
        for step in 0..2 {
            let side = (number + step) % 2;
            took[side] += match side {
                0 => get_all(log, turn)?,
                _ => look_up_all(map, turn),
            };
        }
    }
    Ok(took)
}

fn get_all(log: &Log, offsets: &[u64]) -> Result<Duration> {
    let begun = Instant::now();
    for offset in offsets {
        let entry = log.get(At::Offset(*offset))?;
        black_box(entry.record().value.and_then(<[u8]>::first));
    }
    Ok(begun.elapsed())
}

fn look_up_all(map: &Map, offsets: &[u64]) -> Duration {
    let begun = Instant::now();
    for offset in offsets {
        black_box(map.get(offset).and_then(|value| value.first()));
    }
    begun.elapsed()
}
