//! `cargo xtask vectors`: the behaviours of `tests/vectors`, on every surface. What runs
//! them is `tidelog-vectors`; docs/VECTORS.md describes the files.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;

use crate::call::Call;
use crate::outcome::{Outcome, Skip};
use crate::tools::{browser, npm, package};
use crate::workspace::{PROFILE, Workspace};

/// Surfaces that a browser runs.
pub const CHROMIUM: [&str; 3] = ["chromium-memory", "chromium-opfs", "chromium-idb"];

/// What to run, and where.
#[derive(Args, Default)]
pub struct Options {
    /// The surface: `rust`, `rust-fs`, `facade`, all of them unless given; or `chromium-memory`,
    /// `chromium-opfs`, `chromium-idb`.
    #[arg(long)]
    pub surface: Option<String>,
    /// Vector files, from anywhere; the repository's own unless given.
    pub files: Vec<PathBuf>,
}

/// Builds the runner and runs it.
///
/// # Errors
/// When it does not build, or prints no JSON.
pub fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    let named = options.surface.as_deref().unwrap_or_default();
    if CHROMIUM.contains(&named) {
        ensure!(
            options.files.is_empty(),
            "{named} runs the repository's own vectors alone"
        );
        browser::install()?;
        package::build(workspace)?;
        return in_chromium(workspace, named);
    }
    let program = workspace.build("tidelog-vectors", "tidelog-vectors", PROFILE)?;
    let surface = options.surface.iter().flat_map(|name| ["--surface", name]);
    let (status, text) = Call::new(program)
        .args(surface)
        .arg("--")
        .args(&options.files)
        .answer()?;
    let line = text.lines().last().unwrap_or_default();
    let found: Value = serde_json::from_str(line)
        .with_context(|| format!("tidelog-vectors printed no object but {line:?} ({status})"))?;
    outcome(&found).context("tidelog-vectors printed an object of another form")
}

/// Runs the vectors on a surface of the package that was built.
///
/// # Errors
/// When the runner prints no JSON.
pub fn in_chromium(workspace: &Workspace, surface: &str) -> Result<Outcome> {
    let (status, text) = Call::new("node")
        .args(["test/vectors/run.mjs", surface])
        .dir(&npm::package(workspace))
        .answer()?;
    let found: Value = serde_json::from_str(&text)
        .with_context(|| format!("run.mjs printed no object but {text:?} ({status})"))?;
    outcome(&found).context("run.mjs printed an object of another form")
}

fn outcome(found: &Value) -> Option<Outcome> {
    let mut outcome = Outcome::default();
    for fact in ["vectors", "rows", "rows_explained", "error_kinds"] {
        if let Some(value) = found.get(fact) {
            outcome.fact(fact, value.clone());
        }
    }
    outcome.failures = texts(&found["faults"])?;
    for (surface, result) in found["surfaces"].as_object()? {
        outcome.passed += result["passed"].as_u64()?;
        for failure in result["failures"].as_array()? {
            let text = |name: &str| failure[name].as_str();
            let (file, id, what) = (text("file")?, text("id")?, text("what")?);
            outcome
                .failures
                .push(format!("{surface}: {file}: {id}: {what}"));
        }
        let unneeded = texts(&result["unneeded"])?.into_iter();
        let list = format!("tests/vectors/skips/{surface}.json");
        outcome
            .failures
            .extend(unneeded.map(|entry| format!("{list}: {entry}")));
        for skip in result["skips"].as_array()? {
            outcome.skips.push(Skip {
                name: format!("{surface}: {}", skip["id"].as_str()?),
                reason: skip["reason"].as_str()?.to_owned(),
            });
        }
    }
    // What fails without a sentence must not pass for held.
    if found["ok"] != Value::Bool(outcome.held()) {
        outcome
            .failures
            .push("the runner and what it printed disagree".to_owned());
    }
    Some(outcome)
}

fn texts(value: &Value) -> Option<Vec<String>> {
    let items = value.as_array()?.iter();
    items.map(|item| item.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::outcome;

    #[test]
    fn every_failure_becomes_a_sentence() {
        let found = json!({
            "ok": false, "vectors": 3, "faults": ["f.json: a.b: step 0: no"],
            "surfaces": {"rust": {
                "passed": 1,
                "failures": [{"file": "f.json", "id": "a.c", "what": "step 1: no"}],
                "unneeded": ["a.d comes out"],
                "skips": [{"id": "a.e", "reason": "because"}],
            }},
        });
        let outcome = outcome(&found).unwrap();
        assert_eq!((outcome.passed, outcome.failures.len()), (1, 3));
        assert_eq!(outcome.failures[1], "rust: f.json: a.c: step 1: no");
        assert_eq!(outcome.skips[0].name, "rust: a.e");
    }

    #[test]
    fn a_runner_that_fails_without_a_sentence_fails() {
        let found = json!({"ok": false, "faults": [], "surfaces": {}});
        assert!(!outcome(&found).unwrap().held());
        assert!(outcome(&json!({"ok": true})).is_none());
    }
}
