//! Owns getting records by key and by time out of a log that is in memory, beside a
//! `HashMap` of the same set, asked in the same order.

use std::collections::HashMap;
use std::hint::black_box;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};
use tidelog::blocking::Log;
use tidelog::{Durability, ErrorKind, NewRecord};

use super::Effort;
use crate::peers::ours;
use crate::report::{Bar, Report, Row};
use crate::rounds::{Figures, in_fresh_directory};

/// Lookups in one turn: some milliseconds.
const TURN: usize = 20_000;
/// Microseconds from one record to the next.
const STEP: i64 = 10;
const VALUE: [u8; 128] = [7; 128];

/// Readers at a time.
const READERS: usize = 8;

type Key = [u8; 10];

/// A key that no other number has, and that looks random.
#[must_use]
pub fn key(number: u64) -> Key {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
    let mut key = [b'k'; 10];
    key[2..].copy_from_slice(&mixed);
    key
}

/// The time of a record.
#[must_use]
pub fn time(number: u64) -> i64 {
    number.cast_signed() * STEP
}

/// Kinds of lookups, asked with the same numbers.
#[derive(Clone, Copy)]
enum Kind {
    Key,
    Absent,
    Time,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Key, Self::Absent, Self::Time];

    const fn name(self) -> &'static str {
        match self {
            Self::Key => "get by key",
            Self::Absent => "get by absent key",
            Self::Time => "get by time",
        }
    }

    fn ask(self, log: &Log, numbers: &[u64], count: u64) -> Result<()> {
        for number in numbers {
            match self {
                Self::Key => {
                    black_box(log.get_by_key(&key(*number))?.record().value);
                }
                Self::Absent => {
                    let found = log.get_by_key(&key(*number + count)).err();
                    let kind = found.map(|error| error.kind());
                    ensure!(kind == Some(ErrorKind::NotFound), "a key is there");
                }
                Self::Time => {
                    black_box(log.get_by_time(time(*number))?.record().value);
                }
            }
        }
        Ok(())
    }
}

/// The same set as a log, in memory.
struct Maps {
    by_key: HashMap<Key, Vec<u8>>,
    by_time: HashMap<i64, Vec<u8>>,
}

impl Maps {
    fn of(count: u64) -> Self {
        Self {
            by_key: (0..count).map(|n| (key(n), VALUE.to_vec())).collect(),
            by_time: (0..count).map(|n| (time(n), VALUE.to_vec())).collect(),
        }
    }

    fn ask(&self, kind: Kind, numbers: &[u64], count: u64) {
        for number in numbers {
            let value = match kind {
                Kind::Key => self.by_key.get(&key(*number)),
                Kind::Absent => self.by_key.get(&key(*number + count)),
                Kind::Time => self.by_time.get(&time(*number)),
            };
            black_box(value.and_then(|value| value.first()));
        }
    }
}

/// A closed log of `count` records, opened with a cache that holds all of it.
///
/// # Errors
/// That of tidelog.
pub fn filled(home: &Path, count: u64) -> Result<Log> {
    let log = ours::open_indexed(home, ours::BOTH)?;
    fill(&log, count)?;
    log.close()?;
    ours::open_cached(home)
}

fn shuffled(count: u64) -> Vec<u64> {
    let mut numbers: Vec<u64> = (0..count).collect();
    fastrand::Rng::with_seed(4).shuffle(&mut numbers);
    numbers
}

