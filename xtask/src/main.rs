//! The repository's own tool: `cargo xtask COMMAND`. Owns the command line and
//! what its answers look like; each command has a file of its own under
//! `commands/`.
//!
//! Progress goes to stderr, the answer to stdout. Every check prints one JSON
//! object with `--json` and exits 0 when everything held, 1 when not.

mod budget;
mod call;
mod commands;
mod disk;
mod libtest;
mod outcome;
mod remap;
mod skips;
mod tidelog;
mod tools;
mod victim;
mod workspace;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::outcome::Outcome;
use crate::workspace::Workspace;

/// Builds, tests and shows tidelog.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What every check understands.
#[derive(Args, Clone, Copy)]
struct Checking {
    /// Print one JSON object on stdout.
    #[arg(long, global = true)]
    json: bool,
    /// Look at less: under 50 seconds once everything is built.
    #[arg(long, global = true)]
    quick: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Install what the other commands need, and print what is present.
    Setup(commands::setup::Options),
    /// Import real data, kill the import part-way, finish it, look at the result.
    Demo {
        #[command(flatten)]
        options: commands::demo::Options,
        #[command(flatten)]
        checking: Checking,
    },
    /// Run every test of every crate.
    Test {
        #[command(flatten)]
        checking: Checking,
    },
    /// Run everything that must hold before a change lands.
    Ci,
    /// Check formatting, lints and documentation.
    Lint {
        #[command(flatten)]
        checking: Checking,
    },
    /// Check what no compiler does: layers, limits, words, the format's fingerprint.
    Tidy {
        /// Record in docs/FORMAT.md that it describes the format code as it is now.
        #[arg(long)]
        bless_format: bool,
        #[command(flatten)]
        checking: Checking,
    },
    /// Check dependencies against deny.toml.
    Deny {
        #[command(flatten)]
        checking: Checking,
    },
    /// Prove that the engine links no std.
    NoStd {
        #[command(flatten)]
        checking: Checking,
    },
    /// Check that the engine and the file store compile for WebAssembly.
    Wasm {
        #[command(flatten)]
        checking: Checking,
    },
    /// Run tests of the engine under Miri, which notices undefined behaviour and leaks.
    Miri {
        #[command(flatten)]
        options: commands::miri::Options,
        #[command(flatten)]
        checking: Checking,
    },
    /// Run threads that share a log under many schedules, with a model checker.
    Model {
        #[command(flatten)]
        options: commands::model::Options,
        #[command(flatten)]
        checking: Checking,
    },
    /// Compare what the simulator's seeds come to natively and as WebAssembly under Node.
    WasmHash {
        #[command(flatten)]
        options: commands::wasm_hash::Options,
        #[command(flatten)]
        checking: Checking,
    },
    /// Build the engine as WebAssembly in two places, and compare the bytes.
    Reproducible {
        #[command(flatten)]
        checking: Checking,
    },
    /// Simulate crashes and faults of the store and judge what recovery makes of them.
    Sim {
        #[command(flatten)]
        options: commands::sim::Options,
        #[command(flatten)]
        checking: Checking,
    },
    /// Feed every decoder, and the log as a whole, with what libFuzzer comes up with.
    Fuzz {
        #[command(flatten)]
        options: commands::fuzz::Options,
        #[command(flatten)]
        checking: Checking,
    },
    /// Hit the golden images in every byte, and judge what the engine makes of them.
    Corrupt {
        #[command(flatten)]
        options: commands::corrupt::Options,
        #[command(flatten)]
        checking: Checking,
    },
    /// Play every script of the simulator with an error at every operation, on simulated
    /// disks and on files.
    Faults {
        #[command(flatten)]
        options: commands::faults::Options,
        #[command(flatten)]
        checking: Checking,
    },
    /// Kill, stop, refuse and lie to processes that write, and look for what they
    /// acknowledged.
    Kill {
        #[command(flatten)]
        options: commands::kill::Options,
        #[command(flatten)]
        checking: Checking,
    },
    /// Cut the power of a real file system, and look for what was acknowledged as synced.
    PowerCut {
        #[command(flatten)]
        options: commands::power_cut::Options,
        #[command(flatten)]
        checking: Checking,
    },
    /// Run the checks of reliability with large counts, one after the other: hours.
    Soak {
        #[command(flatten)]
        options: commands::soak::Options,
        #[command(flatten)]
        checking: Checking,
    },
    /// Measure; `cargo xtask bench native --json` gives the table of docs/BENCHMARKS.md.
    Bench {
        /// Passed on to the bench program.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        arguments: Vec<String>,
    },
    /// Weigh the npm package: growth has to be declared in `js/size.json`.
    Size {
        #[command(flatten)]
        checking: Checking,
    },
    /// Build the npm package, and test it in Chromium.
    Js {
        #[command(flatten)]
        checking: Checking,
    },
    /// Run the behaviours that are written down as JSON scripts on every surface.
    Vectors {
        #[command(flatten)]
        options: commands::vectors::Options,
        #[command(flatten)]
        checking: Checking,
    },
    /// Look at the stores of browsers in a real Chromium.
    Browser {
        #[command(subcommand)]
        look: commands::browser::Look,
        #[command(flatten)]
        checking: Checking,
    },
    /// Write the golden files anew; say so in CHANGELOG.md.
    Golden,
    /// Read the golden files with a second reader, which shares no code with the engine.
    Reader {
        #[command(flatten)]
        checking: Checking,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<bool> {
    let workspace = Workspace::find()?;
    match command {
        Command::Setup(options) => commands::setup::run(&workspace, &options),
        Command::Ci => commands::ci::run(&workspace),
        Command::Bench { arguments } => commands::bench::run(&workspace, &arguments).map(|()| true),
        Command::Golden => commands::golden::run(&workspace).map(|()| true),
        Command::Demo { options, checking } => answer("demo", checking, || {
            commands::demo::run(&workspace, &options, checking.quick)
        }),
        Command::Test { checking } => answer("test", checking, || {
            commands::test::run(&workspace, checking.quick)
        }),
        Command::Lint { checking } => answer("lint", checking, || {
            commands::lint::run(&workspace, checking.quick)
        }),
        Command::Tidy {
            bless_format,
            checking,
        } => answer("tidy", checking, || {
            if bless_format {
                commands::tidy::bless_format(&workspace)?;
            }
            commands::tidy::run(&workspace)
        }),
        Command::Deny { checking } => answer("deny", checking, || commands::deny::run(&workspace)),
        Command::NoStd { checking } => {
            answer("no-std", checking, || commands::no_std::run(&workspace))
        }
        Command::Wasm { checking } => answer("wasm", checking, || commands::wasm::run(&workspace)),
        Command::Reader { checking } => answer("reader", checking, || {
            commands::reader::run(&workspace, checking.quick)
        }),
        Command::Miri { options, checking } => answer("miri", checking, || {
            commands::miri::run(&workspace, &options, checking.quick)
        }),
        Command::Model { options, checking } => answer("model", checking, || {
            commands::model::run(&workspace, &options, checking.quick)
        }),
        Command::WasmHash { options, checking } => answer("wasm-hash", checking, || {
            commands::wasm_hash::run(&workspace, &options, checking.quick)
        }),
        Command::Reproducible { checking } => answer("reproducible", checking, || {
            commands::reproducible::run(&workspace)
        }),
        Command::Sim { options, checking } => answer("sim", checking, || {
            commands::sim::run(&workspace, &options, checking.quick)
        }),
        Command::Corrupt { options, checking } => answer("corrupt", checking, || {
            commands::corrupt::run(&workspace, &options, checking.quick)
        }),
        Command::Faults { options, checking } => answer("faults", checking, || {
            commands::faults::run(&workspace, &options, checking.quick)
        }),
        Command::Soak { options, checking } => answer("soak", checking, || {
            commands::soak::run(&options, checking.quick)
        }),
        Command::PowerCut { options, checking } => answer("power-cut", checking, || {
            commands::power_cut::run(&workspace, &options, checking.quick)
        }),
        Command::Fuzz { options, checking } => answer("fuzz", checking, || {
            commands::fuzz::run(&workspace, &options, checking.quick)
        }),
        Command::Size { checking } => answer("size", checking, || commands::size::run(&workspace)),
        Command::Js { checking } => answer("js", checking, || commands::js::run(&workspace)),
        Command::Vectors { options, checking } => answer("vectors", checking, || {
            commands::vectors::run(&workspace, &options)
        }),
        Command::Browser { look, checking } => answer("browser", checking, || {
            commands::browser::run(&workspace, &look, checking.quick)
        }),
        Command::Kill { options, checking } => answer("kill", checking, || {
            commands::kill::run(&workspace, &options, checking.quick)
        }),
    }
}

/// Runs one check and prints what came of it. An error of the check itself is an
/// answer too, so that `--json` always prints an object.
fn answer(name: &str, checking: Checking, check: impl FnOnce() -> Result<Outcome>) -> Result<bool> {
    let start = Instant::now();
    let outcome = check().unwrap_or_else(|error| Outcome::broken(&error));
    let seconds = start.elapsed().as_secs_f64();
    if checking.json {
        println!("{}", outcome.to_json(name, seconds));
    } else {
        print!("{}", outcome.to_text(name, seconds));
    }
    Ok(outcome.held())
}
