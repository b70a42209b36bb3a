//! `cargo xtask lint`: formatting, clippy and rustdoc, each without a warning.
//!
//! The bench crate is only formatted here: compiling the peers it measures beside
//! costs more than everything else together. Whoever changes it lints it.

use anyhow::Result;

use crate::outcome::Outcome;
use crate::tools::rust;
use crate::workspace::{MEASURES, PROFILE, Workspace};

/// All of it. `quick` leaves out the engine without its default features, and
/// the documentation.
///
/// # Errors
/// Never: a lint that finds something is a failure of the outcome.
pub fn run(workspace: &Workspace, quick: bool) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    outcome.step(format(workspace));
    outcome.step(clippy(workspace));
    if !quick {
        outcome.step(clippy_bare(workspace));
        outcome.step(clippy_web(workspace));
        outcome.step(doc(workspace));
    }
    Ok(outcome)
}

/// `cargo fmt --check`, the probe crate outside the workspace included.
///
/// # Errors
/// When a file is not formatted.
pub fn format(workspace: &Workspace) -> Result<()> {
    workspace.cargo(&["fmt", "--all", "--check"]).run()?;
    workspace
        .cargo(&["fmt", "--check", "--manifest-path"])
        .args(["tests/no_std_probe/Cargo.toml"])
        .run()
}

/// Every crate but the benches, every target, every feature.
///
/// # Errors
/// When clippy warns of anything.
pub fn clippy(workspace: &Workspace) -> Result<()> {
    workspace
        .cargo(&["clippy", "--locked", "--profile", PROFILE])
        .args(["--workspace", "--exclude", MEASURES])
        .args(["--all-targets", "--all-features"])
        .args(["--", "-D", "warnings"])
        .run()
}

/// The engine alone, as the smallest builds have it.
///
/// # Errors
/// When clippy warns of anything.
pub fn clippy_bare(workspace: &Workspace) -> Result<()> {
    workspace
        .cargo(&["clippy", "--locked", "--profile", PROFILE])
        .args(["--package", "tidelog-core", "--no-default-features"])
        .args(["--", "-D", "warnings"])
        .run()
}

/// What only exists where it is compiled for a browser.
///
/// # Errors
/// When clippy warns of anything.
pub fn clippy_web(workspace: &Workspace) -> Result<()> {
    rust::install_targets(workspace)?;
    workspace
        .cargo(&["clippy", "--locked", "--profile", PROFILE])
        .args(["--package", "tidelog-web"])
        .args(["--package", "tidelog-browser-victim"])
        .args(["--target", "wasm32-unknown-unknown", "--all-targets"])
        .args(["--", "-D", "warnings"])
        .run()
}

/// The documentation, with every link resolved.
///
/// # Errors
/// When rustdoc warns of anything.
pub fn doc(workspace: &Workspace) -> Result<()> {
    workspace
        .cargo(&["doc", "--locked", "--profile", PROFILE])
        .args(["--workspace", "--exclude", MEASURES])
        .args(["--no-deps", "--all-features"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()
}
