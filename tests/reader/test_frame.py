"""Frames and records whose checksums hold, and which contradict themselves."""

import struct
import unittest
from typing import List

import image
from image import segment
from tidelog_format import blob, frame, record
from tidelog_format.errors import Damage, NothingWritten, Unsupported

ONE = {"count": 1}
TWO = {"count": 2, "last_delta": 1}
BATCH, MARK = frame.BATCH, frame.MARK


def decode(writer: image.Writer) -> List[record.Record]:
    """The records of the first frame of a segment."""
    frames = frame.Frames(writer.data, writer.seed)
    header = frames.header(blob.HEADER_BYTES)
    body = frames.body(header)
    return record.decode_batch(header, body) if header.kind == BATCH else []


class Frames(unittest.TestCase):
    """One frame each."""

    def test_what_a_batch_may_be(self) -> None:
        for body, attributes, fields, offsets in (
            (b"\0\0\0", 0, ONE, [0]),
            (b"\0\0\0\0\0\0", frame.EARLIER_SYNCED, TWO, [0, 1]),
            (b"\0\4\0\0\0\6\0\0", frame.HAS_DELTAS, {"count": 2, "last_delta": 6}, [4, 6]),
            (b"\0\0\1\1\1k\0", frame.HAS_HEADERS, ONE, [0]),
            (b"\0\0\0\0", frame.HAS_HEADERS, ONE, [0]),
        ):
            found = decode(segment(1).frame(BATCH, body, attributes, **fields))
            self.assertEqual([one.offset for one in found], offsets)

    def test_times_wrap(self) -> None:
        body = image.signed_varint(-1) + b"\0\0"
        found = decode(segment(1).frame(BATCH, body, base_time=-(2**63), **ONE))
        self.assertEqual(found[0].time, 2**63 - 1)

    def test_what_is_malformed(self) -> None:
        raw = struct.pack("<Q", 3)
        for kind, body, attributes, blocks, fields in (
            (BATCH, b"\0\0\0\0", 0, b"", ONE),
            (BATCH, b"\0\0\0\0\0\0", 0, b"", ONE),
            (BATCH, b"\0\0\5", 0, b"", ONE),
            (BATCH, b"\0\0\0", 0, b"", {}),
            (BATCH, b"\0\0", 0, b"", ONE),
            (BATCH, b"\0\0\0", 0, b"", {"count": 2**20 + 1, "last_delta": 2**20}),
            (BATCH, b"\0\0\0\0\0\0", 0, b"", {"count": 2, "last_delta": 2}),
            (BATCH, b"\0\0\0\0\0\0", 0, b"", {"count": 2, "last_delta": 0}),
            (BATCH, b"\0\1\0\0\0\1\0\0", frame.HAS_DELTAS, b"", {"count": 2, "last_delta": 1}),
            (BATCH, b"\0\1\0\0\0\3\0\0", frame.HAS_DELTAS, b"", {"count": 2, "last_delta": 4}),
            (BATCH, b"\0\0\0", 0, b"", {"count": 1, "base_offset": 2**53 - 1}),
            (BATCH, b"\0\0\0", 0, b"", {"count": 1, "vouched": 65}),
            (BATCH, b"\0\0\0", 0, raw, ONE),
            (BATCH, b"\0\0\0", 1, b"", ONE),
            (BATCH, b"\0\0\0", 3, raw, ONE),
            (BATCH, b"\0\0\0", frame.HAS_PRODUCER, raw, ONE),
            (BATCH, b"\x30\0\0\0", 1, struct.pack("<Q", 2**25 + 1), ONE),
            (BATCH, b"\0\0\0\x81\x08" + b"\0" * 2050, frame.HAS_HEADERS, b"", ONE),
            (MARK, b"\1", 0, b"", {}),
            (MARK, b"", 0, b"", ONE),
            (MARK, b"", 0, b"", {"last_delta": 1}),
            (MARK, b"", frame.HAS_HEADERS, b"", {}),
            (MARK, b"\0\0\0", 1, raw, {}),
        ):
            with self.assertRaises(Damage, msg=f"{body!r} {attributes} {fields}"):
                decode(segment(1).frame(kind, body, attributes, blocks, **fields))

    def test_padding_is_there_and_is_zeros(self) -> None:
        writer = segment(1).frame(BATCH, b"\0\0\0", **ONE)
        whole = writer.data
        self.assertEqual(len(decode(writer)), 1)
        for data in (whole[:-1], whole[:-1] + b"\1"):
            writer.data = data
            with self.assertRaises(Damage):
                decode(writer)

    def test_nothing_written_is_told_from_damage(self) -> None:
        for data in (bytes(56), b"\1" * 55):
            with self.assertRaises(NothingWritten):
                frame.decode_header(data, 0, 0)


class BlobHeaders(unittest.TestCase):
    """The first 64 bytes."""

    def test_every_flipped_bit_is_damage(self) -> None:
        name = blob.Name(image.LOG, blob.SEGMENT, 3)
        good = image.blob_header(name)
        self.assertEqual(blob.decode_header(name, good).salt, image.SALT)
        for bit in range(len(good) * 8):
            flipped = bytearray(good)
            flipped[bit >> 3] ^= 1 << (bit & 7)
            with self.assertRaises(Damage):
                blob.decode_header(name, bytes(flipped))

    def test_other_blobs_and_newer_versions(self) -> None:
        name = blob.Name(image.LOG, blob.SEGMENT, 3)
        for other in (name._replace(number=4), name._replace(log=8), name._replace(kind=4)):
            with self.assertRaises(Damage):
                blob.decode_header(other, image.blob_header(name))
        for data in (image.blob_header(name, version=2), image.blob_header(name, required=1)):
            with self.assertRaises(Unsupported):
                blob.decode_header(name, data)
        with self.assertRaises(NothingWritten):
            blob.decode_header(name, bytes(64))


if __name__ == "__main__":
    unittest.main()
