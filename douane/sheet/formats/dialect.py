"""Delimiter and quote of delimited text, told from a sample of its first records."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from douane.errors import BadRequest
from douane.model.reading import Note
from douane.sheet.formats.rewritten import quoted_cells, rewrite
from douane.sheet.heading import usual
from douane.sheet.noticed import note
from douane.sheet.white_space import is_blank
from douane.values import dataclass

# A delimiter's prior: how much more often a consistent split by it is meant than not.
DELIMITERS = {
    ",": 1.0,
    ";": 1.0,
    "\t": 1.0,
    "|": 0.98,
    "\x1f": 0.98,
    "\x1e": 0.95,
    "^": 0.8,
    "~": 0.8,
    ":": 0.5,
    " ": 0.45,
}
ONE_COLUMN = 0.3
SAMPLE_CHARACTERS = 64 << 10
SAMPLE_RECORDS = 200

_OTHER_CONTROLS = bytes(sign for sign in range(32) if sign not in b"\t\n\r\x1e\x1f")
_NAMES = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";", "pipe": "|"}
_DECIMAL = re.compile(r"[-+]?\d{1,9},\d{1,9}")
_CLOCK = re.compile(r"\b\d{1,2}:\d\d(?::\d\d)?\b")
_CLEAN = re.compile(
    r"""\s*"?(?:
      [-+$\u20ac\u00a3]?\s?\d{1,3}(?:[ .,'\u2019\u202f]\d{3})*(?:[.,]\d+)?\s?[%\u20ac]?   # 1,234.5
    | [-+]?\d*[.,]?\d+(?:[eE][-+]?\d+)?
    | [\w.+-]+@[\w.-]+
    | \w+://[^\s,;|]+
    | \d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T]\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?\s?(?:Z|UTC|[AP]M|[-+]\d\d:?\d\d)?)?
    | \d{1,2}:\d\d(?::\d\d)?(?:[.]\d+)?\s?(?:[AaPp][Mm])?
    | (?![\d\s.,]*$)[^\0-/:-@\[-^`{-\x7f][^\0-\x1f"$%+,;<=>@\[-^`{-\x7f]*  # words, by the ASCII that is in none
    )?"?\s*""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """`skip_bytes`, `skip_lines`: a `sep=` line at the top, which is no record."""

    delimiter: str
    quote: str | None = '"'
    skip_bytes: int = 0
    skip_lines: int = 0

    @property
    def delimiter_byte(self) -> bytes:
        return self.delimiter.encode()

    @property
    def quote_byte(self) -> bytes | None:
        return None if self.quote is None else self.quote.encode()

    @property
    def quote_byte_or_zero(self) -> int:
        return ord(self.quote or "\0")


def detect_dialect(
    sample: bytes, whole: bool, delimiter: str | None, quote: str | None = None
) -> tuple[Dialect, tuple[Note, ...]]:
    """The dialect of `sample`, UTF-8 text from the file's top on (`whole`: all of it), and what is worth telling a
    person. A given `delimiter` or `quote` ("" = none) is obeyed; BadRequest if it is not one ASCII character."""
    named = re.match(rb'(?i)"?sep=([\x01-\x7f])"?[ \t]*(\r\n|\r|\n)', sample)
    skipped = (named.end(), 1) if named else (0, 0)
    text = sample[skipped[0] : skipped[0] + 4 * SAMPLE_CHARACTERS].decode("utf-8", "replace")
    cut = not whole or len(text) > SAMPLE_CHARACTERS or len(sample) > 4 * SAMPLE_CHARACTERS
    text = text[:SAMPLE_CHARACTERS]
    notes: tuple[Note, ...] = ()
    if delimiter is not None:
        chosen = _given(delimiter)
    elif named:
        chosen = named.group(1).decode()
        notes = (note("delimiter_named", delimiter=repr(chosen)[1:-1]),)
    else:
        scores = {candidate: _score(text, cut, candidate) for candidate in DELIMITERS if candidate in text}
        best = max(scores, key=lambda candidate: scores[candidate], default=",")
        single = ONE_COLUMN * _clean_share([[line] for line in text.splitlines()[:SAMPLE_RECORDS] if line.strip()])
        chosen = best if scores.get(best, 0) > single else ","
        if chosen == "," and len(scores) == 1 and _are_decimals(text, cut):
            chosen, notes = ";", (note("decimal_commas"),)
    given = _quote(text, cut, chosen) if quote is None else _given_quote(quote, chosen)
    return Dialect(chosen, given, *skipped), notes


def _are_decimals(text: str, cut: bool) -> bool:
    """Whether one heading stands over numbers with a decimal comma each. Where these count from 1, they may be names of
    rows as well."""
    if "," in text[:200].strip().partition("\n")[0]:
        return False
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    numbers = lines[1 : -1 if cut else None][:SAMPLE_RECORDS]
    if not lines or "," in lines[0] or len(numbers) < 2 or not all(map(_DECIMAL.fullmatch, numbers)):
        return False
    whole = [number.partition(",")[0] for number in numbers]
    return len(whole) < 5 or all(whole != [str(at) for at in range(begin, len(whole) + begin)] for begin in (0, 1))


def is_ascii_delimited(sample: bytes) -> bool:
    """Whether records end with 0x1E and cells with 0x1F: a sign of each, and line ends that end no more records."""
    if b"\x1f" not in sample or b"\x1e" not in sample or sample.count(b"\n") > 2 * sample.count(b"\x1e"):
        return False
    data = sample[: 4 * SAMPLE_CHARACTERS]
    if len(data.translate(None, _OTHER_CONTROLS)) < len(data):
        return False
    widths = [record.count(b"\x1f") + 1 for record in data.split(b"\x1e")[:-1]]
    return _even(widths) >= 0.8 and usual(widths) > 1


@dataclass(frozen=True, slots=True)
class Spelling:
    """What of a file's quoting `csv` does not know: `spaced`, blanks stand before quotes; `escapes`, quotes within
    quotes are escaped with a backslash."""

    spaced: bool = False
    escapes: bool = False
    notes: tuple[Note, ...] = ()


def detect_spelling(sample: bytes, dialect: Dialect) -> Spelling:
    """Told only where the sample proves it: every quote that is meant so closes where a cell ends, and as many records
    as before or more have the usual number of cells."""
    data = sample[dialect.skip_bytes : dialect.skip_bytes + 4 * SAMPLE_CHARACTERS]
    if dialect.quote != '"' or b'"' not in data or dialect.delimiter in " \t":
        spaced = False
    else:
        spaced = _is_spaced(data, dialect)
    escapes = dialect.quote == '"' and b'\\"' in data and _has_escapes(data, dialect, spaced)
    notes: list[Note] = []
    if spaced:
        notes.append(note("blanks_before_quotes"))
    if escapes:
        notes.append(note("backslash_quotes"))
    if dialect.quote == '"' and b'"' in data and not (spaced or escapes) and (line := _text_behind(data, dialect)):
        notes.append(note("text_behind_quotes", line=line + dialect.skip_lines))
    return Spelling(spaced, escapes, tuple(notes))


def _text_behind(data: bytes, dialect: Dialect) -> int | None:
    """The line where first a quote closes and the cell goes on (`"5" pipe`): its two quotes are lost in the reading.
    Where the cell goes on over line ends, that is said of it anyway."""
    data = data[:SAMPLE_CHARACTERS]
    ends = (b"", b"\r", b"\n", dialect.delimiter_byte)
    blanks = b" \t".replace(dialect.delimiter_byte, b"")
    for found in quoted_cells(dialect.delimiter_byte, escapes=False).finditer(data):
        if found[1] or found[3] != b'"' or b"\n" in found[2] or b"\r" in found[2]:
            continue
        behind = data[found.end() : found.end() + 100].lstrip(blanks)[:1]
        if behind not in ends:
            return len(re.findall(rb"\r\n|\r|\n", data[: found.start()])) + 1
    return None


def _is_spaced(data: bytes, dialect: Dialect) -> bool:
    d = re.escape(dialect.delimiter_byte)
    begun = len(re.findall(rb"%s[ \t]+\"" % d, data))
    if begun < 2:
        return False
    whole = len(re.findall(rb'(?<=%s)[ \t]+"(?:[^"]|"")*+"[ \t]*(?=%s|[\r\n]|\Z)' % (d, d), data))
    return whole * 20 >= begun * 19 and _as_even(data, dialect, escapes=False)


def _has_escapes(data: bytes, dialect: Dialect, spaced: bool) -> bool:
    """An escaped quote with more of the cell behind it: `"C:\\",` alone may as well be a path."""
    d = re.escape(dialect.delimiter_byte)
    inner = re.findall(rb'\\"(?!%s|[\r\n]|\Z)' % d, data)
    return bool(inner) and _as_even(data, dialect, escapes=True, closed=True)


def _as_even(data: bytes, dialect: Dialect, *, escapes: bool, closed: bool = False) -> bool:
    """Whether, rewritten, at least as many records have the usual number of cells, and (`closed`) every quoted cell
    ends where its quote does."""
    pattern = quoted_cells(dialect.delimiter_byte, escapes)
    if closed and any(
        found[3] == b'"' and data[found.end() : found.end() + 1] not in (b"", b"\r", b"\n", dialect.delimiter_byte)
        for found in pattern.finditer(data)
    ):
        return False
    before, after = (
        [len(row) for row in rows_of(text.decode("utf-8", "replace"), dialect.delimiter, dialect.quote) if row]
        for text in (data, rewrite(data, pattern, escapes))
    )
    return _even(after) >= _even(before)


def _even(widths: Sequence[int]) -> float:
    commonest = usual(widths)
    return sum(1 for width in widths if width == commonest) / max(1, len(widths))


def usual_width(widths: Sequence[int]) -> int:
    """The widest record's width, but a single giant does not make a frame of mostly nothing."""
    total = 8 * sum(widths)
    return max((width for width in set(widths) if width <= 64 or width * len(widths) <= total), default=1)


def rows_of(text: str, delimiter: str, quote: str | None) -> list[list[str]]:
    """The records of `text` as `csv` reads them."""
    lines = io.StringIO(text, newline="")
    if quote is None:
        return list(csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE))
    return list(csv.reader(lines, delimiter=delimiter, quotechar=quote))


