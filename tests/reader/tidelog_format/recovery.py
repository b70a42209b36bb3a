"""Which frames of the live segments count, and what is lost, torn, or the end."""

from typing import List, NamedTuple, Optional

from . import blob, frame, limits, record, segment
from .errors import Damage

RECORD_BYTES = 3
"""The fewest bytes a record has."""


class Lost(NamedTuple):
    """Offsets [first, next) that cannot be read, and where their bytes should be."""

    first: int
    next: int
    segment: int
    position: int


class Good(NamedTuple):
    """A frame that verifies; a mark has no records."""

    header: frame.Header
    records: List[record.Record]


class Scan:
    """The frames of one live segment, walked to where they end."""

    def __init__(self, entry: segment.Entry, data: bytes, covered: bool) -> None:
        self.entry = entry
        self.covered = covered
        """Whether all bytes of the segment were synced, by its entry or a later segment."""
        end = None if entry.active() else entry.data_end
        seed = entry.name().seed(entry.epoch, entry.salt)
        self.frames = frame.Frames(data[:end], seed)
        self.end = entry.data_end or len(data.rstrip(b"\0"))
        """Where a walk ends that nothing stops before."""
        self.good: List[Good] = []
        self.lost: List[Lost] = []
        self.reached = entry.base_offset
        """The offset the next record cannot be below."""
        self.damaged_at: Optional[int] = None
        """First position of the damage that no frame has followed yet."""
        self.told = 0
        """The offset that follows, as headers of damaged frames tell it."""
        self.damage = False
        self.torn_at: Optional[int] = None
        """Where nothing counts any more."""

    def run(self) -> "Scan":
        """Walks the frames from the first on."""
        position: Optional[int] = blob.HEADER_BYTES
        while position is not None and position < self.end:
            position = self.step(position)
        if self.torn_at is not None:
            self.lose(self.told)
        else:
            self.finish()
        return self

    def step(self, position: int) -> Optional[int]:
        """Takes what is at a position; says where to go on, None after a tear."""
        header = None
        try:
            header = self.frames.header(position)
            body = self.frames.body(header)
            self.check_place(header)
        except Damage:
            if not (self.covered or self.is_vouched(position)):
                self.torn_at = position
                self.told = max(self.told, header.base_offset if header else 0)
                return None
            return self.skip(position, header)
        try:
            records = record.decode_batch(header, body) if header.kind == frame.BATCH else []
        except Damage:
            # Its checksums hold: this was written so, and cannot be torn.
            return self.skip(position, header)
        self.take(Good(header, records))
        return header.end()

    def check_place(self, header: frame.Header) -> None:
        """Whether a frame can be where it is, in this segment."""
        if header.kind not in (frame.BATCH, frame.MARK):
            raise Damage(f"{self.entry.name()} has a frame of kind {header.kind}")
        if header.kind == frame.BATCH:
            low = header.base_offset < self.reached
            high = not self.entry.active() and header.next_offset() > self.entry.next_offset
            if low or high:
                raise Damage(f"the batch at {header.position} has offsets of other batches")

    def is_vouched(self, position: int) -> bool:
        """Whether a header further on says that the byte at `position` was synced."""
        further = self.frames.headers(position + frame.STEP, position + limits.UNSYNCED)
        return any(header.vouched > position for header in further)

    def skip(self, position: int, header: Optional[frame.Header]) -> int:
        """Notes damage at a position; says where to go on."""
        self.damage = True
        if self.damaged_at is None:
            self.damaged_at = position
        if header is None:
            further = self.frames.headers(position + frame.STEP, self.end)
            return next((found.position for found in further), self.end)
        if header.kind == frame.BATCH:
            self.told = max(self.told, header.next_offset())
        return header.end()

    def take(self, good: Good) -> None:
        """Counts a frame that verifies."""
        header = good.header
        self.lose(header.base_offset)
        self.good.append(good)
        batch = header.kind == frame.BATCH
        self.reached = max(self.reached, header.next_offset() if batch else header.base_offset)

    def lose(self, following: int) -> None:
        """What damage has taken, now that the offset following it is known."""
        if self.damaged_at is None:
            return
        if following > self.reached:
            place = (self.entry.number, self.damaged_at)
            self.lost.append(Lost(self.reached, following, *place))
            self.reached = following
        self.damaged_at = None

    def finish(self) -> None:
        """What the end of the segment says of the damage before it."""
        if self.entry.active():
            if self.damaged_at is not None:
                room = self.reached + (self.end - self.damaged_at) // RECORD_BYTES
                self.lose(min(max(room, self.told), limits.OFFSET))
        elif self.damaged_at is not None:
            self.lose(self.entry.next_offset)
        elif self.reached < self.entry.next_offset and not self.covered:
            self.torn_at = self.end

    def lose_up_to(self, following: int) -> None:
        """What a tear has taken that was durable."""
        self.damaged_at = self.torn_at
        self.lose(following)

    def next_offset(self) -> int:
        """The offset behind this segment, as far as it counts."""
        if self.entry.active() or self.torn_at is not None:
            return self.reached
        return self.entry.next_offset


def covers_earlier(entry: segment.Entry, data: bytes) -> bool:
    """Whether a frame in a segment says that all earlier segments were synced."""
    frames = Scan(entry, data, False).frames
    position = blob.HEADER_BYTES
    while position < len(frames.data):
        header = next(frames.headers(position, len(frames.data)), None)
        if header is None:
            return False
        if header.has(frame.EARLIER_SYNCED):
            return True
        position = header.end()
    return False


def scan(entries: List[segment.Entry], blobs: List[bytes], next_offset: int) -> List[Scan]:
    """Scans the live segments, in order, up to the first that is torn.

    `next_offset` is that of the manifest's snapshot: what is below it was
    durable when the snapshot was written, so a tear below it has lost something.
    """
    last = max(
        (at for at, entry in enumerate(entries) if covers_earlier(entry, blobs[at])), default=0
    )
    found = []
    for at, (entry, data) in enumerate(zip(entries, blobs)):
        found.append(Scan(entry, data, entry.sealed or at < last).run())
        if found[-1].torn_at is not None:
            found[-1].lose_up_to(next_offset)
            break
    return found
