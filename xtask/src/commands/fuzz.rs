//! `cargo xtask fuzz`: libFuzzer on every target of `fuzz/`, from the corpus kept there.

mod engine;
mod session;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::Map;

use self::engine::Engine;
use self::session::Session;
use crate::call::Call;
use crate::outcome::{Outcome, Skip};
use crate::skips;
use crate::tools::cxx;
use crate::workspace::{PROFILE, Workspace};

const PACKAGE: &str = "tidelog-fuzz";
const SECONDS: u64 = 15;
const SECONDS_QUICK: u64 = 3;

/// What to fuzz, and for how long.
#[derive(Args, Default)]
pub struct Options {
    /// Only this target.
    #[arg(long)]
    pub target: Option<String>,
    /// Seconds a target.
    #[arg(long)]
    pub seconds: Option<u64>,
    /// What comes up follows from this seed; from a fresh one unless given.
    #[arg(long)]
    pub seed: Option<u32>,
    /// Do not fuzz: feed this file to the target, in an ordinary build.
    #[arg(long, value_name = "FILE", requires = "target")]
    pub repeat: Option<PathBuf>,
    /// Do not fuzz: replace the corpus by the fewest inputs, of it and of what earlier runs
    /// found, that reach what the seeds do not.
    #[arg(long, conflicts_with = "repeat")]
    pub minimise: bool,
}

/// Builds and runs the targets.
///
/// # Errors
/// When something does not build, or a target is not known.
pub fn run(workspace: &Workspace, options: &Options, quick: bool) -> Result<Outcome> {
    let targets = targets(workspace, options.target.as_deref())?;
    let mut outcome = Outcome::default();
    if let (Some(target), Some(file)) = (&options.target, &options.repeat) {
        outcome.step(repeat(workspace, target, file));
        return Ok(outcome);
    }
    if let Err(error) = cxx::ensure() {
        outcome.skips.push(Skip {
            name: "fuzz".to_owned(),
            reason: format!("{error:#}"),
        });
        skips::judge(workspace, &mut outcome)?;
        return Ok(outcome);
    }
    let engine = Engine::build(workspace)?;
    if options.minimise {
        for target in &targets {
            outcome.step(engine.minimise(target));
        }
        return Ok(outcome);
    }
    let default = if quick { SECONDS_QUICK } else { SECONDS };
    let seconds = options.seconds.unwrap_or(default);
    fuzz(&engine, targets, (seconds, options.seed), &mut outcome);
    Ok(outcome)
}

/// As many targets at once as there are processors.
fn fuzz(
    engine: &Engine<'_>,
    targets: Vec<String>,
    (seconds, seed): (u64, Option<u32>),
    outcome: &mut Outcome,
) {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let workers = workers.min(targets.len());
    let queue = Mutex::new(targets.into_iter());
    let found = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(target) = queue.lock().ok().and_then(|mut queue| queue.next()) {
                    eprintln!("  {target}: {seconds} s");
                    let session = engine.fuzz(&target, seconds, seed);
                    if let Ok(mut found) = found.lock() {
                        found.push((target, session));
                    }
                }
            });
        }
    });
    let mut facts = Map::new();
    for (target, session) in found.into_inner().unwrap_or_default() {
        match session {
            Ok(session) => {
                judge(&target, &session, outcome);
                facts.insert(target, session.to_json());
            }
            Err(error) => outcome.failures.push(format!("{target}: {error:#}")),
        }
    }
    outcome.fact("targets", facts);
}

fn judge(target: &str, session: &Session, outcome: &mut Outcome) {
    let executions = session.executions;
    match &session.crash {
        None => outcome.claim(
            executions > 0,
            format!("{target} held for {executions} inputs"),
        ),
        Some(crash) => {
            let input = crash.describe(target);
            outcome.claim(false, format!("{target}: {}{input}", crash.said));
        }
    }
}

/// Every target has a corpus, so its folders are the list.
fn targets(workspace: &Workspace, only: Option<&str>) -> Result<Vec<String>> {
    let folder = workspace.root.join("fuzz").join("corpus");
    let entries =
        std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names = entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<Vec<String>>>()?;
    names.sort();
    if let Some(only) = only {
        ensure!(
            names.iter().any(|name| name == only),
            "there is no target {only}; there are {}",
            names.join(", ")
        );
        names.retain(|name| name == only);
    }
    Ok(names)
}

fn repeat(workspace: &Workspace, target: &str, file: &Path) -> Result<()> {
    let file = std::path::absolute(file)?;
    if !file.is_file() {
        bail!("there is no file {}", file.display());
    }
    Call::new(workspace.build(PACKAGE, PACKAGE, PROFILE)?)
        .args(["feed", target])
        .arg(file)
        .run()
}
