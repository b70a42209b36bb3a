//! Owns the Rust toolchain: the targets of `rust-toolchain.toml`.

use std::path::Path;

use anyhow::{Context, Result, bail};
use toml::Table;

use crate::call::Call;
use crate::workspace::Workspace;

/// The targets `rust-toolchain.toml` asks for.
///
/// # Errors
/// When that file cannot be read.
pub fn targets(workspace: &Workspace) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(workspace.root.join("rust-toolchain.toml"))
        .context("cannot read rust-toolchain.toml")?;
    let table: Table = text.parse().context("rust-toolchain.toml is no TOML")?;
    let targets = table["toolchain"]["targets"]
        .as_array()
        .context("rust-toolchain.toml names no targets")?;
    Ok(targets
        .iter()
        .filter_map(|target| target.as_str().map(str::to_owned))
        .collect())
}

/// Whether the standard library for `target` is installed.
///
/// # Errors
/// When rustc cannot be started.
pub fn has_target(workspace: &Workspace, target: &str) -> Result<bool> {
    let folder = Call::new("rustc")
        .args(["--print", "target-libdir", "--target", target])
        .dir(&workspace.root)
        .capture()?;
    Ok(Path::new(folder.trim()).is_dir())
}

/// Installs every target that is missing.
///
/// # Errors
/// When rustup is missing or refuses; the error says what to install.
pub fn install_targets(workspace: &Workspace) -> Result<()> {
    for target in targets(workspace)? {
        if has_target(workspace, &target)? {
            continue;
        }
        let added = Call::new("rustup")
            .args(["target", "add", &target])
            .dir(&workspace.root)
            .run();
        if let Err(error) = added {
            bail!(
                "the Rust target {target} is missing and could not be added ({error:#}). \
                 Install rustup from https://rustup.rs and run `rustup target add {target}`"
            );
        }
    }
    Ok(())
}
