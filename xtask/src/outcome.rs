//! Owns what a check answers: counts, failures, skips and the facts it found.

use std::fmt::Write as _;

use anyhow::Error;
use serde_json::{Map, Value, json};

/// Something that could not run here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skip {
    /// Which test or part.
    pub name: String,
    /// Why, as the test itself says.
    pub reason: String,
}

/// What came of one check.
#[derive(Default)]
pub struct Outcome {
    /// How many tests, claims or steps held.
    pub passed: u64,
    /// One sentence for each that did not.
    pub failures: Vec<String>,
    /// Those that could not run.
    pub skips: Vec<Skip>,
    facts: Map<String, Value>,
}

impl Outcome {
    /// The answer of a check that could not be carried out.
    pub fn broken(error: &Error) -> Self {
        let mut outcome = Self::default();
        outcome.failures.push(format!("{error:#}"));
        outcome
    }

    /// Whether everything held.
    pub fn held(&self) -> bool {
        self.failures.is_empty()
    }

    /// A fact that was noted under this name.
    pub fn known(&self, name: &str) -> Option<&Value> {
        self.facts.get(name)
    }

    /// Counts one claim.
    pub fn claim(&mut self, held: bool, sentence: impl Into<String>) {
        let sentence = sentence.into();
        if held {
            self.passed += 1;
            eprintln!("  held: {sentence}");
        } else {
            eprintln!("  MISSED: {sentence}");
            self.failures.push(sentence);
        }
    }

    /// Counts one step that either works or says why not.
    pub fn step(&mut self, result: Result<(), Error>) {
        match result {
            Ok(()) => self.passed += 1,
            Err(error) => self.failures.push(format!("{error:#}")),
        }
    }

    /// Records something worth knowing.
    pub fn fact(&mut self, name: &str, value: impl Into<Value>) {
        self.facts.insert(name.to_owned(), value.into());
    }

    /// Takes over another check as a part of this one; its facts become one fact.
    pub fn add(&mut self, part: &str, other: Self) {
        self.passed += other.passed;
        self.failures.extend(other.failures);
        self.skips.extend(other.skips);
        self.facts
            .insert(part.to_owned(), Value::Object(other.facts));
    }

    /// One object, on one line.
    pub fn to_json(&self, name: &str, seconds: f64) -> Value {
        let mut object = Map::new();
        object.insert("check".into(), name.into());
        object.insert("ok".into(), self.held().into());
        object.insert("passed".into(), self.passed.into());
        object.insert("failed".into(), self.failures.len().into());
        object.insert("skipped".into(), self.skips.len().into());
        object.insert("seconds".into(), rounded(seconds).into());
        object.extend(self.facts.clone());
        object.insert("failures".into(), self.failures.clone().into());
        let skips: Vec<Value> = self
            .skips
            .iter()
            .map(|skip| json!({ "name": skip.name, "reason": skip.reason }))
            .collect();
        object.insert("skips".into(), skips.into());
        Value::Object(object)
    }

    /// The same for people.
    pub fn to_text(&self, name: &str, seconds: f64) -> String {
        let mut text = String::new();
        // A String takes every write.
        for (fact, value) in &self.facts {
            let _ = writeln!(text, "  {}: {value}", fact.replace('_', " "));
        }
        for skip in &self.skips {
            let _ = writeln!(text, "  skipped {}: {}", skip.name, skip.reason);
        }
        for failure in &self.failures {
            let _ = writeln!(text, "  FAILED {failure}");
        }
        let _ = writeln!(
            text,
            "{name}: {} passed, {} failed, {} skipped in {seconds:.1} s",
            self.passed,
            self.failures.len(),
            self.skips.len()
        );
        text
    }
}

/// Milliseconds are as fine as a report needs.
pub fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}
