"""The codecs of FORMAT.md: DEFLATE, and one block of LZ4."""

import zlib

from tidelog_input import Input, Refused


def inflate(packed, length):
    stream = zlib.decompressobj(wbits=-15)
    try:
        raw = stream.decompress(packed, length + 1)
    except zlib.error as error:
        raise Refused(f"a body does not inflate: {error}") from error
    if not stream.eof or stream.unused_data or stream.unconsumed_tail:
        raise Refused("a body does not end where its stream ends")
    return raw


def lz4(packed, length):
    """One block of the LZ4 block format."""
    data, raw = Input(packed), bytearray()

    def extended(nibble):
        total = nibble
        while nibble == 15:
            byte = data.take(1)[0]
            total += byte
            if byte != 255:
                break
        return total

    while True:
        token = data.take(1)[0]
        raw += data.take(extended(token >> 4))
        if not data.left():
            return bytes(raw)
        (distance,) = data.fixed("H")
        count = extended(token & 15) + 4
        if not 0 < distance <= len(raw) or len(raw) + count > length:
            raise Refused("an LZ4 match is out of bounds")
        start = len(raw) - distance
        for index in range(count):
            raw.append(raw[start + index])
