//! Owns running one hot path alone, so that a profiler sees little else. What is
//! to be counted happens in [`measured`].

use std::hint::black_box;
use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;
use tidelog::{At, Durability, ReadLimits};

use crate::native::lookup;
use crate::peers::ours::{self, Ours};
use crate::rounds::in_fresh_directory;
use crate::workload::{Appender, Payload, Workload};

/// The paths that bars are set for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum HotPath {
    /// Append one record, stored.
    AppendStored1,
    /// Append 64 records, stored.
    AppendStored64,
    /// Append 64 records, stored, to a log with both indexes.
    AppendIndexed64,
    /// Append one record as a producer, stored.
    AppendProducer,
    /// Get by offset, in order, from memory.
    GetOrdered,
    /// Get by offset, shuffled, from memory.
    GetShuffled,
    /// Get by key, shuffled, from memory.
    GetByKey,
    /// Get by a key that is not there, from memory.
    GetAbsent,
    /// Get by time, shuffled, from memory.
    GetByTime,
    /// Read in whole batches, through the system's cache.
    ReadBatches,
}

/// Performs `count` operations of one path: appends, gets, or records read.
///
/// # Errors
/// That of tidelog.
pub fn run(path: HotPath, count: u64, dir: &Path) -> Result<()> {
    let batch = match path {
        HotPath::AppendStored64 | HotPath::AppendIndexed64 | HotPath::ReadBatches => 64,
        _ => 1,
    };
    let workload = Workload {
        payload: Payload::small(),
        messages: count.next_multiple_of(batch),
        batch,
        level: Durability::Stored,
    };
    in_fresh_directory(dir, |dir| match path {
        HotPath::AppendStored1 | HotPath::AppendStored64 => {
            append(Ours::new(ours::open(dir)?, workload.level), &workload)
        }
        HotPath::AppendIndexed64 => append(
            Ours::new(ours::open_indexed(dir, ours::BOTH)?, workload.level),
            &workload,
        ),
        HotPath::AppendProducer => {
            let ours = Ours::new(ours::open(dir)?, workload.level);
            append(ours.producing(), &workload)
        }
        HotPath::GetOrdered => get(dir, &workload, false),
        HotPath::GetShuffled => get(dir, &workload, true),
        HotPath::GetByKey | HotPath::GetAbsent | HotPath::GetByTime => look_up(path, count, dir),
        HotPath::ReadBatches => read(dir, &workload),
    })
}

/// Runs `work`. Its own frame on the stack, for a profiler to begin and end at.
#[inline(never)]
fn measured<T>(work: impl FnOnce() -> T) -> T {
    work()
}

fn append(mut ours: Ours, workload: &Workload) -> Result<()> {
    let mut batch = Vec::new();
    workload.fill(0, &mut batch);
    ours.append(&batch)?;
    measured(|| workload.run(&mut ours))
}

fn get(dir: &Path, workload: &Workload, shuffle: bool) -> Result<()> {
    ours::fill(dir, workload)?;
    let log = ours::open_cached(dir)?;
    let mut offsets: Vec<u64> = (0..workload.messages).collect();
    let get_all = |offsets: &[u64]| -> Result<()> {
        for offset in offsets {
            black_box(log.get(At::Offset(*offset))?.record().value);
        }
        Ok(())
    };
    get_all(&offsets)?;
    if shuffle {
        fastrand::Rng::with_seed(4).shuffle(&mut offsets);
    }
    measured(|| get_all(&offsets))
}

fn look_up(path: HotPath, count: u64, dir: &Path) -> Result<()> {
    let log = lookup::filled(dir, count)?;
    let mut numbers: Vec<u64> = (0..count).collect();
    fastrand::Rng::with_seed(4).shuffle(&mut numbers);
    let look_up_all = || -> Result<()> {
        for number in &numbers {
            match path {
                HotPath::GetByTime => drop(log.get_by_time(lookup::time(*number))?),
                HotPath::GetAbsent => drop(log.get_by_key(&lookup::key(*number + count))),
                _ => drop(log.get_by_key(&lookup::key(*number))?),
            }
        }
        Ok(())
    };
    look_up_all()?;
    measured(look_up_all)
}

fn read(dir: &Path, workload: &Workload) -> Result<()> {
    ours::fill(dir, workload)?;
    let log = ours::open(dir)?;
    let limits = ReadLimits {
        records: usize::MAX,
        ..ReadLimits::default()
    };
    measured(|| {
        let mut at = 0;
        loop {
            let batch = log.read(At::Offset(at), limits)?;
            for record in batch.records() {
                black_box((record.key, record.value));
            }
            if batch.next() == at {
                return Ok(());
            }
            at = batch.next();
        }
    })
}
