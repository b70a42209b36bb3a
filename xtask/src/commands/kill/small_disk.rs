//! A disk that is really full: a file system of 1 MiB in memory. Only the append is
//! refused, reading goes on, and once there is space again so does writing.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

use super::Rig;
use crate::call::Call;
use crate::outcome::{Outcome, Skip};
use crate::victim::{History, Level, Process, Step};

/// Bytes that somebody else occupies, and gives back later.
const OTHERS: usize = 300 << 10;

/// Appends until the disk must be full.
const APPENDS_MAX: usize = 5_000;

const APPEND: Step = Step::Append {
    level: Level::Stored,
    records: 5,
};

/// Fills it, frees it, and goes on.
///
/// # Errors
/// When no folder to mount it on can be made.
pub fn run(rig: &mut Rig) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let point = rig.folder.join("small");
    fs::create_dir_all(&point)?;
    let mounted = Call::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m", "tidelog-kill"])
        .arg(&point)
        .probe();
    match mounted {
        Ok((true, _)) => {
            let result = fill(rig, &point);
            let unmounted = Call::new("umount").arg("-l").arg(&point).run();
            outcome.step(result);
            outcome.step(unmounted);
        }
        Ok((false, said)) => outcome.skips.push(skip(said.trim())),
        Err(error) => outcome.skips.push(skip(&format!("{error:#}"))),
    }
    Ok(outcome)
}

fn skip(reason: &str) -> Skip {
    Skip {
        name: "kill_small_disk".to_owned(),
        reason: reason.to_owned(),
    }
}

fn fill(rig: &mut Rig, point: &Path) -> Result<()> {
    let others = point.join("others");
    fs::write(&others, vec![1; OTHERS])?;
    let folder = point.join("logs");
    let mut history = History::new(rig.rng.u64(..));
    let mut process = rig.launch.start(&folder, &[], &[])?;
    let open = Step::Open {
        segment_bytes: 64 << 10,
    };
    ensure!(step(&mut process, &mut history, &open)?, "it does not open");
    let mut appends = 0;
    while step(&mut process, &mut history, &APPEND)? {
        appends += 1;
        ensure!(appends < APPENDS_MAX, "the disk never got full");
    }
    for _ in 0..3 {
        ensure!(
            !step(&mut process, &mut history, &APPEND)?,
            "an append was taken by a full disk"
        );
    }
    ensure!(
        history
            .refusals()
            .iter()
            .all(|said| said.contains("No space left")),
        "refused for another reason: {:?}",
        history.refusals()
    );
    ensure!(
        step(&mut process, &mut history, &Step::Read)?,
        "a full disk cannot be read: {:?}",
        history.refusals().last()
    );

    fs::remove_file(&others)?;
    for wanted in [
        APPEND,
        Step::Sync,
        Step::Maintain,
        APPEND,
        Step::Read,
        Step::Close,
    ] {
        ensure!(
            step(&mut process, &mut history, &wanted)?,
            "{wanted:?} is refused although there is space: {:?}",
            history.refusals().last()
        );
    }
    process.finish()?;
    eprintln!("  a full disk refused 4 appends after {appends}, and took more once it had space");
    rig.judge_and_go_on(&folder, &mut history)?;
    Ok(())
}

/// Returns whether it was done, and not refused.
fn step(process: &mut Process, history: &mut History, step: &Step) -> Result<bool> {
    let before = history.refusals().len();
    ensure!(
        crate::victim::play(process, history, [step.clone()])?,
        "the process ended by itself"
    );
    Ok(history.refusals().len() == before)
}
