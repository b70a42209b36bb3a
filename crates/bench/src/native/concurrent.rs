//! Owns appending by many threads to one log, synced: what group commit makes of
//! it, beside the raw write and sync of groups of the size that was reached.

use std::path::Path;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use tidelog::{Durability, FileStore};
use tidelog_testkit::counting::{CountingStore, Operation};

use super::Effort;
use crate::peers::okaywal::Wal;
use crate::peers::ours::{self, Ours};
use crate::peers::raw::RawFile;
use crate::report::{Bar, Report, Row};
use crate::rounds::{Figures, in_fresh_directory};
use crate::workload::{Appender, Payload, Workload};

const THREADS: u64 = 64;

/// 64 threads, one message per append.
///
/// # Errors
/// The first failure of any side.
pub fn one_log(effort: &Effort, report: &mut Report) -> Result<()> {
    let workload = Workload {
        payload: Payload::small(),
        messages: effort.synced * 16,
        batch: 1,
        level: Durability::Synced,
    };
    let messages = workload.messages / THREADS * THREADS;
    let frame = ours::frame_bytes(&workload)?;
    let [mut grouped, mut raw, mut okaywal] = [(); 3].map(|()| Figures::default());
    let mut sizes = Vec::new();
    for _ in 0..effort.rounds {
        let (took, syncs) = in_fresh_directory(&effort.dir, |dir| ours(dir, workload))?;
        grouped.add(took, messages);
        let size = (messages / syncs).max(1);
        sizes.push(size);
        let took = in_fresh_directory(&effort.dir, |dir| {
            raw_groups(dir, frame * usize::try_from(size)?, messages / size)
        })?;
        raw.add(took, messages / size * size);
        let took = in_fresh_directory(&effort.dir, |dir| {
            let wal = Wal::open(dir)?;
            from_all_threads(workload, |_| wal.clone())
        })?;
        okaywal.add(took, messages);
    }
    sizes.sort_unstable();
    let name = format!("append synced, {THREADS} threads, one log");
    let (bar, peer) = (Some(Bar::SpeedAtLeast(0.8)), "raw pwrite + fdatasync");
    let note = format!(
        "{} records a sync ({}-{})",
        sizes[sizes.len() / 2],
        sizes[0],
        sizes[sizes.len() - 1]
    );
    report.add(Row::new(&name, &grouped, peer, &raw, bar).note(note));
    report.add(Row::new(&name, &grouped, "okaywal", &okaywal, None));
    Ok(())
}

/// Returns how long it took and how often the store was synced.
fn ours(dir: &Path, workload: Workload) -> Result<(Duration, u64)> {
    let store = Arc::new(CountingStore::new(FileStore::create(dir)?));
    let log = ours::open_over(Arc::clone(&store))?;
    let appender = |_| Ours::new(log.clone(), workload.level);
    // The first append creates files.
    let mut batch = Vec::new();
    workload.fill(0, &mut batch);
    appender(0).append(&batch)?;
    let before = store.snapshot();
    let took = from_all_threads(workload, appender)?;
    let syncs = store.snapshot().since(&before).calls(Operation::Sync);
    Ok((took, syncs))
}

fn raw_groups(dir: &Path, group: usize, groups: u64) -> Result<Duration> {
    let mut file = RawFile::synced(dir, group)?;
    file.write()?;
    let begun = Instant::now();
    for _ in 0..groups {
        file.write()?;
    }
    Ok(begun.elapsed())
}

/// Every thread appends its share, all beginning at once.
fn from_all_threads<A>(workload: Workload, appender: impl Fn(u64) -> A + Sync) -> Result<Duration>
where
    A: Appender,
{
    let ready = Barrier::new(usize::try_from(THREADS)? + 1);
    let share = workload.messages / THREADS;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|number| {
                let (ready, appender) = (&ready, &appender);
                scope.spawn(move || -> Result<()> {
                    let mut appender = appender(number);
                    let mut batch = Vec::new();
                    ready.wait();
                    for index in 0..share {
                        workload.fill(number * share + index, &mut batch);
                        appender.append(&batch)?;
                    }
                    Ok(())
                })
            })
            .collect();
        ready.wait();
        let begun = Instant::now();
        for thread in threads {
            thread
                .join()
                .map_err(|_| anyhow!("an appending thread panicked"))??;
        }
        Ok(begun.elapsed())
    })
}
