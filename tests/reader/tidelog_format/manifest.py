"""Manifests: their edits, and the merge of their two copies."""

from typing import Dict, List, Optional, Tuple

from . import blob, frame, limits, mask, producers, segment, snapshot
from .cursor import Cursor
from .errors import Damage, Unsupported
from .snapshot import Snapshot

SNAPSHOT, SEGMENT, DROPPED, ALLOCATED, SUPERSEDED = range(1, 6)
TRIMMED, MASKED, PRODUCER, SETTINGS = range(6, 10)
class Manifest:
    """What one manifest says is live. Without a snapshot it says nothing."""

    def __init__(self, log: int, number: int) -> None:
        self.log = log
        self.number = number
        self.snapshot: Optional[Snapshot] = None
        """As it was written, but for what later edits replace in it."""
        self.live: Dict[int, segment.Entry] = {}
        self.masked: Dict[int, mask.Masked] = {}
        self.producers: producers.States = {}
        self.allocated = 0
        self.superseded_by: Optional[int] = None
        self.damage: Optional[str] = None

    def __str__(self) -> str:
        return str(blob.Name(self.log, blob.MANIFEST, self.number))

    def segments(self) -> List[segment.Entry]:
        """The live segments, in order."""
        return sorted(self.live.values(), key=lambda entry: (entry.base_offset, entry.number))

    def apply(self, body: bytes) -> None:
        """Applies the edits of one frame."""
        if self.superseded_by is not None:
            raise Damage(f"edits follow the last one of {self}")
        edits, first = Cursor(body), self.snapshot is None
        before = dict(self.masked)
        while edits.left():
            tag = edits.fixed(1)
            fields = Cursor(edits.take(edits.varint()))
            if (tag == SNAPSHOT) != (first and self.snapshot is None):
                raise Damage(f"{self} does not have its snapshot as the first edit, once")
            self.apply_edit(tag, fields)
            fields.end()
        if self.snapshot is None:
            raise Damage(f"the first frame of {self} has no edits")
        for number, masked in self.masked.items():
            if before.get(number) is not masked:
                self.masked[number] = masked._replace(oldest=self.snapshot.start.oldest)
        places = [entry.footer for entry in self.live.values()]
        places += [masked.place for masked in self.masked.values()]
        named = {place.blob.number for place in places if place is not None}
        if any(number > self.allocated for number in named | self.live.keys()):
            raise Damage(f"{self} names a blob whose number it has not allocated")

    def apply_edit(self, tag: int, fields: Cursor) -> None:
        """Applies one edit; its fields are read, not yet whether they end there."""
        if tag == SNAPSHOT:
            self.snapshot = snapshot.decode(fields)
            self.allocated = self.snapshot.allocated
            if self.snapshot.predecessor >= self.number:
                raise Damage(f"{self} follows number {self.snapshot.predecessor}")
            return
        assert self.snapshot is not None
        if tag == SEGMENT:
            entry = segment.decode_entry(self.log, fields)
            self.live[entry.number] = entry
        elif tag == DROPPED:
            number = fields.varint()
            self.live.pop(number, None)
            self.masked.pop(number, None)
        elif tag == ALLOCATED:
            self.allocated = max(self.allocated, fields.varint())
        elif tag == SUPERSEDED:
            self.superseded_by = fields.varint()
            if not self.number < self.superseded_by <= limits.NAME:
                raise Damage(f"{self} was superseded by {self.superseded_by}")
        elif tag == TRIMMED:
            self.snapshot = self.snapshot._replace(start=snapshot.decode_start(fields))
        elif tag == MASKED:
            masked = mask.decode_masked(self.log, fields)
            self.masked[masked.segment] = masked
        elif tag == PRODUCER:
            self.producers.update([producers.decode_entry(fields)])
        elif tag == SETTINGS:
            settings = snapshot.decode_settings(fields)
            self.snapshot = self.snapshot._replace(settings=settings)
        else:
            raise Unsupported(f"{self} has an edit with the tag {tag}")


def read(store: blob.Directory, log: int, number: int) -> Manifest:
    """Reads manifest `number` from both its copies.

    Edits that are missing although they were synced are `damage` of the
    result, and so is what contradicts the format.
    """
    manifest = Manifest(log, number)
    names = [blob.Name(log, kind, number) for kind in (blob.MANIFEST, blob.MANIFEST_COPY)]
    copies = [store.read(name) for name in names]
    found = []
    for name, copy in zip(names, copies):
        try:
            found.append(blob.decode_header(name, copy))
        except Damage:
            continue
    if not found:
        return manifest
    try:
        if found[0] != found[-1]:
            raise Damage(f"the copies of {manifest} have different headers")
        seed = names[0].seed(found[0].epoch, found[0].salt)
        merge(manifest, [frame.Frames(copy, seed) for copy in copies])
        if manifest.snapshot and manifest.snapshot.epoch != found[0].epoch:
            raise Damage(f"{manifest} was written by epoch {found[0].epoch}")
    except Damage as damage:
        manifest.damage = str(damage)
    return manifest


def merge(manifest: Manifest, copies: List[frame.Frames]) -> None:
    """Applies the edits of every frame that verifies in one of the copies."""
    position = blob.HEADER_BYTES
    while True:
        taken = frame_of_either(copies, position)
        if taken is None:
            break
        header, body = taken
        if header.kind not in (frame.MARK, frame.EDITS):
            raise Damage(f"{manifest} has a frame of kind {header.kind}")
        if header.kind == frame.EDITS:
            manifest.apply(body)
        elif manifest.snapshot is None:
            raise Damage(f"{manifest} begins with a mark")
        position = header.end()
    for copy in copies:
        for header in copy.headers(position + frame.STEP, len(copy.data)):
            if header.vouched > position:
                raise Damage(f"edits of {manifest} that were synced are missing from {position} on")


def frame_of_either(
    copies: List[frame.Frames], position: int
) -> Optional[Tuple[frame.Header, bytes]]:
    """The frame at a position, with its body, of the first copy in which it verifies."""
    unsupported = None
    for copy in copies:
        try:
            header = copy.header(position)
            return header, copy.body(header)
        except Damage:
            continue
        except Unsupported as error:
            unsupported = error
    if unsupported:
        raise unsupported
    return None
