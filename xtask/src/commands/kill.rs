//! `cargo xtask kill`: real processes that write, and everything a kernel can do to
//! them: killed at a random moment, killed at a system call of every kind, refused and
//! lied to by the system, out of space, stopped and taken over.
//!
//! After each the log is opened again with the real program, and judged: everything
//! acknowledged is there, in order and with equal bytes; nothing is there that was never
//! sent; `check` finds no damage; and the log goes on.

mod calls;
mod faults;
mod random;
mod small_disk;
mod takeover;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use fastrand::Rng;

use crate::outcome::{Outcome, Skip};
use crate::skips;
use crate::tidelog::Tidelog;
use crate::tools::tracer;
use crate::victim::{Call, History, Launch, Level, Step, Steps, Workload, of_record, play};
use crate::workspace::{PROFILE, Workspace};

const RUNS: usize = 50;
const RUNS_QUICK: usize = 10;

/// Of so many kills, one is at a random moment, and the others at system calls.
const ONE_AT_RANDOM_OF: usize = 3;

/// How many faults there are for a hundred kills.
const FAULTS_PERCENT: usize = 50;

/// Steps of a life that is looked at call by call.
const STEPS: usize = 50;

/// Steps that the log must take after what was done to it.
const STEPS_AFTER: usize = 15;

/// How often, and from where.
#[derive(Args, Default)]
pub struct Options {
    /// Processes to kill; half as many are refused calls, or lied to.
    #[arg(long)]
    pub runs: Option<usize>,
    /// Where the choice of lives, calls and moments starts; a fresh one unless given.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Kill at every call of a life that changes anything, and refuse each call once and
    /// for ever, whatever the number of runs.
    #[arg(long)]
    pub every_call: bool,
    /// Only at this call, as a failure names it: `pwrite64:35`.
    #[arg(long, requires = "seed")]
    pub call: Option<String>,
}

/// Kills, refuses, lies, reopens and judges.
///
/// # Errors
/// When the programs do not build.
pub fn run(workspace: &Workspace, options: &Options, quick: bool) -> Result<Outcome> {
    let runs = options
        .runs
        .unwrap_or(if quick { RUNS_QUICK } else { RUNS });
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    eprintln!("seed {seed}");
    let folder = workspace.scratch("kill")?;
    let tidelog = Tidelog::build(workspace, PROFILE, folder.join("random"))?;
    let mut rig = Rig {
        launch: Launch::build(workspace)?,
        tidelog,
        fast: Fast::make(&folder)?,
        folder,
        seed,
        rng: Rng::with_seed(seed),
        only: options.call.clone(),
    };
    let mut outcome = Outcome::default();
    outcome.fact("seed", seed);
    let at_random = runs / ONE_AT_RANDOM_OF;
    if rig.only.is_none() {
        outcome.add("random", random::run(&rig.tidelog, seed, at_random));
        outcome.add("small_disk", small_disk::run(&mut rig)?);
    }
    match tracer::ensure() {
        Ok(()) => {
            let every_call = options.every_call || rig.only.is_some();
            let (kills, faults) = if every_call {
                (usize::MAX, usize::MAX)
            } else {
                (runs - at_random, runs * FAULTS_PERCENT / 100)
            };
            outcome.add("at_calls", calls::run(&mut rig, kills)?);
            outcome.add("faults", faults::run(&mut rig, faults)?);
            outcome.add("takeover", takeover::run(&mut rig, every_call)?);
        }
        Err(error) => outcome.skips.push(Skip {
            name: "kill_at_calls".to_owned(),
            reason: format!("{error:#}"),
        }),
    }
    skips::judge(workspace, &mut outcome)?;
    Ok(outcome)
}

/// A life that makes the same calls each time it is lived.
struct Script {
    /// What its values follow from: their lengths decide when a segment is full.
    seed: u64,
    steps: Vec<Step>,
}

impl Script {
    fn history(&self) -> History {
        History::new(self.seed)
    }
}

/// What all of them share.
struct Rig {
    launch: Launch,
    tidelog: Tidelog,
    /// On a disk.
    folder: PathBuf,
    fast: Fast,
    seed: u64,
    rng: Rng,
    /// The only call to look at.
    only: Option<String>,
}

/// A folder in memory where there is one: what a process leaves behind when it dies does
/// not depend on the disk, and there a thousand lives take minutes.
struct Fast(PathBuf);

impl Fast {
    fn make(otherwise: &Path) -> Result<Self> {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            memory.join(format!("tidelog-kill-{}", std::process::id()))
        } else {
            otherwise.join("fast")
        };
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Fast {
    fn drop(&mut self) {
        // A few small files; the next start of the machine removes them as well.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Rig {
    /// Everything drawn from now on follows from the seed and `part` alone, so that one
    /// part can be repeated without the others.
    fn begin(&mut self, part: &str) {
        let part = u64::from(crc32fast::hash(part.as_bytes()));
        self.rng = Rng::with_seed(self.seed ^ part << 32);
    }

    /// A call, and how to come back to it.
    fn named(&self, call: &Call) -> String {
        format!(
            "{call} ({}; cargo xtask kill --seed {} --call {call})",
            call.file, self.seed
        )
    }

    /// Takes up to `most` of the calls, as evenly from all kinds as there are.
    fn spread(&mut self, mut calls: Vec<Call>, most: usize) -> Vec<Call> {
        if let Some(only) = &self.only {
            calls.retain(|call| call.to_string() == *only);
        }
        self.rng.shuffle(&mut calls);
        let mut ranks = BTreeMap::new();
        calls.sort_by_cached_key(|call| {
            let rank = ranks.entry(call.kind.clone()).or_insert(0);
            *rank += 1;
            *rank
        });
        calls.truncate(most);
        calls
    }

    /// An empty place for logs.
    fn fresh(&self) -> Result<PathBuf> {
        let folder = self.fast.0.join("logs");
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        Ok(folder)
    }

    fn record(&self) -> PathBuf {
        self.fast.0.join("record")
    }

    /// A life of everything, which ends by closing.
    fn script(&mut self) -> Script {
        let steps = Steps::new(Workload::Mixed, self.rng.u64(..));
        Script {
            seed: self.rng.u64(..),
            steps: steps.take(STEPS).chain([Step::Close]).collect(),
        }
    }

    /// The system calls of a script that nobody meddles with.
    fn calls_of(&self, script: &Script, options: &[&str]) -> Result<Vec<Call>> {
        let folder = self.fresh()?;
        let words = tracer::command(crate::victim::KINDS, None, &self.record());
        let mut history = script.history();
        let mut process = self.launch.start(&folder, &words, options)?;
        ensure!(
            play(&mut process, &mut history, script.steps.iter().cloned())?,
            "the process ended by itself"
        );
        process.finish()?;
        of_record(&self.record(), &folder)
    }

    /// Judges what is left, lets another process go on with it, and judges again.
    fn judge_and_go_on(&mut self, folder: &Path, history: &mut History) -> Result<u64> {
        let kept = self.judge(folder, history)?;
        self.launch
            .go_on(folder, history, self.rng.u64(..), STEPS_AFTER)?;
        self.judge(folder, history)?;
        Ok(kept)
    }

    fn judge(&self, folder: &Path, history: &mut History) -> Result<u64> {
        let kept = history.kept(Level::Stored);
        let verdict = history.judge(&self.tidelog.on(folder.to_owned()), Level::Stored)?;
        ensure!(
            verdict.lost == 0,
            "{} of {kept} records acknowledged as stored are gone",
            verdict.lost
        );
        Ok(kept)
    }
}
