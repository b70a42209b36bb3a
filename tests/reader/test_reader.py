"""What is read of the golden images, whole and damaged."""

import glob
import json
import os
import subprocess
import sys
import unittest
from typing import Any, Dict, Iterator, List, Set, Tuple

from image import Memory
from tidelog_format import blob
from tidelog_format.errors import Damage
from tidelog_format.reading import read
from tidelog_reader import lines, shown

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(os.path.dirname(HERE), "golden")

SMALL = "torn"
"""The image every bit of which is flipped."""

STEP = 301
"""Of every other image one bit in so many is flipped."""


def images() -> Iterator[Tuple[str, Dict[str, Any]]]:
    """Every golden image and what is expected of it."""
    for path in sorted(glob.glob(os.path.join(GOLDEN, "v*", "*.json"))):
        with open(path, encoding="utf-8") as expected:
            yield path[: -len(".json")], json.load(expected)


def ever_written(expected: Dict[str, Any]) -> Dict[int, Any]:
    """Every record that was ever written to an image, by its offset."""
    return {record["offset"]: record for record in expected["records"] + expected["gone"]}


def removed(expected: Dict[str, Any]) -> Set[int]:
    """The offsets of the records that were deleted, trimmed or compacted away."""
    lost = {offset for first, end in expected["lost"] for offset in range(first, end)}
    gone = {record["offset"] for record in expected["gone"]}
    return {offset for offset in gone - lost if offset < expected["next"]}


def changed(store: Memory, name: blob.Name, data: bytes) -> Memory:
    """The same blobs, but for one."""
    return Memory({**store.blobs, name: data})


class Golden(unittest.TestCase):
    """The golden images."""

    def check(self, store: Memory, expected: Dict[str, Any], what: str) -> None:
        """A damaged image gives records that were written, and no others."""
        try:
            reading = read(store, expected["log"])
        except Damage:
            return
        written = ever_written(expected)
        for record in reading.records:
            self.assertEqual(shown(record), written.get(record.offset), what)
        found = {record.offset for record in reading.records}
        self.assertFalse(found & removed(expected), what)
        found |= removed(expected)
        found.update(*(range(lost.first, lost.next) for lost in reading.lost))
        self.assertGreaterEqual(found, set(range(reading.next)), what)

    def test_every_image_is_read_as_expected(self) -> None:
        names = []
        for path, expected in images():
            names.append(os.path.basename(path))
            events = list(lines(read(blob.Directory(path), expected["log"])))
            kept = [event for event in events if "offset" in event]
            lost = [event["lost"] for event in events if "lost" in event]
            self.assertEqual(kept, expected["records"], path)
            self.assertEqual(lost, expected["lost"], path)
            self.assertEqual(len(events), len(kept) + len(lost) + 1, path)
            self.assertEqual(events[-1], {"next": expected["next"]}, path)
        self.assertIn(SMALL, names)

    def test_no_flipped_bit_invents_or_hides_a_record(self) -> None:
        for path, expected in images():
            store = Memory.copy_of(blob.Directory(path), expected["log"])
            step = 1 if os.path.basename(path) == SMALL else STEP
            for name, data in store.blobs.items():
                for bit in range(0, len(data) * 8, step):
                    flipped = bytearray(data)
                    flipped[bit >> 3] ^= 1 << (bit & 7)
                    what = f"bit {bit} of {name} of {path}"
                    self.check(changed(store, name, bytes(flipped)), expected, what)

    def test_one_copy_of_a_manifest_is_enough(self) -> None:
        for path, expected in images():
            log = expected["log"]
            store = Memory.copy_of(blob.Directory(path), log)
            whole = read(store, log)
            for name in [name for name in store.blobs if name.kind == blob.MANIFEST]:
                copy = name._replace(kind=blob.MANIFEST_COPY)
                data = store.read(name)
                if data.rstrip(b"\0") != store.read(copy).rstrip(b"\0"):
                    continue
                for end in range(0, len(data), STEP // 8):
                    for one in (name, copy):
                        cut = changed(store, one, data[:end])
                        self.assertEqual(read(cut, log), whole, f"{one} of {path}, cut at {end}")

    def test_no_cut_blob_invents_or_hides_a_record(self) -> None:
        for path, expected in images():
            store = Memory.copy_of(blob.Directory(path), expected["log"])
            for name, data in store.blobs.items():
                for end in range(0, len(data), STEP // 8):
                    what = f"{name} of {path}, cut at {end}"
                    self.check(changed(store, name, data[:end]), expected, what)


class CommandLine(unittest.TestCase):
    """What the reader prints, and its exit codes."""

    def run_reader(self, *arguments: str) -> Tuple[int, List[str], str]:
        """Exit code, lines of stdout, stderr."""
        call = [sys.executable, os.path.join(HERE, "tidelog_reader.py"), *arguments]
        done = subprocess.run(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        return done.returncode, done.stdout.decode().splitlines(), done.stderr.decode()

    def test_everything_read_lost_and_refused_are_told_apart(self) -> None:
        for image, code in (("torn", 0), ("damaged", 1)):
            found = self.run_reader(os.path.join(GOLDEN, "v1", image), "--log", "7")
            self.assertEqual((found[0], found[2]), (code, ""))
            self.assertIn("next", json.loads(found[1][-1]))
        for log in ("8", "-1", str(2**64)):
            code, printed, why = self.run_reader(os.path.join(GOLDEN, "v1", "torn"), "--log", log)
            self.assertEqual((code, printed), (2, []))
            self.assertIn(log, why)
        self.assertEqual(self.run_reader(HERE, "--log", "7")[0], 2)


if __name__ == "__main__":
    unittest.main()
