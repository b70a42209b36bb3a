//! Owns the C++ compiler, which libFuzzer is compiled with.

use anyhow::{Context, Result};

use super::{packages, version};

const NAMES: &[&str] = &["c++", "g++", "clang++"];

/// The version line of the first one found.
pub fn find() -> Option<String> {
    NAMES.iter().find_map(|name| version(name))
}

/// Makes sure that there is one.
///
/// # Errors
/// When it cannot be installed; the error says what to install.
pub fn ensure() -> Result<()> {
    if find().is_some() {
        return Ok(());
    }
    packages::install("g++").context("libFuzzer needs a C++ compiler")
}
