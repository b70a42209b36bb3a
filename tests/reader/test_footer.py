"""Footers that are damaged, and footers that verify and are not of their segment."""

import struct
import unittest
from typing import List, Tuple

import image
from image import Memory, manifest, segment, store, varint
from tidelog_format import blob, checksum, footer, frame, producers
from tidelog_format.cursor import padded
from tidelog_format.indexes import filter_words
from tidelog_format.key_hash import key_hash
from tidelog_format.reading import Reading, read
from tidelog_format.record import Record
from tidelog_format.recovery import Good

PRODUCER = b"p" * 16


def block(name: blob.Name, position: int, tag: int, payload: bytes) -> bytes:
    """One block of a footer."""
    data = payload.ljust(padded(len(payload)), b"\0") + struct.pack("<HH", tag, len(payload))
    return data + struct.pack("<I", checksum.seeded(name.seed(1, image.SALT), position, data))


class Footers(unittest.TestCase):
    """The footer of a segment with a batch of two records, in an index blob."""

    def setUp(self) -> None:
        self.name = blob.Name(image.LOG, blob.INDEX, 9)
        self.first = segment(1).batch(0, 2)
        self.facts = [0, 2, 2, len(self.first.data), 5, 5, 5, self.first.hash]
        self.offsets = struct.pack("<II", 0, 64)

    def footer(
        self, sections: List[Tuple[int, int, bytes]], facts: List[int], gap: int = 0
    ) -> bytes:
        """A footer with sections of one block, each a tag, its items and its payload."""
        data, places = b"", b""
        for tag, items, payload in sections:
            one = block(self.name, 64 + len(data), tag, payload)
            places += struct.pack("<IIII", tag, items, len(data), len(one))
            data += one + bytes(gap)
        root = struct.pack("<4Q3qQQ", *facts, len(sections)) + places
        return data + block(self.name, 64 + len(data), 0, root)

    def read(
        self, footer: bytes, flip: int = -1, base: int = 0, producers: int = 0, records: int = 2
    ) -> Reading:
        """Reads the log with this footer, a bit of whose blob is flipped."""
        data = bytearray(image.blob_header(self.name, base=base) + footer)
        if flip >= 0:
            data[flip >> 3] ^= 1 << (flip & 7)
        where = b"".join(map(varint, (2, 9, image.SALT, 1, len(footer))))
        entry = self.first.entry(records, where, sealed=True, producers=producers)
        log = store(manifest(1, entry), self.first).blobs
        reading = read(Memory({**log, self.name: bytes(data)}), image.LOG)
        self.assertEqual([record.offset for record in reading.records], [*range(records)])
        self.assertEqual((reading.lost, reading.wrong, reading.next), ([], [], records))
        return reading

    def test_no_flipped_bit_of_an_index_blob_goes_unnoticed(self) -> None:
        footer = self.footer([(1, 1, self.offsets)], self.facts)
        self.assertEqual(self.read(footer).footers, [])
        for bit in range((64 + len(footer)) * 8):
            self.assertEqual(len(self.read(footer, bit).footers), 1, f"bit {bit}")

    def test_unknown_sections_are_ignored(self) -> None:
        footer = self.footer([(1, 1, self.offsets), (77, 3, b"abc")], self.facts)
        self.assertEqual(self.read(footer).footers, [])

    def test_what_is_not_of_the_segment_is_noticed(self) -> None:
        sections = [(1, 1, self.offsets)]
        wrong = [
            self.footer([], self.facts),
            self.footer([(1, 1, struct.pack("<II", 0, 72))], self.facts),
            self.footer([(1, 0, self.offsets)], self.facts),
            self.footer(sections * 2, self.facts),
            self.footer(sections, self.facts, gap=8),
            self.footer([(77, 3, b"abc"), *sections], self.facts),
        ]
        for at in range(len(self.facts)):
            changed = [fact + (n == at) for n, fact in enumerate(self.facts)]
            wrong.append(self.footer(sections, changed))
        for footer in wrong:
            self.assertEqual(len(self.read(footer).footers), 1)
        self.assertEqual(len(self.read(self.footer(sections, self.facts), base=1).footers), 1)

    def test_times_and_keys_are_those_of_the_frames(self) -> None:
        self.first = segment(1)
        body = b"".join(b"\0" + key + b"\0" for key in (b"\2k", b"\0", b"\1", b"\2k"))
        fields = {"count": 4, "last_delta": 3, "base_time": image.TIME, "clamp_floor": image.FLOOR}
        self.first.frame(frame.BATCH, body, **fields)
        self.facts[1:4] = 4, 4, len(self.first.data)
        self.facts[7] = self.first.hash
        hashed = sorted(
            (key_hash(image.KEY_SEED, image.LOG, key), delta)
            for key, delta in ((b"k", 0), (b"", 2), (b"k", 3))
        )
        keys = b"".join(struct.pack("<QI", *item) for item in hashed)
        words = filter_words({value for value, _ in hashed}, 1)
        times = (3, 1, struct.pack("<q", image.FLOOR))
        index, filtered = (4, 3, keys), (5, 1, struct.pack("<8I", *words))
        offsets = (1, 1, self.offsets)
        for sections, good in (
            ([offsets], True),
            ([offsets, times], True),
            ([offsets, times, index, filtered], True),
            ([offsets, index, filtered], True),
            ([offsets, index], False),
            ([offsets, filtered], False),
            ([offsets, (3, 1, struct.pack("<q", 0))], False),
            ([offsets, (4, 2, keys[:24]), filtered], False),
            ([offsets, (4, 3, keys[12:] + keys[:12]), filtered], False),
            ([offsets, index, (5, 1, bytes(32))], False),
        ):
            reading = self.read(self.footer(sections, self.facts), records=4)
            self.assertEqual(reading.footers == [], good, sections)

    def test_sections_of_several_blocks(self) -> None:
        for tag, piece in ((2, 4088), (4, 4080), (5, 4064)):
            payload = bytes(n % 251 for n in range(2 * piece + 20))
            parts = [payload[:piece], payload[piece : 2 * piece], payload[2 * piece :]]
            data = b""
            for part in parts:
                data += block(self.name, 64 + len(data), tag, part)
            blocks = footer.Blocks(data, self.name.seed(1, image.SALT), 64)
            self.assertEqual(blocks.section(footer.Part(tag, 9, 0, len(data))), (9, payload))

    def test_producers_are_those_of_the_frames(self) -> None:
        self.first = segment(1)
        body, fields = b"\0\0\0\0\0\0", {"count": 2, "last_delta": 1}
        named = PRODUCER + struct.pack("<QQ", 4, 6)
        times = {"base_time": image.TIME, "clamp_floor": image.FLOOR}
        self.first.frame(frame.BATCH, body, frame.HAS_PRODUCER, named, **fields, **times)
        self.facts[3], self.facts[7] = len(self.first.data), self.first.hash
        for epoch, sequence, time, batches, good in (
            (4, 6, 5, [0, 2], True),
            (4, 7, 5, [0, 2], False),
            (3, 6, 5, [0, 2], False),
            (4, 6, 6, [0, 2], False),
            (4, 6, 5, [0, 1], False),
            (4, 6, 5, [1, 2, 0, 2], False),
            (4, 6, 5, [0, 0, 0, 2], False),
        ):
            payload = PRODUCER + struct.pack("<QQqQ", epoch, sequence, time, len(batches) // 2)
            payload += struct.pack(f"<{len(batches)}Q", *batches)
            footer = self.footer([(1, 1, self.offsets), (2, 1, payload)], self.facts)
            self.assertEqual(self.read(footer, producers=1).footers == [], good)
            self.assertEqual(len(self.read(footer, producers=2).footers), 1)
        none = self.footer([(1, 1, self.offsets)], self.facts)
        self.assertEqual(len(self.read(none, producers=1).footers), 1)

    def test_batches_of_a_producer_that_follow_each_other_are_remembered(self) -> None:
        states: producers.States = {}
        for sequence in (4, *range(6, 20)):
            writer = segment(1)
            named = PRODUCER + struct.pack("<QQ", 1, sequence)
            writer.frame(
                frame.BATCH, b"\0\0\0", frame.HAS_PRODUCER, named, count=1, base_offset=sequence
            )
            header = frame.Frames(writer.data, writer.seed).header(blob.HEADER_BYTES)
            producers.advance(states, Good(header, [Record(sequence, 0, None, None, [])]))
            newest = states[PRODUCER].batches
            first = 4 if sequence == 4 else max(6, sequence - 7)
            self.assertEqual(newest, [(n, n + 1) for n in range(first, sequence + 1)])
            self.assertEqual(states[PRODUCER].sequence, sequence)


if __name__ == "__main__":
    unittest.main()
