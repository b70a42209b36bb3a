//! `cargo xtask power-cut`: loss of power under a process that writes, on a real file
//! system.
//!
//! The file system lives in a file. A cut freezes what has reached that file: either
//! the file system is shut down in the middle of everything, or the process is stopped
//! and the file copied. Then the file system is mounted anew, which replays its
//! journal, and the log is opened with the real program. Nothing acknowledged as synced
//! may be missing, and nothing may be there that was not sent.
//!
//! A control is the same without syncs. It must lose records: a rig that cannot see a
//! loss proves nothing.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use fastrand::Rng;

use crate::disk::{Disk, FileSystem};
use crate::outcome::{Outcome, Skip};
use crate::skips;
use crate::tidelog::Tidelog;
use crate::tools::tracer;
use crate::victim::{
    History, Launch, Level, Process, Steps, Workload, is_stopped, play_while, signal,
};
use crate::workspace::{PROFILE, Workspace};

const CUTS: u32 = 3;
const CONTROLS: u32 = 1;

/// How long a process lives after its first acknowledgements, in milliseconds. Shorter than
/// the five seconds after which the kernel commits by itself, or a control would lose nothing.
const LIFE_MS: std::ops::Range<u64> = 0..700;

/// Acknowledgements before a cut, unless they take longer than [`PATIENCE`].
const HEARD_MIN: u64 = 3;

/// How long to wait for a process to get going, or to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// Steps that the log must take after the cut.
const STEPS_AFTER: usize = 40;

/// How often, and from where.
#[derive(Args, Default)]
pub struct Options {
    /// Power cuts.
    #[arg(long)]
    pub cuts: Option<u32>,
    /// Cuts without syncs, which must lose records.
    #[arg(long)]
    pub controls: Option<u32>,
    /// What the disk is formatted with.
    #[arg(long, value_enum, default_value_t)]
    pub file_system: FileSystem,
    /// Where the choice of steps and moments starts; a fresh one unless given.
    #[arg(long)]
    pub seed: Option<u64>,
}

/// How the power goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// The file system stops while the process runs.
    ShutDown,
    /// The process stops, and the image is copied.
    Copy,
}

impl Cut {
    const fn as_str(self) -> &'static str {
        match self {
            Self::ShutDown => "shut down",
            Self::Copy => "stopped and copied",
        }
    }
}

/// Why syncs do not work in a control.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Control {
    /// The system says yes and does nothing.
    Lied,
    /// Nobody asks for them, and yet they are expected.
    NotAsked,
}

/// Cuts, mounts, and looks.
///
/// # Errors
/// When the programs do not build.
pub fn run(workspace: &Workspace, options: &Options, quick: bool) -> Result<Outcome> {
    let cuts = options.cuts.unwrap_or(if quick { 1 } else { CUTS });
    let controls = options.controls.unwrap_or(CONTROLS);
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    let mut outcome = Outcome::default();
    let folder = workspace.target.join("xtask").join("power-cut");
    release(&folder)?;
    let folder = workspace.scratch("power-cut")?;
    if let Err(error) = Disk::ensure(options.file_system, &folder) {
        outcome.skips.push(Skip {
            name: "power_cut".to_owned(),
            reason: format!("{error:#}"),
        });
        skips::judge(workspace, &mut outcome)?;
        return Ok(outcome);
    }
    eprintln!("seed {seed}");
    let mut rig = Rig {
        tidelog: Tidelog::build(workspace, PROFILE, folder.clone())?,
        launch: Launch::build(workspace)?,
        file_system: options.file_system,
        folder,
        rng: Rng::with_seed(seed),
        acknowledged: 0,
        unacknowledged: 0,
    };
    for turn in 0..cuts {
        let result = rig.cut(turn).map(|told| {
            eprintln!("  cut {}/{cuts}: {told}", turn + 1);
        });
        if result.is_err() {
            rig.keep(turn + 1)?;
        }
        outcome.step(result.with_context(|| format!("cut {} of seed {seed}", turn + 1)));
    }
    let mut lost = 0;
    for turn in 0..controls {
        let result = rig.control(turn).map(|(told, records)| {
            lost += records;
            eprintln!("  control {}/{controls}: {told}", turn + 1);
        });
        outcome.step(result.with_context(|| format!("control {} of seed {seed}", turn + 1)));
    }
    outcome.fact("seed", seed);
    outcome.fact("file_system", options.file_system.as_str());
    outcome.fact("cuts", cuts);
    outcome.fact("controls", controls);
    outcome.fact("records_acknowledged_as_synced", rig.acknowledged);
    outcome.fact(
        "records_found_that_nobody_was_told_about",
        rig.unacknowledged,
    );
    outcome.fact("records_lost_by_controls", lost);
    outcome.claim(
        cuts == 0 || rig.acknowledged > 0,
        "there was something that a cut could have lost",
    );
    Ok(outcome)
}

