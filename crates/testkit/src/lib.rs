//! What tidelog is tested with. Nothing here may be a dependency of anything
//! but tests.

pub mod block_on;
pub mod conformance;
pub mod counting;
pub mod engine;
pub mod explore;
pub mod generate;
pub mod golden;
pub mod model;
pub mod oracle;
pub mod random;
pub mod run;
pub mod scripts;
pub mod sim;
