//! Owns hunting one planted defect: seed after seed, until something notices it.

use tidelog_core::planted::{Bug, plant};

use crate::explore::{Exploration, Keys};
use crate::seeds;

/// Seeds within which every defect has to be caught.
pub const SEEDS_MAX: u64 = 100;

/// Crash states of one script and seed.
const STATES: u64 = 200;

/// How a defect was noticed.
#[derive(Clone, Debug)]
pub struct Caught {
    /// With which seed, from 1.
    pub seed: u64,
    /// In which script; `None` in a random life.
    pub script: Option<&'static str>,
    /// In which state of it.
    pub state: String,
    /// The promise broken.
    pub sentence: String,
    /// Crash states judged until then.
    pub states: u64,
}

impl Caught {
    /// The command that shows it again.
    #[must_use]
    pub fn command(&self, bug: Bug) -> String {
        let Self {
            seed,
            script,
            state,
            ..
        } = self;
        let of = match script {
            Some(script) => format!("--script {script} --state {state}"),
            None => "--seeds 1".to_string(),
        };
        format!("tidelog-planted --bug {bug:?} --seed {seed} {of}")
    }
}

/// Plants `bug` in this thread, plays every script with seeds 1, 2, ... and then a
/// random life, and takes it out again. `None` if nothing noticed it.
#[must_use]
pub fn hunt(bug: Bug) -> Option<Caught> {
    plant(Some(bug));
    let mut states = 0;
    let found = (1..=SEEDS_MAX).find_map(|seed| caught_by(seed, &mut states));
    plant(None);
    found
}

fn caught_by(seed: u64, states: &mut u64) -> Option<Caught> {
    let keys = Keys::default();
    for exploration in Exploration::all() {
        let tally = exploration.sample(seed, STATES, &keys);
        *states += tally.distinct;
        if let Some(broken) = tally.failures.into_iter().next() {
            return Some(Caught {
                seed,
                script: Some(exploration.name),
                state: broken.state,
                sentence: broken.sentence,
                states: *states,
            });
        }
    }
    let sentence = seeds::judge(seed).err()?;
    Some(Caught {
        seed,
        script: None,
        state: "life".to_string(),
        sentence,
        states: *states,
    })
}
