//! Owns how a crash state is judged: a new process lives after the crash.

use std::rc::Rc;

use super::{Explorer, key, moments};
use crate::engine::Engine;
use crate::model::Model;
use crate::oracle::{aftermath, first_look, read_back, second_look, without_power};
use crate::random::{Random, mix};
use crate::run::Failure;
use crate::sim::{self, Crashed, Cut, Listing, Machine, Moment, Setup};

/// Of the states with a torn write, one in so many is also written to. All others
/// are: what a tear leaves differs in what recovery reads, much less in what it
/// then writes.
const LIVED_ON: u64 = 4;

/// One state in so many is looked at by a reader before a writer opens it.
const LOOKED_AT: u64 = 4;

/// What is done to a state. Every one is opened for writing, read, and held
/// against all that was sent and acknowledged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judgement {
    /// A reader that changes nothing looks first, and the writer must find the same.
    pub looks_first: bool,
    /// Retries and an append follow; then the power fails, and the log is read again.
    pub lives_on: bool,
    /// Every moment is kept, for crashes inside the recovery.
    pub keeps_moments: bool,
}

impl Judgement {
    /// A reader looks first, and somebody writes, as often as after a crash that tears
    /// something: as `drawn` says.
    pub const fn drawn(drawn: u64) -> Self {
        Self {
            looks_first: drawn.is_multiple_of(LOOKED_AT),
            lives_on: (drawn >> 32).is_multiple_of(LIVED_ON),
            keeps_moments: false,
        }
    }

    pub fn of(moment: &Moment, crashed: &Crashed, nested: bool) -> Self {
        let drawn = mix(key(moment, crashed) ^ 4);
        let whole = crashed.torn.is_none();
        Self {
            looks_first: nested || drawn.is_multiple_of(LOOKED_AT),
            lives_on: nested || whole || (drawn >> 32).is_multiple_of(LIVED_ON),
            keeps_moments: nested,
        }
    }
}

/// What came of a judgement that found every promise kept.
pub(super) struct Judged {
    /// The moments of the recovery, if they were kept.
    pub moments: Vec<Moment>,
    /// Acknowledged batches that a lying disk took.
    pub lost_to_lies: u64,
    /// What was wrong with its listings.
    pub listing: Listing,
}

impl<E: Engine> Explorer<'_, E> {
    /// Lets a new process live after the crash.
    pub(super) fn judge(
        &self,
        crashed: &Crashed,
        model: &Rc<Model>,
        cut: Cut,
        judgement: Judgement,
    ) -> Result<Judged, String> {
        // What it writes differs from what any process before it wrote.
        let seed = mix(crashed.digest ^ model.digest());
        let listing = match model.is_forgiving() {
            // A disk that lied may have led to logs beside each other, of which a
            // listing must not hide the newest.
            true => Listing::Honest,
            false => Listing::ALL[Random::new(seed).index(Listing::ALL.len())],
        };
        let setup = Setup {
            capacity: u64::MAX,
            pace: 0,
            listing,
            faults: Vec::new(),
            ..self.plan.setup.clone()
        };
        let machine = Machine::with_disk(crashed.disk.clone(), setup, seed);
        let run = self.run(machine, Rc::clone(model), seed);
        let judged = |judged: Result<Result<(), Failure>, sim::Stuck>| {
            match judged.map_err(Failure::from).and_then(|judged| judged) {
                // Where the disk lied, what it did may be found later, and said.
                Err(failure) if model.is_forgiving() && failure.reports_loss() => Ok(()),
                judged => judged.map_err(|failure| format!("{failure} (listing {listing:?})")),
            }
        };
        if judgement.looks_first {
            judged(sim::run(run.machine(), first_look(&run, cut)))?;
        }
        if judgement.keeps_moments {
            run.record();
        }
        if judgement.lives_on {
            judged(sim::run(run.machine(), aftermath(&run, cut)))?;
            let again = self.run(without_power(run.machine()), run.model(), seed);
            judged(sim::run(again.machine(), second_look(&again)))?;
        } else {
            judged(sim::run(run.machine(), read_back(&run, cut)))?;
        }
        run.machine().behaved()?;
        Ok(Judged {
            moments: moments(run.machine()),
            listing,
            lost_to_lies: run.model().lost_to_lies() - model.lost_to_lies(),
        })
    }
}
