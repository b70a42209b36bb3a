//! Owns sequential reading, beside nothing but the checksum of the same bytes: by
//! the algorithm that `crc32fast` has without its `std` feature.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Result;
use crc32fast::Hasher;
use tidelog::blocking::Log;
use tidelog::{At, Durability, ReadLimits};

use super::Effort;
use crate::peers::ours;
use crate::report::{Bar, Report, Row};
use crate::rounds::{Side, in_fresh_directory, interleave};
use crate::workload::{Payload, Workload};

/// Reading everything once takes milliseconds, so a round is cheap.
const PASSES: usize = 5;

/// Logs of single records and of batches; by limits, and in whole batches.
///
/// # Errors
/// That of tidelog.
pub fn sequential(effort: &Effort, report: &mut Report) -> Result<()> {
    for batch in [64, 1] {
        let workload = Workload {
            payload: Payload::small(),
            messages: effort.stored,
            batch,
            level: Durability::Stored,
        };
        in_fresh_directory(&effort.dir, |home| {
            ours::fill(home, &workload)?;
            let log = ours::open(home)?;
            compare(effort, report, &log, &workload)
        })?;
    }
    Ok(())
}

fn compare(effort: &Effort, report: &mut Report, log: &Log, workload: &Workload) -> Result<()> {
    let frame = ours::frame_bytes(workload)?;
    let frames = workload.messages / workload.batch;
    let mut bytes = vec![0; frame * usize::try_from(frames)?];
    fastrand::Rng::with_seed(3).fill(&mut bytes);
    let limits = [
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
    let messages = workload.messages;
    let mut sides = vec![Side::new(messages, |_| {
        Ok(timed(|| checksum(&bytes, frame)))
    })];
    for (_, limits, _) in limits {
        sides.push(Side::new(messages, move |_| read_all(log, limits)));
    }
    let figures = interleave(&effort.dir, effort.rounds * PASSES, &mut sides)?;
    let (checksum, reads) = figures.split_at(1);
    let speed = frame as f64 / workload.batch as f64 / checksum[0].median();
    for ((limit, _, bar), ours) in limits.into_iter().zip(reads) {
        let name = format!("read, {limit}, appended {} at a time", workload.batch);
        let note = format!("checksum at {speed:.1} GB/s");
        report.add(Row::new(name, ours, "crc32fast without std", &checksum[0], bar).note(note));
    }
    Ok(())
}

fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn read_all(log: &Log, limits: ReadLimits) -> Result<Duration> {
    let begun = Instant::now();
    let mut at = log.bounds().oldest;
    loop {
        let batch = log.read(At::Offset(at), limits)?;
        for record in batch.records() {
            black_box((record.key, record.value));
        }
        if batch.next() == at {
            return Ok(begun.elapsed());
        }
        at = batch.next();
    }
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
