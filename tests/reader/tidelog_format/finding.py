"""Which manifest of a log is in force."""

from typing import Dict, Optional, Set

from . import blob, manifest
from .errors import Damage
from .manifest import Manifest

PROBED = 16
"""First manifests tried when a listing shows none."""

SKIPPED = 16
"""Numbers tried above one that was superseded and removed."""

BEFORE = 16
"""Numbers tried below the one that a mark names."""


class Search:
    """Reads each manifest of a log once."""

    def __init__(self, store: blob.Directory, log: int) -> None:
        self.store = store
        self.log = log
        self.known: Dict[int, Manifest] = {}

    def read(self, number: int) -> Manifest:
        """Manifest `number`, merged from its copies."""
        if number not in self.known:
            self.known[number] = manifest.read(self.store, self.log, number)
        return self.known[number]

    def exists(self, number: int) -> bool:
        """Whether at least one byte of either copy exists."""
        kinds = (blob.MANIFEST, blob.MANIFEST_COPY)
        return any(self.store.read(blob.Name(self.log, kind, number)) for kind in kinds)

    def numbers(self) -> Set[int]:
        """The manifests that are there."""
        kinds = (blob.MANIFEST, blob.MANIFEST_COPY)
        listed = {name.number for name in self.store.names(self.log) if name.kind in kinds}
        numbers = {number for number in listed if self.exists(number)}
        if not numbers:
            numbers = {number for number in range(1, PROBED + 1) if self.exists(number)}
        following = max(numbers, default=0) + 1
        while numbers and self.exists(following):
            numbers.add(following)
            following += 1
        return numbers

    def is_dead(self, found: Manifest) -> bool:
        """Whether one of its line says that a manifest outside of it took over."""
        line = {found.number}
        before = found
        while before.snapshot is not None and before.damage is None:
            if before.superseded_by is not None and before.superseded_by not in line:
                return True
            number = before.snapshot.predecessor
            if number == 0 or number in line:
                return False
            before = self.read(number)
            line.add(number)
        return False

    def in_force(self) -> Optional[Manifest]:
        """The manifest in force; None if no manifest has a first frame."""
        numbers = self.numbers()
        dead: Set[int] = set()
        while True:
            newest = None
            for found in map(self.read, sorted(numbers - dead)):
                if found.snapshot is None:
                    continue
                if newest is None or found.snapshot.epoch >= newest.snapshot.epoch:
                    newest = found
            if newest is None:
                return None
            if newest.superseded_by is None and self.is_dead(newest):
                dead.add(newest.number)
                continue
            if newest.damage is not None:
                raise Damage(newest.damage)
            if newest.superseded_by is None:
                return newest
            more = self.behind(newest, newest.superseded_by) - numbers
            if not more:
                by = newest.superseded_by
                raise Damage(f"manifest {by}, which took over from {newest}, cannot be read")
            numbers |= more

    def behind(self, before: Manifest, by: int) -> Set[int]:
        """The manifests that are there behind one that was superseded."""
        numbers: Set[int] = set()
        number = max(before.number + 1, by - BEFORE)
        while True:
            if self.exists(number):
                numbers.add(number)
            elif number >= by + SKIPPED or number >= by and max(numbers, default=0) >= by:
                return numbers
            number += 1
