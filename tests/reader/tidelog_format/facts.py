"""What a segment's entry, blob header and footer say, against what its frames say."""

from typing import Iterator

from . import blob, content_hash, footer, indexes, producers
from .errors import Damage
from .recovery import Scan
from .segment import Entry

NONE = footer.Section(0, b"")


def wrong(scan: Scan, header: bytes) -> Iterator[str]:
    """Sentences on what the manifest and the blob header say and the frames do not."""
    entry = scan.entry
    rewritten = False
    try:
        head = blob.decode_header(entry.name(), header)
        rewritten = bool(head.optional & blob.REWRITTEN)
        if head[:3] != (entry.epoch, entry.base_offset, entry.salt):
            yield f"the header of {entry.name()} is not that of the manifest's entry"
    except Damage as damage:
        # Without it nothing is known to be removed, nor not to be.
        rewritten = True
        if scan.good:
            yield str(damage)
    if scan.damage or scan.torn_at is not None:
        return
    yield from wrong_index_time(scan, rewritten)
    if not entry.active():
        yield from wrong_entry(scan)


def wrong_index_time(scan: Scan, rewritten: bool) -> Iterator[str]:
    """Index time never falls, and rises only by records, removed ones included."""
    entry, reached = scan.entry, scan.entry.base_clamp
    for good in scan.good:
        floor = good.header.clamp_floor
        if floor < reached or floor > reached and not rewritten:
            yield f"the clamp floor at {good.header.position} of {entry.name()} is not {reached}"
        reached = max([reached, floor, *(record.time for record in good.records)])
    falls = entry.clamp < reached or entry.clamp > reached and not rewritten
    if falls and not entry.active():
        yield f"the clamp of {entry.name()} is not {reached}"


def wrong_entry(scan: Scan) -> Iterator[str]:
    """The facts that a segment's entry has once the segment has ended."""
    entry = scan.entry
    times = [record.time for good in scan.good for record in good.records]
    value = entry.base_hash
    for header in (good.header for good in scan.good):
        value = content_hash.extended(value, header.header_checksum, header.body_checksum)
    found = {
        "records": len(times),
        "min_time": min(times, default=0),
        "max_time": max(times, default=0),
        "content_hash": value,
    }
    if entry.footer is None:
        found["producers"] = len(producers.in_segment(scan.good))
    for fact, is_so in found.items():
        says = getattr(entry, fact)
        if says != is_so:
            yield f"the manifest says of {entry.name()} that {fact} is {says}, not {is_so}"


def check_footer(scan: Scan, data: bytes, states: producers.States, key_seed: int) -> None:
    """Verifies a footer, as far as the frames of its segment can be read.

    `states` are the producers at the end of the segment.
    """
    entry, place = scan.entry, scan.entry.footer
    assert place is not None
    if place.blob.kind == blob.INDEX:
        place.check_header(data, entry.base_offset)
    end = place.position + place.length
    if len(data) < end:
        raise Damage(f"the footer of {entry.name()} is cut off")
    found = footer.decode(data[place.position : end], place.seed, place.position)
    if found.root != said_by(entry):
        raise Damage(f"the footer of {entry.name()} does not say what the manifest says")
    stored = producers.decode_section(*found.sections.get(footer.PRODUCERS, NONE))
    if (footer.KEYS in found.sections) != (footer.FILTER in found.sections):
        raise Damage(f"the footer of {entry.name()} has keys without filter or filter without keys")
    if scan.damage:
        return
    named = producers.in_segment(scan.good)
    if entry.producers != max(len(stored), len(named)):
        raise Damage(f"the footer of {entry.name()} has other producers than the manifest says")
    if not producers.agree(stored, {one.id: states[one.id] for one in named}):
        raise Damage(f"the producers of {entry.name()} are not those of its frames")
    check_indexes(scan, found, key_seed)


def check_indexes(scan: Scan, found: footer.Footer, key_seed: int) -> None:
    """Compares the indexes of a footer with those that its frames give."""
    entry, base, good = scan.entry, scan.entry.base_offset, scan.good
    wanted = {footer.OFFSETS: indexes.offsets(base, good), footer.TIMES: indexes.times(base, good)}
    if footer.KEYS in found.sections:
        hashed = indexes.hashes_of(key_seed, entry.log, base, good)
        wanted[footer.KEYS] = indexes.keys(hashed)
        wanted[footer.FILTER] = indexes.filter_of(hashed)
    for tag, section in wanted.items():
        if tag != footer.OFFSETS and tag not in found.sections:
            continue
        if found.sections.get(tag, NONE) != section:
            raise Damage(f"the section {tag} of {entry.name()} is not that of its frames")


def said_by(entry: Entry) -> footer.Root:
    """The root that agrees with a segment's entry."""
    return footer.Root(*(getattr(entry, fact) for fact in footer.Root._fields))


def advance(states: producers.States, scan: Scan) -> None:
    """Takes the batches of one more segment into the producers' states."""
    for good in scan.good:
        producers.advance(states, good)
