//! Owns what an exploration has counted and found.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use tidelog_core::BlobKind;

use crate::sim::{Crashed, Fault, Moment, Survivors, Torn};

/// Failures kept of each sort: the first ones tell enough.
const FAILURES_KEPT: usize = 2;

/// A crash state after which a promise was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The script.
    pub script: &'static str,
    /// The seed of the run.
    pub seed: u64,
    /// The [`Address`](super::Address) of the state.
    pub state: String,
    /// What was wrong with the disk during the run.
    pub fault: Option<Fault>,
    /// What had just begun or ended when the machine stopped.
    pub event: &'static str,
    /// The promise broken.
    pub sentence: String,
}

impl Broken {
    /// The sentence without its numbers: failures of one sort differ in them.
    fn sort(&self) -> (&'static str, String) {
        let sentence = self.sentence.split(" (").next().unwrap_or_default();
        let digits = |character: &char| !character.is_ascii_digit();
        (self.event, sentence.chars().filter(digits).collect())
    }

    /// The command that judges exactly this state again.
    #[must_use]
    pub fn command(&self) -> String {
        let Self {
            script,
            seed,
            state,
            ..
        } = self;
        format!("tidelog-sim --seed {seed} --script {script} --state {state}")
    }
}

type Operation = (&'static str, Option<BlobKind>);

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Crash states made, equal ones included.
    pub states: u64,
    /// Distinct crash states, each judged once: script, image, acknowledgements.
    pub distinct: u64,
    /// Failures, the first few of them.
    pub failures: Vec<Broken>,
    /// How many states failed.
    pub failed: u64,
    coverage: BTreeMap<Operation, BTreeMap<(Survivors, Option<Torn>), u64>>,
    keys: HashSet<u64, BuildHasherDefault<Plain>>,
}

impl Tally {
    /// Counts a state. False if it was judged before.
    pub(super) fn count(&mut self, key: u64, moment: &Moment, crashed: &Crashed) -> bool {
        self.states += 1;
        if !self.keys.insert(key) {
            return false;
        }
        self.distinct += 1;
        let cell = self
            .coverage
            .entry((moment.event, moment.kind))
            .or_default();
        *cell.entry((crashed.survivors, crashed.torn)).or_default() += 1;
        true
    }

    /// Counts damage to a blob. False if it was judged before.
    pub(super) fn count_damage(&mut self, key: u64, kind: BlobKind) -> bool {
        self.states += 1;
        if !self.keys.insert(key) {
            return false;
        }
        self.distinct += 1;
        let cell = self.coverage.entry(("damage", Some(kind))).or_default();
        *cell.entry((Survivors::All, None)).or_default() += 1;
        true
    }

    pub(super) fn fail(&mut self, broken: Broken) {
        self.failed += 1;
        let sort = broken.sort();
        let known = self.failures.iter().filter(|known| known.sort() == sort);
        if known.count() < FAILURES_KEPT {
            self.failures.push(broken);
        }
    }

    /// Adds what another exploration, of another script or seed, has counted.
    pub fn add(&mut self, other: Self) {
        self.states += other.states;
        self.distinct += other.distinct;
        self.failed += other.failed;
        self.failures.extend(other.failures);
        for (operation, cells) in other.coverage {
            let mine = self.coverage.entry(operation).or_default();
            for (cell, count) in cells {
                *mine.entry(cell).or_default() += count;
            }
        }
    }

    /// The states judged, by the operation that had just begun or ended, and by
    /// survivors x tear.
    #[must_use]
    pub fn coverage(&self) -> BTreeMap<String, BTreeMap<String, u64>> {
        let operation = |(event, kind): &Operation| match kind {
            Some(kind) => format!("{event} {}", kind.as_str()),
            None => (*event).to_string(),
        };
        let cell = |(survivors, torn): &(Survivors, Option<Torn>)| {
            let torn = torn.map_or_else(|| "whole".to_string(), Torn::name);
            format!("{} x {torn}", survivors.as_str())
        };
        self.coverage
            .iter()
            .map(|(key, cells)| {
                let cells = cells.iter().map(|(key, count)| (cell(key), *count));
                (operation(key), cells.collect())
            })
            .collect()
    }
}

/// Keys are hashes already.
#[derive(Clone, Debug, Default)]
struct Plain(u64);

impl Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = crate::random::digest(self.0, bytes);
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}
