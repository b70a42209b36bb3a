//! tidelog in browsers: what a page or a worker gives the engine.
//!
//! [`host::WebHost`] is the clock and the randomness. `stores` holds what
//! implements [`tidelog_core::BlockStore`] there. No engine logic.

pub mod exports;
pub mod host;
pub mod stores;
