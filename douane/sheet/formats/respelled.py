"""Delimited text in spellings that are undone line by line, told only where the first lines prove it:

    every record quoted as a whole                      "1,""Kay, Ann"",5"
    texts in the spelling of a formula                  ="00123"   or   "=""00123\"""
    delimiters in a cell behind a backslash             1,Kay\\, Ann,5
    cells parted by several signs, or by a rare one     1||Ann||5   1~|~Ann~|~5   1¦Ann¦5
    cells in quotes of another kind                     þ1þ0x14þAnnþ   “1”,“Kay, Ann”

and in drawings (`drawn.py`).

What cannot be told so stays as it is, within a file that is changed too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from douane.model.reading import Note
from douane.sheet.formats import Source
from douane.sheet.formats.dialect import SAMPLE_CHARACTERS, SAMPLE_RECORDS, Dialect, rows_of
from douane.sheet.formats.rewritten import CELL, blocks_of
from douane.sheet.formats.stream import Forward, uploaded_bytes
from douane.sheet.heading import usual
from douane.sheet.noticed import note
from douane.values import dataclass

_LINES_LEAST = 3
_WRAPPED = re.compile(rb'^"((?:[^"\r\n]|"")*+)"[ \t]*(?=\r|$)', re.MULTILINE)
_INSIDE = re.compile(rb'"[^"]*"')
_TOGETHER = re.compile(r"[|~^:;,#$%&*!@=¦§¬]{2,3}")
_THORN_CELL, _BREAK = b"\x14", "®".encode()
_CURLY = [(pair[0].encode(), pair[1].encode()) for pair in ("“”", "„“", "„”", "«»", "‘’")]
_MAY_BE_DRAWN = re.compile(rb"--|==|\xe2\x94\x80|\xe2\x95\x90|^-\[ RECORD|^\*{5}")
_RARE = re.compile(r"[\x01\x02!#¦§¬，；、]")


@dataclass(frozen=True, slots=True)
class Respelling:
    """`change`: whole lines -> as `csv` knows them. `signs`: what it looks for. `delimiter`: of the changed text, where
    that is known."""

    change: Callable[[bytes], bytes]
    signs: str
    note: Note
    delimiter: str | None = None


def respelling(sample: bytes, whole: bool, dialect: Dialect) -> Respelling | None:
    """How `sample`, UTF-8 text from the top on (`whole`: all of it), is spelt; None where it is plain."""
    data = sample[dialect.skip_bytes : dialect.skip_bytes + 4 * SAMPLE_CHARACTERS]
    if not whole or len(data) < len(sample) - dialect.skip_bytes:
        data = data[: data.rfind(b"\n") + 1]
    lines = [line for line in data.splitlines()[:SAMPLE_RECORDS] if line.strip()]
    if len(lines) < 2:
        return None
    if (quoted := _quoted_otherwise(lines, dialect)) is not None:
        return quoted
    if len(lines) < _LINES_LEAST:
        return None
    if dialect.delimiter in " :" or any(map(_MAY_BE_DRAWN.search, lines)) or dialect.delimiter_byte not in data:
        # Loaded where it is needed: most files are delimited.
        from douane.sheet.formats.drawn import drawing

        if (drawn := drawing(lines, dialect)) is not None:
            return Respelling(drawn.change, drawn.signs, drawn.note, CELL.decode())
    if lines[0].startswith(b'"') and _are_wrapped(lines):
        return Respelling(_unwrapped, '"', note("records_quoted"))
    if (b'="' in data or b'"=""' in data) and dialect.quote == '"':
        cells = _formula_cells(dialect.delimiter_byte)
        begun = len(re.findall(rb'(?:^|%s)(?:="|"="")' % re.escape(dialect.delimiter_byte), data, re.MULTILINE))
        if 1 < begun == len(cells.findall(data)):
            return Respelling(lambda part: cells.sub(_as_text, part), '="' + dialect.delimiter, note("formula_texts"))
    if b"\\" + dialect.delimiter_byte in data and _are_escaped(lines, dialect.delimiter_byte):
        escaped = _escaping_lines(dialect.delimiter_byte)
        found = dialect.delimiter_byte
        return Respelling(
            lambda part: escaped.sub(lambda line: _requoted(line[0], found), part),
            "\\" + dialect.delimiter,
            note("delimiters_escaped"),
            dialect.delimiter,
        )
    if (sign := _long_delimiter(lines, dialect)) is not None:
        named = sign.encode()
        return Respelling(
            lambda part: part.replace(named, CELL), sign, note("delimiter_long", delimiter=_shown(sign)), CELL.decode()
        )
    return None


def _quoted_otherwise(lines: list[bytes], dialect: Dialect) -> Respelling | None:
    """Quotes of litigation programs, a thorn around each cell and 0x14 between; or the curly ones of typesetting, where
    they stand around whole cells alone: around all headings, or around what holds the delimiter."""
    sign = lines[0][:4].decode("utf-8", "replace")[:1].encode()
    if not sign.isascii() and sign + _THORN_CELL + sign in lines[0]:
        ends = sign, sign + b"\r"
        if all(line.startswith(sign) and line.endswith(ends) for line in lines):
            between = sign + _THORN_CELL + sign
            whole = re.compile(rb"^%s(.*?)%s(?=\r?$)" % (sign, sign), re.MULTILINE)

            def cells(found: re.Match[bytes]) -> bytes:
                parts = found[1].split(between)
                return CELL.join(b'"' + part.replace(b'"', b'""').replace(_BREAK, b"\n") + b'"' for part in parts)

            return Respelling(lambda part: whole.sub(cells, part), "þ", note("thorn_quotes"), CELL.decode())
    if dialect.quote != '"' or any(b'"' in line for line in lines):
        return None
    found = (_curly(lines, dialect, *pair) for pair in _CURLY if any(pair[0] in line for line in lines))
    return next(filter(None, found), None)


def _curly(lines: list[bytes], dialect: Dialect, opening: bytes, closing: bytes) -> Respelling | None:
    delimiter = dialect.delimiter_byte
    inner = b"(?:(?!%s|%s)[^\r\n])*+" % (opening, closing)
    pattern = re.compile(
        rb"(?:(?<=%s)|^)%s(%s)%s(?=%s|\r|$)" % (re.escape(delimiter), opening, inner, closing, re.escape(delimiter)),
        re.MULTILINE,
    )
    data = b"\n".join(lines)
    if not data.count(opening) == data.count(closing) == len(pattern.findall(data)):
        return None
    both = (text.decode("utf-8", "replace") for text in (data, pattern.sub(rb'"\1"', data)))
    before, after = ([len(row) for row in rows_of(text, dialect.delimiter, '"')] for text in both)
    headed = pattern.sub(b"", lines[0]).replace(delimiter, b"").strip() == b""
    parted = len(set(before)) > 1
    if after[0] > 1 and len(set(after)) == 1 and (headed or parted):
        return Respelling(lambda part: pattern.sub(rb'"\1"', part), opening.decode(), note("curly_quotes"))
    return None


def respelled(source: Source, top: int, change: Callable[[bytes], bytes], record_bytes: int) -> Forward:
    """The source from `top` on, its lines changed."""

    def chunks() -> Iterator[bytes]:
        rest = b""
        for block in blocks_of(source, top):
            data = rest + block
            cut = data.rfind(b"\n") + 1
            if not cut and len(data) > record_bytes:
                cut = len(data)
            rest = data[cut:]
            if cut:
                yield change(data[:cut])
        if rest:
            yield change(rest)

    return Forward(chunks, lambda: uploaded_bytes(source, source.size))


def _are_wrapped(lines: list[bytes]) -> bool:
    """Each line is one quoted cell, and what is in them makes records of one width. A blank behind a delimiter is one
    of a text. Where no cells in them are quoted, it takes three columns, parted by commas."""
    if any(not _WRAPPED.fullmatch(line) for line in lines):
        return False
    inner = [_unwrapped(line) for line in lines]
    for delimiter in (b",", b";", b"\t", b"|"):
        if any(delimiter + b" " in _INSIDE.sub(b"", line) for line in inner):
            continue
        rows = rows_of(b"\n".join(inner).decode("utf-8", "replace"), delimiter.decode(), '"')
        proven = any(b'""' in line for line in lines) or (delimiter == b"," and len(rows[0]) > 2)
        if proven and len({len(row) for row in rows}) == 1 and len(rows[0]) > 1:
            return True
    return False


def _unwrapped(part: bytes) -> bytes:
    return _WRAPPED.sub(lambda found: found[1].replace(b'""', b'"'), part)


def _formula_cells(delimiter: bytes) -> re.Pattern[bytes]:
    sign = re.escape(delimiter)
    inner = rb'="([^"\r\n]*+)"|"=""([^"\r\n]*+)"""'
    return re.compile(rb"(?:(?<=%s)|^)(?:%s)(?=%s|\r|$)" % (sign, inner, sign), re.MULTILINE)


