//! The direction of dependencies, and that each dependency is explained.

use anyhow::{Context, Result};
use serde_json::Value;

/// Each crate, and the crates of this repository it may be built with. Tests,
/// examples and benches may use any.
const LAYERS: &[(&str, &[&str])] = &[
    ("tidelog-core", &[]),
    ("tidelog-testkit", &["tidelog-core", "tidelog-fs"]),
    ("tidelog-fs", &["tidelog-core"]),
    ("tidelog-page", &["tidelog-core"]),
    ("tidelog-web", &["tidelog-core", "tidelog-page"]),
    ("tidelog", &["tidelog-core", "tidelog-fs"]),
    ("tidelog-cli", &["tidelog-core", "tidelog-fs", "tidelog"]),
    (
        "tidelog-bench",
        &["tidelog-core", "tidelog-fs", "tidelog", "tidelog-testkit"],
    ),
    ("tidelog-fuzz", &["tidelog-core", "tidelog-testkit"]),
    (
        "tidelog-tests",
        &["tidelog", "tidelog-core", "tidelog-fs", "tidelog-testkit"],
    ),
    ("tidelog-engine-wasm", &["tidelog-core"]),
    ("tidelog-model", &["tidelog-core"]),
    ("tidelog-seed-hashes", &["tidelog-testkit"]),
    (
        "tidelog-vectors",
        &["tidelog-core", "tidelog-fs", "tidelog"],
    ),
    (
        "tidelog-browser-victim",
        &["tidelog-core", "tidelog-testkit", "tidelog-web"],
    ),
    ("xtask", &[]),
    ("tidelog-bindgen", &[]),
];

/// The engine, and how many crates from a registry it may be built with.
const ENGINE: (&str, usize) = ("tidelog-core", 3);

/// More dependencies of the engine than it may have.
///
/// # Errors
/// When `metadata` is not what cargo prints.
pub fn crowded(metadata: &Value) -> Result<Vec<String>> {
    let (engine, max) = ENGINE;
    let mut faults = Vec::new();
    for package in members(metadata)? {
        let built = dependencies(package).filter(|dependency| dependency["kind"] != "dev");
        let count = built.count();
        if text_of(package, "name") == engine && count > max {
            faults.push(format!("{engine}: {count} dependencies, {max} are allowed"));
        }
    }
    Ok(faults)
}

/// Dependencies that point the wrong way.
///
/// # Errors
/// When `metadata` is not what cargo prints.
pub fn faults(metadata: &Value) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for package in members(metadata)? {
        let name = text_of(package, "name");
        let Some((_, allowed)) = LAYERS.iter().find(|(layer, _)| *layer == name) else {
            faults.push(format!(
                "{name}: has no row in xtask's table of layers: add it"
            ));
            continue;
        };
        for dependency in dependencies(package) {
            let inside = !dependency["path"].is_null();
            let on = text_of(dependency, "name");
            if inside && dependency["kind"] != "dev" && !allowed.contains(&on) {
                faults.push(format!(
                    "{name}: must not depend on {on} (ARCHITECTURE.md, direction of dependencies)"
                ));
            }
        }
    }
    Ok(faults)
}

/// The feature that plants defects, and the crates that may have one of this name.
const PLANTED: (&str, [&str; 3]) = (
    "planted",
    ["tidelog-core", "tidelog-testkit", "tidelog-model"],
);

/// Crates that plant defects without being asked to.
///
/// # Errors
/// When `metadata` is not what cargo prints.
pub fn planted(metadata: &Value) -> Result<Vec<String>> {
    let (feature, allowed) = PLANTED;
    let mut faults = Vec::new();
    for package in members(metadata)? {
        let name = text_of(package, "name");
        let names = |value: &Value| value.to_string().contains(feature);
        for dependency in dependencies(package) {
            if names(&dependency["features"]) {
                let on = text_of(dependency, "name");
                faults.push(format!("{name}: enables the planted defects of {on}"));
            }
        }
        for (own, enables) in package["features"].as_object().into_iter().flatten() {
            let may = own == feature && allowed.contains(&name);
            if (own == feature || names(enables)) && !may {
                faults.push(format!("{name}: its feature {own} plants defects"));
            }
        }
    }
    Ok(faults)
}

