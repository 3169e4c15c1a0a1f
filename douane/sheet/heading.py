"""Which of a file's first records holds the headings. It judges records, whatever format they were read from.

A record is weighed against those below it: does it stand over the columns that are filled there, is it text where they
are numbers or days, is it unlike them? Titles and `key;value` lines above a table stand over few of its columns. A
record is taken for data only if something proves it, for a person corrects a heading record that is none more easily
than a heading that was taken for data. Headings in two rows are `heading_pairs.py`'s,
those that are not simply a record's texts `heading_texts.py`'s.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from unicodedata import normalize

from douane.model.reading import Note
from douane.sheet.first_records import (
    BELOW,
    HEADING_AMONG,
    MEASURED,
    NUMBER_SIGNS,
    YEAR,
    Table,
    is_measured,
    mean_length,
)
from douane.sheet.heading_notes import described, left_out, two_rows
from douane.sheet.heading_pairs import groups_above, joined, second_row, spread
from douane.sheet.heading_texts import fields, log_fields, plain, row_names
from douane.sheet.noticed import note
from douane.sheet.white_space import WHITE
from douane.values import dataclass

_FITS = 0.6
_SHAPES = (re.compile(r"\d+"), re.compile(r"[^\W\d_]+"))
_MEANT_MAX, _MEANT_AMONG = 200, 12  # columns, and records, that are held against what words mean
_WORDED_MAX = 50
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = re.compile(r"\d+")
_MARK = re.compile(
    r"[^\w\s][\W_]*(?:end[\W_]*of[\W_]*header|end[\W_]*header|header[\W_]*end|(?:begin|start)[\w\W]*data|(?:raw[\W_]*)?data"
    r"|results?)[\W_]*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Heading:
    """`row`: the index of the heading record among the records; None if the first one is data. `texts`: the headings,
    where they are not simply that record's texts: two rows joined, or one cell short."""

    row: int | None
    texts: tuple[str, ...] | None = None
    notes: tuple[Note, ...] = ()


def heading_of(
    rows: Sequence[Sequence[str]],
    lines: Sequence[int] = (),
    spans: Sequence[tuple[int, int, int]] = (),
    wanted: Collection[str] = (),
    delimiter: str | None = None,
) -> Heading:
    """Judges the first records, blank ones left out; `lines`: where each of them begins, from 1, as if one stood on
    each where nothing is said. `spans`: merged cells, as (index of the record, first column, column behind the last).
    `wanted`: names of the template's columns, none = no template; they decide where the record that looks like headings
    has none of them, and another one has. `delimiter`: of a text format; what leaves the names of rows without a
    heading writes blanks or tabs unless told otherwise."""
    table, lines = Table(rows), lines or range(1, len(rows) + 1)
    at = _below_settings(table, _below_ruler(table, _under_titles(table, _candidate(table), lines)))
    if (named := _named(table, at, wanted)) is not None:
        return Heading(named, None, left_out(named, lines) if named else ())
    at = log_fields(rows, _worded(table, at, wanted))
    if (own := fields(rows, at)) is not None:
        return Heading(at, own, left_out(at, lines) if at else ())
    shifted = row_names(rows, at, delimiter in (" ", "\t"))
    if shifted is None and _is_data(table, at) and _is_short_heading(table, at - 1):
        at -= 1
    elif shifted is None and _is_data(table, at):
        return Heading(None, None, left_out(at, lines) if at else ())
    notes = left_out(at, lines) if at else ()
    if shifted is not None:
        return Heading(at, shifted, (*notes, note("headings_short")))
    if (lower := second_row(table, at)) is not None:
        upper = spread(rows[at], rows[lower], [span for span in spans if span[0] == at])
        texts = joined(upper, rows[lower])
        notes = (*notes, two_rows(at, lower, lines), *described(table, lower, lines))
        return Heading(lower, texts, notes)
    if at and groups_above(table, at):
        upper = spread(rows[at - 1], rows[at], [span for span in spans if span[0] == at - 1])
        notes = left_out(at - 1, lines) if at > 1 else ()
        notes = (*notes, two_rows(at - 1, at, lines), *described(table, at, lines))
        return Heading(at, joined(upper, rows[at]), notes)
    return Heading(at, None, (*notes, *described(table, at, lines), *_second_table(table, at, lines)))


