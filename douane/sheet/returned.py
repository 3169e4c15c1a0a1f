"""An annotated workbook that came back (`annotated.py`): which cells differ from what it was made of, and nothing else.

A row is found by its identity, a column by its heading, wherever they stand now. What cannot be told for sure is
refused with a sentence and the rows it is about: identities that are missing, doubled, moved or another import's,
columns that came or went, error cells, a CSV file that breaks off. A cell differs where its text does, trimmed as
records are, numbers by value; a line end written in another way, or the apostrophe that kept a text from being a
formula in CSV, is no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.errors import BadFile
from douane.model.template import Template
from douane.sheet.annotated import LINE, SAID, Identity, Rows, headings, rows_of
from douane.sheet.columns.contract import SPACE
from douane.sheet.formats import FLAG_SHORT, KIND_ERROR, KIND_NUMBER
from douane.sheet.formats.cell_text import unescaped
from douane.sheet.output import Output
from douane.sheet.report import escape_formula
from douane.workbook import column_name

FOREIGN = "workbook_foreign"
CHANGED = "workbook_changed"
HEADINGS_WITHIN = 20  # records from the top
_SHOWN = 5

# The records with these numbers as they stood, in the order asked for; all are there.
Base = Callable[[Rows], pl.DataFrame]
# Which of these numbers were records.
Known = Callable[[Rows], npt.NDArray[np.bool_]]


def identity_of(records: Sequence[Sequence[str]]) -> tuple[Identity, int, int] | None:
    """(what it belongs to, the record of the headings, the column of the identities); None where it is none of ours."""
    for at, record in enumerate(records[:HEADINGS_WITHIN]):
        for column, text in enumerate(record):
            found = Identity.read(text)
            if found is not None:
                return found, at, column
    return None


@dataclass(frozen=True, slots=True)
class Difference:
    """`cells`: `row`, `key`, `text`, `before`, `line` (of the workbook), by row, each cell once. `seen`: the records
    that the workbook has, ascending. `spoilt`: cells that a program took for numbers (007 for 7, the last digits of a
    long one for zeros) or could not write (? for a sign that its encoding lacks), which stay as they are."""

    cells: pl.DataFrame
    seen: Rows
    spoilt: int = 0


@dataclass(slots=True)
class _Told:
    """Lines of which one thing is wrong."""

    lines: list[int] = field(default_factory=list)
    count: int = 0

    def add(self, lines: pl.Series) -> None:
        self.count += len(lines)
        self.lines += lines.head(_SHOWN - len(self.lines)).to_list()

    def refuse(self, sentence: str, code: str = CHANGED) -> None:
        """`sentence` with the rows for `{}`."""
        if self.count:
            more = f" and {self.count - len(self.lines):,} more" if self.count > len(self.lines) else ""
            rows = f"Row{'s' * (self.count > 1)} {', '.join(f'{line:,}' for line in self.lines)}{more}"
            raise BadFile(sentence.format(rows), code=code)


class Returned:
    """Takes the batches of a workbook one by one."""

    def __init__(
        self,
        template: Template,
        output: Output,
        operation: str,
        record: Sequence[str],
        identities: int,
        *,
        format: str = "",
    ) -> None:
        """`record`: its headings; `identities`: the column that these stand in; `format`: what it was read as. BadFile
        where a column came or went."""
        # White space counts once in its lines, and not at their ends.
        self._collapsed = format == "ods"
        self._may_break_off = format == "csv"
        self._output, self._operation, self._identities = output, operation, identities
        wanted = headings(template, output.fields)
        self._columns = _columns(wanted, output.fields, record, identities)
        self._called = dict(zip(output.fields, wanted, strict=True))
        self._ignored = {at for at, text in enumerate(record) if text.strip().casefold() in _BESIDE}
        self._kept: list[pl.DataFrame] = []
        self._rows: list[Rows] = []
        self._lines: list[Rows] = []
        # Of rows that changed what tells them apart, now and before.
        self._changed: list[tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]] = []
        self._missing, self._foreign, self._unknown, self._surplus = _Told(), _Told(), _Told(), _Told()
        self._errors: dict[str, _Told] = {}
        self._spoilt = 0
        # Records that end before their last cell, those of them that would lose what stood there, and the last record.
        self._short, self._losing, self._last = 0, _Told(), 0

    def take(self, frame: pl.DataFrame, known: Known, base: Base) -> None:
        """A batch in the frame form of `sheet/formats`, without the heading record."""
        if len(frame) == 0:
            return
        self._look_beside(frame)
        self._last = int(frame["_line"][-1])
        rows, foreign = rows_of(self._operation, _trimmed(frame, f"c{self._identities}"))
        self._foreign.add(frame["_line"].filter(pl.Series(foreign)))
        bare = rows.is_null()
        if bare.any():
            self._missing.add(frame["_line"].filter(bare & self._filled(frame)))
        good = (~bare).to_numpy() & ~foreign
        numbers: Rows = rows.fill_null(0).to_numpy()
        there = good.copy()
        there[good] = known(numbers[good])
        self._unknown.add(frame["_line"].filter(pl.Series(good & ~there)))
        if not there.all():
            frame, numbers = frame.filter(pl.Series(there)), numbers[there]
        self._rows.append(numbers)
        self._lines.append(frame["_line"].cast(pl.Int64).to_numpy())
        if len(numbers):
            self._compare(frame, numbers, base(numbers))

    def difference(self, base: Base) -> Difference:
        """BadFile where something cannot be told."""
        self._foreign.refuse("{} came from another import's workbook. Nothing was changed.", FOREIGN)
        self._missing.refuse(
            "{}: data without an identity in the hidden column A. New rows are added in the review, and a row that is "
            "moved must take that column along. Nothing was changed."
        )
        self._surplus.refuse("{}: data beyond the columns of this import. Nothing was changed.")
        self._unknown.refuse("{}: a record that this import does not have. Nothing was changed.", FOREIGN)
        if self._short == 1 and self._losing.lines == [self._last]:
            # Of several a program may have left the separators of empty cells away.
            self._losing.refuse("{}, the last one, breaks off: the file was cut on its way. Nothing was changed.")
        for heading, told in self._errors.items():
            said = heading.replace("{", "{{").replace("}", "}}")
            told.refuse(f"{{}}: an error, such as #REF! or #NAME?, in “{said}”. Nothing was changed.")
        rows = np.concatenate([*self._rows, np.zeros(0, np.int64)])
        self._refuse_doubled(rows)
        self._refuse_moved(rows, base)
        cells = pl.concat(self._kept) if self._kept else pl.DataFrame(schema=_SCHEMA)
        return Difference(cells.sort("row", maintain_order=True), np.sort(rows), self._spoilt)

    # A batch

    def _look_beside(self, frame: pl.DataFrame) -> None:
        own = {self._identities, *self._ignored, *(at for at in self._columns.values())}
        surplus = pl.repeat(False, len(frame), eager=True)
        for name in frame.columns:
            if name[0] == "c" and int(name[1:]) not in own:
                surplus |= _holds(frame, name)
        if "_extra" in frame.columns:
            surplus |= frame["_extra"].is_not_null()
        self._surplus.add(frame["_line"].filter(surplus))

    def _filled(self, frame: pl.DataFrame) -> pl.Series:
        """Where any field of the row holds something."""
        found = pl.repeat(False, len(frame), eager=True)
        for at in self._columns.values():
            found |= _holds(frame, f"c{at}")
        return found

    def _compare(self, frame: pl.DataFrame, rows: Rows, base: pl.DataFrame) -> None:
        sent = self._as_fields(frame)
        # In the form that records leave in, both: what a workbook's cell becomes there is what would be kept.
        now, before = self._output.written(sent).fill_null(""), self._output.written(base).fill_null("")
        any_differs = np.zeros(len(rows), np.bool_)
        lines = frame["_line"]
        if self._may_break_off:
            self._look_for_short(frame, sent, before)
        for key in now.columns:
            differs = now[key] != before[key]
            if not differs.any():
                continue
            at = differs.arg_true()
            if key in self._output.numbers:
                # First, for a sheet program writes every tenth price in another way.
                at = at.filter(~self._output.same_numbers(sent[at], base[at], key))
            at = at.filter(~_same(now[key].gather(at), before[key].gather(at), self._collapsed))
            kinds = self._kinds(frame, key)
            spoilt = _spoilt(now[key].gather(at), before[key].gather(at), None if kinds is None else kinds.gather(at))
            self._spoilt += int(spoilt.sum())
            at = at.filter(~spoilt)
            if len(at) == 0:
                continue
            any_differs[at.to_numpy()] = True
            places = at.to_numpy()
            self._kept.append(
                pl.DataFrame(
                    {
                        "row": rows[places],
                        "key": [key] * len(places),
                        "text": now[key].gather(at),
                        "before": before[key].gather(at),
                        "line": lines.gather(at).cast(pl.Int64),
                    },
                    schema=_SCHEMA,
                )
            )
        changed = np.flatnonzero(any_differs)
        if len(changed):
            self._changed.append((self._hashed(now[changed]), self._hashed(before[changed])))

    def _look_for_short(self, frame: pl.DataFrame, sent: pl.DataFrame, before: pl.DataFrame) -> None:
        at = ((frame["_flags"] & FLAG_SHORT) != 0).arg_true()
        self._short += len(at)
        if len(at) == 0 or self._short > 1:
            return
        for key, position in zip(before.columns, self._output.positions, strict=True):
            if sent[f"c{position}"][at[0]] is None and before[key][at[0]] != "":
                self._losing.add(frame["_line"].gather(at))
                return

    def _hashed(self, frame: pl.DataFrame) -> npt.NDArray[np.uint64]:
        """What tells rows apart: their texts, for a number may be written in several ways."""
        texts = [key for key in frame.columns if key not in self._output.numbers] or frame.columns
        found: npt.NDArray[np.uint64] = frame.select(texts).hash_rows(seed=1).to_numpy()
        return found

    def _kinds(self, frame: pl.DataFrame, key: str) -> pl.Series | None:
        name = f"k{self._columns[key]}"
        return frame[name] if name in frame.columns else None

    def _as_fields(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The uploaded cells where the import's own would stand."""
        present = set(frame.columns)
        made = [frame["_line"], frame["_flags"]]
        for (key, at), position in zip(self._columns.items(), self._output.positions, strict=True):
            cells = frame[f"c{at}"] if f"c{at}" in present else pl.repeat(None, len(frame), dtype=pl.String, eager=True)
            made.append(cells.alias(f"c{position}"))
            if f"k{at}" in present:
                kinds = frame[f"k{at}"]
                made.append(kinds.alias(f"k{position}"))
                wrong = kinds == KIND_ERROR
                if wrong.any():
                    told = self._errors.setdefault(self._called[key], _Told())
                    told.add(frame["_line"].filter(wrong.fill_null(False)))
        return pl.DataFrame(made)

    # The whole

    def _refuse_doubled(self, rows: Rows) -> None:
        order = np.argsort(rows, kind="stable")
        again = np.flatnonzero(np.diff(rows[order]) == 0)
        if len(again) == 0:
            return
        lines = np.concatenate(self._lines)[order]
        first, second = int(lines[again[0]]), int(lines[again[0] + 1])
        more = f" (and {len(again) - 1:,} more)" if len(again) > 1 else ""
        raise BadFile(
            f"Rows {first:,} and {second:,}{more} have the same identity in the hidden column A: one is a copy. "
            "Nothing was changed.",
            code=CHANGED,
        )

    def _refuse_moved(self, rows: Rows, base: Base) -> None:
        """Rows that hold exactly what other rows held, which do not hold it any more: the identities were moved, or the
        rows were, without them. What several rows held tells nothing."""
        if not self._changed:
            return
        after, before = (np.concatenate([one[at] for one in self._changed]) for at in (0, 1))
        if not _moved(after, before):
            return
        # Seldom so far: only now it is asked what the rows held that did not change.
        chunks = (rows[start : start + _CHUNK_ROWS] for start in range(0, len(rows), _CHUNK_ROWS))
        all_before = [self._hashed(self._output.written(base(chunk)).fill_null("")) for chunk in chunks]
        every, counts = np.unique(np.concatenate(all_before), return_counts=True)
        left = before[np.isin(before, every[counts == 1])]
        if moved := _moved(after, left):
            raise BadFile(
                f"{moved:,} rows hold exactly what other rows held: they were moved without the hidden column A, which "
                "says whose they are. Sort with all columns. Nothing was changed.",
                code=CHANGED,
            )


