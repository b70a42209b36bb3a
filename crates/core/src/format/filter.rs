//! Owns the filter in front of a key index: which hashes may be in it.
//!
//! # Format
//!
//! The split-block Bloom filter that Apache Parquet specifies: blocks of 32 bytes,
//! eight words of 32 bits each, one bit set in every word of one block. Its hash is
//! the key hash instead of XXH64.

use alloc::vec;
use alloc::vec::Vec;

use super::Fault;
use super::wire::Input;

const WORDS: usize = 8;
/// Bits of a block.
const BLOCK_BITS: usize = WORDS * 32;
/// Bits for each distinct key: one of about 150 absent keys passes.
const KEY_BITS: usize = 12;
const SALTS: [u32; WORDS] = [
    0x47b6_137b,
    0x4497_4d91,
    0x8824_ad5b,
    0xa2b7_289d,
    0x7054_95c7,
    0x2df1_424b,
    0x9efc_4947,
    0x5c6b_fb31,
];

/// A set of hashes that may say of one too many that it is in it, never of one too
/// few.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    blocks: Vec<[u32; WORDS]>,
}

impl Filter {
    /// Bytes of a block.
    pub(crate) const BLOCK: usize = WORDS * 4;
    /// Blocks in one block of a footer.
    pub(crate) const PER_FOOTER_BLOCK: usize = 127;
    pub(super) const PAYLOAD: usize = Self::PER_FOOTER_BLOCK * Self::BLOCK;

    /// The filter of these hashes, of which `distinct` are different.
    pub(crate) fn of(hashes: impl Iterator<Item = u64>, distinct: usize) -> Self {
        let blocks = distinct.saturating_mul(KEY_BITS).div_ceil(BLOCK_BITS);
        let mut filter = Self {
            blocks: vec![[0; WORDS]; blocks],
        };
        for hash in hashes {
            let place = Self::place(hash, blocks);
            if let Some(block) = filter.blocks.get_mut(place) {
                for (word, bit) in block.iter_mut().zip(bits(hash)) {
                    *word |= bit;
                }
            }
        }
        filter
    }

    /// Whether `hash` may be in the set.
    #[inline]
    pub(crate) fn contains(&self, hash: u64) -> bool {
        let place = Self::place(hash, self.blocks.len());
        self.blocks.get(place).is_some_and(|block| {
            // Every word is looked at: without a branch that is the faster way.
            block
                .iter()
                .zip(bits(hash))
                .fold(true, |all, (word, bit)| all & (word & bit != 0))
        })
    }

    /// Which of `blocks` blocks the bits of `hash` are in.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the result is below `blocks`"
    )]
    const fn place(hash: u64, blocks: usize) -> usize {
        (((hash >> 32) * blocks as u64) >> 32) as usize
    }

    pub(super) fn blocks(&self) -> &[[u32; WORDS]] {
        &self.blocks
    }

    pub(super) fn put_block(block: &[u32; WORDS], out: &mut Vec<u8>) {
        for word in block {
            out.extend_from_slice(&word.to_le_bytes());
        }
    }

    /// A filter of `items` blocks, from its verified payload.
    pub(crate) fn take(payload: &[u8], items: usize) -> Result<Self, Fault> {
        let malformed = Fault::Malformed("key filter");
        if payload.len() != items.checked_mul(Self::BLOCK).ok_or(malformed)? {
            return Err(malformed);
        }
        let mut blocks = Vec::new();
        Fault::reserve(&mut blocks, items)?;
        let mut input = Input::new(payload);
        while !input.is_empty() {
            let mut block = [0; WORDS];
            for word in &mut block {
                *word = input.u32()?;
            }
            blocks.push(block);
        }
        Ok(Self { blocks })
    }

    /// Bytes it takes in memory.
    pub(crate) const fn weight(&self) -> usize {
        self.blocks.capacity() * Self::BLOCK + size_of::<Self>()
    }
}

/// The bit of every word.
#[inline]
#[allow(
    clippy::cast_possible_truncation,
    reason = "the low half is what chooses the bits"
)]
fn bits(hash: u64) -> [u32; WORDS] {
    SALTS.map(|salt| 1 << ((hash as u32).wrapping_mul(salt) >> 27))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::KeyHasher;
    use crate::store::LogId;

    fn payload(filter: &Filter) -> Vec<u8> {
        let mut payload = Vec::new();
        for block in filter.blocks() {
            Filter::put_block(block, &mut payload);
        }
        payload
    }

    #[test]
    fn has_every_member_and_few_others() {
        let hasher = KeyHasher::new(1, LogId(1));
        let hash = |i: u32| hasher.hash(&i.to_le_bytes());
        for members in [0, 1, 7, 100, 5000] {
            let filter = Filter::of((0..members).map(hash), members as usize);
            let payload = payload(&filter);
            assert_eq!(
                Filter::take(&payload, filter.blocks.len()),
                Ok(filter.clone())
            );
            assert!(Filter::take(&payload, filter.blocks.len() + 1).is_err());
            assert!((0..members).all(|i| filter.contains(hash(i))));
            let others = (0..10_000).filter(|i| filter.contains(hash(1_000_000 + i)));
            assert!(others.count() < 150, "{members} members");
        }
    }

    // The vector of FORMAT.md, section "Footer".
    #[test]
    fn vectors() {
        let filter = Filter::of(
            [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210].into_iter(),
            43,
        );
        let words: Vec<_> = payload(&filter)
            .chunks(4)
            .map(|word| std::format!("{:08x}", u32::from_le_bytes(word.try_into().unwrap())))
            .collect();
        assert_eq!(
            words.join(" "),
            "00040000 00080000 40000000 00800000 00000010 00010000 00001000 01000000 \
             00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 \
             00000010 00000010 00010000 00100000 00002000 00000400 80000000 08000000"
        );
    }
}