/// Dependencies from a registry that `design` has no line for.
///
/// # Errors
/// When `metadata` is not what cargo prints.
pub fn unexplained(metadata: &Value, design: &str) -> Result<Vec<String>> {
    let mut names: Vec<&str> = members(metadata)?
        .into_iter()
        .flat_map(dependencies)
        .filter(|dependency| dependency["path"].is_null())
        .map(|dependency| text_of(dependency, "name"))
        .filter(|name| !design.contains(&format!("`{name}`")))
        .collect();
    names.sort_unstable();
    names.dedup();
    Ok(names
        .iter()
        .map(|name| format!("docs/DESIGN.md: has no line on why we depend on `{name}`"))
        .collect())
}

/// The packages of the workspace: those without a source.
fn members(metadata: &Value) -> Result<Vec<&Value>> {
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata lists no packages")?;
    Ok(packages
        .iter()
        .filter(|package| package["source"].is_null())
        .collect())
}

fn dependencies(package: &Value) -> impl Iterator<Item = &Value> {
    package["dependencies"].as_array().into_iter().flatten()
}

fn text_of<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(name: &str, on: &str, kind: Option<&str>) -> Value {
        json!({ "packages": [{
            "name": name, "source": null,
            "dependencies": [{ "name": on, "path": "/somewhere", "kind": kind }],
        }] })
    }

    #[test]
    fn nothing_points_back() {
        let of = |name, on, kind| faults(&metadata(name, on, kind)).unwrap().len();
        assert_eq!(of("tidelog-fs", "tidelog-core", None), 0);
        assert_eq!(of("tidelog-core", "tidelog-fs", None), 1);
        assert_eq!(of("tidelog-core", "tidelog-testkit", Some("dev")), 0);
        assert_eq!(of("tidelog-new", "tidelog-core", None), 1);
    }

    #[test]
    fn the_engine_is_built_with_few_crates() {
        let on = |count: usize, kind: Option<&str>| {
            let dependencies = vec![json!({ "name": "a", "path": null, "kind": kind }); count];
            let engine = json!({
                "name": ENGINE.0, "source": null, "dependencies": dependencies,
            });
            crowded(&json!({ "packages": [engine] })).unwrap().len()
        };
        assert_eq!(on(3, None), 0);
        assert_eq!(on(4, None), 1);
        assert_eq!(on(4, Some("build")), 1);
        assert_eq!(on(4, Some("dev")), 0);
    }

    #[test]
    fn nobody_plants_defects_unasked() {
        let of = |name: &str, own: &str, dependency: &[&str]| {
            let metadata = json!({ "packages": [{
                "name": name, "source": null,
                "features": { own: ["tidelog-core/planted"], "std": [] },
                "dependencies": [{ "name": "tidelog-core", "features": dependency }],
            }] });
            planted(&metadata).unwrap().len()
        };
        assert_eq!(of("tidelog-testkit", "planted", &[]), 0);
        assert_eq!(of("tidelog-testkit", "default", &[]), 1);
        assert_eq!(of("tidelog-cli", "planted", &[]), 1);
        assert_eq!(of("tidelog-testkit", "planted", &["std", "planted"]), 1);
    }

    #[test]
    fn a_dependency_needs_a_line() {
        let metadata = json!({ "packages": [{
            "name": "xtask", "source": null,
            "dependencies": [{ "name": "toml", "path": null, "kind": null }],
        }] });
        assert_eq!(unexplained(&metadata, "").unwrap().len(), 1);
        assert_eq!(unexplained(&metadata, "- `toml`: reads").unwrap().len(), 0);
    }
}
