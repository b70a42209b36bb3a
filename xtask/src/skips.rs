//! Owns which tests may be skipped: `xtask/skips.json`, a list of names with
//! reasons. A skip that is not on it fails the run.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::outcome::{Outcome, Skip};
use crate::workspace::Workspace;

const LIST: &str = "xtask/skips.json";

/// Turns every skip that is not listed into a failure.
///
/// # Errors
/// When the list cannot be read, or an entry lacks its name or reason.
pub fn judge(workspace: &Workspace, outcome: &mut Outcome) -> Result<()> {
    let text = std::fs::read_to_string(workspace.root.join(LIST))
        .with_context(|| format!("cannot read {LIST}"))?;
    judge_by(&listed(&text)?, outcome);
    Ok(())
}

fn judge_by(listed: &[Skip], outcome: &mut Outcome) {
    let (known, unknown) = std::mem::take(&mut outcome.skips)
        .into_iter()
        .partition(|skip| listed.iter().any(|entry| entry.name == skip.name));
    outcome.skips = known;
    for skip in unknown {
        outcome.failures.push(format!(
            "{} was skipped ({}) but is not listed in {LIST}",
            skip.name, skip.reason
        ));
    }
}

fn listed(text: &str) -> Result<Vec<Skip>> {
    let list: Vec<Value> =
        serde_json::from_str(text).with_context(|| format!("{LIST} is not a JSON array"))?;
    list.iter()
        .map(|entry| {
            let field = |name: &str| {
                entry[name]
                    .as_str()
                    .filter(|text| !text.trim().is_empty())
                    .map(str::to_owned)
                    .with_context(|| format!("an entry of {LIST} has no {name}: {entry}"))
            };
            Ok(Skip {
                name: field("name")?,
                reason: field("reason")?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skipped(name: &str) -> Outcome {
        let mut outcome = Outcome::default();
        outcome.skips.push(Skip {
            name: name.into(),
            reason: "no tmpfs".into(),
        });
        outcome
    }

    #[test]
    fn a_listed_skip_stays_a_skip_and_an_unlisted_one_fails() {
        let list = listed(r#"[{"name":"full_disk","reason":"needs root"}]"#).unwrap();
        let mut outcome = skipped("full_disk");
        judge_by(&list, &mut outcome);
        assert!(outcome.held() && outcome.skips.len() == 1);

        let mut outcome = skipped("something_else");
        judge_by(&list, &mut outcome);
        assert!(!outcome.held() && outcome.skips.is_empty());
    }

    #[test]
    fn an_entry_needs_a_reason() {
        assert!(listed(r#"[{"name":"full_disk"}]"#).is_err());
        assert!(listed(r#"[{"name":"full_disk","reason":" "}]"#).is_err());
    }
}