def _given(delimiter: str) -> str:
    chosen = _NAMES.get(delimiter.lower(), delimiter)
    if len(chosen) != 1 or not chosen.isascii() or chosen in "\r\n\0":
        raise BadRequest(f"The delimiter must be one ASCII character, not {delimiter!r}.")
    return chosen


def _given_quote(quote: str, delimiter: str) -> str | None:
    if not quote:
        return None
    if len(quote) != 1 or not quote.isascii() or quote in "\r\n\0" or quote == delimiter:
        raise BadRequest(f"The quote must be one ASCII character and not the delimiter, not {quote!r}.")
    return quote


def _sampled(text: str, cut: bool, delimiter: str, quote: str | None) -> list[list[str]]:
    rows = rows_of(text, delimiter, quote)
    if cut and len(rows) > 1:
        rows.pop()
    rows = [row for row in rows if row and not is_blank(row)][:SAMPLE_RECORDS]
    # What programs say at the top in comments is prose; the commas and blanks in it are no delimiters.
    above = next((at for at, row in enumerate(rows) if row[0][:1] != "#"), 0)
    return rows[above:] if len(rows) - above > 2 else rows


def _score(text: str, cut: bool, delimiter: str) -> float:
    rows = _sampled(text, cut, delimiter, None if delimiter == '"' else '"')
    commonest = usual([len(row) for row in rows])
    if not rows:
        return 0.0
    if commonest < 2:
        wide = [row for row in rows if len(row) > 1]
        if len(wide) * 3 < len(rows):
            return 0.0
        commonest = usual([len(row) for row in wide])
    same = sum(1 for row in rows if len(row) == commonest) / len(rows)
    if delimiter == ":" and len(_CLOCK.findall(text)) * 2 >= len(rows):
        return 0.0  # it stands within times of day
    return same * (1 - 1 / commonest) * (0.05 + _clean_share(rows)) * DELIMITERS[delimiter]


