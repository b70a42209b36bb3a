//! Owns what comes from npm: Node itself, and the folders pinned by a lock file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::version;
use crate::call::Call;
use crate::workspace::Workspace;

const NODE_MIN: u32 = 20;

/// The folder whose lock file pins the demo's data.
pub fn data(workspace: &Workspace) -> PathBuf {
    workspace.root.join("xtask").join("data")
}

/// The folder of the package that is published.
pub fn package(workspace: &Workspace) -> PathBuf {
    workspace.root.join("js")
}

/// Node's version.
///
/// # Errors
/// When it is missing or too old; the error says what to install.
pub fn node() -> Result<String> {
    let advice = format!(
        "Install Node {NODE_MIN} or newer with npm: https://nodejs.org/en/download, \
         or through nvm: `nvm install {NODE_MIN}`"
    );
    let Some(found) = version("node") else {
        bail!("Node was not found. {advice}");
    };
    let major: u32 = found
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|number| number.parse().ok())
        .with_context(|| format!("`node --version` printed {found:?}"))?;
    if major < NODE_MIN {
        bail!("Node {found} is too old. {advice}");
    }
    Ok(found)
}

/// Whether `folder/node_modules` is what `folder/package-lock.json` asks for.
pub fn is_installed(folder: &Path) -> bool {
    let packages = |path: PathBuf| -> Option<Value> {
        let text = std::fs::read_to_string(path).ok()?;
        let mut lock: Value = serde_json::from_str(&text).ok()?;
        let mut packages = lock["packages"].take();
        // The root package is listed in one of the two files only.
        let listed = packages.as_object_mut()?;
        listed.remove("");
        // Programs for other platforms are pinned, and not installed.
        listed.retain(|_, package| package["optional"] != true);
        Some(packages)
    };
    let wanted = packages(folder.join("package-lock.json"));
    wanted.is_some() && wanted == packages(folder.join("node_modules/.package-lock.json"))
}

/// Installs what the lock file of `folder` pins, unless it is there already. No
/// package's scripts are run.
///
/// # Errors
/// When Node is missing, or the registry cannot be reached.
pub fn install(folder: &Path) -> Result<()> {
    if is_installed(folder) {
        return Ok(());
    }
    node()?;
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    Call::new(npm)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .dir(folder)
        .run()
        .with_context(|| {
            format!(
                "cannot install the npm packages of {}: npm needs to reach its registry",
                folder.display()
            )
        })
}
