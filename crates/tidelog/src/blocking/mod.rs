//! Logs for threads that wait. The same engine as the async API, run by the
//! calling threads: there is no executor and no thread in the background.
//!
//! All handles may be shared between threads. Threads that append to one log at
//! the same time are committed together: one of them leads the write, and the
//! sync if one is asked for, while the others park until theirs is part of a
//! finished commit.

mod log;
mod logs;
mod lookup;
mod patience;
mod reader;
mod typed;
mod wait;

/// What threads wait with. The model checker compiles `wait.rs` with its own.
mod parking {
    pub(super) use std::sync::atomic::AtomicBool;
    pub(super) use std::thread::{Thread, current, park};
}

pub use log::Log;
pub use logs::Logs;
pub use patience::{Cancel, Patience};
pub use reader::Reader;
pub use typed::TypedLog;