def _clean_share(rows: Sequence[Sequence[str]]) -> float:
    """The share of cells that look like one value and not like several with another delimiter between them."""
    cells = [cell for row in rows for cell in row[:100] if cell][:4000]
    if not cells:
        return 0.5
    return sum(1 for cell in cells if _CLEAN.fullmatch(cell[:200])) / len(cells)


def _quote(text: str, cut: bool, delimiter: str) -> str | None:
    """`'` only where nothing is quoted by `"` and everything speaks for it, for a wrong guess would drop signs."""
    if delimiter == '"':
        return None
    d = re.escape(delimiter)
    if re.search(rf'(?:^|{d})"', text, re.MULTILINE) or not re.search(rf"(?:^|{d})'", text, re.MULTILINE):
        return '"'
    plain = _sampled(text, cut, delimiter, '"')
    single = _sampled(text, cut, delimiter, "'")
    enclosed = [row for row in plain if any(len(cell) > 1 and cell[0] == cell[-1] == "'" for cell in row)]
    pairs = sum(1 for row in single for cell in row if delimiter in cell)
    same = [len({len(row) for row in rows}) == 1 for rows in (plain, single)]
    if len(enclosed) >= 2 and len(enclosed) >= len(plain) - 1 and same[1]:
        return "'"
    return "'" if pairs and same[1] and not same[0] and len(single) > 1 else '"'
