//! Owns the seam through which time and randomness enter the engine.

/// What the embedding program knows and the engine must not ask the platform.
///
/// Tests implement it with a clock they set and a generator they seed; every
/// surface has such a test-only host.
pub trait Host: Send + Sync {
    /// The time given to records that carry none, in microseconds since
    /// 1970-01-01T00:00:00Z. It may run backwards: order never depends on it.
    fn now(&self) -> i64;

    /// 64 unpredictable bits, for the salts that keep one segment's bytes from
    /// ever verifying in another.
    fn random(&self) -> u64;
}
