//! `cargo xtask size`: what the npm package weighs, beside what `js/size.json` declares.

use anyhow::{Context, Result};

use crate::call::Call;
use crate::outcome::Outcome;
use crate::tools::{npm, package};
use crate::workspace::Workspace;

/// Builds the package and weighs it.
///
/// # Errors
/// When it does not build.
pub fn run(workspace: &Workspace) -> Result<Outcome> {
    package::build(workspace)?;
    let mut outcome = Outcome::default();
    weigh(workspace, &mut outcome)?;
    Ok(outcome)
}

/// Weighs what was built.
///
/// # Errors
/// When the script cannot be run, or prints anything else than sizes.
pub fn weigh(workspace: &Workspace, outcome: &mut Outcome) -> Result<()> {
    let folder = npm::package(workspace);
    let (status, text) = Call::new("node").arg("size.mjs").dir(&folder).answer()?;
    let sizes: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("size.mjs printed {text:?}"))?;
    outcome.fact("bytes", sizes);
    outcome.claim(status.success(), "the package weighs what it declares");
    Ok(())
}