/// By key, by a key that is not there, and by time: in order, shuffled, and shuffled
/// right after opening.
///
/// # Errors
/// That of tidelog.
pub fn by_key_and_time(effort: &Effort, report: &mut Report) -> Result<()> {
    let count = effort.records;
    let maps = Maps::of(count);
    let ordered: Vec<u64> = (0..count).collect();
    let orders = [("in order", ordered), ("shuffled", shuffled(count))];
    in_fresh_directory(&effort.dir, |home| {
        let log = filled(home, count)?;
        let segments = log.stat().segments;
        for (order, numbers) in &orders {
            for kind in Kind::ALL {
                kind.ask(&log, numbers, count)?;
                let [mut gets, mut lookups] = [(); 2].map(|()| Figures::default());
                for _ in 0..effort.rounds {
                    let mut took = [Duration::ZERO; 2];
                    for (number, turn) in numbers.chunks(TURN).enumerate() {
                        for step in 0..2 {
                            let side = (number + step) % 2;
                            let begun = Instant::now();
                            match side {
                                0 => kind.ask(&log, turn, count)?,
                                _ => maps.ask(kind, turn, count),
                            }
                            took[side] += begun.elapsed();
                        }
                    }
                    gets.add(took[0], count);
                    lookups.add(took[1], count);
                }
                let name = format!("{}, {order}, {count} records", kind.name());
                let bar = Some(Bar::CostAtMost(5.0));
                let row = Row::new(name, &gets, "HashMap", &lookups, bar);
                report.add(row.note(format!("{segments} segments")));
            }
        }
        log.close()?;
        reopened(effort, report, home, &orders[1].1)
    })
}

/// Opens the log and asks for everything once, beside asking once more.
fn reopened(effort: &Effort, report: &mut Report, home: &Path, numbers: &[u64]) -> Result<()> {
    let count = numbers.len() as u64;
    for kind in Kind::ALL {
        let [mut first, mut again] = [(); 2].map(|()| Figures::default());
        for _ in 0..effort.rounds {
            let begun = Instant::now();
            let log = ours::open_cached(home)?;
            kind.ask(&log, numbers, count)?;
            first.add(begun.elapsed(), count);
            let begun = Instant::now();
            kind.ask(&log, numbers, count)?;
            again.add(begun.elapsed(), count);
            log.close()?;
        }
        let name = format!("reopen and {}, shuffled, {count} records", kind.name());
        report.add(Row::new(name, &first, "the same again", &again, None));
    }
    Ok(())
}

/// The same by several readers of one log at a time, beside as many of one map.
///
/// # Errors
/// That of tidelog.
pub fn concurrently(effort: &Effort, report: &mut Report) -> Result<()> {
    let count = effort.records;
    let (maps, numbers) = (Maps::of(count), shuffled(count));
    in_fresh_directory(&effort.dir, |home| {
        let log = filled(home, count)?;
        for kind in Kind::ALL {
            kind.ask(&log, &numbers, count)?;
            let [mut gets, mut lookups] = [(); 2].map(|()| Figures::default());
            for _ in 0..effort.rounds {
                let took = by_readers(&numbers, |own| kind.ask(&log, own, count))?;
                gets.add(took, count);
                let took = by_readers(&numbers, |own| {
                    maps.ask(kind, own, count);
                    Ok(())
                })?;
                lookups.add(took, count);
            }
            let name = format!("{}, {READERS} readers, {count} records", kind.name());
            let bar = Some(Bar::CostAtMost(5.0));
            report.add(Row::new(name, &gets, "HashMap", &lookups, bar));
        }
        Ok(())
    })
}

/// Each reader asks for a part.
fn by_readers(numbers: &[u64], ask: impl Fn(&[u64]) -> Result<()> + Sync) -> Result<Duration> {
    let begun = Instant::now();
    thread::scope(|scope| {
        let parts = numbers.chunks(numbers.len().div_ceil(READERS));
        let readers: Vec<_> = parts.map(|part| scope.spawn(|| ask(part))).collect();
        let ended = readers.into_iter().map(|reader| {
            let outcome = reader.join().map_err(|_| anyhow!("a reader panicked"));
            outcome.flatten()
        });
        ended.collect::<Result<()>>()
    })?;
    Ok(begun.elapsed())
}

fn fill(log: &Log, count: u64) -> Result<()> {
    let mut keys = Vec::new();
    for first in (0..count).step_by(64) {
        let numbers = first..(first + 64).min(count);
        keys.clear();
        keys.extend(numbers.clone().map(key));
        let records: Vec<_> = numbers
            .zip(&keys)
            .map(|(number, key)| NewRecord::new(&VALUE).key(key).time(time(number)))
            .collect();
        log.append(&records, Durability::Stored.into())?;
    }
    Ok(())
}
