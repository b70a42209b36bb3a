//! Owns what a fresh machine may lack: finding it, installing it where that is
//! possible, and saying exactly what to install where it is not.

pub mod browser;
pub mod cxx;
pub mod npm;
pub mod package;
pub mod packages;
pub mod rust;
pub mod tracer;

use crate::call::Call;

/// The first line a program prints when asked for its version, if it is there.
pub fn version(program: &str) -> Option<String> {
    let (status, text) = Call::new(program).args(["--version"]).answer().ok()?;
    status
        .success()
        .then(|| text.lines().next().unwrap_or_default().to_owned())
}
