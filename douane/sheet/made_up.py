"""Records that nobody sent: cells that a template's columns would take, for trying out where records go."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from douane.model.template import Column, Template

_DAY = {"YYYY": "2026", "YY": "26", "MMMM": "March", "MMM": "Mar", "MM": "03", "M": "3"}


def frame(template: Template, count: int) -> pl.DataFrame:
    """`count` rows, column for column the template's, as text: in the form of frames that were read."""
    cells = {
        f"c{at}": pl.Series([text(column, number) for number in range(1, count + 1)], dtype=pl.String)
        for at, column in enumerate(template.columns)
    }
    return pl.DataFrame(cells).with_columns(
        _line=pl.Series(range(1, count + 1), dtype=pl.UInt32), _flags=pl.Series([0] * count, dtype=pl.UInt8)
    )


def text(column: Column, number: int) -> str:
    """A cell of the column, of the row with this number from 1."""
    made = _BY_TYPE.get(column.type)
    return f"Sample {column.title} {number}" if made is None else made(column, number)


def _select(column: Column, number: int) -> str:
    options: Sequence[str] = column.options or ("Sample",)
    first = options[(number - 1) % len(options)]
    second = options[number % len(options)]
    return f"{first}{column.delimiter}{second}" if column.multi and first != second else first


def _date(column: Column, number: int) -> str:
    shape = (column.date_formats or ("YYYY-MM-DD",))[0].upper()
    day = f"{(number - 1) % 28 + 1:02}"
    for token, value in _DAY.items():
        if token in shape:
            shape = shape.replace(token, f"\0{value}\0", 1)
    return shape.replace("DD", day, 1).replace("D", str(int(day)), 1).replace("\0", "")


_BY_TYPE: dict[str, Callable[[Column, int], str]] = {
    "Number": lambda _, number: str(number),
    "Double": lambda _, number: f"{number}.5",
    "Email": lambda _, number: f"sample{number}@example.com",
    "Date": _date,
    "Select": _select,
    "Image": lambda _, number: f"sample-{number}.png",
    "Boolean": lambda column, _: str((column.setting("trueValues") or ("true",))[0]),
    "DateTime": lambda _, number: f"2026-03-{(number - 1) % 28 + 1:02}T12:00:00Z",
    "Time": lambda _, number: f"{number % 24:02}:00",
    "Url": lambda _, number: f"https://example.com/{number}",
    "Iban": lambda _, __: "GB82WEST12345698765432",
}
