//! Owns the wakers of those who wait for a newer picture. One that stops waiting
//! leaves nothing behind.

use alloc::vec::Vec;
use core::task::Waker;

/// Those who wait, each under a number of its own.
#[derive(Debug, Default)]
pub(crate) struct Followers {
    waiting: Vec<(u64, Waker)>,
    next: u64,
}

impl Followers {
    /// Wakes everybody; whoever waits on comes back.
    pub(crate) fn wake(&mut self) {
        for (_, waker) in self.waiting.drain(..) {
            waker.wake();
        }
    }

    /// Keeps a waker under `number`, which is given with the first call.
    pub(crate) fn sleep(&mut self, number: &mut Option<u64>, waker: &Waker) {
        let own = *number.get_or_insert_with(|| {
            self.next += 1;
            self.next
        });
        match self.waiting.iter_mut().find(|(other, _)| *other == own) {
            Some((_, kept)) => kept.clone_from(waker),
            None => self.waiting.push((own, waker.clone())),
        }
    }

    /// Forgets the waker under `number`.
    pub(crate) fn leave(&mut self, number: u64) {
        self.waiting.retain(|(other, _)| *other != number);
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }
}
