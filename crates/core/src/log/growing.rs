//! Owns the indexes of a segment that are in memory: of one that grows, and of one that
//! has ended and has no durable footer yet.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::chunks::Chunks;
use super::scan::Damage;
use crate::format::{FrameHeader, IndexEntry, KeyItem};
use crate::limits;
use crate::options::Indexes;

/// Items of a key list that are shared together.
const RUN: usize = 128;

/// Items of a key list that are sorted together, about.
const BUCKET: usize = 8;

/// A record with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyedRecord {
    pub(crate) offset: u64,
    pub(crate) hash: u64,
}

/// The indexes of one segment. Clones are snapshots.
#[derive(Clone, Debug, Default)]
pub(crate) struct Growing {
    /// The first frame, and the first one after every stride.
    pub(crate) offsets: Chunks<IndexEntry>,
    /// The index time before each frame that `offsets` names; `None` where times are not
    /// indexed.
    pub(crate) floors: Option<Chunks<i64>>,
    /// Every position of a key; `None` where keys are not indexed.
    pub(crate) keys: Option<KeyList>,
    /// Records that are in none of these, because they cannot be read.
    pub(crate) damage: Option<Arc<Vec<Damage>>>,
}

impl Growing {
    pub(crate) fn new(indexes: Indexes) -> Self {
        Self {
            floors: indexes.times.then(Chunks::default),
            keys: indexes.keys.then(KeyList::default),
            ..Self::default()
        }
    }

    /// Takes in the batch at `position` of the segment that starts at `base`.
    pub(crate) fn add(&mut self, base: u64, position: u64, batch: &FrameHeader) {
        let due = self
            .offsets
            .last()
            .is_none_or(|entry| position >= u64::from(entry.position) + limits::INDEX_STRIDE);
        if !due {
            return;
        }
        // Both fit: a segment ends below 2^31 and gives fewer offsets than bytes,
        // and where gaps exceed that the frame stays reachable from the entry before.
        if let (Ok(delta), Ok(position)) = (
            u32::try_from(batch.base_offset.saturating_sub(base)),
            u32::try_from(position),
        ) {
            self.offsets.push(IndexEntry { delta, position });
            if let Some(floors) = &mut self.floors {
                floors.push(batch.clamp_floor);
            }
        }
    }

    /// Takes in the keys of records that were added.
    pub(crate) fn add_keys(&mut self, base: u64, keys: &[KeyedRecord]) {
        let Some(list) = &mut self.keys else { return };
        // They fit: segments with a wider range of offsets are not made.
        list.extend(keys.iter().filter_map(|key| {
            let delta = u32::try_from(key.offset.saturating_sub(base)).ok()?;
            let hash = key.hash;
            Some(KeyItem { hash, delta })
        }));
    }

    /// What it would be, had the segment ended at this position and offset.
    pub(crate) fn cut(&self, base: u64, data_end: u64, next_offset: u64) -> Self {
        let mut cut = Self::new(Indexes {
            keys: self.keys.is_some(),
            times: self.floors.is_some(),
        });
        let left = |entry: &&IndexEntry| u64::from(entry.position) < data_end;
        for entry in self.offsets.iter().take_while(left) {
            cut.offsets.push(*entry);
        }
        if let (Some(floors), Some(own)) = (&mut cut.floors, &self.floors) {
            let left = own.iter().take(cut.offsets.len());
            left.for_each(|floor| floors.push(*floor));
        }
        if let (Some(list), Some(own)) = (&mut cut.keys, &self.keys) {
            let stays = |item: &KeyItem| base + u64::from(item.delta) < next_offset;
            list.extend(own.iter().filter(stays));
        }
        cut.damage.clone_from(&self.damage);
        cut
    }

    /// Catches up with what the same indexes have become.
    pub(crate) fn catch_up(&mut self, newer: &Self) {
        if self.offsets.len() != newer.offsets.len() {
            self.offsets = newer.offsets.clone();
            self.floors = newer.floors.clone();
        }
        match (&mut self.keys, &newer.keys) {
            (Some(own), Some(newer)) => own.catch_up(newer),
            (own, _) => *own = None,
        }
    }
}

/// Positions of keys in the order of the log: a vector that grows at one end while
/// others hold on to what it was.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyList {
    full: Chunks<Arc<Vec<KeyItem>>>,
    open: Arc<Vec<KeyItem>>,
}

