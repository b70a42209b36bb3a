//! `cargo xtask setup`: installs what the other commands need and prints what
//! is present. Every command also installs what it needs itself.

use anyhow::Result;
use clap::Args;

use crate::tools::{browser, cxx, npm, rust, version};
use crate::workspace::Workspace;

/// What to install beyond the minimum.
#[derive(Args)]
pub struct Options {
    /// Also install Chromium and its driver, through the system's package manager.
    #[arg(long)]
    browser: bool,
    /// Also install a nightly toolchain with Miri.
    #[arg(long)]
    miri: bool,
}

/// Installs, then prints one line per tool. Returns whether all that is needed
/// is there.
///
/// # Errors
/// Never for a tool that is missing: that is printed, with what to install.
pub fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    let mut missing = Vec::new();
    let mut need = |result: Result<()>| {
        if let Err(error) = result {
            missing.push(format!("{error:#}"));
        }
    };
    need(rust::install_targets(workspace));
    need(npm::install(&npm::data(workspace)));
    if options.browser {
        need(browser::install_driver().map(drop));
    }
    if options.miri {
        need(rust::install_miri());
    }

    let print = |name: &str, found: Option<String>| {
        println!("{name:<26} {}", found.as_deref().unwrap_or("missing"));
    };
    print("git", version("git"));
    print("cargo", version("cargo"));
    for target in rust::targets(workspace)? {
        let found = rust::has_target(workspace, &target)?;
        print(&target, found.then(|| "installed".to_owned()));
    }
    print("node", npm::node().ok());
    let data = npm::is_installed(&npm::data(workspace));
    print("demo data (npm)", data.then(|| "installed".to_owned()));
    print("c++ (for fuzz)", cxx::find());
    print("python3 (for reader)", version("python3"));
    print("strace (for kill)", version("strace"));
    print("cargo-deny (optional)", version("cargo-deny"));
    let miri = rust::has_miri().then(|| "installed".to_owned());
    print("miri (optional)", miri);
    print("chromium (optional)", browser::find());

    for sentence in &missing {
        eprintln!("error: {sentence}");
    }
    Ok(missing.is_empty())
}
