//! The verbs, one file each: its arguments and what it does with them.

pub mod append;
pub mod backup;
pub mod cat;
pub mod check;
pub mod clear;
pub mod compact;
pub mod delete;
pub mod export;
pub mod get;
pub mod import;
pub mod index;
pub mod logs;
pub mod maintain;
pub mod recover;
pub mod retention;
pub mod stat;
pub mod tail;
pub mod trim;
