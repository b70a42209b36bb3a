//! Invariant 1: in the engine, only `format/` knows byte positions, and nothing
//! in it is async.

use super::{ENGINE, FORMAT, Source};

const CONVERSIONS: &[&str] = &[
    "to_le_bytes",
    "from_le_bytes",
    "to_be_bytes",
    "from_be_bytes",
    "to_ne_bytes",
    "from_ne_bytes",
];

pub fn faults(source: &Source) -> Vec<String> {
    if !source.is_rust() || !source.path.starts_with(ENGINE) {
        return Vec::new();
    }
    let in_format = source.path.starts_with(FORMAT);
    let mut faults = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        let place = format!("{}:{}", source.path, index + 1);
        if in_format && (code.contains("async ") || code.contains(".await")) {
            faults.push(format!("{place}: nothing in format/ is async"));
        }
        if !in_format && let Some(name) = CONVERSIONS.iter().find(|name| code.contains(*name)) {
            faults.push(format!("{place}: {name} belongs in {FORMAT}"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> usize {
        let source = Source {
            path: path.into(),
            text: text.into(),
        };
        faults(&source).len()
    }

    #[test]
    fn bytes_stay_in_format_and_format_stays_synchronous() {
        let bytes = "out.extend(n.to_le_bytes());";
        assert_eq!(of("crates/core/src/format/frame.rs", bytes), 0);
        assert_eq!(of("crates/core/src/log/tail.rs", bytes), 1);
        assert_eq!(of("crates/core/src/log/tail.rs", &format!("// {bytes}")), 0);
        assert_eq!(of("crates/fs/src/lib.rs", bytes), 0);
        assert_eq!(of("crates/core/src/format/frame.rs", "async fn f() {}"), 1);
        assert_eq!(of("crates/core/src/log/tail.rs", "async fn f() {}"), 0);
    }
}
