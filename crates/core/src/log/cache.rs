//! Owns what reading keeps in memory: verified blocks, indexes and masks, up to a
//! budget of bytes. What is in it was verified once, on entry.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

use super::block::Block;
use super::keys::SegmentKeys;
use super::masks::LoadedMask;
use crate::format::{IndexEntry, KeyBlock};
use crate::limits;
use crate::sharing::{Shared, Sharing};

/// Something held, and whether it was used since the clock last passed.
pub(crate) struct Held<T> {
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

    fn used(&self) -> &Arc<T> {
        // Lines that others look at are written to as seldom as can be.
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
        &self.item
    }
}

/// Where things of one kind are held, by their place in the segment, so that finding
/// one takes no search.
type Slots<T> = Vec<Option<Held<T>>>;

/// A segment's part of a shard.
#[derive(Default)]
pub(crate) struct Table {
    blocks: Slots<Block>,
    offsets: Slots<Vec<IndexEntry>>,
    times: Slots<Vec<i64>>,
    keys: Slots<SegmentKeys>,
    key_blocks: Slots<KeyBlock>,
    masks: Slots<LoadedMask>,
    held: usize,
}

/// The kinds of things held.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Block,
    Offsets,
    Times,
    Keys,
    KeyBlock,
    Mask,
}

/// What can be held: several of a kind for one segment, by number.
pub(crate) trait Cached: Sized {
    const KIND: Kind;
    /// Bytes it takes.
    fn weight(&self) -> usize;
    fn slots(table: &Table) -> &Slots<Self>;
    fn slots_mut(table: &mut Table) -> &mut Slots<Self>;
}

macro_rules! cached {
    ($($kind:ident: $type:ty, $field:ident, $weight:expr;)+) => {
        $(
            impl Cached for $type {
                const KIND: Kind = Kind::$kind;
                fn weight(&self) -> usize {
                    let weight: fn(&Self) -> usize = $weight;
                    weight(self)
                }
                fn slots(table: &Table) -> &Slots<Self> {
                    &table.$field
                }
                fn slots_mut(table: &mut Table) -> &mut Slots<Self> {
                    &mut table.$field
                }
            }
        )+
        impl Table {
            /// Takes what the clock points at, unless it was used; its weight.
            fn give_up(&mut self, kind: Kind, index: usize) -> Option<usize> {
                match kind {
                    $(Kind::$kind => give_up(&mut self.$field, index),)+
                }
            }
        }
    };
}

cached! {
    Block: Block, blocks, Block::weight;
    Offsets: Vec<IndexEntry>, offsets, |entries| size_of_val(entries.as_slice());
    Times: Vec<i64>, times, |times| size_of_val(times.as_slice());
    Keys: SegmentKeys, keys, SegmentKeys::weight;
    KeyBlock: KeyBlock, key_blocks, KeyBlock::weight;
    Mask: LoadedMask, masks, |loaded| loaded.mask.weight();
}

fn give_up<T: Cached>(slots: &mut Slots<T>, index: usize) -> Option<usize> {
    let slot = slots.get_mut(index)?;
    match slot {
        Some(held) if held.used.swap(false, Ordering::Relaxed) => None,
        _ => Some(slot.take().map_or(0, |held| held.item.weight())),
    }
}

/// What the clock points at: its segment, kind and number.
type Hand = (u64, Kind, usize);

#[derive(Default)]
struct Shard {
    tables: BTreeMap<u64, Table>,
    clock: VecDeque<Hand>,
    weight: usize,
}

/// A sharded cache with a byte budget, evicting what was not used lately.
pub(crate) struct Cache<P: Sharing> {
    /// As many as a power of two.
    shards: Vec<P::Cell<Shard>>,
    /// Bytes of one shard.
    budget: usize,
}

impl<P: Sharing> Cache<P> {
    pub(crate) fn new(budget: usize) -> Self {
        let shards = (budget / limits::CACHE_SHARD).clamp(1, limits::CACHE_SHARDS);
        let shards = 1usize << shards.ilog2();
        Self {
            shards: (0..shards).map(|_| Shared::new(Shard::default())).collect(),
            budget: budget / shards,
        }
    }

    /// The shard for number `index` of a segment, and its number there.
    fn shard(&self, segment: u64, index: usize) -> Option<(&P::Cell<Shard>, usize)> {
        let last = self.shards.len() - 1;
        let segment = usize::try_from(segment & last as u64).unwrap_or(0);
        let shard = self.shards.get((segment + index) & last)?;
        Some((shard, index >> self.shards.len().ilog2()))
    }

