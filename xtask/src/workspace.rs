//! Owns where things are: the root, the target directory, scratch space, and the
//! programs built from the workspace.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::call::Call;

/// The profile of every native build of a run; see the root `Cargo.toml`.
pub const PROFILE: &str = "ci";

/// The crate of the benches. It pulls in every peer it measures beside, so only
/// `cargo xtask bench` compiles it.
pub const MEASURES: &str = "tidelog-bench";

/// The checkout this tool belongs to.
pub struct Workspace {
    /// The folder of the root `Cargo.toml`.
    pub root: PathBuf,
    /// Where cargo puts what it builds.
    pub target: PathBuf,
}

impl Workspace {
    /// Finds the checkout this tool was compiled from.
    ///
    /// # Errors
    /// When the checkout was moved away since.
    pub fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask has no parent folder")?
            .to_path_buf();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(target) => root.join(target),
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// A call of cargo in the root, on the pinned toolchain.
    pub fn cargo(&self, arguments: &[&str]) -> Call {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Call::new(cargo).args(arguments).dir(&self.root)
    }

    /// Builds one program of the workspace and returns its path. All but the benches
    /// are built with the features that the tests have, so that a run compiles
    /// nothing twice.
    ///
    /// # Errors
    /// When it does not build.
    pub fn build(&self, package: &str, program: &str, profile: &str) -> Result<PathBuf> {
        let scope: &[&str] = if package == MEASURES {
            &["--package", MEASURES]
        } else {
            &["--workspace", "--exclude", MEASURES, "--all-features"]
        };
        self.cargo(&["build", "--locked", "--profile", profile])
            .args(scope)
            .args(["--bin", program])
            .run()?;
        let folder = if profile == "dev" { "debug" } else { profile };
        Ok(self
            .target
            .join(folder)
            .join(program)
            .with_extension(env::consts::EXE_EXTENSION))
    }

    /// An empty folder for one command's own use, below the target directory.
    ///
    /// # Errors
    /// When an earlier one cannot be removed, or a new one not made.
    pub fn scratch(&self, name: &str) -> Result<PathBuf> {
        let folder = self.target.join("xtask").join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot empty {}", folder.display()))?;
        }
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }

    /// The answer of `cargo metadata`: every package that could be built, with
    /// all features on all platforms.
    ///
    /// # Errors
    /// When `Cargo.lock` does not fit the manifests.
    pub fn metadata(&self) -> Result<Value> {
        self.metadata_of(Path::new("Cargo.toml"))
    }

    /// As [`metadata`](Self::metadata), of the workspace with this manifest, which is
    /// named from the root.
    ///
    /// # Errors
    /// When its `Cargo.lock` does not fit.
    pub fn metadata_of(&self, manifest: &Path) -> Result<Value> {
        let text = self
            .cargo(&["metadata", "--locked", "--all-features"])
            .args(["--format-version", "1"])
            .arg("--manifest-path")
            .arg(manifest)
            .capture()?;
        serde_json::from_str(&text).context("cargo metadata printed no JSON")
    }

    /// Every file of the checkout that git does not ignore, relative to the root.
    ///
    /// # Errors
    /// When git is missing, or this is no checkout.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        let listed = Call::new("git")
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .dir(&self.root)
            .capture()?;
        let mut files: Vec<PathBuf> = listed
            .split('\0')
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
            .filter(|path| self.root.join(path).is_file())
            .collect();
        files.sort();
        files.dedup();
        Ok(files)
    }
}
