//! Owns the list of scripts: what an engine is made to do while the simulator
//! watches, so that every rule of crash safety has one that breaks without it.

mod durability;

use std::future::Future;
use std::pin::Pin;

use tidelog_core::Options;

use crate::engine::Engine;
use crate::generate::Sizes;
use crate::random::Random;
use crate::run::{Failure, Run};
use crate::sim::Setup;

/// The machine and the log a script runs on.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The machine.
    pub setup: Setup,
    /// How its logs are opened.
    pub options: Options,
    /// How large its batches are.
    pub sizes: Sizes,
}

/// A script being played.
pub type Play<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + 'a>>;

/// Something an engine is made to do.
pub struct Script<E> {
    /// Its name, stable: failures are repeated by it.
    pub name: &'static str,
    /// Draws the machine and the options it runs with.
    pub plan: fn(&mut Random) -> Plan,
    /// Plays it.
    pub play: for<'a> fn(&'a Run<E>) -> Play<'a>,
}

/// Every script, in a stable order.
#[must_use]
pub fn all<E: Engine>() -> Vec<Script<E>> {
    durability::scripts()
}
