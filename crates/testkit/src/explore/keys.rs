//! Owns which states have been judged already, by whatever thread, seed or run.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, PoisonError};

use crate::random::{digest, mix};

/// Threads that meet in one shard wait for each other.
const SHARDS: u64 = 64;

type Shard = HashSet<u64, BuildHasherDefault<Plain>>;

/// The distinct states so far: script, image, acknowledgements. Two seeds of a
/// script may lead to the same state, which then counts once.
#[derive(Debug)]
pub struct Keys(Vec<Mutex<Shard>>);

impl Default for Keys {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| Mutex::default()).collect())
    }
}

impl Keys {
    /// Adds a state of a script. False if it was there.
    pub(super) fn insert(&self, script: &str, state: u64) -> bool {
        let key = mix(state ^ digest(0, script.as_bytes()));
        let shard = &self.0[(key % SHARDS) as usize];
        // A thread that panicked while it held the lock has inserted or not.
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        shard.insert(key)
    }
}

/// Keys are hashes already.
#[derive(Clone, Debug, Default)]
struct Plain(u64);

impl Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = digest(self.0, bytes);
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key.rotate_right(6);
    }
}
