//! What Rust programs rely on: threads that share a log, levels, names, locks
//! and the async twins, over files and in memory.

mod asynchronous;
mod clock;
mod handles;
mod levels;
mod names;
mod threads;
