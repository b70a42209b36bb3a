//! Owns the Rust toolchain: the targets of `rust-toolchain.toml`, and Miri.

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

/// What installs Miri.
pub const MIRI: &str = "rustup toolchain install nightly --component miri,rust-src";

/// Whether a nightly toolchain with Miri is installed, and the standard library's
/// sources, which Miri compiles for itself.
pub fn has_miri() -> bool {
    let run = ["run", "nightly"];
    let there = |program: &[&str]| Call::new("rustup").args(run).args(program).probe().ok();
    let miri = there(&["cargo", "miri", "--version"]).is_some_and(|(runs, _)| runs);
    let sysroot = Call::new("rustup")
        .args(run)
        .args(["rustc", "--print", "sysroot"]);
    miri && sysroot.answer().is_ok_and(|(status, text)| {
        let sources = Path::new(text.trim()).join("lib/rustlib/src/rust/library");
        status.success() && sources.is_dir()
    })
}

/// Installs Miri and what it needs, unless it is there already.
///
/// # Errors
/// When rustup is missing or refuses.
pub fn install_miri() -> Result<()> {
    if has_miri() {
        return Ok(());
    }
    let mut words = MIRI.split(' ');
    Call::new(words.next().unwrap_or_default())
        .args(words)
        .args(["--profile", "minimal"])
        .run()
        .with_context(|| format!("cannot install Miri: `{MIRI}` does it where rustup works"))
}
