"""What a program or a pipe is given: JSON, and no bar. `screen.py`, which draws with Rich, is loaded where a person
looks on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from douane import line


class Bar(Protocol):
    def update(self, event: line.Progress) -> None:
        """Takes a progress event of the child."""


class NoBar:
    def update(self, event: line.Progress) -> None:
        """Nobody looks on."""


def print_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


@contextmanager
def progress_bar(stream: TextIO) -> Iterator[Bar]:
    """`screen.progress_bar` on a terminal; nothing in a pipe."""
    if not stream.isatty():
        yield NoBar()
        return
    from douane.cli import screen

    with screen.progress_bar(stream) as bar:
        yield bar
