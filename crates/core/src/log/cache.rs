//! Owns what reading keeps in memory: verified blocks and offset indexes, up to a
//! budget of bytes. What is in it was verified once, on entry.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::block::Block;
use crate::format::IndexEntry;
use crate::sharing::{Shared, Sharing};

const SHARDS: usize = 16;

/// What something is remembered by: segment number, and position for a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CacheKey {
    segment: u64,
    position: u64,
}

impl CacheKey {
    pub(crate) const fn block(segment: u64, position: u64) -> Self {
        Self { segment, position }
    }

    /// Frames never start at 0, so that place stands for the index.
    pub(crate) const fn offsets(segment: u64) -> Self {
        Self {
            segment,
            position: 0,
        }
    }

    const fn shard(self) -> usize {
        let mixed = (self.segment ^ (self.position >> 12)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 60) as usize % SHARDS
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Cached {
    Block(Arc<Block>),
    Offsets(Arc<Vec<IndexEntry>>),
}

impl Cached {
    fn weight(&self) -> usize {
        match self {
            Self::Block(block) => block.weight(),
            Self::Offsets(entries) => entries.len() * size_of::<IndexEntry>(),
        }
    }
}

struct Held {
    cached: Cached,
    /// Used since the clock last passed.
    used: bool,
}

#[derive(Default)]
struct Shard {
    held: BTreeMap<CacheKey, Held>,
    clock: VecDeque<CacheKey>,
    weight: usize,
}

/// A sharded cache with a byte budget, evicting what was not used lately.
pub(crate) struct Cache<P: Sharing> {
    shards: Vec<P::Cell<Shard>>,
    budget: usize,
}

impl<P: Sharing> Cache<P> {
    pub(crate) fn new(budget: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Shared::new(Shard::default())).collect();
        Self {
            shards,
            budget: budget / SHARDS,
        }
    }

    pub(crate) fn get(&self, key: CacheKey) -> Option<Cached> {
        self.shards.get(key.shard())?.write(|shard| {
            let held = shard.held.get_mut(&key)?;
            held.used = true;
            Some(held.cached.clone())
        })
    }

    pub(crate) fn put(&self, key: CacheKey, cached: Cached) {
        let weight = cached.weight();
        let Some(shard) = self.shards.get(key.shard()) else {
            return;
        };
        if weight > self.budget {
            return;
        }
        shard.write(|shard| {
            match shard.held.insert(
                key,
                Held {
                    cached,
                    used: false,
                },
            ) {
                Some(before) => shard.weight -= before.cached.weight(),
                None => shard.clock.push_back(key),
            }
            shard.weight += weight;
            shard.evict(self.budget);
        });
    }

    /// Bytes held.
    pub(crate) fn weight(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.read(|shard| shard.weight))
            .sum()
    }
}

impl Shard {
    fn evict(&mut self, budget: usize) {
        while self.weight > budget {
            let Some(key) = self.clock.pop_front() else {
                return;
            };
            match self.held.get_mut(&key) {
                Some(held) if held.used => {
                    held.used = false;
                    self.clock.push_back(key);
                }
                _ => {
                    if let Some(held) = self.held.remove(&key) {
                        self.weight -= held.cached.weight();
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Local;

    #[test]
    fn stays_within_its_budget_and_keeps_what_is_used() {
        let cache = Cache::<Local>::new(SHARDS * 8 * 10);
        let entries = |n: usize| {
            Cached::Offsets(Arc::new(
                alloc::vec![IndexEntry { delta: 0, position: 0 }; n],
            ))
        };
        let hot = CacheKey::offsets(0);
        cache.put(hot, entries(4));
        for segment in 1..1000 {
            cache.put(CacheKey::offsets(segment), entries(3));
            assert!(cache.get(hot).is_some(), "after {segment}");
            assert!(cache.weight() <= SHARDS * 80);
        }
        cache.put(CacheKey::offsets(5000), entries(11));
        assert!(
            cache.get(CacheKey::offsets(5000)).is_none(),
            "larger than the budget"
        );
    }
}
