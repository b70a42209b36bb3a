//! `cargo xtask browser packaging`: the npm package packed, judged by publint and
//! are-the-types-wrong, installed, and run in Chromium as bundlers build it.

use anyhow::{Context, Result};
use clap::Args;
use serde_json::Value;

use super::sentences;
use crate::call::Call;
use crate::outcome::Outcome;
use crate::tools::{browser, npm, package};
use crate::workspace::Workspace;

const RUNNER: &str = "run.mjs";

/// What is looked at before any consumer is.
const BEFORE: &[&str] = &["tarball", "server", "own-worker"];

/// Files of `js/packaging/consumers` that always run.
const USUAL: &[&str] = &["vite", "webpack", "esbuild", "bare", "migrate"];

/// Those that `--all` adds.
const MORE: &[&str] = &["vite-dev", "rspack", "rolldown"];

/// For whom.
#[derive(Args, Default)]
pub struct Options {
    /// Every consumer, not only the usual ones.
    #[arg(long)]
    all: bool,
}

/// Looks.
///
/// # Errors
/// When the package does not build, or Chromium or Node is missing.
pub fn run(workspace: &Workspace, options: &Options, quick: bool) -> Result<Outcome> {
    browser::install()?;
    package::build(workspace)?;
    let folder = npm::package(workspace).join("packaging");
    npm::install(&folder)?;
    let more = if options.all && !quick { MORE } else { &[] };
    let (status, text) = Call::new("node")
        .arg(RUNNER)
        .args(USUAL)
        .args(more)
        .dir(&folder)
        .answer()?;
    let line = text.lines().last().unwrap_or_default();
    let found: Value = serde_json::from_str(line)
        .with_context(|| format!("{RUNNER} printed no object but {line:?} ({status})"))?;
    let mut outcome = Outcome::default();
    outcome.fact("seconds", found["seconds"].clone());
    outcome.failures = sentences(&found)?;
    let held = found["checks"].as_array().context("no list of checks")?;
    for &name in BEFORE.iter().chain(USUAL).chain(more) {
        outcome.claim(
            held.iter().any(|check| check == name),
            format!("the package works: {name}"),
        );
    }
    Ok(outcome)
}
