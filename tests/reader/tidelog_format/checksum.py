"""CRC-32, plain and seeded with the place of the bytes."""

import struct
from zlib import crc32

LOW_32 = 0xFFFFFFFF


def plain(data: bytes) -> int:
    """The checksum of blob headers."""
    return crc32(data)


def seed(log: int, kind: int, number: int, epoch: int, salt: int) -> int:
    """The seed of a blob. A manifest copy has the kind of a manifest, 1."""
    return crc32(struct.pack("<5Q", log, kind, number, epoch, salt))


def seeded(blob_seed: int, position: int, data: bytes) -> int:
    """The checksum of bytes that belong to `position` of a blob."""
    return crc32(data, blob_seed ^ position & LOW_32 ^ position >> 32)
