//! Owns the random lives of a log: each seed is four generations of 120
//! steps, drawn from every verb there is, with a crash between generations.
//!
//! A seed means the same everywhere: nothing here reads a clock, starts a thread,
//! or depends on the width of a pointer or on the order of a hash map, so that
//! another architecture can be held against this one.

mod life;
mod verb;

use std::rc::Rc;

use tidelog_core::{Compression, Durability, Indexes, Options, Retention, limits};

use crate::engine::{LogEngine, Medium};
use crate::generate::Sizes;
use crate::model::Model;
use crate::panics;
use crate::random::{self, Random};
use crate::run::Run;
use crate::sim::{
    self, Claims, Crashes, Cut, Disk, Effect, Fault, Landed, Listing, Machine, Notes, Operation,
    Setup, SimStore, Window,
};

use life::Life;

pub use verb::{Counts, Mix, Verb};

/// Lives of the log between two crashes.
pub const GENERATIONS: u64 = 4;

/// Steps of one generation.
pub const STEPS: u64 = 120;

const LEVELS: [Durability; 3] = [Durability::Buffered, Durability::Stored, Durability::Synced];

/// Store operations of one generation at most.
const OPERATIONS_MAX: u64 = 100_000;

/// Where a life takes place.
#[derive(Clone, Debug)]
pub enum Place {
    /// On a simulated disk, with every crash that it can have.
    Simulated,
    /// In memory, or in a folder, as this says: between generations processes are killed.
    Standing(Setup),
}

/// What came of a seed.
#[derive(Clone, Debug, Default)]
pub struct Lived {
    /// A hash of all that was observed.
    pub observed: u64,
    /// What was done.
    pub counts: Counts,
}

/// Lives all generations of `seed`, holding everything read against what was
/// sent and acknowledged. A hash of all that was observed: answers, reads and
/// disk images. The same seed has the same hash on every platform.
///
/// # Errors
/// The promise broken, and when.
pub fn run(seed: u64) -> Result<u64, String> {
    let lived = lived::<SimStore>(seed, Mix::Lives, &Place::Simulated, None);
    lived.map(|lived| lived.observed)
}

/// As [`run`], and tells in `notes` every step and every operation of the store.
///
/// # Errors
/// As for [`run`]; a panic is a failure like any other.
pub fn run_noted(seed: u64, notes: &Notes) -> Result<u64, String> {
    let noted = live::<SimStore>(seed, Mix::Lives, &Place::Simulated, Some(notes));
    noted.map(|lived| lived.observed)
}

/// Lives all generations of `seed` on a store of one's choice, with these verbs.
///
/// # Errors
/// As for [`run`]; a panic is a failure like any other.
pub fn live<S: Medium>(
    seed: u64,
    mix: Mix,
    place: &Place,
    notes: Option<&Notes>,
) -> Result<Lived, String> {
    panics::caught(|| lived::<S>(seed, mix, place, notes))
}

fn lived<S: Medium>(
    seed: u64,
    mix: Mix,
    place: &Place,
    notes: Option<&Notes>,
) -> Result<Lived, String> {
    let mut random = Random::new(random::mix(seed ^ 0x5EED));
    let plan = Plan::draw(&mut random);
    let mut disk = Disk::default();
    let mut model = Rc::new(Model::default());
    let mut options = plan.options;
    let mut cut = Cut::Power;
    let mut lived = Lived {
        observed: random::mix(seed),
        counts: Counts::new(),
    };
    for generation in 0..GENERATIONS {
        let origin = random::mix(seed ^ (generation << 56) ^ 1);
        let setup = Setup {
            notes: notes.cloned(),
            ..plan.setup(&mut random, place)
        };
        let machine = Machine::with_disk(disk, setup, origin);
        let run = Run::<LogEngine<S>>::new(machine, model, options, plan.sizes, origin);
        let mut life = Life::new(&run, mix, lived.observed);
        let outcome = sim::run(run.machine(), life.live(cut, STEPS));
        outcome
            .map_err(|stuck| stuck.to_string())
            .and_then(|outcome| outcome.map_err(|failure| failure.to_string()))
            .and_then(|()| run.machine().behaved())
            .map_err(|sentence| format!("generation {generation}, {life}: {sentence}"))?;
        lived.observed = life.observed();
        for (verb, count) in life.counts() {
            *lived.counts.entry(verb).or_default() += count;
        }
        model = run.model();
        options = run.options();
        cut = match place {
            Place::Simulated if random.one_in(2) => Cut::Power,
            _ => Cut::Kill,
        };
        let before = run.machine().disk();
        let geometry = plan.setup.geometry;
        let crashes = Crashes::new(&before, cut, geometry.atomic_append, geometry.blast_radius);
        let crashed = crashes.get(random.below(crashes.len()));
        let left = random::mix(lived.observed ^ crashed.digest);
        lived.observed = left ^ random::mix(model.digest());
        disk = crashed.disk;
    }
    Ok(lived)
}

