//! `cargo xtask sim`: the deterministic simulator of crashes and faults, which
//! lives in `tidelog-testkit`. Crash states; or, with `--seeds`, random lives; or,
//! with `--planted`, the hunt for planted defects.

use anyhow::{Context, Result};
use clap::Args;
use serde_json::Value;

use crate::call::Call;
use crate::outcome::Outcome;
use crate::workspace::{PROFILE, Workspace};

const STATES: u64 = 500_000;
const STATES_QUICK: u64 = 50_000;

/// How far to go.
#[derive(Args, Default)]
pub struct Options {
    /// Distinct crash states to reach.
    #[arg(long)]
    pub states: Option<u64>,
    /// Where the generators start; a fresh one unless given.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Live this many random lives instead, each twice, from seed 1 on unless given.
    #[arg(long, conflicts_with = "states")]
    pub seeds: Option<u64>,
    /// Plant one defect after the other instead; each must be caught.
    #[arg(long, conflicts_with_all = ["states", "seed", "seeds"])]
    pub planted: bool,
}

/// Builds and runs it; its object becomes the facts of the outcome.
///
/// # Errors
/// When it does not build, or prints no JSON.
pub fn run(workspace: &Workspace, options: &Options, quick: bool) -> Result<Outcome> {
    match options.seeds {
        _ if options.planted => hunt(workspace),
        Some(count) => live(workspace, options.seed.unwrap_or(1), count),
        None => crash(workspace, options, quick),
    }
}

fn crash(workspace: &Workspace, options: &Options, quick: bool) -> Result<Outcome> {
    let states = options
        .states
        .unwrap_or(if quick { STATES_QUICK } else { STATES });
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    eprintln!("seed {seed}");
    let arguments = [
        "--states",
        &states.to_string(),
        "--seed",
        &seed.to_string(),
        "--json",
    ];
    let (held, found) = answer(workspace, "tidelog-sim", &arguments)?;
    let distinct = number(&found, "distinct")?;
    let mut outcome = Outcome::default();
    let missing = found["missing"].as_array().map_or(0, Vec::len);
    outcome.fact("seed", seed);
    outcome.fact("simulation", found);
    outcome.claim(
        held || missing > 0,
        format!("{distinct} distinct crash states from seed {seed} keep every promise"),
    );
    outcome.claim(
        missing == 0,
        "they are in every cell of the table that has to be reached",
    );
    outcome.claim(
        distinct >= states,
        format!("they are the {states} asked for, or more"),
    );
    Ok(outcome)
}

/// Random lives: each seed twice.
fn live(workspace: &Workspace, first: u64, count: u64) -> Result<Outcome> {
    let arguments = [
        "--seeds",
        &count.to_string(),
        "--seed",
        &first.to_string(),
        "--json",
    ];
    let (held, found) = answer(workspace, "tidelog-sim", &arguments)?;
    let mut outcome = Outcome::default();
    let hash = found["hash"].as_str().unwrap_or_default();
    outcome.claim(
        held && number(&found, "seeds")? == count,
        format!("{count} random lives keep every promise, and come out the same twice: {hash}"),
    );
    outcome.fact("lives", found);
    Ok(outcome)
}

/// Planted defects: one claim for each.
fn hunt(workspace: &Workspace) -> Result<Outcome> {
    let (held, found) = answer(workspace, "tidelog-planted", &["--json"])?;
    let mut outcome = Outcome::default();
    let most = number(&found, "seeds_max")?;
    let bugs = found["bugs"].as_array().context("no list of defects")?;
    for bug in bugs {
        let name = bug["bug"].as_str().unwrap_or_default();
        let (seed, sentence) = (&bug["seed"], &bug["sentence"]);
        let script = bug["script"].as_str().unwrap_or("a random life");
        outcome.claim(
            bug["caught"] == true,
            format!("{name} is caught within {most} seeds: seed {seed}, {script}, {sentence}"),
        );
    }
    outcome.claim(
        held && bugs.len() as u64 == number(&found, "planted")?,
        "every planted defect was hunted",
    );
    outcome.fact("hunt", found);
    Ok(outcome)
}

/// Runs a program of the testkit. Whether it held, and its object.
fn answer(workspace: &Workspace, program: &str, arguments: &[&str]) -> Result<(bool, Value)> {
    let path = workspace.build("tidelog-testkit", program, PROFILE)?;
    let (status, text) = Call::new(path).args(arguments).answer()?;
    let line = text.lines().last().unwrap_or_default();
    let found = serde_json::from_str(line)
        .with_context(|| format!("{program} printed no object but {line:?} ({status})"))?;
    Ok((status.success(), found))
}

fn number(found: &Value, name: &str) -> Result<u64> {
    found[name]
        .as_u64()
        .with_context(|| format!("no number of {name} in {found}"))
}
