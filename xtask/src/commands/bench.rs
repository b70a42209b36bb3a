//! `cargo xtask bench`: runs the bench crate in the release profile.

use anyhow::{Result, bail};

use crate::call::Call;
use crate::workspace::{MEASURES, Workspace};

/// Builds it and passes `arguments` on; what it prints on stdout is the answer.
///
/// # Errors
/// When it does not build, or fails.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let program = workspace.build(MEASURES, MEASURES, "release")?;
    let status = Call::new(program).args(arguments).lines(|line| {
        println!("{line}");
    })?;
    if !status.success() {
        bail!("the bench failed ({status})");
    }
    Ok(())
}
