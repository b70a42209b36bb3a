//! `cargo xtask deny`: dependencies against `deny.toml`, of every workspace there is.
//!
//! Owns a small reader of those rules that needs nothing installed (licences,
//! sources, bans, wildcards, build scripts). Where `cargo deny` is installed it has the last
//! word; advisories are left to it, since they need a database from the network.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;
use spdx::{Expression, Licensee, ParseMode};
use toml::Table;

use crate::outcome::Outcome;
use crate::tools::version;
use crate::workspace::Workspace;

/// Checks every package of every `Cargo.lock`.
///
/// # Errors
/// When `deny.toml` or the packages cannot be read.
pub fn run(workspace: &Workspace) -> Result<Outcome> {
    let text = std::fs::read_to_string(workspace.root.join("deny.toml"))
        .context("cannot read deny.toml")?;
    let rules = Rules::read(&text)?;
    let mut outcome = Outcome::default();
    let mut checked = BTreeSet::new();
    for manifest in manifests(workspace)? {
        let metadata = workspace.metadata_of(&manifest)?;
        let packages = metadata["packages"]
            .as_array()
            .context("cargo metadata lists no packages")?;
        for package in packages {
            let (name, version) = (text_of(package, "name"), text_of(package, "version"));
            if !checked.insert((name.to_owned(), version.to_owned())) {
                continue;
            }
            for fault in rules.faults(package, &workspace.root) {
                outcome.failures.push(format!("{name} {version}: {fault}"));
            }
        }
    }
    outcome.fact("packages", checked.len());
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

/// The manifest of every workspace: the root, and those that stand alone.
fn manifests(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for file in workspace.files()? {
        if file.file_name() != Some(OsStr::new("Cargo.toml")) {
            continue;
        }
        let text = std::fs::read_to_string(workspace.root.join(&file))?;
        let table: Table = text
            .parse()
            .with_context(|| format!("{} is no TOML", file.display()))?;
        if table.contains_key("workspace") {
            found.push(file);
        }
    }
    Ok(found)
}

/// The part of `deny.toml` that is read here.
struct Rules {
    licences: Vec<Licensee>,
    registries: Vec<String>,
    banned: Vec<(String, String)>,
    /// Whose build script may run.
    scripts: Vec<String>,
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
        let scripts = table["bans"]["build"]["allow-build-scripts"]
            .as_array()
            .context("deny.toml: [bans.build] has no allow-build-scripts")?
            .iter()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        Ok(Self {
            licences,
            registries,
            banned,
            scripts,
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
        let mut targets = package["targets"].as_array().into_iter().flatten();
        let is_script = |target: &Value| target["kind"][0] == "custom-build";
        if targets.any(is_script) && !self.scripts.iter().any(|script| script == name) {
            faults.push("has a build script, which deny.toml does not allow".to_owned());
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
        [bans.build]
        allow-build-scripts = ["libc"]
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
    fn a_build_script_has_to_be_allowed() {
        let found = |name: &str| {
            let package = json!({
                "name": name, "license": "MIT", "source": CRATES_IO,
                "targets": [{ "kind": ["lib"] }, { "kind": ["custom-build"] }],
            });
            let rules = Rules::read(RULES).unwrap();
            rules.faults(&package, Path::new("/"))
        };
        assert!(found("libc").is_empty());
        assert!(found("a")[0].contains("build script"));
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