/// Lives `seed` twice.
///
/// # Errors
/// As for [`run`], or that the two differ.
pub fn run_twice(seed: u64) -> Result<u64, String> {
    let (first, second) = (run(seed)?, run(seed)?);
    if first == second {
        return Ok(first);
    }
    Err(format!(
        "the same seed was observed as {first:016x} and as {second:016x}"
    ))
}

/// As [`run_twice`]; a panic is a failure like any other.
///
/// # Errors
/// As for [`run_twice`].
pub fn judge(seed: u64) -> Result<u64, String> {
    panics::caught(|| run_twice(seed))
}

/// Adds a seed and its hash to a hash over many, in whatever order they come.
#[must_use]
pub const fn combine(all: u64, seed: u64, hash: u64) -> u64 {
    all.wrapping_add(random::mix(random::mix(seed) ^ hash))
}

/// What stays the same for all generations of a seed.
struct Plan {
    setup: Setup,
    options: Options,
    sizes: Sizes,
}

impl Plan {
    fn draw(random: &mut Random) -> Self {
        let mut setup = Setup {
            pace: random.below(4).saturating_sub(1),
            operations_max: OPERATIONS_MAX,
            ..Setup::default()
        };
        if random.one_in(4) {
            setup.claims = Claims::Epochs;
        }
        match random.below(8) {
            0 => setup.geometry.atomic_append = true,
            1 => setup.geometry.blast_radius = 512,
            // Only stores of whole objects count appends.
            2 => {
                setup.geometry.atomic_append = true;
                setup.geometry.appends_max = 6;
            }
            _ => {}
        }
        let compressions = [Compression::None, Compression::Lz4, Compression::Deflate];
        let compressed = random.one_in(4);
        let options = Options {
            durability: Some(LEVELS[random.index(3)]),
            compression: compressed.then(|| compressions[random.index(3)]),
            segment_bytes: Some(limits::SEGMENT_MIN << random.below(2)),
            // Named, so that a change that failed, and was written, is undone by opening.
            retention: Some(Retention::default()),
            indexes: Some(Indexes {
                keys: random.one_in(2),
                times: random.one_in(2),
            }),
            ..Options::default()
        };
        let sizes = Sizes {
            records: 1 + random.index(3),
            value: 16 << random.below(4),
        };
        Self {
            setup,
            options,
            sizes,
        }
    }

    /// The machine of one generation; one in three meets a fault.
    fn setup(&self, random: &mut Random, place: &Place) -> Setup {
        let mut setup = self.setup.clone();
        if let Place::Standing(standing) = place {
            setup.home = standing.home.clone();
            setup.memory = standing.memory.clone();
        }
        setup.listing = Listing::ALL[random.index(Listing::ALL.len())];
        if random.one_in(3) && setup.memory.is_none() {
            setup.faults.push(fault(random));
        }
        setup
    }
}

/// A fault that says so: after it, what was acknowledged is still there.
fn fault(random: &mut Random) -> Fault {
    const FAULTS: [(Operation, Effect); 11] = [
        (Operation::Append, Effect::Fails(Landed::Nothing)),
        (Operation::Append, Effect::Fails(Landed::Half)),
        (Operation::Append, Effect::Fails(Landed::Whole)),
        (Operation::Append, Effect::Full(Landed::Nothing)),
        (Operation::Append, Effect::Full(Landed::Half)),
        (Operation::Append, Effect::Full(Landed::Whole)),
        (Operation::Sync, Effect::SyncFails(Window::Kept)),
        (Operation::Sync, Effect::SyncFails(Window::Dropped)),
        (Operation::Sync, Effect::SyncFails(Window::HalfKept)),
        (Operation::Read, Effect::Fails(Landed::Nothing)),
        (Operation::List, Effect::Fails(Landed::Nothing)),
    ];
    let (operation, effect) = FAULTS[random.index(FAULTS.len())];
    Fault::once(operation, random.below(60), effect)
}

#[cfg(test)]
mod tests {
    use super::{combine, run, run_twice};

    #[test]
    fn a_seed_has_one_hash_and_others_have_others() {
        let hashes: Vec<u64> = (0..40).map(|seed| run_twice(seed).unwrap()).collect();
        let mut unique = hashes.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), hashes.len());
    }

    #[test]
    fn the_order_of_seeds_does_not_matter() {
        let (one, two) = (run(1).unwrap(), run(2).unwrap());
        let there = combine(combine(0, 1, one), 2, two);
        let back = combine(combine(0, 2, two), 1, one);
        assert_eq!(there, back);
        assert_ne!(there, combine(combine(0, 1, two), 2, one));
    }
}
