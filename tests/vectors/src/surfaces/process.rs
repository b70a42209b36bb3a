//! Owns what a process has while a vector runs: the machine under it, its handles, and
//! those who wait.

use std::collections::BTreeMap;

use super::machine::Machine;
use super::media::Medium;
use crate::answer::{Batch, Done};
use crate::script::Ticket;
use crate::surface::{Failure, Outcome};

/// A wait that a script began.
pub trait Wait {
    /// Whether it goes on, after it had time to end.
    fn is_pending(&mut self) -> bool;

    /// What it came to, if it has ended.
    fn outcome(self) -> Option<Outcome<Batch>>;
}

/// The process of one vector, over medium `M`, with logs `L` and waits `W`.
pub struct Process<M: Medium, L, W> {
    machine: Option<Machine<M>>,
    open: BTreeMap<String, L>,
    closed: BTreeMap<String, L>,
    waits: BTreeMap<String, W>,
}

impl<M: Medium, L, W> Default for Process<M, L, W> {
    fn default() -> Self {
        Self {
            machine: None,
            open: BTreeMap::new(),
            closed: BTreeMap::new(),
            waits: BTreeMap::new(),
        }
    }
}

impl<M: Medium, L: Clone, W: Wait> Process<M, L, W> {
    /// Begins with an empty machine.
    ///
    /// # Errors
    /// When the system refuses it.
    pub fn begin(&mut self) -> Result<(), String> {
        self.drop_all();
        self.machine = Some(Machine::fresh()?);
        Ok(())
    }

    /// Sets the clock.
    pub fn set_clock(&mut self, time: i64) {
        if let Some(machine) = &self.machine {
            machine.clock().set(time);
        }
    }

    /// The machine.
    pub fn machine(&mut self) -> Outcome<&mut Machine<M>> {
        let none = || Failure::Senseless("no vector has begun".to_owned());
        self.machine.as_mut().ok_or_else(none)
    }

    /// The log of a handle, closed or not.
    pub fn log(&self, handle: &str) -> Outcome<L> {
        let found = self.open.get(handle).or_else(|| self.closed.get(handle));
        let none = || Failure::Senseless(format!("there is no handle {handle}"));
        found.cloned().ok_or_else(none)
    }

    /// Whether a handle may be opened.
    pub fn may_open(&self, handle: &str) -> Outcome<()> {
        match self.open.contains_key(handle) {
            true => Err(Failure::Senseless(format!("{handle} is open already"))),
            false => Ok(()),
        }
    }

    /// A handle was opened.
    pub fn opened(&mut self, handle: &str, log: L) {
        self.closed.remove(handle);
        self.open.insert(handle.to_owned(), log);
    }

    /// A handle was closed.
    pub fn closed(&mut self, handle: &str) {
        if let Some(log) = self.open.remove(handle) {
            self.closed.insert(handle.to_owned(), log);
        }
    }

    /// The process ends where it is; what is left is the machine.
    pub fn end(&mut self) -> Outcome<&mut Machine<M>> {
        self.drop_all();
        self.machine()
    }

    /// The machine, for what is done to it while nobody has the log open.
    pub fn idle(&mut self) -> Outcome<&mut Machine<M>> {
        if let Some(handle) = self.open.keys().next() {
            let what = format!("the handle {handle} is open: close it, or kill");
            return Err(Failure::Senseless(what));
        }
        self.end()
    }

    /// Somebody waits.
    pub fn waits(&mut self, ticket: &str, wait: W) -> Outcome<Done> {
        match self.waits.insert(ticket.to_owned(), wait) {
            Some(_) => Err(Failure::Senseless(format!("{ticket} is waiting already"))),
            None => Ok(Done {}),
        }
    }

    /// Who waits with this ticket.
    pub fn wait(&mut self, ticket: &Ticket) -> Outcome<&mut W> {
        let none = || no_ticket(ticket);
        self.waits.get_mut(&ticket.ticket).ok_or_else(none)
    }

    /// The same, who waits no more.
    pub fn take_wait(&mut self, ticket: &Ticket) -> Outcome<W> {
        let none = || no_ticket(ticket);
        self.waits.remove(&ticket.ticket).ok_or_else(none)
    }

    fn drop_all(&mut self) {
        self.waits.clear();
        self.open.clear();
        self.closed.clear();
    }
}

fn no_ticket(ticket: &Ticket) -> Failure {
    Failure::Senseless(format!("nothing waits as {}", ticket.ticket))
}
