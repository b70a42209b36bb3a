//! `cargo xtask model`: the engine under a model checker of threads, which lives in
//! `tests/model`.

use std::path::Path;
use std::thread;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use serde_json::Value;

use crate::call::Call;
use crate::outcome::Outcome;
use crate::workspace::{PROFILE, Workspace};

const PACKAGE: &str = "tidelog-model";

const SCHEDULES: u64 = 5000;
const SCHEDULES_QUICK: u64 = 500;

/// What the half of the schedules that never changes is drawn from.
const FIXED: u64 = 1;

/// How far to go.
#[derive(Args, Default)]
pub struct Options {
    /// Schedules of each check, from each seed.
    #[arg(long)]
    pub schedules: Option<u64>,
    /// What they are drawn from; 1 and a fresh one unless given.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Only this check.
    #[arg(long)]
    pub check: Option<String>,
    /// Only this schedule of the check, as a failure names it.
    #[arg(long, requires = "check")]
    pub schedule: Option<String>,
    /// Plant defects in the engine instead, and see that each is caught.
    #[arg(long, conflicts_with_all = ["check", "schedule"])]
    pub planted: bool,
}

/// Builds and runs it, once for each seed.
///
/// # Errors
/// When it does not build, or prints no JSON.
pub fn run(workspace: &Workspace, options: &Options, quick: bool) -> Result<Outcome> {
    let usual = if quick { SCHEDULES_QUICK } else { SCHEDULES };
    let schedules = options.schedules.unwrap_or(usual);
    let seeds = match (options.seed, &options.schedule) {
        (Some(seed), _) => vec![seed],
        (None, Some(_)) => vec![FIXED],
        (None, None) if options.planted => vec![FIXED],
        (None, None) => vec![FIXED, fastrand::u64(..)],
    };
    eprintln!("seeds {seeds:?}");
    let program = workspace.build(PACKAGE, PACKAGE, PROFILE)?;
    let found = thread::scope(|scope| {
        let runs: Vec<_> = seeds
            .iter()
            .map(|seed| scope.spawn(|| check(&program, options, schedules, *seed)))
            .collect();
        runs.into_iter()
            .map(|run| run.join().map_err(|_| anyhow!("a run panicked"))?)
            .collect::<Result<Vec<Value>>>()
    })?;

    let mut outcome = Outcome::default();
    for (seed, object) in seeds.iter().zip(&found) {
        let run = object["schedules"].as_u64().unwrap_or(0);
        let failures = object["failures"].as_array();
        let failures = failures.with_context(|| format!("no list of failures in {object}"))?;
        let sentence = if options.planted {
            "every planted defect is caught".to_owned()
        } else {
            format!("{run} schedules from seed {seed} keep every promise")
        };
        outcome.claim(failures.is_empty() && run > 0, sentence);
        for failure in failures {
            let part = |name: &str| failure[name].as_str().unwrap_or_default().to_owned();
            let (check, broken, command) = (part("check"), part("broken"), part("command"));
            outcome.failures.push(if command.is_empty() {
                format!("{check}: {broken}")
            } else {
                format!("{check}: {broken}; `{command}` repeats it")
            });
        }
    }
    outcome.fact("runs", found);
    Ok(outcome)
}

fn check(program: &Path, options: &Options, schedules: u64, seed: u64) -> Result<Value> {
    let mut call = Call::new(program)
        .args(["--schedules", &schedules.to_string()])
        .args(["--seed", &seed.to_string()]);
    for (name, value) in [
        ("--check", &options.check),
        ("--schedule", &options.schedule),
    ] {
        if let Some(value) = value {
            call = call.args([name, value]);
        }
    }
    if options.planted {
        call = call.arg("--planted");
    }
    let (status, text) = call.answer()?;
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line)
        .with_context(|| format!("{PACKAGE} printed no object but {line:?} ({status})"))
}
