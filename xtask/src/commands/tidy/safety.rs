//! Crates that run wherever an app runs hold no unsafe code: each forbids it to
//! itself, which nothing inside can undo, and this keeps the line there.

use super::Source;

const SAFE: &[&str] = &["crates/core", "crates/fs", "crates/tidelog"];

pub fn faults(sources: &[Source]) -> Vec<String> {
    let forbids = |root: &str| {
        let path = format!("{root}/src/lib.rs");
        sources.iter().any(|source| {
            let mut lines = source.text.lines();
            source.path == path && lines.any(|line| line == "#![forbid(unsafe_code)]")
        })
    };
    SAFE.iter()
        .filter(|root| !forbids(root))
        .map(|root| format!("{root}/src/lib.rs: must say #![forbid(unsafe_code)]"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_that_stops_forbidding_is_named() {
        let source = |root: &str, text: &str| Source {
            path: format!("{root}/src/lib.rs"),
            text: text.into(),
        };
        let mut sources: Vec<Source> = SAFE
            .iter()
            .map(|root| source(root, "//! A.\n#![forbid(unsafe_code)]\n"))
            .collect();
        assert!(faults(&sources).is_empty());
        sources[0] = source(SAFE[0], "//! A.\n// #![forbid(unsafe_code)]\n");
        assert_eq!(faults(&sources).len(), 1);
        sources.remove(0);
        assert_eq!(faults(&sources).len(), 1);
    }
}
