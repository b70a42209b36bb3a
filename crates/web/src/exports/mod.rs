//! What the npm package's TypeScript calls: classes around the engine.
//!
//! Owns the translation between JavaScript's values and the engine's, and nothing
//! else: every rule is the engine's. The classes are private to the package; what
//! users see is `js/src`. Each takes `&self`, so that calls may overlap in any number:
//! the engine puts them in order, by the order in which they were made.

mod error;
mod follows;
mod log;
mod options;
mod portable;
mod reports;
mod storage;
mod stores;

pub use log::WebLog;
pub use stores::WebStores;
