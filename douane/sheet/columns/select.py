"""`Select`: one member of a list, or several joined by a delimiter (contract 4.1.6, 4.2)."""

from __future__ import annotations

import polars as pl

from douane.model.template import Column
from douane.sheet import pattern as patterns
from douane.sheet.columns.contract import FILLED, SPACE, TEXT, Judge, Sure, literally
from douane.sheet.columns.member import Member
from douane.sheet.fields import PAIRS, Field
from douane.sheet.rule import LIST, Test

# A list of options longer than this (characters) would make an automaton that costs more than it saves.
_AUTOMATON_MAX = 8_000
_SHOWN = 6  # options named where a column is described


def judge(column: Column) -> Judge:
    return _several(column) if column.multi else one_of(column)


def one_of(column: Column) -> Judge:
    """One member: exact and case-sensitive after trimming."""
    options = options_of(column)
    says = _says(column)
    test = Test("list", LIST, FILLED & ~TEXT.is_in(options), lambda text: f"{text} {says}")
    trimmed = [option for option in options if option == option.strip(SPACE) and option]

    def clean(cell: pl.Expr, kind: pl.Expr | None) -> pl.Expr:
        return cell.is_in([*trimmed, ""])

    return Judge((test,), clean=clean, plain=None, sure=Sure(options=tuple(trimmed), decides="list"))


def options_of(column: Column) -> list[str]:
    """In the order given, without repetitions (which make the original fail as a whole)."""
    return list(dict.fromkeys(column.options))


def _says(column: Column) -> str:
    """The list ends with a comma where the column is optional: the empty choice is its last member (contract 4.2)."""
    options = options_of(column)
    return f"must be from list [{','.join(options if column.required else [*options, ''])}]"


def elements(text: str, delimiter: str) -> list[str]:
    """The values in a stored multi-select text; none in an empty one."""
    return text.split(delimiter) if text else []


def collapsed(text: str, delimiter: str) -> str:
    """What is stored of one trimmed text: no repeated, first or last delimiters (`_several.stored`, in Python)."""
    while delimiter * 2 in text:
        text = text.replace(delimiter * 2, delimiter)
    return text.strip(delimiter)


def _several(column: Column) -> Judge:
    """Elements are exact members and are not trimmed, as in the original: `x; y` has a wrong ` y`."""
    delimiter = column.delimiter
    options = options_of(column)
    allowed = set(options)
    says = _says(column)
    repeated = f"(?:{literally(delimiter)}){{2,}}"

    def stored(text: pl.Expr, kind: pl.Expr | None = None) -> pl.Expr:
        return text.str.replace_all(repeated, delimiter).str.strip_chars(delimiter)

    def message(text: str) -> str:
        wrong = [element for element in elements(text, delimiter) if element not in allowed]
        return f"{wrong[-1] if wrong else text} {says}"

    shape = _shape(options, delimiter)
    if shape is None:
        wrong = TEXT.str.split(delimiter).list.eval(~pl.element().is_in(options)).list.any()
        test = Test("list", LIST, FILLED & wrong, message)
        return Judge((test,), clean=None, plain=_never, stored=stored, form="list")
    test = Test("list", LIST, FILLED & ~TEXT.str.contains(shape), message)
    trimmed = _shape([option for option in options if option == option.strip(SPACE)], delimiter)

    def clean(cell: pl.Expr, kind: pl.Expr | None) -> pl.Expr:
        return (cell == "") if trimmed is None else cell.str.contains(trimmed) | (cell == "")

    said = None if trimmed is None else patterns.from_rust(trimmed)
    sure = None if said is None else Sure(pattern=said)
    return Judge((test,), clean=clean, plain=None, stored=stored, form="list", sure=sure)


def _shape(options: list[str], delimiter: str) -> str | None:
    """The pattern of one or more options joined by the delimiter; None where there are none or too many."""
    usable = [option for option in options if option and delimiter not in option]
    choice = "|".join(literally(option) for option in usable)
    if not usable or len(choice) > _AUTOMATON_MAX:
        return None
    return rf"\A(?:{choice})(?:{literally(delimiter)}(?:{choice}))*\z"


def _never(cell: pl.Expr) -> pl.Expr:
    return pl.lit(False)


def choices(column: Column) -> str:
    """In words; a long list is cut short."""
    options = options_of(column)
    shown = ", ".join(options[:_SHOWN]) + (f" … ({len(options)})" if len(options) > _SHOWN else "")
    return f"any of {shown}, separated by “{column.delimiter}”" if column.multi else f"one of {shown}"


OTHER_NAMES = Field(
    "alternateValues",
    PAIRS,
    default=(),
    always=False,
    says="Other names of values: what people write -> the value that is then proposed. Never valid by itself.",
)

MEMBER = Member(judge, choices, (OTHER_NAMES,))
