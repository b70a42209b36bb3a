//! Owns the one generator of pseudo-random numbers: everything seeded in this
//! crate draws from it, so that a seed means the same on every platform and in
//! every version.

/// SplitMix64. Not for secrets.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator that always yields the same numbers for the same seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number below `bound`, or 0 if `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.word()) * u128::from(bound);
        (wide >> 64) as u64
    }

    /// An index below `bound`, or 0 if `bound` is 0.
    pub fn index(&mut self, bound: usize) -> usize {
        self.below(bound as u64) as usize
    }

    /// True once in `odds` times; never if `odds` is 0.
    pub fn one_in(&mut self, odds: u64) -> bool {
        odds != 0 && self.below(odds) == 0
    }

    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self.word().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }

    /// Brings `items` into a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.index(end + 1));
        }
    }
}

/// Spreads the bits of a number over all 64: a hash of one word.
#[must_use]
pub const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// A 64-bit hash of bytes, for telling images and records apart by the million.
/// It keeps nobody from making a collision on purpose.
#[must_use]
pub fn digest(seed: u64, bytes: &[u8]) -> u64 {
    const FACTOR: u128 = 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835;
    let fold = |state: u64, word: u64| {
        let wide = u128::from(state ^ word).wrapping_mul(FACTOR);
        (wide as u64) ^ ((wide >> 64) as u64)
    };
    let mut state = mix(seed ^ bytes.len() as u64);
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        let word = word.try_into().map_or(0, u64::from_le_bytes);
        state = fold(state, word).wrapping_add(0x9E37_79B9_7F4A_7C15);
    }
    let rest = words
        .remainder()
        .iter()
        .rev()
        .fold(0, |word, byte| (word << 8) | u64::from(*byte));
    mix(fold(state, rest))
}

#[cfg(test)]
mod tests {
    use super::{Random, digest};

    #[test]
    fn a_seed_means_the_same_for_ever() {
        let mut random = Random::new(1);
        assert_eq!(random.word(), 0x910A_2DEC_8902_5CC1);
        assert_eq!(random.word(), 0xBEEB_8DA1_658E_EC67);
    }

    #[test]
    fn every_byte_and_the_length_count() {
        let bytes = [0u8; 40];
        let mut seen = std::collections::HashSet::new();
        for len in 0..=40 {
            assert!(seen.insert(digest(0, &bytes[..len])));
        }
        for at in 0..40 {
            for value in 1..=255 {
                let mut changed = bytes;
                changed[at] = value;
                assert!(seen.insert(digest(0, &changed)));
            }
        }
    }
}
