//! Owns the random lives of a log: each seed is four generations of about 150
//! steps, drawn from every verb there is, with a crash between generations.
//!
//! A seed means the same everywhere: nothing here reads a clock, starts a thread,
//! or depends on the width of a pointer or on the order of a hash map, so that
//! another architecture can be held against this one.

mod life;

use std::rc::Rc;

use tidelog_core::{Compression, Durability, Options, limits};

use crate::engine::LogEngine;
use crate::generate::Sizes;
use crate::model::Model;
use crate::panics;
use crate::random::{Random, mix};
use crate::run::Run;
use crate::sim::{
    self, Claims, Crashes, Cut, Disk, Effect, Fault, Landed, Listing, Machine, Notes, Operation,
    Setup, Window,
};

use life::Life;

/// Lives of the log between two crashes.
pub const GENERATIONS: u64 = 4;

/// Steps of one generation.
pub const STEPS: u64 = 150;

const LEVELS: [Durability; 3] = [Durability::Buffered, Durability::Stored, Durability::Synced];

/// Store operations of one generation at most.
const OPERATIONS_MAX: u64 = 100_000;

/// Lives all generations of `seed`, holding everything read against what was
/// sent and acknowledged. A hash of all that was observed: answers, reads and
/// disk images. The same seed has the same hash on every platform.
///
/// # Errors
/// The promise broken, and when.
pub fn run(seed: u64) -> Result<u64, String> {
    lived(seed, None)
}

/// As [`run`], and tells in `notes` every step and every operation of the store.
///
/// # Errors
/// As for [`run`]; a panic is a failure like any other.
pub fn run_noted(seed: u64, notes: &Notes) -> Result<u64, String> {
    panics::caught(|| lived(seed, Some(notes)))
}

fn lived(seed: u64, notes: Option<&Notes>) -> Result<u64, String> {
    let mut random = Random::new(mix(seed ^ 0x5EED));
    let plan = Plan::draw(&mut random);
    let mut disk = Disk::default();
    let mut model = Rc::new(Model::default());
    let mut cut = Cut::Power;
    let mut observed = mix(seed);
    for generation in 0..GENERATIONS {
        let origin = mix(seed ^ (generation << 56) ^ 1);
        let setup = Setup {
            notes: notes.cloned(),
            ..plan.setup(&mut random)
        };
        let machine = Machine::with_disk(disk, setup, origin);
        let run = Run::new(machine, model, plan.options, plan.sizes, origin);
        let mut life = Life::new(&run, observed);
        let lived = sim::run(run.machine(), life.live(cut, STEPS));
        lived
            .map_err(|stuck| stuck.to_string())
            .and_then(|lived| lived.map_err(|failure| failure.to_string()))
            .and_then(|()| well_behaved(run.machine()))
            .map_err(|sentence| format!("generation {generation}, {life}: {sentence}"))?;
        observed = life.observed();
        model = run.model();
        cut = if random.one_in(2) {
            Cut::Kill
        } else {
            Cut::Power
        };
        let before = run.machine().disk();
        let geometry = plan.setup.geometry;
        let crashes = Crashes::new(&before, cut, geometry.atomic_append, geometry.blast_radius);
        let crashed = crashes.get(random.below(crashes.len()));
        observed = mix(observed ^ crashed.digest) ^ mix(model.digest());
        disk = crashed.disk;
    }
    Ok(observed)
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
    all.wrapping_add(mix(mix(seed) ^ hash))
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
    fn setup(&self, random: &mut Random) -> Setup {
        let mut setup = self.setup.clone();
        setup.listing = Listing::ALL[random.index(Listing::ALL.len())];
        if random.one_in(3) {
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

fn well_behaved(machine: &Machine) -> Result<(), String> {
    if machine.ran_away() {
        return Err("the engine asks for one store operation after the other".into());
    }
    match machine.created_twice() {
        Some(blob) => Err(format!("{blob} was created twice")),
        None => Ok(()),
    }
}

/// The engine that lives.
type Engine = LogEngine;

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
