//! Owns the stores of the browser. Only they name a storage API.

pub use tidelog_core::MemoryStore;
