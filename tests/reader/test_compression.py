"""The LZ4 block decoder, and what both decoders refuse."""

import unittest
import zlib

from tidelog_format.compression import DEFLATE, LZ4, unpack
from tidelog_format.errors import Damage


class Lz4(unittest.TestCase):
    """LZ4 blocks."""

    def test_literals_matches_and_long_lengths(self) -> None:
        for block, raw in (
            (b"\x30abc", b"abc"),
            (b"\x30abc\x03\x00\x10d", b"abcabcad"),
            (b"\x1fa\x01\x00\x05\x10b", b"a" * 25 + b"b"),
            (b"\xf0\x01" + b"x" * 16, b"x" * 16),
            (b"\xf0\xff\x00" + b"x" * 270, b"x" * 270),
            (b"\x1fa\x01\x00\xff\x00\x10b", b"a" * 275 + b"b"),
        ):
            self.assertEqual(unpack(LZ4, block, len(raw)), raw)
            for length in (len(raw) - 1, len(raw) + 1):
                with self.assertRaises(Damage):
                    unpack(LZ4, block, length)

    def test_a_match_beyond_the_bound_is_not_copied(self) -> None:
        with self.assertRaisesRegex(Damage, "match of 274 bytes exceeds"):
            unpack(LZ4, b"\x1fa\x01\x00\xff\x00\x10b", 100)

    def test_what_is_malformed(self) -> None:
        for block in (b"", b"\x30ab", b"\x10a\x00\x00\x10b", b"\x10a\x02\x00\x10b", b"\x10a\x01"):
            for length in range(1, 9):
                with self.assertRaises(Damage):
                    unpack(LZ4, block, length)


class Deflate(unittest.TestCase):
    """Raw DEFLATE streams."""

    def test_a_stream_ends_with_the_body(self) -> None:
        raw = b"tide" * 100
        packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        stream = packer.compress(raw) + packer.flush()
        self.assertEqual(unpack(DEFLATE, stream, len(raw)), raw)
        for body, length in (
            (stream, len(raw) - 1),
            (stream, len(raw) + 1),
            (stream[:-1], len(raw)),
            (stream + b"\0", len(raw)),
            (zlib.compress(raw), len(raw)),
        ):
            with self.assertRaises(Damage):
                unpack(DEFLATE, body, length)

    def test_no_bomb_is_unpacked(self) -> None:
        with self.assertRaisesRegex(Damage, "cannot unpack"):
            unpack(DEFLATE, b"\0" * 10, 10401)


if __name__ == "__main__":
    unittest.main()
