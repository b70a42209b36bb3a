//! Owns the run over all scripts, seeds and disks, on every core; and the watch for a run
//! that hangs.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tidelog_testkit::engine::{CatalogEngine, Engine, LogEngine};
use tidelog_testkit::explore::{Address, Exploration, Explorer, Keys, Swept};
use tidelog_testkit::scripts::{self, Script};
use tidelog_testkit::sim::Notes;

use crate::files::Files;
use crate::report::{self, Table};
use crate::{Arguments, Disks};

/// How long one run may take before it is held to hang; it takes milliseconds.
const HANGS: Duration = Duration::from_secs(60);

/// Scripts about what only a simulated disk has: a capacity, atomic appends, and damage
/// around what is being written.
pub const SIMULATED_ONLY: [&str; 5] =
    ["atomic", "blast-512", "blast-4096", "full", "full-takeover"];

/// A script to play with a seed.
#[derive(Clone, Copy)]
struct Unit {
    disks: Disks,
    script: &'static str,
    seed: u64,
}

/// What a core is playing, since when.
type Turn = Mutex<Option<(Unit, String, Instant)>>;

/// Plays what is asked for, and prints one object about it. Whether all held.
///
/// # Errors
/// There is no such script, or no folder can be made.
pub fn run(arguments: &Arguments) -> Result<bool, String> {
    let begun = Instant::now();
    let units = units(arguments)?;
    let scratch = Scratch::new()?;
    let next = AtomicUsize::new(0);
    let table = Mutex::new(Table::new());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let turns: Vec<Turn> = (0..cores).map(|_| Turn::default()).collect();
    thread::scope(|scope| {
        let workers: Vec<_> = turns
            .iter()
            .enumerate()
            .map(|(core, turn)| {
                let (units, next, table, scratch) = (&units, &next, &table, &scratch);
                scope.spawn(move || {
                    let keys = Keys::default();
                    while let Some(unit) = units.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let told = |address: &str| {
                            *entered(turn) = Some((*unit, address.to_owned(), Instant::now()));
                        };
                        let homes = Homes::new(&scratch.0, core);
                        let swept = sweep(*unit, arguments.crashes, &keys, &homes, &told);
                        *entered(turn) = None;
                        let mut table = entered(table);
                        table
                            .entry((unit.disks, unit.script))
                            .or_default()
                            .add(swept);
                    }
                })
            })
            .collect();
        while !workers.iter().all(thread::ScopedJoinHandle::is_finished) {
            thread::sleep(Duration::from_millis(20));
            turns
                .iter()
                .for_each(|turn| watch(turn, scratch.0.as_path()));
        }
    });
    let table = table.into_inner().unwrap_or_else(PoisonError::into_inner);
    let object = report::object(&table, begun.elapsed().as_secs_f64());
    if arguments.json {
        println!("{object}");
    } else {
        println!("{object:#}");
    }
    for ((disks, _), swept) in &table {
        for broken in &swept.tally.failures {
            eprintln!(
                "{}\n    {}",
                report::command(*disks, broken),
                broken.sentence
            );
        }
    }
    Ok(table.values().all(|swept| swept.tally.failed == 0))
}

/// Plays one run again, and tells how it went.
///
/// # Errors
/// There is no such script, or no folder can be made.
pub fn repeat(arguments: &Arguments, address: &Address) -> Result<bool, String> {
    let scratch = Scratch::new()?;
    let homes = Homes::new(&scratch.0, 0);
    let notes = Notes::default();
    let mut outcome = Ok(());
    for unit in units(arguments)? {
        outcome = match unit.disks {
            Disks::Simulated => Exploration::all()
                .iter()
                .find(|exploration| exploration.name == unit.script)
                .map_or(Ok(()), |found| found.repeat(unit.seed, address, &notes)),
            Disks::Files => on_files(
                unit.script,
                Again {
                    unit,
                    homes: &homes,
                    address,
                    notes: &notes,
                },
            ),
        };
    }
    notes.borrow().iter().for_each(|line| println!("{line}"));
    println!("{address}: {outcome:?}");
    Ok(outcome.is_ok())
}

