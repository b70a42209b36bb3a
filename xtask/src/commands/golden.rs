//! `cargo xtask golden`: writes the golden files under `tests/golden/` anew.

use anyhow::Result;

use crate::call::Call;
use crate::workspace::{PROFILE, Workspace};

/// Builds the generator and runs it in the root.
///
/// # Errors
/// When it does not build, or fails.
pub fn run(workspace: &Workspace) -> Result<()> {
    let program = workspace.build("tidelog-testkit", "tidelog-golden", PROFILE)?;
    Call::new(program).dir(&workspace.root).run()?;
    eprintln!("Golden files changed? Then the format changed: say so in CHANGELOG.md.");
    Ok(())
}
