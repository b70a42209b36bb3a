"""Reading a log: every record, everything lost, everything that contradicts itself."""

from bisect import bisect_left
from typing import Dict, List, NamedTuple, Optional, Tuple

from . import blob, catalog, facts, limits, mask, producers, recovery
from .errors import Damage
from .finding import Search
from .manifest import Manifest
from .record import Record
from .recovery import Lost


class BadFooter(NamedTuple):
    """A footer that would have to be rebuilt."""

    segment: int
    why: str


class Wrong(NamedTuple):
    """What the log says of itself, and is not so; no record is concerned."""

    segment: int
    why: str


class Reading(NamedTuple):
    """What a log holds. Records and losses are in the order of their offsets."""

    records: List[Record]
    lost: List[Lost]
    footers: List[BadFooter]
    wrong: List[Wrong]
    next: int


def read(store: blob.Directory, log: int) -> Reading:
    """Reads a whole log.

    Raises Damage when its manifest is damaged or there is no such log, and
    Unsupported when it needs a newer reader.
    """
    if not 0 <= log <= limits.NAME:
        raise Damage(f"{log} is not the id of a log")
    found = Search(store, log).in_force()
    if found is None:
        raise Damage(missing(store, log))
    return read_segments(store, found)


def read_segments(store: blob.Directory, manifest: Manifest) -> Reading:
    """Reads the live segments of a manifest."""
    snapshot = manifest.snapshot
    assert snapshot is not None
    entries = manifest.segments()
    blobs = [store.read(entry.name()) for entry in entries]
    scans = recovery.scan(entries, blobs, snapshot.next_offset)
    reading = Reading([], [], [], [], snapshot.next_offset)
    states: producers.States = {}
    records: Dict[int, Record] = {}
    for scan, data in zip(scans, blobs):
        number, place = scan.entry.number, scan.entry.footer
        reading.wrong.extend(Wrong(number, why) for why in facts.wrong(scan, data))
        facts.advance(states, scan)
        if place is not None and scan.torn_at is None:
            held = data if place.blob.kind == blob.SEGMENT else store.read(place.blob)
            try:
                facts.check_footer(scan, held, states, snapshot.key_seed)
            except Damage as damage:
                reading.footers.append(BadFooter(number, str(damage)))
        kept, lost = unmasked(store, scan, manifest.masked.get(number), reading.wrong)
        reading.lost.extend(lost)
        for record in kept:
            if records.setdefault(record.offset, record) != record:
                raise Damage(f"{scan.entry.name()} has another record {record.offset}")
    oldest = snapshot.start.oldest
    offsets = sorted(offset for offset in records if offset >= oldest)
    lost = [one._replace(first=max(one.first, oldest)) for one in reading.lost]
    next_offset = max([snapshot.next_offset, *(scan.next_offset() for scan in scans)])
    ordered = [records[offset] for offset in offsets]
    return reading._replace(records=ordered, lost=without(lost, offsets), next=next_offset)


def unmasked(
    store: blob.Directory, scan: recovery.Scan, masked: Optional[mask.Masked], wrong: List[Wrong]
) -> Tuple[List[Record], List[Lost]]:
    """The records of a segment that are not deleted, and what is lost of it."""
    records = [record for good in scan.good for record in good.records]
    if masked is None:
        return records, scan.lost
    number = scan.entry.number
    try:
        deleted = mask.read(store, masked)
    except Damage:
        # Nobody knows what is deleted, and nothing deleted may be handed out.
        return [], [Lost(scan.entry.base_offset, scan.next_offset(), number, 0)]
    if not scan.damage and scan.torn_at is None:
        wrong.extend(Wrong(number, why) for why in mask.wrong(masked, records, deleted))
    return [record for record in records if record.offset not in deleted], scan.lost


def without(lost: List[Lost], offsets: List[int]) -> List[Lost]:
    """Lost ranges without the offsets that another segment still has."""
    ranges = []
    for one in lost:
        first = one.first
        for offset in offsets[bisect_left(offsets, one.first) : bisect_left(offsets, one.next)]:
            if offset > first:
                ranges.append(one._replace(first=first, next=offset))
            first = offset + 1
        if first < one.next:
            ranges.append(one._replace(first=first))
    return sorted(ranges)


def missing(store: blob.Directory, log: int) -> str:
    """Why there is no manifest in force."""
    kinds = {name.kind for name in store.names(log)}
    named = named_by_catalog(store, log)
    remains = bool(kinds & {blob.MANIFEST, blob.MANIFEST_COPY})
    exists = named is not None and named.state == catalog.EXISTS
    if blob.SEGMENT in kinds or exists and remains:
        return f"the manifest of log {log} is damaged: no manifest has a first frame"
    if exists:
        return f"log {log}, which the catalog calls {named.name!r}, is lost: nothing of it is here"
    return f"there is no log {log} here"


def named_by_catalog(store: blob.Directory, log: int) -> Optional[catalog.Named]:
    """What the catalog says of a log, if there is a catalog."""
    if log == catalog.LOG:
        return None
    found = Search(store, catalog.LOG).in_force()
    records = read_segments(store, found).records if found else []
    return next((named for named in catalog.decode(records) if named.log == log), None)
