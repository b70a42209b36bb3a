//! The verbs, one file each: its arguments and what it does with them.

pub mod append;
pub mod cat;
pub mod check;
pub mod export;
pub mod get;
pub mod import;
pub mod logs;
pub mod recover;
pub mod stat;
pub mod tail;
