//! Rules about the text of one file: ASCII, length, leftovers, top comment.

use super::Source;

const LINES_MAX: usize = 800;

/// Left-over markers, spelled apart so that this file may name them.
const MARKERS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
    concat!("HA", "CK"),
];

pub fn faults(source: &Source) -> Vec<String> {
    let path = &source.path;
    let mut faults = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        let place = format!("{path}:{}", index + 1);
        if let Some(character) = line.chars().find(|c| !c.is_ascii()) {
            faults.push(format!("{place}: {character:?} is not ASCII"));
        }
        if let Some(marker) = MARKERS.iter().find(|marker| has_word(line, marker)) {
            faults.push(format!("{place}: {marker}: finish it, or open an issue"));
        }
    }
    let lines = source.text.lines().count();
    if lines > LINES_MAX {
        faults.push(format!(
            "{path}: {lines} lines; above {LINES_MAX} a file holds more than one noun: cut it"
        ));
    }
    if source.is_rust() && !source.text.starts_with("//! ") {
        faults.push(format!(
            "{path}: must start with a `//!` comment that says what it owns"
        ));
    }
    faults
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .any(|part| part == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> usize {
        let source = Source {
            path: "crates/a/src/b.rs".into(),
            text: text.into(),
        };
        faults(&source).len()
    }

    #[test]
    fn each_rule_can_fail() {
        assert_eq!(of("//! Owns b.\n"), 0);
        assert_eq!(of("fn b() {}\n"), 1);
        assert_eq!(of("//! Owns b\u{2026}\n"), 1);
        assert_eq!(of(concat!("//! Owns b.\n// TO", "DO: more\n")), 1);
        assert_eq!(of(&format!("//! Owns b.\n{}", "\n".repeat(LINES_MAX))), 1);
    }
}