/// Unmounts what a run that was itself killed may have left below `folder`.
fn release(folder: &Path) -> Result<()> {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    for point in points.filter(|point| Path::new(point).starts_with(folder)) {
        let call = crate::call::Call::new("umount").arg("-l").arg(point);
        let (released, said) = call.probe()?;
        ensure!(released, "{point} is still mounted: {}", said.trim());
    }
    Ok(())
}

struct Rig {
    tidelog: Tidelog,
    launch: Launch,
    file_system: FileSystem,
    folder: PathBuf,
    rng: Rng,
    acknowledged: u64,
    unacknowledged: u64,
}

impl Rig {
    fn cut(&mut self, turn: u32) -> Result<String> {
        let at = turn as usize;
        let workload = Workload::ALL[at % Workload::ALL.len()];
        let cut = self.way(at.is_multiple_of(2));
        let mounts = self.file_system.mounts();
        let mount = mounts[self.rng.usize(..mounts.len())];
        let mut history = History::new(self.rng.u64(..));
        let mut disk = Disk::make(self.file_system, &self.folder, "disk")?;
        disk.mount(mount)?;

        let told = format!("{} on {mount}, {}", workload.as_str(), cut.as_str());
        let life = Duration::from_millis(self.rng.u64(LIFE_MS));
        let process = self.launch.start(&log_folder(&disk), &[], &[])?;
        let steps = Steps::new(workload, self.rng.u64(..));
        let (lived, disk) = self.live(process, steps, history, life, cut, disk)?;
        history = lived.with_context(|| told.clone())?;

        let kept = history.kept(Level::Synced);
        let tidelog = self.tidelog.on(log_folder(&disk));
        let verdict = history
            .judge(&tidelog, Level::Synced)
            .with_context(|| told.clone())?;
        ensure!(
            verdict.lost == 0,
            "{told}: {} of {kept} records acknowledged as synced are gone",
            verdict.lost
        );
        self.acknowledged += kept;
        self.unacknowledged += verdict.unacknowledged;
        self.go_on(&disk, &mut history)
            .with_context(|| format!("{told}: going on afterwards"))?;
        Ok(format!(
            "{told} after {:.0} ms: {kept} acknowledged, {} there",
            life.as_secs_f64() * 1000.0,
            verdict.found
        ))
    }

    /// Puts the disks of a failed cut out of the way of the next one.
    fn keep(&self, number: u32) -> Result<()> {
        for name in ["disk", "copy"] {
            let image = self.folder.join(format!("{name}.img"));
            if image.exists() {
                let kept = self.folder.join(format!("failed-{number}-{name}.img"));
                fs::rename(&image, &kept)?;
                eprintln!("  {} is kept", kept.display());
            }
        }
        Ok(())
    }

    fn way(&self, is_sudden: bool) -> Cut {
        if is_sudden && self.file_system.shuts_down() {
            Cut::ShutDown
        } else {
            Cut::Copy
        }
    }

    /// The log must take new records after the cut, and keep them.
    fn go_on(&mut self, disk: &Disk, history: &mut History) -> Result<()> {
        let folder = log_folder(disk);
        self.launch
            .go_on(&folder, history, self.rng.u64(..), STEPS_AFTER)?;
        let verdict = history.judge(&self.tidelog.on(folder), Level::Stored)?;
        ensure!(verdict.lost == 0, "{} records are gone", verdict.lost);
        Ok(())
    }

