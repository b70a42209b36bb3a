//! `cargo xtask deny`: dependencies against `deny.toml`.
//!
//! Owns a small reader of those rules that needs nothing installed (licences,
//! sources, bans, wildcards). Where `cargo deny` is installed it has the last
//! word; advisories are left to it, since they need a database from the network.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;
use spdx::{Expression, Licensee, ParseMode};
use toml::Table;

use crate::outcome::Outcome;
use crate::tools::version;
use crate::workspace::Workspace;

/// Checks every package of `Cargo.lock`.
///
/// # Errors
/// When `deny.toml` or the packages cannot be read.
pub fn run(workspace: &Workspace) -> Result<Outcome> {
    let text = std::fs::read_to_string(workspace.root.join("deny.toml"))
        .context("cannot read deny.toml")?;
    let rules = Rules::read(&text)?;
    let metadata = workspace.metadata()?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata lists no packages")?;
    let mut outcome = Outcome::default();
    outcome.fact("packages", packages.len());
    for package in packages {
        let faults = rules.faults(package, &workspace.root);
        if faults.is_empty() {
            continue;
        }
        let name = format!(
            "{} {}",
            text_of(package, "name"),
            text_of(package, "version")
        );
        for fault in faults {
            outcome.failures.push(format!("{name}: {fault}"));
        }
    }
    if outcome.held() {
        outcome.passed += 1;
    }
    if version("cargo-deny").is_some() {
        outcome.step(
            workspace
                .cargo(&["deny", "check", "bans", "licenses", "sources"])
                .run(),
        );
    }
    Ok(outcome)
}

/// The part of `deny.toml` that is read here.
struct Rules {
    licences: Vec<Licensee>,
    registries: Vec<String>,
    banned: Vec<(String, String)>,
}

impl Rules {
    fn read(text: &str) -> Result<Self> {
        let table: Table = text.parse().context("deny.toml is no TOML")?;
        let list = |section: &str, key: &str| {
            table[section][key]
                .as_array()
                .with_context(|| format!("deny.toml: [{section}] has no {key}"))
        };
        let licences = list("licenses", "allow")?
            .iter()
            .filter_map(|name| name.as_str())
            .map(|name| Licensee::parse(name).with_context(|| format!("no licence: {name}")))
            .collect::<Result<_>>()?;
        let registries = list("sources", "allow-registry")?
            .iter()
            .filter_map(|url| url.as_str().map(str::to_owned))
            .collect();
        let banned = list("bans", "deny")?
            .iter()
            .map(|entry| {
                let field = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
                (field("crate"), field("reason"))
            })
            .collect();
        Ok(Self {
            licences,
            registries,
            banned,
        })
    }

    fn faults(&self, package: &Value, root: &Path) -> Vec<String> {
        let mut faults = Vec::new();
        faults.extend(self.licence_fault(package));
        faults.extend(self.source_fault(package, root));
        let name = text_of(package, "name");
        if let Some((_, reason)) = self.banned.iter().find(|(banned, _)| banned == name) {
            faults.push(format!("banned: {reason}"));
        }
        // Only our own manifests: a registry refuses wildcards itself.
        if package["source"].is_null() {
            let wild = package["dependencies"].as_array().into_iter().flatten();
            for dependency in wild.filter(|d| d["req"] == "*" && d["path"].is_null()) {
                let name = text_of(dependency, "name");
                faults.push(format!("asks for any version of {name}: name one"));
            }
        }
        faults
    }

    fn licence_fault(&self, package: &Value) -> Option<String> {
        let Some(licence) = package["license"].as_str() else {
            return Some("names no licence".to_owned());
        };
        let Ok(expression) = Expression::parse_mode(licence, ParseMode::LAX) else {
            return Some(format!("its licence is no SPDX expression: {licence}"));
        };
        let allowed = expression.evaluate(|wanted| {
            self.licences
                .iter()
                .any(|allowed| allowed.satisfies(wanted))
        });
        (!allowed).then(|| format!("licence {licence} is not allowed by deny.toml"))
    }

    fn source_fault(&self, package: &Value, root: &Path) -> Option<String> {
        let Some(source) = package["source"].as_str() else {
            let manifest = Path::new(text_of(package, "manifest_path"));
            return (!manifest.starts_with(root))
                .then(|| format!("a path outside the repository: {}", manifest.display()));
        };
        let known = source
            .strip_prefix("registry+")
            .is_some_and(|url| self.registries.iter().any(|known| known == url));
        (!known).then(|| format!("comes from {source}, which deny.toml does not allow"))
    }
}

fn text_of<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RULES: &str = r#"
        [licenses]
        allow = ["MIT", "Apache-2.0"]
        [sources]
        allow-registry = ["https://github.com/rust-lang/crates.io-index"]
        [bans]
        deny = [{ crate = "openssl-sys", reason = "use rustls" }]
    "#;

    fn faults(name: &str, licence: &str, source: &str) -> Vec<String> {
        let package = json!({ "name": name, "license": licence, "source": source });
        Rules::read(RULES).unwrap().faults(&package, Path::new("/"))
    }

    const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

    #[test]
    fn one_allowed_licence_of_a_choice_is_enough() {
        assert!(faults("a", "MIT OR GPL-3.0", CRATES_IO).is_empty());
        assert!(faults("a", "MIT/Apache-2.0", CRATES_IO).is_empty());
        assert_eq!(faults("a", "MIT AND GPL-3.0", CRATES_IO).len(), 1);
    }

    #[test]
    fn an_unknown_source_and_a_banned_crate_are_named() {
        assert!(faults("a", "MIT", "git+https://example.org/a")[0].contains("git+"));
        assert!(faults("openssl-sys", "MIT", CRATES_IO)[0].contains("use rustls"));
    }

    #[test]
    fn a_wildcard_of_our_own_is_refused() {
        let package = json!({
            "name": "ours", "license": "MIT", "source": null, "manifest_path": "/ours/Cargo.toml",
            "dependencies": [{ "name": "b", "req": "*" }, { "name": "c", "req": "*", "path": "/c" }],
        });
        let found = Rules::read(RULES).unwrap().faults(&package, Path::new("/"));
        assert_eq!(found, ["asks for any version of b: name one"]);
    }
}
