//! Owns driving the `tidelog` program: asking it for JSON, and killing it while
//! it writes.
//!
//! Its field names are a stable interface, documented in the README.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::JoinHandle;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::call::Call;
use crate::workspace::Workspace;

/// The program, and the directory of logs it works on.
pub struct Tidelog {
    program: PathBuf,
    folder: PathBuf,
}

impl Tidelog {
    /// Builds the program.
    ///
    /// # Errors
    /// When it does not build.
    pub fn build(workspace: &Workspace, profile: &str, folder: PathBuf) -> Result<Self> {
        let program = workspace.build("tidelog-cli", "tidelog", profile)?;
        Ok(Self { program, folder })
    }

    /// The same program on another directory.
    pub fn on(&self, folder: PathBuf) -> Self {
        Self {
            program: self.program.clone(),
            folder,
        }
    }

    /// What to type to run it by hand, from the root.
    pub fn shown(&self, root: &Path) -> String {
        let relative = |path: &Path| {
            path.strip_prefix(root)
                .unwrap_or(path)
                .display()
                .to_string()
        };
        format!(
            "{} --dir {}",
            relative(&self.program),
            relative(&self.folder)
        )
    }

    /// Runs a verb that answers with one object.
    ///
    /// # Errors
    /// When it fails, or answers with anything else.
    pub fn ask(&self, arguments: &[&str]) -> Result<Value> {
        let text = self.call(arguments).capture()?;
        serde_json::from_str(&text).with_context(|| format!("tidelog answered {text:?}"))
    }

    /// What `stat` says of a log, or `None` if there is no such log.
    ///
    /// # Errors
    /// When the catalog cannot be read, or `stat` fails.
    pub fn stat(&self, log: &str) -> Result<Option<Value>> {
        let (status, text) = self.call(&["logs"]).answer()?;
        if !status.success() {
            // A process killed before its first write leaves no catalog.
            let empty =
                std::fs::read_dir(&self.folder).map_or(true, |mut all| all.next().is_none());
            ensure!(empty, "`tidelog logs` failed ({status})");
            return Ok(None);
        }
        if !names(&text).iter().any(|name| name == log) {
            return Ok(None);
        }
        self.ask(&["stat", log]).map(Some)
    }

    /// Whether `check` finds the log healthy.
    ///
    /// # Errors
    /// When it could not look.
    pub fn is_healthy(&self, log: &str) -> Result<bool> {
        let (status, text) = self.call(&["check", log]).answer()?;
        let report: Value = serde_json::from_str(text.trim())
            .with_context(|| format!("`tidelog check` answered {text:?} ({status})"))?;
        let healthy = report["healthy"] == true;
        ensure!(
            status.code() == Some(i32::from(!healthy)),
            "`tidelog check` printed {report} but ended with {status}"
        );
        Ok(healthy)
    }

    /// Hands over every record from `from` on, in the order printed.
    ///
    /// # Errors
    /// When `cat` fails, or `each` does.
    pub fn records(
        &self,
        log: &str,
        from: u64,
        mut each: impl FnMut(Value) -> Result<()>,
    ) -> Result<()> {
        let mut result = Ok(());
        let status = self
            .call(&["cat", log, "--from", &from.to_string()])
            .lines(|line| {
                if result.is_ok() {
                    result = serde_json::from_str(line)
                        .with_context(|| format!("`tidelog cat` printed {line:?}"))
                        .and_then(&mut each);
                }
            })?;
        result?;
        ensure!(status.success(), "`tidelog cat` failed ({status})");
        Ok(())
    }

    /// Starts a verb that writes and acknowledges, to be killed or waited for.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&self, arguments: &[&str], acknowledged: OnAck) -> Result<Writing> {
        let mut command: Command = self.call(arguments).into_command();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start tidelog")?;
        let stdout = child.stdout.take().context("stdout was piped")?;
        let reading = std::thread::spawn(move || read_acks(BufReader::new(stdout), acknowledged));
        Ok(Writing { child, reading })
    }

    fn call(&self, arguments: &[&str]) -> Call {
        Call::new(&self.program)
            .args(["--dir".as_ref(), self.folder.as_os_str()])
            .arg("--json")
            .args(arguments)
    }
}

