//! The `tidelog` command: event logs in a directory, from the shell.
//!
//! `tidelog [--dir DIR] [--json] VERB LOG ...`; `tidelog --help` lists the verbs.
//! It is a thin layer over [`tidelog::blocking`]: one file per verb.
//!
//! With `--json` every verb answers in JSON whose names are stable, and an error
//! is one object `{"error":{"kind","message"}}` on the standard error output.
//!
//! # Exit codes
//!
//! | code | means |
//! |---|---|
//! | 0 | done; for `check`: healthy |
//! | 1 | failed, for a reason without a code of its own; for `check`: damaged |
//! | 2 | wrong usage; for `check` also: could not look |
//! | 3 | no such directory, file, log, offset, key or time |
//! | 4 | another writer holds the log, or took it over |
//! | 5 | no space is left |
//! | 6 | stored bytes are damaged |
//! | 7 | the input is malformed, or too large for a record |
//! | 8 | writing, or reading, is not allowed here |
//! | 141 | whoever read the output has gone |

mod amounts;
mod args;
mod batch;
mod counted;
mod creation;
mod error;
mod klevdb;
mod opening;
mod output;
mod progress;
mod record;
mod rows;
mod scan;
mod shape;
mod verbs;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind as UsageKind;

use args::{Cli, Verb};
use error::Failure;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error),
    };
    let shared = &cli.shared;
    let done = match &cli.verb {
        Verb::Append(append) => append.run(shared),
        Verb::Import(import) => import.run(shared),
        Verb::Cat(cat) => cat.run(shared),
        Verb::Tail(tail) => tail.run(shared),
        Verb::Get(get) => get.run(shared),
        Verb::Stat(stat) => stat.run(shared),
        Verb::Check(check) => check.run(shared),
        Verb::Recover(recover) => recover.run(shared),
        Verb::Backup(backup) => backup.run(shared),
        Verb::Export(export) => export.run(shared),
        Verb::Delete(delete) => delete.run(shared),
        Verb::Trim(trim) => trim.run(shared),
        Verb::Clear(clear) => clear.run(shared),
        Verb::Compact(compact) => compact.run(shared),
        Verb::Retention(retention) => retention.run(shared),
        Verb::Maintain(maintain) => maintain.run(shared),
        Verb::Index(index) => index.run(shared),
        Verb::Logs(logs) => logs.run(shared),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::tell(&failure, shared.json);
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Arguments that do not parse, and the requests for help among them.
fn not_understood(error: &clap::Error) -> ExitCode {
    let is_answer = matches!(
        error.kind(),
        UsageKind::DisplayHelp | UsageKind::DisplayVersion
    );
    // Nothing was parsed, so whether JSON is wanted must be seen by hand.
    if !is_answer && std::env::args_os().any(|argument| argument == "--json") {
        let failure = Failure::usage(error.to_string().trim_end());
        output::tell(&failure, true);
        return ExitCode::from(failure.exit_code());
    }
    match error.print() {
        Ok(()) if is_answer => ExitCode::SUCCESS,
        Ok(()) => ExitCode::from(2),
        Err(failed) => ExitCode::from(Failure::output(&failed).exit_code()),
    }
}