def _moved(after: npt.NDArray[np.uint64], left: npt.NDArray[np.uint64]) -> int:
    """How many of the changed rows hold what was `left`; 0 where those are too few to say so."""
    moved = int(np.count_nonzero(np.isin(after, left)))
    return moved if moved >= 2 and moved * 2 >= len(after) else 0


_CHUNK_ROWS = 1 << 16
_SCHEMA = {"row": pl.Int64, "key": pl.String, "text": pl.String, "before": pl.String, "line": pl.Int64}
_BESIDE = {LINE.casefold(), SAID.casefold()}


def _columns(wanted: Sequence[str], fields: Sequence[str], record: Sequence[str], identities: int) -> dict[str, int]:
    """Field -> where it stands."""
    places: dict[str, int] = {}
    others = []
    known = {name.strip(SPACE): name for name in wanted} | {escape_formula(name).strip(SPACE): name for name in wanted}
    for at, text in enumerate(record):
        heading = text.strip(SPACE)
        if at == identities or heading == "" or heading.casefold() in _BESIDE:
            continue
        name = known.get(heading)
        if name is None:
            others.append((at, heading))
        elif name in places:
            raise BadFile(f"The workbook has two columns “{heading}”. Nothing was changed.", code=CHANGED)
        else:
            places[name] = at
    if others:
        at, heading = others[0]
        raise BadFile(
            f"The workbook has a column “{heading[:100]}” ({column_name(at)}) that this import does not have. Nothing "
            "was changed.",
            code=CHANGED,
        )
    gone = [name for name in wanted if name not in places]
    if gone:
        raise BadFile(f"The column “{gone[0][:100]}” is missing in the workbook. Nothing was changed.", code=CHANGED)
    return {key: places[name] for key, name in zip(fields, wanted, strict=True)}