impl KeyList {
    fn extend(&mut self, items: impl Iterator<Item = KeyItem>) {
        let mut items = items.peekable();
        while items.peek().is_some() {
            if Arc::get_mut(&mut self.open).is_none_or(|open| open.capacity() < RUN) {
                let mut open = Vec::with_capacity(RUN);
                open.extend_from_slice(&self.open);
                self.open = Arc::new(open);
            }
            let open = Arc::make_mut(&mut self.open);
            open.extend(items.by_ref().take(RUN.saturating_sub(open.len())));
            if open.len() == RUN {
                self.full.push(core::mem::take(&mut self.open));
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.full.len() * RUN + self.open.len()
    }

    pub(crate) fn get(&self, index: usize) -> Option<KeyItem> {
        let run = match self.full.get(index / RUN) {
            Some(run) => run,
            None if index / RUN == self.full.len() => &self.open,
            None => return None,
        };
        run.get(index % RUN).copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = KeyItem> {
        self.full
            .iter()
            .chain(core::iter::once(&self.open))
            .flat_map(|run| run.iter().copied())
    }

    /// The items in the order of a key index.
    pub(crate) fn sorted(&self) -> Vec<KeyItem> {
        let mut items = Vec::new();
        self.sort_into(&mut items);
        items
    }

    /// The same, in room that was made for them.
    pub(crate) fn sort_into(&self, items: &mut Vec<KeyItem>) {
        // Hashes are spread evenly: sorted into this many buckets first, there is little
        // left to be sorted.
        let buckets = (self.len() / BUCKET).next_power_of_two();
        let bucket = |item: &KeyItem| {
            let place = (u128::from(item.hash) * buckets as u128) >> 64;
            usize::try_from(place).unwrap_or(0)
        };
        let mut ends = vec![0; buckets + 1];
        for item in self.iter() {
            if let Some(end) = ends.get_mut(bucket(&item) + 1) {
                *end += 1;
            }
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        let first = items.len();
        items.resize(first + self.len(), KeyItem { hash: 0, delta: 0 });
        for item in self.iter() {
            if let Some(end) = ends.get_mut(bucket(&item))
                && let Some(place) = items.get_mut(first + *end)
            {
                *place = item;
                *end += 1;
            }
        }
        let mut from = first;
        for end in ends.iter().take(buckets) {
            if let Some(own) = items.get_mut(from..first + end) {
                own.sort_unstable();
            }
            from = first + end;
        }
    }

    fn catch_up(&mut self, newer: &Self) {
        if self.len() == newer.len() {
            return;
        }
        if self.full.len() != newer.full.len() {
            self.full = newer.full.clone();
        }
        self.open = Arc::clone(&newer.open);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_what_it_was_and_catches_up() {
        let mut list = KeyList::default();
        let (mut taken, mut follower) = (Vec::new(), KeyList::default());
        let item = |i: usize| KeyItem {
            hash: (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            delta: i as u32,
        };
        for i in 0..1000 {
            taken.push(list.clone());
            list.extend(core::iter::once(item(i)));
            if i % 3 == 0 {
                follower.catch_up(&list);
                assert!(follower.iter().eq(list.iter()), "after {i}");
            }
        }
        for (length, snapshot) in taken.iter().enumerate() {
            assert_eq!(snapshot.len(), length);
            assert_eq!(snapshot.get(length), None);
            assert_eq!(snapshot.get(length + RUN), None);
            assert!(snapshot.iter().eq((0..length).map(item)));
        }
        assert_eq!(list.get(777), Some(item(777)));
        assert_eq!(list.sorted().len(), 1000);
        assert!(list.sorted().is_sorted());
    }

    #[test]
    fn whatever_the_hashes_are_all_items_come_out_in_order() {
        let kinds: [fn(u64) -> u64; 4] = [
            |i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            |i| u64::MAX - i % 3,
            |i| (i * 7919) % 1000,
            |_| u64::MAX,
        ];
        for kind in kinds {
            for count in [0, 1, 31, 32, 33, 5000] {
                let mut items: Vec<KeyItem> = (0..count)
                    .map(|i| KeyItem {
                        hash: kind(i),
                        delta: i as u32,
                    })
                    .collect();
                let mut list = KeyList::default();
                list.extend(items.iter().copied());
                items.sort_unstable();
                assert_eq!(list.sorted(), items);
            }
        }
    }
}
