"""What the manifest knows of a segment."""

from typing import NamedTuple, Optional

from . import blob, limits
from .cursor import Cursor
from .errors import Damage, Unsupported


class Entry(NamedTuple):
    """The fields of a *segment* edit, and the log it is of."""

    log: int
    number: int
    epoch: int
    salt: int
    base_offset: int
    base_clamp: int
    base_hash: int
    next_offset: int
    records: int
    data_end: int
    min_time: int
    max_time: int
    clamp: int
    content_hash: int
    producers: int
    sealed: bool
    footer: Optional[blob.Place]

    def name(self) -> blob.Name:
        """The segment's blob."""
        return blob.Name(self.log, blob.SEGMENT, self.number)

    def active(self) -> bool:
        """Whether the segment may have grown after the entry was written."""
        return self.data_end == 0


def decode_entry(log: int, fields: Cursor) -> Entry:
    """Reads and checks the fields of a *segment* edit."""
    number, epoch, salt, base_offset = (fields.varint() for _ in range(4))
    base_clamp = fields.signed_varint()
    base_hash, next_offset, records, data_end = (fields.varint() for _ in range(4))
    min_time, max_time, clamp = (fields.signed_varint() for _ in range(3))
    content_hash, producers, sealed = (fields.varint() for _ in range(3))
    name = blob.Name(log, blob.SEGMENT, number)
    behind = blob.Place(name, epoch, salt, name.seed(epoch, salt), data_end, 0)
    place = decode_footer(behind, fields)
    facts = (next_offset, records, data_end, min_time, max_time, clamp, content_hash, producers)
    base = (base_offset, base_clamp, base_hash)
    entry = Entry(log, number, epoch, salt, *base, *facts, bool(sealed), place)
    if sealed > 1 or not is_consistent(entry):
        raise Damage(f"the entry of {name} contradicts itself")
    return entry


def decode_footer(segment: blob.Place, fields: Cursor) -> Optional[blob.Place]:
    """Reads where the footer is. `segment` is what would be behind the frames."""
    kind = fields.varint()
    if kind == 0:
        return None
    if kind == 1:
        return segment._replace(length=fields.varint()).checked()
    if kind == 2:
        return blob.decode_place(segment.blob.log, blob.INDEX, fields)
    raise Unsupported(f"the footer of {segment.blob} is of kind {kind}")


def is_consistent(entry: Entry) -> bool:
    """Whether an entry is within the limits and its fields agree with each other."""
    end = entry.data_end
    if not (1 <= entry.number <= limits.NAME and entry.epoch <= limits.NAME):
        return False
    if not entry.base_offset <= entry.next_offset <= limits.OFFSET:
        return False
    if entry.records > entry.next_offset - entry.base_offset or entry.clamp < entry.base_clamp:
        return False
    if entry.active():
        facts = (entry.next_offset, entry.min_time, entry.max_time, entry.content_hash)
        none = not entry.sealed and entry.footer is None
        return facts == (entry.base_offset, 0, 0, 0) and none
    if not blob.HEADER_BYTES <= end <= limits.BLOB_PART or end % 8:
        return False
    if entry.records == 0:
        return entry.min_time == entry.max_time == 0
    return entry.min_time <= entry.max_time <= entry.clamp
