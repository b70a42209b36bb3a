//! Owns the list of everything there is to explore, whatever engine it is about.

use super::{Address, Explorer, Tally};
use crate::engine::Engine;
use crate::scripts::{self, Script};
use crate::sim::Notes;

/// Of the states of a script, one in so many comes from runs that met a fault.
const FAULTS: u64 = 4;

/// A script with the engine it is played on.
pub struct Exploration {
    /// The script's name.
    pub name: &'static str,
    explore: Explore,
    repeat: Repeat,
}

type Explore = Box<dyn Fn(u64, u64) -> Tally>;
type Repeat = Box<dyn Fn(u64, &Address, &Notes) -> Result<(), String>>;

impl Exploration {
    /// All there are, in a stable order.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let logs = scripts::all()
            .into_iter()
            .map(Self::of::<crate::engine::LogEngine>);
        let catalogs = scripts::catalogs().into_iter().map(Self::of);
        let mut all: Vec<Self> = logs.chain(catalogs).collect();
        all.push(Self::damaged());
        all
    }

    /// The one that hits what a script left.
    fn damaged() -> Self {
        let script = scripts::damaged();
        let again = script.clone();
        Self {
            name: script.name,
            explore: Box::new(move |seed, states| {
                let mut tally = Explorer::new(&script, seed).explore(states / 2);
                tally.add(Explorer::new(&script, seed).explore_damage(states / 2));
                tally
            }),
            repeat: Box::new(move |seed, address, notes| {
                let explorer = Explorer::new(&again, seed);
                match address.damage() {
                    Some(number) => explorer.repeat_damage(number, notes),
                    None => explorer.repeat(address, notes),
                }
            }),
        }
    }

    fn of<E: Engine + 'static>(script: Script<E>) -> Self {
        let again = script.clone();
        Self {
            name: script.name,
            explore: Box::new(move |seed, states| {
                let mut tally = Explorer::new(&script, seed).explore(states);
                tally.add(Explorer::new(&script, seed).explore_faults(states / FAULTS));
                tally
            }),
            repeat: Box::new(move |seed, address, notes| {
                Explorer::new(&again, seed).repeat(address, notes)
            }),
        }
    }

    /// Explores about `states` crash states of the script played with `seed`.
    #[must_use]
    pub fn explore(&self, seed: u64, states: u64) -> Tally {
        (self.explore)(seed, states)
    }

    /// Judges one state again; see [`Explorer::repeat`].
    ///
    /// # Errors
    /// The sentence of its failure.
    pub fn repeat(&self, seed: u64, address: &Address, notes: &Notes) -> Result<(), String> {
        (self.repeat)(seed, address, notes)
    }
}
