//! Owns Chromium: finding one, and installing it through the system's package
//! manager where none is found.

use anyhow::{Context, Result, bail};

use super::version;
use crate::call::Call;

const NAMES: &[&str] = &[
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/// Each package manager with the arguments that install Chromium, and whether it
/// wants to be root.
const MANAGERS: &[(&str, &[&str], bool)] = &[
    ("apt-get", &["install", "--yes", "chromium"], true),
    ("dnf", &["install", "--assumeyes", "chromium"], true),
    ("pacman", &["-S", "--noconfirm", "chromium"], true),
    ("apk", &["add", "chromium"], true),
    (
        "zypper",
        &["--non-interactive", "install", "chromium"],
        true,
    ),
    ("brew", &["install", "--cask", "chromium"], false),
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
    let Some((manager, arguments, root)) = MANAGERS
        .iter()
        .find(|(manager, _, _)| version(manager).is_some())
    else {
        bail!(
            "no Chromium was found, and no package manager that could install it: \
             install Chromium or Chrome so that `chromium` is on the PATH"
        );
    };
    let shown = format!("{manager} {}", arguments.join(" "));
    let call = if *root && !is_root() {
        Call::new("sudo").args([manager]).args(*arguments)
    } else {
        Call::new(*manager).args(*arguments)
    };
    call.run()
        .with_context(|| format!("no Chromium was found; install it with `{shown}` as root"))?;
    find()
        .map(|_| ())
        .with_context(|| format!("`{shown}` worked, but no `chromium` is on the PATH"))
}

fn is_root() -> bool {
    Call::new("id")
        .args(["-u"])
        .capture()
        .is_ok_and(|id| id.trim() == "0")
}
