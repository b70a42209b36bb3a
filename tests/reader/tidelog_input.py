"""Reading of encoded fields, and the ways in which bytes are refused."""

import struct


class Refused(Exception):
    """Bytes that are not what the format says they must be."""


class Blank(Refused):
    """Nothing was written."""


class Unsupported(Refused):
    """Bytes of a newer writer."""


class Damaged(Refused):
    """The log cannot be read without salvage."""


class Input:
    """Encoded bytes, taken from front to back."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def left(self):
        return len(self.data) - self.at

    def take(self, length):
        if length > self.left():
            raise Refused("the bytes end too early")
        self.at += length
        return self.data[self.at - length : self.at]

    def fixed(self, layout):
        return struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))

    def varint(self):
        value = 0
        for index in range(10):
            byte = self.take(1)[0]
            if index == 9 and byte > 1:
                break
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                return value
        raise Refused("a varint is too long")

    def signed(self):
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def bounded(self, highest, what):
        value = self.varint()
        if value > highest:
            raise Refused(f"{what} is out of bounds")
        return value
