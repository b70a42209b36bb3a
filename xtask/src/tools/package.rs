//! Owns building the npm package: the engine as WebAssembly, the JavaScript that
//! wasm-bindgen writes beside it, and what `js/build.mjs` makes of both.

use std::fs;

use anyhow::{Context, Result};

use super::{npm, rust};
use crate::call::Call;
use crate::workspace::{PROFILE, Workspace};

const CRATE: &str = "tidelog-web";
const TARGET: &str = "wasm32-unknown-unknown";

/// The profile of what is shipped; see the root `Cargo.toml`.
const SHIPPED: &str = "web";

/// Builds `js/dist`.
///
/// # Errors
/// When something does not build, or Node is missing.
pub fn build(workspace: &Workspace) -> Result<()> {
    let folder = npm::package(workspace);
    npm::install(&folder)?;
    rust::install_targets(workspace)?;
    workspace
        .cargo(&["build", "--locked", "--profile", SHIPPED])
        .args(["--package", CRATE, "--lib", "--target", TARGET])
        .run()?;
    let module = CRATE.replace('-', "_") + ".wasm";
    let module = workspace.target.join(TARGET).join(SHIPPED).join(module);
    let bindgen = workspace.build("tidelog-bindgen", "bindgen", PROFILE)?;
    let glue = workspace.scratch("glue")?;
    Call::new(bindgen)
        .args(["--target", "web", "--out-name", "engine"])
        .args(["--remove-name-section", "--remove-producers-section"])
        .arg("--out-dir")
        .args([&glue, &module])
        .run()?;

    let generated = folder.join("generated");
    fs::create_dir_all(&generated)
        .with_context(|| format!("cannot make {}", generated.display()))?;
    for file in ["engine.js", "engine.d.ts", "engine_bg.wasm"] {
        let (from, to) = (glue.join(file), generated.join(file));
        fs::copy(&from, &to).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Call::new("node").arg("build.mjs").dir(&folder).run()
}
