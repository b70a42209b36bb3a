//! `cargo xtask ci`: everything that must hold before a change lands, in the
//! order in which it fails fastest.
//!
//! Its last line is `N passed, N failed, N skipped`; `target/ci/report.json` has
//! the seconds per step.

use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{
    browser, corrupt, demo, deny, faults, fuzz, js, kill, lint, miri, model, no_std, power_cut,
    reader, reproducible, sim, test, tidy, vectors, wasm, wasm_hash,
};
use crate::budget;
use crate::outcome::{Outcome, rounded};
use crate::workspace::Workspace;

/// The seed of the simulation that every run repeats, beside a fresh one.
const SEED: u64 = 1;

/// Distinct crash states to judge from each of the two seeds.
const STATES: u64 = 2_500_000;

/// Distinct crash states that both must come to: a run goes on until every script has
/// had its share, so that it reaches more than it is asked for.
const STATES_IN_ALL: u64 = 5_000_000;

/// Random lives, each lived twice.
const LIVES: u64 = 10_000;

/// The seed of fuzzing. A fresh one would refuse a change for what has long been there; soak has
/// fresh ones.
const FUZZ_SEED: u32 = 1;

type Step = (&'static str, fn(&Workspace) -> Result<Outcome>);

const STEPS: &[Step] = &[
    ("fmt", |workspace| one(lint::format(workspace))),
    ("tidy", tidy::run),
    ("deny", deny::run),
    ("clippy", |workspace| one(lint::clippy(workspace))),
    ("clippy-bare", |workspace| one(lint::clippy_bare(workspace))),
    ("clippy-web", |workspace| one(lint::clippy_web(workspace))),
    ("doc", |workspace| one(lint::doc(workspace))),
    ("no-std", no_std::run),
    ("wasm", wasm::run),
    ("reproducible", reproducible::run),
    ("test", |workspace| test::run(workspace, false)),
    ("vectors", |workspace| {
        vectors::run(workspace, &vectors::Options::default())
    }),
    ("js", js::run),
    ("reader", |workspace| reader::run(workspace, false)),
    ("sim", simulate),
    ("sim-seeds", live),
    ("sim-planted", hunt),
    ("faults", |workspace| {
        faults::run(workspace, &faults::Options::default(), false)
    }),
    ("corrupt", |workspace| {
        corrupt::run(workspace, &corrupt::Options::default(), false)
    }),
    ("miri", |workspace| {
        miri::run(workspace, &miri::Options::default(), false)
    }),
    ("model", |workspace| {
        model::run(workspace, &model::Options::default(), false)
    }),
    ("model-planted", |workspace| {
        let planted = model::Options {
            planted: true,
            ..model::Options::default()
        };
        model::run(workspace, &planted, true)
    }),
    ("wasm-hash", |workspace| {
        wasm_hash::run(workspace, &wasm_hash::Options::default(), false)
    }),
    ("fuzz", |workspace| {
        let always_the_same = fuzz::Options {
            seed: Some(FUZZ_SEED),
            ..fuzz::Options::default()
        };
        fuzz::run(workspace, &always_the_same, false)
    }),
    ("kill", |workspace| {
        kill::run(workspace, &kill::Options::default(), false)
    }),
    ("browser-stores", |workspace| {
        browser::run(workspace, &browser::Look::Stores, false)
    }),
    ("browser-quota", |workspace| {
        browser::run(workspace, &browser::Look::Quota, false)
    }),
    ("power-cut", |workspace| {
        power_cut::run(workspace, &power_cut::Options::default(), false)
    }),
    ("demo", |workspace| {
        demo::run(workspace, &demo::Options::check(), false)
    }),
];

/// Runs every step, also after one failed. Returns whether all held.
///
/// # Errors
/// When the report cannot be written.
pub fn run(workspace: &Workspace) -> Result<bool> {
    let start = Instant::now();
    let mut total = Outcome::default();
    let mut report = Vec::new();
    for (name, step) in STEPS {
        eprintln!("\n== {name}");
        let began = Instant::now();
        let outcome = step(workspace).unwrap_or_else(|error| Outcome::broken(&error));
        let seconds = began.elapsed().as_secs_f64();
        println!("{}", outcome.to_text(name, seconds).trim_end());
        report.push(outcome.to_json(name, seconds));
        total.passed += outcome.passed;
        total.skips.extend(outcome.skips);
        let failures = outcome.failures.into_iter();
        total
            .failures
            .extend(failures.map(|failure| format!("{name}: {failure}")));
    }

    let seconds = start.elapsed().as_secs_f64();
    let budget = budget::total().as_secs_f64();
    if seconds > budget {
        total.failures.push(format!(
            "the run took {seconds:.0} s, above its budget of {budget:.0} s (xtask/src/budget.rs)"
        ));
    }
    write(workspace, &total, seconds, budget, &report)?;
    println!();
    for skip in &total.skips {
        println!("skipped {}: {}", skip.name, skip.reason);
    }
    for failure in &total.failures {
        println!("FAILED {failure}");
    }
    println!(
        "{} passed, {} failed, {} skipped",
        total.passed,
        total.failures.len(),
        total.skips.len()
    );
    Ok(total.held())
}

fn one(result: Result<()>) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    outcome.step(result);
    Ok(outcome)
}

/// Half of the states from a seed that never changes, half from a fresh one. Seeds
/// draw other records, so the two halves have no state in common.
fn simulate(workspace: &Workspace) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut distinct = 0;
    for (half, seed) in [("fixed", Some(SEED)), ("fresh", None)] {
        let options = sim::Options {
            states: Some(STATES),
            seed,
            ..sim::Options::default()
        };
        let found = sim::run(workspace, &options, false)?;
        let reached = found
            .known("simulation")
            .and_then(|facts| facts["distinct"].as_u64());
        distinct += reached.unwrap_or(0);
        outcome.add(half, found);
    }
    outcome.claim(
        distinct >= STATES_IN_ALL,
        format!("{distinct} distinct crash states are {STATES_IN_ALL} or more"),
    );
    Ok(outcome)
}

fn live(workspace: &Workspace) -> Result<Outcome> {
    let options = sim::Options {
        seeds: Some(LIVES),
        ..sim::Options::default()
    };
    sim::run(workspace, &options, false)
}

fn hunt(workspace: &Workspace) -> Result<Outcome> {
    let options = sim::Options {
        planted: true,
        ..sim::Options::default()
    };
    sim::run(workspace, &options, false)
}

fn write(
    workspace: &Workspace,
    total: &Outcome,
    seconds: f64,
    budget: f64,
    steps: &[Value],
) -> Result<()> {
    // Always below the root, wherever cargo builds: whoever runs CI looks here.
    let folder = workspace.root.join("target").join("ci");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let report = json!({
        "seconds": rounded(seconds),
        "budget_seconds": budget,
        "passed": total.passed,
        "failed": total.failures.len(),
        "skipped": total.skips.len(),
        "steps": steps,
    });
    let path = folder.join("report.json");
    std::fs::write(&path, format!("{report:#}\n"))
        .with_context(|| format!("cannot write {}", path.display()))
}
