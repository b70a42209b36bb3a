//! Owns the hash of keys: SipHash, keyed per log, so that nobody who may append can
//! make the keys of a log collide.

use crate::store::LogId;

/// Hashes the keys of one log, with SipHash-1-3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyHasher {
    seed: u64,
    log: u64,
}

impl KeyHasher {
    /// The hasher of `log`, whose manifest says `seed`.
    pub(crate) const fn new(seed: u64, log: LogId) -> Self {
        Self { seed, log: log.0 }
    }

    #[inline]
    pub(crate) fn hash(self, key: &[u8]) -> u64 {
        siphash::<1, 3>(self.seed, self.log, key)
    }
}

/// SipHash with `C` rounds a word and `D` rounds at the end, under the key `k0`, `k1`.
#[inline]
fn siphash<const C: u32, const D: u32>(k0: u64, k1: u64, bytes: &[u8]) -> u64 {
    let mut v = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        absorb::<C>(&mut v, u64::from_le_bytes(*word));
    }
    // The length modulo 256 is the top byte of the last word.
    let last = rest
        .iter()
        .rev()
        .fold(0, |word, byte| word << 8 | u64::from(*byte));
    absorb::<C>(&mut v, (bytes.len() as u64) << 56 | last);
    v[2] ^= 0xff;
    for _ in 0..D {
        round(&mut v);
    }
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

#[inline]
fn absorb<const C: u32>(v: &mut [u64; 4], word: u64) {
    v[3] ^= word;
    for _ in 0..C {
        round(v);
    }
    v[0] ^= word;
}

#[inline]
const fn round(v: &mut [u64; 4]) {
    let [mut a, mut b, mut c, mut d] = *v;
    a = a.wrapping_add(b);
    c = c.wrapping_add(d);
    b = b.rotate_left(13) ^ a;
    d = d.rotate_left(16) ^ c;
    a = a.rotate_left(32);
    c = c.wrapping_add(b);
    a = a.wrapping_add(d);
    b = b.rotate_left(17) ^ c;
    d = d.rotate_left(21) ^ a;
    c = c.rotate_left(32);
    *v = [a, b, c, d];
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use core::hash::Hasher as _;
    use std::hash::DefaultHasher;

    fn counting(length: usize) -> Vec<u8> {
        (0..length).map(|byte| byte as u8).collect()
    }

    #[test]
    fn is_siphash_1_3_as_std_has_it() {
        for length in 0..100 {
            let bytes = counting(length);
            let mut std = DefaultHasher::new();
            std.write(&bytes);
            let own = KeyHasher::new(0, LogId(0)).hash(&bytes);
            assert_eq!(own, std.finish(), "{length} bytes");
        }
    }

    // From the reference implementation: key 00 01 .. 0f, messages 00, 00 01, ...
    #[test]
    fn is_siphash_2_4_with_its_rounds() {
        let (k0, k1) = (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);
        for (length, expected) in [
            (0, 0x726f_db47_dd0e_0e31),
            (1, 0x74f8_39c5_93dc_67fd),
            (7, 0xab02_00f5_8b01_d137),
            (8, 0x93f5_f579_9a93_2462),
            (15, 0xa129_ca61_49be_45e5),
        ] {
            assert_eq!(siphash::<2, 4>(k0, k1, &counting(length)), expected);
        }
    }

    // The vectors of FORMAT.md, section "Key hash".
    #[test]
    fn vectors() {
        let hasher = KeyHasher::new(0x0123_4567_89ab_cdef, LogId(7));
        for (key, expected) in [
            (&b""[..], 0x5779_e6a2_55ae_f6b9),
            (b"k", 0x7c13_3fd9_f633_67db),
            (b"tidelog", 0xbcb3_9328_876d_592e),
            (b"a longer key than one word", 0x8b5e_008f_ef32_0f6d),
        ] {
            assert_eq!(hasher.hash(key), expected, "{key:?}");
        }
    }
}
