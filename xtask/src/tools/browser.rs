//! Owns Chromium: finding one, and installing it where none is found.

use anyhow::{Context, Result};

use super::{packages, version};

const NAMES: &[&str] = &[
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/// The version line of the first Chromium or Chrome found.
pub fn find() -> Option<String> {
    NAMES.iter().find_map(|name| version(name))
}

/// Installs Chromium unless there is one.
///
/// # Errors
/// When no known package manager is there, or it fails; the error says what to
/// install.
pub fn install() -> Result<()> {
    if find().is_some() {
        return Ok(());
    }
    packages::install("chromium").context("no Chromium was found")?;
    find()
        .map(|_| ())
        .context("Chromium was installed, but no `chromium` is on the PATH")
}
