//! `cargo xtask wasm`: the engine and the stores compile for WebAssembly.

use anyhow::Result;

use crate::outcome::Outcome;
use crate::tools::rust;
use crate::workspace::{PROFILE, Workspace};

/// A package and the target it must compile for.
const PAIRS: &[(&str, &str)] = &[
    ("tidelog-core", "wasm32-unknown-unknown"),
    ("tidelog-fs", "wasm32-wasip2"),
    ("tidelog-web", "wasm32-unknown-unknown"),
];

/// Checks each pair.
///
/// # Errors
/// When a target is missing and cannot be installed.
pub fn run(workspace: &Workspace) -> Result<Outcome> {
    rust::install_targets(workspace)?;
    let mut outcome = Outcome::default();
    for (package, target) in PAIRS {
        outcome.step(
            workspace
                .cargo(&["check", "--locked", "--profile", PROFILE])
                .args(["--package", package, "--target", target])
                .run(),
        );
    }
    Ok(outcome)
}
