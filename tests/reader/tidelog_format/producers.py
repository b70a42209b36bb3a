"""Producers: their newest batches, as frames tell them and as a footer stores them."""

from typing import Dict, List, NamedTuple, Tuple

from . import frame, limits
from .cursor import Cursor
from .errors import Damage
from .recovery import Good


class State(NamedTuple):
    """A producer's newest batch, and the offsets of its newest ones, oldest first."""

    epoch: int
    sequence: int
    time: int
    batches: List[Tuple[int, int]]


States = Dict[bytes, State]


def advance(states: States, good: Good) -> None:
    """Takes in one batch that names a producer."""
    producer = good.header.producer
    if producer is None:
        return
    offsets = (good.header.base_offset, good.header.next_offset())
    known = states.get(producer.id)
    follows = known and (known.epoch, known.sequence + 1) == (producer.epoch, producer.sequence)
    batches = [*known.batches, offsets] if known and follows else [offsets]
    time = max(record.time for record in good.records)
    kept = batches[-limits.PRODUCER_BATCHES :]
    states[producer.id] = State(producer.epoch, producer.sequence, time, kept)


def decode_section(items: int, payload: bytes) -> States:
    """Reads the producers section of a footer."""
    fields = Cursor(payload)
    entries = [decode_entry(fields) for _ in range(items)]
    fields.end()
    names = [name for name, _ in entries]
    if any(a >= b for a, b in zip(names, names[1:])):
        raise Damage("the producers do not rise")
    return dict(entries)


def decode_entry(fields: Cursor) -> Tuple[bytes, State]:
    """Reads one producer."""
    name, epoch, sequence = fields.take(16), fields.fixed(8), fields.fixed(8)
    time, count = fields.i64(), fields.fixed(8)
    if not 1 <= count <= min(limits.PRODUCER_BATCHES, sequence + 1):
        raise Damage(f"a producer has {count} batches")
    batches = [(fields.fixed(8), fields.fixed(8)) for _ in range(count)]
    edges = [edge for batch in batches for edge in batch]
    rise = all(first < following for first, following in batches) and edges == sorted(edges)
    if not rise or edges[-1] > limits.OFFSET:
        raise Damage("the batches of a producer do not rise")
    return name, State(epoch, sequence, time, batches)


def in_segment(good: List[Good]) -> List[frame.Producer]:
    """The producer of every batch that names one."""
    return [one.header.producer for one in good if one.header.producer is not None]


def agree(stored: States, states: States) -> bool:
    """Whether a section says what the frames say.

    `states` may know fewer producers, and fewer batches of one: earlier ones
    may have been in segments that are gone.
    """
    for name, known in states.items():
        says = stored.get(name)
        if says is None:
            return False
        newest = says.batches[-len(known.batches) :]
        if says._replace(batches=newest) != known:
            return False
    return True
