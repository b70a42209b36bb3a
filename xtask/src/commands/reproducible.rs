//! `cargo xtask reproducible`: the engine as WebAssembly is the same bytes wherever
//! it is built.
//!
//! It is built from two copies of the sources in folders of different names, each
//! with a target directory and a `CARGO_HOME` of its own.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest as _, Sha256};

use crate::outcome::Outcome;
use crate::remap;
use crate::tools::rust;
use crate::workspace::Workspace;

const PACKAGE: &str = "tidelog-engine-wasm";
const TARGET: &str = "wasm32-unknown-unknown";

/// The two places, below a folder of the target directory.
const PLACES: [&str; 2] = ["one", "another/place"];

/// Builds both and compares.
///
/// # Errors
/// When the sources cannot be copied, or do not build.
pub fn run(workspace: &Workspace) -> Result<Outcome> {
    rust::install_targets(workspace)?;
    let scratch = workspace.scratch("reproducible")?;
    let real_home = cargo_home()?;
    let mut built = Vec::new();
    for place in PLACES {
        let folder = scratch.join(place);
        let home = folder.join("home");
        mirror(&real_home, &home)?;
        let copy = Workspace {
            root: folder.join("sources"),
            target: folder.join("target"),
        };
        copy_sources(workspace, &copy.root)?;
        copy.cargo(&["build", "--locked", "--release", "--package", PACKAGE])
            .args(["--target", TARGET, "--target-dir"])
            .arg(&copy.target)
            .env("CARGO_HOME", &home)
            .env("CARGO_ENCODED_RUSTFLAGS", remap::flags(&copy.root, &home)?)
            .run()?;
        let file = PACKAGE.replace('-', "_") + ".wasm";
        let path = copy.target.join(TARGET).join("release").join(file);
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        built.push((folder, bytes));
    }

    let mut outcome = Outcome::default();
    let [(_, first), (_, second)] = built.as_slice() else {
        bail!("two places give two modules");
    };
    outcome.fact("bytes", first.len());
    outcome.fact("sha256", hash(first));
    outcome.claim(
        hash(first) == hash(second),
        format!(
            "two builds in two places are the same {} bytes",
            first.len()
        ),
    );
    // A path that is the same in both places would not show in the hash.
    let homes = [scratch, real_home, workspace.root.clone()];
    for (_, bytes) in &built {
        for home in &homes {
            outcome.claim(
                !contains(bytes, home),
                format!("nothing in the module names {}", home.display()),
            );
        }
    }
    Ok(outcome)
}

fn hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn contains(bytes: &[u8], path: &Path) -> bool {
    let wanted = path.to_string_lossy();
    bytes
        .windows(wanted.len())
        .any(|window| window == wanted.as_bytes())
}

fn cargo_home() -> Result<PathBuf> {
    if let Some(home) = env::var_os("CARGO_HOME") {
        return Ok(home.into());
    }
    let home = env::home_dir().context("there is no home folder to find cargo's in")?;
    Ok(home.join(".cargo"))
}

/// A folder through which everything in `from` is found under another name.
fn mirror(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        link(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> Result<()> {
    Ok(std::os::unix::fs::symlink(from, to)?)
}

#[cfg(windows)]
fn link(from: &Path, to: &Path) -> Result<()> {
    if from.is_dir() {
        return Ok(std::os::windows::fs::symlink_dir(from, to)?);
    }
    Ok(std::os::windows::fs::symlink_file(from, to)?)
}

fn copy_sources(workspace: &Workspace, to: &Path) -> Result<()> {
    for file in workspace.files()? {
        let copy = to.join(&file);
        if let Some(folder) = copy.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(workspace.root.join(&file), &copy)
            .with_context(|| format!("cannot copy {}", file.display()))?;
    }
    Ok(())
}
