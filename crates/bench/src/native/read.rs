//! Owns sequential reading, beside nothing but the checksum of the same bytes: by
//! the algorithm that `crc32fast` has without its `std` feature.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use crc32fast::Hasher;
use tidelog::blocking::Log;
use tidelog::{At, Durability, ReadLimits};

use super::Effort;
use crate::peers::ours;
use crate::report::{Bar, Report, Row};
use crate::rounds::{Figures, in_fresh_directory};
use crate::workload::{Payload, Workload};

/// Records of a turn: a megabyte, which takes a fraction of a millisecond.
const TURN: u64 = 8192;

/// Logs of single records and of batches; larger than the default cache and so
/// warm in the system's, and warm in a cache that holds all of it.
///
/// # Errors
/// That of tidelog.
pub fn sequential(effort: &Effort, report: &mut Report) -> Result<()> {
    for batch in [64, 1] {
        let workload = Workload {
            payload: Payload::small(),
            messages: effort.stored.next_multiple_of(batch),
            batch,
            level: Durability::Stored,
        };
        in_fresh_directory(&effort.dir, |home| {
            ours::fill(home, &workload)?;
            reopened(effort, report, home, &workload)?;
            let log = ours::open(home)?;
            compare(effort, report, &log, &workload, "from files")?;
            log.close()?;
            let log = ours::open_cached(home)?;
            compare(effort, report, &log, &workload, "from memory")
        })?;
    }
    Ok(())
}

/// Opens the log and reads it once, beside reading it once more.
fn reopened(effort: &Effort, report: &mut Report, home: &Path, workload: &Workload) -> Result<()> {
    for limit in [1, 8, 64] {
        let [mut first, mut again] = [(); 2].map(|()| Figures::default());
        for _ in 0..effort.rounds {
            let begun = Instant::now();
            let log = ours::open_cached(home)?;
            read(&log, 0, workload.messages, ReadLimits::records(limit))?;
            first.add(begun.elapsed(), workload.messages);
            let begun = Instant::now();
            read(&log, 0, workload.messages, ReadLimits::records(limit))?;
            again.add(begun.elapsed(), workload.messages);
            log.close()?;
        }
        let name = format!(
            "reopen and read, limit {limit}, appended {} at a time",
            workload.batch
        );
        report.add(Row::new(name, &first, "read again", &again, None));
    }
    Ok(())
}

fn compare(
    effort: &Effort,
    report: &mut Report,
    log: &Log,
    workload: &Workload,
    from: &str,
) -> Result<()> {
    let sides = [
        ("limit 1", ReadLimits::records(1), None),
        ("limit 8", ReadLimits::records(8), None),
        ("limit 64", ReadLimits::records(64), None),
        (
            "whole batches",
            ReadLimits {
                records: usize::MAX,
                ..ReadLimits::default()
            },
            Some(Bar::CostAtMost(2.0)),
        ),
    ];
    let frame = ours::frame_bytes(workload)?;
    let mut bytes = vec![0; frame * usize::try_from(workload.messages / workload.batch)?];
    fastrand::Rng::with_seed(3).fill(&mut bytes);
    let mut reads = vec![Figures::default(); sides.len()];
    let mut checksums = Figures::default();
    // The first round fills the caches.
    for round in 0..=effort.rounds {
        let mut took = vec![Duration::ZERO; sides.len() + 1];
        let turns = workload.messages.div_ceil(TURN);
        for turn in 0..turns {
            for step in 0..took.len() as u64 {
                let count = took.len() as u64;
                let side = usize::try_from((turn + step) % count)?;
                // Each is somewhere else, or one would find in the cache what
                // another has just read.
                let place = (turn + side as u64 * turns / count) % turns;
                let first = place * TURN;
                let end = (first + TURN).min(workload.messages);
                let begun = Instant::now();
                match sides.get(side) {
                    Some((_, limits, _)) => read(log, first, end, *limits)?,
                    None => {
                        let place = |offset| usize::try_from(offset / workload.batch);
                        let (from, to) = (place(first)?, place(end)?);
                        checksum(&bytes[from * frame..to * frame], frame);
                    }
                }
                took[side] += begun.elapsed();
            }
        }
        if round > 0 {
            for (figures, took) in reads.iter_mut().zip(&took) {
                figures.add(*took, workload.messages);
            }
            checksums.add(took[sides.len()], workload.messages);
        }
    }
    let speed = frame as f64 / workload.batch as f64 / checksums.median();
    for ((limit, _, bar), ours) in sides.into_iter().zip(&reads) {
        let name = format!(
            "read {from}, {limit}, appended {} at a time",
            workload.batch
        );
        let note = format!("checksum at {speed:.1} GB/s");
        report.add(Row::new(name, ours, "crc32fast without std", &checksums, bar).note(note));
    }
    Ok(())
}

/// Reads from `first` on until `end` is reached.
fn read(log: &Log, first: u64, end: u64, limits: ReadLimits) -> Result<()> {
    let mut at = first;
    while at < end {
        let left = usize::try_from(end - at)?;
        let limits = ReadLimits {
            records: limits.records.min(left),
            ..limits
        };
        let batch = log.read(At::Offset(at), limits)?;
        for record in batch.records() {
            black_box((record.key, record.value));
        }
        ensure!(batch.next() > at, "the log ends at {at}, before {end}");
        at = batch.next();
    }
    Ok(())
}

/// What a reader without vector instructions cannot avoid. Other crates of this
/// program turn the `std` feature on, so the plain algorithm is asked for.
fn checksum(bytes: &[u8], frame: usize) {
    for chunk in bytes.chunks(frame) {
        let mut hasher = Hasher::internal_new_baseline(0, 0);
        hasher.update(chunk);
        black_box(hasher.finalize());
    }
}
