"""How a body is packed: one LZ4 block, or one raw DEFLATE stream."""

import zlib

from . import limits
from .cursor import Cursor
from .errors import Damage

NONE, LZ4, DEFLATE = range(3)


def unpack(codec: int, body: bytes, raw_length: int) -> bytes:
    """The raw body, of exactly `raw_length` bytes."""
    if raw_length > limits.EXPANSION * len(body):
        raise Damage(f"{len(body)} bytes cannot unpack to {raw_length}")
    raw = (lz4 if codec == LZ4 else deflate)(body, raw_length)
    if len(raw) != raw_length:
        raise Damage(f"the body unpacks to {len(raw)} bytes, not to {raw_length}")
    return raw


def deflate(body: bytes, bound: int) -> bytes:
    """Inflates one raw stream that ends at the last byte of `body`."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        # One byte above the bound tells a stream that is too long from one that is not.
        raw = stream.decompress(body, bound + 1)
    except zlib.error as error:
        raise Damage(f"the DEFLATE stream is malformed: {error}") from error
    if len(raw) > bound or not stream.eof or stream.unused_data:
        raise Damage("the DEFLATE stream does not end with the body")
    return raw


def lz4(body: bytes, bound: int) -> bytes:
    """Unpacks one LZ4 block into at most `bound` bytes."""
    source, raw = Cursor(body), bytearray()
    while True:
        token = source.fixed(1)
        raw += source.take(lz4_length(source, token >> 4))
        if len(raw) > bound:
            raise Damage("an LZ4 block is longer than its raw length")
        if not source.left():
            return bytes(raw)
        distance = source.fixed(2)
        length = lz4_length(source, token & 15) + 4
        start = len(raw) - distance
        if distance == 0 or start < 0:
            raise Damage(f"an LZ4 match begins {distance} bytes back, of {len(raw)}")
        if len(raw) + length > bound:
            raise Damage(f"an LZ4 match of {length} bytes exceeds the raw length")
        # A match may overlap itself: its first `distance` bytes then repeat.
        repeated = raw[start : start + min(distance, length)]
        raw += (repeated * (length // distance + 1))[:length]


def lz4_length(source: Cursor, nibble: int) -> int:
    """A length, whose first four bits are in the token."""
    length = nibble
    if nibble == 15:
        byte = 255
        while byte == 255:
            byte = source.fixed(1)
            length += byte
    return length
