//! Owns reading vector files: what is wrong in one is said with its name, the vector's
//! id and the step.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;
use tidelog_core::ErrorKind;

use crate::script::{Op, Step, Vector};

/// The folder of the repository's own vectors.
pub fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What is beside the vectors in that folder.
const OTHERS: [&str; 2] = ["schema.json", "rows.json"];

/// A vector that can be run.
pub struct Script {
    /// The file it is from.
    pub file: PathBuf,
    /// What it says.
    pub vector: Vector,
    /// Its steps.
    pub steps: Vec<(Step, Op)>,
}

/// The repository's own vector files.
///
/// # Errors
/// When the folder cannot be read.
pub fn own() -> Result<Vec<PathBuf>> {
    let home = home();
    let listed =
        std::fs::read_dir(home).with_context(|| format!("cannot read {}", home.display()))?;
    let mut files = Vec::new();
    for entry in listed {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let vectors = path.extension().is_some_and(|it| it == "json");
        if vectors && !OTHERS.contains(&name.as_ref()) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Reads files, all of them, and says everything that is wrong in them.
pub fn load(files: &[PathBuf]) -> (Vec<Script>, Vec<String>) {
    let mut scripts = Vec::new();
    let mut faults = Vec::new();
    let mut seen: BTreeMap<String, PathBuf> = BTreeMap::new();
    for file in files {
        let vectors = match list(file) {
            Ok(vectors) => vectors,
            Err(error) => {
                faults.push(format!("{error:#}"));
                continue;
            }
        };
        for (index, value) in vectors.into_iter().enumerate() {
            match script(file, index, value) {
                Ok(script) => {
                    let id = script.vector.id.clone();
                    if let Some(first) = seen.insert(id.clone(), file.clone()) {
                        let first = first.display();
                        faults.push(format!("{}: {id}: is in {first} too", file.display()));
                    }
                    scripts.push(script);
                }
                Err(fault) => faults.push(format!("{}: {fault}", file.display())),
            }
        }
    }
    (scripts, faults)
}

fn list(file: &Path) -> Result<Vec<Value>> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))?;
    serde_json::from_str(&text).with_context(|| format!("{shown}: is no JSON list of vectors"))
}

fn script(file: &Path, index: usize, value: Value) -> Result<Script, String> {
    let id = value["id"].as_str().map(str::to_owned);
    let id = id.unwrap_or_else(|| format!("vector {index}"));
    let vector: Vector = serde_json::from_value(value).map_err(|error| format!("{id}: {error}"))?;
    let parts: Vec<&str> = id.split('.').collect();
    let plain = |part: &&str| {
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !part.is_empty() && part.chars().all(known)
    };
    if parts.len() < 2 || !parts.iter().all(plain) {
        return Err(format!("{id}: an id is topic.behaviour, of a-z, 0-9 and -"));
    }
    if vector.steps.is_empty() {
        return Err(format!("{id}: has no steps"));
    }
    let mut steps = Vec::new();
    for (number, step) in vector.steps.iter().enumerate() {
        steps.push(read_step(step).map_err(|what| format!("{id}: step {number}: {what}"))?);
    }
    Ok(Script {
        file: file.to_owned(),
        vector,
        steps,
    })
}

fn read_step(value: &Value) -> Result<(Step, Op), String> {
    let step: Step = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
    let named = |error| format!("{}: {error}", step.op);
    let op = step.operation().map_err(named)?;
    match (&step.expect, &step.error) {
        (Some(_), None) => {}
        (None, Some(refusal)) => {
            if !known(&refusal.kind) {
                return Err(format!(
                    "{}: there is no error kind {:?}",
                    step.op, refusal.kind
                ));
            }
        }
        _ => return Err(format!("{}: needs one of expect and error", step.op)),
    }
    if let Op::Fail(fail) = &op
        && !known(&fail.kind)
    {
        return Err(format!("fail: there is no error kind {:?}", fail.kind));
    }
    Ok((step, op))
}

fn known(kind: &str) -> bool {
    ErrorKind::ALL.iter().any(|it| it.as_str() == kind)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fault(steps: &Value) -> String {
        let vector = json!({
            "id": "a.b", "about": "It is so.", "rows": [], "steps": steps,
        });
        script(Path::new("f.json"), 0, vector).err().unwrap()
    }

    #[test]
    fn what_is_wrong_is_said_with_id_and_step() {
        let open = json!({"now": 0, "op": "open", "expect": {}});
        let cases = [
            (
                json!({"now": 0, "op": "opne", "expect": {}}),
                "unknown variant `opne`",
            ),
            (json!({"op": "open", "expect": {}}), "missing field `now`"),
            (
                json!({"now": "0", "op": "open", "expect": {}}),
                "no decimal string",
            ),
            (
                json!({"now": 0, "op": "open"}),
                "needs one of expect and error",
            ),
            (
                json!({"now": 0, "op": "open", "expect": 1}),
                "expected a map",
            ),
            (
                json!({"now": 0, "op": "open", "error": {"kind": "bad"}}),
                "no error kind \"bad\"",
            ),
            (
                json!({"now": 0, "op": "get", "args": {}, "expect": {}}),
                "missing field `at`",
            ),
            (
                json!({"now": 0, "op": "get", "args": {"at": "first"}, "expect": {}}),
                "\"first\"",
            ),
            (
                json!({"now": 0, "op": "get", "args": {"at": -1}, "expect": {}}),
                "out of range",
            ),
            (
                json!({"now": 0, "op": "get", "args": {"at": 1, "x": 1}, "expect": {}}),
                "`x`",
            ),
            (
                json!({"now": 0, "op": "trim", "args": {}, "expect": {}}),
                "trim",
            ),
            (
                json!({"now": 0, "op": "open", "expect": {}, "note": 1}),
                "`note`",
            ),
        ];
        for (step, said) in cases {
            let found = fault(&json!([open, step]));
            assert!(found.starts_with("a.b: step 1: "), "{found}");
            assert!(found.contains(said), "{found}: {said}");
        }
        assert!(fault(&json!([])).contains("has no steps"));
    }

    #[test]
    fn a_vector_without_a_field_or_with_a_bad_id_is_named() {
        let file = Path::new("f.json");
        let found = script(file, 3, json!({"about": "x"})).err().unwrap();
        assert!(found.starts_with("vector 3: missing field"), "{found}");
        let step = json!({"now": 0, "op": "open", "expect": {}});
        let vector = json!({"id": "A b", "about": "x", "rows": [], "steps": [step]});
        let found = script(file, 0, vector).err().unwrap();
        assert!(found.contains("an id is topic.behaviour"), "{found}");
    }
}
