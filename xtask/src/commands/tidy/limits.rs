//! Invariant 4: in the engine, only `limits.rs` holds numbers. A constant named as
//! a limit must be declared there, and every limit declared there must be used.
//! Sizes that follow from the layout of bytes stay in `format/`.

use super::{ENGINE, FORMAT, Source};

const SUFFIXES: &[&str] = &["_MAX", "_MIN", "_DEFAULT", "_LIMIT"];

pub fn faults(sources: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources.iter().filter(|source| is_engine(source)) {
        let in_limits = source.path.ends_with("/limits.rs");
        for name in constants(&source.text) {
            let path = &source.path;
            if in_limits && !used(name, path, sources) {
                faults.push(format!("{path}: nothing uses {name}"));
            }
            if !in_limits && SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) {
                faults.push(format!(
                    "{path}: {name} is a limit: it belongs in limits.rs"
                ));
            }
        }
    }
    faults
}

fn is_engine(source: &Source) -> bool {
    source.is_rust()
        && !source.is_test()
        && source.path.starts_with(ENGINE)
        && !source.path.starts_with(FORMAT)
}

/// The names of the constants declared on the module level.
fn constants(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let rest = line
            .strip_prefix("pub const ")
            .or_else(|| line.strip_prefix("pub(crate) const "))
            .or_else(|| line.strip_prefix("pub(super) const "))
            .or_else(|| line.strip_prefix("const "))?;
        let (name, _) = rest.split_once(':')?;
        Some(name)
    })
}

fn used(name: &str, declared: &str, sources: &[Source]) -> bool {
    sources.iter().any(|source| {
        source.is_rust() && {
            let mentions = source
                .text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
                .filter(|word| *word == name)
                .count();
            mentions > usize::from(source.path == declared)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source {
            path: path.into(),
            text: text.into(),
        }
    }

    #[test]
    fn a_limit_is_declared_in_one_place_and_used_somewhere() {
        let limits = source(
            "crates/core/src/limits.rs",
            "pub const RECORD_MAX: usize = 1;\n",
        );
        let stray = source("crates/core/src/log.rs", "const QUEUE_MAX: usize = 2;\n");
        let user = source("crates/core/src/a.rs", "if n > limits::RECORD_MAX {}\n");
        assert_eq!(faults(&[limits]).len(), 1);
        let limits = source(
            "crates/core/src/limits.rs",
            "pub const RECORD_MAX: usize = 1;\n",
        );
        let found = faults(&[limits, user, stray]);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("QUEUE_MAX"));
        let layout = source(
            "crates/core/src/format/a.rs",
            "const HEADER_MAX: usize = 2;\n",
        );
        assert!(faults(&[layout]).is_empty());
    }
}
