"""Values that hold the delimiter and are not quoted: `1,Doe, John,5` and `Bread,1,50,loaf` under three headings.

They make records wider than the headings. Which cells belong together is told from the first records, and only where
these leave one reading: either a blank follows the delimiter within values and nowhere else, or digits behind digits
(`1,50`) can be put together in one way alone. Each record is then put together by itself; one that does not come out
at the width of the headings stays as it is."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence

import polars as pl

from douane.sheet.white_space import WHITE
from douane.values import dataclass

RECORDS_MIN = 3  # so many wide records prove a habit
_SURPLUS_MAX = 4
_CELLS_MAX = 200
_WHOLE = re.compile(r"[-+]?\d{1,9}")
_FRACTION = re.compile(r"\d{1,6}")


@dataclass(frozen=True, slots=True)
class Joining:
    """How cells of a record that is wider than `width` are put together: those that begin with a blank with the one
    before (`columns` None), else digits with digits in some of these columns."""

    delimiter: str
    width: int
    columns: frozenset[int] | None = None

    def joined(self, cells: Sequence[str]) -> list[str] | None:
        """The record's cells at the width of the headings; None if there is no way, or more than one."""
        if self.columns is None:
            found: list[str] = []
            for cell in cells:
                if found and _goes_on(cell):
                    found[-1] += self.delimiter + cell
                else:
                    found.append(cell)
            return found if len(found) == self.width else None
        ways = [way for way in _ways(cells, self.width) if way <= self.columns]
        return _with_pairs(cells, ways[0], self.delimiter) if len(ways) == 1 else None


def joining_of(rows: Sequence[Sequence[str]], delimiter: str) -> Joining | None:
    """What the first records prove, the headings' one first; None if nothing."""
    width = len(rows[0])
    if width < 2 or max(map(len, rows)) <= width or delimiter.isspace():
        return None
    headings, records = rows[0], rows[1:]
    wide = [row for row in records if len(row) > width]
    if len(wide) < RECORDS_MIN or any(len(row) < width for row in records):
        return None
    if any(not cell.strip() or cell[0] == " " or _WHOLE.fullmatch(cell) for cell in headings):
        return None
    even = [row for row in records if len(row) == width]
    by_blanks = Joining(delimiter, width)
    spaced = [cell for row in wide for cell in row if cell[:1] == " "]
    # Where all records are wide, numbers filled up with blanks may as well stand in a column without a heading.
    words = bool(even) or all(cell[1:2].isalpha() for cell in spaced)
    if words and not any(cell[:1] == " " for row in even for cell in row) and all(map(by_blanks.joined, wide)):
        return by_blanks
    return _by_digits(even, wide, width) if delimiter == "," else None


def _goes_on(cell: str) -> bool:
    """One blank and a text: what stands behind a comma within a sentence."""
    return cell[:1] == " " and cell[1:2].isalnum()


def _by_digits(even: Sequence[Sequence[str]], wide: Sequence[Sequence[str]], width: int) -> Joining | None:
    if not even and all(len(row) == width + 1 for row in wide):
        return None  # a first column without a heading, as R writes row names, is as good a reading
    ways = [_ways(row, width) for row in wide]
    alone = [found[0] for found in ways if len(found) == 1]
    if len(alone) < RECORDS_MIN:
        return None
    columns = frozenset().union(*alone)
    if any(sum(way <= columns for way in found) != 1 for found in ways):
        return None
    if any(row[at].strip() and not _WHOLE.fullmatch(row[at]) for row in even for at in columns):
        return None
    return Joining(",", width, columns)


def _ways(cells: Sequence[str], width: int) -> list[frozenset[int]]:
    """The sets of columns that, each made of two cells of digits, bring the record to `width`."""
    surplus = len(cells) - width
    if not 0 < surplus <= _SURPLUS_MAX or len(cells) > _CELLS_MAX:
        return []
    pairs = [at for at in range(len(cells) - 1) if _WHOLE.fullmatch(cells[at]) and _FRACTION.fullmatch(cells[at + 1])]
    found: list[frozenset[int]] = []
    if len(pairs) > 12:
        return found
    for chosen in itertools.combinations(pairs, surplus):
        if all(after - at > 1 for at, after in itertools.pairwise(chosen)):
            found.append(frozenset(at - number for number, at in enumerate(chosen)))
    return found


def _with_pairs(cells: Sequence[str], columns: frozenset[int], delimiter: str) -> list[str]:
    found: list[str] = []
    at = 0
    while at < len(cells):
        many = 2 if len(found) in columns else 1
        found.append(delimiter.join(cells[at : at + many]))
        at += many
    return found


def rejoined(frame: pl.DataFrame, joining: Joining) -> tuple[pl.DataFrame, list[int]]:
    """A piece's frame, as wide as the headings, with what can be put together; and the lines of these records."""
    if "_extra" not in frame.columns:
        return frame, []
    names = [f"c{at}" for at in range(joining.width)]
    numbers: list[int] = []
    found: list[list[str]] = []
    wide = frame.with_row_index("_number").filter(pl.col("_extra").is_not_null()).select("_number", "_extra", *names)
    for number, extra, *cells in wide.iter_rows():
        whole = joining.joined([*cells, *json.loads(extra)])
        if whole is not None:
            numbers.append(number)
            found.append(whole)
    if not found:
        return frame, []
    columns = [
        frame[name].clone().scatter(numbers, pl.Series(values, dtype=pl.String))
        for name, values in zip(names, zip(*found, strict=True), strict=True)
    ]
    rest = frame["_extra"].clone().scatter(numbers, pl.Series([None] * len(numbers), dtype=pl.String))
    return frame.with_columns(*columns, rest), frame["_line"].gather(numbers).to_list()


def wider(frame: pl.DataFrame, headings: int, width: int) -> list[int]:
    """The lines of the records with something beyond the last heading."""
    names = [f"c{at}" for at in range(headings, width) if frame[f"c{at}"].is_not_null().any()]
    filled = [(pl.col(name).str.strip_chars(WHITE) != "").fill_null(False) for name in names]
    if "_extra" in frame.columns and frame["_extra"].is_not_null().any():
        cells = pl.col("_extra").str.json_decode(pl.List(pl.String))
        filled.append(cells.list.eval(pl.element().str.strip_chars(WHITE) != "").list.any().fill_null(False))
    return frame.filter(pl.any_horizontal(filled))["_line"].to_list() if filled else []
