"""Which manifest counts, and what is damaged, torn, unsupported or only removed."""

import unittest
from typing import Dict, List, Tuple

import image
from image import Memory, edit, manifest, segment, store, varint
from tidelog_format import blob, frame
from tidelog_format.errors import Damage, Unsupported
from tidelog_format.reading import Reading, read


def shape(reading: Reading) -> Tuple[List[int], List[Tuple[int, int]], int]:
    """Offsets read, offsets lost, next offset."""
    lost = [(one.first, one.next) for one in reading.lost]
    return [record.offset for record in reading.records], lost, reading.next


class Tails(unittest.TestCase):
    """How one segment, or two, end."""

    def read(self, *writers: image.Writer) -> Reading:
        """Reads, and demands that the log agrees with what it says of itself."""
        reading = read(store(*writers), image.LOG)
        self.assertEqual((reading.wrong, reading.footers), ([], []))
        return reading

    def test_an_active_segment_ends_at_zeros(self) -> None:
        tail = segment(1).batch(0, 2)
        tail.data += bytes(200)
        self.assertEqual(shape(self.read(manifest(1, tail.entry()), tail)), ([0, 1], [], 2))

    def test_nobody_vouches_for_a_torn_frame(self) -> None:
        tail = segment(1).batch(0, 2)
        at = len(tail.data)
        tail.batch(2, 2).batch(4, 1).break_frame(at)
        self.assertEqual(shape(self.read(manifest(1, tail.entry()), tail)), ([0, 1], [], 2))

    def test_a_vouched_frame_is_damaged(self) -> None:
        for broken in (4, 60):
            tail = segment(1).batch(0, 2)
            at = len(tail.data)
            tail.batch(2, 2)
            tail.batch(4, 1, vouched=len(tail.data)).break_frame(at, broken)
            found = shape(self.read(manifest(1, tail.entry()), tail))
            self.assertEqual(found, ([0, 1, 4], [(2, 4)], 5))

    def test_what_a_damaged_voucher_says_is_kept(self) -> None:
        tail = segment(1).batch(0, 2)
        at = len(tail.data)
        tail.batch(2, 2)
        voucher = len(tail.data)
        tail.batch(4, 1, vouched=voucher).break_frame(at, 60).break_frame(voucher, 60)
        found = shape(self.read(manifest(1, tail.entry()), tail))
        self.assertEqual(found, ([0, 1], [(2, 4)], 4))

    def test_what_headers_of_damaged_frames_say_is_kept(self) -> None:
        tail = segment(1).batch(0, 2)
        at = len(tail.data)
        tail.batch(2, 2)
        torn = len(tail.data)
        tail.batch(4, 1)
        vouched = len(tail.data)
        tail.batch(5, 1, vouched=torn).break_frame(torn).break_frame(at, 60)
        self.assertGreater(vouched, torn)
        found = shape(self.read(manifest(1, tail.entry()), tail))
        self.assertEqual(found, ([0, 1], [(2, 4)], 4))
        tail = segment(1).batch(0, 2)
        at = len(tail.data)
        tail.batch(2, 2)
        voucher = len(tail.data)
        tail.batch(4, 1, vouched=voucher).break_frame(at).break_frame(voucher, 60)
        found = shape(self.read(manifest(1, tail.entry()), tail))
        self.assertEqual(found, ([0, 1], [(2, 4)], 4))

    def test_a_frame_vouches_for_what_is_before_its_position_only(self) -> None:
        tail = segment(1).batch(0, 2)
        at = len(tail.data)
        tail.batch(2, 2).batch(4, 1, vouched=at).break_frame(at)
        self.assertEqual(shape(self.read(manifest(1, tail.entry()), tail)), ([0, 1], [], 2))

    def test_offsets_never_go_back(self) -> None:
        tail = segment(1, 2).batch(2, 2).batch(3, 1)
        self.assertEqual(shape(self.read(manifest(1, tail.entry()), tail)), ([2, 3], [], 4))
        below = segment(1, 2).batch(1, 3)
        self.assertEqual(shape(self.read(manifest(1, below.entry()), below)), ([], [], 2))

    def test_a_later_segment_covers_an_ended_one(self) -> None:
        for attributes, expected in (
            (frame.EARLIER_SYNCED, ([0, 1, 3], [(2, 3)], 4)),
            (0, ([0, 1], [], 2)),
        ):
            first = segment(1).batch(0, 2)
            at = len(first.data)
            entry = first.batch(2, 1).entry(3)
            second = segment(2, 3).batch(3, 1, attributes)
            names = manifest(1, entry, second.entry())
            found = self.read(names, first.break_frame(at, 60), second)
            self.assertEqual(shape(found), expected)

    def test_an_ended_segment_that_is_cut_is_torn(self) -> None:
        first = segment(1).batch(0, 2)
        at = len(first.data)
        entry = first.batch(2, 1).entry(3)
        first.data = first.data[:at]
        second = segment(2, 3).batch(3, 1)
        found = self.read(manifest(1, entry, second.entry()), first, second)
        self.assertEqual(shape(found), ([0, 1], [], 2))

    def test_damage_at_the_end_of_an_active_segment_reserves_what_bytes_could_hold(self) -> None:
        first = segment(1).batch(0, 1).batch(1, 1)
        at = len(first.data)
        first.batch(2, 3).break_frame(at)
        written = len(first.data.rstrip(b"\0"))
        second = segment(2, 200).batch(200, 1, frame.EARLIER_SYNCED)
        found = self.read(manifest(1, first.entry(), second.entry()), first, second)
        reserved = 2 + (written - at) // 3
        self.assertEqual(shape(found), ([0, 1, 200], [(2, reserved)], 201))

    def test_a_sealed_segment_is_never_torn(self) -> None:
        first = segment(1).batch(0, 2)
        entry = first.batch(2, 1).entry(3, sealed=True)
        second = segment(2, 3).batch(3, 1)
        names = manifest(1, entry, second.entry())
        self.assertEqual(shape(self.read(names, second)), ([3], [(0, 3)], 4))

    def test_removed_records_are_not_lost(self) -> None:
        first, tail = segment(1).batch(0, 2), segment(2, 5).batch(9, 1)
        for sealed, expected in ((True, ([0, 1, 9], [], 10)), (False, ([0, 1], [], 2))):
            names = manifest(1, first.entry(2, sealed=sealed, removed=3), tail.entry())
            self.assertEqual(shape(self.read(names, first, tail)), expected)

    def test_segments_that_overlap_hold_the_same_records(self) -> None:
        first, second = segment(1).batch(0, 3), segment(2, 2).batch(2, 2)
        names = manifest(1, first.entry(3, sealed=True), second.entry())
        self.assertEqual(shape(self.read(names, first, second)), ([0, 1, 2, 3], [], 4))
        self.assertEqual(shape(self.read(names, second)), ([2, 3], [(0, 2)], 4))
        other = segment(2, 2)
        fields = {"base_offset": 2, "count": 1, "clamp_floor": image.TIME}
        other.frame(frame.BATCH, b"\0\0\1", **fields)
        with self.assertRaises(Damage):
            self.read(manifest(1, first.entry(3, sealed=True), other.entry()), first, other)

    def test_facts_that_are_not_so_are_told(self) -> None:
        first = segment(1).batch(0, 2)
        good = first.entry(2, sealed=True)
        self.assertEqual(self.read(manifest(1, good), first).next, 2)
        first.hash ^= 1
        wrong = read(store(manifest(1, first.entry(2, sealed=True)), first), image.LOG)
        self.assertEqual(len(wrong.records), 2)
        self.assertIn("content_hash", wrong.wrong[0].why)
        other = segment(1, 1).batch(1, 1)
        other.data = image.blob_header(other.name, base=0) + other.data[64:]
        wrong = read(store(manifest(1, other.entry()), other), image.LOG)
        self.assertIn("header", wrong.wrong[0].why)
        floor = segment(1).batch(0, 1)
        floor.frame(frame.BATCH, b"\0\0\0", base_offset=1, count=1, clamp_floor=image.TIME - 1)
        wrong = read(store(manifest(1, floor.entry()), floor), image.LOG)
        self.assertIn("clamp floor", wrong.wrong[0].why)


