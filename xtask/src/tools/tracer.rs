//! Owns strace: finding or installing it, whether this machine lets it trace, and
//! how it is told to meddle with a program's system calls.

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::{packages, version};
use crate::call::Call;

/// Makes sure that strace is there and may trace.
///
/// # Errors
/// When it cannot be installed, or the system forbids tracing.
pub fn ensure() -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("strace is there on Linux only");
    }
    if version("strace").is_none() {
        packages::install("strace").context("strace was not found")?;
    }
    let tried = Call::new("strace").args(["-f", "-o", "/dev/null", "true"]);
    let (traced, said) = tried.probe()?;
    if !traced {
        bail!("this system forbids tracing: {}", said.trim());
    }
    Ok(())
}

/// The command that runs a program, given behind it, while `meddling` (as strace's
/// `inject=` spells it) is done to it. What was traced goes to `record`.
///
/// `calls` are traced beside those meddled with.
pub fn command(calls: &str, meddling: Option<&str>, record: &Path) -> Vec<OsString> {
    // Not with --seccomp-bpf, though it is quicker: no signal is injected then.
    let mut words: Vec<OsString> = ["strace", "-f", "-y", "-s", "64", "-o"]
        .into_iter()
        .map(OsString::from)
        .collect();
    words.push(record.into());
    words.extend(["-e".into(), format!("trace={calls}").into()]);
    if let Some(meddling) = meddling {
        words.extend(["-e".into(), format!("inject={meddling}").into()]);
    }
    words
}
