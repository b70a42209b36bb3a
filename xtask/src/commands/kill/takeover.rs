//! Two writers: one is stopped at a system call, another takes the log over, and then
//! the first one runs again.
//!
//! With locks on files the second is refused for as long as the first one lives, stopped
//! or not. With epoch files it gets the log, and the first one must be fenced: what it
//! acknowledges once the second has opened the log must have been there before.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{Rig, Script};
use crate::outcome::Outcome;
use crate::tools::tracer;
use crate::victim::{
    Call, History, Level, Process, Step, Steps, Workload, is_stopped, play, signal,
};

/// The option of the victim that makes it use epoch files.
const EPOCH_FILES: &[&str] = &["--epoch-files"];

/// Steps of the first writer.
const STEPS: usize = 20;

/// Calls at which it is stopped.
const STOPS: usize = 6;

/// How long an answer may take before the writer is looked at.
const GLANCE: Duration = Duration::from_millis(30);

/// How long an answer may take at all.
const PATIENCE: Duration = Duration::from_secs(20);

const APPEND: Step = Step::Append {
    level: Level::Synced,
    records: 3,
};

const OPEN: Step = Step::Open {
    segment_bytes: 4 << 10,
};

/// Stops at some calls, or at every call of a life.
///
/// # Errors
/// When the calls of a life cannot be recorded.
pub fn run(rig: &mut Rig, every_call: bool) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    rig.begin("takeover");
    outcome.step(locked_out(rig).context("a stopped writer that holds a lock"));
    let others = |step: &Step| {
        !matches!(
            step,
            Step::Open { .. } | Step::Close | Step::Abandon | Step::Read
        )
    };
    let steps = Steps::new(Workload::Mixed, rig.rng.u64(..)).filter(others);
    let script = Script {
        seed: rig.rng.u64(..),
        steps: [OPEN].into_iter().chain(steps.take(STEPS)).collect(),
    };
    let mut points = rig.calls_of(&script, EPOCH_FILES)?;
    let kinds = ["statx", "pwrite64", "fdatasync", "fsync", "unlink"];
    points.retain(|call| kinds.contains(&call.kind.as_str()));
    let most = if every_call { usize::MAX } else { STOPS };
    let mut fenced = 0;
    // Opening makes the same calls, and is over before anything can be taken over.
    points.reverse();
    for call in rig.spread(points, most) {
        rig.begin(&call.to_string());
        let taken = take_over(rig, &script, &call);
        fenced += u64::from(matches!(taken, Ok(true)));
        outcome.step(
            taken
                .map(|_| ())
                .with_context(|| format!("stopped at {}", rig.named(&call))),
        );
    }
    outcome.claim(
        fenced > 0 || rig.only.is_some(),
        format!("{fenced} stopped writers were fenced"),
    );
    outcome.fact("fenced", fenced);
    Ok(outcome)
}

fn locked_out(rig: &mut Rig) -> Result<()> {
    let folder = rig.fresh()?;
    let mut history = History::new(rig.rng.u64(..));
    let mut first = rig.launch.start(&folder, &[], &[])?;
    play(&mut first, &mut history, [OPEN, APPEND])?;
    signal(first.pid(), "STOP")?;
    let mut second = rig.launch.start(&folder, &[], &[])?;
    let refused = ask(&mut second, &mut history, &OPEN)?;
    ensure!(
        refused["error"] == "locked",
        "the second writer was answered {refused}"
    );
    signal(first.pid(), "CONT")?;
    play(&mut first, &mut history, [APPEND])?;
    ensure!(
        history.refusals().is_empty(),
        "the first writer was refused: {:?}",
        history.refusals()
    );
    // With the first one gone, its lock is.
    drop(first);
    play(&mut second, &mut history, [OPEN, APPEND, Step::Close])?;
    second.finish()?;
    rig.judge_and_go_on(&folder, &mut history)?;
    Ok(())
}

