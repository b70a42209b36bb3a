"""Records: the body of a batch."""

from typing import List, NamedTuple, Optional, Tuple

from . import compression, frame, limits
from .cursor import Cursor, wrapped_i64
from .errors import Damage


class Record(NamedTuple):
    """One record. An absent key or value is None."""

    offset: int
    time: int
    key: Optional[bytes]
    value: Optional[bytes]
    headers: List[Tuple[bytes, bytes]]


def decode_batch(header: frame.Header, stored: bytes) -> List[Record]:
    """All records of a batch, from its verified body as stored."""
    raw = stored
    if header.raw_length is not None:
        codec = header.attributes & frame.COMPRESSION_BITS
        raw = compression.unpack(codec, stored, header.raw_length)
    fields, records, delta = Cursor(raw), [], -1
    for _ in range(header.count):
        time = wrapped_i64(header.base_time + fields.signed_varint())
        before = delta
        delta = fields.varint() if header.has(frame.HAS_DELTAS) else before + 1
        if delta <= before:
            raise Damage(f"the offset deltas of the batch at {header.position} do not rise")
        key, value = optional(fields), optional(fields)
        named = pairs(fields) if header.has(frame.HAS_HEADERS) else []
        records.append(Record(header.base_offset + delta, time, key, value, named))
    fields.end()
    if delta != header.last_delta:
        raise Damage(f"the batch at {header.position} ends with the offset delta {delta}")
    return records


def optional(fields: Cursor) -> Optional[bytes]:
    """A key or value: its length plus 1, or 0 if there is none."""
    length = fields.varint()
    return fields.take(length - 1) if length else None


def pairs(fields: Cursor) -> List[Tuple[bytes, bytes]]:
    """The headers of a record."""
    number = fields.varint()
    if number > limits.HEADERS:
        raise Damage(f"a record has {number} headers")
    found = []
    for _ in range(number):
        name = fields.take(fields.varint())
        found.append((name, fields.take(fields.varint())))
    return found
