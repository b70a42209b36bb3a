//! Owns the list of everything there is to explore, whatever engine it is about.

use super::{Address, Explorer, Keys, Swept, Tally};
use crate::engine::{CatalogEngine, Engine, LogEngine};
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
    sweep: Sweep,
}

type Explore = Box<dyn Fn(u64, u64, &Keys, bool) -> Tally>;
type Sweep = Box<dyn Fn(u64, u64, &Keys, &dyn Fn(&str)) -> Swept>;
type Repeat = Box<dyn Fn(u64, &Address, &Notes) -> Result<(), String>>;

impl Exploration {
    /// All there are, in a stable order.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let logs = scripts::all().into_iter().map(Self::of::<LogEngine>);
        let catalogs = scripts::catalogs()
            .into_iter()
            .map(Self::of::<CatalogEngine>);
        let mut all: Vec<Self> = logs.chain(catalogs).collect();
        all.push(Self::damaged());
        all
    }

    /// The one that hits what a script left.
    fn damaged() -> Self {
        let script = scripts::damaged::<LogEngine>();
        let (again, swept) = (script.clone(), script.clone());
        Self {
            name: script.name,
            sweep: Box::new(move |seed, crashes, keys, told| {
                Explorer::new(&swept, seed, keys, false).sweep(crashes, told)
            }),
            explore: Box::new(move |seed, states, keys, thorough| {
                let explorer = || Explorer::new(&script, seed, keys, thorough);
                let mut tally = explorer().explore(states / 2);
                tally.add(explorer().explore_damage(states / 2));
                tally
            }),
            repeat: Box::new(move |seed, address, notes| {
                let keys = Keys::default();
                let explorer = Explorer::new(&again, seed, &keys, true);
                match address.damage() {
                    Some(number) => explorer.repeat_damage(number, notes),
                    None => explorer.repeat(address, notes),
                }
            }),
        }
    }

    fn of<E: Engine + 'static>(script: Script<E>) -> Self {
        let (again, swept) = (script.clone(), script.clone());
        Self {
            name: script.name,
            sweep: Box::new(move |seed, crashes, keys, told| {
                Explorer::new(&swept, seed, keys, false).sweep(crashes, told)
            }),
            explore: Box::new(move |seed, states, keys, thorough| {
                let explorer = || Explorer::new(&script, seed, keys, thorough);
                let mut tally = explorer().explore(states);
                tally.add(explorer().explore_faults(states / FAULTS));
                tally
            }),
            repeat: Box::new(move |seed, address, notes| {
                Explorer::new(&again, seed, &Keys::default(), true).repeat(address, notes)
            }),
        }
    }

    /// Explores about `states` crash states of the script played with `seed`, and
    /// judges those that `keys` lacks.
    #[must_use]
    pub fn explore(&self, seed: u64, states: u64, keys: &Keys) -> Tally {
        (self.explore)(seed, states, keys, true)
    }

    /// As [`explore`](Self::explore), without every state that tears no write.
    #[must_use]
    pub fn sample(&self, seed: u64, states: u64, keys: &Keys) -> Tally {
        (self.explore)(seed, states, keys, false)
    }

    /// Plays the script with an error at every operation; see [`Explorer::sweep`].
    #[must_use]
    pub fn sweep(&self, seed: u64, crashes: u64, keys: &Keys, told: &dyn Fn(&str)) -> Swept {
        (self.sweep)(seed, crashes, keys, told)
    }

    /// Judges one state again; see [`Explorer::repeat`].
    ///
    /// # Errors
    /// The sentence of its failure.
    pub fn repeat(&self, seed: u64, address: &Address, notes: &Notes) -> Result<(), String> {
        (self.repeat)(seed, address, notes)
    }
}
