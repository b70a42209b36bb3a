//! Owns the system's package manager: installing a program that is missing.

use anyhow::{Context, Result, bail};

use super::version;
use crate::call::Call;

/// Each package manager with the arguments that install a package, and whether it
/// wants to be root.
const MANAGERS: &[(&str, &[&str], bool)] = &[
    ("apt-get", &["install", "--yes"], true),
    ("dnf", &["install", "--assumeyes"], true),
    ("pacman", &["-S", "--noconfirm"], true),
    ("apk", &["add"], true),
    ("zypper", &["--non-interactive", "install"], true),
    ("brew", &["install"], false),
];

/// Installs a package.
///
/// # Errors
/// When no known package manager is there, or it fails; the error says what to
/// install.
pub fn install(package: &str) -> Result<()> {
    let Some((manager, arguments, root)) = MANAGERS
        .iter()
        .find(|(manager, _, _)| version(manager).is_some())
    else {
        bail!("no package manager was found that could install {package}: install it by hand");
    };
    let call = || match *root && !is_root() {
        true => Call::new("sudo").args([manager]),
        false => Call::new(*manager),
    };
    let install = || call().args(*arguments).arg(package).run();
    let mut installed = install();
    if installed.is_err() && *manager == "apt-get" {
        // A fresh machine does not know what packages there are.
        call().arg("update").run()?;
        installed = install();
    }
    installed.with_context(|| format!("install the package {package} by hand"))
}

fn is_root() -> bool {
    Call::new("id")
        .args(["-u"])
        .capture()
        .is_ok_and(|id| id.trim() == "0")
}