def _named(table: Table, at: int, wanted: Collection[str]) -> int | None:
    """A record most of whose cells are names that the template knows, where that at `at` has none."""
    names = {name for each in wanted if (name := plain(each))}

    def fed(index: int) -> int:
        return len(names & {plain(cell) for cell in table.rows[index] if len(cell) <= 200})

    if not names or not len(table) or fed(at):
        return None
    among = range(min(len(table), HEADING_AMONG))
    best = max(among, key=lambda index: (fed(index), -index))
    filled = len(table.filled(best))
    if fed(best) * 2 >= filled and fed(best) >= min(2, filled) > 0:
        return best
    return _meant(table, at, wanted) if not fed(best) and table.width <= _MEANT_MAX >= len(names) else None


def _meant(table: Table, at: int, wanted: Collection[str]) -> int | None:
    """The same by what the words mean: one of the first records most of whose cells mean a name of the template."""
    # Loaded where it is needed: most files have the template's own words.
    from douane.sheet.matching import meant

    if meant(wanted, table.rows[at]):
        return None
    for index in range(min(len(table), _MEANT_AMONG)):
        filled = len(table.filled(index))
        fed = meant(wanted, table.rows[index]) if filled and index != at else 0
        if fed * 2 >= filled and fed >= min(2, filled) > 0:
            return index
    return None


def _worded(table: Table, at: int, wanted: Collection[str]) -> int:
    """Where nothing is measured, titles as wide as the table are told by words: none of theirs are words of headings,
    as most of the record behind them are."""
    if not 1 < table.width <= _WORDED_MAX or len(table) - at < 4 or table.measured(at):
        return at
    names = {plain(each) for each in wanted}
    if any(plain(cell) in names for cell in table.rows[at] if len(cell) <= 200):
        return at
    # Loaded where it is needed: most tables hold a number or a day, or what the template asks for.
    from douane.sheet.matching import known

    if known(table.rows[at]):
        return at
    for later in range(at + 1, min(at + 5, len(table) - 2)):
        texts = [cell.strip(WHITE) for cell in table.rows[later] if cell.strip(WHITE)]
        if len(texts) < 2 or not table.filled(later) >= table.columns(later) or table.measured(later):
            return at
        if known(texts) * 2 >= len(texts) and (known(texts) > 1 or _alone_known(table, at, later)):
            return later
        if later == at + 1 and _begins_otherwise(table, at, later):
            return later
    return at


def _alone_known(table: Table, at: int, later: int) -> bool:
    """Whether one of two words of headings is enough: the record above has more words, and none below has any."""
    from douane.sheet.matching import known

    below = [cell for row in table.rows[later + 1 : later + 21] for cell in row]
    above = sum(cell.strip(WHITE).count(" ") for cell in table.rows[at])
    return above > sum(cell.strip(WHITE).count(" ") for cell in table.rows[later]) and not known(below)


def _begins_otherwise(table: Table, at: int, later: int) -> bool:
    """Whether the second record, as the first, begins a column with a capital below which nothing does: it names the
    column, and the one above is a title. Titles have several words."""
    if not any(" " in cell.strip(WHITE) for cell in table.rows[at]):
        return False
    if any(" " in cell.strip(WHITE) for cell in table.rows[later]):
        return False
    for column in table.filled(later) & table.filled(at):
        below = table.texts_below(later, column)
        capital = all(table.rows[row][column].strip(WHITE)[:1].isupper() for row in (at, later))
        if capital and len(below) > 2 and all(text[:1].islower() for text in below):
            return True
    return False


def usual(counts: Sequence[int]) -> int:
    """The commonest count, the larger one of equals; 0 if there is none."""
    tally = Counter(counts)
    return max(tally, key=lambda count: (tally[count], count), default=0)


# ---- which record it is ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Weight:
    """How well a record would do as headings. `fit`: what share of the columns of the table below it fills; `beyond`:
    how many of its filled cells stand where no record below has any; `contrast`: in what share of the measured columns
    that it fills it holds something else (None: there are none); `texts`: the share of its filled cells that are unlike
    values; `filled`: how many are filled."""

    fit: float
    beyond: int
    contrast: float | None
    texts: float
    filled: int
    title: bool  # nothing but its first cell is filled

    @property
    def fits(self) -> bool:
        return self.fit > 0.5 or (self.fit == 0.5 and not self.title and self.filled != 2)

    @property
    def proven(self) -> bool:
        return self.good and self.contrast is not None and self.contrast > 0.5

    @property
    def good(self) -> bool:
        return self.fits and self.texts >= 0.5 and (self.contrast is None or self.contrast > 0)


