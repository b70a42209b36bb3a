#!/usr/bin/env python3
"""A second reader of tidelog stores: it shares no code with the engine.

It prints the records of a log in a directory of the file store as JSON lines, bytes in
hexadecimal; one line {"lost": [first, next], ...} for every range that cannot be read, and
one {"footer": segment, ...} for every footer that would have to be rebuilt. Its last line
is {"next": offset}. It hands out nothing that does not verify, and compares what the
manifest and the footers say with what is in the frames.

Exit code: 0 everything was read, 1 records are lost, 2 the log was refused.
"""

import argparse
import json
import struct
import sys
import zlib
from pathlib import Path
from typing import NamedTuple, Optional

from tidelog_codecs import inflate, lz4
from tidelog_input import Blank, Damaged, Input, Refused, Unsupported

ALIGN = 8
BLOB_HEADER = 64
FRAME_HEADER = 56
BODY_MAX = 1 << 25
RECORDS_MAX = 1 << 20
HEADERS_MAX = 1 << 10
OFFSET_MAX = NUMBER_MAX = (1 << 53) - 1
BLOB_MAX = 1 << 31
EXPANSION_MAX = 1040
AHEAD = 96 << 20
PROBES = 16
STRIDE = 4096
BLOCK = 4096
WINDOW = 8
U64 = (1 << 64) - 1

SEGMENT, MANIFEST, MANIFEST_COPY, MASK, INDEX, CURSORS = range(6)
KIND_NAMES = ["segment", "manifest", "manifest-copy", "mask", "index", "cursors"]
BATCH, MARK, EDITS = range(3)


# Conventions


def wrap(value):
    """The i64 that is left of a sum of two."""
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)


