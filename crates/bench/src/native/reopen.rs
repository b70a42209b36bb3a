//! Owns what it costs to open a log that is there already: counted in store
//! operations and bytes, since that is what does not depend on the machine.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tidelog::{Durability, FileStore};
use tidelog_testkit::counting::{CountingStore, Counts, Operation};

use super::Effort;
use crate::peers::ours::{self, Ours};
use crate::report::{Bar, Report, Row};
use crate::rounds::{Figures, in_fresh_directory};
use crate::workload::{Payload, Workload};

/// Closed properly, and not closed at all; beside a log of a tenth of the size.
///
/// # Errors
/// That of tidelog.
pub fn operations(effort: &Effort, report: &mut Report) -> Result<()> {
    for (closed, name) in [(true, "after close"), (false, "without close")] {
        let large = opening(effort, effort.records, closed)?;
        let small = opening(effort, effort.records / 10, closed)?;
        let of = |calls: u64| {
            let mut figures = Figures::default();
            figures.add(Duration::from_nanos(calls), 1);
            figures
        };
        let bytes = large.counts.bytes(Operation::Read);
        let note = format!(
            "{} segments, {bytes} bytes read, {:.1} ms",
            large.segments,
            large.took.as_secs_f64() * 1e3
        );
        let calls = [&large, &small].map(|opening| of(opening.counts.total_calls()));
        let name = format!("reopen {} records {name}", effort.records);
        let bar = Some(Bar::CostAtMost(3.0)).filter(|_| closed);
        let row = Row::new(name, &calls[0], "a tenth of them", &calls[1], bar);
        report.add(row.unit("store operations").note(note));
    }
    Ok(())
}

struct Opening {
    counts: Counts,
    segments: usize,
    took: Duration,
}

fn opening(effort: &Effort, records: u64, closed: bool) -> Result<Opening> {
    let workload = Workload {
        payload: Payload::small(),
        messages: records,
        batch: 64,
        level: Durability::Stored,
    };
    in_fresh_directory(&effort.dir, |dir| {
        if closed {
            ours::fill(dir, &workload)?;
        } else {
            workload.run(&mut Ours::new(ours::open(dir)?, workload.level))?;
        }
        open_counted(dir)
    })
}

fn open_counted(dir: &Path) -> Result<Opening> {
    let store = Arc::new(CountingStore::new(FileStore::open(dir)?));
    let begun = Instant::now();
    let log = ours::open_over(Arc::clone(&store))?;
    let took = begun.elapsed();
    Ok(Opening {
        counts: store.snapshot(),
        segments: log.stat().segments,
        took,
    })
}
