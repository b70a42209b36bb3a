//! The behaviours of a log as JSON scripts, the vectors, and what runs them on a
//! surface. `docs/VECTORS.md` is the description for whoever writes vectors, or a runner
//! in another language.
//!
//! `script` is what a vector says, `answer` what a surface answers, `surface` the trait
//! that joins them; the surfaces reached from Rust are in `surfaces`.
#![forbid(unsafe_code)]

pub mod answer;
pub mod bytes;
mod compare;
pub mod files;
pub mod number;
pub mod report;
pub mod rows;
pub mod runner;
pub mod schema;
pub mod script;
pub mod skips;
pub mod surface;
pub mod surfaces;
