"""Masks: which records of a segment were deleted."""

from typing import Dict, Iterator, List, NamedTuple, Optional

from . import blob, frame, limits
from .cursor import Cursor
from .errors import Damage
from .record import Record

PAGE = 65536
"""Offsets of a page."""

RUNS, BITMAP = range(2)


class Masked(NamedTuple):
    """The fields of a *masked* edit, and the oldest offset of the log as it was with it."""

    segment: int
    deleted: int
    first: int
    end: int
    covers: int
    offsets: List[int]
    place: Optional[blob.Place]
    oldest: int = 0


class Deleted:
    """A set of offsets, in pages."""

    def __init__(self) -> None:
        self.pages: Dict[int, bytearray] = {}

    def __contains__(self, offset: int) -> bool:
        page = self.pages.get(offset // PAGE)
        bit = offset % PAGE
        return page is not None and bool(page[bit >> 3] >> (bit & 7) & 1)

    def page(self, number: int) -> bytearray:
        """The bitmap of a page."""
        return self.pages.setdefault(number, bytearray(PAGE >> 3))

    def add(self, offset: int) -> None:
        """Adds one offset."""
        bit = offset % PAGE
        self.page(offset // PAGE)[bit >> 3] |= 1 << (bit & 7)


def decode_masked(log: int, fields: Cursor) -> Masked:
    """Reads and checks the fields of a *masked* edit."""
    segment, deleted, first, end, covers, count = (fields.varint() for _ in range(6))
    if count > limits.MASKED_OFFSETS:
        raise Damage(f"an edit names {count} deleted offsets")
    offsets: List[int] = []
    for _ in range(count):
        offsets.append(fields.varint() + (offsets[-1] + 1 if offsets else 0))
    has_blob = fields.varint()
    place = blob.decode_place(log, blob.MASK, fields) if has_blob == 1 else None
    highest = max([end, covers, *offsets])
    if has_blob > 1 or first > end or end > covers or highest > limits.OFFSET:
        raise Damage(f"the edit on what is deleted in segment {segment} contradicts itself")
    return Masked(segment, deleted, first, end, covers, offsets, place)


def read(store: blob.Directory, masked: Masked) -> Deleted:
    """Everything that is deleted in a segment; damage if any part cannot be read."""
    found = Deleted()
    for offset in masked.offsets:
        found.add(offset)
    place = masked.place
    if place is None:
        return found
    data = store.read(place.blob)
    place.check_header(data, 0)
    end = place.position + place.length
    if len(data) < end:
        raise Damage(f"{place.blob} is cut off")
    frames, position = frame.Frames(data[:end], place.seed), place.position
    while position < end:
        header = frames.header(position)
        if header.kind != frame.MASK:
            raise Damage(f"{place.blob} has a frame of kind {header.kind}")
        add_pages(found, Cursor(frames.body(header)))
        position = header.end()
    return found


def add_pages(found: Deleted, fields: Cursor) -> None:
    """Adds the pages of one frame."""
    number = -1
    while fields.left():
        number += fields.varint() + 1
        if number > limits.OFFSET // PAGE:
            raise Damage(f"a mask has a page {number}")
        page, form = found.page(number), fields.fixed(1)
        if form == RUNS:
            add_runs(page, fields)
        elif form == BITMAP:
            for at, byte in enumerate(fields.take(PAGE >> 3)):
                page[at] |= byte
        else:
            raise Damage(f"a page of a mask has the form {form}")


def add_runs(page: bytearray, fields: Cursor) -> None:
    """Adds the runs of one page."""
    count = fields.varint()
    if not 1 <= count <= limits.RUNS:
        raise Damage(f"a page of a mask has {count} runs")
    last = -2
    for _ in range(count):
        first = last + 2 + fields.varint()
        last = first + fields.varint()
        if last >= PAGE:
            raise Damage("a run of a mask goes beyond its page")
        for bit in range(first, last + 1):
            page[bit >> 3] |= 1 << (bit & 7)


def wrong(masked: Masked, records: List[Record], deleted: Deleted) -> Iterator[str]:
    """Sentences on what a *masked* edit says and the records of the segment do not."""
    covered = [one.offset for one in records if one.offset < masked.covers]
    left = [one for one in covered if one >= masked.oldest and one not in deleted]
    first = left[0] if left else masked.covers
    found = {
        "deleted": len(covered) - len(left),
        "first": first,
        "end": left[-1] + 1 if left else first,
    }
    for fact, is_so in found.items():
        says = getattr(masked, fact)
        if says != is_so:
            yield f"the mask of segment {masked.segment} says {fact} is {says}, not {is_so}"
