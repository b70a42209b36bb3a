//! Owns which vectors a surface may fail: `skips/NAME.json`, with reasons.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::script::{Requirement, Vector};

/// One entry: a vector, or all that require something.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skip {
    /// The vector.
    pub id: Option<String>,
    /// What the surface cannot do.
    pub requires: Option<Requirement>,
    /// Why.
    pub reason: String,
}

impl Skip {
    /// Whether it concerns this vector.
    pub fn concerns(&self, vector: &Vector) -> bool {
        self.id.as_ref() == Some(&vector.id)
            || self
                .requires
                .is_some_and(|lacking| vector.requires.contains(&lacking))
    }

    /// What it names.
    pub fn subject(&self) -> String {
        match (&self.id, self.requires) {
            (Some(id), _) => id.clone(),
            (None, Some(lacking)) => format!("requires {}", lacking.as_str()),
            (None, None) => String::new(),
        }
    }
}

/// The list of a surface; empty if it has none.
///
/// # Errors
/// When it is no such list, or an entry lacks what it is about or a reason.
pub fn of(surface: &str, home: &Path) -> Result<Vec<Skip>> {
    let path = home.join("skips").join(format!("{surface}.json"));
    let shown = path.display();
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {shown}"))?;
    let skips: Vec<Skip> =
        serde_json::from_str(&text).with_context(|| format!("{shown}: is no list of skips"))?;
    for skip in &skips {
        ensure!(
            skip.id.is_some() != skip.requires.is_some(),
            "{shown}: an entry names either an id or what it requires"
        );
        ensure!(
            !skip.reason.trim().is_empty(),
            "{shown}: {} has no reason",
            skip.subject()
        );
    }
    Ok(skips)
}
