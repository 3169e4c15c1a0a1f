"""A table as a workbook that a person mends and sends back: every cell as it stands, the bad ones marked, what is wrong
said beside the row and in notes on cells.

What comes back must find its records again, whatever program saved it and in whatever order the rows stand then. So a
row's identity stands in a hidden column, and what the whole belongs to in that column's heading (`Identity`), where
every form keeps it, CSV too; custom properties say the same for other programs. Texts are cells of text format: what is
typed there stays as it was typed. `returned.py` reads what comes back.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import polars as pl

from douane import workbook
from douane.errors import BadRequest
from douane.model.problem import Problem
from douane.model.template import Template
from douane.sheet import sample
from douane.sheet.check import Checker
from douane.sheet.output import Output
from douane.sheet.report import escape_formula
from douane.values import dataclass
from douane.workbook import TEXT_FORMAT, Book, Choices, Note, Sheet, Styled, View, Width, cell

NOTES_MAX = 5_000  # cells with a note: a program that opens more takes long
SHEET, SUMMARY, ROWS = "Data", "Summary", "imp_rows"
LINE, SAID = "Line", "What is wrong"
BESIDE = 3  # columns before the fields: identity, line, what is wrong
_RANGES_CHARS = 30_000  # of one cell

_MARK = re.compile(r"_douane ([0-9a-f]{24}) ([0-9]{1,18}) (all|some) ([0-9]{1,18})\Z")
_ROW = r"\AR([0-9]{1,18})-([0-9]{4})\z"

_HEADING, _BAD, _FAINT = "D9E1F2", "FFC7CE", "808080"

Rows = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Identity:
    """What a workbook belongs to: an import as it stood after a revision. `whole`: it has all records; `rows`: how
    many it has."""

    operation: str
    revision: int
    whole: bool
    rows: int

    @property
    def heading(self) -> str:
        return f"_douane {self.operation} {self.revision} {'all' if self.whole else 'some'} {self.rows}"

    @classmethod
    def read(cls, heading: str) -> Identity | None:
        # At the end: a mark of the encoding may stand before it, read as letters.
        found = _MARK.search(heading.strip())
        return None if found is None else cls(found[1], int(found[2]), found[3] == "all", int(found[4]))


def tokens(operation: str, rows: Rows) -> pl.Series:
    """The identities of records, as text that no program takes for a number, a day or a formula. The four digits are
    the import's: rows pasted in from another one's workbook are told."""
    numbers = pl.Series(rows, dtype=pl.Int64).cast(pl.String)
    digits = pl.Series(_check(operation, rows)).cast(pl.String).str.zfill(4)
    return ("R" + numbers + "-" + digits).alias("identity")


def rows_of(operation: str, texts: pl.Series) -> tuple[pl.Series, npt.NDArray[np.bool_]]:
    """(the row of each identity, null where it is none; where it is another import's)."""
    parts = texts.str.extract_groups(_ROW)
    rows = parts.struct.field("1").cast(pl.Int64, strict=False)
    digits = parts.struct.field("2").cast(pl.Int64, strict=False)
    known = rows.is_not_null().to_numpy()
    wrong = known & (_check(operation, rows.fill_null(0).to_numpy()) != digits.fill_null(-1).to_numpy())
    return rows, wrong


def _check(operation: str, rows: Rows) -> Rows:
    seed = int.from_bytes(hashlib.sha256(operation.encode()).digest()[:4], "big")
    mixed = (rows.astype(np.uint64) * np.uint64(2_654_435_761) + np.uint64(seed)) & np.uint64(0xFFFFFFFF)
    found: Rows = ((mixed >> np.uint64(7)) % np.uint64(9973)).astype(np.int64)
    return found


def headings(template: Template, fields: Sequence[str]) -> list[str]:
    """The heading of each field: the column's name, or its key where several would have the same."""
    names = {column.key: column.title for column in template.columns}
    titles = [" ".join(names.get(key, key).split()) for key in fields]
    counts = Counter(title.casefold() for title in titles)
    taken = {LINE.casefold(), SAID.casefold(), ""}
    found = []
    for key, title in zip(fields, titles, strict=True):
        alone = counts[title.casefold()] == 1 and title.casefold() not in taken
        heading = title if alone else " ".join(key.split())
        while heading.casefold() in taken:
            heading += "_"
        taken.add(heading.casefold())
        found.append(heading)
    return found


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some records as they stand: `rows` their numbers, `words` what is wrong with each."""

    rows: Rows
    frame: pl.DataFrame
    words: Words


class Annotated:
    """`file_name`: the customer's own, for the summary."""

    def __init__(
        self, template: Template, output: Output, checker: Checker, identity: Identity, file_name: str = ""
    ) -> None:
        self._template, self._output, self._checker = template, output, checker
        self._identity, self._file_name = identity, file_name
        self._headings = headings(template, output.fields)
        self._titles = dict(zip(output.fields, self._headings, strict=True))
        self._bits = checker.words_of_columns()
        self._counts = np.zeros(checker.words * 64, np.int64)
        self._invalid = 0
        self._noted = 0

    # As a workbook

    def write(self, chunks: Iterator[Chunk], out: BinaryIO) -> None:
        """`out` can seek. BadRequest for what no workbook can hold."""
        identity, fields = self._identity, self._output.fields
        if identity.rows > workbook.ROWS_MAX:
            raise BadRequest(
                f"A workbook holds at most {workbook.ROWS_MAX:,} rows, and these are {identity.rows:,}: ask for those "
                "with problems (type=invalid), or for CSV."
            )
        if len(fields) + BESIDE > workbook.COLUMNS_MAX:
            raise BadRequest(f"A workbook holds at most {workbook.COLUMNS_MAX:,} columns: ask for CSV.")
        properties = {
            "douane_import": identity.operation,
            "douane_revision": str(identity.revision),
            "douane_rows": "all" if identity.whole else "some",
        }
        with Book(out, properties=properties, title=self._file_name or self._template.name) as book:
            self._write_rows(book, chunks)
            self._write_summary(book)

    def _write_rows(self, book: Book, chunks: Iterator[Chunk]) -> None:
        fields, numbers = self._output.fields, self._output.numbers
        head = book.style(TEXT_FORMAT, bold=True, fill=_HEADING)
        faint, said = book.style(color=_FAINT), book.style(TEXT_FORMAT, color="9C0006")
        usual = [book.style("General" if key in numbers else TEXT_FORMAT) for key in fields]
        marked = [book.style("General" if key in numbers else TEXT_FORMAT, fill=_BAD) for key in fields]
        text = book.style(TEXT_FORMAT)
        widths = [
            Width(14, text, hidden=True),
            Width(8, faint),
            Width(48, said),
            *(
                Width(max(10.0, min(32.0, len(name) + 4.0)), look)
                for name, look in zip(self._headings, usual, strict=True)
            ),
        ]
        view = View(widths, (1, BESIDE), filtered=(self._identity.rows, len(fields) + BESIDE))
        lists = sample.lists(self._template.columns, (SHEET, SUMMARY, ROWS))
        ranges = _Ranges()
        with book.sheet(SHEET, view) as sheet:
            texts = [self._identity.heading, LINE, SAID, *self._headings]
            workbook.refuse_long(pl.DataFrame({"heading": texts}))
            sheet.row(0, [cell(0, at, heading, head) for at, heading in enumerate(texts)])
            self._add_beside(sheet, lists)
            written = 1
            for chunk in chunks:
                frame, flags = self._table(chunk, sheet, written)
                workbook.refuse_long(frame)
                styles = {"identity": Styled(text), "line": Styled(faint), "said": Styled(said)} | {
                    f"c{at}": Styled(usual[at], marked[at], flags.get(key)) for at, key in enumerate(fields)
                }
                typed = frozenset({"line"} | {f"c{at}" for at, key in enumerate(fields) if key in numbers})
                sheet.write(workbook.lines(frame, written + 1, typed, styles))
                written += len(frame)
                ranges.add(chunk.rows)
        for key, (name, values) in lists.items():
            with book.sheet(name, View(hidden=True)) as listed:
                listed.row(0, [cell(0, 0, key)])
                listed.write(workbook.lines(pl.DataFrame({"value": values}), 2))
        if not self._identity.whole:
            with book.sheet(ROWS, View(hidden=True)) as listed:
                for at, line in enumerate([self._identity.heading, *ranges.lines()]):
                    listed.row(at, [cell(at, 0, line)])

    def _add_beside(self, sheet: Sheet, lists: Mapping[str, tuple[str, list[str]]]) -> None:
        columns = {column.key: column for column in self._template.columns}
        for at, key in enumerate(self._output.fields, BESIDE):
            column = columns.get(key)
            if column is None:
                continue
            sheet.notes.append(Note(0, at, sample.rules(column)))
            if key in lists and self._identity.rows:
                name, values = lists[key]
                last = self._identity.rows
                sheet.choices.append(Choices(at, 1, last, name, 1, len(values), strict=False))

    def _table(self, chunk: Chunk, sheet: Sheet, first: int) -> tuple[pl.DataFrame, dict[str, pl.Series]]:
        """The rows as text columns, and per field with a problem where it is; notes go to the sheet."""
        problems = self._problems(chunk)
        self._note(problems, sheet, first)
        flags = {
            key: pl.Series(((chunk.words & of_column) != 0).any(axis=1))
            for key, of_column in self._bits.items()
            if (chunk.words & of_column).any()
        }
        cells = self._output.cells(chunk.frame)
        made = [*self._beside(chunk, problems), *(cells[key].alias(f"c{at}") for at, key in enumerate(cells.columns))]
        return pl.DataFrame(made), flags

    def _note(self, problems: Sequence[Sequence[Problem]], sheet: Sheet, first: int) -> None:
        places = {key: at for at, key in enumerate(self._output.fields, BESIDE)}
        for at, found in enumerate(problems):
            if self._noted >= NOTES_MAX:
                return
            by_column: dict[str, list[str]] = {}
            for problem in found:
                if problem.column in places:
                    said = f"{problem.message} {problem.explanation}".strip()
                    by_column.setdefault(problem.column, []).append(said)
            for key, lines in list(by_column.items())[: NOTES_MAX - self._noted]:
                sheet.notes.append(Note(first + at, places[key], "\n".join(lines)))
                self._noted += 1

    def _write_summary(self, book: Book) -> None:
        identity = self._identity
        bold, text = book.style(TEXT_FORMAT, bold=True), book.style(TEXT_FORMAT)
        about = [
            ("File", self._file_name),
            ("Template", self._template.name),
            ("Import", identity.operation),
            ("As it stood after change", str(identity.revision)),
            ("Rows in this workbook", str(identity.rows)),
            ("Rows with problems", str(self._invalid)),
            ("How to mend", "Change what is marked, save, and send the file back to where it came from."),
            ("", "Rows may be sorted and filtered. The hidden column A tells them apart: leave it where it is."),
        ]
        with book.sheet(SUMMARY, View((Width(28, text), Width(28, text), Width(14)))) as sheet:
            number = 0
            for name, value in about:
                sheet.row(
                    number, [cell(number, 0, name, bold), cell(number, 1, value[: workbook.CELL_CHARS_MAX], text)]
                )
                number += 1
            number += 1
            sheet.row(number, [cell(number, at, name, bold) for at, name in enumerate(("Column", "Problem", "Rows"))])
            for rule in self._checker.rules:
                count = int(self._counts[rule.bit])
                if count and not rule.warning:
                    number += 1
                    column = self._titles.get(rule.column or "", "whole row")
                    counted = cell(number, 2, str(count), number=True)
                    sheet.row(number, [cell(number, 0, column, text), cell(number, 1, rule.name, text), counted])

    # As CSV

    def csv(self, chunks: Iterator[Chunk], out: BinaryIO) -> None:
        """UTF-8 with its mark, which sheet programs go by; what they would take for a formula gets an apostrophe."""
        texts = [self._identity.heading, LINE, SAID, *(escape_formula(one) for one in self._headings)]
        head = pl.DataFrame({f"h{at}": [text] for at, text in enumerate(texts)})
        out.write(b"\xef\xbb\xbf" + _csv(head))
        for chunk in chunks:
            beside = self._beside(chunk, self._problems(chunk))
            beside[2] = pl.Series("said", [escape_formula(text) for text in beside[2].to_list()], dtype=pl.String)
            cells = self._output.texts(chunk.frame, escape_formulas=True)
            made = [*beside, *(cells[key].alias(f"c{at}") for at, key in enumerate(cells.columns))]
            out.write(_csv(pl.DataFrame(made)))

    # Both

    def _problems(self, chunk: Chunk) -> list[list[Problem]]:
        found = self._checker.problems(chunk.frame, np.ascontiguousarray(chunk.words))
        words = chunk.words[(chunk.words & self._checker.invalid_words).any(axis=1)]
        self._invalid += len(words)
        if len(words):
            bits = np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=1, bitorder="little")
            self._counts += bits.sum(axis=0, dtype=np.int64)
        return [[one for one in problems if not one.warning] for problems in found]

    def _beside(self, chunk: Chunk, problems: Sequence[Sequence[Problem]]) -> list[pl.Series]:
        said = [
            "; ".join(
                (f"{self._titles.get(one.column, one.column)}: " if one.column is not None else "") + one.message
                for one in found
            )[: workbook.NOTE_CHARS_MAX]
            if found
            else ""
            for found in problems
        ]
        lines = chunk.frame["_line"].cast(pl.String).replace("0", None)
        return [
            tokens(self._identity.operation, chunk.rows),
            lines.alias("line"),
            pl.Series("said", said, dtype=pl.String),
        ]


