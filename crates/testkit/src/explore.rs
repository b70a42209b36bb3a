//! Owns the exploration: one run of a script, then every crash at every moment of
//! it, each judged by the oracle, and crashes inside the recovery from a crash.

mod address;
mod coverage;
mod damage;
mod explorations;
mod faults;
mod hit;
mod judge;
mod keys;
mod sample;
mod sweep;
mod tally;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod toy;

use std::rc::Rc;

use tidelog_core::Options;

use crate::engine::{Engine, Refusal};
use crate::generate::Sizes;
use crate::model::Model;
use crate::panics;
use crate::random::{Random, mix};
use crate::run::{Failure, Run};
use crate::scripts::{Plan, Script};
use crate::sim::{self, Crashed, Crashes, Cut, Fault, Machine, Moment, Notes, Setup};

use judge::Judgement;
use sample::Sample;

pub use address::{Address, Step};
pub use coverage::Coverage;
pub use explorations::Exploration;
pub use keys::Keys;
pub use sweep::{Cell, Homes, Swept};
pub use tally::{Broken, Tally};

/// One crash state in so many is recovered from with every moment kept, and then
/// crashed again inside that recovery.
const NESTED: u64 = 96;

/// Crash states tried inside one recovery, and inside a recovery of that.
const NESTED_STATES: [u64; 2] = [96, 24];

/// Crash states tried after one fault, at the last moments of its run.
const FAULT_STATES: u64 = 24;

/// Moments at which a run that met a fault is interrupted: its last ones.
const FAULT_MOMENTS: usize = 3;

/// A run of the script itself.
struct Played {
    moments: Vec<Moment>,
    machine: Machine,
    /// How the engine told of the fault, if it ended the script.
    refused: Option<Refusal>,
}

impl Played {
    /// The last moment before the fault hit.
    fn struck_moment(&self) -> usize {
        let struck = self.machine.struck().map_or(0, |struck| struck.moments);
        struck.saturating_sub(1)
    }

    /// The operation that the fault hit first.
    fn struck_operation(&self) -> u64 {
        self.machine.struck().map_or(0, |struck| struck.operations)
    }
}

/// An engine run through one script, with one seed.
pub struct Explorer<'a, E> {
    script: &'a Script<E>,
    seed: u64,
    keys: &'a Keys,
    plan: Plan,
    tally: Tally,
    /// The fault of the run being explored.
    met: Option<Fault>,
    /// Whether every state that tears no write is judged, or a sample of them.
    thorough: bool,
}

impl<'a, E: Engine> Explorer<'a, E> {
    /// Nothing explored yet. What `keys` holds was judged before. Unless it is to be
    /// `thorough`, no more is taken of the states that tear no write than of the others.
    #[must_use]
    pub fn new(script: &'a Script<E>, seed: u64, keys: &'a Keys, thorough: bool) -> Self {
        let plan = (script.plan)(&mut Random::new(mix(seed)));
        Self {
            script,
            seed,
            keys,
            plan,
            tally: Tally::default(),
            met: None,
            thorough,
        }
    }

    /// Explores at most about `states` crash states of a run without faults: all
    /// that tear no write, and of the others as many as that leaves room for.
    #[must_use]
    pub fn explore(mut self, states: u64) -> Tally {
        let mut address = Address::of(None);
        match panics::caught(|| self.play(None)) {
            Ok(played) => self.crash(&played.moments, 0, &mut address, states),
            Err(sentence) => self.fail(&address, "run", sentence),
        }
        self.tally
    }

