//! Owns Chromium and the program that drives it: finding them, and installing them
//! where they are missing.

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

/// The driver has the same name everywhere, its package has not.
const DRIVER: &str = "chromedriver";
const DRIVER_PACKAGES: &[&str] = &["chromium-driver", "chromedriver", "chromium-chromedriver"];

/// The version line of the first Chromium or Chrome found.
pub fn find() -> Option<String> {
    NAMES.iter().find_map(|name| version(name))
}

/// Installs Chromium unless there is one. Returns its name or path.
///
/// # Errors
/// When no known package manager is there, or it fails; the error says what to
/// install.
pub fn install() -> Result<&'static str> {
    let found = || NAMES.iter().copied().find(|name| version(name).is_some());
    if let Some(name) = found() {
        return Ok(name);
    }
    packages::install("chromium").context("no Chromium was found")?;
    found().context("Chromium was installed, but no `chromium` is on the PATH")
}

/// Installs Chromium and ChromeDriver unless they are there. Returns the driver's name.
///
/// # Errors
/// As for [`install`].
pub fn install_driver() -> Result<&'static str> {
    install()?;
    for package in DRIVER_PACKAGES {
        if version(DRIVER).is_some() {
            break;
        }
        if let Err(error) = packages::install(package) {
            eprintln!("{package}: {error:#}");
        }
    }
    version(DRIVER)
        .map(|_| DRIVER)
        .context("no `chromedriver` is on the PATH: install the one that came with your Chromium")
}
