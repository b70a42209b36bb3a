"""The hash over the frames of a segment."""

MASK = 2**64 - 1


def extended(value: int, header_checksum: int, body_checksum: int) -> int:
    """The content hash `value` after one more frame."""
    x = value ^ (header_checksum << 32 | body_checksum)
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK
    return ((x ^ x >> 31) + 0x9E3779B97F4A7C15) & MASK
