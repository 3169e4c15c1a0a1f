"""Tables of text that are drawn rather than delimited, told only where the first lines prove it:

    cells between lines        +----+------+      id | name       | id | name |     |1000|Pump  |
                               | id | name |     ----+------      |----|:-----|     -----------
    columns under a ruler      ---- --------
    columns of fixed width     blanks stand between them in every line

Rulers and what counts the rows (`(3 rows)`) are left out. What is drawn and cannot be told so is refused: its pieces
would be no table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from douane.errors import BadFile
from douane.model.reading import Note
from douane.sheet.formats.dialect import Dialect
from douane.sheet.formats.rewritten import CELL
from douane.sheet.noticed import note
from douane.values import dataclass

_RULED = re.compile(rb"[-=]{2}|\xe2\x94\x80|\xe2\x95\x90")  # ─ and ═
_SEGMENT = re.compile(r":?[-=─═]{2,}:?")
_CORNERS = "+┌┬┐├┼┤└┴┘╞╪╡╒╤╕╘╧╛┏┳┓┡╇┩╭╮╰╯"
_RULER_SIGNS = frozenset("-=:─═ \t|│" + _CORNERS)
_BORDERS = ("|", "│")
_COUNT = re.compile(r"\(?\d+ rows?(?:\(s\))?(?: (?:in set|affected|selected|returned))?\.?\)?(?: \(.{1,30}\))?[.;]?")
_ONE_A_LINE = re.compile(rb"-\[ RECORD \d+ \]|\*{5,} 1\. row \*{5,}")
_GROUPS = re.compile(r"[-=]{2,}(?: +[-=]+)+")
_FIXED_LEAST, _WIDTH_MAX = 5, 2000
_ENDS = re.compile(rb"[^\r\n]+")


@dataclass(frozen=True, slots=True)
class Drawing:
    """`change`: whole lines -> delimited by `CELL`; `signs`: what it looks for, positions if it is no ASCII."""

    change: Callable[[bytes], bytes]
    signs: str
    note: Note


def drawing(lines: Sequence[bytes], dialect: Dialect) -> Drawing | None:
    """How the first lines, UTF-8, are drawn; None where they are not. BadFile `file_type` where they are, but in a way
    that leaves open what their cells are."""
    if _ONE_A_LINE.match(lines[0]):
        raise BadFile(
            "The file shows each record on lines of its own, as a terminal prints it. Export it as CSV.",
            code="file_type",
        )
    if any(map(_RULED.search, lines)):
        texts = [line.decode("utf-8", "replace").rstrip() for line in lines]
        if (found := _lined(texts) or _under_ruler(texts)) is not None:
            return found
        if _is_drawn(texts):
            raise BadFile(
                "The file shows a table drawn with lines, as a terminal prints it, whose cells cannot be told apart. "
                "Export it as CSV.",
                code="file_type",
            )
    if dialect.delimiter in " :" or not any(dialect.delimiter_byte in line for line in lines):
        return _aligned([line.decode("utf-8", "replace").rstrip() for line in lines], dialect)
    return None


# ---- between lines ---------------------------------------------------------------------------------------------------


def _is_ruler(text: str) -> bool:
    text = text.strip()
    if len(text) < 3 or not _RULER_SIGNS.issuperset(text):
        return False
    return all(_SEGMENT.fullmatch(part) for part in _segments(text))


def _segments(text: str) -> list[str]:
    inner = re.split(rf"[|│{re.escape(_CORNERS)}]", text.strip())
    inner = inner[1:] if inner and not inner[0] else inner
    inner = inner[:-1] if inner and not inner[-1] else inner
    return [part.strip() for part in inner]


def _lined(texts: Sequence[str]) -> Drawing | None:
    rulers = [at for at, text in enumerate(texts) if _is_ruler(text)]
    for border in _BORDERS:
        rows = [at for at, text in enumerate(texts) if border in text and at not in rulers]
        if len(rows) < 2 or not any(rows[0] < at < rows[1] for at in rulers):
            continue
        shown = [texts[at].strip() for at in rows]
        lead = all(text.startswith(border) for text in shown)
        trail = all(text.endswith(border) for text in shown)
        widths = {len(_cells(text, border, lead, trail)) for text in shown}
        if len(widths) != 1 or (width := widths.pop()) < 2:
            continue
        counts = {len(_segments(texts[at])) for at in rulers}
        if not counts <= ({1, width} if lead and trail else {width}) or not _one_table(rows, rulers):
            continue
        between = [at for at in range(rows[0], rows[-1]) if at not in rows and at not in rulers]
        if between:
            continue
        known = frozenset(texts[at].strip() for at in rulers)
        signs = border + "".join(sorted(frozenset("".join(known)) - set(" \t")))
        return Drawing(_by_lines(_between(border, lead, trail, known)), signs, note("drawn_lines"))
    return None


def _between(border: str, lead: bool, trail: bool, rulers: frozenset[str]) -> Callable[[str], list[str]]:
    def line(text: str) -> list[str]:
        shown = text.strip()
        if shown in rulers or _COUNT.fullmatch(shown):
            return []
        return _cells(shown, border, lead, trail) if border in shown else [shown]

    return line


def _one_table(rows: Sequence[int], rulers: Sequence[int]) -> bool:
    """Whether every row is a record: not where rulers part some rows of several lines, or another table follows."""
    within = [at for at in rulers if rows[0] < at < rows[-1]]
    ends = [*within, rows[-1] + 1]
    sizes = [sum(1 for at in rows if begin < at < end) for begin, end in pairwise(ends)]
    return len(sizes) < 2 or len(sizes) == 2 or set(sizes) == {1}


def _cells(text: str, border: str, lead: bool, trail: bool) -> list[str]:
    inner = text.removeprefix(border) if lead else text
    inner = inner.removesuffix(border) if trail and inner[-2:-1] != "\\" else inner
    parts = re.split(rf"(?<!\\){re.escape(border)}", inner)
    return [part.strip().replace("\\" + border, border) for part in parts]


def _is_drawn(texts: Sequence[str]) -> bool:
    """Whether corners and borders are drawn around most lines."""
    rulers = [text.strip() for text in texts if _is_ruler(text)]
    bordered = sum(1 for text in texts if text.rstrip()[-1:] in _BORDERS and text.count(text.rstrip()[-1]) > 1)
    framed = [text for text in rulers if text[0] in _CORNERS + "|│" and text[-1] in _CORNERS + "|│"]
    return bool(framed) and (bordered + len(rulers)) * 5 >= len(texts) * 3 and bordered > 1


# ---- by their places -------------------------------------------------------------------------------------------------


def _under_ruler(texts: Sequence[str]) -> Drawing | None:
    """Columns as wide as the dashes under their headings."""
    at = next((at for at, text in enumerate(texts) if at and _GROUPS.fullmatch(text.strip())), None)
    if at is None or at > len(texts) - 2:
        return None
    ruler = texts[at]
    spans = [(found.start(), found.end()) for found in re.finditer(r"[-=]+", ruler)]
    starts = [begin for begin, _ in spans]
    gaps = [place for (_, end), (begin, _) in pairwise(spans) for place in range(end, begin)]
    below = [text for text in texts[at + 1 :] if text != ruler and not _COUNT.fullmatch(text.strip())]
    if not below or any("\t" in text or _crosses(text, gaps, starts[0]) for text in (texts[at - 1], *below)):
        return None
    return _at_places(starts, gaps, frozenset([ruler]))


def _aligned(texts: Sequence[str], dialect: Dialect) -> Drawing | None:
    """Columns parted by blanks in every line; where the first line has a text over each."""
    if len(texts) < _FIXED_LEAST or any("\t" in text for text in texts):
        return None
    if dialect.delimiter == " " and len({len(text.strip().split(" ")) for text in texts}) == 1:
        return None  # single blanks part them as well
    width = max(map(len, texts))
    if width > _WIDTH_MAX:
        return None
    blank = [all(text[place : place + 1] in ("", " ") for text in texts) for place in range(width)]
    starts = [place for place in range(width) if not blank[place] and (not place or blank[place - 1])]
    if len(starts) < 2:
        return None
    heading = texts[0]
    chosen = starts[:1]
    for begin, end in zip(starts[1:], [*starts[2:], width], strict=True):
        wide = begin > 1 and blank[begin - 2]
        if heading[begin:end].strip() and not wide and all(text[begin - 2 : begin - 1].strip() for text in texts):
            return None  # two words of a heading over two words each, or two columns
        if heading[begin:end].strip() or wide:
            chosen.append(begin)
    gaps = [place for begin in chosen[1:] for place in range(begin) if blank[place] and all(blank[place:begin])]
    if len(chosen) < 2 or not any(begin > 1 and blank[begin - 2] for begin in chosen[1:]):
        return None
    columns = list(zip(chosen, [*chosen[1:], width], strict=True))
    if not all(heading[begin:end].strip() for begin, end in columns):
        return None
    return _at_places(chosen, gaps, frozenset()) if all(_is_even(texts, *column) for column in columns) else None


def _is_even(texts: Sequence[str], begin: int, end: int) -> bool:
    """Whether the cells of a column all begin or all end at one place, but for its heading."""
    cells = [text[begin:end] for text in texts[1:] if text[begin:end].strip()]
    lefts = {len(cell) - len(cell.lstrip()) for cell in cells}
    rights = {len(cell.rstrip()) for cell in cells}
    return len(cells) * 2 > len(texts) - 1 and (lefts == {0} or len(rights) == 1)


def _crosses(text: str, gaps: Sequence[int], first: int) -> bool:
    return any(text[place : place + 1].strip() for place in gaps) or bool(text[:first].strip())


def _at_places(starts: Sequence[int], gaps: Sequence[int], left_out: frozenset[str]) -> Drawing:
    """A line whose text goes over the blanks between columns stays whole, as a record of one cell."""
    columns = list(zip(starts, [*starts[1:], None], strict=True))

    def line(text: str) -> list[str]:
        text = text.rstrip()
        if text in left_out or (left_out and _COUNT.fullmatch(text.strip())):
            return []
        if _crosses(text, gaps, starts[0]):
            return [text.strip()]
        return [text[begin:end].strip() for begin, end in columns]

    return Drawing(_by_lines(line), "─", note("fixed_width"))


def _by_lines(line: Callable[[str], list[str]]) -> Callable[[bytes], bytes]:
    def changed(found: re.Match[bytes]) -> bytes:
        cells = line(found[0].decode("utf-8", "surrogateescape"))
        return CELL.join(_quoted(cell) for cell in cells)

    return lambda part: _ENDS.sub(changed, part)


def _quoted(cell: str) -> bytes:
    cell = cell.replace('"', '""')
    return (f'"{cell}"' if '"' in cell else cell).encode("utf-8", "surrogateescape")
