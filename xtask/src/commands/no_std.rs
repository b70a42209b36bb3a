//! `cargo xtask no-std`: proof that the engine links no std.
//!
//! `tests/no_std_probe` brings its own panic handler. Linked with std it has
//! two, which the compiler refuses (E0152), on the host itself and without any
//! bare-metal target. That the proof can fail is proved with it: the probe with
//! the engine's `std` feature on must be refused.

use anyhow::{Result, bail};

use crate::call::Call;
use crate::outcome::Outcome;
use crate::workspace::{PROFILE, Workspace};

/// Builds the probe as it must build and as it must not.
///
/// # Errors
/// When cargo cannot be started.
pub fn run(workspace: &Workspace) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    outcome.step(probe(workspace, &[]).run());
    outcome.step(probe(workspace, &["--no-default-features"]).run());
    let (built, message) = probe(workspace, &["--features", "leak"]).probe()?;
    outcome.step(refused(built, &message));
    Ok(outcome)
}

fn probe(workspace: &Workspace, features: &[&str]) -> Call {
    workspace
        .cargo(&["build", "--locked", "--profile", PROFILE])
        .args(["--manifest-path", "tests/no_std_probe/Cargo.toml"])
        .args(["--target-dir".as_ref(), workspace.target.as_os_str()])
        .args(features)
}

fn refused(built: bool, message: &str) -> Result<()> {
    if built {
        bail!("the probe built although std was linked: the proof proves nothing");
    }
    if !message.contains("E0152") {
        eprintln!("{message}");
        bail!("the probe with std failed for another reason than E0152; its output is above");
    }
    Ok(())
}
