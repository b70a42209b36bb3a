"""The check vectors and the example of docs/FORMAT.md, as that document has them."""

import os
import re
import unittest
from typing import List

from image import signed_varint, varint
from tidelog_format import blob, checksum, content_hash, frame, indexes, record
from tidelog_format.cursor import Cursor
from tidelog_format.errors import Damage
from tidelog_format.key_hash import key_hash

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
with open(os.path.join(ROOT, "docs", "FORMAT.md"), encoding="utf-8") as document:
    TEXT = document.read()


def chapter(title: str) -> str:
    """The text below a heading."""
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(text: str, first: str) -> List[List[str]]:
    """The cells of the table whose header begins with the cell `first`."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {first} |"):
            break
    next(lines)
    found = []
    for line in lines:
        if not line.startswith("|"):
            break
        found.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
    return found


def number(text: str) -> int:
    """A sum of products of powers, as the document writes them."""
    text = text.replace("`", "").replace(" - ", " + -").strip()
    total = 0
    for term in text.split(" + "):
        product = -1 if term.startswith("-") else 1
        for factor in term.lstrip("-").split(" * "):
            base, _, power = factor.partition("^")
            product *= int(base) ** int(power or 1)
        total += product
    return total


class Conventions(unittest.TestCase):
    """Varints."""

    def test_varints_and_zig_zags(self) -> None:
        table = rows(chapter("Conventions"), "value")
        self.assertEqual(len(table), 5)
        for value, stored, _, signed, folded in table:
            self.assertEqual(Cursor(bytes.fromhex(stored)).varint(), number(value))
            self.assertEqual(varint(number(value)), bytes.fromhex(stored))
            if signed:
                cursor = Cursor(varint(number(folded)))
                self.assertEqual(cursor.signed_varint(), number(signed))
                self.assertEqual(signed_varint(number(signed)), varint(number(folded)))

    def test_a_longer_form_is_accepted_within_ten_bytes(self) -> None:
        self.assertEqual(Cursor(b"\x80" * 9 + b"\x00").varint(), 0)
        for malformed in (b"\xff" * 9 + b"\x02", b"\x80" * 10 + b"\x00", b"\x80", b""):
            with self.assertRaises(Damage):
                Cursor(malformed).varint()


class Checksums(unittest.TestCase):
    """Plain and seeded checksums, and the content hash."""

    def test_every_vector(self) -> None:
        table = rows(chapter("Checksums"), "input")
        self.assertEqual(len(table), 6)
        seed = 0
        for given, result in table:
            quoted = (re.findall("`([^`]*)`", given + "`") or [""])[0].encode()
            place = re.search("position ([^,]*)", given)
            if given.startswith("plain"):
                found = checksum.plain(quoted)
            elif place is None:
                names = [int(text) for text in re.findall("[a-z] ([0-9]+),", given)]
                found = seed = checksum.seed(*names, int(quoted, 16))
            else:
                found = checksum.seeded(seed, number(place.group(1)), quoted)
            self.assertEqual(f"{found:08x}", result, given)

    def test_every_content_hash(self) -> None:
        table = rows(chapter("Content hash"), "h")
        self.assertEqual(len(table), 3)
        for before, header_sum, body_sum, result in table:
            found = content_hash.extended(*(int(x, 16) for x in (before, header_sum, body_sum)))
            self.assertEqual(f"{found:016x}", result)


class Keys(unittest.TestCase):
    """Key hashes and filters."""

    def test_every_key_hash(self) -> None:
        table = rows(chapter("Key hash"), "key")
        self.assertEqual(len(table), 4)
        for key, result in table:
            key = "" if key == "empty" else key
            found = key_hash(0x0123456789ABCDEF, 7, key.encode())
            self.assertEqual(f"{found:016x}", result)

    def test_the_filter_of_three_blocks(self) -> None:
        text = chapter("Footer").split("With n = 3, ")[1]
        hashes = {int(value, 16) for value in re.findall("`([0-9a-f]{16})`", text)}
        words = [int(word, 16) for word in text.split("```")[1].split("\n", 1)[1].split()]
        self.assertEqual((len(hashes), len(words)), (2, 24))
        self.assertEqual(indexes.filter_words(hashes, 3), words)


class Example(unittest.TestCase):
    """The segment of 136 bytes."""

    def test_it_is_what_the_text_says(self) -> None:
        lines = re.findall("^[0-9a-f]{4}  (.*)$", chapter("Example"), re.MULTILINE)
        data = bytes.fromhex("".join(lines))
        self.assertEqual(len(data), 136)
        name = blob.Name(7, blob.SEGMENT, 3)
        head = blob.decode_header(name, data)
        self.assertEqual(head, blob.Header(2, 1000, 0x0123456789ABCDEF, 0))
        frames = frame.Frames(data, name.seed(head.epoch, head.salt))
        header = frames.header(64)
        self.assertEqual((header.attributes, header.end()), (frame.EARLIER_SYNCED, 136))
        expected = [
            record.Record(1000, 1700000000000000, b"k", None, []),
            record.Record(1001, 1699999999000000, None, b"", []),
        ]
        self.assertEqual(record.decode_batch(header, frames.body(header)), expected)
        value = content_hash.extended(0, header.header_checksum, header.body_checksum)
        self.assertIn(f"The content hash, from base hash 0, is `{value:016x}`", TEXT)

    def test_no_flipped_bit_of_it_verifies(self) -> None:
        lines = re.findall("^[0-9a-f]{4}  (.*)$", chapter("Example"), re.MULTILINE)
        data = bytes.fromhex("".join(lines))
        seed = blob.Name(7, blob.SEGMENT, 3).seed(2, 0x0123456789ABCDEF)
        for bit in range(64 * 8, len(data) * 8):
            flipped = bytearray(data)
            flipped[bit >> 3] ^= 1 << (bit & 7)
            frames = frame.Frames(bytes(flipped), seed)
            with self.assertRaises(Damage, msg=f"bit {bit}"):
                frames.body(frames.header(64))


if __name__ == "__main__":
    unittest.main()
