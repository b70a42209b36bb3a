//! Owns file systems that exist for one test.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system in memory, gone when dropped.
pub struct Mount(PathBuf);

impl Mount {
    /// Mounts one of `size` on `folder`, which is created.
    ///
    /// # Errors
    /// The reason why that is not possible here.
    pub fn new(folder: &Path, size: &str) -> Result<Self, String> {
        std::fs::create_dir(folder).unwrap();
        mount(
            &["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"],
            folder,
        )?;
        Ok(Self(folder.to_owned()))
    }

    /// Makes it refuse all writing.
    ///
    /// # Errors
    /// The reason why that is not possible here.
    pub fn read_only(&self) -> Result<(), String> {
        mount(&["-o", "remount,ro"], &self.0)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

fn mount(arguments: &[&str], folder: &Path) -> Result<(), String> {
    let output = Command::new("mount")
        .args(arguments)
        .arg(folder)
        .output()
        .map_err(|error| format!("mount: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}
