//! Owns what removing costs: deleting many scattered records, and compacting a log of
//! many updates.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tidelog::blocking::Log;
use tidelog::{At, Compaction, Durability, NewRecord};

use super::Effort;
use super::lookup::{key, time};
use crate::peers::ours;
use crate::report::{Bar, Report, Row};
use crate::rounds::{Figures, in_fresh_directory};

const VALUE: [u8; 128] = [7; 128];
/// Keys of the log that is compacted.
const KEYS: u64 = 1000;

/// Deletes every other record of a log, and opens it, beside opening it before.
///
/// # Errors
/// That of tidelog.
pub fn scattered(effort: &Effort, report: &mut Report) -> Result<()> {
    let count = effort.records * 2;
    let [mut deletes, mut appends, mut before, mut after] = [(); 4].map(|()| Figures::default());
    let mut segments = 0;
    for _ in 0..effort.rounds {
        in_fresh_directory(&effort.dir, |home| {
            let begun = Instant::now();
            fill(&ours::open(home)?, count, count)?;
            appends.add(begun.elapsed(), count);
            before.add(opening(home)?, 1);
            let log = ours::open(home)?;
            segments = log.stat().segments;
            let mut offsets: Vec<u64> = (0..count).step_by(2).collect();
            fastrand::Rng::with_seed(5).shuffle(&mut offsets);
            let begun = Instant::now();
            let deleted = log.delete(&offsets)?;
            deletes.add(begun.elapsed(), deleted.records);
            ensure!(deleted.records == count / 2, "some were not there");
            log.close()?;
            after.add(opening(home)?, 1);
            Ok(())
        })?;
    }
    let name = format!("delete {} scattered of {count} records", count / 2);
    let row = Row::new(name, &deletes, "appending them", &appends, None);
    report.add(row.note(format!("{segments} segments")));
    let row = Row::new("open after that", &after, "before", &before, None);
    report.add(row.unit("ns"));
    Ok(())
}

fn opening(home: &Path) -> Result<Duration> {
    let begun = Instant::now();
    let log = ours::open(home)?;
    let took = begun.elapsed();
    log.close()?;
    Ok(took)
}

/// Compacts many updates of a few keys and gives their space back, beside reading all
/// files and writing what is left.
///
/// # Errors
/// That of tidelog.
pub fn compaction(effort: &Effort, report: &mut Report) -> Result<()> {
    let count = effort.records;
    let [mut compactions, mut copies] = [(); 2].map(|()| Figures::default());
    for _ in 0..effort.rounds {
        in_fresh_directory(&effort.dir, |home| {
            fill(&ours::open_indexed(home, ours::BOTH)?, count, KEYS)?;
            copies.add(copying(home, count)?, count);
            let log = ours::open(home)?;
            let begun = Instant::now();
            let mut compaction = Compaction::up_to(i64::MAX, i64::MAX);
            loop {
                let done = log.compact(compaction)?;
                if !done.more {
                    break;
                }
                compaction.from = At::Offset(done.next);
            }
            while log.maintain(u64::MAX)?.more {}
            compactions.add(begun.elapsed(), count);
            ensure!(log.stat().records == KEYS, "one record of each key is left");
            log.close()?;
            Ok(())
        })?;
    }
    let name = format!("compact {count} updates of {KEYS} keys, and give the space back");
    let bar = Some(Bar::CostAtMost(3.0));
    let peer = "reading all files, writing what is left";
    report.add(Row::new(name, &compactions, peer, &copies, bar));
    Ok(())
}

/// Reads every file below `home`, and writes and syncs as many bytes as stay.
fn copying(home: &Path, count: u64) -> Result<Duration> {
    let begun = Instant::now();
    let mut bytes = 0;
    let mut folders = vec![home.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                bytes += black_box(fs::read(path)?).len();
            }
        }
    }
    let left = bytes / usize::try_from(count / KEYS)?;
    let mut file = File::create(home.join("copy"))?;
    file.write_all(&vec![7; left])?;
    file.sync_data()?;
    let took = begun.elapsed();
    fs::remove_file(home.join("copy"))?;
    Ok(took)
}

/// Fills and closes a log of which record `n` has key `n % keys`.
fn fill(log: &Log, count: u64, keys: u64) -> Result<()> {
    let mut batch = Vec::new();
    for first in (0..count).step_by(64) {
        let numbers = first..(first + 64).min(count);
        batch.clear();
        batch.extend(numbers.clone().map(|number| key(number % keys)));
        let records: Vec<_> = numbers
            .zip(&batch)
            .map(|(number, key)| NewRecord::new(&VALUE).key(key).time(time(number)))
            .collect();
        log.append(&records, Durability::Stored.into())?;
    }
    log.close()?;
    Ok(())
}
