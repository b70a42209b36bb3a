//! One file per command.

pub mod bench;
pub mod ci;
pub mod demo;
pub mod deny;
pub mod golden;
pub mod kill;
pub mod lint;
pub mod no_std;
pub mod reader;
pub mod setup;
pub mod sim;
pub mod test;
pub mod tidy;
pub mod wasm;