fn units(arguments: &Arguments) -> Result<Vec<Unit>, String> {
    let names: Vec<&'static str> = Exploration::all().iter().map(|it| it.name).collect();
    if let Some(wanted) = &arguments.script
        && !names.contains(&wanted.as_str())
    {
        return Err(format!(
            "there is no script {wanted}; there are {}",
            names.join(", ")
        ));
    }
    let mut units = Vec::new();
    for at in 0..arguments.seeds {
        for disks in [Disks::Files, Disks::Simulated] {
            for script in &names {
                let chosen = arguments.script.as_ref().is_none_or(|only| only == script);
                let possible = disks == Disks::Simulated || !SIMULATED_ONLY.contains(script);
                if chosen && possible && arguments.store.is_none_or(|only| only == disks) {
                    let seed = arguments.seed.wrapping_add(at);
                    units.push(Unit {
                        disks,
                        script,
                        seed,
                    });
                }
            }
        }
    }
    Ok(units)
}

fn sweep(unit: Unit, crashes: u64, keys: &Keys, homes: &Homes, told: &dyn Fn(&str)) -> Swept {
    match unit.disks {
        Disks::Simulated => Exploration::all()
            .iter()
            .find(|exploration| exploration.name == unit.script)
            .map_or_else(Swept::default, |found| {
                found.sweep(unit.seed, crashes, keys, told)
            }),
        Disks::Files => on_files(
            unit.script,
            Every {
                unit,
                crashes,
                keys,
                homes,
                told,
            },
        ),
    }
}

/// Something to do with a script, whatever engine it is played on.
trait WithScript {
    type Output;
    fn call<E: Engine>(self, script: &Script<E>) -> Self::Output;
}

/// Does it with the script of this name, which there is, on files.
fn on_files<W: WithScript>(name: &str, with: W) -> W::Output {
    let catalogs = scripts::catalogs::<CatalogEngine<Files>>();
    if let Some(script) = catalogs.iter().find(|script| script.name == name) {
        return with.call(script);
    }
    let mut logs = scripts::all::<LogEngine<Files>>();
    logs.push(scripts::damaged());
    let script = logs.iter().find(|script| script.name == name);
    with.call(script.expect("names come from the same lists"))
}

struct Every<'a> {
    unit: Unit,
    crashes: u64,
    keys: &'a Keys,
    homes: &'a Homes,
    told: &'a dyn Fn(&str),
}

impl WithScript for Every<'_> {
    type Output = Swept;
    fn call<E: Engine>(self, script: &Script<E>) -> Swept {
        let explorer = Explorer::new(script, self.unit.seed, self.keys, false);
        explorer.sweep_files(&|| self.homes.next(), self.crashes, self.told)
    }
}

struct Again<'a> {
    unit: Unit,
    homes: &'a Homes,
    address: &'a Address,
    notes: &'a Notes,
}

impl WithScript for Again<'_> {
    type Output = Result<(), String>;
    fn call<E: Engine>(self, script: &Script<E>) -> Self::Output {
        let keys = Keys::default();
        let explorer = Explorer::new(script, self.unit.seed, &keys, false);
        explorer.repeat_files(&|| self.homes.next(), self.address, self.notes)
    }
}

/// The folder below which everything happens; gone at the end.
struct Scratch(PathBuf);

impl Scratch {
    /// In memory where there is a file system of memory: what a sync takes would be all
    /// that is measured, and no power is cut here.
    fn new() -> Result<Self, String> {
        let shared = Path::new("/dev/shm");
        let below = if shared.is_dir() {
            shared.to_owned()
        } else {
            std::env::temp_dir()
        };
        let folder = below.join(format!("tidelog-faults-{}", std::process::id()));
        fs::create_dir_all(&folder)
            .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder that stays behind is in nobody's way.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Folders of one core, one at a time: the last one is gone with the next.
struct Homes(PathBuf);

impl Homes {
    fn new(below: &Path, core: usize) -> Self {
        Self(below.join(core.to_string()))
    }

    fn next(&self) -> PathBuf {
        // The first one has none before it.
        let _ = fs::remove_dir_all(&self.0);
        self.0.clone()
    }
}

/// A run that takes this long ends everything: nothing else can stop it.
fn watch(turn: &Turn, scratch: &Path) {
    let turn = entered(turn);
    let Some((unit, address, since)) = turn.as_ref() else {
        return;
    };
    if since.elapsed() < HANGS {
        return;
    }
    let (store, script, seed) = (unit.disks.as_str(), unit.script, unit.seed);
    eprintln!(
        "tidelog-faults --store {store} --seed {seed} --script {script} --state {address}\n    \
         it hangs"
    );
    let _ = fs::remove_dir_all(scratch);
    std::process::exit(1);
}

fn entered<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
