//! Owns running other programs: what is shown of them, and what a failure says.
//!
//! stdout is kept for answers, so whatever a program prints goes to stderr.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

/// One run of another program. Its stdin is empty.
pub struct Call {
    command: Command,
}

impl Call {
    /// A run of `program`, found on the PATH unless it is a path.
    pub fn new(program: impl Into<OsString>) -> Self {
        let mut command = Command::new(program.into());
        command.stdin(Stdio::null());
        Self { command }
    }

    /// Adds arguments.
    pub fn args<I: IntoIterator<Item = A>, A: AsRef<OsStr>>(mut self, arguments: I) -> Self {
        self.command.args(arguments);
        self
    }

    /// Adds one argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Sets one variable of the environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs in this folder.
    pub fn dir(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs it, showing what it prints.
    ///
    /// # Errors
    /// When it cannot be started, or fails.
    pub fn run(self) -> Result<()> {
        let shown = self.shown();
        if self.status()?.success() {
            Ok(())
        } else {
            bail!("`{shown}` failed; its output is above")
        }
    }

    /// Runs it, showing what it prints.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn status(mut self) -> Result<ExitStatus> {
        let shown = self.shown();
        eprintln!("$ {shown}");
        self.command
            .stdout(io::stderr())
            .status()
            .with_context(|| format!("cannot start `{shown}`"))
    }

    /// Runs it and returns what it printed on stdout; stderr is shown.
    ///
    /// # Errors
    /// When it cannot be started, fails, or prints anything but UTF-8.
    pub fn capture(self) -> Result<String> {
        let shown = self.shown();
        let (status, text) = self.answer()?;
        if !status.success() {
            bail!("`{shown}` failed ({status}); its output is above");
        }
        Ok(text)
    }

    /// As [`capture`](Self::capture), for programs that answer when they fail too.
    ///
    /// # Errors
    /// When it cannot be started, or prints anything but UTF-8.
    pub fn answer(mut self) -> Result<(ExitStatus, String)> {
        let shown = self.shown();
        let output = self
            .command
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot start `{shown}`"))?;
        let text = String::from_utf8(output.stdout)
            .with_context(|| format!("`{shown}` printed bytes that are not UTF-8"))?;
        Ok((output.status, text))
    }

    /// Runs it without showing anything; returns whether it succeeded and
    /// everything it printed on stderr.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn probe(mut self) -> Result<(bool, String)> {
        let shown = self.shown();
        let output = self
            .command
            .output()
            .with_context(|| format!("cannot start `{shown}`"))?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok((output.status.success(), text))
    }

    /// Runs it and hands over each line of stdout as it comes; stderr is shown.
    ///
    /// # Errors
    /// When it cannot be started or its output cannot be read.
    pub fn lines(mut self, mut line: impl FnMut(&str)) -> Result<ExitStatus> {
        let shown = self.shown();
        eprintln!("$ {shown}");
        let mut child = self
            .command
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{shown}`"))?;
        let stdout = child.stdout.take().context("stdout was piped")?;
        for bytes in BufReader::new(stdout).split(b'\n') {
            line(&String::from_utf8_lossy(&bytes?));
        }
        Ok(child.wait()?)
    }

    /// The command underneath, for callers that talk to the program as it runs.
    pub fn into_command(self) -> Command {
        self.command
    }

    fn shown(&self) -> String {
        let program = Path::new(self.command.get_program());
        let mut shown = program
            .file_name()
            .unwrap_or(program.as_os_str())
            .to_string_lossy()
            .into_owned();
        for argument in self.command.get_args() {
            // A String takes every write.
            let _ = write!(shown, " {}", argument.to_string_lossy());
        }
        shown
    }
}
