"""Which sheet is read where nobody named one: the first, unless it is empty or only another one has the template's
headings, or such as mean them.

People put a cover or a note before the table. A first sheet that feeds some column stays; that another one would feed
more is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from douane.errors import BadFile
from douane.model.reading import Note
from douane.sheet.heading_texts import plain
from douane.sheet.noticed import note

if TYPE_CHECKING:
    from douane.sheet.formats import Reader

SHEETS_MAX = 12  # that are looked into


def best_sheet(
    first: Reader | BadFile, names: Sequence[str], wanted: Sequence[str], open_sheet: Callable[[str], Reader]
) -> Reader:
    """`first`: the reader of the first sheet, or why there is none (`file_empty`), which is raised if no other sheet
    can be read. `names`: all sheets to choose from. `wanted`: names of the template's columns, none = no template."""
    held = names[0] if isinstance(first, BadFile) else first.detected.sheet
    fed = 0 if isinstance(first, BadFile) else _fed(first, wanted)
    lonely = isinstance(first, BadFile) or _holds_no_table(first)
    if not lonely and (not wanted or fed * 2 >= len(set(map(plain, wanted)))):
        return _held(first)
    best: Reader | None = None
    best_fed = -1
    for name in [name for name in names if name != held][:SHEETS_MAX]:
        try:
            reader = open_sheet(name)
        except BadFile:
            continue
        here = _fed(reader, wanted)
        if here > best_fed and not (_holds_no_table(reader) and not here):
            best, best_fed = reader, here
    if best is None:
        return _held(first)
    other = best.detected.sheet
    if isinstance(first, BadFile):
        return _noted(best, note("sheet_instead", sheet=str(other), why=first.message))
    if best_fed > fed == 0:
        return _noted(best, note("sheet_matches", sheet=str(other), other=str(held)))
    if best_fed > fed:
        return _noted(first, note("sheet_matches_more", sheet=str(held), other=str(other)))
    if lonely and not wanted:
        return _noted(first, note("sheet_without_table", sheet=str(held), other=str(other)))
    return first


def _held(first: Reader | BadFile) -> Reader:
    if isinstance(first, BadFile):
        raise first
    return first


def _noted(reader: Reader, found: Note) -> Reader:
    reader.detected = replace(reader.detected, notes=(*reader.detected.notes, found))
    return reader


def _fed(reader: Reader, wanted: Sequence[str]) -> int:
    """How many headings are names that the template knows; where none is, how many surely mean one."""
    names = {text for name in wanted if (text := plain(name))}
    known = len(names & {plain(heading) for heading in reader.detected.headings})
    if known or not names:
        return known
    # Loaded where it is needed: most workbooks have the template's own words.
    from douane.sheet.matching import meant

    return meant(wanted, reader.detected.headings)


def _holds_no_table(reader: Reader) -> bool:
    """A note or a cover: no records below the headings, or a single column without any."""
    rows = reader.first.rows if reader.first is not None else ()
    return len(rows) < 2 or max(sum(1 for cell in row if cell.strip()) for row in rows) < 2
