//! Plays every script of the simulator with an error at every operation, on simulated
//! disks and on files, and prints one JSON object.

mod files;
mod report;
mod sweep;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use tidelog_testkit::explore::Address;

/// Which disks the scripts are played on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Disks {
    /// The simulator's.
    Simulated,
    /// Folders, through the file store.
    Files,
}

impl Disks {
    /// How the command line, and the object, call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
            Self::Files => "files",
        }
    }
}

/// Plays every script with an error at every operation, once and for ever.
///
/// Exit code 0: every promise kept. 1: a promise was broken. 2: it could not run.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Arguments {
    /// Play on these disks; on both unless given.
    #[arg(long)]
    store: Option<Disks>,
    /// Play only this script.
    #[arg(long)]
    script: Option<String>,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Play each script with this many seeds.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Crashes at what follows each error, beside the ones at the end.
    #[arg(long, default_value_t = 0)]
    crashes: u64,
    /// Play only this run of the script, as a failure names it.
    #[arg(long, requires_all = ["script", "store"])]
    state: Option<Address>,
    /// Print the object on one line.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.state {
        Some(address) => sweep::repeat(&arguments, address),
        None => sweep::run(&arguments),
    };
    match outcome {
        Ok(held) => ExitCode::from(u8::from(!held)),
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::from(2)
        }
    }
}