def _weight(table: Table, index: int) -> _Weight:
    filled = table.filled(index)
    columns = table.columns(index)
    fit = len(filled & columns) / max(1, len(columns))
    longest = max((len(row) for row in table.rows[index + 1 : index + 1 + BELOW]), default=table.width)
    beyond = sum(1 for column in filled if column >= longest)
    measured = table.measured(index)
    kinds = table.kinds(index)
    series = _series(table, index)
    own = [column for column in measured if column in filled and kinds[column]]
    other = [column for column in own if column in series or kinds[column] not in measured[column]]
    unlike = len(other) + sum(
        1 for column in filled if column not in measured and (column in series or kinds[column] not in MEASURED)
    )
    contrast = len(other) / len(own) if own else None
    return _Weight(fit, beyond, contrast, unlike / max(1, len(filled)), len(filled), filled == {0})


def _candidate(table: Table) -> int:
    """The record that would be the headings if any is."""
    if (begun := _below_mark(table)) is not None:
        return begun
    last = min(len(table), HEADING_AMONG) - 1
    first = _weight(table, 0)
    if last < 1 or (first.fit == 1 and not first.beyond and first.proven and first.contrast == 1):
        return _later_titles(table, 0)
    chosen, weight = -1, first
    widest = 0
    for index in range(last):
        here = first if index == 0 else _weight(table, index)
        if chosen < 0:
            if here.good and not _one_value(table, index):
                chosen, weight = index, here
                if weight.fit == 1 and weight.proven and not weight.beyond:
                    break
            elif _like_below(table, index):
                chosen, weight = index, here  # without headings, the table begins here
        elif (
            here.proven
            and (here.fit > weight.fit + 0.05 or (weight.beyond and not here.beyond and here.fit == 1))
            and _is_text(table, index)
            and not _like_table(table, chosen, index)
        ) or (
            here.good
            and here.contrast is None
            and here.fit >= weight.fit + 0.2
            and here.filled > widest
            and (weight.fit <= 0.5 or _wordy(table, chosen, index))
            and not _like_table(table, chosen, index)
        ):
            chosen, weight = index, here
        widest = max(widest, here.filled)
    return _later_titles(table, chosen) if chosen >= 0 else _widest_first(table)


def _below_mark(table: Table) -> int | None:
    """What stands right below the last line that says that the data begins (`***End_of_Header***`, `[Data]`), as
    instruments write it."""
    for index in range(min(len(table) - 3, HEADING_AMONG), -1, -1):
        row = table.rows[index]
        if table.filled(index) != {0} or not _MARK.fullmatch(row[0].strip(WHITE)[:60]):
            continue
        weight = _weight(table, index + 1)
        if (weight.good and (weight.fit == 1 or weight.proven)) or _like_below(table, index + 1):
            return index + 1
        return None
    return None


def _is_short_heading(table: Table, index: int) -> bool:
    """Whether a record over data names the first columns, all that are before some that come again and again without
    a name: words alone, each another one, over columns that are measured."""
    if index < 0:
        return False
    kinds, filled = table.kinds(index), table.filled(index)
    texts = {table.rows[index][column].strip(WHITE).casefold() for column in filled}
    named = len(filled)
    return (
        named >= 4
        and named * 3 >= table.width
        and filled == set(range(named))
        and len(texts) == named
        and all(kinds[column] == "text" for column in filled)
        and mean_length(table.rows[index]) <= 30
        and len(filled & table.measured(index).keys()) >= 2
    )


def _later_titles(table: Table, index: int) -> int:
    """Titles that hold the delimiter may be as wide as the table. The record below is the headings where everything
    that is measured proves it and nothing proves that the one above belongs to the table."""
    after = index + 1
    if table.columns(index) == {0}:
        return _last_of_texts(table, index)
    if after >= min(len(table) - 1, HEADING_AMONG) or len(table) - after < 3:
        return index
    here, below = _weight(table, index), _weight(table, after)
    if below.fit < 1 or below.contrast != 1 or below.texts < 1:
        return index
    if len(table.columns(index)) == 2 and _is_dated(table, index):
        return after
    if len(table.measured(after)) < 2:
        return index
    if len(table.measured(after)) < len(table.columns(after)) or here.filled < below.filled:
        return index
    own, other = mean_length(table.rows[index]), mean_length(table.rows[after])
    return after if own > 2.5 * other and own > 12 else index


