"""The sections of a footer that index its segment, as its frames give them."""

import struct
from typing import List, Set, Tuple

from . import frame
from .footer import Section
from .key_hash import key_hash
from .recovery import Good

STEP = 4096
"""A batch that begins so many bytes behind an indexed one is indexed."""

SALT = bytes.fromhex("47b6137b44974d918824ad5ba2b7289d705495c72df1424b9efc49475c6bfb31")
"""Eight big-endian words, one for each word of a filter block."""

FILTER_BITS_A_HASH = 12
FILTER_BLOCK_BITS = 256


def indexed(base_offset: int, good: List[Good]) -> List[frame.Header]:
    """The headers that the offset index names."""
    found: List[frame.Header] = []
    for header in (one.header for one in good if one.header.kind == frame.BATCH):
        far = not found or header.position >= found[-1].position + STEP
        if far and max(header.base_offset - base_offset, header.position) < 2**32:
            found.append(header)
    return found


def offsets(base_offset: int, good: List[Good]) -> Section:
    """Tag 1: which batch is where."""
    headers = indexed(base_offset, good)
    parts = [struct.pack("<II", one.base_offset - base_offset, one.position) for one in headers]
    return Section(len(parts), b"".join(parts))


def times(base_offset: int, good: List[Good]) -> Section:
    """Tag 3: the index time before each batch of the offset index."""
    parts = [struct.pack("<q", one.clamp_floor) for one in indexed(base_offset, good)]
    return Section(len(parts), b"".join(parts))


def hashes_of(key_seed: int, log: int, base_offset: int, good: List[Good]) -> List[Tuple[int, int]]:
    """The hash and the delta of each record with a key, in order."""
    return sorted(
        (key_hash(key_seed, log, record.key), record.offset - base_offset)
        for one in good
        for record in one.records
        if record.key is not None
    )


def keys(hashed: List[Tuple[int, int]]) -> Section:
    """Tag 4: the records with keys, by hash."""
    return Section(len(hashed), b"".join(struct.pack("<QI", *item) for item in hashed))


def filter_of(hashed: List[Tuple[int, int]]) -> Section:
    """Tag 5: the hashes as a Bloom filter."""
    distinct = {value for value, _ in hashed}
    bits = FILTER_BITS_A_HASH * len(distinct)
    blocks = (bits + FILTER_BLOCK_BITS - 1) // FILTER_BLOCK_BITS
    words = filter_words(distinct, blocks)
    return Section(blocks, struct.pack(f"<{len(words)}I", *words))


def filter_words(hashes: Set[int], blocks: int) -> List[int]:
    """The words of a Bloom filter of so many blocks."""
    words = [0] * (8 * blocks)
    for value in hashes:
        block = (value >> 32) * blocks >> 32
        for at, salt in enumerate(struct.unpack(">8I", SALT)):
            words[8 * block + at] |= 1 << ((value * salt & 0xFFFFFFFF) >> 27)
    return words
