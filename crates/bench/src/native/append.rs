//! Owns appending by one caller: beside the raw write, and beside each peer that
//! can acknowledge the same level.

use anyhow::Result;
use tidelog::{Durability, Indexes};

use super::Effort;
use crate::peers::{Contender, ours};
use crate::report::{Bar, Report, Row};
use crate::turns::take_turns;
use crate::workload::{Payload, Workload};

const BATCHES: [u64; 3] = [1, 8, 64];

/// Small messages, stored.
///
/// # Errors
/// The first failure of any side.
pub fn stored(effort: &Effort, report: &mut Report) -> Result<()> {
    for batch in BATCHES {
        let workload = Workload {
            payload: Payload::small(),
            messages: effort.stored.next_multiple_of(batch),
            batch,
            level: Durability::Stored,
        };
        let bar = match batch {
            1 => Some(Bar::CostAtMost(1.3)),
            64 => Some(Bar::SpeedAtLeast(0.5)),
            _ => None,
        };
        compare(
            effort,
            report,
            &format!("append stored, batch {batch}"),
            &workload,
            bar,
        )?;
    }
    Ok(())
}

/// Small messages, synced.
///
/// # Errors
/// The first failure of any side.
pub fn synced(effort: &Effort, report: &mut Report) -> Result<()> {
    for batch in BATCHES {
        let workload = Workload {
            payload: Payload::small(),
            messages: effort.synced * batch,
            batch,
            level: Durability::Synced,
        };
        compare(
            effort,
            report,
            &format!("append synced, batch {batch}"),
            &workload,
            None,
        )?;
    }
    Ok(())
}

/// Payloads of 575 bytes, stored and synced.
///
/// # Errors
/// The first failure of any side.
pub fn of_575(effort: &Effort, report: &mut Report) -> Result<()> {
    for (level, name, messages) in [
        (Durability::Stored, "stored", effort.stored),
        (Durability::Synced, "synced", effort.synced),
    ] {
        let workload = Workload {
            payload: Payload::of_575(),
            messages,
            batch: 1,
            level,
        };
        compare(
            effort,
            report,
            &format!("append 575 bytes {name}, batch 1"),
            &workload,
            None,
        )?;
    }
    Ok(())
}

/// Small messages, stored, as many as make several segments of the default size.
///
/// # Errors
/// The first failure of any side.
pub fn rolls(effort: &Effort, report: &mut Report) -> Result<()> {
    let workload = Workload {
        payload: Payload::small(),
        messages: effort.records,
        batch: 1,
        level: Durability::Stored,
    };
    let name = format!(
        "append stored, batch 1, {} records with rolls",
        workload.messages
    );
    let bar = Some(Bar::CostAtMost(1.3));
    let frame = ours::frame_bytes(&workload)?;
    let contenders = [
        Contender::ours(workload.level),
        Contender::raw(workload.level, frame),
        Contender::raw_bounded(frame),
    ];
    compare_all(effort, report, &name, &workload, bar, &contenders)
}

/// Small messages, stored, with indexes by key and time, beside the same without.
///
/// # Errors
/// That of tidelog.
pub fn indexed(effort: &Effort, report: &mut Report) -> Result<()> {
    for batch in BATCHES {
        let workload = Workload {
            payload: Payload::small(),
            messages: effort.records.next_multiple_of(batch),
            batch,
            level: Durability::Stored,
        };
        let indexed = |name, keys, times| {
            let indexes = Indexes { keys, times };
            (name, Contender::indexed(name, indexes, workload.level))
        };
        let (names, contenders): (Vec<_>, Vec<_>) = [
            indexed("no index", false, false),
            indexed("an index by time", false, true),
            indexed("an index by key", true, false),
            indexed("both indexes", true, true),
        ]
        .into_iter()
        .unzip();
        let figures = take_turns(&effort.dir, effort.rounds, &workload, &contenders)?;
        for (own, kind) in figures.iter().zip(&names).skip(1) {
            let name = format!("append stored with {kind}, batch {batch}, with rolls");
            let bar = Some(Bar::CostAtMost(1.3)).filter(|_| *kind == "both indexes");
            report.add(Row::new(name, own, names[0], &figures[0], bar));
        }
    }
    Ok(())
}

fn compare(
    effort: &Effort,
    report: &mut Report,
    name: &str,
    workload: &Workload,
    bar: Option<Bar>,
) -> Result<()> {
    let (level, frame) = (workload.level, ours::frame_bytes(workload)?);
    let mut contenders = vec![Contender::ours(level), Contender::raw(level, frame)];
    if level == Durability::Stored {
        contenders.push(Contender::raw_bounded(frame));
    }
    contenders.extend(Contender::registry(level));
    compare_all(effort, report, name, workload, bar, &contenders)
}

/// The first against each of the others; the bar is for the second.
fn compare_all(
    effort: &Effort,
    report: &mut Report,
    name: &str,
    workload: &Workload,
    bar: Option<Bar>,
    contenders: &[Contender],
) -> Result<()> {
    let figures = take_turns(&effort.dir, effort.rounds, workload, contenders)?;
    for (index, (peer, theirs)) in contenders.iter().zip(&figures).enumerate().skip(1) {
        let bar = bar.filter(|_| index == 1);
        report.add(Row::new(name, &figures[0], peer.name, theirs, bar));
    }
    Ok(())
}