def _csv(frame: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.write_csv(file, include_header=False, line_terminator="\r\n", quote_style="necessary")
    return file.getvalue()


class _Ranges:
    """Row numbers as text, `1-5,8`, in pieces that a cell can hold."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def add(self, rows: Rows) -> None:
        if len(rows) == 0:
            return
        breaks = np.flatnonzero(np.diff(rows) != 1)
        first, last = rows[np.append(0, breaks + 1)], rows[np.append(breaks, len(rows) - 1)]
        self._texts += [str(a) if a == b else f"{a}-{b}" for a, b in zip(first.tolist(), last.tolist(), strict=True)]

    def lines(self) -> Iterator[str]:
        line: list[str] = []
        size = 0
        for text in self._texts:
            if size + len(text) > _RANGES_CHARS:
                yield ",".join(line)
                line, size = [], 0
            line.append(text)
            size += len(text) + 1
        if line:
            yield ",".join(line)


def read_ranges(lines: Sequence[str], most: int) -> Rows | None:
    """What `_Ranges` wrote; None where it was changed, or says more than `most` rows."""
    pieces: list[Rows] = []
    count = 0
    for line in lines:
        for text in line.strip().split(","):
            found = re.fullmatch(r"([0-9]{1,18})(?:-([0-9]{1,18}))?", text)
            if found is None:
                return None
            first, last = int(found[1]), int(found[2] or found[1])
            count += last - first + 1
            if last < first or count > most:
                return None
            pieces.append(np.arange(first, last + 1))
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int64)
