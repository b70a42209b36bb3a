"""The first edit of a manifest: where a log stands, and its settings."""

from typing import NamedTuple

from . import limits
from .compression import DEFLATE
from .cursor import Cursor
from .errors import Damage, Unsupported

SYNCED = 2
"""The highest durability level."""

INDEXES = 0b11
"""The indexes that there are: by key, by time."""


class Settings(NamedTuple):
    """What the log was told to do."""

    durability: int
    compression: int
    segment_bytes: int
    align: int
    indexes: int
    retention_age: int
    retention_bytes: int
    retention_records: int
    segment_age: int
    producer_expiry: int


class Start(NamedTuple):
    """Where a log begins: its oldest offset, and what its first segment begins with."""

    oldest: int
    clamp: int
    hash: int


class Snapshot(NamedTuple):
    """The fields of a snapshot."""

    predecessor: int
    epoch: int
    allocated: int
    next_offset: int
    start: Start
    key_seed: int
    settings: Settings


def decode(fields: Cursor) -> Snapshot:
    """Reads and checks the fields of a snapshot."""
    predecessor, epoch, allocated, next_offset = (fields.varint() for _ in range(4))
    start = decode_start(fields)
    key_seed = fields.varint()
    settings = decode_settings(fields)
    if max(predecessor, epoch, allocated) > limits.NAME or next_offset > limits.OFFSET:
        raise Damage("a snapshot exceeds the limits")
    return Snapshot(predecessor, epoch, allocated, next_offset, start, key_seed, settings)


def decode_start(fields: Cursor) -> Start:
    """Reads the fields that a *trimmed* edit replaces."""
    start = Start(fields.varint(), fields.signed_varint(), fields.varint())
    if start.oldest > limits.OFFSET:
        raise Damage("the oldest offset exceeds its limit")
    return start


def decode_settings(fields: Cursor) -> Settings:
    """Reads the fields that a *settings* edit replaces."""
    found = Settings(*(fields.varint() for _ in Settings._fields))
    low, high = limits.SEGMENT_BYTES
    levels = found.durability <= SYNCED and found.compression <= DEFLATE
    if not (levels and low <= found.segment_bytes <= high and is_align(found.align)):
        raise Damage("the settings exceed the limits")
    if found.indexes & ~INDEXES:
        raise Unsupported(f"indexes {found.indexes:#x}")
    return found


def is_align(align: int) -> bool:
    """Whether this is a value of the `align` setting."""
    low, high = limits.ALIGN
    return align == 0 or low <= align <= high and align & (align - 1) == 0
