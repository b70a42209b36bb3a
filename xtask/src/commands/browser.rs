//! `cargo xtask browser`: the stores of `crates/web` in a real Chromium. Their tests in
//! windows and in workers; the browser killed while it writes; an origin without room. And
//! the npm package as those have it who build sites.

mod packaging;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde_json::Value;

use crate::call::Call;
use crate::libtest::Reader;
use crate::outcome::Outcome;
use crate::tools::{browser, npm, rust};
use crate::workspace::{PROFILE, Workspace};

const TARGET: &str = "wasm32-unknown-unknown";
const TOOLS: &str = "tidelog-bindgen";
const VICTIM: &str = "tidelog-browser-victim";
const RUNNER: &str = "tests/browser/run.mjs";

const KILLS: u32 = 8;
const KILLS_QUICK: u32 = 3;

/// Bytes an origin may hold where its quota is limited: the suite wants a store to be
/// full between 512 KiB and 64 MiB, and writes 5 MiB at once elsewhere.
const QUOTA: u64 = 24 << 20;

/// Seconds a test may take: the whole suite is one.
const TEST_SECONDS: &str = "300";

/// What to look at.
#[derive(Subcommand)]
pub enum Look {
    /// Run the tests of the stores, in windows and in dedicated workers.
    Stores,
    /// Kill the browser while it writes, and look for what was acknowledged.
    Kills(Kills),
    /// Run the conformance suite over OPFS in an origin whose quota is small.
    Quota,
    /// Install the npm package as it is published, and run what bundlers make of it.
    Packaging(packaging::Options),
}

/// How often, and when.
#[derive(Args, Default)]
pub struct Kills {
    /// Kills of the browser, each of which hits both stores.
    #[arg(long)]
    pub kills: Option<u32>,
    /// Repeats the moments of an earlier run, as far as machines do.
    #[arg(long)]
    pub seed: Option<u32>,
}

/// Looks.
///
/// # Errors
/// When something does not build, or Chromium or Node is missing.
pub fn run(workspace: &Workspace, look: &Look, quick: bool) -> Result<Outcome> {
    rust::install_targets(workspace)?;
    match look {
        Look::Stores => stores(workspace),
        Look::Kills(options) => kills(workspace, options, quick),
        Look::Quota => quota(workspace),
        Look::Packaging(options) => packaging::run(workspace, options, quick),
    }
}

/// The tests of the crate. Those that say where they run do that; the others run in a
/// window, and again in a worker.
fn stores(workspace: &Workspace) -> Result<Outcome> {
    let driver = browser::install_driver()?;
    let runner = tool(workspace, "bindgen-test-runner")?;
    let mut outcome = Outcome::default();
    for (part, context, tests) in [
        ("window", "WASM_BINDGEN_USE_BROWSER", &["--test", "idb"][..]),
        ("worker", "WASM_BINDGEN_USE_DEDICATED_WORKER", &["--tests"]),
    ] {
        let mut reader = Reader::default();
        let status = workspace
            .cargo(&["test", "--locked", "--profile", PROFILE])
            .args(["--package", "tidelog-web", "--target", TARGET])
            .args(tests)
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", &runner)
            .env("CHROMEDRIVER", driver)
            .env("WASM_BINDGEN_TEST_TIMEOUT", TEST_SECONDS)
            .env(context, "1")
            .lines(|line| {
                if reader.line(line) {
                    eprintln!("{line}");
                }
            })?;
        let mut found = reader.finish();
        if !status.success() && found.held() {
            let sentence = format!("the tests failed without a failed test ({status})");
            found.failures.push(sentence);
        }
        if status.success() && found.passed == 0 {
            found.failures.push("no test ran".to_owned());
        }
        outcome.add(part, found);
    }
    Ok(outcome)
}

fn kills(workspace: &Workspace, options: &Kills, quick: bool) -> Result<Outcome> {
    let usual = if quick { KILLS_QUICK } else { KILLS };
    let count = options.kills.unwrap_or(usual);
    let seed = options.seed.unwrap_or_else(|| fastrand::u32(..));
    eprintln!("kills with --seed {seed}");
    let found = drive(workspace, "kills", &[count.to_string(), seed.to_string()])?;
    let mut outcome = Outcome::default();
    outcome.fact("seed", seed);
    outcome.fact("kills", found["kills"].clone());
    outcome.fact("records", found["records"].clone());
    outcome.failures = sentences(&found)?;
    outcome.claim(
        found["kills"] == count,
        format!("Chromium was killed {count} times, and nothing acknowledged is lost"),
    );
    Ok(outcome)
}

fn quota(workspace: &Workspace) -> Result<Outcome> {
    let found = drive(workspace, "quota", &[QUOTA.to_string()])?;
    let mut outcome = Outcome::default();
    outcome.fact("bytes", QUOTA);
    outcome.fact("checks", found["checks"].clone());
    outcome.failures = sentences(&found)?;
    outcome.claim(
        found["checks"]["opfs"].is_string(),
        "the OPFS store conforms where there is little room",
    );
    Ok(outcome)
}

/// Runs the driver of `tests/browser` on a profile of its own.
fn drive(workspace: &Workspace, task: &str, arguments: &[String]) -> Result<Value> {
    npm::node()?;
    let chromium = browser::install()?;
    workspace
        .cargo(&["build", "--locked", "--profile", PROFILE])
        .args(["--package", VICTIM, "--lib", "--target", TARGET])
        .run()?;
    let scratch = workspace.scratch(&format!("browser-{task}"))?;
    let (pages, profile) = (scratch.join("pages"), scratch.join("profile"));
    let wasm = VICTIM.replace('-', "_") + ".wasm";
    Call::new(tool(workspace, "bindgen")?)
        .args(["--target", "web", "--no-typescript", "--out-name", "victim"])
        .arg("--out-dir")
        .arg(&pages)
        .arg(workspace.target.join(TARGET).join(PROFILE).join(wasm))
        .run()?;
    let (status, text) = Call::new("node")
        .arg(workspace.root.join(RUNNER))
        .arg(chromium)
        .arg(&pages)
        .arg(&profile)
        .arg(task)
        .args(arguments)
        .answer()?;
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line)
        .with_context(|| format!("{RUNNER} printed no object but {line:?} ({status})"))
}

/// One of wasm-bindgen's programs.
fn tool(workspace: &Workspace, program: &str) -> Result<PathBuf> {
    workspace.build(TOOLS, program, PROFILE)
}

fn sentences(found: &Value) -> Result<Vec<String>> {
    let failures = found["failures"].as_array();
    let failures = failures.context("the driver printed an object of another form")?;
    Ok(failures
        .iter()
        .map(|failure| {
            failure
                .as_str()
                .map_or_else(|| failure.to_string(), str::to_owned)
        })
        .collect())
}
