"""The sample of a template: a workbook with its headings, ready to be filled in and uploaded (contract 5.7).

The sheet `Data` has the keys in its first row, frozen columns first, one that takes several values as
`key#MULTI#delimiter`, and what seed rows there are below. Ours: never a macro; a note on each heading says what its
column asks for; what is typed into a cell stays as it was typed, but where a column holds numbers or days, so that
programs keep those as such. Lists stand in hidden sheets of their own (`imp_...`), which readers pass over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, BinaryIO

import msgspec
import polars as pl

from douane import workbook
from douane.errors import BadRequest
from douane.model.template import Column, Template
from douane.sheet import columns
from douane.sheet.columns import date_format
from douane.sheet.columns.number import canonical_number
from douane.sheet.date_tokens import Format, parsed
from douane.workbook import TEXT_FORMAT, Book, Choices, Note, View, Width, cell

SHEET = "Data"
MULTI = "#MULTI#"
LAST_CHOICE = 9_998  # row 9,999: as far as the lists reach
LIST_NAME = "imp_"
_LIST_NAME_CHARS = 25
_HEADING_FILL = "D9E1F2"
_TOKENS = (
    "YYYY",
    "YY",
    "MMMM",
    "MMM",
    "MM",
    "M",
    "DD",
    "D",
    "HH",
    "H",
    "mm",
    "m",
    "ss",
    "s",
)  # small, they mean it too
_FIRST_DAY = date(1899, 12, 30)  # day 0, as programs count from March 1900 on
_SURE_DAY = date(1900, 3, 1)  # before it they count a day that never was


def write(template: Template, rows: Sequence[Mapping[str, Any]], out: BinaryIO) -> None:
    """`rows`: seeds, by key; a list is joined by the column's delimiter. `out` can seek. BadRequest for what a workbook
    cannot hold."""
    ordered = sorted(template.columns, key=lambda column: (not column.frozen, column.sequence))
    if len(ordered) > workbook.COLUMNS_MAX:
        raise BadRequest(f"A workbook holds at most {workbook.COLUMNS_MAX:,} columns.")
    if len(rows) > workbook.ROWS_MAX:
        raise BadRequest(f"A workbook holds at most {workbook.ROWS_MAX:,} rows below its headings.")
    fills = [_Fill(column, [row.get(column.key) for row in rows]) for column in ordered]
    found_lists = lists(ordered)
    with Book(out, title=template.name) as book:
        head = book.style(TEXT_FORMAT, bold=True, fill=_HEADING_FILL)
        looks = [book.style(fill.code) for fill in fills]
        widths = [Width(_width(column), look) for column, look in zip(ordered, looks, strict=True)]
        with book.sheet(SHEET, View(widths, (1, sum(column.frozen for column in ordered)))) as sheet:
            sheet.row(0, [cell(0, at, heading(column), head) for at, column in enumerate(ordered)])
            for number in range(len(rows)):
                cells = (fill.cell(number, at, look) for at, (fill, look) in enumerate(zip(fills, looks, strict=True)))
                sheet.row(number + 1, cells)
            sheet.notes += [Note(0, at, rules(column)) for at, column in enumerate(ordered)]
            sheet.choices += [
                Choices(at, 1, LAST_CHOICE, name, 1, len(values), strict=not column.multi, blank=not column.required)
                for at, column in enumerate(ordered)
                if (found := found_lists.get(column.key)) is not None
                for name, values in (found,)
            ]
        for key, (name, values) in found_lists.items():
            with book.sheet(name, View(hidden=True)) as sheet:
                sheet.row(0, [cell(0, 0, key)])
                sheet.write(workbook.lines(pl.DataFrame({"value": values}), 2))


def heading(column: Column) -> str:
    return f"{column.key}{MULTI}{column.delimiter}" if column.multi else column.key


def rules(column: Column) -> str:
    """What a column asks for, in words, a line each."""
    return "\n".join(line for line in (column.title, column.description, columns.says(column)) if line)


def _width(column: Column) -> float:
    return float(max(10, min(40, len(heading(column)) + 3)))


# Lists


def lists(ordered: Sequence[Column], taken: Sequence[str] = (SHEET,)) -> dict[str, tuple[str, list[str]]]:
    """Per key of a column that is chosen from a list: the name of its sheet, its values. `taken`: the other sheets. A
    list that no sheet can hold is left out: the check says what is wrong with a value."""
    found: dict[str, tuple[str, list[str]]] = {}
    names = list(taken)
    for number, column in enumerate(ordered, 1):
        values = [value for value in dict.fromkeys(column.options) if value.strip()]
        long = any(len(value.encode("utf-16-le", "replace")) // 2 > workbook.CELL_CHARS_MAX for value in values)
        if column.type not in ("Select", "Image") or not values or long or len(values) > workbook.ROWS_MAX:
            continue
        letters = re.sub(r"[\W_]", "", column.key.lower())[:_LIST_NAME_CHARS] or str(number)
        names.append(workbook.sheet_name(LIST_NAME + letters, names))
        found[column.key] = names[-1], values
    return found


# Seeds


class _Fill:
    """The cells of a column below its heading. `code`: the number format they have."""

    def __init__(self, column: Column, values: Sequence[Any]) -> None:
        self._texts = [_text(column, value) for value in values]
        self._numbers: list[str | None] = [None] * len(values)
        self.code = TEXT_FORMAT
        if column.type in ("Number", "Double"):
            self.code = "General"
            self._numbers = [_number(text) for text in self._texts]
        elif column.type == "Date" and (found := _first_code(column)) is not None:
            self.code, form = found
            self._numbers = _days(self._texts, form)
        if any(len(text.encode("utf-16-le", "replace")) // 2 > workbook.CELL_CHARS_MAX for text in self._texts):
            raise BadRequest(f"A cell of a workbook holds at most {workbook.CELL_CHARS_MAX:,} characters.")

    def cell(self, number: int, column: int, look: int) -> str:
        text, value = self._texts[number], self._numbers[number]
        if text == "":
            return ""
        return cell(number + 1, column, text if value is None else value, look, number=value is not None)


def _text(column: Column, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return column.delimiter.join(_text(column, one) for one in value)
    return msgspec.json.encode(value).decode()


def _number(text: str) -> str | None:
    """The decimal that programs keep to the last digit, None where they would not."""
    if not re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", text) or len(re.sub(r"\A-?0?\.?0*|[-.]", "", text)) > 15:
        return None
    return canonical_number(text)


def _first_code(column: Column) -> tuple[str, Format] | None:
    """The number format of a program that shows a day as the column wants it, and that form; None where there is
    none."""
    form = parsed((column.setting("cellFormat") or None) or (*column.date_formats, "DD/MM/YYYY")[0])
    if not all(form.has(part) for part in "YMD"):
        return None
    code = ""
    for token, literal in form.tokens:
        if literal is not None:
            code += "".join(f"\\{sign}" for sign in literal)
        elif token in _TOKENS:
            code += token.lower()
        elif token.isalnum():
            return None
        else:
            code += token if token in "-/. :" else f"\\{token}"
    return code, form


def _days(texts: Sequence[str], form: Format) -> list[str | None]:
    """The day numbers of texts in this form that say no time of day."""
    column = pl.col("text")
    read = date_format.written_iso(date_format.read(column, form, date_format.PIVOT))
    frame = pl.DataFrame({"text": pl.Series(texts, dtype=pl.String)})
    shape = date_format.shape(form)
    said = frame.select(pl.when(column.str.contains(shape)).then(read)).to_series()
    return [_day_number(text) for text in said]


def _day_number(text: str | None) -> str | None:
    if text is None or len(text) != 10:
        return None
    day = date.fromisoformat(text)
    return str((day - _FIRST_DAY).days) if day >= _SURE_DAY else None
