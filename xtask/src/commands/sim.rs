//! `cargo xtask sim`: the deterministic simulator of crashes and faults, which
//! lives in `tidelog-testkit`.

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
}

/// Builds and runs it; its object becomes the facts of the outcome.
///
/// # Errors
/// When it does not build, or prints no JSON.
pub fn run(workspace: &Workspace, options: &Options, quick: bool) -> Result<Outcome> {
    let states = options
        .states
        .unwrap_or(if quick { STATES_QUICK } else { STATES });
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    eprintln!("seed {seed}");
    let program = workspace.build("tidelog-testkit", "tidelog-sim", PROFILE)?;
    let (status, text) = Call::new(program)
        .args(["--states", &states.to_string()])
        .args(["--seed", &seed.to_string(), "--json"])
        .answer()?;
    let line = text.lines().last().unwrap_or_default();
    let found: Value = serde_json::from_str(line)
        .with_context(|| format!("tidelog-sim printed no object but {line:?} ({status})"))?;

    let distinct = found["distinct"]
        .as_u64()
        .with_context(|| format!("no number of distinct states in {found}"))?;
    let mut outcome = Outcome::default();
    outcome.fact("seed", seed);
    outcome.fact("simulation", found);
    outcome.claim(
        status.success(),
        format!("{distinct} distinct crash states from seed {seed} keep every promise"),
    );
    outcome.claim(
        distinct >= states,
        format!("they are the {states} asked for, or more"),
    );
    Ok(outcome)
}
