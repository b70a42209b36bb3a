//! `cargo xtask soak`: the checks of reliability one after the other, with counts far
//! beyond what CI has time for. Each runs as a process of its own, so that one that
//! crashes takes nothing with it.

use std::fmt::Write as _;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::call::Call;
use crate::outcome::{Outcome, Skip, rounded};

/// One check, and how much of it.
struct Part {
    name: &'static str,
    arguments: &'static [&'static str],
    /// The option that says how much, and the number that goes with it.
    amount: Option<(&'static str, u64)>,
}

const PARTS: &[Part] = &[
    Part {
        name: "states",
        arguments: &["sim"],
        amount: Some(("--states", 100_000_000)),
    },
    Part {
        name: "lives",
        arguments: &["sim"],
        amount: Some(("--seeds", 200_000)),
    },
    Part {
        name: "planted",
        arguments: &["sim", "--planted"],
        amount: None,
    },
    Part {
        name: "faults",
        arguments: &["faults", "--crashes", "16"],
        amount: Some(("--seeds", 100)),
    },
    Part {
        name: "corrupt",
        arguments: &["corrupt"],
        amount: Some(("--mutations", 10_000_000)),
    },
    Part {
        name: "kill",
        arguments: &["kill"],
        amount: Some(("--runs", 1_000)),
    },
    Part {
        name: "kill-every-call",
        arguments: &["kill", "--every-call"],
        amount: None,
    },
    Part {
        name: "browser-kills",
        arguments: &["browser", "kills"],
        amount: Some(("--kills", 200)),
    },
    Part {
        name: "browser-packaging",
        arguments: &["browser", "packaging", "--all"],
        amount: None,
    },
    Part {
        name: "power-cut",
        arguments: &["power-cut", "--controls", "4"],
        amount: Some(("--cuts", 500)),
    },
    Part {
        name: "power-cut-xfs",
        arguments: &["power-cut", "--file-system", "xfs", "--controls", "4"],
        amount: Some(("--cuts", 100)),
    },
    Part {
        name: "power-cut-btrfs",
        arguments: &["power-cut", "--file-system", "btrfs", "--controls", "4"],
        amount: Some(("--cuts", 100)),
    },
    Part {
        name: "model",
        arguments: &["model"],
        amount: Some(("--schedules", 500_000)),
    },
    Part {
        name: "wasm-hash",
        arguments: &["wasm-hash"],
        amount: Some(("--seeds", 20_000)),
    },
    Part {
        name: "fuzz",
        arguments: &["fuzz"],
        amount: Some(("--seconds", 3_600)),
    },
    Part {
        name: "reproducible",
        arguments: &["reproducible"],
        amount: None,
    },
    Part {
        name: "reader",
        arguments: &["reader"],
        amount: None,
    },
];

/// Which, and how much.
#[derive(Args, Default)]
pub struct Options {
    /// Only these parts; all unless given.
    #[arg(long)]
    only: Vec<String>,
    /// This much of the counts, to see that everything runs; `--quick` is a hundredth.
    #[arg(long)]
    percent: Option<u64>,
}

/// Runs the parts, also after one failed.
///
/// # Errors
/// When a part is asked for that there is none of, or this program cannot be started.
pub fn run(options: &Options, quick: bool) -> Result<Outcome> {
    for name in &options.only {
        let names: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
        ensure!(
            names.contains(&name.as_str()),
            "there is no part {name}; there are {}",
            names.join(", ")
        );
    }
    let percent = options.percent.unwrap_or(if quick { 1 } else { 100 });
    let is_chosen =
        |part: &&Part| options.only.is_empty() || options.only.iter().any(|only| only == part.name);
    let chosen: Vec<&Part> = PARTS.iter().filter(is_chosen).collect();
    let begun = Instant::now();
    let mut outcome = Outcome::default();
    let mut answers = Vec::new();
    let mut table = String::new();
    for (turn, part) in chosen.iter().enumerate() {
        eprintln!(
            "\n== {} ({} of {}, after {:.0} s)",
            part.name,
            turn + 1,
            chosen.len(),
            begun.elapsed().as_secs_f64()
        );
        let arguments = arguments(part, percent);
        let command = format!("cargo xtask {}", arguments.join(" "));
        let started = Instant::now();
        let answer = ask(&arguments)
            .unwrap_or_else(|error| json!({ "ok": false, "failures": [format!("{error:#}")] }));
        let seconds = started.elapsed().as_secs_f64();
        let held = answer["ok"] == true;
        outcome.claim(held, format!("{}: {command}", part.name));
        outcome.skips.extend(skips(&answer));
        // A String takes every write.
        let _ = writeln!(
            table,
            "{:<16} {:<7} {:>9.1} s  {command}",
            part.name,
            if held { "held" } else { "FAILED" },
            seconds
        );
        answers.push(json!({
            "name": part.name,
            "command": command,
            "ok": held,
            "seconds": rounded(seconds),
            "answer": answer,
        }));
    }
    eprintln!("\n{table}");
    outcome.fact("percent", percent);
    outcome.fact("parts", answers);
    Ok(outcome)
}

fn arguments(part: &Part, percent: u64) -> Vec<String> {
    let mut arguments: Vec<String> = part.arguments.iter().map(|&word| word.into()).collect();
    if let Some((option, amount)) = part.amount {
        let scaled = (amount / 100 * percent).max(1);
        arguments.extend([option.to_owned(), scaled.to_string()]);
    }
    arguments
}

fn ask(arguments: &[String]) -> Result<Value> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let (status, text) = Call::new(program).args(arguments).arg("--json").answer()?;
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).with_context(|| format!("it printed {line:?} and ended ({status})"))
}

fn skips(answer: &Value) -> Vec<Skip> {
    let word = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let entries = answer["skips"].as_array().into_iter().flatten();
    entries
        .map(|entry| Skip {
            name: word(entry, "name"),
            reason: word(entry, "reason"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_scaled_and_never_nothing() {
        let part = Part {
            name: "kill",
            arguments: &["kill"],
            amount: Some(("--runs", 1_000)),
        };
        assert_eq!(arguments(&part, 100), ["kill", "--runs", "1000"]);
        assert_eq!(arguments(&part, 2), ["kill", "--runs", "20"]);
        assert_eq!(arguments(&part, 0), ["kill", "--runs", "1"]);
    }
}