    /// Explores about `states` crash states of runs that met a fault: as many
    /// faults of the list as that has room for, from `states` drawn evenly.
    #[must_use]
    pub fn explore_faults(mut self, states: u64) -> Tally {
        let Ok(Played { machine, .. }) = panics::caught(|| self.play(None)) else {
            // The run without faults is reported by whoever explores that.
            return self.tally;
        };
        let faults = faults::faults(&machine);
        let room = (states / FAULT_STATES).max(1);
        let mut random = Random::new(mix(self.seed ^ 2));
        for (at, fault) in faults.iter().enumerate() {
            if random.below(faults.len() as u64) >= room {
                continue;
            }
            let mut address = Address::of(Some(at));
            self.met = Some(*fault);
            self.tally.coverage.count_fault(fault);
            match panics::caught(|| self.play(Some(*fault))) {
                Ok(Played { moments, .. }) => {
                    let from = moments.len().saturating_sub(FAULT_MOMENTS);
                    self.crash(&moments, from, &mut address, FAULT_STATES);
                }
                Err(sentence) => self.fail(&address, "run", sentence),
            }
        }
        self.tally
    }

    /// Judges the one state at `address` again, and tells in `notes` how it came
    /// about and what the engine did about it.
    ///
    /// # Errors
    /// The sentence of its failure.
    pub fn repeat(mut self, address: &Address, notes: &Notes) -> Result<(), String> {
        let note = |line: String| notes.borrow_mut().push(line);
        let fault = match address.fault() {
            None => None,
            Some(at) => {
                let machine = panics::caught(|| self.play(None))?.machine;
                let fault = faults::faults(&machine).get(at).copied();
                Some(fault.ok_or_else(|| format!("{address} names no fault of this run"))?)
            }
        };
        self.plan.setup.notes = Some(Rc::clone(notes));
        if let Some(fault) = fault {
            note(format!("{fault:?}"));
        }
        let mut moments = panics::caught(|| self.play(fault))?.moments;
        for (depth, step) in (1..).zip(address.steps()) {
            let moment = moments
                .get(step.moment)
                .ok_or_else(|| format!("{address} names no moment of this run"))?;
            let crashes = self.crashes(moment, step.cut);
            if step.number >= crashes.len() {
                return Err(format!("{address} names no crash of this run"));
            }
            let crashed = crashes.get(step.number);
            let (event, cut) = (moment.event, step.cut.as_str());
            let (survivors, torn) = (crashed.survivors, crashed.torn);
            note(format!(
                "-- {cut} at moment {}, {event}; disk before:",
                step.moment
            ));
            moment.disk.describe().into_iter().for_each(&note);
            note(format!(
                "-- survivors: {survivors:?}, torn: {torn:?}; disk after:"
            ));
            crashed.disk.describe().into_iter().for_each(&note);
            let model = Rc::clone(&moment.model);
            let nested = depth < address.depth() || self.deeper(moment, &crashed, depth).is_some();
            let judgement = Judgement::of(moment, &crashed, nested);
            moments = panics::caught(|| self.judge(&crashed, &model, step.cut, judgement))?.moments;
        }
        Ok(())
    }

    /// Plays the script itself, with a fault or without.
    fn play(&self, fault: Option<Fault>) -> Result<Played, String> {
        let setup = Setup {
            faults: fault.into_iter().collect(),
            ..self.plan.setup.clone()
        };
        let machine = Machine::new(setup, mix(self.seed ^ 1));
        let model = match fault {
            Some(fault) if faults::lies(&fault) => Model::forgiving(),
            _ => Model::default(),
        };
        let run = self.run(machine, Rc::new(model), self.seed);
        run.record();
        let played = sim::run(run.machine(), (self.script.play)(&run));
        let mut refused = None;
        match (
            played.map_err(Failure::from).and_then(|played| played),
            fault,
        ) {
            // A fault ends the script early; what it left is judged.
            (Err(Failure::Refused(refusal)), Some(fault)) => {
                if self.plan.setup.dies_at.is_none() {
                    faults::told(&fault, &refusal)?;
                }
                refused = Some(refusal);
            }
            (played, _) => played.map_err(|failure| failure.to_string())?,
        }
        run.machine().mark("end");
        run.machine().behaved()?;
        Ok(Played {
            moments: moments(run.machine()),
            machine: run.machine().clone(),
            refused,
        })
    }

