//! Owns judging crash states until there are enough distinct ones, on every core.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::{Value, json};
use tidelog_testkit::explore::{Address, Broken, Exploration, Keys, Tally};
use tidelog_testkit::sim::Notes;

use super::pool;

/// Crash states of one script and seed at most, so that many seeds are drawn.
const STATES_MAX: u64 = 40_000;

/// Crash states of one script and seed at least, beside those that must be.
const STATES_MIN: u64 = 400;

/// A run of all scripts with as many states has to reach every cell of the table.
const COVERING: u64 = 1_000_000;

/// What to judge.
pub struct Wanted {
    /// Distinct states at least.
    pub states: u64,
    /// The first seed; each round of scripts uses the next one.
    pub seed: u64,
    /// Only this script.
    pub script: Option<&'static str>,
}

type Counts = BTreeMap<&'static str, u64>;

/// Judges them, and prints one object about it.
pub fn run(wanted: &Wanted, pretty: bool) -> ExitCode {
    let begun = Instant::now();
    let (tally, counts) = explore(wanted);
    let seconds = begun.elapsed().as_secs_f64();
    let missing = if wanted.script.is_none() && wanted.states >= COVERING {
        tally.coverage.missing()
    } else {
        Vec::new()
    };
    let mut object = report(wanted.seed, &tally, &counts, seconds);
    object["missing"] = json!(missing);
    if pretty {
        println!("{}", tally.coverage.to_text());
    } else {
        object["coverage"] = json!(tally.coverage.table());
    }
    pool::print(&object, pretty);
    for cell in &missing {
        eprintln!("never reached: {cell}");
    }
    for broken in &tally.failures {
        eprintln!("{}\n    {}", broken.command(), broken.sentence);
    }
    ExitCode::from(u8::from(tally.failed > 0 || !missing.is_empty()))
}

/// Judges one state again, and tells how it came about.
pub fn repeat(exploration: &Exploration, seed: u64, address: &Address) -> ExitCode {
    let name = exploration.name;
    let notes = Notes::default();
    let judged = exploration.repeat(seed, address, &notes);
    notes.borrow().iter().for_each(|line| println!("{line}"));
    match judged {
        Ok(()) => {
            println!("{name}, seed {seed}, state {address}: every promise kept");
            ExitCode::SUCCESS
        }
        Err(sentence) => {
            println!("{name}, seed {seed}, state {address}: {sentence}");
            ExitCode::FAILURE
        }
    }
}

/// Plays one script after the other, each round with a seed of its own. Whoever is
/// free takes the next, so that no core waits for another, until there are enough
/// states and every script was played.
fn explore(wanted: &Wanted) -> (Tally, Counts) {
    let chosen: Vec<usize> = Exploration::all()
        .iter()
        .enumerate()
        .filter(|(_, exploration)| wanted.script.is_none_or(|only| only == exploration.name))
        .map(|(at, _)| at)
        .collect();
    let share = wanted.states / chosen.len() as u64 / 2;
    let share = share.clamp(STATES_MIN, STATES_MAX);
    let (keys, next) = (Keys::default(), AtomicUsize::new(0));
    let (distinct, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    let parts = pool::on_every_core(|| {
        // What a run holds is shared within one thread only.
        let all = Exploration::all();
        let mut total = Tally::default();
        let mut counts = Counts::new();
        loop {
            let enough = distinct.load(Ordering::Relaxed) >= wanted.states
                || failed.load(Ordering::Relaxed) > 0;
            let unit = next.fetch_add(1, Ordering::Relaxed);
            let round = unit / chosen.len();
            if enough && round > 0 {
                return (total, counts);
            }
            let exploration = &all[chosen[unit % chosen.len()]];
            let seed = wanted.seed.wrapping_add(round as u64);
            let tally = exploration.explore(seed, share, &keys);
            distinct.fetch_add(tally.distinct, Ordering::Relaxed);
            failed.fetch_add(tally.failed, Ordering::Relaxed);
            *counts.entry(exploration.name).or_default() += tally.distinct;
            total.add(tally);
        }
    });
    let mut total = Tally::default();
    let mut counts = Counts::new();
    for (tally, part) in parts {
        total.add(tally);
        for (name, count) in part {
            *counts.entry(name).or_default() += count;
        }
    }
    (total, counts)
}

fn report(seed: u64, tally: &Tally, counts: &Counts, seconds: f64) -> Value {
    let failure = |broken: &Broken| {
        json!({
            "script": broken.script,
            "seed": broken.seed,
            "state": broken.state,
            "fault": broken.fault.map(|fault| format!("{fault:?}")),
            "event": broken.event,
            "broken": broken.sentence,
            "command": broken.command(),
        })
    };
    json!({
        "states": tally.states,
        "distinct": tally.distinct,
        "judged": {
            "read_back": tally.distinct,
            "looked_at_by_a_reader_first": tally.looked_at,
            "written_to_and_read_again": tally.lived_on,
        },
        "lost_to_lies": tally.lost_to_lies,
        "scripts": counts,
        "seed": seed,
        "failed": tally.failed,
        "failures": tally.failures.iter().map(failure).collect::<Vec<_>>(),
        "dimensions": tally.coverage.others(),
        "seconds": seconds,
    })
}
