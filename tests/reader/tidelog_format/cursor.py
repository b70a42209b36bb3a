"""Integers and byte strings, read one behind the other."""

from .errors import Damage

U64 = 2**64


class Cursor:
    """Reads fields from bytes; a field that is not there whole is damage."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def left(self) -> int:
        """Bytes not read yet."""
        return len(self.data) - self.at

    def take(self, length: int) -> bytes:
        """The next `length` bytes."""
        if length > self.left():
            raise Damage(f"{length} bytes are named, {self.left()} are there")
        start, self.at = self.at, self.at + length
        return self.data[start : self.at]

    def fixed(self, size: int) -> int:
        """A little-endian unsigned integer of `size` bytes."""
        return int.from_bytes(self.take(size), "little")

    def i64(self) -> int:
        """A little-endian two's complement integer of 8 bytes."""
        return int.from_bytes(self.take(8), "little", signed=True)

    def varint(self) -> int:
        """LEB128 of at most ten bytes and 64 bits."""
        value = 0
        for shift in range(0, 70, 7):
            if self.at == len(self.data):
                raise Damage("a varint is cut off")
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if value >= U64:
                    raise Damage("a varint exceeds 64 bits")
                return value
        raise Damage("a varint has more than ten bytes")

    def signed_varint(self) -> int:
        """A zig-zag varint."""
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def end(self) -> None:
        """Demands that everything was read."""
        if self.left():
            raise Damage(f"{self.left()} bytes follow the last field")


def wrapped_i64(value: int) -> int:
    """`value` modulo 2^64, as an i64."""
    value %= U64
    return value - U64 if value >= U64 >> 1 else value


def padded(length: int) -> int:
    """`length`, rounded up to a multiple of 8."""
    return (length + 7) & ~7
