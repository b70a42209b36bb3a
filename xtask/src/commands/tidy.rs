//! `cargo xtask tidy`: what no compiler and no lint checks. Each rule is a file
//! under `tidy/`.

mod bytes;
mod fingerprint;
mod layers;
mod limits;
mod safety;
mod text;

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::outcome::Outcome;
use crate::workspace::Workspace;

/// Where the engine's code is.
const ENGINE: &str = "crates/core/src/";

/// The part of it that knows byte positions.
const FORMAT: &str = "crates/core/src/format/";

/// One source file.
struct Source {
    /// Relative to the root, with `/` between parts.
    path: String,
    text: String,
}

impl Source {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Unit tests kept in a file of their own.
    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }
}

/// Applies every rule.
///
/// # Errors
/// When the files or the packages cannot be listed.
pub fn run(workspace: &Workspace) -> Result<Outcome> {
    let sources = read(workspace)?;
    let metadata = workspace.metadata()?;
    let mut outcome = Outcome::default();
    let mut rule = |faults: Vec<String>| {
        if faults.is_empty() {
            outcome.passed += 1;
        }
        outcome.failures.extend(faults);
    };
    rule(sources.iter().flat_map(text::faults).collect());
    rule(sources.iter().flat_map(bytes::faults).collect());
    rule(limits::faults(&sources));
    rule(safety::faults(&sources));
    rule(layers::faults(&metadata)?);
    rule(layers::crowded(&metadata)?);
    rule(layers::planted(&metadata)?);
    rule(layers::unexplained(
        &metadata,
        &document(workspace, "DESIGN.md")?,
    )?);
    rule(fingerprint::faults(&sources, &workspace.root)?);
    outcome.fact("files", sources.len());
    Ok(outcome)
}

/// Records in docs/FORMAT.md that it describes the format code as it is now.
///
/// # Errors
/// When there is no such document.
pub fn bless_format(workspace: &Workspace) -> Result<()> {
    fingerprint::bless(&read(workspace)?, &workspace.root)
}

fn document(workspace: &Workspace, name: &str) -> Result<String> {
    let path = workspace.root.join("docs").join(name);
    std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
}

/// Every file that people write code in.
fn read(workspace: &Workspace) -> Result<Vec<Source>> {
    let is_source = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let code = ["rs", "toml", "sh", "js", "mjs", "ts", "wit"];
        path.extension()
            .is_some_and(|extension| code.iter().any(|known| extension == *known))
            || path.starts_with(".ci") && !name.contains('.')
    };
    workspace
        .files()?
        .into_iter()
        .filter(is_source)
        .map(|path| {
            let text = std::fs::read_to_string(workspace.root.join(&path))
                .with_context(|| format!("{} is no text", path.display()))?;
            Ok(Source {
                path: path.to_string_lossy().replace('\\', "/"),
                text,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_repository_is_tidy() {
        let outcome = run(&Workspace::find().unwrap()).unwrap();
        assert!(outcome.held(), "{}", outcome.failures.join("\n"));
        assert!(outcome.to_json("tidy", 0.0)["files"].as_u64().unwrap() > 10);
    }
}
