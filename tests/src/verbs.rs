//! Every verb there is, in any order, in memory, on files and on a disk that crashes:
//! whatever a log answers is held against the model of it.
//!
//! Half of the seeds are the same in each run, half are fresh. A failure names its seed,
//! and `TIDELOG_SEED=N` lives that one alone.

use std::env;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::rc::Rc;

use tidelog_core::MemoryStore;
use tidelog_testkit::engine::Medium;
use tidelog_testkit::seeds::{self, Counts, GENERATIONS, Mix, Place, STEPS};
use tidelog_testkit::sim::{Setup, SimStore};

#[path = "faults/files.rs"]
mod files;

use files::Files;

/// Steps in all.
const OPERATIONS: u64 = 100_000;

/// Steps in memory, on files and on disks that crash.
const SHARES: [u64; 3] = [
    OPERATIONS * 40 / 100,
    OPERATIONS * 15 / 100,
    OPERATIONS * 45 / 100,
];

const _: () = assert!(SHARES[0] + SHARES[1] + SHARES[2] == OPERATIONS);

/// One verb in a share, at least.
const RAREST: u64 = 20;

/// Lives seeds until so many steps were done, and each verb often enough.
fn live<S: Medium>(share: u64, place: impl Fn(u64) -> Place) {
    let one = |seed: u64| {
        let lived = seeds::live::<S>(seed, Mix::Verbs, &place(seed), None);
        let lived = lived.unwrap_or_else(|sentence| {
            panic!("seed {seed}: {sentence}; TIDELOG_SEED={seed} repeats it")
        });
        lived.counts
    };
    if let Ok(seed) = env::var("TIDELOG_SEED") {
        one(seed.parse().expect("TIDELOG_SEED is a number"));
        return;
    }
    let lives = share.div_ceil(GENERATIONS * STEPS);
    let fresh = RandomState::new().build_hasher().finish();
    let (fixed, others) = (1..=lives / 2, 0..lives - lives / 2);
    let others = others.map(|at| fresh.wrapping_add(at));
    println!(
        "{} seeds from 1, {} from {fresh}",
        lives / 2,
        lives - lives / 2
    );
    let mut counts = Counts::new();
    for seed in fixed.chain(others) {
        for (verb, count) in one(seed) {
            *counts.entry(verb).or_default() += count;
        }
    }
    println!("{counts:?}");
    let done: u64 = counts.values().sum();
    assert!(done >= share, "only {done} steps of {share}");
    for verb in Mix::Verbs.verbs() {
        let count = counts.get(&verb).copied().unwrap_or(0);
        assert!(count >= RAREST, "{verb:?} came only {count} times");
    }
}

#[test]
fn every_verb_in_memory_is_as_the_model_says() {
    live::<Rc<MemoryStore>>(SHARES[0], |_| {
        let places = [Rc::new(MemoryStore::new()), Rc::new(MemoryStore::new())];
        Place::Standing(Setup::holding(places))
    });
}

#[test]
fn every_verb_on_files_is_as_the_model_says() {
    // What a sync takes would be most of it, and no power is cut here.
    let memory = Path::new("/dev/shm");
    let folder = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    let folder = folder.expect("a folder");
    live::<Files>(SHARES[1], |seed| {
        Place::Standing(Setup {
            home: Some(folder.path().join(seed.to_string()).into()),
            ..Setup::default()
        })
    });
}

#[test]
fn every_verb_on_disks_that_crash_is_as_the_model_says() {
    live::<SimStore>(SHARES[2], |_| Place::Simulated);
}
