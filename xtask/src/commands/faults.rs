//! `cargo xtask faults`: every script of the simulator with an error at every store
//! operation, once and for ever, on simulated disks and on files. The work is in
//! `tidelog-testkit` and `tests/src/faults`.

use anyhow::{Context, Result};
use clap::Args;
use serde_json::Value;

use crate::call::Call;
use crate::outcome::Outcome;
use crate::workspace::{PROFILE, Workspace};

/// The script of a quick run, which has few operations of each kind.
const QUICK: &str = "stored";

/// How far to go.
#[derive(Args, Default)]
pub struct Options {
    /// Play only on these disks: simulated, or files.
    #[arg(long)]
    pub store: Option<String>,
    /// Play only this script.
    #[arg(long)]
    pub script: Option<String>,
    /// Play each script with this many seeds.
    #[arg(long)]
    pub seeds: Option<u64>,
    /// Crashes at what follows each error, beside the ones at the end of its run.
    #[arg(long)]
    pub crashes: Option<u64>,
    /// The first seed.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Play only this run, as a failure names it.
    #[arg(long, requires_all = ["script", "store"])]
    pub state: Option<String>,
}

/// Builds and runs it; its object becomes the facts of the outcome.
///
/// # Errors
/// When it does not build, or prints no JSON.
pub fn run(workspace: &Workspace, options: &Options, quick: bool) -> Result<Outcome> {
    let program = workspace.build("tidelog-tests", "tidelog-faults", PROFILE)?;
    let mut outcome = Outcome::default();
    let mut call = Call::new(program);
    let script = options.script.as_deref().or(quick.then_some(QUICK));
    let numbers = [
        ("--seed", options.seed),
        ("--seeds", options.seeds),
        ("--crashes", options.crashes),
    ];
    for (name, value) in [("--store", options.store.as_deref()), ("--script", script)] {
        call = call.args(value.into_iter().flat_map(|value| [name, value]));
    }
    for (name, value) in numbers {
        if let Some(value) = value {
            call = call.args([name, &value.to_string()]);
        }
    }
    if let Some(state) = &options.state {
        let (status, text) = call.args(["--state", state]).answer()?;
        outcome.claim(status.success(), text.trim());
        return Ok(outcome);
    }
    let (status, text) = call.arg("--json").answer()?;
    let line = text.lines().last().unwrap_or_default();
    let found: Value = serde_json::from_str(line)
        .with_context(|| format!("tidelog-faults printed no object but {line:?} ({status})"))?;
    let count = |name: &str| found[name].as_u64().unwrap_or(0);
    let stores = found["stores"].as_object().into_iter().flatten();
    let scripts: Vec<String> = stores
        .map(|(store, scripts)| {
            let scripts = scripts.as_object().map_or(0, serde_json::Map::len);
            format!("{scripts} scripts on {store}")
        })
        .collect();
    outcome.claim(
        status.success() && count("failed") == 0 && count("runs") > 0,
        format!(
            "{} with an error at every operation, {} runs of which {} were told of it, and {} \
             crashes after it: what was acknowledged is there, and nothing else",
            scripts.join(", "),
            count("runs"),
            count("refused"),
            count("crashes")
        ),
    );
    outcome.fact("faults", found);
    Ok(outcome)
}
