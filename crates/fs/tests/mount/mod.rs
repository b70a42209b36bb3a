//! A small file system in memory, mounted for one test.

use std::io;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

pub struct Mount {
    point: TempDir,
}

impl Mount {
    /// Mounts one with these options; the error says why that cannot be.
    pub fn tmpfs(options: &str) -> io::Result<Self> {
        let point = tempfile::tempdir()?;
        run(
            "mount",
            &["-t", "tmpfs", "-o", options, "tidelog-test"],
            point.path(),
        )?;
        Ok(Self { point })
    }

    pub fn path(&self) -> &Path {
        self.point.path()
    }

    /// Lets nothing be written to it any more.
    #[allow(dead_code, reason = "not every test file needs it")]
    pub fn make_read_only(&self) {
        run("mount", &["-o", "remount,ro"], self.path()).unwrap();
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: a store may still be open in it.
        if let Err(error) = run("umount", &["-l"], self.path()) {
            println!("{} stays mounted: {error}", self.path().display());
        }
    }
}

fn run(program: &str, options: &[&str], point: &Path) -> io::Result<()> {
    let output = Command::new(program).args(options).arg(point).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(said.trim().to_owned()))
}
