"""SHELF of writers: a staged export -> files of another program, for `douane chat convert --to KEY`.

A member has `write(export, wanted, out) -> Report`. The export is on disk, in parts; a writer reads a part at a time
and writes files into `out.folder`. What the other program cannot take is changed or left out, and counted in the
report: nothing is lost in silence. Keys that addresses of the export carry (`chat/tokens.py`) stand in no file
that is written.

To add a program: one file with `write`, one line in MENU, a paragraph in docs/cli.md, and a test. Third-party members
come by entry points.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from douane.entries import entry_points
from douane.errors import BadRequest

if TYPE_CHECKING:  # the menu is read where Polars is not loaded
    import polars as pl

ENTRY_POINTS = "douane.writers"


@dataclass(frozen=True, slots=True)
class Selection:
    """Ids of users and channels; None: all of them."""

    users: Collection[str] | None = None
    channels: Collection[str] | None = None


ALL = Selection()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asked for. `team`: the name of the team to make, for programs that have teams."""

    selection: Selection = ALL
    team: str = "imported"


class Export(Protocol):
    """A staged export. `whole`: the tables users, channels and members; `counts`: what was found, as
    `importers.Counts` has it: tables, entries, reasons."""

    @property
    def importer(self) -> str: ...
    @property
    def whole(self) -> Mapping[str, pl.DataFrame]: ...
    @property
    def counts(self) -> Mapping[str, Any]: ...

    def parts(self, table: str) -> Sequence[int]:
        """The numbers of a table's parts, in order."""
        ...

    def part(self, table: str, number: int, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """One part, or some of its columns; of a table that has none of this number, an empty one."""
        ...


@dataclass(frozen=True, slots=True)
class Out:
    """Where it goes. `body(entry, path)` writes the bytes of an archive's entry there, or answers why it cannot.
    `progress(done, total, unit, rows)`."""

    folder: Path
    body: Callable[[int, Path], str | None]
    progress: Callable[[int, int, str, int], None]


@dataclass(slots=True)
class Report:
    """`kept`: what is in the files, by a word of the member's; `changed`, `lost`: {code, count, says} for a person."""

    kept: dict[str, int] = field(default_factory=dict)
    changed: list[dict[str, Any]] = field(default_factory=list)
    lost: list[dict[str, Any]] = field(default_factory=list)


MENU: dict[str, str] = {
    "mattermost": "douane.chat.writers.mattermost",
    "ndjson": "douane.chat.writers.ndjson",
    "parquet": "douane.chat.writers.parquet",
}


@cache
def menu() -> dict[str, str]:
    """Key -> module of all members, ours first."""
    theirs = {point.name: point.module for point in entry_points(group=ENTRY_POINTS)}
    return MENU | {key: module for key, module in theirs.items() if key not in MENU}


def writer(key: str) -> Callable[[Export, Wanted, Out], Report]:
    """The member's `write`. BadRequest where there is no such one."""
    if key not in menu():
        raise BadRequest(f"Douane cannot write “{key[:100]}”; it writes {', '.join(menu())}.")
    write: Callable[[Export, Wanted, Out], Report] = importlib.import_module(menu()[key]).write
    return write