def _trimmed(frame: pl.DataFrame, name: str) -> pl.Series:
    if name not in frame.columns:
        return pl.repeat(None, len(frame), dtype=pl.String, eager=True)
    return frame[name].str.strip_chars(SPACE)


def _holds(frame: pl.DataFrame, name: str) -> pl.Series:
    return (_trimmed(frame, name) != "").fill_null(False)


def _same(sent: pl.Series, before: pl.Series, collapsed: bool) -> pl.Series:
    """Of texts that differ, those that say the same. Some programs write the name that a workbook has for a carriage
    return in place of it, or (SheetJS) take a text that looks like such a name for the sign; and OpenDocument has no
    place for white space where LibreOffice writes it: before and within the further lines of a cell."""
    one = sent.str.replace_all("_x000D_\n?", "\n").str.replace_all("\r\n?", "\n")
    other = before.str.replace_all("\r\n?", "\n")
    same = (one == other) | (sent == unescaped(before).str.strip_chars(SPACE))
    if collapsed:
        lines = other.str.replace_all("[ \t]+", " ").str.replace_all(" ?\n ?", "\n")
        same |= other.str.contains("\n", literal=True) & (one == lines)
    return same | ((sent == "'" + before) & before.str.contains(r"\A[=+\-@\t\r\n]"))


