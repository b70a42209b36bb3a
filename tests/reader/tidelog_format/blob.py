"""Blobs: their names, their headers, and the directory that holds them."""

import os
import struct
from typing import List, NamedTuple

from . import checksum, limits
from .cursor import Cursor
from .errors import Damage, NothingWritten, Unsupported

SEGMENT, MANIFEST, MANIFEST_COPY, MASK, INDEX, CURSORS = range(6)
KINDS = ["segment", "manifest", "manifest-copy", "mask", "index", "cursors"]

HEADER_BYTES = 64
MAGIC = b"tidelog\n"
REWRITTEN = 1
"""Bit 0 of a segment's optional features."""

MARKER = b"tidelog directory, format 1\n"


class Name(NamedTuple):
    """What a blob is called."""

    log: int
    kind: int
    number: int

    def __str__(self) -> str:
        return f"log-{self.log}/{KINDS[self.kind]}-{self.number}"

    def stored_kind(self) -> int:
        """The kind in the header and the seed: a manifest copy says it is a manifest."""
        return MANIFEST if self.kind == MANIFEST_COPY else self.kind

    def seed(self, epoch: int, salt: int) -> int:
        """What the checksums in this blob are seeded with."""
        return checksum.seed(self.log, self.stored_kind(), self.number, epoch, salt)


class Place(NamedTuple):
    """A part of a blob that the manifest names, behind the blob header or elsewhere."""

    blob: Name
    epoch: int
    salt: int
    seed: int
    position: int
    length: int

    def checked(self) -> "Place":
        """Itself, if its length is within the limits."""
        if not 0 < self.length <= limits.BLOB_PART or self.length % 8:
            raise Damage(f"{self.length} bytes of {self.blob} are named")
        return self

    def check_header(self, data: bytes, base_offset: int) -> None:
        """Whether the blob's header is what the manifest says of it."""
        head = decode_header(self.blob, data)
        if head[:3] != (self.epoch, base_offset, self.salt):
            raise Damage(f"the header of {self.blob} is not what the manifest says")


def decode_place(log: int, kind: int, fields: Cursor) -> Place:
    """Reads the number, salt, epoch and length of all that is behind a blob header."""
    number, salt, epoch, length = (fields.varint() for _ in range(4))
    name = Name(log, kind, number)
    if not 1 <= number <= limits.NAME or epoch > limits.NAME:
        raise Damage(f"{name} exceeds the limits")
    return Place(name, epoch, salt, name.seed(epoch, salt), HEADER_BYTES, length).checked()


class Header(NamedTuple):
    """The first 64 bytes of a blob, as far as its name does not say them."""

    epoch: int
    base_offset: int
    salt: int
    optional: int


def decode_header(name: Name, data: bytes) -> Header:
    """Verifies the header of the blob `name`, in the order the format demands."""
    head = data[:HEADER_BYTES]
    if len(head) < HEADER_BYTES or not any(head):
        raise NothingWritten(f"{name} has no header")
    fields = struct.unpack("<8sHBBIIIQQQQQ", head)
    magic, version, kind, reserved, required, optional, stored = fields[:7]
    log, number, epoch, base_offset, salt = fields[7:]
    if magic != MAGIC:
        raise Damage(f"{name} does not begin as a blob does")
    if stored != checksum.plain(head[:20] + head[24:]):
        raise Damage(f"the header checksum of {name} does not match")
    if version != 1:
        raise Unsupported(f"{name} has version {version}")
    if required:
        raise Unsupported(f"{name} requires the features {required:#x}")
    if reserved:
        raise Unsupported(f"a reserved byte of {name} is {reserved}")
    if (log, number, kind) != (name.log, name.number, name.stored_kind()):
        raise Damage(f"{name} says that it is ({log}, {kind}, {number})")
    if epoch > limits.NAME or base_offset > limits.OFFSET:
        raise Damage(f"the header of {name} exceeds the limits")
    if base_offset and name.kind not in (SEGMENT, INDEX):
        raise Damage(f"{name} has a base offset")
    return Header(epoch, base_offset, salt, optional)


class Directory:
    """The file store's directory, for reading."""

    def __init__(self, path: str) -> None:
        self.path = path
        with open(os.path.join(path, "tidelog"), "rb") as marker:
            if marker.read(len(MARKER) + 1) != MARKER:
                raise Unsupported("this is not a tidelog directory of format 1")

    def read(self, name: Name) -> bytes:
        """All bytes of a blob; none if it does not exist."""
        try:
            with open(os.path.join(self.path, str(name)), "rb") as blob:
                return blob.read()
        except FileNotFoundError:
            return b""

    def names(self, log: int) -> List[Name]:
        """The blobs of a log that have at least one byte."""
        folder = os.path.join(self.path, f"log-{log}")
        found = []
        for file in os.listdir(folder) if os.path.isdir(folder) else []:
            kind, _, number = file.rpartition("-")
            if kind in KINDS and number.isdecimal():
                name = Name(log, KINDS.index(kind), int(number))
                size = os.path.getsize(os.path.join(folder, file))
                if str(name).endswith("/" + file) and 1 <= name.number <= limits.NAME and size:
                    found.append(name)
        return found
