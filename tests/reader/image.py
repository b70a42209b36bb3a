"""Writes images for the tests, in memory: only as much of the format as they need."""

import struct
from typing import Dict, List

from tidelog_format import blob, checksum, content_hash, frame
from tidelog_format.cursor import padded

LOG = 7
SALT = 0x0123456789ABCDEF
KEY_SEED = SALT
FLOOR = -(2**63)
TIME = 5
ALL = 2**64 - 1


class Memory:
    """A store in memory."""

    def __init__(self, blobs: Dict[blob.Name, bytes]) -> None:
        self.blobs = blobs

    @classmethod
    def copy_of(cls, store: blob.Directory, log: int) -> "Memory":
        """All blobs of a log."""
        return cls({name: store.read(name) for name in store.names(log)})

    def read(self, name: blob.Name) -> bytes:
        """All bytes of a blob; none if it does not exist."""
        return self.blobs.get(name, b"")

    def names(self, log: int) -> List[blob.Name]:
        """The blobs of a log that have at least one byte."""
        return [name for name, data in self.blobs.items() if name.log == log and data]


def varint(value: int) -> bytes:
    """LEB128, the shortest form."""
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def signed_varint(value: int) -> bytes:
    """A zig-zag varint."""
    return varint((value << 1 ^ value >> 63) & ALL)


def blob_header(name: blob.Name, version: int = 1, required: int = 0, base: int = 0) -> bytes:
    """The first 64 bytes of a blob of epoch 1."""
    kind = name.stored_kind()
    head = struct.pack("<8sHBBII", blob.MAGIC, version, kind, 0, required, 0)
    tail = struct.pack("<5Q", name.log, name.number, 1, base, SALT)
    return head + struct.pack("<I", checksum.plain(head + tail)) + tail


class Writer:
    """Appends frames to one blob."""

    def __init__(self, name: blob.Name, base: int = 0, required: int = 0) -> None:
        self.name = name
        self.base = base
        self.seed = name.seed(1, SALT)
        self.data = blob_header(name, required=required, base=base)
        self.hash = 0

    def frame(
        self, kind: int, body: bytes, attributes: int = 0, blocks: bytes = b"", **fields: int
    ) -> "Writer":
        """Appends a frame; fields that are not named are 0."""
        position = len(self.data)
        body_sum = checksum.seeded(self.seed, position, body)
        named = ("base_offset", "last_delta", "count", "base_time", "clamp_floor", "vouched")
        values = [fields.get(name, 0) for name in named]
        words = 7 + len(blocks) // 8
        rest = struct.pack("<IIHBBQIIqqQ", body_sum, len(body), attributes, kind, words, *values)
        rest += blocks
        head_sum = checksum.seeded(self.seed, position, rest)
        self.hash = content_hash.extended(self.hash, head_sum, body_sum)
        self.data += struct.pack("<I", head_sum) + rest + body.ljust(padded(len(body)), b"\0")
        return self

    def batch(self, offset: int, count: int, attributes: int = 0, vouched: int = 0) -> "Writer":
        """Appends a batch of records whose values are their offsets, all at one time."""
        body = b"".join(b"\0\0\2" + bytes([offset + n]) for n in range(count))
        floor = FLOOR if len(self.data) == blob.HEADER_BYTES and offset == 0 else TIME
        fields = {"base_offset": offset, "last_delta": count - 1, "count": count}
        times = {"base_time": TIME, "clamp_floor": floor, "vouched": vouched}
        return self.frame(frame.BATCH, body, attributes, **fields, **times)

    def break_frame(self, position: int, at: int = 4) -> "Writer":
        """Flips a bit of the frame at a position: at 4 both checksums fail."""
        at += position
        self.data = self.data[:at] + bytes([self.data[at] ^ 1]) + self.data[at + 1 :]
        return self

    def entry(
        self,
        records: int = 0,
        footer: bytes = b"\0",
        sealed: bool = False,
        removed: int = 0,
        producers: int = 0,
    ) -> bytes:
        """The *segment* edit: active, or ended with so many records, and some removed."""
        end = len(self.data) if records else 0
        first = FLOOR if self.base == 0 else TIME
        reached = self.base + records + removed
        hashed = self.hash if records else 0
        times = [TIME, TIME, TIME] if records else [0, 0, first]
        parts = [*map(varint, (self.name.number, 1, SALT, self.base)), signed_varint(first)]
        parts += map(varint, (0, reached, records, end))
        parts += [*map(signed_varint, times), *map(varint, (hashed, producers, sealed)), footer]
        return edit(2, b"".join(parts))


def segment(number: int, base: int = 0, log: int = LOG) -> Writer:
    """A segment without frames."""
    return Writer(blob.Name(log, blob.SEGMENT, number), base)


def edit(tag: int, fields: bytes) -> bytes:
    """One edit."""
    return bytes([tag]) + varint(len(fields)) + fields


def snapshot(predecessor: int = 0, oldest: int = 0) -> bytes:
    """The fields of a snapshot with all numbers allocated."""
    parts = [*map(varint, (predecessor, 1, 1000, 0, oldest)), signed_varint(FLOOR)]
    parts += map(varint, (0, KEY_SEED, 0, 0, 4096, 0, 0, 0, 0, 0, 0, 0))
    return b"".join(parts)


def manifest(
    number: int, *frames: bytes, predecessor: int = 0, required: int = 0, log: int = LOG
) -> Writer:
    """A manifest with a snapshot and the edits of `frames`."""
    fields = snapshot(predecessor)
    writer = Writer(blob.Name(log, blob.MANIFEST, number), required=required)
    writer.frame(frame.EDITS, edit(1, fields))
    for edits in frames:
        writer.frame(frame.EDITS, edits, vouched=len(writer.data))
    return writer


def store(*writers: Writer) -> Memory:
    """The blobs that were written."""
    return Memory({writer.name: writer.data for writer in writers})