def _is_dated(table: Table, index: int) -> bool:
    """Whether one of two cells says a year (`Price list`, `May 2026`) and the record below two words, no units."""
    here, below = ([cell.strip(WHITE) for cell in table.rows[row]] for row in (index, index + 1))
    if (
        sum(bool(YEAR.search(cell)) for cell in here) != 1
        or len(below) != 2
        or any(map(is_measured, (table.kinds(index),) * 2, (0, 1)))
    ):
        return False
    if any(is_measured(table.kinds(index), column) for column in (0, 1)):
        return False
    return all(len(cell) > 3 and cell.isalpha() for cell in below) and below[0].casefold() != below[1].casefold()


def _below_ruler(table: Table, index: int) -> int:
    """Programs write the letters or numbers of the columns over a table."""
    texts = [cell.strip(WHITE) for cell in table.rows[index]] if len(table) else []
    after = index + 1
    if len(texts) < 2 or len(table) - after < 3:
        return index
    if texts != [str(number) for number in range(1, len(texts) + 1)] and texts != list(_ALPHABET[: len(texts)]):
        return index
    weight = _weight(table, after)
    apart = len({cell.strip(WHITE) for cell in table.rows[after]}) == len(table.rows[after])
    return after if weight.fit == 1 and weight.texts == 1 and weight.contrast in (None, 1) and apart else index


def _below_settings(table: Table, index: int) -> int:
    """Instruments write what they were set to (`Channel,1,2,3`) as wide as the table: names in the first column, where
    the table has numbers or days alone. The first record of texts over columns that are all measured begins it."""
    for later in range(index, min(len(table) - 3, HEADING_AMONG)):
        kinds = table.kinds(later)
        if kinds[:1] != ["text"]:
            return index
        filled, measured = table.filled(later), table.measured(later)
        if len(filled) < 2 or not filled == measured.keys() == table.columns(later) or not _are_words(table, later):
            continue
        if any(table.below(later)[column]["text"] > 1 for column in filled):  # units have one line
            continue
        if len(filled) == 2 and later and _are_words(table, later + 1) and mean_length(table.rows[later + 1]) > 4:
            continue  # a setting in words: what names the columns is the next one
        settings = [row for row in range(later) if not table.filled(row) >= filled or not _are_words(table, row)]
        least = 1 if len(filled) == 2 and later > 2 else 2
        return later if later > index and len(settings) >= least and not _is_table(table, 0, later) else index
    return index


def _are_words(table: Table, index: int) -> bool:
    """Whether each cell is another text, and none a value."""
    kinds, filled = table.kinds(index), table.filled(index)
    texts = {table.rows[index][column].strip(WHITE).casefold() for column in filled}
    return len(texts) == len(filled) and all(kinds[column] == "text" for column in filled)


def _last_of_texts(table: Table, index: int) -> int:
    """Of texts over a single column of numbers, days or addresses the last one names it; the others are titles, if
    they have several words."""
    for later in range(index, min(len(table), HEADING_AMONG)):
        if table.kinds(later)[:1] != ["text"]:
            below = table.below(later - 1)[0] if later > index else Counter("text")
            wordy = all(" " in table.rows[row][0].strip(WHITE) for row in range(index, later - 1))
            return index if below["text"] or len(table) - later < 2 or not wordy else later - 1
    return index


