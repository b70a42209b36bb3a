//! The simulator as a program: plays every script with one seed after the other,
//! crashes at every moment, and prints one JSON object about it.

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use clap::Parser;
use serde_json::{Value, json};
use tidelog_testkit::explore::{Address, Broken, Exploration, Tally};
use tidelog_testkit::sim::Notes;

/// Crash states of one script and seed at most, so that many seeds are drawn.
const STATES_MAX: u64 = 40_000;

/// Crash states of one script and seed at least, beside those that must be.
const STATES_MIN: u64 = 400;

/// Crashes tidelog at every moment of every script, and judges what is left.
///
/// Exit code 0: every promise kept. 1: a promise was broken. 2: it could not run.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Distinct crash states to judge at least: script, image, acknowledgements.
    #[arg(long, default_value_t = 500_000)]
    states: u64,
    /// The first seed; each round of scripts uses the next one.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Play only this script.
    #[arg(long)]
    script: Option<String>,
    /// Judge only this state of the script, as a failure names it.
    #[arg(long, requires = "script")]
    state: Option<Address>,
    /// Print the object on one line.
    #[arg(long)]
    json: bool,
    /// Judge a tenth of the states.
    #[arg(long)]
    quick: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let all = Exploration::all();
    if let Some(name) = &arguments.script {
        let Some(exploration) = all.iter().find(|exploration| exploration.name == name) else {
            let names: Vec<&str> = all.iter().map(|exploration| exploration.name).collect();
            eprintln!("there is no script {name}; there are {}", names.join(", "));
            return ExitCode::from(2);
        };
        if let Some(address) = &arguments.state {
            return repeat(exploration, arguments.seed, address);
        }
    }
    let begun = Instant::now();
    let (tally, counts) = explore(&arguments);
    let object = report(&arguments, &tally, &counts, begun.elapsed().as_secs_f64());
    if arguments.json {
        println!("{object}");
    } else {
        println!("{object:#}");
    }
    for broken in &tally.failures {
        eprintln!("{}\n    {}", broken.command(), broken.sentence);
    }
    ExitCode::from(u8::from(tally.failed > 0))
}

fn repeat(exploration: &Exploration, seed: u64, address: &Address) -> ExitCode {
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

/// Rounds of all scripts, each round with a seed of its own, until there are
/// enough distinct states. The result does not depend on the number of threads.
fn explore(arguments: &Arguments) -> (Tally, Vec<(&'static str, u64)>) {
    let wanted = if arguments.quick {
        arguments.states / 10
    } else {
        arguments.states
    };
    let is_chosen = |name: &str| arguments.script.as_ref().is_none_or(|only| only == name);
    let chosen: Vec<usize> = Exploration::all()
        .iter()
        .enumerate()
        .filter(|(_, exploration)| is_chosen(exploration.name))
        .map(|(at, _)| at)
        .collect();
    let share = wanted / chosen.len() as u64 / 2;
    let share = share.clamp(STATES_MIN, STATES_MAX);
    let mut total = Tally::default();
    let mut counts: Vec<(&'static str, u64)> = Vec::new();
    for round in 0.. {
        let seed = arguments.seed.wrapping_add(round);
        for (name, tally) in play_round(&chosen, seed, share) {
            match counts.iter_mut().find(|(known, _)| *known == name) {
                Some((_, count)) => *count += tally.distinct,
                None => counts.push((name, tally.distinct)),
            }
            total.add(tally);
        }
        if total.distinct >= wanted || total.failed > 0 {
            break;
        }
    }
    (total, counts)
}

fn play_round(chosen: &[usize], seed: u64, share: u64) -> Vec<(&'static str, Tally)> {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        // What a run holds is shared within one thread only.
        let all = Exploration::all();
        let mut done = Vec::new();
        while let Some(at) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
            let tally = all[*at].explore(seed, share);
            done.push((*at, all[*at].name, tally));
        }
        done
    };
    let mut done: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let results = workers.into_iter().map(|worker| worker.join());
        results
            .flat_map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    done.sort_by_key(|(at, ..)| *at);
    done.into_iter()
        .map(|(_, name, tally)| (name, tally))
        .collect()
}

fn report(
    arguments: &Arguments,
    tally: &Tally,
    counts: &[(&'static str, u64)],
    seconds: f64,
) -> Value {
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
    let scripts: serde_json::Map<String, Value> = counts
        .iter()
        .map(|(name, count)| ((*name).to_string(), json!(count)))
        .collect();
    json!({
        "states": tally.states,
        "distinct": tally.distinct,
        "scripts": scripts,
        "seed": arguments.seed,
        "failed": tally.failed,
        "failures": tally.failures.iter().map(failure).collect::<Vec<_>>(),
        "coverage": tally.coverage(),
        "seconds": seconds,
    })
}
