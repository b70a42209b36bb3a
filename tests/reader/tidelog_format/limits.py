"""The numbers under "Limits" of docs/FORMAT.md."""

OFFSET = 2**53 - 1
"""Highest offset, and highest next offset."""

NAME = 2**53 - 1
"""Highest blob number, log id and writer epoch."""

BODY = 2**25
"""Bytes of a frame's body, as stored and raw."""

RECORDS = 2**20
"""Records of a batch."""

HEADERS = 1024
"""Headers of one record."""

SEGMENT_BYTES = (4096, 2**30)
"""Bounds of the setting."""

ALIGN = (64, 65536)
"""Bounds of the setting, when it is not 0."""

BLOB_PART = 2**31
"""Highest data end, and longest footer."""

PRODUCER_BATCHES = 8
"""Batches remembered of a producer."""

MASKED_OFFSETS = 256
"""Offsets in a *masked* edit."""

RUNS = 2048
"""Runs in a page of a mask."""

UNSYNCED = 96 * 2**20
"""Less than so many bytes are unsynced at a time."""

EXPANSION = 1040
"""No codec makes more raw bytes of one stored byte."""

TEXT = 255
"""Bytes of a log's name in the catalog."""
