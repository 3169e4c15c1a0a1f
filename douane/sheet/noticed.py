"""What is noticed about a file, as a key with its values and as a sentence: the one list of them all, which every
catalogue of the widget has too. Readers write sentences (`note`), for that is what is kept and printed; who speaks
another language asks back which it is (`told`). What a reader of another package says is a sentence, nothing more."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from msgspec import Struct

from douane.model.reading import Note

# key -> (of one, of several): {count} and {line}s are numbers, all else is text.
_SENTENCES: dict[str, tuple[str, str]] = {
    # met while reading, with the first lines of where (`formats/facts.py`)
    "hidden_rows": ("1 hidden row is left out.", "{count} hidden rows are left out."),
    "under_merged": (
        "1 cell under a merged one is left out: it shows nowhere.",
        "{count} cells under merged ones are left out: they show nowhere.",
    ),
    "formula_without_result": (
        "1 formula has no stored result and is read as an empty cell. Open the workbook and save it again.",
        "{count} formulas have no stored results and are read as empty cells. Open the workbook and save it again.",
    ),
    "quote_joins_lines": (
        "1 cell goes over several lines though text follows its closing quote: the quote may be a stray one.",
        "{count} cells go over several lines though text follows their closing quotes: the quotes may be stray ones.",
    ),
    "end_sign": ("The end-of-file sign of DOS (0x1A) behind the last record is left out.",) * 2,
    "delimiter_in_cells": (
        "1 record has a value that holds the delimiter without quotes: it is read as one cell.",
        "{count} records have values that hold the delimiter without quotes: they are read as one cell each.",
    ),
    "wider_than_headings": (
        "1 record has more cells than there are headings: a value may hold the delimiter without quotes.",
        "{count} records have more cells than there are headings: values may hold the delimiter without quotes.",
    ),
    "values_unknown": (
        "1 column must be among accepted values of another template, which only the server knows: not checked here.",
        "{count} columns must be among accepted values of other templates, which only the server knows: not checked "
        "here.",
    ),
    "rows_of_a_limit": ("The file has exactly {count} records, as many as a program could keep: some may be missing.",)
    * 2,
    # how text is written
    "encoding_guessed": ("The encoding was guessed: {encoding}.",) * 2,
    "encoding_by_codes": ("The encoding was guessed by the codes it switches with: {encoding}.",) * 2,
    "encoding_uncertain": (
        "The encoding is uncertain: read as {encoding}, but {other} is nearly as likely. If letters look wrong, say "
        "which encoding it is.",
    )
    * 2,
    "encoding_ebcdic": (
        "The encoding is uncertain: read as {encoding}, one of EBCDIC's. If signs look wrong, say which it is.",
    )
    * 2,
    "bytes_no_utf8": ("Some bytes are no UTF-8; their records are marked.",) * 2,
    "bytes_uncertain": (
        "The encoding is uncertain: some bytes are no UTF-8; their records are marked. If letters are missing, say "
        "which encoding it is.",
    )
    * 2,
    "damaged_before": (
        "The text holds control codes (U+0080 to U+009F) where letters should stand: it was damaged before, when "
        "another program read it in a wrong encoding.",
    )
    * 2,
    "delimiter_named": ("The first line names '{delimiter}' as the delimiter.",) * 2,
    "blanks_before_quotes": (
        "Blanks between delimiters and quotes are left out: every such cell is quoted as a whole.",
    )
    * 2,
    "backslash_quotes": ('Quotes escaped with a backslash (\\") are read as quotes.',) * 2,
    "records_quoted": ("Each record was quoted as a whole: the quotes around are left out.",) * 2,
    "formula_texts": ('Texts that are spelt as formulas (="00123") are read as the texts in their quotes.',) * 2,
    "delimiters_escaped": ("Delimiters behind a backslash are read as part of their cell.",) * 2,
    "delimiter_long": ("The cells are parted by '{delimiter}'.",) * 2,
    "thorn_quotes": ("Cells between thorns (þ) and 0x14 are read without them; ® within is a line end.",) * 2,
    "curly_quotes": ("Quotes as in print around cells are left out.",) * 2,
    "drawn_lines": ("The table is drawn with lines: these, and what counts its rows, are left out.",) * 2,
    "fixed_width": ("The cells stand in columns of fixed width, parted by blanks.",) * 2,
    "decimal_commas": ("The file is read as one column of numbers with decimal commas.",) * 2,
    "text_behind_quotes": (
        "A value goes on behind its closing quote (first on line {line}): the two quotes around are left out.",
    )
    * 2,
    # where the table is
    "table_begins": (
        "The table begins on line {line}. The record above it is left out.",
        "The table begins on line {line}. The {count} records above it are left out.",
    ),
    "headings_joined": ("Two rows of headings, on lines {line} and {lower_line}, are joined.",) * 2,
    "headings_short": ("The heading line is one cell short: the first column, of row names, has no heading.",) * 2,
    "headings_again": ("The headings stand again on line {line}; there they are read as data.",) * 2,
    "second_table": (
        "From line {line} on, a second table seems to follow; its records are read as those of the first one.",
    )
    * 2,
    "line_of_columns": ("What line {line} says of the columns (units, types, questions) is read as data.",) * 2,
    "lines_of_columns": (
        "What lines {line} to {last_line} say of the columns (units, types, questions) is read as data.",
    )
    * 2,
    # workbooks, pages and zip files
    "sheet_matches": ("Read is the sheet “{sheet}”: its headings are the template's, those of “{other}” are not.",) * 2,
    "sheet_matches_more": ("The headings of the sheet “{other}” match more of the template than those of “{sheet}”.",)
    * 2,
    "sheet_without_table": ("The sheet “{sheet}” holds no table; the sheet “{other}” does.",) * 2,
    "sheet_instead": ("Read is the sheet “{sheet}”: {why}",) * 2,
    "no_sheets": ("The file has no sheets; no sheet “{sheet}” was looked for.",) * 2,
    "hidden_columns": ("1 hidden column left out.", "{count} hidden columns left out."),
    "macros": ("The workbook has macros; they are not run.",) * 2,
    "formulas_doubtful": (
        "1 more formula holds a 0 or an empty text that may be no result either.",
        "{count} more formulas hold a 0 or an empty text that may be no result either.",
    ),
    "tables_of_page": ("The page has {count} tables; read is “{table}”, the longest.",) * 2,
    "out_of_zip": ("Read is “{file}” out of the zip file.",) * 2,
    "others_in_zip": ("1 other file in it is left out.", "{count} other files in it are left out."),
}
KEYS = tuple(_SENTENCES)
_LINES_SHOWN = 5
_LINES = re.compile(r" Lines? (\d[\d,]*(?:, \d[\d,]*)*)(?:\.| …)\Z")
_PLACE = re.compile(r"\{(\w+)\}")


class Told(Struct, frozen=True):
    """`values`: for the places of the sentence, and `lines`, the first ones, where it has some. Numbers are numbers."""

    key: str
    values: dict[str, str | int | list[int]]


def note(key: str, *, count: int = 1, lines: Sequence[int] = (), **values: str | int) -> Note:
    """The sentence. `lines`: where, in order, of `count` places."""
    of_one, of_several = _SENTENCES[key]
    given = {**values, "count": count}
    text = _PLACE.sub(lambda place: _written(given[place[1]]), of_one if count == 1 else of_several)
    if not lines:
        return Note(text)
    shown = ", ".join(f"{line:,}" for line in lines[:_LINES_SHOWN])
    more = " …" if count > _LINES_SHOWN else "."
    return Note(f"{text} {'Line' if count == 1 else 'Lines'} {shown}{more}")


def _written(value: str | int) -> str:
    return f"{value:,}" if isinstance(value, int) else value


def told(sentence: str) -> Told | None:
    """Which note this is, and its values; None for a sentence that is none of ours."""
    found = _found(sentence)
    if found is None and (lines := _LINES.search(sentence)):
        found = _found(sentence[: lines.start()])
        if found is not None:
            found.values["lines"] = [_number(line) for line in lines[1].split(", ")]
    return found


def _found(text: str) -> Told | None:
    for key, form in _forms():
        if match := form.fullmatch(text):
            values: dict[str, str | int | list[int]] = {"count": 1}
            for name, value in match.groupdict().items():
                values[name] = _number(value) if _is_number(name) else value
            return Told(key, values)
    return None


@cache
def _forms() -> list[tuple[str, re.Pattern[str]]]:
    """Those with fewer places first: what says a thing outright is not another one's value."""
    found = [(key, text) for key, texts in _SENTENCES.items() for text in dict.fromkeys(texts)]
    found.sort(key=lambda one: len(_PLACE.findall(one[1])))
    return [(key, re.compile(_form(text), re.DOTALL)) for key, text in found]


def _form(sentence: str) -> str:
    parts = _PLACE.split(sentence)
    for at in range(0, len(parts), 2):
        parts[at] = re.escape(parts[at])
    for at in range(1, len(parts), 2):
        what = r"\d[\d,]*" if _is_number(parts[at]) else ".+"
        parts[at] = f"(?P<{parts[at]}>{what})"
    return "".join(parts)


def _is_number(place: str) -> bool:
    return place == "count" or place.endswith("line")


def _number(text: str) -> int:
    return int(text.replace(",", ""))