def _under_titles(table: Table, index: int, lines: Sequence[int]) -> int:
    """Titles over a narrow table are as wide as it. The headings come later, where a record is proven by all
    that is measured, and those above have a blank behind each delimiter, as prose has (`Price list, May`), or stand
    apart by blank lines and make no table themselves. Where nothing is measured, those above must read like prose, or
    be such that none of them could be headings."""
    spaced = index
    while spaced < len(table) and _is_spaced(table.rows[spaced]):
        spaced += 1
    apart = [
        row for row in range(index + 1, min(len(table), index + 13, len(lines))) if lines[row] > lines[row - 1] + 1
    ]
    for later in [spaced] if spaced > index else reversed(apart):
        if later >= min(len(table) - 2, HEADING_AMONG):
            continue
        if len(table) - later <= later - index and len(table) - later < 4:
            continue
        if spaced > index and _is_spaced(table.rows[later + 1]):
            continue  # all are, but for a line between
        weight = _weight(table, later)
        if weight.fit < 1 or weight.beyond:
            continue
        measured = table.measured(later)
        if any(is_measured(table.kinds(later), column) and column not in measured for column in table.filled(later)):
            continue
        if weight.contrast is None:
            titles = range(index, later)
            if len(table) - later <= later - index:
                continue
            if all(_is_prose(table, row) if spaced > index else _no_headings(table, row, later) for row in titles):
                return later
            if spaced == index and later == apart[-1] and _are_values(table, index, later):
                return later
        elif weight.contrast == 1 and (spaced > index or not _is_table(table, index, later)):
            return later
    return index


def _is_prose(table: Table, index: int) -> bool:
    """Whether some cell of a record has three words, or a number among them."""
    cells = [cell.strip(WHITE) for cell in table.rows[index]]
    return any(cell.count(" ") > 1 or not NUMBER_SIGNS.isdisjoint(cell) for cell in cells)


def _are_values(table: Table, index: int, later: int) -> bool:
    """Whether a few records over many more name values (`Stand: 05/2026`), most of them with a number or a colon."""
    naming = sum(
        1 for row in range(index, later) if _is_prose(table, row) or table.rows[row][0].rstrip(WHITE)[-1:] == ":"
    )
    return later - index > 1 and naming * 2 >= later - index and len(table) - later > 3 * (later - index)


def _no_headings(table: Table, index: int, later: int) -> bool:
    """Whether a record leaves columns open that the one `later` fills, or holds a number or a day."""
    filled = table.filled(index)
    return not table.filled(later) <= filled or any(is_measured(table.kinds(index), column) for column in filled)


def _is_spaced(row: Sequence[str]) -> bool:
    return sum(1 for cell in row if cell.strip(WHITE)) > 1 and all(
        cell[0] == " " for cell in row[1:] if cell.strip(WHITE)
    )


def _is_table(table: Table, begin: int, end: int) -> bool:
    """Whether the records from `begin` up to `end` are headings with records that are alike in some column but the
    first, which names what stands beside it."""
    for column in sorted(table.filled(begin))[1:]:
        kinds = {each[column] if column < len(each) else "" for each in map(table.kinds, range(begin + 1, end))}
        few = kinds == {"text"} and end - begin < 4 and len(table) - end >= 3 * (end - begin)
        if (
            len(kinds) == 1
            and kinds != {""}
            and not few
            and (kinds == {"text"} or table.kinds(begin)[column] == "text")
            and not (len(table.filled(begin)) == 2 and kinds == {"number"} and _holds_digits(table.rows[begin][column]))
        ):
            return True
    return False


def _holds_digits(text: str) -> bool:
    """As what something was set to does (`TL-20`), and few names of columns."""
    return not NUMBER_SIGNS.isdisjoint(text)


def _wordy(table: Table, index: int, later: int) -> bool:
    """Whether a record reads like a sentence or names a value (`From: 01.02.2026`), beside a later one."""
    own, other = table.rows[index], table.rows[later]
    if any(is_measured(table.kinds(index), column) for column in table.filled(index)):
        return True
    return _is_spaced(own) or mean_length(own) > 1.5 * mean_length(other) or any(cell.count(" ") > 1 for cell in own)


def _like_table(table: Table, begin: int, end: int) -> bool:
    """Whether a record from `begin` up to `end` holds what the columns below `end` hold: then the table began above."""
    measured = table.measured(end)
    for index in range(begin, end):
        kinds = table.kinds(index)
        own = [column for column in measured if column < len(kinds) and kinds[column]]
        same = sum(1 for column in own if kinds[column] in measured[column])
        least = max(len(measured), len(table.filled(index)), len(own) + 1)
        if measured and same * 2 >= least:
            return True
    return False


def _like_below(table: Table, index: int) -> bool:
    """Whether the record is as wide as those below and holds what they hold in each measured column."""
    measured = table.measured(index)
    kinds = table.kinds(index)
    filled = table.filled(index)
    columns = table.columns(index)
    if len(filled & columns) < _FITS * len(columns) or not measured.keys() & filled:
        return False
    return all(column >= len(kinds) or kinds[column] in ("", *those) for column, those in measured.items())


