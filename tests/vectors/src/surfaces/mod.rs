//! Owns the surfaces of this repository that are reached from Rust.

mod clock;
mod disk;
mod engine;
mod facade;
mod futures;
mod machine;
mod media;
mod process;
mod refusals;
mod translate;
mod verbs;

use crate::surface::Surface;

/// Their names.
pub const NAMES: [&str; 3] = ["rust", "rust-fs", "facade"];

/// The surface of this name.
pub fn named(name: &str) -> Option<Box<dyn Surface>> {
    match name {
        "rust" => Some(Box::new(engine::Engine::<media::Memory>::default())),
        "rust-fs" => Some(Box::new(engine::Engine::<media::Files>::default())),
        "facade" => Some(Box::new(facade::Facade::default())),
        _ => None,
    }
}
