//! The engine under a model checker: the real code of group commit and snapshot
//! publication, with locks, threads and parking that are the checker's, so that it
//! decides which thread goes on at every step, and can do the same again.

mod blocking;
mod checks;
mod device;
mod log;
mod planted;
mod schedules;
mod sharing;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use serde_json::json;

use crate::checks::Check;
use crate::schedules::{Plan, Verdict};

/// Runs what threads do with one log under many schedules.
///
/// Exit code 0: everything held. 1: something did not. 2: there is no such check.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Schedules of each check.
    #[arg(long, default_value_t = 1000)]
    schedules: usize,
    /// What the schedules are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this check.
    #[arg(long)]
    check: Option<String>,
    /// Only this schedule of the check, as a failure names it.
    #[arg(long, requires = "check")]
    schedule: Option<String>,
    /// Plant one defect after the other instead, and see that each is caught.
    #[arg(long, conflicts_with_all = ["check", "schedule"])]
    planted: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let chosen: Vec<Check> = checks::ALL
        .iter()
        .filter(|check| {
            arguments
                .check
                .as_ref()
                .is_none_or(|name| check.name == name)
        })
        .copied()
        .collect();
    if chosen.is_empty() {
        let names: Vec<&str> = checks::ALL.iter().map(|check| check.name).collect();
        eprintln!("there is no such check; there are {}", names.join(", "));
        return ExitCode::from(2);
    }
    if arguments.planted {
        return planted::hunt(arguments.seed, arguments.schedules);
    }
    let begun = Instant::now();
    let plan = match arguments.schedule {
        Some(schedule) => Plan::Again(schedule),
        None => Plan::Drawn {
            seed: arguments.seed,
            schedules: arguments.schedules,
        },
    };
    let verdicts = schedules::run(&chosen, &plan, None);
    let failed: Vec<_> = verdicts
        .iter()
        .filter(|verdict| verdict.broken.is_some())
        .collect();
    let failures: Vec<_> = failed.iter().copied().map(Verdict::failure).collect();
    let checks: serde_json::Map<String, serde_json::Value> = verdicts
        .iter()
        .map(|verdict| (verdict.check.to_owned(), verdict.facts()))
        .collect();
    println!(
        "{}",
        json!({
            "seed": arguments.seed,
            "schedules": verdicts.iter().map(|verdict| verdict.schedules).sum::<usize>(),
            "checks": checks,
            "failed": failures.len(),
            "failures": failures,
            "seconds": begun.elapsed().as_secs_f64(),
        })
    );
    ExitCode::from(u8::from(!failures.is_empty()))
}
