//! Owns running a check under many schedules, and finding out which one broke it.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::{env, fs, process, thread};

use serde_json::{Value, json};
use shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};
use tidelog_core::planted::{Bug, plant};

use crate::checks::Check;

/// Bytes of stack for each thread of a check: futures of the engine are polled there.
const STACK: usize = 256 * 1024;

/// Steps of a schedule; one that takes more goes round in circles.
const STEPS_MAX: usize = 20_000;

/// Schedules of a small check at most; it is small while it has fewer.
const SMALL_MAX: usize = 100_000;

/// Changes of priority in a schedule of the second sort: most races need fewer.
const CHANGES: usize = 3;

/// Where the schedules come from.
pub enum Plan {
    /// Drawn from a seed.
    Drawn {
        /// The seed.
        seed: u64,
        /// How many for each check.
        schedules: usize,
    },
    /// One that was told before.
    Again(String),
}

/// What came of a check.
pub struct Verdict {
    /// Its name.
    pub check: &'static str,
    /// Schedules that were run.
    pub schedules: usize,
    /// Whether those are all there are.
    exhausted: bool,
    /// What did not hold, and the schedule that shows it.
    pub broken: Option<(String, String)>,
}

impl Verdict {
    /// What was run.
    pub fn facts(&self) -> Value {
        json!({ "schedules": self.schedules, "exhausted": self.exhausted })
    }

    /// What did not hold, and the command that shows it again.
    pub fn failure(&self) -> Value {
        let (sentence, schedule) = self.broken.clone().unwrap_or_default();
        let check = self.check;
        json!({
            "check": check,
            "broken": sentence,
            "command": format!("cargo xtask model --check {check} --schedule {schedule}"),
        })
    }
}

/// Runs each check, on a thread of its own: the checker remembers by thread which
/// failing schedule it told last, and may take another for the same.
///
/// With a defect planted, which ends with that thread.
pub fn run(checks: &[Check], plan: &Plan, defect: Option<Bug>) -> Vec<Verdict> {
    let judged = |check| {
        let judge = || {
            plant(defect);
            judge(check, plan)
        };
        thread::scope(|scope| scope.spawn(judge).join())
    };
    checks
        .iter()
        .map(|check| judged(check).expect("what a check panics with is caught"))
        .collect()
}

fn judge(check: &Check, plan: &Plan) -> Verdict {
    let mut verdict = Verdict {
        check: check.name,
        schedules: 0,
        exhausted: false,
        broken: None,
    };
    match plan {
        Plan::Again(schedule) => {
            verdict.run(check, || ReplayScheduler::new_from_encoded(schedule));
        }
        Plan::Drawn { .. } if check.small => {
            verdict.run(check, || DfsScheduler::new(Some(SMALL_MAX), false));
            verdict.exhausted = verdict.broken.is_none() && verdict.schedules < SMALL_MAX;
        }
        Plan::Drawn { seed, schedules } => {
            let half = schedules / 2;
            verdict.run(check, || RandomScheduler::new_from_seed(*seed, half));
            let rest = schedules - half;
            verdict.run(check, || PctScheduler::new_from_seed(*seed, CHANGES, rest));
        }
    }
    verdict
}

impl Verdict {
    fn run<S: Scheduler + 'static>(&mut self, check: &Check, scheduler: impl FnOnce() -> S) {
        if self.broken.is_some() {
            return;
        }
        let mut config = Config::new();
        config.stack_size = STACK;
        config.max_steps = MaxSteps::FailAfter(STEPS_MAX);
        config.silence_warnings = true;
        // The checker tells a failing schedule in a file, or not at all.
        let folder = env::temp_dir().join(format!("tidelog-model-{}", process::id()));
        config.failure_persistence = FailurePersistence::File(Some(folder.clone()));
        let _ = fs::create_dir_all(&folder);
        let run = || Runner::new(scheduler(), config).run(check.body);
        match panic::catch_unwind(AssertUnwindSafe(run)) {
            Ok(schedules) => self.schedules += schedules,
            Err(panic) => self.broken = Some((sentence(&*panic), schedule(&folder))),
        }
        let _ = fs::remove_dir_all(&folder);
    }
}

fn sentence(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a message").to_owned()
}

/// The schedule that the checker left in `folder`, on one line. There are several
/// where unwinding took turns too; the last is the whole.
fn schedule(folder: &Path) -> String {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let last = entries.map(|entry| entry.path()).max();
    let text = last.and_then(|path| fs::read_to_string(path).ok());
    text.unwrap_or_default().split_whitespace().collect()
}
