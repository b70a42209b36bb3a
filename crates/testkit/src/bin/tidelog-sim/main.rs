//! The simulator as a program: crash states of every script, or random lives. It
//! prints one JSON object.

mod pool;
mod seeds;
mod states;

use std::process::ExitCode;

use clap::Parser;
use tidelog_testkit::explore::{Address, Exploration};

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
    /// Live this many random lives instead, each twice.
    #[arg(long, conflicts_with = "script")]
    seeds: Option<u64>,
    /// Print the object on one line.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (seed, pretty) = (arguments.seed, !arguments.json);
    if let Some(count) = arguments.seeds {
        return seeds::run(seed, count, pretty);
    }
    let mut wanted = states::Wanted {
        states: arguments.states,
        seed,
        script: None,
    };
    if let Some(name) = &arguments.script {
        let all = Exploration::all();
        let Some(exploration) = all.iter().find(|exploration| exploration.name == name) else {
            let names: Vec<&str> = all.iter().map(|exploration| exploration.name).collect();
            eprintln!("there is no script {name}; there are {}", names.join(", "));
            return ExitCode::from(2);
        };
        if let Some(address) = &arguments.state {
            return states::repeat(exploration, seed, address);
        }
        wanted.script = Some(exploration.name);
    }
    states::run(&wanted, pretty)
}
