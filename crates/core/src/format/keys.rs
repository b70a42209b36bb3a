//! Owns the key index of a footer: every position of every key, by the key's hash.
//!
//! # Format
//!
//! Items of 12 bytes, hash (u64) and offset less the segment's base offset (u32),
//! sorted by hash and then by offset. A full block holds 340, so that an item's block
//! follows from its place.

use alloc::vec::Vec;

use super::Fault;
use crate::search::{guess, partition_near};

/// One position of a key. The order of the fields is the order of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyItem {
    pub(crate) hash: u64,
    /// Offset of the record less the segment's base offset.
    pub(crate) delta: u32,
}

impl KeyItem {
    pub(super) const LENGTH: usize = 12;

    pub(super) fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.hash.to_le_bytes());
        out.extend_from_slice(&self.delta.to_le_bytes());
    }

    fn of(bytes: &[u8; Self::LENGTH]) -> Self {
        let [h0, h1, h2, h3, h4, h5, h6, h7, delta @ ..] = *bytes;
        Self {
            hash: u64::from_le_bytes([h0, h1, h2, h3, h4, h5, h6, h7]),
            delta: u32::from_le_bytes(delta),
        }
    }
}

/// Items of one block, as they lie there.
#[derive(Clone, Debug)]
pub(crate) struct KeyBlock {
    payload: Vec<u8>,
    /// The hashes of the first and the last item.
    ends: (u64, u64),
}

impl KeyBlock {
    /// Items of a full block.
    pub(crate) const ITEMS: usize = 340;
    pub(super) const PAYLOAD: usize = Self::ITEMS * KeyItem::LENGTH;

    /// A block of which the payload is verified; it must hold `items`, in order.
    pub(crate) fn new(payload: Vec<u8>, items: usize) -> Result<Self, Fault> {
        let mut block = Self {
            payload,
            ends: (0, 0),
        };
        let whole = block.payload.len() == items * KeyItem::LENGTH;
        if !whole || !block.iter().is_sorted_by(|a, b| a < b) {
            return Err(Fault::Malformed("key index"));
        }
        if let (Some(first), Some(last)) = (block.get(0), block.last()) {
            block.ends = (first.hash, last.hash);
        }
        Ok(block)
    }

    pub(crate) const fn len(&self) -> usize {
        self.payload.len() / KeyItem::LENGTH
    }

    #[inline]
    pub(crate) fn get(&self, index: usize) -> Option<KeyItem> {
        let (items, _) = self.payload.as_chunks();
        items.get(index).map(KeyItem::of)
    }

    pub(crate) fn last(&self) -> Option<KeyItem> {
        self.get(self.len().checked_sub(1)?)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = KeyItem> {
        (0..self.len()).map_while(|index| self.get(index))
    }

    /// How many items at the start `holds` is true for; it must be true for a prefix,
    /// which ends near `hash`.
    #[inline]
    pub(crate) fn partition_point(&self, hash: u64, holds: impl Fn(KeyItem) -> bool) -> usize {
        let (first, last) = self.ends;
        let guess = guess(hash.saturating_sub(first), last - first, self.len());
        partition_near(self.len(), guess, |at| self.get(at).is_some_and(&holds))
    }

    /// Bytes it takes in memory.
    pub(crate) const fn weight(&self) -> usize {
        self.payload.capacity() + size_of::<Self>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_items_in_order_and_finds_them() {
        let items: Vec<KeyItem> = (0..340u32)
            .map(|i| KeyItem {
                hash: u64::from(i / 3) * 10,
                delta: i,
            })
            .collect();
        let mut payload = Vec::new();
        items.iter().for_each(|item| item.put(&mut payload));
        assert_eq!(payload.len(), KeyBlock::PAYLOAD);
        let block = KeyBlock::new(payload.clone(), 340).unwrap();
        for hash in 0..1200 {
            for delta in [0, 100, 200, u32::MAX] {
                let item = KeyItem { hash, delta };
                let expected = items.partition_point(|own| *own < item);
                assert_eq!(block.partition_point(hash, |own| own < item), expected);
            }
        }
        assert!(KeyBlock::new(payload.clone(), 339).is_err());
        assert_eq!(block.last(), items.last().copied());
        payload.rotate_left(12);
        assert!(KeyBlock::new(payload, 340).is_err(), "out of order");
    }
}