/// Asks without noting the answer.
fn ask(process: &mut Process, history: &mut History, step: &Step) -> Result<Value> {
    let command = history.command(step);
    let answer = process.ask(&command)?;
    answer.with_context(|| format!("the process was gone before it answered {step:?}"))
}

/// Returns whether the first writer was stopped while it wrote, and fenced afterwards.
fn take_over(rig: &mut Rig, script: &Script, call: &Call) -> Result<bool> {
    let folder = rig.fresh()?;
    let mut history = script.history();
    let meddling = call.meddle("signal=SIGSTOP");
    let words = tracer::command(&call.kind, Some(&meddling), Path::new("/dev/null"));
    let first = Behind::new(rig.launch.start(&folder, &words, EPOCH_FILES)?);
    let mut stopped_in = None;
    for step in &script.steps {
        first.send(&history.command(step))?;
        let mut answer = first.answer(GLANCE)?;
        while answer.is_none() {
            if is_stopped(first.pid)? && !matches!(step, Step::Open { .. }) {
                break;
            }
            // Stopped while it opens: too early to be taken over.
            let _ = signal(first.pid, "CONT");
            answer = first.answer(GLANCE)?;
        }
        let Some(answer) = answer else {
            stopped_in = Some(step);
            break;
        };
        history.note(step, &answer)?;
    }
    let Some(step) = stopped_in else {
        return Ok(false);
    };

    let in_flight = history.batches();
    let mut second = rig.launch.start(&folder, &[], EPOCH_FILES)?;
    let opened = ask(&mut second, &mut history, &OPEN)?;
    history.note(&OPEN, &opened)?;
    let opened = opened["next"]
        .as_u64()
        .with_context(|| format!("the second writer was answered {opened}"))?;
    play(&mut second, &mut history, [APPEND, APPEND])?;

    signal(first.pid, "CONT")?;
    let answer = first.answer(PATIENCE)?.context("it did not wake up")?;
    history.note_late(step, in_flight, &answer, opened)?;
    for level in [Level::Synced, Level::Stored] {
        let late = Step::Append { level, records: 2 };
        first.send(&history.command(&late))?;
        history.refuse_last();
        let answer = first.answer(PATIENCE)?.context("it hangs")?;
        let said = answer["said"].as_str().unwrap_or_default();
        ensure!(
            said.contains("newer writer"),
            "the first writer was not fenced, but answered {answer}"
        );
    }
    drop(first);
    play(&mut second, &mut history, [APPEND, Step::Read, Step::Close])?;
    ensure!(
        history.refusals().is_empty(),
        "the second writer was refused: {:?}",
        history.refusals()
    );
    second.finish()?;
    // Epoch files do not see locks: whoever goes on has to use them, too.
    rig.judge(&folder, &mut history)?;
    Ok(true)
}

/// A process behind a thread, so that it can be waited for with a limit.
struct Behind {
    pid: u64,
    commands: Option<Sender<Value>>,
    answers: Receiver<Result<Option<Value>>>,
    thread: Option<JoinHandle<()>>,
}

impl Behind {
    fn new(mut process: Process) -> Self {
        let pid = process.pid();
        let (commands, asked) = channel::<Value>();
        let (answering, answers) = channel();
        let thread = thread::spawn(move || {
            for command in asked {
                if answering.send(process.ask(&command)).is_err() {
                    return;
                }
            }
        });
        Self {
            pid,
            commands: Some(commands),
            answers,
            thread: Some(thread),
        }
    }

    fn send(&self, command: &Value) -> Result<()> {
        let commands = self.commands.as_ref().context("it was let go")?;
        commands
            .send(command.clone())
            .context("the process is not listening any more")
    }

    /// `None` if there is no answer in time.
    fn answer(&self, patience: Duration) -> Result<Option<Value>> {
        match self.answers.recv_timeout(patience) {
            Ok(answer) => Ok(Some(answer?.context("the process ended by itself")?)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("the process ended by itself"),
        }
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        // A stopped one would keep its thread waiting.
        let _ = signal(self.pid, "KILL");
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
