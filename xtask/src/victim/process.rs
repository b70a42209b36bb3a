//! Owns the running victim: starting it, with or without a tracer in front, and
//! talking to it line by line.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{History, Steps, Workload, play};
use crate::call::Call;
use crate::workspace::{PROFILE, Workspace};

/// How victims are started.
#[derive(Clone)]
pub struct Launch {
    program: PathBuf,
}

impl Launch {
    /// Builds the program.
    ///
    /// # Errors
    /// When it does not build.
    pub fn build(workspace: &Workspace) -> Result<Self> {
        let program = workspace.build("tidelog-tests", "tidelog-victim", PROFILE)?;
        Ok(Self { program })
    }

    /// Starts one on `folder`, behind the program and arguments of `tracer` if there
    /// are any.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&self, folder: &Path, tracer: &[OsString], options: &[&str]) -> Result<Process> {
        let mut words = tracer.iter().map(OsString::as_os_str);
        let mut command = match words.next() {
            Some(first) => {
                let mut command = Command::new(first);
                command.args(words).arg(&self.program);
                command
            }
            None => Command::new(&self.program),
        };
        let mut child = command
            .arg(folder)
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start tidelog-victim")?;
        let stdin = child.stdin.take().context("stdin was piped")?;
        let mut stdout = BufReader::new(child.stdout.take().context("stdout was piped")?);
        let Some(pid) = answer(&mut stdout)?.and_then(|said| said["pid"].as_u64()) else {
            child.kill()?;
            let status = child.wait()?;
            bail!("tidelog-victim ended before it said who it is ({status})");
        };
        Ok(Process {
            child,
            stdin: Some(stdin),
            stdout,
            pid,
        })
    }

    /// Lets a new process take `steps` more on `folder`, whatever happened there before.
    ///
    /// # Errors
    /// When an answer breaks a promise.
    pub fn go_on(
        &self,
        folder: &Path,
        history: &mut History,
        seed: u64,
        steps: usize,
    ) -> Result<()> {
        let mut process = self.start(folder, &[], &[])?;
        let steps = Steps::new(Workload::Mixed, seed).take(steps);
        ensure!(
            play(&mut process, history, steps)?,
            "the process that was to go on ended by itself"
        );
        process.finish()
    }
}

/// A running victim. It is killed when this is dropped.
pub struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    /// The victim itself, whoever stands in front of it.
    pid: u64,
}

impl Process {
    /// Tells it to do something. `None` if it is gone before it answered.
    ///
    /// # Errors
    /// When it answers with anything but an object.
    pub fn ask(&mut self, command: &Value) -> Result<Option<Value>> {
        let stdin = self.stdin.as_mut().context("its input has ended")?;
        // In one write, so that the calls it takes to read it are the same each time. When
        // it is gone already, what it said before is still in the pipe.
        let _ = stdin.write_all(format!("{command}\n").as_bytes());
        answer(&mut self.stdout)
    }

    /// The process id.
    pub fn pid(&self) -> u64 {
        self.pid
    }

    /// Ends its input and waits for its own end.
    ///
    /// # Errors
    /// When it fails.
    pub fn finish(mut self) -> Result<()> {
        self.stdin = None;
        let status = self.child.wait()?;
        ensure!(status.success(), "tidelog-victim failed ({status})");
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stdin = None;
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        // The victim first: it would outlive its tracer.
        let _ = signal(self.pid, "KILL");
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn answer(stdout: &mut impl BufRead) -> Result<Option<Value>> {
    let mut line = String::new();
    stdout.read_line(&mut line)?;
    // A line that a kill cut short was never said.
    if !line.ends_with('\n') {
        return Ok(None);
    }
    let answer: Value =
        serde_json::from_str(&line).with_context(|| format!("tidelog-victim answered {line:?}"))?;
    ensure!(answer.is_object(), "tidelog-victim answered {answer}");
    Ok(Some(answer))
}

/// Whether a process is stopped, by a signal or by its tracer.
///
/// # Errors
/// When there is no such process.
pub fn is_stopped(pid: u64) -> Result<bool> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let state = status.lines().find_map(|line| line.strip_prefix("State:"));
    Ok(state.is_some_and(|state| state.trim().starts_with(['T', 't'])))
}

/// Sends a signal by its name.
///
/// # Errors
/// When there is no such process, or no `kill`.
pub fn signal(pid: u64, name: &str) -> Result<()> {
    let call = Call::new("kill").args(["-s", name]).arg(pid.to_string());
    let (sent, said) = call.probe()?;
    ensure!(sent, "cannot send {name} to {pid}: {}", said.trim());
    Ok(())
}
