//! Ties docs/FORMAT.md to the code it describes: the document records a
//! fingerprint of `crates/core/src/format/`, so that nobody changes the code
//! without opening the document.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use crc32fast::Hasher;

use super::{FORMAT, Source};

const BEFORE: &str = "<!-- fingerprint of crates/core/src/format: ";
const AFTER: &str = " -->";

/// A fingerprint that is missing or of other code.
///
/// # Errors
/// When the document is there but cannot be read.
pub fn faults(sources: &[Source], root: &Path) -> Result<Vec<String>> {
    let path = document(root);
    // The document is written together with the format; until both are there,
    // nothing can disagree.
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(&path).context("cannot read docs/FORMAT.md")?;
    let actual = fingerprint(sources);
    Ok(match recorded(&text) {
        Some(recorded) if recorded == actual => Vec::new(),
        recorded => vec![format!(
            "docs/FORMAT.md records fingerprint {} but {FORMAT} has {actual}: read the document \
             against the code, correct it, then run `cargo xtask tidy --bless-format`",
            recorded.unwrap_or("none")
        )],
    })
}

/// Writes the fingerprint of the code as it is now into the document.
///
/// # Errors
/// When the document cannot be read or written.
pub fn bless(sources: &[Source], root: &Path) -> Result<()> {
    let path = document(root);
    let text = std::fs::read_to_string(&path).context("cannot read docs/FORMAT.md")?;
    let line = format!("{BEFORE}{}{AFTER}", fingerprint(sources));
    let text = match recorded(&text) {
        Some(old) => text.replace(&format!("{BEFORE}{old}{AFTER}"), &line),
        None => format!("{}\n\n{line}\n", text.trim_end()),
    };
    std::fs::write(&path, text).context("cannot write docs/FORMAT.md")
}

fn document(root: &Path) -> PathBuf {
    root.join("docs").join("FORMAT.md")
}

fn recorded(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(BEFORE)?;
    rest.split_once(AFTER).map(|(fingerprint, _)| fingerprint)
}

fn fingerprint(sources: &[Source]) -> String {
    let mut hasher = Hasher::new();
    for source in sources {
        if source.path.starts_with(FORMAT) && source.is_rust() && !source.is_test() {
            hasher.update(source.path.as_bytes());
            hasher.update(source.text.as_bytes());
        }
    }
    format!("{:08x}", hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_format_code_counts() {
        let source = |path: &str, text: &str| Source {
            path: path.into(),
            text: text.into(),
        };
        let frame = || source("crates/core/src/format/frame.rs", "//! a");
        let before = fingerprint(&[frame()]);
        let other = source("crates/core/src/log.rs", "//! b");
        let test = source("crates/core/src/format/frame/tests.rs", "//! c");
        assert_eq!(fingerprint(&[frame(), other, test]), before);
        let changed = source("crates/core/src/format/frame.rs", "//! A");
        assert_ne!(fingerprint(&[changed]), before);
    }

    #[test]
    fn the_record_is_found_again() {
        let text = format!("# Format\n\n{BEFORE}0badf00d{AFTER}\n");
        assert_eq!(recorded(&text), Some("0badf00d"));
        assert_eq!(recorded("# Format\n"), None);
    }
}
