//! Owns the hunt for defects that are planted in the engine: each must break a check.

use std::panic;
use std::process::ExitCode;

use serde_json::{Map, Value, json};
use tidelog_core::planted::Bug;

use crate::checks;
use crate::schedules::{self, Plan};

/// Plants each defect in turn, and prints which checks it broke.
pub fn hunt(seed: u64, schedules: usize) -> ExitCode {
    // Every panic from here on is one that is wanted.
    panic::set_hook(Box::new(|_| {}));
    let plan = Plan::Drawn { seed, schedules };
    let mut bugs = Map::new();
    let mut failures: Vec<Value> = Vec::new();
    for bug in Bug::THREADS {
        let verdicts = schedules::run(checks::ALL, &plan, Some(bug));
        let broken = verdicts.iter().filter(|verdict| verdict.broken.is_some());
        let broken: Vec<&str> = broken.map(|verdict| verdict.check).collect();
        eprintln!("{bug:?}: broke {broken:?}");
        if broken.is_empty() {
            failures.push(json!({ "check": format!("{bug:?}"), "broken": "was not caught" }));
        }
        bugs.insert(format!("{bug:?}"), broken.into());
    }
    println!(
        "{}",
        json!({ "seed": seed, "schedules": schedules, "planted": bugs, "failures": failures })
    );
    ExitCode::from(u8::from(!failures.is_empty()))
}