    /// Looks at number `index` of a kind of thing of a segment, where it is held.
    #[inline]
    pub(crate) fn look<T: Cached, R>(
        &self,
        segment: u64,
        index: usize,
        look: impl FnOnce(&T) -> R,
    ) -> Option<R> {
        let (shard, index) = self.shard(segment, index)?;
        shard.read(|shard| {
            let table = shard.tables.get(&segment)?;
            let held = T::slots(table).get(index)?.as_ref()?;
            Some(look(held.used()))
        })
    }

    /// Number `index` of a kind of thing of a segment.
    pub(crate) fn get<T: Cached>(&self, segment: u64, index: usize) -> Option<Arc<T>> {
        let (shard, index) = self.shard(segment, index)?;
        shard.read(|shard| {
            let table = shard.tables.get(&segment)?;
            T::slots(table)
                .get(index)?
                .as_ref()
                .map(|held| Arc::clone(held.used()))
        })
    }

    pub(crate) fn put<T: Cached>(&self, segment: u64, index: usize, item: &Arc<T>) {
        let weight = item.weight();
        let Some((shard, index)) = self.shard(segment, index).filter(|_| weight <= self.budget)
        else {
            return;
        };
        shard.write(|shard| {
            let table = shard.tables.entry(segment).or_default();
            let slots = T::slots_mut(table);
            // What there is no memory for is read again.
            let more = (index + 1).saturating_sub(slots.len());
            if slots.try_reserve(more).is_err() || shard.clock.try_reserve(1).is_err() {
                return;
            }
            if slots.len() <= index {
                slots.resize_with(index + 1, || None);
            }
            let Some(slot) = slots.get_mut(index) else {
                return;
            };
            match slot.replace(Held::new(Arc::clone(item))) {
                Some(before) => shard.weight -= before.item.weight(),
                None => {
                    table.held += 1;
                    shard.clock.push_back((segment, T::KIND, index));
                }
            }
            shard.weight += weight;
            shard.evict(self.budget);
        });
    }

    /// Whether something of this weight could be held.
    pub(crate) const fn has_room(&self, weight: usize) -> bool {
        weight <= self.budget
    }

    /// Drops what was not used since this was last called, or since it came in.
    pub(crate) fn drop_unused(&self) {
        for shard in &self.shards {
            shard.write(|shard| {
                for _ in 0..shard.clock.len() {
                    shard.tick();
                }
            });
        }
    }

    /// Drops what is least used until about this many bytes are held.
    pub(crate) fn shrink(&self, bytes: usize) {
        let each = bytes / self.shards.len();
        for shard in &self.shards {
            shard.write(|shard| shard.evict(each));
        }
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
        while self.weight > budget && self.tick() {}
    }

    /// Moves the clock on by one: drops what it points at, unless that was used. Returns
    /// whether it points at anything.
    fn tick(&mut self) -> bool {
        let Some(hand) = self.clock.pop_front() else {
            return false;
        };
        let Some(table) = self.tables.get_mut(&hand.0) else {
            return true;
        };
        match table.give_up(hand.1, hand.2) {
            None => self.clock.push_back(hand),
            Some(weight) => {
                self.weight -= weight;
                table.held -= 1;
                if table.held == 0 {
                    self.tables.remove(&hand.0);
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Local;

    #[test]
    fn stays_within_its_budget_and_keeps_what_is_used() {
        let cache = Cache::<Local>::new(80);
        let times = |n: usize| Arc::new(alloc::vec![0i64; n]);
        cache.put(0, 0, &times(4));
        for segment in 1..1000 {
            cache.put(segment, 0, &times(3));
            assert!(cache.get::<Vec<i64>>(0, 0).is_some(), "after {segment}");
            assert!(cache.weight() <= 80);
        }
        cache.put(5000, 0, &times(11));
        let large = cache.get::<Vec<i64>>(5000, 0);
        assert!(large.is_none(), "larger than the budget");
    }

    #[test]
    fn large_ones_have_several_shards_and_find_everything() {
        let cache = Cache::<Local>::new(100 << 20);
        assert_eq!(cache.shards.len(), 16);
        for segment in 0..40 {
            for index in 0..40 {
                let time = segment * 100 + index as i64;
                cache.put(segment as u64, index, &Arc::new(alloc::vec![time]));
            }
        }
        for segment in 0..40 {
            for index in 0..40 {
                let found = cache.get::<Vec<i64>>(segment as u64, index);
                assert_eq!(*found.unwrap(), [segment * 100 + index as i64]);
            }
        }
        assert!(cache.get::<Vec<i64>>(3, 40).is_none());
    }
}