    /// Returns what to tell, and how many records were lost.
    fn control(&mut self, turn: u32) -> Result<(String, u64)> {
        let control = match tracer::ensure() {
            Ok(()) if turn.is_multiple_of(2) => Control::Lied,
            _ => Control::NotAsked,
        };
        // All four pairs in turn: each way to cut must be able to show a loss.
        let cut = if turn % 4 < 2 {
            Cut::Copy
        } else {
            Cut::ShutDown
        };
        let mut history = History::new(self.rng.u64(..));
        let mut disk = Disk::make(self.file_system, &self.folder, "disk")?;
        disk.mount(self.file_system.mounts()[0])?;
        // Begun honestly, so that what is lost afterwards is records and not the log.
        self.go_on(&disk, &mut history)?;

        let (tracer, workload): (Vec<OsString>, _) = match control {
            Control::Lied => {
                let lie = "fdatasync,fsync:retval=0";
                let words = tracer::command("fdatasync,fsync", Some(lie), Path::new("/dev/null"));
                (words, Workload::Synced)
            }
            Control::NotAsked => (Vec::new(), Workload::Stored),
        };
        let process = self.launch.start(&log_folder(&disk), &tracer, &[])?;
        let steps = Steps::new(workload, self.rng.u64(..));
        let life = Duration::from_millis(LIFE_MS.end);
        let (lived, disk) = self.live(process, steps, history, life, cut, disk)?;
        history = lived?;
        if control == Control::NotAsked {
            history.take_stored_for_synced();
        }
        let kept = history.kept(Level::Synced);
        let told = match control {
            Control::Lied => "syncs lied about",
            Control::NotAsked => "syncs not asked for",
        };
        let told = format!("{told}, {}", cut.as_str());
        match history.judge(&self.tidelog.on(log_folder(&disk)), Level::Synced) {
            Ok(verdict) => {
                ensure!(
                    verdict.lost > 0,
                    "{told}, and yet all {kept} records are there: this rig sees no loss"
                );
                let lost = verdict.lost;
                Ok((format!("{told}: {lost} of {kept} lost, as must be"), lost))
            }
            // A disk that lies may leave anything; what matters is that it shows.
            Err(error) => Ok((format!("{told}: {error:#}, as must be"), kept)),
        }
    }

    /// Lets the process work for as long as `life`, cuts the power, and mounts what is
    /// left. What the process says once its file system is being shut down does not
    /// count, as nobody would hear it in a real cut: ext4 answers some syncs of that
    /// moment with yes although their journal is gone.
    fn live(
        &self,
        mut process: Process,
        steps: Steps,
        mut history: History,
        life: Duration,
        cut: Cut,
        mut disk: Disk,
    ) -> Result<(Result<History>, Disk)> {
        let pid = process.pid();
        let dark = Arc::new(AtomicBool::new(false));
        let heard = Arc::new(AtomicU64::new(0));
        let living = thread::spawn({
            let (dark, heard) = (Arc::clone(&dark), Arc::clone(&heard));
            move || {
                let hears = |history: &History| {
                    heard.store(history.acknowledgements(), Ordering::SeqCst);
                    !dark.load(Ordering::SeqCst)
                };
                let lived = play_while(&mut process, &mut history, steps, hears);
                (process, lived.map(|_| history))
            }
        });
        let begun = Instant::now();
        while heard.load(Ordering::SeqCst) < HEARD_MIN && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(life);
        let copy = match cut {
            Cut::ShutDown => {
                dark.store(true, Ordering::SeqCst);
                disk.cut().map(|()| None)
            }
            Cut::Copy => signal(pid, "STOP")
                .and_then(|()| wait_until_stopped(pid))
                .and_then(|()| disk.copy(&self.folder, "copy"))
                .map(Some),
        };
        // Whatever came of that: nothing may stay running or mounted.
        let killed = signal(pid, "KILL");
        let joined = living.join();
        let Ok((process, lived)) = joined else {
            bail!("the thread that talks to the process panicked");
        };
        drop(process);
        disk.unmount()?;
        killed.context("the process ended by itself")?;
        let mut left = copy?.unwrap_or(disk);
        left.mount("defaults")?;
        Ok((lived, left))
    }
}

fn log_folder(disk: &Disk) -> PathBuf {
    disk.point().join("logs")
}

/// A process in the middle of a system call stops when that has returned.
fn wait_until_stopped(pid: u64) -> Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if is_stopped(pid)? {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(1));
    }
    bail!("process {pid} did not stop in {PATIENCE:?}")
}
