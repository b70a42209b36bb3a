//! Owns the simulated machine: its disk, its clock of ticks and its processes.

use std::cell::{Ref, RefCell};
use std::rc::Rc;
use std::task::Waker;

use super::disk::Disk;
use super::fault::{Fault, Operation};
use super::setup::Setup;
use super::state::{State, Struck};
use super::store::SimStore;
use super::trace::Trace;
use crate::random::Random;

/// A machine with one disk and any number of processes, one after the other or
/// beside each other. Everything in it follows from its seed.
#[derive(Clone)]
pub struct Machine(pub(super) Rc<RefCell<State>>);

impl Machine {
    /// A machine with an empty disk.
    #[must_use]
    pub fn new(setup: Setup, seed: u64) -> Self {
        Self::with_disk(Disk::default(), setup, seed)
    }

    /// A machine that finds this disk when it starts.
    #[must_use]
    pub fn with_disk(disk: Disk, setup: Setup, seed: u64) -> Self {
        let state = State::new(disk, setup, Random::new(seed));
        Self(Rc::new(RefCell::new(state)))
    }

    /// Starts a process. Every clone of its store belongs to it.
    #[must_use]
    pub fn process(&self) -> SimStore {
        let mut state = self.0.borrow_mut();
        state.processes += 1;
        SimStore::new(self.clone(), state.processes)
    }

    /// Keeps every moment from now on.
    pub fn record(&self, trace: Trace) {
        self.0.borrow_mut().trace = Some(trace);
    }

    /// The moments kept so far; nothing more is kept.
    pub fn take_trace(&self) -> Option<Trace> {
        self.0.borrow_mut().trace.take()
    }

    /// The disk as it is.
    #[must_use]
    pub fn disk(&self) -> Disk {
        self.0.borrow().disk.clone()
    }

    /// Whether more operations were asked for than the setup allows.
    #[must_use]
    pub fn ran_away(&self) -> bool {
        self.0.borrow().ran_away
    }

    /// Whether no number of a blob was used twice while this machine ran, and no more
    /// operations were asked for than the setup allows.
    ///
    /// # Errors
    /// A sentence about what was.
    pub fn behaved(&self) -> Result<(), String> {
        if self.ran_away() {
            return Err("the engine asks for one store operation after the other".into());
        }
        match self.0.borrow().reborn {
            Some(blob) => Err(format!("{blob} was created twice")),
            None => Ok(()),
        }
    }

    /// How many operations of a class were started.
    #[must_use]
    pub fn count(&self, operation: Operation) -> u64 {
        let state = self.0.borrow();
        state.counts.get(&operation).copied().unwrap_or(0)
    }

    /// When the first fault hit, if one did.
    #[must_use]
    pub fn struck(&self) -> Option<Struck> {
        self.0.borrow().struck
    }

    /// How many operations were started.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.0.borrow().counts.values().sum()
    }

    /// Changes what goes wrong from now on.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.0.borrow_mut().setup.faults = faults;
    }

    /// What kind of machine it is.
    pub fn setup(&self) -> Ref<'_, Setup> {
        Ref::map(self.0.borrow(), |state| &state.setup)
    }

    /// Changes how much the disk holds.
    pub fn set_capacity(&self, bytes: u64) {
        self.0.borrow_mut().setup.capacity = bytes;
    }

    /// Lets one tick pass: operations that are due finish. False if nothing was
    /// in flight.
    pub fn tick(&self) -> bool {
        let mut state = self.0.borrow_mut();
        state.now += 1;
        let due: Vec<u64> = state
            .flights
            .iter()
            .filter(|(_, flight)| flight.outcome.is_none() && flight.due <= state.now)
            .map(|(id, _)| *id)
            .collect();
        let waiting = state
            .flights
            .values()
            .any(|flight| flight.outcome.is_none());
        let wakers: Vec<Waker> = due.into_iter().filter_map(|id| state.land(id)).collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        waiting
    }

    /// Keeps this moment as one at which `event` happened outside the store.
    pub fn mark(&self, event: &'static str) {
        self.0.borrow_mut().mark(event, None);
    }

    /// Kills a process: its claims are free, and what it has in flight never
    /// returns; each such operation may or may not reach the disk.
    pub fn kill(&self, store: &SimStore) {
        self.0.borrow_mut().kill(store.process());
    }

    /// Kills every process there is.
    pub fn kill_all(&self) {
        let mut state = self.0.borrow_mut();
        for process in 1..=state.processes {
            state.kill(process);
        }
    }
}
