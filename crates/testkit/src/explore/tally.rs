//! Owns what an exploration has counted and found.

use tidelog_core::BlobKind;

use super::coverage::Coverage;
use crate::sim::{Crashed, Cut, Fault, Moment, Survivors};

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
    /// Of the distinct states, those that were also written to, and read once more.
    pub lived_on: u64,
    /// Of the distinct states, those that were also looked at by a reader first.
    pub looked_at: u64,
    /// Acknowledged batches that a lying disk took: allowed, and counted.
    pub lost_to_lies: u64,
    /// Which cells of the table of crashes they are in.
    pub coverage: Coverage,
}

impl Tally {
    /// Counts a state, inside as many recoveries. What one equal to it was judged to
    /// be holds for it.
    pub(super) fn count(&mut self, moment: &Moment, crashed: &Crashed, cut: Cut, depth: usize) {
        self.states += 1;
        let operation = (moment.event, moment.kind);
        self.coverage
            .count(operation, crashed.survivors, crashed.torn);
        self.coverage.count_other("cut", cut.as_str());
        self.coverage.count_other("around a write", crashed.around);
        self.coverage
            .count_other("depth", ["0", "1", "2", "3"][depth.min(3)]);
    }

    /// Counts damage to a blob that was not judged before.
    pub(super) fn count_damage(&mut self, kind: BlobKind) {
        self.distinct += 1;
        let operation = ("damage", Some(kind));
        self.coverage.count(operation, Survivors::All, None);
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
        self.lived_on += other.lived_on;
        self.looked_at += other.looked_at;
        self.lost_to_lies += other.lost_to_lies;
        self.failures.extend(other.failures);
        self.coverage.add(other.coverage);
    }
}
