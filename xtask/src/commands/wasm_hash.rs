//! `cargo xtask wasm-hash`: the simulator's seeds come to the same natively and as
//! WebAssembly under Node.

use std::path::Path;
use std::thread;

use anyhow::{Result, anyhow};
use clap::Args;

use crate::call::Call;
use crate::outcome::Outcome;
use crate::tools::{npm, rust};
use crate::workspace::{PROFILE, Workspace};

const PACKAGE: &str = "tidelog-seed-hashes";
const TARGET: &str = "wasm32-unknown-unknown";
const RUNNER: &str = "tests/seed_hashes/run.mjs";

const SEEDS: u64 = 1000;
const SEEDS_QUICK: u64 = 100;

/// Where the half of the seeds that never changes begins.
const FIXED: u64 = 1;

/// Differences that are told one by one.
const TOLD: usize = 5;

/// Which seeds.
#[derive(Args, Default)]
pub struct Options {
    /// How many.
    #[arg(long)]
    pub seeds: Option<u64>,
    /// The first one; half from 1 and half from a fresh one unless given.
    #[arg(long)]
    pub seed: Option<u64>,
}

/// Builds both and compares what they print.
///
/// # Errors
/// When something does not build, or Node is missing.
pub fn run(workspace: &Workspace, options: &Options, quick: bool) -> Result<Outcome> {
    let node = npm::node()?;
    rust::install_targets(workspace)?;
    let native = workspace.build(PACKAGE, PACKAGE, PROFILE)?;
    workspace
        .cargo(&["build", "--locked", "--profile", PROFILE])
        .args(["--package", PACKAGE, "--lib", "--target", TARGET])
        .run()?;
    let file = PACKAGE.replace('-', "_") + ".wasm";
    let wasm = workspace.target.join(TARGET).join(PROFILE).join(file);
    let runner = workspace.root.join(RUNNER);

    let seeds = options
        .seeds
        .unwrap_or(if quick { SEEDS_QUICK } else { SEEDS });
    let fresh = fastrand::u64(..);
    let ranges = match options.seed {
        Some(first) => vec![(first, seeds)],
        None => vec![(FIXED, seeds / 2), (fresh, seeds - seeds / 2)],
    };
    let mut outcome = Outcome::default();
    outcome.fact("node", node);
    for (first, count) in &ranges {
        eprintln!("{count} seeds from {first}");
    }
    let compared = thread::scope(|scope| {
        let started: Vec<_> = ranges
            .iter()
            .map(|range| scope.spawn(|| compare(&native, &runner, &wasm, *range)))
            .collect();
        started
            .into_iter()
            .map(|range| range.join().map_err(|_| anyhow!("a comparison panicked"))?)
            .collect::<Result<Vec<_>>>()
    })?;
    let differences: Vec<String> = compared.into_iter().flatten().collect();
    outcome.fact("seeds", seeds);
    outcome.fact(
        "first_seeds",
        ranges.iter().map(|r| r.0).collect::<Vec<_>>(),
    );
    outcome.fact("differences", differences.len());
    outcome.claim(
        differences.is_empty(),
        format!("{seeds} seeds come to the same natively and as WebAssembly"),
    );
    outcome.failures.extend(differences.into_iter().take(TOLD));
    Ok(outcome)
}

/// One sentence for every seed of the range that the two do not agree on.
fn compare(native: &Path, runner: &Path, wasm: &Path, range: (u64, u64)) -> Result<Vec<String>> {
    let (first, count) = (range.0.to_string(), range.1.to_string());
    let (native, wasm) = thread::scope(|scope| {
        let program = Call::new(native).args([&first, &count]);
        let program = scope.spawn(|| program.answer());
        let node = Call::new("node").args([runner, wasm]);
        let node = node.args([&first, &count]).answer();
        let program = program.join();
        (program, node)
    });
    let (_, native) = native.map_err(|_| anyhow!("running the native program panicked"))??;
    let (_, wasm) = wasm?;
    Ok(differences(range, &native, &wasm))
}

fn differences((first, count): (u64, u64), native: &str, wasm: &str) -> Vec<String> {
    let (mut native, mut wasm) = (native.lines(), wasm.lines());
    let mut found = Vec::new();
    for seed in (0..count).map(|at| first.wrapping_add(at)) {
        let prefix = format!("{seed} ");
        let next = |lines: &mut std::str::Lines<'_>| {
            let hash = lines.next().and_then(|line| line.strip_prefix(&prefix));
            hash.map(str::to_owned)
        };
        let (here, there) = (next(&mut native), next(&mut wasm));
        if here.is_some() && here == there {
            continue;
        }
        let shown = |hash: Option<String>| hash.unwrap_or_else(|| "nothing".to_owned());
        found.push(format!(
            "seed {seed}: {} natively, {} as WebAssembly; \
             `cargo xtask wasm-hash --seed {seed} --seeds 1` repeats it",
            shown(here),
            shown(there),
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_hash_a_trap_and_silence_are_differences() {
        let native = "7 aa\n8 bb\n9 cc\n";
        assert!(differences((7, 3), native, native).is_empty());
        let found = differences((7, 3), native, "7 aa\n8 ab\n");
        assert_eq!(found.len(), 2);
        assert!(found[0].contains("seed 8: bb natively, ab as WebAssembly"));
        assert!(found[1].contains("seed 9: cc natively, nothing"));
        let found = differences((7, 1), native, "7 trapped: unreachable\n");
        assert!(found[0].contains("trapped: unreachable"));
        assert_eq!(differences((7, 1), "", "").len(), 1);
    }
}
