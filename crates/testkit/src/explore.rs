//! Owns the exploration: one run of a script, then every crash at every moment of
//! it, each judged by the oracle, and crashes inside the recovery from a crash.

mod address;
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
use crate::oracle::{aftermath, second_look, without_power};
use crate::random::{Random, mix};
use crate::run::{Failure, Run};
use crate::scripts::{Plan, Script};
use crate::sim::{self, Crashed, Crashes, Cut, Listing, Machine, Moment, Setup};

pub use address::{Address, Step};
pub use tally::{Broken, Tally};

/// One crash state in so many is recovered from with every moment kept, and then
/// crashed again inside that recovery.
const NESTED: u64 = 48;

/// Crash states tried inside one recovery, and inside a recovery of that.
const NESTED_STATES: [u64; 2] = [96, 24];

/// An engine run through one script, with one seed.
pub struct Explorer<'a, E> {
    script: &'a Script<E>,
    seed: u64,
    plan: Plan,
    tally: Tally,
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
        }
    }

    /// Explores at most about `states` crash states: all that tear no write, and
    /// of the others as many as that leaves room for.
    #[must_use]
    pub fn explore(mut self, states: u64) -> Tally {
        match panics::caught(|| self.play()) {
            Ok(moments) => self.crash(&moments, &mut Address::default(), states),
            Err(sentence) => self.fail(&Address::default(), "run", sentence),
        }
        self.tally
    }

    /// Judges the one state at `address` again.
    ///
    /// # Errors
    /// The sentence of its failure.
    pub fn repeat(mut self, address: &Address) -> Result<(), String> {
        let mut moments = panics::caught(|| self.play())?;
        let mut steps = address.steps().iter().peekable();
        while let Some(step) = steps.next() {
            let moment = moments
                .get(step.moment)
                .ok_or_else(|| format!("{address} names no moment of this run"))?;
            let geometry = self.plan.setup.geometry;
            let crashes = Crashes::new(
                &moment.disk,
                step.cut,
                geometry.atomic_append,
                geometry.blast_radius,
            );
            if step.number >= crashes.len() {
                return Err(format!("{address} names no crash of this run"));
            }
            let crashed = crashes.get(step.number);
            let model = Rc::clone(&moment.model);
            let nested = steps.peek().is_some();
            moments = panics::caught(|| self.judge(&crashed, &model, step.cut, nested))?;
        }
        Ok(())
    }

    /// Plays the script itself.
    fn play(&self) -> Result<Vec<Moment>, String> {
        let machine = Machine::new(self.plan.setup.clone(), mix(self.seed ^ 1));
        let run = self.run(machine, Rc::default(), self.seed);
        run.record();
        sim::run(run.machine(), (self.script.play)(&run))
            .map_err(Failure::from)
            .and_then(|played| played)
            .map_err(|failure| failure.to_string())?;
        run.machine().mark("end");
        Ok(moments(run.machine()))
    }

    fn run(&self, machine: Machine, model: Rc<Model>, seed: u64) -> Run<E> {
        let options: Options = self.plan.options;
        let sizes: Sizes = self.plan.sizes;
        Run::new(machine, model, options, sizes, seed)
    }

    /// Crashes at every moment. What a killed process leaves is stricter than
    /// what a power cut leaves of the same bytes, so kills come first.
    fn crash(&mut self, moments: &[Moment], address: &mut Address, states: u64) {
        let geometry = self.plan.setup.geometry;
        let spaces: Vec<(usize, Cut, Crashes<'_>)> = [Cut::Kill, Cut::Power]
            .into_iter()
            .flat_map(|cut| {
                moments
                    .iter()
                    .enumerate()
                    .map(move |(at, moment)| (at, cut, moment))
            })
            .map(|(at, cut, moment)| {
                let (atomic, radius) = (geometry.atomic_append, geometry.blast_radius);
                (at, cut, Crashes::new(&moment.disk, cut, atomic, radius))
            })
            .collect();
        let total: u64 = spaces.iter().map(|(_, _, crashes)| crashes.len()).sum();
        let mut random = Random::new(mix(self.seed ^ total));
        for (at, cut, crashes) in &spaces {
            for number in 0..crashes.len() {
                let chosen = random.below(total) < states;
                let whole = crashes.is_whole(number) && address.depth() == 0;
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

    fn state(&mut self, moment: &Moment, cut: Cut, crashed: &Crashed, address: &mut Address) {
        let key = mix(crashed.digest ^ mix(moment.model.digest()));
        if !self.tally.count(key, moment, crashed) {
            return;
        }
        let deeper = NESTED_STATES.get(address.depth() - 1).copied();
        let deeper = deeper.filter(|_| mix(key).is_multiple_of(NESTED));
        let judged = panics::caught(|| self.judge(crashed, &moment.model, cut, deeper.is_some()));
        match judged {
            Ok(moments) => {
                if let Some(states) = deeper {
                    self.crash(&moments, address, states);
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
        let seed = mix(crashed.digest);
        let listing = Listing::ALL[Random::new(seed).index(Listing::ALL.len())];
        let setup = Setup {
            capacity: u64::MAX,
            pace: 0,
            listing,
            faults: Vec::new(),
            ..self.plan.setup.clone()
        };
        let machine = Machine::with_disk(crashed.disk.clone(), setup, seed);
        let run = self.run(machine, Rc::clone(model), seed);
        if nested {
            run.record();
        }
        let looking = nested || seed.is_multiple_of(4);
        sim::run(run.machine(), aftermath(&run, cut, looking))
            .map_err(Failure::from)
            .and_then(|judged| judged)
            .map_err(|failure| failure.to_string())?;
        let again = self.run(without_power(run.machine()), run.model(), seed);
        sim::run(again.machine(), second_look(&again))
            .map_err(Failure::from)
            .and_then(|judged| judged)
            .map_err(|failure| failure.to_string())?;
        Ok(moments(run.machine()))
    }

    fn fail(&mut self, address: &Address, event: &'static str, sentence: String) {
        self.tally.fail(Broken {
            script: self.script.name,
            seed: self.seed,
            state: address.to_string(),
            event,
            sentence,
        });
    }
}

fn moments(machine: &Machine) -> Vec<Moment> {
    machine
        .take_trace()
        .map(sim::Trace::into_moments)
        .unwrap_or_default()
}
