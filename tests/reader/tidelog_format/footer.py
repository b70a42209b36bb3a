"""Footers: blocks, sections, root."""

from typing import Dict, NamedTuple

from . import checksum
from .cursor import Cursor, padded
from .errors import Damage

ROOT, OFFSETS, PRODUCERS, TIMES, KEYS, FILTER = range(6)

TRAILER_BYTES = 8
PIECE_BYTES = 4088
"""Payload of every block of a section but the last."""

PIECES = {KEYS: 4080, FILTER: 4064}
"""The same, of sections where no item may straddle two blocks."""


class Section(NamedTuple):
    """What a section holds: how many items, and their bytes."""

    items: int
    payload: bytes


class Part(NamedTuple):
    """Where a section is in its footer."""

    tag: int
    items: int
    position: int
    length: int


class Root(NamedTuple):
    """What a footer says of its segment."""

    base_offset: int
    next_offset: int
    records: int
    data_end: int
    min_time: int
    max_time: int
    clamp: int
    content_hash: int


class Footer(NamedTuple):
    """A footer that verifies."""

    root: Root
    sections: Dict[int, Section]


class Blocks(NamedTuple):
    """The bytes of a footer, and where they belong."""

    data: bytes
    seed: int
    position: int

    def payload(self, start: int, end: int, tag: int) -> bytes:
        """The verified payload of the block in [start, end) of the footer."""
        block = self.data[start:end]
        trailer = Cursor(block[-TRAILER_BYTES:])
        found, length, stored = trailer.fixed(2), trailer.fixed(2), trailer.fixed(4)
        position = self.position + start
        if stored != checksum.seeded(self.seed, position, block[:-4]):
            raise Damage(f"the checksum of the block at {position} does not match")
        if found != tag or padded(length) + TRAILER_BYTES != len(block):
            raise Damage(f"the block at {position} has tag {found} and length {length}")
        if any(block[length:-TRAILER_BYTES]):
            raise Damage(f"the padding of the block at {position} is not zeros")
        return block[:length]

    def section(self, part: Part) -> Section:
        """A section, of all its blocks."""
        end = part.position + part.length
        piece = PIECES.get(part.tag, PIECE_BYTES)
        step = padded(piece) + TRAILER_BYTES
        pieces = [
            self.payload(start, min(start + step, end), part.tag)
            for start in range(part.position, end, step)
        ]
        if any(len(one) != piece for one in pieces[:-1]):
            raise Damage(f"a block of the section {part.tag} is not full")
        return Section(part.items, b"".join(pieces))


def decode(data: bytes, seed: int, position: int) -> Footer:
    """Verifies the footer that begins at `position` of its blob."""
    if len(data) < TRAILER_BYTES or position % 8 or len(data) % 8:
        raise Damage(f"there is no footer of {len(data)} bytes at {position}")
    blocks = Blocks(data, seed, position)
    length = int.from_bytes(data[-6:-4], "little")
    root_at = len(data) - TRAILER_BYTES - padded(length)
    if root_at < 0:
        raise Damage(f"the root at {position} is longer than the footer")
    fields = Cursor(blocks.payload(root_at, len(data), ROOT))
    numbers = [fields.fixed(8) for _ in range(4)]
    root = Root(*numbers, fields.i64(), fields.i64(), fields.i64(), fields.fixed(8))
    sections: Dict[int, Section] = {}
    end, tag = 0, ROOT
    for _ in range(fields.fixed(8)):
        part = Part(*(fields.fixed(4) for _ in Part._fields))
        if part.tag <= tag or part.position != end or part.length % 8:
            raise Damage(f"the section {part.tag} is not behind the section {tag}")
        tag, end = part.tag, part.position + part.length
        if end > root_at:
            raise Damage(f"the section {tag} does not lie in the footer")
        sections[tag] = blocks.section(part)
    fields.end()
    if end != root_at:
        raise Damage("there are blocks of no section before the root")
    return Footer(root, sections)
