//! Owns what reading keeps in memory: verified blocks and offset indexes, up to a
//! budget of bytes. What is in it was verified once, on entry.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

use super::block::Block;
use crate::format::IndexEntry;
use crate::sharing::{Shared, Sharing};

const SHARDS: usize = 16;

/// Something held, and whether it was used since the clock last passed.
struct Held<T> {
    item: Arc<T>,
    used: AtomicBool,
}

impl<T> Held<T> {
    const fn new(item: Arc<T>) -> Self {
        Self {
            item,
            used: AtomicBool::new(false),
        }
    }

    fn take(&self) -> Arc<T> {
        self.used.store(true, Ordering::Relaxed);
        Arc::clone(&self.item)
    }
}

/// A segment's part of a shard: its blocks by their place in the segment, so that
/// finding one takes no search.
#[derive(Default)]
struct Table {
    blocks: Vec<Option<Held<Block>>>,
    offsets: Option<Held<Vec<IndexEntry>>>,
    held: usize,
}

/// What the clock points at: a block of a segment, or its offset index.
type Hand = (u64, Option<usize>);

#[derive(Default)]
struct Shard {
    tables: BTreeMap<u64, Table>,
    clock: VecDeque<Hand>,
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

    fn shard(&self, segment: u64, block: usize) -> Option<&P::Cell<Shard>> {
        let segment = usize::try_from(segment % SHARDS as u64).unwrap_or(0);
        self.shards.get((segment + block) % SHARDS)
    }

    /// Block `block` of a segment.
    pub(crate) fn block(&self, segment: u64, block: usize) -> Option<Arc<Block>> {
        self.shard(segment, block)?.read(|shard| {
            let table = shard.tables.get(&segment)?;
            table.blocks.get(block / SHARDS)?.as_ref().map(Held::take)
        })
    }

    pub(crate) fn put_block(&self, segment: u64, block: usize, item: &Arc<Block>) {
        let weight = item.weight();
        let Some(shard) = self.shard(segment, block).filter(|_| weight <= self.budget) else {
            return;
        };
        shard.write(|shard| {
            let table = shard.tables.entry(segment).or_default();
            let index = block / SHARDS;
            if table.blocks.len() <= index {
                table.blocks.resize_with(index + 1, || None);
            }
            let Some(slot) = table.blocks.get_mut(index) else {
                return;
            };
            match slot.replace(Held::new(Arc::clone(item))) {
                Some(before) => shard.weight -= before.item.weight(),
                None => {
                    table.held += 1;
                    shard.clock.push_back((segment, Some(index)));
                }
            }
            shard.weight += weight;
            shard.evict(self.budget);
        });
    }

    /// The offset index of a segment.
    pub(crate) fn offsets(&self, segment: u64) -> Option<Arc<Vec<IndexEntry>>> {
        self.shard(segment, 0)?
            .read(|shard| shard.tables.get(&segment)?.offsets.as_ref().map(Held::take))
    }

    pub(crate) fn put_offsets(&self, segment: u64, item: &Arc<Vec<IndexEntry>>) {
        let weight = offsets_weight(item);
        let Some(shard) = self.shard(segment, 0).filter(|_| weight <= self.budget) else {
            return;
        };
        shard.write(|shard| {
            let table = shard.tables.entry(segment).or_default();
            match table.offsets.replace(Held::new(Arc::clone(item))) {
                Some(before) => shard.weight -= offsets_weight(&before.item),
                None => {
                    table.held += 1;
                    shard.clock.push_back((segment, None));
                }
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

fn offsets_weight(offsets: &[IndexEntry]) -> usize {
    size_of_val(offsets)
}

/// Takes what the clock points at, unless it was used; its weight.
fn give_up<T>(slot: &mut Option<Held<T>>, weight: impl Fn(&T) -> usize) -> Option<usize> {
    match slot {
        Some(held) if held.used.swap(false, Ordering::Relaxed) => None,
        _ => Some(slot.take().map_or(0, |held| weight(&held.item))),
    }
}

impl Shard {
    fn evict(&mut self, budget: usize) {
        while self.weight > budget {
            let Some(hand) = self.clock.pop_front() else {
                return;
            };
            let Some(table) = self.tables.get_mut(&hand.0) else {
                continue;
            };
            let freed = match hand.1 {
                Some(index) => match table.blocks.get_mut(index) {
                    Some(slot) => give_up(slot, Block::weight),
                    None => continue,
                },
                None => give_up(&mut table.offsets, |offsets| offsets_weight(offsets)),
            };
            match freed {
                None => self.clock.push_back(hand),
                Some(weight) => {
                    self.weight -= weight;
                    table.held -= 1;
                    if table.held == 0 {
                        self.tables.remove(&hand.0);
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
        let entries = |n: usize| Arc::new(alloc::vec![IndexEntry { delta: 0, position: 0 }; n]);
        cache.put_offsets(0, &entries(4));
        for segment in 1..1000 {
            cache.put_offsets(segment, &entries(3));
            assert!(cache.offsets(0).is_some(), "after {segment}");
            assert!(cache.weight() <= SHARDS * 80);
        }
        cache.put_offsets(5000, &entries(11));
        assert!(cache.offsets(5000).is_none(), "larger than the budget");
    }
}
