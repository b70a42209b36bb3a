//! The hunt for planted defects as a program: one JSON object about which was
//! caught, when, and by which sentence.

use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use clap::Parser;
use serde_json::{Value, json};
use tidelog_core::planted::{Bug, plant};
use tidelog_testkit::explore::{Address, Exploration};
use tidelog_testkit::planted::{Caught, SEEDS_MAX, hunt};
use tidelog_testkit::seeds;
use tidelog_testkit::sim::Notes;

/// Plants one defect after the other, and sees whether it is caught.
///
/// Exit code 0: every one was. 1: one was not. 2: it could not run.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Hunt only this one.
    #[arg(long, value_parser = bug)]
    bug: Option<Bug>,
    /// With --script or --seeds: the seed of what is repeated.
    #[arg(long, default_value_t = 1, requires = "bug")]
    seed: u64,
    /// Judge one state of this script again, with the defect planted.
    #[arg(long, requires = "bug", requires = "state")]
    script: Option<String>,
    /// The state, as a hunt names it.
    #[arg(long)]
    state: Option<Address>,
    /// Live this seed again, with the defect planted.
    #[arg(long, requires = "bug")]
    seeds: Option<u64>,
    /// Print the object on one line.
    #[arg(long)]
    json: bool,
}

fn bug(name: &str) -> Result<Bug, String> {
    let known = Bug::ALL.into_iter().find(|bug| format!("{bug:?}") == name);
    known.ok_or_else(|| format!("there is no {name}; there are {:?}", Bug::ALL))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.script.is_some() || arguments.seeds.is_some() {
        return repeat(&arguments);
    }
    let begun = Instant::now();
    let bugs: Vec<Bug> = match arguments.bug {
        Some(bug) => vec![bug],
        None => Bug::ALL.to_vec(),
    };
    let count = bugs.len();
    let left = Mutex::new(bugs.into_iter());
    let next = || left.lock().ok().and_then(|mut left| left.next());
    let work = || {
        let mut found = Vec::new();
        while let Some(bug) = next() {
            let caught = hunt(bug);
            match &caught {
                Some(caught) => eprintln!(
                    "{bug:?}: seed {}, after {} states: {}",
                    caught.seed, caught.states, caught.sentence
                ),
                None => eprintln!("{bug:?}: NOT CAUGHT"),
            }
            found.push((bug, caught));
        }
        found
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut found: Vec<(Bug, Option<Caught>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let found = workers.into_iter().map(|worker| worker.join());
        found
            .flat_map(|found| found.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    found.sort_by_key(|(bug, _)| *bug);
    let missed = found.iter().filter(|(_, caught)| caught.is_none()).count();
    let object = json!({
        "planted": count,
        "caught": count - missed,
        "seeds_max": SEEDS_MAX,
        "bugs": found.iter().map(one).collect::<Vec<_>>(),
        "seconds": begun.elapsed().as_secs_f64(),
    });
    if arguments.json {
        println!("{object}");
    } else {
        println!("{object:#}");
    }
    ExitCode::from(u8::from(missed > 0))
}

fn one((bug, caught): &(Bug, Option<Caught>)) -> Value {
    match caught {
        Some(caught) => json!({
            "bug": format!("{bug:?}"),
            "caught": true,
            "seed": caught.seed,
            "script": caught.script,
            "state": caught.state,
            "sentence": caught.sentence,
            "states": caught.states,
            "command": caught.command(*bug),
        }),
        None => json!({ "bug": format!("{bug:?}"), "caught": false }),
    }
}

fn repeat(arguments: &Arguments) -> ExitCode {
    plant(arguments.bug);
    let notes = Notes::default();
    let judged = match (&arguments.script, &arguments.state) {
        (Some(name), Some(address)) => {
            let all = Exploration::all();
            let Some(exploration) = all.iter().find(|exploration| exploration.name == name) else {
                eprintln!("there is no script {name}");
                return ExitCode::from(2);
            };
            exploration.repeat(arguments.seed, address, &notes)
        }
        _ => seeds::run_noted(arguments.seed, &notes).map(|_| ()),
    };
    notes.borrow().iter().for_each(|line| println!("{line}"));
    println!("{judged:?}");
    ExitCode::from(u8::from(judged.is_err()))
}
