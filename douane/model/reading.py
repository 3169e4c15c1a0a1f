"""How a spreadsheet file is read, and what it turned out to be: plain values, the same on both sides of the line to the
child, in the store and on the screen. `sheet/formats` reads by them.

`Detected` is kept and printed under its wire words (`headerRow`); `msgspec.to_builtins` makes that document.
"""

from typing import NewType

from msgspec import Struct, field

from douane.model.bounds import Count, Line, Text, Word
from douane.model.source import Limits as FileLimits

# A sentence about a file, as `sheet/noticed.py` writes them.
Note = NewType("Note", Line)


class Limits(FileLimits, frozen=True, forbid_unknown_fields=True):
    """With those of a table; every one is a setting of the same name."""

    cell_bytes: Count = 1 << 20
    columns: Count = 16_384
    json_digits: Count = 1000


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """What a person may fix; None = detect. `sheet` is a name or a number from 0. `header` is the line the headings
    stand on (in a workbook the row of the sheet), 0 = none. `quote` is one ASCII character, "" = nothing is quoted.
    `wanted`: names of the template's columns; among several sheets the one whose headings they are is read. `hidden`:
    rows and columns that a workbook hides are read as the others are."""

    sheet: Line | Count | None = None
    encoding: Line | None = None
    delimiter: Line | None = None
    header: Count | None = None
    quote: Line | None = None
    wanted: tuple[Line, ...] = ()
    hidden: bool = False
    piece_bytes: Count = 12 << 20
    limits: Limits = field(default_factory=Limits)


class Detected(Struct, frozen=True, forbid_unknown_fields=True, rename={"header_row": "headerRow"}):
    """What the file turned out to be. `header_row` is the index of the heading record among the records, None if the
    file has none; of two rows of headings, the lower one's. `headings`: one a column, where there is such a record.
    `quote` is None where quoting is not used by the format."""

    format: Word
    width: Count
    header_row: Count | None
    encoding: Word | None = None
    delimiter: Word | None = None
    quote: Word | None = None
    sheets: tuple[Line, ...] = ()
    sheet: Line | None = None
    compression: Word | None = None
    notes: tuple[Note, ...] = ()
    headings: tuple[Text, ...] = ()


class Fact(Struct, frozen=True, forbid_unknown_fields=True):
    """Something that was met while reading, and how often: `code` says what (`sheet/formats/facts.py` has the
    sentences), `lines` where, the first ones."""

    code: Word
    count: Count
    lines: tuple[Count, ...] = ()


class Position(Struct, frozen=True, forbid_unknown_fields=True):
    """Where reading goes on: pieces before number `piece` are done. `offset` (in the decompressed bytes) and `line` are
    where that piece begins; a format that cannot seek reads again from the top and drops the pieces before it."""

    piece: Count = 0
    offset: Count = 0
    line: Count = 1
