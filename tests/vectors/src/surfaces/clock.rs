//! Owns the test-only host: a clock that scripts set, and randomness that repeats.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tidelog_core::Host;

/// The host of one vector.
#[derive(Debug, Default)]
pub struct Clock {
    now: AtomicI64,
    drawn: AtomicU64,
}

impl Clock {
    /// Sets the time, in microseconds since 1970.
    pub fn set(&self, now: i64) {
        self.now.store(now, Ordering::Relaxed);
    }
}

impl Host for Clock {
    fn now(&self) -> i64 {
        self.now.load(Ordering::Relaxed)
    }

    fn random(&self) -> u64 {
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed) + 1;
        // Numbers in a row, spread over all bits by an odd constant.
        drawn.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}
