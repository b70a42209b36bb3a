//! Owns the exploration: one run of a script, then every crash at every moment of
//! it, each judged by the oracle, and crashes inside the recovery from a crash.

mod address;
mod damage;
mod explorations;
mod faults;
mod hit;
mod panics;
mod tally;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod toy;

use std::rc::Rc;

use tidelog_core::Options;

use crate::engine::Engine;
use crate::generate::Sizes;
use crate::model::Model;
use crate::oracle::{aftermath, first_look, second_look, without_power};
use crate::random::{Random, mix};
use crate::run::{Failure, Run};
use crate::scripts::{Plan, Script};
use crate::sim::{self, Crashed, Crashes, Cut, Fault, Listing, Machine, Moment, Notes, Setup};

pub use address::{Address, Step};
pub use explorations::Exploration;
pub use tally::{Broken, Tally};

/// One crash state in so many is recovered from with every moment kept, and then
/// crashed again inside that recovery.
const NESTED: u64 = 48;

/// Crash states tried inside one recovery, and inside a recovery of that.
const NESTED_STATES: [u64; 2] = [96, 24];

/// Crash states tried after one fault, at the last moments of its run.
const FAULT_STATES: u64 = 24;

/// Moments at which a run that met a fault is interrupted: its last ones.
const FAULT_MOMENTS: usize = 3;

/// An engine run through one script, with one seed.
pub struct Explorer<'a, E> {
    script: &'a Script<E>,
    seed: u64,
    plan: Plan,
    tally: Tally,
    /// The fault of the run being explored.
    met: Option<Fault>,
}

impl<'a, E: Engine> Explorer<'a, E> {
    /// Nothing explored yet.
    #[must_use]
    pub fn new(script: &'a Script<E>, seed: u64) -> Self {
        let plan = (script.plan)(&mut Random::new(mix(seed)));
        Self {
            script,
            seed,
            plan,
            tally: Tally::default(),
            met: None,
        }
    }

    /// Explores at most about `states` crash states of a run without faults: all
    /// that tear no write, and of the others as many as that leaves room for.
    #[must_use]
    pub fn explore(mut self, states: u64) -> Tally {
        let mut address = Address::of(None);
        match panics::caught(|| self.play(None)) {
            Ok((moments, _)) => self.crash(&moments, 0, &mut address, states),
            Err(sentence) => self.fail(&address, "run", sentence),
        }
        self.tally
    }

    /// Explores about `states` crash states of runs that met a fault: as many
    /// faults of the list as that has room for, from `states` drawn evenly.
    #[must_use]
    pub fn explore_faults(mut self, states: u64) -> Tally {
        let Ok((_, machine)) = panics::caught(|| self.play(None)) else {
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
            match panics::caught(|| self.play(Some(*fault))) {
                Ok((moments, _)) => {
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
                let (_, machine) = panics::caught(|| self.play(None))?;
                let fault = faults::faults(&machine).get(at).copied();
                Some(fault.ok_or_else(|| format!("{address} names no fault of this run"))?)
            }
        };
        self.plan.setup.notes = Some(Rc::clone(notes));
        if let Some(fault) = fault {
            note(format!("{fault:?}"));
        }
        let (mut moments, _) = panics::caught(|| self.play(fault))?;
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
            moments = panics::caught(|| self.judge(&crashed, &model, step.cut, nested))?;
        }
        Ok(())
    }

    /// Plays the script itself, with a fault or without.
    fn play(&self, fault: Option<Fault>) -> Result<(Vec<Moment>, Machine), String> {
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
        match played.map_err(Failure::from).and_then(|played| played) {
            // A fault ends the script early; what it left is judged.
            Err(Failure::Refused(_)) if fault.is_some() => {}
            played => played.map_err(|failure| failure.to_string())?,
        }
        run.machine().mark("end");
        well_behaved(run.machine())?;
        Ok((moments(run.machine()), run.machine().clone()))
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
        let mut random = Random::new(mix(self.seed ^ total));
        for (at, cut, crashes) in &spaces {
            for number in 0..crashes.len() {
                let chosen = random.below(total) < states;
                let whole = crashes.is_whole(number) && address.steps().is_empty() && from == 0;
                if !chosen && !whole {
                    continue;
                }
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
        if !self.tally.count(key(moment, crashed), moment, crashed) {
            return;
        }
        let deeper = self.deeper(moment, crashed, address.depth());
        let judged = panics::caught(|| self.judge(crashed, &moment.model, cut, deeper.is_some()));
        match judged {
            Ok(moments) => {
                if let Some(states) = deeper {
                    self.crash(&moments, 0, address, states);
                }
            }
            Err(sentence) => self.fail(address, moment.event, sentence),
        }
    }

    /// Lets a new process live after the crash. The moments of its life, if
    /// `nested`.
    fn judge(
        &self,
        crashed: &Crashed,
        model: &Rc<Model>,
        cut: Cut,
        nested: bool,
    ) -> Result<Vec<Moment>, String> {
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
        if nested || seed.is_multiple_of(4) {
            judged(sim::run(run.machine(), first_look(&run, cut)))?;
        }
        if nested {
            run.record();
        }
        judged(sim::run(run.machine(), aftermath(&run, cut)))?;
        well_behaved(run.machine())?;
        let again = self.run(without_power(run.machine()), run.model(), seed);
        judged(sim::run(again.machine(), second_look(&again)))?;
        Ok(moments(run.machine()))
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

/// No number of a blob was used twice, and everything came to an end.
fn well_behaved(machine: &Machine) -> Result<(), String> {
    if machine.ran_away() {
        return Err("the engine asks for one store operation after the other".into());
    }
    match machine.created_twice() {
        Some(blob) => Err(format!("{blob} was created twice")),
        None => Ok(()),
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
