"""The hash of a key: SipHash-1-3, keyed by the log."""

import struct
from typing import Tuple

MASK = 2**64 - 1


def rotated(value: int, bits: int) -> int:
    """A u64, rotated left."""
    return (value << bits | value >> 64 - bits) & MASK


def key_hash(key_seed: int, log: int, key: bytes) -> int:
    """The hash of a key in a log."""
    a, b = key_seed ^ 0x736F6D6570736575, log ^ 0x646F72616E646F6D
    c, d = key_seed ^ 0x6C7967656E657261, log ^ 0x7465646279746573
    tail = len(key) & ~7
    words = [word for (word,) in struct.iter_unpack("<Q", key[:tail])]
    words.append(int.from_bytes(key[tail:], "little") | (len(key) & 0xFF) << 56)
    for word in words:
        a, b, c, d = sip_round(a, b, c, d ^ word)
        a ^= word
    c ^= 0xFF
    for _ in range(3):
        a, b, c, d = sip_round(a, b, c, d)
    return a ^ b ^ c ^ d


def sip_round(a: int, b: int, c: int, d: int) -> Tuple[int, int, int, int]:
    """One round of SipHash."""
    a, c = (a + b) & MASK, (c + d) & MASK
    b, d = rotated(b, 13) ^ a, rotated(d, 16) ^ c
    a, c = rotated(a, 32), (c + b) & MASK
    a, b = (a + d) & MASK, rotated(b, 17) ^ c
    d, c = rotated(d, 21) ^ a, rotated(c, 32)
    return a, b, c, d
