//! `tidelog-bench`: measures tidelog beside the raw disk and peers from the
//! registry. Nothing depends on it.

mod machine;
mod native;
mod peers;
mod profile;
mod report;
mod rounds;
mod turns;
mod workload;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::native::Effort;
use crate::report::Report;

/// Measures tidelog beside the raw disk and peers from the registry.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The native table of docs/BENCHMARKS.md.
    Native {
        /// Print one JSON object instead of a table.
        #[arg(long)]
        json: bool,
        /// Fewer records and rounds: to see that it runs, not to measure.
        #[arg(long)]
        quick: bool,
        /// Measure only what has this in its name.
        #[arg(long, value_name = "NAME")]
        only: Option<String>,
        /// Where to make the directories that are written to. A disk, not memory.
        #[arg(long, value_name = "DIR", default_value = "target/bench")]
        dir: PathBuf,
        /// Rounds of each measurement.
        #[arg(long)]
        rounds: Option<usize>,
    },
    /// Runs one hot path and nothing else, for a profiler.
    Profile {
        /// Which one.
        path: profile::HotPath,
        /// Operations.
        #[arg(long, default_value_t = 100_000)]
        count: u64,
        /// Where to make the directory that is written to.
        #[arg(long, value_name = "DIR", default_value = "target/bench")]
        dir: PathBuf,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Native {
            json,
            quick,
            only,
            dir,
            rounds,
        } => {
            let mut effort = if quick {
                Effort::quick(dir)
            } else {
                Effort::full(dir)
            };
            effort.rounds = rounds.unwrap_or(effort.rounds).max(1);
            let mut report = Report::begin(machine::describe()?, machine::today(), json);
            native::run(&effort, only.as_deref(), &mut report)?;
            report.print()
        }
        Command::Profile { path, count, dir } => profile::run(path, count, &dir),
    }
}
