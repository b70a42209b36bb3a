//! Owns the flags with which WebAssembly that is handed out is compiled: no path of
//! the machine that built it is in it, so that the same sources give the same bytes
//! anywhere. Cargo's own `trim-paths` would do the same, but is not stable.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::call::Call;

/// Between two flags in `CARGO_ENCODED_RUSTFLAGS`.
const SEPARATOR: &str = "\u{1f}";

/// The value of `CARGO_ENCODED_RUSTFLAGS` for the checkout at `root`, built with this
/// `CARGO_HOME`.
///
/// # Errors
/// When rustc cannot be asked where it is.
pub fn flags(root: &Path, cargo_home: &Path) -> Result<String> {
    let sysroot = Call::new("rustc")
        .args(["--print", "sysroot"])
        .dir(root)
        .capture()?;
    let version = Call::new("rustc").arg("-vV").dir(root).capture()?;
    let commit = version
        .lines()
        .find_map(|line| line.strip_prefix("commit-hash: "))
        .context("`rustc -vV` names no commit")?;
    // Where the standard library's sources are installed, code inlined from it would
    // name them.
    let std_from = Path::new(sysroot.trim()).join("lib/rustlib/src/rust");
    let mut pairs = vec![
        (root.to_path_buf(), "/tidelog".to_owned()),
        (std_from, format!("/rustc/{commit}")),
    ];
    let registries = cargo_home.join("registry").join("src");
    for folder in fs::read_dir(&registries)
        .with_context(|| format!("cannot read {}", registries.display()))?
    {
        pairs.push((folder?.path(), "/registry".to_owned()));
    }
    let mut flags = Vec::new();
    for (from, to) in pairs {
        // A compiler that was started behind a symbolic link names where it really is.
        let real = from.canonicalize().unwrap_or_else(|_| from.clone());
        for from in [from, real] {
            flags.push(format!("--remap-path-prefix={}={to}", from.display()));
        }
    }
    Ok(flags.join(SEPARATOR))
}