    fn run(&self, machine: Machine, model: Rc<Model>, seed: u64) -> Run<E> {
        let options: Options = self.plan.options;
        let sizes: Sizes = self.plan.sizes;
        Run::new(machine, model, options, sizes, seed)
    }

    /// Crashes at every moment. What a killed process leaves is stricter than
    /// what a power cut leaves of the same bytes, so kills come first.
    fn crash(&mut self, moments: &[Moment], from: usize, address: &mut Address, states: u64) {
        let spaces: Vec<(usize, Cut, Crashes<'_>)> = [Cut::Kill, Cut::Power]
            .into_iter()
            .flat_map(|cut| {
                let moments = moments.iter().enumerate().skip(from);
                moments.map(move |(at, moment)| (at, cut, moment))
            })
            .map(|(at, cut, moment)| (at, cut, self.crashes(moment, cut)))
            .collect();
        let total: u64 = spaces.iter().map(|(_, _, crashes)| crashes.len()).sum();
        let mut sample = Sample::new(total, states, mix(self.seed ^ total));
        let whole = self.thorough && address.steps().is_empty() && from == 0;
        for (at, cut, crashes) in &spaces {
            let mut numbers = sample.next(crashes.len());
            if whole {
                numbers.extend(crashes.whole());
                numbers.sort_unstable();
                numbers.dedup();
            }
            for number in numbers {
                let step = Step {
                    moment: *at,
                    cut: *cut,
                    number,
                };
                address.push(step);
                self.state(&moments[*at], *cut, &crashes.get(number), address);
                address.pop();
            }
        }
    }

    fn crashes<'m>(&self, moment: &'m Moment, cut: Cut) -> Crashes<'m> {
        let geometry = self.plan.setup.geometry;
        Crashes::new(
            &moment.disk,
            cut,
            geometry.atomic_append,
            geometry.blast_radius,
        )
    }

    /// How many states are tried inside the recovery from this one, if any.
    fn deeper(&self, moment: &Moment, crashed: &Crashed, depth: usize) -> Option<u64> {
        let states = NESTED_STATES.get(depth.checked_sub(1)?).copied();
        states.filter(|_| mix(key(moment, crashed)).is_multiple_of(NESTED))
    }

    fn state(&mut self, moment: &Moment, cut: Cut, crashed: &Crashed, address: &mut Address) {
        let depth = address.depth();
        self.tally.count(moment, crashed, cut, depth);
        if !self.keys.insert(self.script.name, key(moment, crashed)) {
            return;
        }
        self.tally.distinct += 1;
        let deeper = self.deeper(moment, crashed, depth);
        let judgement = Judgement::of(moment, crashed, deeper.is_some());
        self.tally.lived_on += u64::from(judgement.lives_on);
        self.tally.looked_at += u64::from(judgement.looks_first);
        match panics::caught(|| self.judge(crashed, &moment.model, cut, judgement)) {
            Ok(judged) => {
                self.tally.lost_to_lies += judged.lost_to_lies;
                let listing = format!("{:?}", judged.listing);
                self.tally.coverage.count_other("listing", &listing);
                if let Some(states) = deeper {
                    self.crash(&judged.moments, 0, address, states);
                }
            }
            Err(sentence) => self.fail(address, moment.event, sentence),
        }
    }

    fn fail(&mut self, address: &Address, event: &'static str, sentence: String) {
        self.tally.fail(Broken {
            script: self.script.name,
            seed: self.seed,
            state: address.to_string(),
            fault: self.met,
            event,
            sentence,
        });
    }
}

/// What makes a state distinct: the image and the acknowledgements.
fn key(moment: &Moment, crashed: &Crashed) -> u64 {
    mix(crashed.digest ^ mix(moment.model.digest()))
}

fn moments(machine: &Machine) -> Vec<Moment> {
    machine
        .take_trace()
        .map(sim::Trace::into_moments)
        .unwrap_or_default()
}
