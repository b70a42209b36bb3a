//! System calls that fail, once or from then on, and syncs that lie: what must hold is
//! that nothing is acknowledged that is not there, that a failed write or sync is told
//! at once and with its place, and that nothing is acknowledged after it until the log
//! was opened again.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::{Rig, Script};
use crate::outcome::Outcome;
use crate::tools::tracer;
use crate::victim::{Call, History, KINDS, Steps, Workload, play, said_after_meddling};

/// Calls whose failure nobody may keep quiet about.
const TOLD_AT_ONCE: &[&str] = &["pwrite64", "write", "fdatasync", "fsync"];

/// Calls that are refused by what a disk and a file system say.
const REFUSABLE: &[&str] = &[
    "openat",
    "mkdir",
    "write",
    "pwrite64",
    "fdatasync",
    "fsync",
    "fallocate",
    "ftruncate",
    "unlink",
    "flock",
    "pread64",
    "read",
    "getdents64",
];

/// Calls that a full disk refuses.
const NEEDS_SPACE: &[&str] = &["openat", "mkdir", "write", "pwrite64", "fallocate"];

/// What is done to a call.
#[derive(Clone, Copy)]
struct Fault {
    /// As strace spells it.
    how: &'static str,
    /// What the system says then, as an error repeats it.
    says: &'static str,
    /// Whether all later calls of the kind fail as well.
    for_ever: bool,
}

const EIO: Fault = Fault {
    how: "error=EIO",
    says: "Input/output error",
    for_ever: false,
};
const EIO_FOR_EVER: Fault = Fault {
    for_ever: true,
    ..EIO
};
const FULL: Fault = Fault {
    how: "error=ENOSPC",
    says: "No space left",
    for_ever: false,
};
const FULL_FOR_EVER: Fault = Fault {
    for_ever: true,
    ..FULL
};
/// A write that takes nothing.
const SHORT: Fault = Fault {
    how: "retval=0",
    says: "failed to write whole buffer",
    for_ever: false,
};

/// Refuses `most` calls, or each call in every way.
///
/// # Errors
/// When the calls of a life cannot be recorded.
pub fn run(rig: &mut Rig, most: usize) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    rig.begin("faults");
    let script = rig.script();
    let mut points = rig.calls_of(&script, &[])?;
    points.retain(|call| REFUSABLE.contains(&call.kind.as_str()));
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for (turn, call) in rig.spread(points, most).into_iter().enumerate() {
        rig.begin(&call.to_string());
        let faults = possible(&call);
        // All of them when every call is asked for, else one after the other.
        let chosen = if most == usize::MAX {
            faults
        } else {
            vec![faults[turn % faults.len()]]
        };
        for fault in chosen {
            let named = rig.named(&call);
            let label = format!(
                "{} {}{}",
                call.kind,
                fault.how,
                if fault.for_ever { " for ever" } else { "" }
            );
            eprintln!("  {label} at {named}");
            let result = refuse(rig, &script, &call, fault);
            outcome.step(result.with_context(|| format!("{label} at {named}")));
            *kinds.entry(label).or_default() += 1;
        }
    }
    if rig.only.is_none() {
        outcome.step(lie(rig).context("syncs that lie, then a kill"));
        outcome.step(limit(rig).context("a limit on the size of files"));
    }
    let faults: u64 = kinds.values().sum();
    eprintln!("  {faults} calls refused");
    outcome.fact("refused", faults);
    outcome.fact("kinds", serde_json::to_value(kinds)?);
    Ok(outcome)
}

fn possible(call: &Call) -> Vec<Fault> {
    let mut faults = vec![EIO, EIO_FOR_EVER];
    if NEEDS_SPACE.contains(&call.kind.as_str()) && call.changes {
        faults.extend([FULL, FULL_FOR_EVER]);
    }
    if call.kind == "pwrite64" {
        faults.push(SHORT);
    }
    faults
}

fn refuse(rig: &mut Rig, script: &Script, call: &Call, fault: Fault) -> Result<()> {
    let folder = rig.fresh()?;
    let meddling = if fault.for_ever {
        call.meddle_from(fault.how)
    } else {
        call.meddle(fault.how)
    };
    let words = tracer::command(KINDS, Some(&meddling), &rig.record());
    let mut history = script.history();
    let mut process = rig.launch.start(&folder, &words, &[])?;
    let lived = play(&mut process, &mut history, script.steps.iter().cloned())?;
    // Without its input or its output it cannot have gone on.
    let is_mute = call.kind == "read" || (call.kind == "write" && fault.for_ever);
    ensure!(lived || is_mute, "the process ended by itself");
    drop(process);

    // A footer that finds no space is left out, and nobody is the worse for it.
    let may_be_quiet = fault.says == FULL.says && call.file.starts_with("segment");
    if TOLD_AT_ONCE.contains(&call.kind.as_str()) && lived && !may_be_quiet {
        let said = said_after_meddling(&rig.record())?.context("the call did not come")?;
        ensure!(
            said.starts_with("{\\\"error"),
            "it was not told at once: the next answer was {said}"
        );
        let told = |said: &String| said.contains(&call.file) && said.contains(fault.says);
        ensure!(
            history.refusals().iter().any(told),
            "no error names {} and says {:?}: {:?}",
            call.file,
            fault.says,
            history.refusals()
        );
    }
    rig.judge_and_go_on(&folder, &mut history)?;
    Ok(())
}

/// Every sync lies. As long as the machine lives, nothing is lost by that.
fn lie(rig: &mut Rig) -> Result<()> {
    let folder = rig.fresh()?;
    let lie = "fdatasync,fsync:retval=0";
    let words = tracer::command("fdatasync,fsync", Some(lie), Path::new("/dev/null"));
    let script = rig.script();
    let mut history = script.history();
    let until = rig.rng.usize(script.steps.len() / 2..script.steps.len());
    let mut process = rig.launch.start(&folder, &words, &[])?;
    let steps = script.steps.into_iter().take(until);
    ensure!(
        play(&mut process, &mut history, steps)?,
        "the process ended by itself"
    );
    drop(process);
    rig.judge_and_go_on(&folder, &mut history)?;
    Ok(())
}

/// Files may not grow beyond a limit, so that writes end half-way, for real.
fn limit(rig: &mut Rig) -> Result<()> {
    let folder = rig.fresh()?;
    let script = "trap '' XFSZ; ulimit -f 200; exec \"$@\"";
    let words = ["sh", "-c", script, "sh"].map(Into::into);
    let mut history = History::new(rig.rng.u64(..));
    let mut process = rig.launch.start(&folder, &words, &[])?;
    let steps = Steps::new(Workload::Stored, rig.rng.u64(..));
    ensure!(
        play(&mut process, &mut history, steps.take(600))?,
        "the process ended by itself"
    );
    drop(process);
    let (full, acknowledged) = (history.refusals().len(), history.acknowledgements());
    ensure!(
        full > 0 && acknowledged > 300,
        "{full} appends were refused and {acknowledged} acknowledged: no file met its limit"
    );
    rig.judge_and_go_on(&folder, &mut history)?;
    Ok(())
}
