"""Frames: a header with a checksum of its own, a body, zeros up to a multiple of 8."""

import struct
from typing import Iterator, NamedTuple, Optional

from . import checksum, limits
from .cursor import padded
from .errors import Damage, NothingWritten, Unsupported

BATCH, MARK, EDITS, MASK = range(4)

FIXED_BYTES = 56
WORDS = range(7, 13)
WORDS_AT = 15
STEP = 8
"""Frames begin at multiples of this."""

COMPRESSION_BITS = 0b11
HAS_PRODUCER = 1 << 2
HAS_HEADERS = 1 << 3
HAS_DELTAS = 1 << 4
EARLIER_SYNCED = 1 << 6
KNOWN_BITS = 0b101_1111

FIXED = struct.Struct("<IIIHBBQIIqqQ")


class Producer(NamedTuple):
    """The producer block."""

    id: bytes
    epoch: int
    sequence: int


class Header(NamedTuple):
    """A frame's header, verified."""

    position: int
    header_checksum: int
    body_checksum: int
    body_length: int
    attributes: int
    kind: int
    words: int
    base_offset: int
    last_delta: int
    count: int
    base_time: int
    clamp_floor: int
    vouched: int
    raw_length: Optional[int]
    producer: Optional[Producer]

    def has(self, attribute: int) -> bool:
        """Whether an attribute is set."""
        return bool(self.attributes & attribute)

    def body_at(self) -> int:
        """Position of the body."""
        return self.position + 8 * self.words

    def end(self) -> int:
        """Position behind the padding."""
        return self.body_at() + padded(self.body_length)

    def next_offset(self) -> int:
        """The offset behind the last record of a batch."""
        return self.base_offset + self.last_delta + 1


def decode_header(data: bytes, position: int, seed: int) -> Header:
    """Verifies the header of the frame at `position` of a blob."""
    fixed = data[position : position + FIXED_BYTES]
    if len(fixed) < FIXED_BYTES:
        raise NothingWritten(f"the blob ends {len(fixed)} bytes behind {position}")
    if not any(fixed):
        raise NothingWritten(f"nothing was written at {position}")
    words = fixed[WORDS_AT]
    if words not in WORDS:
        raise Damage(f"the frame at {position} has a header of {words} words")
    head = data[position : position + 8 * words]
    if len(head) < 8 * words:
        raise Damage(f"the header at {position} is cut off")
    stored = int.from_bytes(head[:4], "little")
    if stored != checksum.seeded(seed, position, head[4:]):
        raise Damage(f"the header checksum at {position} does not match")
    return checked(position, head)


def checked(position: int, head: bytes) -> Header:
    """Takes apart a header whose checksum holds."""
    header_sum, body_sum, length, attributes, kind, words = FIXED.unpack_from(head)[:6]
    rest = FIXED.unpack_from(head)[6:]
    if kind not in (BATCH, MARK, EDITS, MASK):
        raise Unsupported(f"the frame at {position} is of kind {kind}")
    if attributes & ~KNOWN_BITS:
        raise Unsupported(f"the frame at {position} has the attributes {attributes:#06x}")
    packed = attributes & COMPRESSION_BITS
    wanted = 7 + bool(packed) + 4 * bool(attributes & HAS_PRODUCER)
    if packed == 3 or words != wanted:
        raise Damage(f"the attributes {attributes:#06x} at {position} contradict the header")
    raw_length = producer = None
    block = FIXED_BYTES
    if packed:
        raw_length = int.from_bytes(head[block : block + 8], "little")
        block += 8
    if attributes & HAS_PRODUCER:
        producer = Producer(*struct.unpack_from("<16sQQ", head, block))
    header = Header(
        position, header_sum, body_sum, length, attributes, kind, words, *rest, raw_length, producer
    )
    raw = length if raw_length is None else raw_length
    if length > limits.BODY or raw > limits.BODY:
        raise Damage(f"the body at {position} exceeds its limit")
    if header.vouched > position:
        raise Damage(f"the frame at {position} vouches for what comes behind it")
    if kind == BATCH:
        check_batch(header, raw)
    elif header.count or header.last_delta or attributes & ~EARLIER_SYNCED:
        raise Damage(f"the frame at {position} has what only a batch can have")
    return header


def check_batch(header: Header, raw_length: int) -> None:
    """What holds for the header of every batch."""
    position, count = header.position, header.count
    if not 1 <= count <= limits.RECORDS or 3 * count > raw_length:
        raise Damage(f"the batch at {position} cannot hold {count} records")
    gaps = header.last_delta - (count - 1)
    if gaps < 0 or gaps and not header.has(HAS_DELTAS):
        raise Damage(f"the last delta at {position} is {header.last_delta}, of {count} records")
    if header.next_offset() > limits.OFFSET:
        raise Damage(f"the offsets at {position} exceed their limit")


class Frames(NamedTuple):
    """The bytes of a blob up to where its frames must end, and its seed."""

    data: bytes
    seed: int

    def header(self, position: int) -> Header:
        """The verified header at `position`."""
        return decode_header(self.data, position, self.seed)

    def body(self, header: Header) -> bytes:
        """The verified body of a frame, as stored. It needs its padding to be there."""
        start = header.body_at()
        end = start + header.body_length
        if header.end() > len(self.data):
            raise Damage(f"the body at {start} is cut off")
        body = self.data[start:end]
        if header.body_checksum != checksum.seeded(self.seed, header.position, body):
            raise Damage(f"the body checksum at {start} does not match")
        if any(self.data[end : header.end()]):
            raise Damage(f"the padding at {end} is not zeros")
        if header.kind == MARK and any(body):
            raise Damage(f"the body of the mark at {header.position} is not zeros")
        return body

    def headers(self, start: int, end: int) -> Iterator[Header]:
        """Every header that verifies at a multiple of 8 in [start, end)."""
        last = min(end, len(self.data) - FIXED_BYTES + 1)
        for position in range(padded(start), last, STEP):
            if self.data[position + WORDS_AT] in WORDS:
                try:
                    yield self.header(position)
                except Damage:
                    continue
