"""The child that runs the patterns which no linear-time engine takes. Started by file name, never imported.

In: one line, the pattern spelled for Python's `re`, as JSON; then lines, each a JSON array of texts. Out: one byte for
each text, as soon as it is known: `0` not found, `1` found, `2` given up after 50 ms of processor time. It ends when
its input does. Only the standard library, so it starts in some 20 ms.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from types import FrameType

CELL_S = 0.05


class GivenUp(Exception):
    pass


def _give_up(number: int, frame: FrameType | None) -> None:
    raise GivenUp


def main() -> None:
    # `re` looks for signals every few thousand steps, so the alarm ends a match that explodes.
    signal.signal(signal.SIGVTALRM, _give_up)
    pattern = re.compile(json.loads(sys.stdin.readline()), re.ASCII)
    for line in sys.stdin:
        for text in json.loads(line):
            os.write(1, _verdict(pattern, text))


def _verdict(pattern: re.Pattern[str], text: str) -> bytes:
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, CELL_S)
        try:
            return b"1" if pattern.search(text) else b"0"
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    except (GivenUp, RecursionError, MemoryError):
        return b"2"


if __name__ == "__main__":
    main()
