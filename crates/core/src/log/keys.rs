//! Owns the key index of one segment as readers use it: in memory through a table that
//! they build themselves, in a footer through its filter and the block that matters.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::error::Unread;
use super::growing::KeyList;
use super::scan::Damage;
use super::snapshot::Snapshot;
use crate::format::{Filter, FooterSpot, KeyBlock, KeyItem, SectionPlace};
use crate::store::BlobId;

/// Items that a table takes in before others get a turn with it.
const TURN: usize = 4096;
/// Buckets of a new table.
const BUCKETS: usize = 256;

/// Where a list has the records of a hash: chained buckets, the newest first. The
/// writer knows nothing of it.
pub(crate) struct KeyTable {
    /// For each bucket, 1 + the place in the list of its newest item; 0: none.
    newest: Vec<u32>,
    /// For each item, the same of the one before it in its bucket.
    older: Vec<u32>,
}

impl KeyTable {
    fn new() -> Self {
        Self {
            newest: vec![0; BUCKETS],
            older: Vec::new(),
        }
    }

    fn knows(&self, list: &KeyList) -> bool {
        self.older.len() >= list.len()
    }

    /// Takes in some of what `list` has more. Whether that was everything.
    fn catch_up<E>(&mut self, list: &KeyList) -> Result<bool, Unread<E>> {
        let more = list.len().saturating_sub(self.older.len());
        Unread::reserve(&mut self.older, more.min(TURN))?;
        for _ in 0..TURN {
            let Some(item) = list.get(self.older.len()) else {
                return Ok(true);
            };
            if self.older.len() == self.newest.len() {
                self.grow(list)?;
            }
            self.add(item);
        }
        Ok(self.knows(list))
    }

    fn grow<E>(&mut self, list: &KeyList) -> Result<(), Unread<E>> {
        let (known, buckets) = (self.older.len(), self.newest.len());
        Unread::reserve(&mut self.newest, buckets)?;
        self.newest.clear();
        self.newest.resize(buckets * 2, 0);
        self.older.clear();
        list.iter().take(known).for_each(|item| self.add(item));
        Ok(())
    }

    fn add(&mut self, item: KeyItem) {
        let bucket = self.bucket(item.hash);
        // A segment gives fewer offsets than 2^32.
        let place = u32::try_from(self.older.len() + 1).unwrap_or(0);
        if let Some(newest) = self.newest.get_mut(bucket) {
            self.older.push(core::mem::replace(newest, place));
        }
    }

    /// There are as many buckets as a power of two.
    fn bucket(&self, hash: u64) -> usize {
        usize::try_from(hash >> (64 - self.newest.len().ilog2())).unwrap_or(0)
    }

    /// Where to begin looking for `hash`.
    fn first(&self, hash: u64) -> u32 {
        self.newest.get(self.bucket(hash)).copied().unwrap_or(0)
    }

    /// The newest record of `hash` in `list` from `place` on, and where to go on.
    fn next(&self, list: &KeyList, hash: u64, mut place: u32) -> Option<(u32, u32)> {
        loop {
            let index = (place as usize).checked_sub(1)?;
            place = self.older.get(index).copied().unwrap_or(0);
            // A picture does not have what is newer than it.
            if let Some(item) = list.get(index).filter(|item| item.hash == hash) {
                return Some((item.delta, place));
            }
        }
    }
}

/// The tables of the segments that have their keys in memory, by segment.
#[derive(Default)]
pub(crate) struct KeyTables {
    tables: BTreeMap<u64, KeyTable>,
}

impl KeyTables {
    pub(crate) fn knows(&self, segment: u64, list: &KeyList) -> bool {
        let table = self.tables.get(&segment);
        table.is_some_and(|table| table.knows(list))
    }

    /// Brings the table of a segment some way towards what `list` holds. Whether it is
    /// there. Tables of segments that `picture` has no list of are dropped.
    pub(crate) fn catch_up<E>(
        &mut self,
        segment: u64,
        list: &KeyList,
        picture: &Snapshot,
    ) -> Result<bool, Unread<E>> {
        if !self.tables.contains_key(&segment) {
            self.tables.retain(|number, _| picture.lists_keys(*number));
        }
        let table = self.tables.entry(segment).or_insert_with(KeyTable::new);
        table.catch_up(list)
    }

    /// Where to begin looking for `hash` in a segment.
    pub(crate) fn first(&self, segment: u64, hash: u64) -> u32 {
        let table = self.tables.get(&segment);
        table.map_or(0, |table| table.first(hash))
    }

    /// The newest record of `hash` from `place` on: its offset less the base, and where
    /// to go on.
    pub(crate) fn next(
        &self,
        segment: u64,
        list: &KeyList,
        hash: u64,
        place: u32,
    ) -> Option<(u32, u32)> {
        self.tables.get(&segment)?.next(list, hash, place)
    }

    /// Forgets everything: lists are not what they were.
    pub(crate) fn clear(&mut self) {
        self.tables.clear();
    }
}

