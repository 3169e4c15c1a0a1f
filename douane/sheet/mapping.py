"""Which heading is which column, and where the fields of a record stand then."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Literal

from douane.errors import BadRequest
from douane.model.template import Template
from douane.sheet import matching
from douane.sheet.matching import Known, Match
from douane.values import dataclass

SKIPPED = "_"  # a heading of this text alone names no field (contract 4.1.3)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the fields of a record stand in a frame.

    `fields`: one key per position of the frame: the mapped column's key, an unmapped heading's own text (made different
    from every column key and from each other), or "" for a cell that is no field (heading `_`, cells beyond the last
    heading). Template columns that no heading feeds follow after `width`, so that an edit can still give them a value:
    `columns[i]` is the position of template column i, and `columns[i] >= width` means the file has no cell for it.
    Frames may lack such columns: absent. `headings`: cells from this position on stand beyond the last heading.
    """

    fields: tuple[str, ...]
    columns: tuple[int, ...]
    width: int
    headings: int = 0

    def position(self, key: str) -> int | None:
        """Of the field `key`; None where a record has no such field."""
        return self.fields.index(key) if key and key in self.fields else None


def propose(template: Template, headings: Sequence[str | None], known: Known | None = None) -> tuple[int | None, ...]:
    """Per column the heading position that fits best, each heading used once (contract 6, OURS): for a person to agree
    to. `matches` says how sure each is, and why."""
    return proposed(matches(template, headings, known))


def proposed(found: Sequence[Match | None]) -> tuple[int | None, ...]:
    return tuple(None if match is None else match.at for match in found)


def automatic(template: Template, headings: Sequence[str | None], known: Known | None = None) -> tuple[int | None, ...]:
    """As `propose`, but only what is sure: what may be taken where nobody looks at it."""
    return taken_by_itself(matches(template, headings, known))


def taken_by_itself(found: Sequence[Match | None]) -> tuple[int | None, ...]:
    return tuple(match.at if match is not None and match.sure else None for match in found)


def matches(template: Template, headings: Sequence[str | None], known: Known | None = None) -> tuple[Match | None, ...]:
    """Per column the best match of `sheet/matching.py`; `known`: what people chose before."""
    return matching.matches(template.columns, headings, known)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a choice cannot be had: `unknown_column`, `unknown_heading`, or `taken` by another column (`by`)."""

    kind: Literal["unknown_column", "unknown_heading", "taken"]
    key: str
    heading: str | None
    by: str = ""


def choose(
    template: Template,
    headings: Sequence[str],
    automatic: Sequence[int | None],
    choices: Mapping[str, str | None],
) -> tuple[tuple[int | None, ...], tuple[Fault, ...]]:
    """Per column the heading position that feeds it, by what a person chose (column key -> heading, None or "" = none),
    and what of it cannot be. A column that is not named keeps its automatic heading, unless a named one takes it. The
    same text may head several columns of the file: each of them feeds one column, the automatic one first."""
    faults = [Fault("unknown_column", key, choices[key]) for key in choices if key not in _keys(template)]
    places: dict[str, deque[int]] = {}
    for at, text in enumerate(headings):
        places.setdefault(text, deque()).append(at)
    taken: dict[int, str] = {}
    holders: dict[str, str] = {}  # heading -> the first column that it feeds
    for column, before in zip(template.columns, automatic, strict=True):
        heading = choices.get(column.key)
        if not heading:
            continue
        free = places.get(heading)
        if free is None:
            faults.append(Fault("unknown_heading", column.key, heading))
            continue
        while free and free[0] in taken:
            free.popleft()
        if before is not None and headings[before] == heading and before not in taken:
            taken[before] = column.key
        elif free:
            taken[free.popleft()] = column.key
        else:
            faults.append(Fault("taken", column.key, heading, by=holders[heading]))
            continue
        holders.setdefault(heading, column.key)
    fed = {key: at for at, key in taken.items()}
    chosen = tuple(
        fed.get(column.key) if column.key in choices or before in taken else before
        for column, before in zip(template.columns, automatic, strict=True)
    )
    return chosen, tuple(faults)


def headings(record: Sequence[str] | None, width: int) -> tuple[str, ...]:
    """The heading texts by position; without a heading record `column 1`, `column 2` ..."""
    if record is None:
        return named((), width)
    texts = tuple(record[:width])
    return (*texts, *[""] * (width - len(texts)))


def named(names: Sequence[str], width: int) -> tuple[str, ...]:
    """Headings that a person gave to a file that has none; positions beyond them are numbered."""
    texts = tuple(names[:width])
    return (*texts, *(f"column {at + 1}" for at in range(len(texts), width)))


def layout(template: Template, headings: Sequence[str | None], chosen: Sequence[int | None]) -> Layout:
    """`headings`: one per position of the frame, None or "" where the heading record has no text there. `chosen`: per
    template column the position that feeds it, None = none. All renaming is by position and at once, so no column ever
    gets another one's cells (contract 6, FAULT). BadRequest where a position is unknown or given twice."""
    width = len(headings)
    given = [at for at in chosen if at is not None]
    if (
        len(chosen) != len(template.columns)
        or len(set(given)) != len(given)
        or not all(0 <= at < width for at in given)
    ):
        raise BadRequest("A mapping feeds each column from one heading of the file, and each heading feeds one column.")
    named = max((at + 1 for at, heading in enumerate(headings) if (heading or "").strip()), default=0)
    named = max([named, *(at + 1 for at in given)])
    keys = {at: column.key for at, column in zip(chosen, template.columns, strict=True) if at is not None}
    taken = {column.key: 1 for column in template.columns}
    fields: list[str] = []
    for at, heading in enumerate(headings):
        text = heading or ""
        if at in keys:
            fields.append(keys[at])
        elif at >= named or text.strip() == SKIPPED:
            fields.append("")
        else:
            # A nameless column between others gets a name, so that its cells travel along and nothing is lost.
            fields.append(_distinct(text if text.strip() else f"column {at + 1}", taken))
    positions: list[int] = []
    for position, column in zip(chosen, template.columns, strict=True):
        positions.append(len(fields) if position is None else position)
        if position is None:
            fields.append(column.key)
    return Layout(tuple(fields), tuple(positions), width, named)


def _keys(template: Template) -> frozenset[str]:
    return frozenset(column.key for column in template.columns)


def _distinct(text: str, taken: dict[str, int]) -> str:
    """`taken`: each name given, with the last number tried for it: many equal headings cost no more than others."""
    number, name = taken.get(text, 0), text
    while number:
        number += 1
        name = f"{text} ({number})"
        if name not in taken:
            break
    taken[text] = max(number, 1)
    taken.setdefault(name, 1)
    return name