def padded(length):
    return -(-length // ALIGN) * ALIGN


# Checksums


def seed_of(log, kind, number, epoch, salt):
    kind = MANIFEST if kind == MANIFEST_COPY else kind
    return zlib.crc32(struct.pack("<5Q", log, kind, number, epoch, salt))


def checksum(seed, position, data):
    return zlib.crc32(data, seed ^ (position & 0xFFFFFFFF) ^ (position >> 32))


def content_hash(h, header_checksum, body_checksum):
    x = h ^ (header_checksum << 32 | body_checksum)
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & U64
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & U64
    return ((x ^ (x >> 31)) + 0x9E3779B97F4A7C15) & U64


# Blob header


class BlobHeader(NamedTuple):
    epoch: int
    base_offset: int
    salt: int


def blob_header(data, log, kind, number):
    data = Input(data).take(BLOB_HEADER)
    if not any(data):
        raise Blank("nothing was written")
    magic, version, found_kind, reserved, required, _optional, crc = struct.unpack(
        "<8sHBBIII", data[:24]
    )
    if magic != b"tidelog\n":
        raise Refused("not a tidelog blob")
    if crc != zlib.crc32(data[24:], zlib.crc32(data[:20])):
        raise Refused("the checksum of the blob header does not match")
    if version != 1:
        raise Unsupported(f"format version {version}")
    if required:
        raise Unsupported(f"required features {required:#x}")
    if reserved:
        raise Refused("the reserved byte is not 0")
    found_log, found_number, epoch, base_offset, salt = struct.unpack("<5Q", data[24:])
    kind = MANIFEST if kind == MANIFEST_COPY else kind
    if (found_log, found_number, found_kind) != (log, number, kind):
        raise Refused("the bytes belong to another blob")
    return BlobHeader(epoch, base_offset, salt)


# Frames


class Producer(NamedTuple):
    id: bytes
    epoch: int
    sequence: int


class Frame(NamedTuple):
    position: int
    kind: int
    compression: int
    headers: bool
    deltas: bool
    earlier_synced: bool
    base_offset: int
    last_delta: int
    count: int
    base_time: int
    clamp_floor: int
    vouched: int
    body_length: int
    raw_length: int
    producer: Optional[Producer]
    header_checksum: int
    body_checksum: int
    header_length: int

    @property
    def length(self):
        return padded(self.header_length + self.body_length)

    @property
    def next_offset(self):
        return self.base_offset + self.last_delta + 1 if self.count else self.base_offset


def frame_header(data, seed, position):
    """The header at `position`; `data` begins there."""
    fixed = Input(data).take(FRAME_HEADER)
    if not any(fixed):
        raise Blank("nothing was written")
    length = fixed[15] * 8
    if not 7 * 8 <= length <= 12 * 8:
        raise Refused("the length of a frame header is impossible")
    covered = Input(data).take(length)
    crc = struct.unpack("<I", covered[:4])[0]
    if checksum(seed, position, covered[4:]) != crc:
        raise Refused("the checksum of a frame header does not match")
    body_checksum, body_length, bits, kind, _words = struct.unpack("<IIHBB", covered[4:16])
    base, last_delta, count, base_time, floor, vouched = struct.unpack("<QIIqqQ", covered[16:56])
    if kind > EDITS or bits & ~0b1011111:
        raise Unsupported("a frame of a newer writer")
    compression = bits & 3
    if compression == 3:
        raise Refused("an unknown compression")
    blocks = Input(covered[FRAME_HEADER:])
    raw_length = blocks.fixed("Q")[0] if compression else body_length
    producer = Producer(*blocks.fixed("16sQQ")) if bits & 4 else None
    if blocks.left():
        raise Refused("the length of a frame header contradicts its attributes")
    frame = Frame(
        position, kind, compression, bool(bits & 8), bool(bits & 16), bool(bits & 64),
        base, last_delta, count, base_time, floor, vouched, body_length, raw_length,
        producer, crc, body_checksum, length,
    )  # fmt: skip
    if max(body_length, raw_length) > BODY_MAX or vouched > position:
        raise Refused("a frame header is out of bounds")
    if kind == BATCH:
        fits = (
            1 <= count <= RECORDS_MAX
            and 3 * count <= raw_length
            and last_delta >= count - 1
            and (frame.deltas or last_delta == count - 1)
            and frame.next_offset <= OFFSET_MAX
        )
    else:
        fits = count == 0 and last_delta == 0 and not bits & ~64
    if not fits:
        raise Refused("a frame header contradicts itself")
    return frame


def frame_body(frame, data, seed):
    """The verified body of the frame with which `data` begins, unpacked."""
    data = Input(data)
    data.take(frame.header_length)
    body = data.take(frame.body_length)
    if checksum(seed, frame.position, body) != frame.body_checksum:
        raise Refused("the checksum of a frame's body does not match")
    if any(data.take(frame.length - frame.header_length - frame.body_length)):
        raise Refused("the padding of a frame is not zero")
    if frame.compression == 0:
        return body
    if frame.raw_length > EXPANSION_MAX * len(body):
        raise Refused("a body would expand too far")
    raw = (inflate if frame.compression == 2 else lz4)(body, frame.raw_length)
    if len(raw) != frame.raw_length:
        raise Refused("a body does not unpack to its length")
    return raw


# Records


class Record(NamedTuple):
    offset: int
    time: int
    key: Optional[bytes]
    value: Optional[bytes]
    headers: list

    def to_json(self):
        def hexed(data):
            return None if data is None else data.hex()

        headers = [[name.hex(), value.hex()] for name, value in self.headers]
        return {
            "offset": self.offset,
            "time": self.time,
            "key": hexed(self.key),
            "value": hexed(self.value),
            "headers": headers,
        }


def records(frame, body):
    """Every record of a batch, or a refusal."""
    data, found, expected = Input(body), [], 0

    def optional():
        length = data.varint()
        return data.take(length - 1) if length else None

    for index in range(frame.count):
        time = wrap(frame.base_time + data.signed())
        delta = data.varint() if frame.deltas else index
        if not expected <= delta <= frame.last_delta:
            raise Refused("an offset delta is out of order")
        expected = delta + 1
        key, value, headers = optional(), optional(), []
        if frame.headers:
            for _ in range(data.bounded(HEADERS_MAX, "the number of headers")):
                name = data.take(data.varint())
                headers.append((name, data.take(data.varint())))
        found.append(Record(frame.base_offset + delta, time, key, value, headers))
    if data.left() or expected != frame.last_delta + 1:
        raise Refused("a batch does not end where its header says")
    return found


# Manifest


class Entry(NamedTuple):
    """What the manifest says of a segment."""

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
    sealed: int
    footer: tuple


class Manifest:
    """What the edits of a manifest add up to."""

    def __init__(self):
        self.begun = False
        self.predecessor = self.next_offset = 0
        self.segments = {}
        self.superseded = None

    def apply(self, body):
        data = Input(body)
        while data.left():
            tag = data.take(1)[0]
            fields = Input(data.take(data.varint()))
            if self.superseded is not None or (tag == 1) == self.begun:
                raise Refused("an edit is out of place")
            if tag == 1:
                self.snapshot(fields)
            elif tag == 2:
                entry = segment_entry(fields)
                self.segments[entry.number] = entry
                self.next_offset = max(self.next_offset, entry.next_offset)
            elif tag == 3:
                self.segments.pop(fields.bounded(NUMBER_MAX, "number"), None)
            elif tag == 4:
                fields.bounded(NUMBER_MAX, "number")
            elif tag == 5:
                self.superseded = fields.bounded(NUMBER_MAX, "number")
            else:
                raise Unsupported("an edit of a newer writer")
            if fields.left():
                raise Refused("an edit is longer than its fields")

    def snapshot(self, fields):
        self.begun = True
        numbers = [fields.bounded(NUMBER_MAX, "number") for _ in range(3)]
        self.predecessor, _epoch, _allocated = numbers
        self.next_offset = fields.bounded(OFFSET_MAX, "next offset")
        fields.bounded(2, "durability")
        fields.bounded(2, "compression")
        if not 4 << 10 <= fields.varint() <= 1 << 30:
            raise Refused("segment bytes are out of bounds")
        align = fields.varint()
        if align and (align & (align - 1) or not 64 <= align <= 65536):
            raise Refused("align is out of bounds")

    def ordered(self):
        return sorted(self.segments.values(), key=lambda entry: (entry.base_offset, entry.number))


def segment_entry(data):
    entry = Entry(
        data.bounded(NUMBER_MAX, "number"), data.bounded(NUMBER_MAX, "epoch"), data.varint(),
        data.bounded(OFFSET_MAX, "base offset"),
        data.signed(), data.varint(), data.bounded(OFFSET_MAX, "next offset"), data.varint(),
        data.bounded(BLOB_MAX, "data end"), data.signed(), data.signed(), data.signed(),
        data.varint(), data.varint(), data.bounded(1, "sealed"), footer_place(data),
    )  # fmt: skip
    end = entry.data_end
    if entry.next_offset < entry.base_offset or (end and end < BLOB_HEADER) or end % ALIGN:
        raise Refused("a segment's entry contradicts itself")
    if entry.records > entry.next_offset - entry.base_offset:
        raise Refused("a segment has more records than offsets")
    if entry.sealed and not end:
        raise Refused("a sealed segment has no end")
    return entry


def footer_place(data):
    where = data.bounded(2, "the place of a footer")
    place = tuple(data.varint() for _ in range((0, 1, 4)[where]))
    if place and place[-1] > BLOB_MAX:
        raise Refused("a footer is too long")
    return place


def merge_copies(log, number, copies):
    """The manifest that both copies make together; `copies` is by kind."""
    header, refusal = None, Refused("there is no copy")
    for kind, data in copies.items():
        try:
            header = header or blob_header(data, log, kind, number)
        except Unsupported:
            raise
        except Refused as error:
            refusal = error
    if header is None:
        raise refusal
    seed = seed_of(log, MANIFEST, number, header.epoch, header.salt)
    manifest, position = Manifest(), BLOB_HEADER
    while True:
        length, refusal = None, None
        for data in copies.values():
            try:
                frame = frame_header(data[position:], seed, position)
                body = frame_body(frame, data[position:], seed)
            except Unsupported:
                raise
            except Refused as error:
                refusal = error
                continue
            if frame.kind == BATCH:
                raise Refused("a batch in a manifest")
            if frame.kind == EDITS:
                manifest.apply(body)
            length = frame.length
            break
        if length is None:
            break
        position += length
    if not manifest.begun:
        raise refusal
    for data in copies.values():
        for _at, frame in frames_ahead(data, seed, 0, position):
            if frame.vouched > position:
                raise Damaged(f"edits are missing at position {position} of manifest {number}")
    return manifest


def frames_ahead(data, seed, start, position):
    """Frame headers that verify from `position` on; `data` begins at `start`."""
    at = padded(position)
    while at - start < len(data):
        rest = data[at - start : at - start + 12 * 8]
        try:
            if not any(rest[:ALIGN]) and not any(rest):
                raise Blank("nothing was written")
            frame = frame_header(rest, seed, at)
        except Refused:
            at += ALIGN
            continue
        yield at, frame
        at += frame.length


def find_manifest(store):
    """The manifest in force."""
    names = store.list()
    numbers = {number for kind, number in names if kind in (MANIFEST, MANIFEST_COPY)}
    numbers = {number for number in numbers if store.has_manifest(number)}
    if not numbers:
        numbers = {number for number in range(1, PROBES + 1) if store.has_manifest(number)}
    while numbers and store.has_manifest(max(numbers) + 1):
        numbers.add(max(numbers) + 1)
    for number in sorted(numbers, reverse=True):
        try:
            manifest = store.manifest(number)
        except (Unsupported, Damaged):
            raise
        except Refused:
            continue
        if not is_dead(store, number, manifest):
            break
    else:
        raise Damaged("there is no manifest")
    while manifest.superseded is not None:
        if manifest.superseded <= number:
            raise Damaged("a manifest names an older one as its successor")
        # One that was superseded and removed in its turn leaves a successor behind.
        named = range(manifest.superseded, manifest.superseded + PROBES)
        number = next(filter(store.has_manifest, named), manifest.superseded)
        try:
            manifest = store.manifest(number)
        except Unsupported:
            raise
        except Refused as error:
            raise Damaged(f"manifest {number}: {error}") from error
    return manifest


def is_dead(store, number, manifest):
    if manifest.predecessor == 0:
        return False
    try:
        by = store.manifest(manifest.predecessor).superseded
    except Refused:
        return False
    return by is not None and by != number


# Footer


def footer_block(seed, position, block, tag):
    if len(block) < 8:
        raise Refused("a footer is too short")
    found, length, crc = struct.unpack("<HHI", block[-8:])
    if checksum(seed, position, block[:-4]) != crc:
        raise Refused("the checksum of a footer's block does not match")
    if found != tag or padded(length) + 8 != len(block):
        raise Refused("a footer's block contradicts itself")
    return block[:length]


def footer(seed, position, data):
    """The root's fields, and the sections as (items, payload) by tag."""
    length = struct.unpack("<H", data[-6:-4])[0] if len(data) >= 8 else 0
    start = len(data) - padded(length) - 8
    if start < 0:
        raise Refused("a footer is too short")
    root = Input(footer_block(seed, position + start, data[start:], 0))
    facts = root.fixed("4Q3qQ")
    sections = {}
    for _ in range(root.fixed("Q")[0]):
        tag, items, at, size = root.fixed("4I")
        if tag in sections or at + size > start:
            raise Refused("a footer's section is out of place")
        payload = b""
        for block in range(at, at + size, BLOCK):
            whole = data[block : min(block + BLOCK, at + size)]
            payload += footer_block(seed, position + block, whole, tag)
        sections[tag] = (items, payload)
    return facts, sections


def offset_index(section):
    items, payload = section
    if len(payload) != 8 * items:
        raise Refused("the offset index has another length than it says")
    return list(struct.iter_unpack("<II", payload))


def producer_table(section):
    items, payload = section
    data, table = Input(payload), {}
    for _ in range(items):
        id, epoch, sequence, time, count = data.fixed("16sQQqQ")
        if not 1 <= count <= WINDOW:
            raise Refused("a producer's window is out of bounds")
        table[id] = (epoch, sequence, time, [data.fixed("QQ") for _ in range(count)])
    if data.left() or list(table) != sorted(table):
        raise Refused("the producers section contradicts itself")
    return table


# Reading


class Scan:
    """What one segment holds."""

    def __init__(self, entry):
        self.entry = entry
        self.found = []
        self.lost = []
        self.torn = False
        self.earlier_synced = False
        self.next_offset = entry.base_offset
        self.hash = entry.base_hash
        self.clamp = entry.base_clamp
        self.end = BLOB_HEADER
        self.index = []
        self.producers = {}

    def add(self, frame, batch):
        if frame.kind == EDITS:
            raise Refused("edits in a segment")
        self.earlier_synced |= frame.earlier_synced
        if frame.kind == BATCH:
            if frame.base_offset < self.next_offset:
                raise Refused("a batch gives offsets that were given before")
            if not self.index or frame.position >= self.index[-1][1] + STRIDE:
                self.index.append((frame.base_offset - self.entry.base_offset, frame.position))
            if frame.producer:
                self.note(frame, batch)
            self.next_offset = frame.next_offset
        self.found.extend(batch)
        self.hash = content_hash(self.hash, frame.header_checksum, frame.body_checksum)
        self.clamp = max([self.clamp, frame.clamp_floor] + [record.time for record in batch])
        self.end = frame.position + frame.length

    def note(self, frame, batch):
        producer, time = frame.producer, max(record.time for record in batch)
        given = (frame.base_offset, frame.next_offset)
        known = self.producers.get(producer.id)
        window = []
        if known and (known[0], known[1] + 1) == (producer.epoch, producer.sequence):
            window = known[3]
        window = (window + [given])[-WINDOW:]
        self.producers[producer.id] = (producer.epoch, producer.sequence, time, window)

    def lose(self, next_offset, position, why):
        first = self.next_offset
        if next_offset > first:
            self.lost.append({"lost": [first, next_offset], "position": position, "why": why})


def scan(store, entry, vouched_whole):
    """Reads a segment. `vouched_whole`: all of it is known to have been synced."""
    data = store.read(SEGMENT, entry.number)
    if entry.data_end:
        data = data[: entry.data_end]
    seed = seed_of(store.log, SEGMENT, entry.number, entry.epoch, entry.salt)
    found, position, limit = Scan(entry), BLOB_HEADER, entry.data_end or len(data)
    pending = None
    while position < limit:
        rest, frame = data[position : position + 96 + padded(BODY_MAX)], None
        try:
            frame = frame_header(rest, seed, position)
            body = frame_body(frame, rest, seed)
            batch = records(frame, body) if frame.kind == BATCH else []
            if pending:
                found.lose(frame.base_offset, *pending)
            found.add(frame, batch)
            pending = None
            position += frame.length
            continue
        except Unsupported:
            raise
        except Refused as error:
            why = str(error)
        if not entry.data_end and not any(data[position:]):
            break
        behind = position + (frame.length if frame else ALIGN)
        ahead = list(frames_ahead(data[: position + AHEAD], seed, 0, behind))
        certain = vouched_whole or any(next.vouched > position for _, next in ahead)
        if not certain:
            found.torn = True
            break
        pending = pending or (position, why)
        if not ahead:
            used = len(data[position:].rstrip(b"\0"))
            after = entry.next_offset if entry.data_end else found.next_offset + used // 3
            found.lose(after, *pending)
            found.next_offset = max(found.next_offset, after)
            break
        position = ahead[0][0]
    if entry.data_end and not found.torn and found.next_offset < entry.next_offset:
        found.torn = not vouched_whole
    return found


def verify_entry(store, found):
    """A sealed segment without damage is what its entry says."""
    entry = found.entry
    times = [record.time for record in found.found] or [0]
    said = (entry.records, entry.data_end, entry.content_hash, entry.min_time, entry.max_time)
    if said != (len(found.found), found.end, found.hash, min(times), max(times)):
        raise Damaged(f"the entry of segment {entry.number} is not what is in it")
    if entry.next_offset < found.next_offset or entry.clamp < found.clamp:
        raise Damaged(f"the entry of segment {entry.number} ends too early")
    header = blob_header(store.read(SEGMENT, entry.number), store.log, SEGMENT, entry.number)
    if header != BlobHeader(entry.epoch, entry.base_offset, entry.salt):
        raise Damaged(f"the header of segment {entry.number} is not what its entry says")


def verify_footer(store, found):
    entry = found.entry
    if not entry.footer:
        return
    if len(entry.footer) == 1:
        kind, number, epoch, salt = SEGMENT, entry.number, entry.epoch, entry.salt
        position = entry.data_end
    else:
        number, salt, epoch, _ = entry.footer
        kind, position = INDEX, BLOB_HEADER
    data = store.read(kind, number)[position : position + entry.footer[-1]]
    facts, sections = footer(seed_of(store.log, kind, number, epoch, salt), position, data)
    said = (
        entry.base_offset, entry.next_offset, entry.records, entry.data_end,
        entry.min_time, entry.max_time, entry.clamp, entry.content_hash,
    )  # fmt: skip
    if facts != said:
        raise Refused(f"the footer of segment {entry.number} is not what its entry says")
    if offset_index(sections.get(1, (0, b""))) != found.index:
        raise Refused(f"the offset index of segment {entry.number} is not that of its frames")
    table = producer_table(sections.get(2, (0, b"")))
    same = set(table) == set(found.producers)
    for id, (epoch, sequence, time, window) in found.producers.items():
        # The footer's window may go back to batches of earlier segments.
        listed = table.get(id, (None, None, None, []))
        same &= listed[:3] == (epoch, sequence, time) and listed[3][-len(window) :] == window
    if not same:
        raise Refused(f"the producers of segment {entry.number} are not those of its frames")


def read_log(store):
    """Hands out what is in the log, in order: records, and ranges that are lost."""
    manifest = find_manifest(store)
    entries = manifest.ordered()
    scans = [scan(store, entry, bool(entry.sealed)) for entry in entries]
    vouching = [index for index, found in enumerate(scans) if found.earlier_synced]
    for index in range(vouching[-1] if vouching else 0):
        if scans[index].torn:
            scans[index] = scan(store, entries[index], True)
    next_offset = manifest.next_offset
    reached = 0
    for found in scans:
        if found.entry.sealed and not found.lost:
            verify_entry(store, found)
            try:
                verify_footer(store, found)
            except Unsupported:
                raise
            except Refused as error:
                yield {"footer": found.entry.number, "why": str(error)}
        events = [(record.offset, record.to_json()) for record in found.found]
        events += [(lost["lost"][0], lost) for lost in found.lost]
        for offset, event in sorted(events, key=lambda event: event[0]):
            if offset >= reached:
                yield event
                reached = event["lost"][1] if "lost" in event else offset + 1
        reached = max(reached, found.next_offset)
        if found.torn:
            break
    yield {"next": max(reached, next_offset)}


class Directory:
    """The blobs of one log in a directory of the file store."""

    def __init__(self, root, log):
        marker = Path(root, "tidelog")
        if not marker.is_file() or marker.read_bytes() != b"tidelog directory, format 1\n":
            raise Refused(f"{root} is not a tidelog directory of format 1")
        self.log, self.folder = log, Path(root, f"log-{log}")

    def list(self):
        found = []
        for path in self.folder.iterdir() if self.folder.is_dir() else []:
            kind, _, digits = path.name.rpartition("-")
            plain = digits.isascii() and digits.isdigit() and str(int(digits)) == digits
            if kind in KIND_NAMES and plain and int(digits) <= NUMBER_MAX:
                found.append((KIND_NAMES.index(kind), int(digits)))
        return found

    def read(self, kind, number):
        path = self.folder / f"{KIND_NAMES[kind]}-{number}"
        return path.read_bytes() if path.is_file() else b""

    def has_manifest(self, number):
        return any(self.read(kind, number) for kind in (MANIFEST, MANIFEST_COPY))

    def manifest(self, number):
        copies = {kind: self.read(kind, number) for kind in (MANIFEST, MANIFEST_COPY)}
        return merge_copies(self.log, number, copies)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", help="a directory of the file store")
    parser.add_argument("--log", type=int, default=7, help="the id of the log")
    options = parser.parse_args()
    lost = False
    try:
        for event in read_log(Directory(options.directory, options.log)):
            lost |= "lost" in event
            print(json.dumps(event, separators=(",", ":")))
    except Refused as error:
        print(f"refused: {error}", file=sys.stderr)
        return 2
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
