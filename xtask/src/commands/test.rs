//! `cargo xtask test`: every test of every crate, documentation examples too.

use anyhow::Result;

use crate::libtest::Reader;
use crate::outcome::Outcome;
use crate::skips;
use crate::workspace::{MEASURES, PROFILE, Workspace};

/// Runs them. `quick` leaves out documentation examples and the programs under
/// `tests/` of each crate.
///
/// # Errors
/// When cargo cannot be started, or the list of skips cannot be read.
pub fn run(workspace: &Workspace, quick: bool) -> Result<Outcome> {
    let mut reader = Reader::default();
    let status = workspace
        .cargo(&["test", "--locked", "--profile", PROFILE])
        .args(["--workspace", "--exclude", MEASURES, "--all-features"])
        .args(["--no-fail-fast"])
        .args(if quick { &["--lib", "--bins"][..] } else { &[] })
        .args(["--", "--show-output"])
        .lines(|line| {
            if reader.line(line) {
                eprintln!("{line}");
            }
        })?;
    let mut outcome = reader.finish();
    if !status.success() && outcome.held() {
        outcome.failures.push(format!(
            "cargo test failed without a failed test ({status})"
        ));
    }
    if status.success() && outcome.passed == 0 {
        outcome.failures.push("cargo test ran no test".to_owned());
    }
    skips::judge(workspace, &mut outcome)?;
    Ok(outcome)
}
