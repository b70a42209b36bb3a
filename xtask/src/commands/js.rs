//! `cargo xtask js`: the npm package, built, weighed, and tested in a real Chromium, the
//! vectors with it.

use anyhow::{Context, Result};
use serde_json::Value;

use super::{size, vectors};
use crate::call::Call;
use crate::outcome::Outcome;
use crate::skips;
use crate::tools::{browser, npm, package};
use crate::workspace::Workspace;

/// Builds it, checks its types, and runs its tests.
///
/// # Errors
/// When something does not build, or Node or Chromium is missing and cannot be
/// installed.
pub fn run(workspace: &Workspace) -> Result<Outcome> {
    browser::install()?;
    package::build(workspace)?;
    let (status, text) = Call::new("node")
        .args([
            "--test",
            "--test-reporter=./test/support/reporter.mjs",
            "test/suites/",
        ])
        .dir(&npm::package(workspace))
        .answer()?;
    let mut outcome = Outcome::default();
    for line in text.lines() {
        judge(line, &mut outcome).with_context(|| format!("node --test printed {line:?}"))?;
    }
    if !status.success() && outcome.held() {
        let failure = format!("node --test failed without a failed test ({status})");
        outcome.failures.push(failure);
    }
    if status.success() && outcome.passed == 0 {
        outcome.failures.push("node --test ran no test".to_owned());
    }
    size::weigh(workspace, &mut outcome)?;
    skips::judge(workspace, &mut outcome)?;
    // The others take minutes: they run when they are named.
    let surface = vectors::CHROMIUM[0];
    outcome.add(surface, vectors::in_chromium(workspace, surface)?);
    Ok(outcome)
}

/// Takes in a line of the reporter: one test, as a JSON object.
fn judge(line: &str, outcome: &mut Outcome) -> Result<()> {
    let test: Value = serde_json::from_str(line)?;
    let name = test["name"].as_str().context("a test without a name")?;
    match test["failure"].as_str() {
        Some(failure) => outcome.failures.push(format!("{name}: {failure}")),
        None => outcome.passed += 1,
    }
    Ok(())
}