/// The names in what `logs` printed: one object or string a line.
fn names(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|value| value["name"].as_str().map(str::to_owned))
        .collect()
}

/// Called with the offset that follows the records of each acknowledgement.
pub type OnAck = Box<dyn FnMut(u64) + Send>;

/// A running process that writes.
pub struct Writing {
    child: Child,
    reading: JoinHandle<Result<Acknowledged>>,
}

/// What a process said before it ended.
#[derive(Default)]
pub struct Acknowledged {
    /// How many acknowledgements came.
    pub count: u64,
    /// The first offset acknowledged.
    pub first: Option<u64>,
    /// The offset after the last one acknowledged.
    pub next: Option<u64>,
    /// The object printed at the end, when it came to that.
    pub summary: Option<Value>,
}

impl Writing {
    /// Its stdin; dropping that is the end of the input.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Kills it: SIGKILL, so that nothing of it runs any more. Returns what it
    /// had acknowledged, and whether the kill came before its own end.
    ///
    /// # Errors
    /// When it printed acknowledgements that do not follow each other.
    pub fn kill(mut self) -> Result<(Acknowledged, bool)> {
        self.child.kill().context("cannot kill tidelog")?;
        let status = self.child.wait()?;
        Ok((self.said()?, !status.success()))
    }

    /// Waits for its own end.
    ///
    /// # Errors
    /// When it fails.
    pub fn wait(mut self) -> Result<Acknowledged> {
        drop(self.stdin());
        let status = self.child.wait()?;
        let said = self.said()?;
        ensure!(status.success(), "tidelog failed ({status})");
        Ok(said)
    }

    fn said(self) -> Result<Acknowledged> {
        match self.reading.join() {
            Ok(said) => said,
            Err(_) => bail!("the reader of acknowledgements panicked"),
        }
    }
}

/// Reads acknowledgements until the process ends. A line that a kill cut short
/// was never said.
fn read_acks(mut stdout: impl BufRead, mut acknowledged: OnAck) -> Result<Acknowledged> {
    let mut said = Acknowledged::default();
    let mut line = String::new();
    while stdout.read_line(&mut line)? > 0 {
        if !line.ends_with('\n') {
            break;
        }
        let object: Value = serde_json::from_str(&line)
            .with_context(|| format!("tidelog printed {line:?}, which is no acknowledgement"))?;
        line.clear();
        if object.get("records").is_some() {
            said.summary = Some(object);
            continue;
        }
        let bound = |name: &str| {
            object[name]
                .as_u64()
                .with_context(|| format!("an acknowledgement without {name:?}: {object}"))
        };
        let (first, next) = (bound("first")?, bound("next")?);
        ensure!(
            first <= next && said.next.is_none_or(|last| last == first),
            "acknowledged {object} after everything up to {:?}",
            said.next
        );
        said.count += 1;
        said.first.get_or_insert(first);
        said.next = Some(next);
        acknowledged(next);
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Result<Acknowledged> {
        read_acks(text.as_bytes(), Box::new(|_| {}))
    }

    #[test]
    fn a_line_cut_short_was_never_said() {
        let said = read("{\"first\":5,\"next\":7}\n{\"first\":7,\"next\":9").unwrap();
        assert_eq!((said.first, said.next, said.count), (Some(5), Some(7), 1));
    }

    #[test]
    fn a_gap_between_acknowledgements_is_an_error() {
        assert!(read("{\"first\":0,\"next\":2}\n{\"first\":3,\"next\":4}\n").is_err());
    }

    #[test]
    fn the_summary_is_no_acknowledgement() {
        let said =
            read("{\"first\":0,\"next\":2}\n{\"records\":2,\"first\":0,\"next\":2}\n").unwrap();
        assert_eq!(said.count, 1);
        assert!(said.summary.is_some());
    }
}
