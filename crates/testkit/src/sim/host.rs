//! Owns the clock and the randomness of simulated processes.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tidelog_core::Host;

use crate::random::mix;

/// A [`Host`] that follows from a seed: its clock moves by a millisecond with
/// every look, unless it is set.
#[derive(Debug)]
pub struct SimHost {
    clock: AtomicI64,
    random: AtomicU64,
}

impl SimHost {
    /// A host whose clock starts in 2024.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            clock: AtomicI64::new(1_704_067_200_000_000),
            random: AtomicU64::new(seed),
        }
    }

    /// What the clock shows, in microseconds since 1970.
    #[must_use]
    pub fn clock(&self) -> i64 {
        self.clock.load(Ordering::Relaxed)
    }

    /// Sets the clock, in microseconds since 1970; it may go backwards.
    pub fn set_clock(&self, now: i64) {
        self.clock.store(now, Ordering::Relaxed);
    }
}

impl Host for SimHost {
    fn now(&self) -> i64 {
        self.clock.fetch_add(1000, Ordering::Relaxed)
    }

    fn random(&self) -> u64 {
        let step = self
            .random
            .fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        mix(step)
    }
}
