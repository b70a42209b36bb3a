//! What the simulator's seeds come to as WebAssembly, for `cargo xtask wasm-hash`;
//! `run.mjs` prints it, and `main.rs` prints the same natively.
//!
//! Pointers are half as wide here, and nothing is at the same address. A hash that
//! differs shows something that depends on either, and must not.

use tidelog_testkit::{random, seeds};

/// The hash of one seed's life; of the sentence, where that broke a promise.
#[unsafe(no_mangle)]
pub extern "C" fn hash(seed: u64) -> u64 {
    seeds::run(seed).unwrap_or_else(|broken| random::digest(seed, broken.as_bytes()))
}
