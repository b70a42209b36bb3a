"""What is deleted is not handed out, and is not lost."""

import unittest
from typing import Iterable, List, Tuple

import image
from image import Memory, Writer, edit, manifest, segment, signed_varint, store, varint
from tidelog_format import blob, frame
from tidelog_format.errors import Damage
from tidelog_format.reading import Reading, read

MASK = blob.Name(image.LOG, blob.MASK, 9)


def masked(facts: Iterable[int], offsets: Iterable[int] = (), mask: int = 0) -> bytes:
    """A *masked* edit for segment 1: deleted, first, end, covers; listed gaps; a blob."""
    listed = list(offsets)
    place = (1, MASK.number, image.SALT, 1, mask) if mask else (0,)
    return edit(7, b"".join(map(varint, (1, *facts, len(listed), *listed, *place))))


def page(gap: int, *runs: Tuple[int, int]) -> bytes:
    """A page of runs, each a gap and a length, less what the format subtracts."""
    numbers = [number for run in runs for number in run]
    return varint(gap) + b"\0" + varint(len(runs)) + b"".join(map(varint, numbers))


class Masks(unittest.TestCase):
    """A segment with the records 0 to 9, some of them deleted."""

    def setUp(self) -> None:
        self.tail = segment(1).batch(0, 10)

    def read(self, *edits: bytes, mask: bytes = b"") -> Reading:
        """Reads the log with these edits."""
        names = manifest(1, self.tail.entry(), *edits)
        blobs = store(names, self.tail).blobs
        return read(Memory({**blobs, MASK: mask}), image.LOG)

    def offsets(self, reading: Reading) -> List[int]:
        """The offsets that were read; nothing else is to be told."""
        self.assertEqual((reading.lost, reading.wrong, reading.next), ([], [], 10))
        return [record.offset for record in reading.records]

    def test_listed_offsets(self) -> None:
        reading = self.read(masked((4, 1, 9, 10), (0, 2, 0, 4)))
        self.assertEqual(self.offsets(reading), [1, 2, 5, 6, 7, 8])

    def test_a_mask_covers_what_was_there_when_it_was_written(self) -> None:
        reading = self.read(masked((1, 1, 5, 5), (0,)))
        self.assertEqual(self.offsets(reading), list(range(1, 10)))
        everything = self.read(masked((3, 3, 3, 3), (0, 0, 0)))
        self.assertEqual(self.offsets(everything), list(range(3, 10)))

    def test_a_later_edit_replaces_it_and_dropping_forgets_it(self) -> None:
        first = masked((1, 1, 10, 10), (0,))
        reading = self.read(first, masked((1, 0, 10, 10), (3,)))
        self.assertEqual(self.offsets(reading), [0, 1, 2, *range(4, 10)])
        reading = self.read(first, edit(3, varint(1)), self.tail.entry())
        self.assertEqual(self.offsets(reading), list(range(10)))

    def test_nothing_below_the_oldest_offset_is_read(self) -> None:
        trimmed = edit(6, varint(4) + signed_varint(image.TIME) + varint(0))
        self.assertEqual(self.offsets(self.read(trimmed)), list(range(4, 10)))
        then = masked((5, 4, 10, 10), (6,))
        for edits in ([trimmed, then], [then + trimmed]):
            self.assertEqual(self.offsets(self.read(*edits)), [4, 5, 7, 8, 9])
        whole = self.tail
        self.tail = segment(1).batch(0, 2)
        at = len(self.tail.data)
        self.tail.batch(2, 4)
        self.tail.batch(6, 4, vouched=len(self.tail.data)).break_frame(at)
        lost = self.read(trimmed)
        self.assertEqual([one[:2] for one in lost.lost], [(4, 6)])
        self.assertEqual([record.offset for record in lost.records], [6, 7, 8, 9])
        self.tail = whole
        before = self.read(masked((1, 0, 10, 10), (6,)), trimmed)
        self.assertEqual(self.offsets(before), [4, 5, 7, 8, 9])

    def test_a_blob_of_runs_and_bitmaps(self) -> None:
        bitmap = bytearray(8192)
        bitmap[0], bitmap[1] = 0b1000_0000, 0b10
        bodies = [page(0, (0, 1), (1, 0)) + page(3, (7, 65535 - 7)), b"\0\1" + bytes(bitmap)]
        writer = Writer(MASK)
        for body in bodies:
            writer.frame(frame.MASK, body)
        edits = masked((6, 2, 9, 10), (5,), len(writer.data) - 64)
        reading = self.read(edits, mask=writer.data + b"what follows is not of it")
        self.assertEqual(self.offsets(reading), [2, 3, 6, 8])

    def test_no_flipped_bit_of_a_mask_hands_out_a_record(self) -> None:
        writer = Writer(MASK).frame(frame.MASK, page(0, (0, 0)))
        edits = masked((1, 1, 10, 10), (), len(writer.data) - 64)
        self.assertEqual(self.offsets(self.read(edits, mask=writer.data)), list(range(1, 10)))
        damaged = [writer.data[:end] for end in range(len(writer.data))]
        for bit in range(len(writer.data) * 8):
            flipped = bytearray(writer.data)
            flipped[bit >> 3] ^= 1 << (bit & 7)
            damaged.append(bytes(flipped))
        for data in damaged:
            reading = self.read(edits, mask=data)
            self.assertEqual((reading.records, reading.next), ([], 10))
            self.assertEqual([one[:2] for one in reading.lost], [(0, 10)])

    def test_a_mask_that_contradicts_itself_is_damage(self) -> None:
        for kind, body in (
            (frame.MASK, b"\0\2"),
            (frame.MASK, b"\0\0\0"),
            (frame.MASK, page(0, (0, 65536))),
            (frame.MASK, page(0, (65535, 0), (0, 0))),
            (frame.MASK, page(0, *[(0, 0)] * 2049)),
            (frame.MASK, b"\0\1" + bytes(8191)),
            (frame.MASK, varint(2**53)),
            (frame.MARK, b""),
        ):
            writer = Writer(MASK).frame(kind, body)
            edits = masked((0, 0, 10, 10), (), len(writer.data) - 64)
            self.assertEqual(self.read(edits, mask=writer.data).records, [])

    def test_a_masked_edit_that_contradicts_itself_is_damage(self) -> None:
        for edits in (
            masked((0, 5, 4, 10)),
            masked((0, 0, 11, 10)),
            masked((0, 0, 0, 2**53)),
            masked((0, 0, 10, 10), [0] * 257),
            masked((0, 0, 10, 10), (), 4),
            masked((0, 0, 10, 10), (2**53,)),
            edit(7, b"".join(map(varint, (1, 0, 0, 10, 10, 0, 2)))),
        ):
            with self.assertRaises(Damage):
                self.read(edits)

    def test_facts_that_are_not_so_are_told(self) -> None:
        for facts in ((2, 1, 10, 10), (1, 0, 10, 10), (1, 1, 9, 10)):
            self.assertEqual(len(self.read(masked(facts, (0,))).wrong), 1)


if __name__ == "__main__":
    unittest.main()
