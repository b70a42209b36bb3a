//! Owns the simulated machine: a disk that tells durable from not yet durable, a
//! [`BlockStore`](tidelog_core::BlockStore) on it, faults, crashes, and an
//! executor. It may not know what is inside a blob.
//!
//! A run happens once, with its [`Trace`] kept; every crash at every moment of it
//! is then made from the trace, without running anything again.

mod blob;
mod crash;
mod disk;
mod error;
mod executor;
mod fault;
mod host;
mod machine;
mod perform;
mod request;
mod setup;
mod state;
mod store;
mod tear;
mod trace;

#[cfg(test)]
mod tests;

pub use crash::{Crashed, Crashes, Cut, Survivors, Torn};
pub use disk::Disk;
pub use error::SimError;
pub use executor::{Crowd, Stuck, run, run_for};
pub use fault::{Effect, Fault, Landed, Listing, Operation, Window};
pub use host::SimHost;
pub use machine::Machine;
pub use setup::{Claims, Notes, Setup};
pub use state::Struck;
pub use store::{ELSEWHERE, SimStore};
pub use trace::{Moment, Trace};
