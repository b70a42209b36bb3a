//! Logs for threads that wait. The same engine as the async API, run by the
//! calling threads: there is no executor and no thread in the background.
//!
//! All handles may be shared between threads. Threads that append to one log at
//! the same time are committed together: one of them leads the write, and the
//! sync if one is asked for, while the others park until theirs is part of a
//! finished commit.

mod log;
mod logs;
mod reader;
mod wait;

pub use log::Log;
pub use logs::Logs;
pub use reader::Reader;
