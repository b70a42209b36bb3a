//! Owns the stores of the browser. Only they name a storage API.

mod error;
mod flights;
mod idb;
mod opfs;
mod web_locks;

pub use error::WebError;
pub use idb::{IdbOptions, IdbStore};
pub use opfs::{OpfsOptions, OpfsStore};
pub use tidelog_core::MemoryStore;
