//! Owns which behaviours the vectors have to cover: the rows of the behaviour list that
//! concern a log, the rules that are easiest to get wrong, and the kinds of errors.
//! `rows.json` says of each that no vector covers why not.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use tidelog_core::ErrorKind;

use crate::files::Script;

/// The prefix and the highest number of each family of rows.
const FAMILIES: [(&str, u32); 3] = [("K-", 82), ("B-", 18), ("8.", 18)];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Uncovered {
    rows: Vec<Row>,
    kinds: Vec<Kind>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    row: String,
    reason: String,
    /// A test that covers it all the same: a file of the repository, and a function.
    test: Option<Test>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    file: String,
    function: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    kind: String,
    reason: String,
}

/// What is covered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Rows with a vector.
    pub rows: usize,
    /// Rows that `rows.json` explains.
    pub explained: usize,
    /// Error kinds that a vector expects.
    pub kinds: usize,
}

/// Counts what these scripts cover, and says everything that is neither covered nor
/// explained, or explained although it is covered.
///
/// # Errors
/// When `rows.json` cannot be read.
pub fn coverage(scripts: &[Script], home: &Path) -> Result<(Coverage, Vec<String>)> {
    let path = home.join("rows.json");
    let shown = path.display();
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {shown}"))?;
    let listed: Uncovered =
        serde_json::from_str(&text).with_context(|| format!("{shown}: is not what it must be"))?;
    let root = home.join("../..");
    let (mut coverage, mut faults) = (Coverage::default(), Vec::new());

    let all: BTreeSet<String> = FAMILIES
        .iter()
        .flat_map(|(prefix, last)| (1..=*last).map(move |number| format!("{prefix}{number}")))
        .collect();
    let mut covered = BTreeSet::new();
    for script in scripts {
        for row in &script.vector.rows {
            if !all.contains(row) {
                faults.push(format!("{}: there is no row {row}", script.vector.id));
            }
            covered.insert(row.clone());
        }
    }
    coverage.rows = covered.len();
    let explained: BTreeSet<String> = listed.rows.iter().map(|row| row.row.clone()).collect();
    coverage.explained = explained.len();
    let missing = |what: &str| format!("{what}: no vector covers it, nor does {shown} say why not");
    let stale = |what: &str| format!("{shown}: {what} is covered by a vector");
    faults.extend(
        all.difference(&covered)
            .filter(|row| !explained.contains(*row))
            .map(|row| missing(row)),
    );
    faults.extend(explained.intersection(&covered).map(|row| stale(row)));
    faults.extend(
        explained
            .difference(&all)
            .map(|row| format!("{shown}: there is no row {row}")),
    );
    for row in &listed.rows {
        if row.reason.trim().is_empty() {
            faults.push(format!("{shown}: {} has no reason", row.row));
        }
        if let Some(test) = &row.test {
            let source = std::fs::read_to_string(root.join(&test.file)).unwrap_or_default();
            if !source.contains(&format!("fn {}(", test.function)) {
                faults.push(format!(
                    "{shown}: {} names {} of {}, which is not there",
                    row.row, test.function, test.file
                ));
            }
        }
    }

    let kinds: BTreeSet<&str> = ErrorKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let reached: BTreeSet<&str> = scripts
        .iter()
        .flat_map(|script| &script.steps)
        .filter_map(|(step, _)| step.error.as_ref())
        .map(|refusal| refusal.kind.as_str())
        .collect();
    coverage.kinds = reached.len();
    let excused: BTreeSet<&str> = listed.kinds.iter().map(|kind| kind.kind.as_str()).collect();
    let neither = kinds
        .difference(&reached)
        .filter(|kind| !excused.contains(*kind));
    faults.extend(neither.map(|kind| missing(kind)));
    faults.extend(excused.intersection(&reached).map(|kind| stale(kind)));
    faults.extend(
        excused
            .difference(&kinds)
            .map(|kind| format!("{shown}: there is no error kind {kind}")),
    );
    let unexplained = listed
        .kinds
        .iter()
        .filter(|kind| kind.reason.trim().is_empty());
    faults.extend(unexplained.map(|kind| format!("{shown}: {} has no reason", kind.kind)));
    Ok((coverage, faults))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_covered_by_no_script() {
        let (coverage, faults) = coverage(&[], crate::files::home()).unwrap();
        assert_eq!(coverage.rows, 0);
        assert!(
            faults
                .iter()
                .any(|fault| fault.starts_with("K-25: no vector covers it"))
        );
        assert!(
            faults
                .iter()
                .any(|fault| fault.starts_with("closed: no vector covers it"))
        );
    }
}
