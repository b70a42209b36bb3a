//! SIGKILL at a system call: the process dies as it enters the call, which never
//! happens. Every kind of call that changes anything is tried, and the process that goes
//! on with what is left is killed, too.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::{Rig, Script};
use crate::outcome::Outcome;
use crate::tools::tracer;
use crate::victim::{Call, History, play};

const KILL: &str = "signal=SIGKILL";

/// Kills at `most` calls, or at every call there is.
///
/// # Errors
/// When the calls of a life cannot be recorded.
pub fn run(rig: &mut Rig, most: usize) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    rig.begin("calls");
    let script = rig.script();
    let mut points = rig.calls_of(&script, &[])?;
    points.retain(|call| call.changes);
    let known = points.len();
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    let mut kills = 0;
    let mut kept = 0;
    for call in rig.spread(points, most.div_ceil(2)) {
        rig.begin(&call.to_string());
        let named = format!("killed at {}", rig.named(&call));
        match twice(rig, &script, &call) {
            Ok((killed, records)) => {
                eprintln!("  {named}");
                outcome.passed += killed;
                kills += killed;
                kept += records;
                *kinds.entry(call.kind).or_default() += 1;
            }
            Err(error) => outcome.failures.push(format!("{named}: {error:#}")),
        }
    }
    eprintln!("  {kills} kills at calls, of {known} that change anything in one life");
    outcome.fact("kills", kills);
    outcome.fact("calls_of_a_life", known);
    outcome.fact("kinds", serde_json::to_value(kinds)?);
    outcome.fact("records_acknowledged", kept);
    Ok(outcome)
}

/// Kills the first life at `call` and the next at a call of its own. Returns how many
/// kills there were, and how many records had to be there.
fn twice(rig: &mut Rig, script: &Script, call: &Call) -> Result<(u64, u64)> {
    let folder = rig.fresh()?;
    let mut history = script.history();
    let died = life(rig, &folder, script, &call.meddle(KILL), &mut history)?;
    ensure!(died, "the call did not come");
    let kept = rig.judge(&folder, &mut history)?;

    let next = rig.script();
    let kinds = ["pwrite64", "fdatasync", "fsync", "unlink", "close"];
    let kind = kinds[rig.rng.usize(..kinds.len())];
    let nth = rig.rng.usize(1..=20);
    let again = life(
        rig,
        &folder,
        &next,
        &format!("{kind}:{KILL}:when={nth}"),
        &mut history,
    )
    .with_context(|| format!("and then at {kind} {nth}"))?;
    rig.judge_and_go_on(&folder, &mut history)
        .with_context(|| format!("and then at {kind} {nth}"))?;
    Ok((1 + u64::from(again), kept))
}

/// Returns whether the process died.
fn life(
    rig: &Rig,
    folder: &Path,
    script: &Script,
    meddling: &str,
    history: &mut History,
) -> Result<bool> {
    let kind = meddling.split(':').next().unwrap_or_default();
    let words = tracer::command(kind, Some(meddling), Path::new("/dev/null"));
    // Before its first line is too early to have written anything.
    let Ok(mut process) = rig.launch.start(folder, &words, &[]) else {
        return Ok(true);
    };
    let lived = play(&mut process, history, script.steps.iter().cloned())?;
    if lived {
        process.finish()?;
    }
    Ok(!lived)
}
