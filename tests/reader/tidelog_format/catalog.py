"""The catalog: the log that maps names to log ids."""

from typing import List, NamedTuple

from . import limits
from .cursor import Cursor
from .errors import Damage
from .record import Record

LOG = 0
TAKEN, EXISTS = range(2)


class Named(NamedTuple):
    """What the last record of a name says."""

    name: str
    state: int
    log: int


def decode(records: List[Record]) -> List[Named]:
    """What the catalog's records say, the last one of each name."""
    last = {}
    for record in records:
        if record.key is None or record.value is None or not 1 <= len(record.key) <= limits.TEXT:
            raise Damage(f"the catalog's record {record.offset} names no log")
        try:
            name = record.key.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Damage(f"the name in the catalog's record {record.offset}: {error}") from error
        fields = Cursor(record.value)
        last[name] = Named(name, fields.varint(), fields.varint())
    return list(last.values())