def _as_text(found: re.Match[bytes]) -> bytes:
    return b'"' + (found[2] if found[1] is None else found[1]) + b'"'


def _are_escaped(lines: list[bytes], delimiter: bytes) -> bool:
    """Nothing is quoted, and all lines have as many cells as those without a backslash, if none parts cells."""
    if any(b'"' in line for line in lines):
        return False
    widths = {len(_unescaped(line, delimiter)) for line in lines}
    plain = {line.count(delimiter) + 1 for line in lines if b"\\" + delimiter not in line}
    return widths == plain and len(plain) == 1 and max(plain) > 1


def _escaping_lines(delimiter: bytes) -> re.Pattern[bytes]:
    return re.compile(
        rb'^[^"\r\n\\]*+(?:\\[^"\r\n\\%s][^"\r\n\\]*+)*+\\[\\%s][^"\r\n]*+(?=\r|$)' % ((re.escape(delimiter),) * 2),
        re.M,
    )


def _unescaped(line: bytes, delimiter: bytes) -> list[bytes]:
    """The cells of a line; a backslash makes a delimiter, or itself, part of one."""
    parts = re.split(rb"(\\[\\%s]|%s)" % (re.escape(delimiter), re.escape(delimiter)), line)
    cells = [b""]
    for text, sign in zip(parts[::2], [*parts[1::2], b""], strict=True):
        cells[-1] += text
        if sign == delimiter:
            cells.append(b"")
        else:
            cells[-1] += sign[1:]
    return cells


