//! Owns the platform's clock and randomness, as the engine asks for them.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::{SystemTime, UNIX_EPOCH};

use tidelog_core::Host;

/// The clock and the randomness of the system this program runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemHost;

impl Host for SystemHost {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where time enters for Rust programs"
    )]
    fn now(&self) -> i64 {
        let micros =
            |span: std::time::Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => micros(since),
            Err(before) => -micros(before.duration()),
        }
    }

    fn random(&self) -> u64 {
        // Where the system's generator fails, std's seed is still different in
        // every process and for every call.
        getrandom::u64().unwrap_or_else(|_| RandomState::new().build_hasher().finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_counts_microseconds_since_1970() {
        const NEW_2024: i64 = 1_704_067_200_000_000;
        const NEW_2200: i64 = 7_258_118_400_000_000;
        assert!((NEW_2024..NEW_2200).contains(&SystemHost.now()));
    }

    #[test]
    fn draws_differ() {
        assert_ne!(SystemHost.random(), SystemHost.random());
    }
}
