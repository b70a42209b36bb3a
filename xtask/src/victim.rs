//! Owns the process that tests of the real system kill, stop and lie to: what it is
//! told to do ([`Steps`]), the process itself ([`Process`]), and what must be left
//! of what it acknowledged ([`History`]).
//!
//! The process is `tidelog-victim` (tests/src/victim.rs). It judges nothing; all
//! expectations live here, outside of it.

mod calls;
mod history;
mod process;
mod removals;
mod steps;

pub use calls::{Call, KINDS, of_record, said_after_meddling};
pub use history::History;
pub use process::{Launch, Process, is_stopped, signal};
pub use steps::{Level, Step, Steps, Workload};

use anyhow::Result;

/// The log that the process works on.
pub const LOG: &str = "victim";

/// Lets the process take the steps, one after the other, until it is gone or there
/// are no more. Returns whether it is still there.
///
/// # Errors
/// When an answer breaks a promise, or is none.
pub fn play(
    process: &mut Process,
    history: &mut History,
    steps: impl IntoIterator<Item = Step>,
) -> Result<bool> {
    play_while(process, history, steps, |_| true)
}

/// As [`play`], as long as somebody `hears` the answers. After that the process goes on
/// appending, and what it says is not noted any more.
///
/// # Errors
/// As for [`play`].
pub fn play_while(
    process: &mut Process,
    history: &mut History,
    steps: impl IntoIterator<Item = Step>,
    hears: impl Fn(&History) -> bool,
) -> Result<bool> {
    for step in steps {
        if !hears(history) && !matches!(step, Step::Append { .. }) {
            continue;
        }
        let command = history.command(&step);
        let Some(answer) = process.ask(&command)? else {
            return Ok(false);
        };
        if hears(history) {
            history.note(&step, &answer)?;
        }
    }
    Ok(true)
}