def _spoilt(sent: pl.Series, before: pl.Series, kinds: pl.Series | None) -> pl.Series:
    """Of texts that differ, those that a program made of the others: by taking them for numbers, or by saving them in
    an encoding without their signs. Where there are kinds, only number cells can be such; in CSV nothing tells, and a
    text that only looks so is not believed."""
    by_number = _as_numbers(sent, before, kinds)
    return by_number if kinds is not None else by_number | _unsaid(sent, before)


def _unsaid(sent: pl.Series, before: pl.Series) -> pl.Series:
    """Those that differ in nothing but question marks where signs beyond ASCII stood: a spreadsheet program that saves
    CSV in its country's encoding writes one for each sign which that does not have, and two for some."""
    maybe = sent.str.contains("?", literal=True) & before.str.contains(r"[^\x00-\x7f]")
    found = pl.repeat(False, len(sent), eager=True)
    at = maybe.fill_null(False).arg_true()
    if len(at) == 0:
        return found
    pairs = zip(sent.gather(at).to_list(), before.gather(at).to_list(), strict=True)
    return found.scatter(at, [_is_unsaid(one, other) for one, other in pairs])


def _is_unsaid(sent: str, before: str) -> bool:
    at = 0
    for sign in before:
        if sent.startswith(sign, at):
            at += 1
        elif sign.isascii() or not sent.startswith("?", at):
            return False
        else:
            at += 2 if ord(sign) > 0xFFFF and sent.startswith("??", at) else 1
    return at == len(sent)


def _as_numbers(sent: pl.Series, before: pl.Series, kinds: pl.Series | None) -> pl.Series:
    plain = before.str.contains(r"\A[+-]?[0-9]+(?:[.,][0-9]+)?(?:[eE][+-]?[0-9]+)?\z")
    if kinds is not None:
        plain &= kinds == KIND_NUMBER
    if not plain.any():
        return plain
    one, other = (side.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False) for side in (sent, before))
    digits = before.str.replace_all(r"\A[+-]?0*|[.,]|[eE].*\z", "").str.len_bytes()
    close = (digits > _DIGITS_KEPT) & ((one - other).abs() <= other.abs() * 1e-14)
    return (plain & ((one == other) | close)).fill_null(False)


_DIGITS_KEPT = 15  # of a number in a sheet program