class NewerWriters(unittest.TestCase):
    """What verifies and is not known is neither damaged nor torn."""

    def test_each_is_refused_as_unsupported(self) -> None:
        tail = segment(1)
        logs = [
            (manifest(1, tail.entry()), segment(1).frame(4, b"")),
            (manifest(1, tail.entry()), segment(1).batch(0, 1, attributes=1 << 5)),
            (manifest(1, tail.entry()), segment(1).batch(0, 1, attributes=1 << 7)),
            (manifest(1, tail.entry()), image.Writer(tail.name, required=1)),
            (manifest(1, edit(10, b"")), tail),
            (manifest(1, required=1), tail),
        ]
        for log in logs:
            with self.assertRaises(Unsupported):
                read(store(*log), image.LOG)


class Manifests(unittest.TestCase):
    """Which manifest is in force."""

    def next_of(self, *writers: image.Writer) -> int:
        """The next offset tells which segment's manifest was taken."""
        return read(store(*writers), image.LOG).next

    def setUp(self) -> None:
        self.old, self.new = segment(1).batch(0, 1), segment(2).batch(0, 2)

    def test_the_highest_with_a_first_frame_counts(self) -> None:
        first = manifest(1, self.old.entry())
        second = manifest(2, self.new.entry(), predecessor=1)
        self.assertEqual(self.next_of(first, second, self.old, self.new), 2)
        second.data = second.data[:100]
        self.assertEqual(self.next_of(first, second, self.old, self.new), 1)

    def test_a_superseded_one_does_not(self) -> None:
        first = manifest(1, self.old.entry(), edit(5, varint(2)))
        second = manifest(2, self.new.entry(), predecessor=1)
        dead = manifest(4, self.old.entry(), predecessor=1)
        self.assertEqual(self.next_of(first, second, dead, self.old, self.new), 2)
        # What follows a dead one is dead.
        child = manifest(5, self.old.entry(), predecessor=4)
        self.assertEqual(self.next_of(first, second, dead, child, self.old, self.new), 2)
        with self.assertRaisesRegex(Damage, "took over"):
            self.next_of(first, self.old)
        later = manifest(17, self.new.entry(), predecessor=2)
        torn = manifest(18)
        torn.data = torn.data[:100]
        self.assertEqual(self.next_of(first, later, torn, self.old, self.new), 2)
        second.data = second.data[:100]
        with self.assertRaisesRegex(Damage, "took over"):
            self.next_of(first, second, self.old, self.new)

    def test_a_removed_successor_is_looked_for_sixteen_numbers_up(self) -> None:
        class Unlisted(Memory):
            """A listing that shows manifest 1 only."""

            def names(self, log: int) -> List[blob.Name]:
                return [blob.Name(log, blob.MANIFEST, 1)]

        first = manifest(1, self.old.entry(), edit(5, varint(2)))
        for number, found in ((18, True), (19, False)):
            later = manifest(number, self.new.entry(), predecessor=2)
            unlisted = Unlisted(store(first, later, self.old, self.new).blobs)
            if found:
                self.assertEqual(read(unlisted, image.LOG).next, 2)
            else:
                with self.assertRaises(Damage):
                    read(unlisted, image.LOG)

    def test_edits_that_contradict_themselves_are_damage(self) -> None:
        entry = self.old.entry()
        active = b"".join([*map(varint, (1, 1, image.SALT, 0)), image.signed_varint(image.TIME)])
        falls = active + bytes(6) + image.signed_varint(image.TIME - 1) + bytes(4)
        snapshot = edit(1, image.snapshot())

        def index_of(number: int, length: int) -> bytes:
            """An entry whose footer is in an index blob."""
            where = (2, number, image.SALT, 1, length)
            return self.old.entry(1, b"".join(map(varint, where)))

        for why, *frames in (
            ("edits follow", entry, edit(5, varint(2)), entry),
            ("was superseded by 1", entry, edit(5, varint(1))),
            ("has not allocated", segment(1001).entry()),
            ("cut off", entry + b"\2"),
            ("follow the last field", edit(4, b"\1\1")),
            ("contradicts itself", edit(2, falls)),
            ("snapshot", snapshot),
            ("settings exceed", edit(9, bytes(2) + varint(4096) + varint(96) + bytes(6))),
            ("settings exceed", edit(9, bytes(2) + varint(4095) + bytes(7))),
            ("has not allocated", index_of(1001, 64)),
            ("60 bytes", index_of(9, 60)),
            ("60 bytes", self.old.entry(1, b"\1" + varint(60))),
        ):
            with self.assertRaisesRegex(Damage, why):
                self.next_of(manifest(1, *frames), self.old)

    def test_an_index_of_a_later_version_is_unsupported(self) -> None:
        settings = edit(9, bytes(2) + varint(4096) + b"\0\4" + bytes(5))
        with self.assertRaisesRegex(Unsupported, "indexes 0x4"):
            self.next_of(manifest(1, self.old.entry(), settings), self.old)

    def test_synced_edits_that_are_missing_are_damage(self) -> None:
        names = manifest(1, self.old.entry(), edit(3, varint(1)), self.new.entry())
        self.assertEqual(self.next_of(names, self.old, self.new), 2)
        at = len(manifest(1, self.old.entry()).data)
        names.break_frame(at)
        with self.assertRaisesRegex(Damage, "synced"):
            self.next_of(names, self.old, self.new)

    def test_no_log_and_a_damaged_one_are_told_apart(self) -> None:
        with self.assertRaisesRegex(Damage, "there is no log"):
            self.next_of()
        remains = manifest(1)
        remains.data = remains.data[:80]
        with self.assertRaisesRegex(Damage, "there is no log"):
            self.next_of(remains)
        with self.assertRaisesRegex(Damage, "is damaged"):
            self.next_of(remains, self.old)
        catalog = Memory(self.catalog(b"\1\7"))
        with self.assertRaisesRegex(Damage, "'name', is lost"):
            read(catalog, image.LOG)
        catalog.blobs[remains.name] = remains.data
        with self.assertRaisesRegex(Damage, "is damaged"):
            read(catalog, image.LOG)
        reserved = Memory({**self.catalog(b"\0\7"), remains.name: remains.data})
        with self.assertRaisesRegex(Damage, "there is no log"):
            read(reserved, image.LOG)

    def catalog(self, value: bytes) -> Dict[blob.Name, bytes]:
        """The blobs of a catalog with one name."""
        body = b"\0\5name" + bytes([len(value) + 1]) + value
        tail = segment(1, log=0)
        tail.frame(frame.BATCH, body, count=1, clamp_floor=image.FLOOR)
        return store(manifest(1, tail.entry(), log=0), tail).blobs


if __name__ == "__main__":
    unittest.main()
