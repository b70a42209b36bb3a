//! `cargo xtask miri`: tests of the engine under Miri, which notices undefined
//! behaviour and leaks.
//!
//! The engine forbids unsafe code, so what this looks at is mostly what it depends
//! on: the checksum's instructions, and the codecs. Miri interprets: a test takes some
//! hundred times as long, so CI runs a selection.

use std::thread;

use anyhow::{Result, anyhow};
use clap::Args;

use crate::call::Call;
use crate::libtest::Reader;
use crate::outcome::{Outcome, Skip};
use crate::skips;
use crate::tools::rust;
use crate::workspace::Workspace;

/// Tests, by the beginnings of their names: two runs beside each other.
const CHOSEN: [&[&str]; 2] = [
    &[
        "format::body",
        "format::checksum",
        "format::compress",
        "format::header",
        "format::wire",
    ],
    &[
        "log::producers",
        "log::tests::an_empty_log",
        "log::tests::headers_and_absent_values",
        "log::tests::a_writer_that_was_killed",
    ],
];

/// Everything: for hours.
const ALL: [&[&str]; 2] = [&["format::"], &["log::", "catalog::"]];

/// With `--quick`, what needs no store.
const QUICK: [&[&str]; 1] = [&["format::checksum", "format::wire"]];

/// What to look at.
#[derive(Args, Default)]
pub struct Options {
    /// Every test of format, log and catalog: for hours.
    #[arg(long)]
    pub all: bool,
}

/// Runs them, if Miri is installed.
///
/// # Errors
/// When it cannot be started, or the list of skips cannot be read.
pub fn run(workspace: &Workspace, options: &Options, quick: bool) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    if !rust::has_miri() {
        outcome.skips.push(Skip {
            name: "miri".to_owned(),
            reason: format!("Miri is missing: {}", rust::MIRI),
        });
        skips::judge(workspace, &mut outcome)?;
        return Ok(outcome);
    }
    let chosen: &[&[&str]] = match (options.all, quick) {
        (true, _) => &ALL,
        (false, true) => &QUICK,
        (false, false) => &CHOSEN,
    };
    // Compiled once, and not by two at a time.
    tests(workspace).arg("--no-run").run()?;
    let run = |names: &[&str]| tested(tests(workspace).arg("--").args(names));
    let parts = thread::scope(|scope| {
        let parts: Vec<_> = chosen
            .iter()
            .map(|names| scope.spawn(|| run(names)))
            .collect();
        parts
            .into_iter()
            .map(|part| part.join().map_err(|_| anyhow!("a run panicked"))?)
            .collect::<Result<Vec<_>>>()
    })?;
    for part in parts {
        outcome.passed += part.passed;
        outcome.failures.extend(part.failures);
    }
    Ok(outcome)
}

/// The engine's tests under Miri, with the checksum's vector path where there is one.
fn tests(workspace: &Workspace) -> Call {
    let features = if cfg!(target_arch = "x86_64") {
        "-Ctarget-feature=+pclmulqdq,+sse4.1"
    } else {
        ""
    };
    Call::new("rustup")
        .args(["run", "nightly", "cargo", "miri", "test", "--locked"])
        .arg("--target-dir")
        .arg(workspace.target.join("miri"))
        .args(["--package", "tidelog-core", "--lib"])
        .args(["--features", "std"])
        .env("RUSTFLAGS", features)
        .dir(&workspace.root)
}

fn tested(call: Call) -> Result<Outcome> {
    let mut reader = Reader::default();
    let status = call.lines(|line| {
        if reader.line(line) {
            eprintln!("{line}");
        }
    })?;
    let mut outcome = reader.finish();
    if !status.success() && outcome.held() {
        // Miri stops at what it finds, in the middle of a test.
        outcome
            .failures
            .push(format!("Miri stopped; what it found is above ({status})"));
    }
    if status.success() && outcome.passed == 0 {
        outcome.failures.push("Miri ran no test".to_owned());
    }
    Ok(outcome)
}