/// The key index of a segment that has ended.
#[derive(Debug)]
pub(crate) enum SegmentKeys {
    /// In a footer.
    Stored {
        blob: BlobId,
        spot: FooterSpot,
        place: SectionPlace,
        /// `None` if it is too large to be kept.
        filter: Option<Filter>,
    },
    /// Made from the frames, sorted.
    Rebuilt {
        items: Vec<KeyItem>,
        /// What could not be read.
        damage: Option<Arc<Vec<Damage>>>,
    },
}

impl SegmentKeys {
    /// Bytes it takes in memory.
    pub(crate) fn weight(&self) -> usize {
        let own = match self {
            Self::Stored { filter, .. } => filter.as_ref().map_or(0, Filter::weight),
            Self::Rebuilt { items, .. } => size_of_val(items.as_slice()),
        };
        own + size_of::<Self>()
    }

    /// What could not be read when it was made.
    pub(crate) fn damage(&self) -> Option<Arc<Vec<Damage>>> {
        match self {
            Self::Stored { .. } => None,
            Self::Rebuilt { damage, .. } => damage.clone(),
        }
    }

    /// Whether a record of `hash` may be in the segment.
    pub(crate) fn may_have(&self, hash: u64) -> bool {
        match self {
            Self::Stored { filter, place, .. } => {
                place.items > 0 && filter.as_ref().is_none_or(|filter| filter.contains(hash))
            }
            Self::Rebuilt { .. } => true,
        }
    }
}

/// A search for the block of a key index in which an item is, or would be. Hashes are
/// spread evenly, so the first guess is nearly always right, or next to right.
#[derive(Debug)]
pub(crate) struct BlockSearch {
    low: usize,
    high: usize,
    guess: usize,
    step: usize,
}

impl BlockSearch {
    /// In an index of `items` items.
    pub(crate) fn new(items: usize, hash: u64) -> Self {
        let high = items.div_ceil(KeyBlock::ITEMS);
        let place = (u128::from(hash) * items as u128) >> 64;
        let guess = usize::try_from(place).unwrap_or(0) / KeyBlock::ITEMS;
        Self {
            low: 0,
            high,
            guess,
            step: 1,
        }
    }

    /// The block to look into next; `Err`: there is no need to, the item would be the
    /// first of this one.
    pub(crate) const fn block(&self) -> Result<usize, usize> {
        match self.low < self.high {
            true => Ok(self.guess),
            false => Err(self.low),
        }
    }

    /// In that block, of `length` items, the first that is not below is number `at`.
    /// Whether the search is over.
    pub(crate) fn found(&mut self, at: usize, length: usize) -> bool {
        if at > 0 && at < length {
            return true;
        }
        let before = at == 0;
        if before {
            self.high = self.guess;
        } else {
            self.low = self.guess + 1;
        }
        // Steps beyond this many blocks mean that few keys have most records.
        self.guess = match before {
            _ if self.step > 4 => self.low.midpoint(self.high),
            true => self.guess.saturating_sub(self.step).max(self.low),
            false => (self.guess + self.step).min(self.high.saturating_sub(1)),
        };
        self.step *= 2;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(items: &[KeyItem], target: KeyItem) -> (usize, usize) {
        let mut search = BlockSearch::new(items.len(), target.hash);
        let mut reads = 0;
        loop {
            match search.block() {
                Err(block) => return ((block * KeyBlock::ITEMS).min(items.len()), reads),
                Ok(block) => {
                    reads += 1;
                    let from = block * KeyBlock::ITEMS;
                    let own = &items[from..items.len().min(from + KeyBlock::ITEMS)];
                    let at = own.partition_point(|item| *item < target);
                    if search.found(at, own.len()) {
                        return (from + at, reads);
                    }
                }
            }
        }
    }

    #[test]
    fn a_search_ends_where_the_item_would_be() {
        let spread = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // Evenly spread, a few keys with nearly everything, and all at the ends.
        let kinds: [fn(u64) -> u64; 3] = [|i| i, |i| i % 3, |i| (i % 2) << 40];
        for (kind, of) in kinds.into_iter().enumerate() {
            for count in [0, 1, 339, 340, 341, 50_000u64] {
                let item = |i| KeyItem {
                    hash: spread(of(i)),
                    delta: i as u32,
                };
                let mut items: Vec<KeyItem> = (0..count).map(item).collect();
                items.sort_unstable();
                let mut all = 0;
                for i in 0..500 {
                    for delta in [0, 7, u32::MAX] {
                        let target = KeyItem {
                            hash: spread(i),
                            delta,
                        };
                        let (found, reads) = search(&items, target);
                        assert_eq!(found, items.partition_point(|own| *own < target));
                        assert!(reads <= 12, "{reads} blocks");
                        all += reads;
                    }
                }
                assert!(
                    kind > 0 || all < 1500 * 3 / 2,
                    "{all} blocks in 1500 searches"
                );
            }
        }
    }
}
