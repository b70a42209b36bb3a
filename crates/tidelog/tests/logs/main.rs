//! What Rust programs rely on: verbs, threads that share a log, waiting, levels, names, locks
//! and the async twins, over files and in memory.

mod asynchronous;
mod backup;
mod clock;
mod crowd;
mod handles;
mod levels;
mod names;
mod threads;
mod typed;
mod verbs;
mod waiting;
