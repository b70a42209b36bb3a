//! Owns what comes of running scripts on a surface, its list of skips included.

use std::path::PathBuf;

use serde::Serialize;

use crate::files::Script;
use crate::runner;
use crate::skips::Skip;
use crate::surface::Surface;

/// A vector that did not come out.
#[derive(Clone, Debug, Serialize)]
pub struct Miss {
    /// The file.
    pub file: PathBuf,
    /// The vector.
    pub id: String,
    /// The step, and what was otherwise.
    pub what: String,
}

/// A vector that the surface is known not to pass.
#[derive(Clone, Debug, Serialize)]
pub struct Skipped {
    /// The vector.
    pub id: String,
    /// Why.
    pub reason: String,
}

/// What came of all of them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// How many came out as they say.
    pub passed: usize,
    /// Those that did not.
    pub failures: Vec<Miss>,
    /// Those that did not and are listed.
    pub skips: Vec<Skipped>,
    /// Entries of the list that nothing needs.
    pub unneeded: Vec<String>,
}

impl Report {
    /// Whether every vector passed or is listed, and every entry is needed.
    pub fn held(&self) -> bool {
        self.failures.is_empty() && self.unneeded.is_empty()
    }
}

/// Runs scripts on a surface. A vector that is listed is run too: it must not come out.
/// `whole` says that these are all of the repository's own, so that an entry that
/// concerns none of them is not needed.
pub fn run(surface: &mut dyn Surface, scripts: &[Script], skips: &[Skip], whole: bool) -> Report {
    let mut report = Report::default();
    let mut used = vec![false; skips.len()];
    for script in scripts {
        let id = script.vector.id.clone();
        let listed = skips.iter().position(|skip| skip.concerns(&script.vector));
        if let Some(index) = listed {
            used[index] = true;
        }
        match (runner::run(surface, script), listed) {
            (Ok(()), None) => report.passed += 1,
            (Ok(()), Some(index)) => {
                let subject = skips[index].subject();
                let entry = format!("{id} comes out, but is skipped ({subject})");
                report.unneeded.push(entry);
            }
            (Err(_), Some(index)) => report.skips.push(Skipped {
                id,
                reason: skips[index].reason.clone(),
            }),
            (Err(what), None) => report.failures.push(Miss {
                file: script.file.clone(),
                id,
                what,
            }),
        }
    }
    if whole {
        let idle = skips.iter().zip(&used).filter(|(_, used)| !**used);
        let idle = idle.map(|(skip, _)| format!("{}: concerns no vector", skip.subject()));
        report.unneeded.extend(idle);
    }
    report
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::answer::{Bounds, Done};
    use crate::files::load;
    use crate::number::Unsigned;
    use crate::surface::Outcome;

    /// Answers `bounds`, panics on `flush`, and has nothing else but `close`.
    struct Toy;

    impl Surface for Toy {
        fn begin(&mut self) -> Result<(), String> {
            Ok(())
        }

        fn set_clock(&mut self, _now: i64) {}

        fn close(&mut self, _handle: &str) -> Outcome<Done> {
            Ok(Done {})
        }

        fn flush(&mut self, _handle: &str) -> Outcome<crate::answer::Reached> {
            panic!("on purpose")
        }

        fn bounds(&mut self, _handle: &str) -> Outcome<Bounds> {
            Ok(Bounds {
                oldest: Unsigned(1),
                last: None,
                next: Unsigned(2),
                durable: Unsigned(2),
            })
        }
    }

    fn scripts() -> Vec<Script> {
        let vector = |id: &str, requires: &[&str], op: &str, expect: serde_json::Value| {
            let step = json!({"now": 0, "op": op, "expect": expect});
            json!({"id": id, "about": "x", "rows": [], "requires": requires, "steps": [step]})
        };
        let vectors = json!([
            vector("toy.right", &[], "bounds", json!({"next": 2})),
            vector("toy.wrong", &[], "bounds", json!({"next": 3})),
            vector("toy.missing", &["faults"], "sync", json!({})),
            vector("toy.panics", &[], "flush", json!({})),
        ]);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("toy.json");
        std::fs::write(&file, vectors.to_string()).unwrap();
        let (scripts, faults) = load(&[file]);
        assert!(faults.is_empty(), "{faults:?}");
        scripts
    }

    fn skips(list: serde_json::Value) -> Vec<Skip> {
        serde_json::from_value(list).unwrap()
    }

    #[test]
    fn what_does_not_come_out_fails_unless_it_is_listed() {
        let report = run(&mut Toy, &scripts(), &[], true);
        assert_eq!((report.passed, report.failures.len()), (1, 3));
        let said = |id: &str, what: &str| {
            let miss = report.failures.iter().find(|miss| miss.id == id).unwrap();
            assert!(miss.what.contains(what), "{}", miss.what);
        };
        said("toy.wrong", "step 0: bounds: the answer.next is 2, not 3");
        said("toy.missing", "no such operation");
        said("toy.panics", "panicked");

        let listed = json!([
            {"id": "toy.wrong", "reason": "r"},
            {"requires": "faults", "reason": "r"},
            {"id": "toy.panics", "reason": "r"},
        ]);
        let report = run(&mut Toy, &scripts(), &skips(listed), true);
        assert!(report.held());
        assert_eq!((report.passed, report.skips.len()), (1, 3));
    }

    #[test]
    fn an_entry_that_nothing_needs_fails() {
        let right = &scripts()[..1];
        let passes = skips(json!([{"id": "toy.right", "reason": "r"}]));
        assert_eq!(run(&mut Toy, right, &passes, true).unneeded.len(), 1);
        assert_eq!(run(&mut Toy, right, &passes, false).unneeded.len(), 1);
        let idle = skips(json!([{"id": "toy.other", "reason": "r"}]));
        assert_eq!(run(&mut Toy, right, &idle, true).unneeded.len(), 1);
        assert!(run(&mut Toy, right, &idle, false).held());
    }
}
