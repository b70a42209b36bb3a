//! What tidelog is tested with. Nothing here may be a dependency of anything
//! but tests.

pub mod block_on;
pub mod conformance;
pub mod counting;
