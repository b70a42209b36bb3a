//! Owns those who wait for the writer to get somewhere. A waiter that is dropped
//! leaves nothing behind; the work it asked for goes on.

use alloc::vec::Vec;
use core::task::Waker;

use super::error::Failure;

/// What a waiter waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// Records below this offset are with the store.
    Stored(u64),
    /// Records below this offset are synced.
    Synced(u64),
    /// The edits up to this ticket are synced.
    Edits(u64),
    /// What was staged when this many frames were is synced, and nothing else is left
    /// to be done; appends of later ones wait.
    Quiet(u64),
    /// The queue has room again.
    Room,
    /// The log is closed.
    Closed,
}

#[derive(Debug)]
struct Waiter<E> {
    goal: Goal,
    outcome: Option<Result<(), Failure<E>>>,
    waker: Option<Waker>,
}

/// A slab of waiters.
#[derive(Debug)]
pub(crate) struct Waiters<E> {
    slots: Vec<Option<Waiter<E>>>,
}

impl<E> Waiters<E> {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new() }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(crate) fn add(&mut self, goal: Goal) -> usize {
        let waiter = Some(Waiter {
            goal,
            outcome: None,
            waker: None,
        });
        match self.slots.iter().position(Option::is_none) {
            Some(free) => {
                if let Some(slot) = self.slots.get_mut(free) {
                    *slot = waiter;
                }
                free
            }
            None => {
                self.slots.push(waiter);
                self.slots.len() - 1
            }
        }
    }

    pub(crate) fn remove(&mut self, key: usize) {
        if let Some(slot) = self.slots.get_mut(key) {
            *slot = None;
        }
        while matches!(self.slots.last(), Some(None)) {
            self.slots.pop();
        }
    }

    /// How the wait ended, if it has.
    pub(crate) fn outcome(&mut self, key: usize) -> Option<Result<(), Failure<E>>> {
        self.slots.get_mut(key)?.as_mut()?.outcome.take()
    }

    pub(crate) fn has_outcome(&self, key: usize) -> bool {
        matches!(self.slots.get(key), Some(Some(waiter)) if waiter.outcome.is_some())
    }

    pub(crate) fn sleep(&mut self, key: usize, waker: &Waker) {
        if let Some(Some(waiter)) = self.slots.get_mut(key) {
            match &mut waiter.waker {
                Some(known) => known.clone_from(waker),
                none => *none = Some(waker.clone()),
            }
        }
    }

    /// The goals nobody has been told about yet.
    pub(crate) fn open(&self) -> impl Iterator<Item = Goal> {
        self.slots
            .iter()
            .flatten()
            .filter(|waiter| waiter.outcome.is_none())
            .map(|w| w.goal)
    }

    /// Tells everyone for whom `verdict` has an answer.
    pub(crate) fn resolve(&mut self, verdict: impl Fn(Goal) -> Option<Result<(), Failure<E>>>) {
        for waiter in self.slots.iter_mut().flatten() {
            if waiter.outcome.is_none()
                && let Some(outcome) = verdict(waiter.goal)
            {
                waiter.outcome = Some(outcome);
                if let Some(waker) = waiter.waker.take() {
                    waker.wake();
                }
            }
        }
    }

    /// Wakes everyone who still waits: one of them has to go on.
    pub(crate) fn wake(&mut self) {
        for waiter in self.slots.iter_mut().flatten() {
            if let Some(waker) = waiter.waker.take() {
                waker.wake();
            }
        }
    }
}