def _requoted(line: bytes, delimiter: bytes) -> bytes:
    return delimiter.join(b'"' + cell + b'"' if delimiter in cell else cell for cell in _unescaped(line, delimiter))


def _long_delimiter(lines: list[bytes], dialect: Dialect) -> str | None:
    """Signs that stand together between all cells and nowhere else; or a rare sign, where nothing else parts cells."""
    first = lines[0].decode("utf-8", "replace")
    together, rare = (list[str](dict.fromkeys(signs.findall(first))) for signs in (_TOGETHER, _RARE))
    if not together and not rare:
        return None
    text = "\n".join(line.decode("utf-8", "replace") for line in lines)
    if CELL.decode() in text:
        return None
    alone = usual([len(row) for row in rows_of(text, dialect.delimiter, dialect.quote)]) < 2
    for sign in together:
        left = text.replace(sign, "")
        if (alone or dialect.delimiter in sign) and not any(each in left for each in sign) and _parts(text, sign, 2):
            return sign
    for sign in rare if alone else ():
        if f"{sign} " not in text and _parts(text, sign, 3):
            return sign
    return None


def _parts(text: str, sign: str, least: int) -> bool:
    widths = {len(row) for row in rows_of(text.replace(sign, CELL.decode()), CELL.decode(), '"')}
    return len(widths) == 1 and min(widths) >= least


def _shown(sign: str) -> str:
    return repr(sign)[1:-1] if sign < " " else sign
