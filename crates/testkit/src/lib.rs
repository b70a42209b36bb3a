//! What tidelog is tested with. Nothing here may be a dependency of anything
//! but tests.

pub mod block_on;
pub mod conformance;
#[cfg(feature = "programs")]
pub mod corrupt;
pub mod counting;
pub mod engine;
pub mod explore;
pub mod generate;
#[cfg(feature = "programs")]
pub mod golden;
pub mod model;
pub mod oracle;
mod panics;
pub mod planted;
pub mod random;
pub mod run;
pub mod scripts;
pub mod seeds;
pub mod sim;
