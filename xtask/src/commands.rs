//! One file per command.

pub mod bench;
pub mod browser;
pub mod ci;
pub mod corrupt;
pub mod demo;
pub mod deny;
pub mod faults;
pub mod fuzz;
pub mod golden;
pub mod kill;
pub mod lint;
pub mod miri;
pub mod model;
pub mod no_std;
pub mod power_cut;
pub mod reader;
pub mod reproducible;
pub mod setup;
pub mod sim;
pub mod soak;
pub mod test;
pub mod tidy;
pub mod vectors;
pub mod wasm;
pub mod wasm_hash;