def _is_text(table: Table, index: int) -> bool:
    """Whether most filled cells are no values; years, days or running numbers across the top are none."""
    kinds, row = table.kinds(index), table.rows[index]
    filled, series = table.filled(index), _series(table, index)
    values = [column for column in filled if kinds[column] in MEASURED and not YEAR.fullmatch(row[column].strip(WHITE))]
    if series < filled:
        values = [column for column in values if column not in series]
    return len(values) * 2 < len(filled)


def _one_value(table: Table, index: int) -> bool:
    """Whether the record holds one day or number again and again; no headings do."""
    kinds, filled = table.kinds(index), table.filled(index)
    texts = {table.rows[index][column].strip(WHITE) for column in filled}
    return len(filled) > 1 and len(texts) * 2 < len(filled) and all(kinds[column] in MEASURED for column in filled)


def _widest_first(table: Table) -> int:
    """Where nothing speaks for any record: the first one that is no title."""
    counts = [len(table.filled(index)) for index in range(len(table))]
    commonest = usual(counts)
    for index, count in enumerate(counts[:HEADING_AMONG]):
        if count > max(1, commonest // 3) or (count == 1 and commonest == 2 and len(table.rows[index]) > 1):
            return index
    return 0


# ---- whether it is data ----------------------------------------------------------------------------------------------


def _is_data(table: Table, at: int) -> bool:
    kinds = table.kinds(at)
    filled = table.filled(at)
    measured = table.measured(at)
    series = _series(table, at)
    if not filled:
        return False
    if any(kinds[column] == "address" and "address" in measured.get(column, ()) for column in filled):
        return True
    if len(table) - at < 2:
        return all(is_measured(kinds, column) for column in filled)
    same = [column for column, those in measured.items() if column in filled and kinds[column] in those]
    other = [column for column, those in measured.items() if column in filled and kinds[column] not in ("", *those)]
    if series and len(series & set(measured)) * 2 > len(measured):
        return False
    if same and not other:
        return all(column not in series for column in same)
    if other:
        return False
    if all(is_measured(kinds, column) for column in filled):
        return not series
    return _repeats(table, at) if len(filled) > 1 else _is_one_of_codes(table, at)


def _is_one_of_codes(table: Table, at: int) -> bool:
    """A single column: whether its text begins with a digit and is built like all those below it (`1ab2`)."""
    text = table.rows[at][0].strip(WHITE)
    below = table.texts_below(at, 0)
    return len(below) > 2 and text[:1].isdigit() and {_shape(text)} == {_shape(each) for each in below}


def _repeats(table: Table, at: int) -> bool:
    """Nothing is measured: whether each cell of the record is like those below it. Each text stands below once more, or
    is built like all of them (`csv--11`), or all cells of each record are one text."""
    columns = sorted(table.filled(at))[:50]
    row = [table.rows[at][column].strip(WHITE) for column in columns]
    below = [table.texts_below(at, column) for column in columns]
    if min(map(len, below), default=0) < 2:
        return _shaped(row, below) if all(below) else False
    if all(text in texts for text, texts in zip(row, below, strict=True)):
        return True
    if len(row) > 1 and len({normalize("NFC", text) for text in row}) == 1:
        later = [{normalize("NFC", cell.strip(WHITE)) for cell in other} for other in table.rows[at + 1 : at + 20]]
        return sum(1 for cells in later if len(cells) == 1) * 4 >= len(later) * 3
    return _shaped(row, below)


def _shaped(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Each cell has a digit, and is built like all of those below it; or one has many and is (`+49 170 1234567`), or is
    one of a series (`P-100` over `P-101`)."""
    for text, texts in zip(row, below, strict=True):
        around = _DIGITS.sub("9", text)
        several = len(texts) > 3 and len({text, *texts}) > len(texts)
        if "9" in around and several and all(_DIGITS.sub("9", each) == around for each in texts):
            return True
        if sum(map(str.isdigit, text)) >= 4 and len(texts) > 1 and {_shape(text)} == {_shape(each) for each in texts}:
            return True
    for text, texts in zip(row, below, strict=True):
        if NUMBER_SIGNS.isdisjoint(text) or {_shape(text)} != {_shape(each) for each in texts}:
            return False
    return True


def _shape(text: str) -> str:
    for number, pattern in enumerate(_SHAPES):
        text = pattern.sub("9a"[number], text)
    return text


def _series(table: Table, at: int) -> set[int]:
    """The columns under years, days or running numbers across the top: those are headings, values though they are."""
    row = table.rows[at]
    if days := _days(table, at):
        return days
    found: list[tuple[int, int]] = []
    for column in sorted(table.filled(at)):
        text = row[column].strip(WHITE)
        if text.isascii() and text.isdigit() and len(text) < 6:
            found.append((column, int(text)))
    years = [column for column, number in found if YEAR.fullmatch(str(number))]
    alone = table.filled(at) == set(years) >= table.columns(at)
    if years and len(years) == len(found) and (len(years) > 2 or not alone) and not _years_below(table, at, years):
        return set(years)
    numbers = [number for _, number in found]
    steps = {after - before for before, after in pairwise(numbers)}
    if len(numbers) > 2 and steps == {1} and not _steps_below(table, at, [column for column, _ in found]):
        return {column for column, _ in found}
    return set()


def _days(table: Table, at: int) -> set[int]:
    """Columns under days across the top, as a roster has them: each another one, and no days below."""
    kinds, filled = table.kinds(at), table.filled(at)
    days = {column for column in filled if kinds[column] == "date"}
    if len(days) < 3 or len(days) * 2 < len(filled):
        return set()
    if len({table.rows[at][column].strip(WHITE) for column in days}) < len(days):
        return set()
    below = table.below(at)
    return (
        days if not any(below[column]["date"] for column in days) and any(below[column] for column in days) else set()
    )


def _years_below(table: Table, at: int, columns: Sequence[int]) -> bool:
    texts = [text for column in columns for text in table.texts_below(at, column)]
    return sum(1 for text in texts if YEAR.fullmatch(text)) * 2 > len(texts)


def _steps_below(table: Table, at: int, columns: Sequence[int]) -> bool:
    """Whether whole numbers go on growing from record to record, as 1, 2, 3 over 4, 5, 6: then the first is one of
    them. A heading says nothing about the numbers under it."""
    growing = 0
    for column in columns:
        texts = [table.rows[at][column].strip(WHITE), *table.texts_below(at, column)][:20]
        numbers = [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 16]
        steps = Counter(after - before for before, after in pairwise(numbers))
        usual_step = max(steps.values(), default=0)
        growing += len(texts) - len(numbers) <= len(texts) // 5 and len(numbers) > 2 and usual_step * 2 >= steps.total()
    if growing * 2 > len(columns):
        return True
    following = [
        row[column].strip(WHITE) for row in table.rows[at + 1 : at + 2] for column in columns if column < len(row)
    ]
    last = int(table.rows[at][columns[-1]].strip(WHITE))
    return following == [str(last + step) for step in range(1, len(columns) + 1)]  # 1, 2, 3 over 4, 5, 6


# ---- notes -----------------------------------------------------------------------------------------------------------


def _second_table(table: Table, at: int, lines: Sequence[int]) -> Iterator[Note]:
    """A further heading record among the records: two tables in one file, or headings that are repeated."""
    own = table.rows[at]
    for index in range(at + 2, len(table) - 1):
        row = table.rows[index]
        again = len(row) == len(own) and all(
            one.strip(WHITE).casefold() == other.strip(WHITE).casefold() for one, other in zip(row, own, strict=True)
        )
        gap = lines[index] - lines[index - 1] > 1
        if not again and not gap and _holds_two(table.rows[index - 1]):
            continue
        kinds, filled = table.kinds(index), table.filled(index)
        if len(filled) < 2 or any(is_measured(kinds, column) for column in filled):
            continue
        if again:
            yield note("headings_again", line=lines[index])
            return
        weight = _weight(table, index)
        if weight.fit == 1 and weight.proven and weight.contrast == 1 and _like_table(table, at + 1, index):
            yield note("second_table", line=lines[index])
            return


def _holds_two(row: Sequence[str]) -> bool:
    """Whether more than one cell is filled: most rows tell by their first two."""
    filled = (cell for cell in row if cell.strip(WHITE))
    return next(filled, None) is not None and next(filled, None) is not None
