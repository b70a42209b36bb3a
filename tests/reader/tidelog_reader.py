#!/usr/bin/env python3
"""Prints a log that lies in a directory: `tidelog_reader.py DIRECTORY --log ID`.

One JSON object a line: every record by rising offset, every range of offsets
that is lost, every footer that would have to be rebuilt, everything that the
log says of itself and is not so, and last the next offset. Exit code 0 if
everything was read, 1 if records are lost or something is wrong, 2 if the log
was refused, with a sentence on stderr.

Written from docs/FORMAT.md alone; see README.md beside this file.
"""

import argparse
import json
import sys
from typing import Any, Dict, Iterator

from tidelog_format.blob import Directory
from tidelog_format.errors import Damage, Unsupported
from tidelog_format.reading import Reading, read
from tidelog_format.record import Record


def shown(record: Record) -> Dict[str, Any]:
    """A record, with its bytes in hexadecimal."""
    return {
        "offset": record.offset,
        "time": record.time,
        "key": None if record.key is None else record.key.hex(),
        "value": None if record.value is None else record.value.hex(),
        "headers": [[name.hex(), value.hex()] for name, value in record.headers],
    }


def lines(reading: Reading) -> Iterator[Dict[str, Any]]:
    """What is printed of a log, in order."""
    yield from map(shown, reading.records)
    for lost in reading.lost:
        place = {"segment": lost.segment, "position": lost.position}
        yield {"lost": [lost.first, lost.next], **place}
    for footer in reading.footers:
        yield {"footer": footer.segment, "why": footer.why}
    for wrong in reading.wrong:
        yield {"wrong": wrong.why, "segment": wrong.segment}
    yield {"next": reading.next}


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Prints a log of a tidelog directory.")
    parser.add_argument("directory")
    parser.add_argument("--log", type=int, required=True, metavar="ID")
    arguments = parser.parse_args()
    try:
        reading = read(Directory(arguments.directory), arguments.log)
    except (Damage, Unsupported, OSError) as error:
        print(f"log {arguments.log} of {arguments.directory}: {error}", file=sys.stderr)
        return 2
    for line in lines(reading):
        print(json.dumps(line))
    return 1 if reading.lost or reading.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
