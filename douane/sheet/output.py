"""An accepted row in the form the customer asked for: a pure function of text, kind and column, made when a row leaves.

A *record* is what `/v1` stores and shows (contract 4.1): trimmed text, numbers as numbers, "" where a cell is empty, no
field where there is no cell; `delivering` makes of it what a customer's program gets. Numbers leave as the exact
decimal they are, never by way of a double: as `msgspec.Raw` in Python, as their own digits in texts.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain, repeat
from typing import Any, NamedTuple, Protocol

import msgspec
import polars as pl
from msgspec import UNSET

from douane.model.template import Template
from douane.sheet import columns, native
from douane.sheet.columns.contract import SPACE, Judge, trim, unchanged
from douane.sheet.columns.number import canonical, canonical_number, number, values
from douane.sheet.columns.select import collapsed, elements
from douane.sheet.formats import KIND_TEXT
from douane.sheet.mapping import Layout
from douane.sheet.native import lines as by_kernel
from douane.values import dataclass

# What a spreadsheet program takes for a formula at the start of a cell (OWASP, CSV injection).
_FORMULA = r"\A[=+\-@\t\r\n]"
_MUST_ESCAPE = r'["\\\x00-\x1f]'
_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    **{chr(point): f"\\u{point:04x}" for point in range(32)},
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
}
# Up to this many characters a plain decimal has at most 15 digits, and every one of those survives a double.
_SURELY_EXACT_CHARS = 15
# Spelled as it leaves already, as nearly every number is.
_PLAIN = re.compile(r"-?[1-9][0-9]{0,14}(?:\.[0-9]{0,13}[1-9])?|-?0\.[0-9]{0,13}[1-9]|0")
# Of at most 15 digits: a double tells it from every other such.
_SHORT = r"\A-?[0-9]{1,8}(?:\.[0-9]{1,7})?\z"
# Noughts behind it, as every tenth price has.
_PADDED = re.compile(r"(-?(?:0|[1-9][0-9]{0,14})\.[0-9]{0,13}[1-9])0+|(-?[1-9][0-9]{0,14}|0)\.0+")
# Wider records are shown as dictionaries: to make a type of so many fields is dearer than what it saves.
_SHOWN_FIELDS_MAX = 256


class Shown(msgspec.Struct):
    """A record that is made for being encoded alone, at a fifth of a dictionary's price; a field that is not there is
    `UNSET`. Who goes through it meets the keys of the others, as with a dictionary."""

    def __iter__(self) -> Iterator[str]:
        members = zip(self.__struct_fields__, self.__struct_encode_fields__, strict=True)
        return (key for name, key in members if getattr(self, name) is not UNSET)


@dataclass(frozen=True, slots=True)
class Leaving:
    """What is delivered beside the stored fields of a frame's records. `lead`: fields that stand before those of each
    row: a text for all, or whole numbers, line by line; the last one is of these. `absent`: of some fields the JSON
    that stands where a record has none, null = still none; row by row, or one for all. `instead`: (which rows, the
    members that they have in place of fields). `only`: the fields that leave, in this order; None: all. Several choices
    leave as arrays."""

    lead: Mapping[str, str | by_kernel.Numbers]
    absent: Mapping[str, pl.Series]
    only: Sequence[str] | None = None
    instead: tuple[pl.Series, str] | None = None

    def after(self, lines: int) -> Leaving:
        """Of the lines after so many."""
        return Leaving(
            {key: one if isinstance(one, str) else one[lines:] for key, one in self.lead.items()},
            {key: one[lines:] if len(one) > 1 else one for key, one in self.absent.items()},
            self.only,
            self.instead and (self.instead[0][lines:], self.instead[1]),
        )


class Output:
    """Gives out the rows of frames in the form of `sheet/formats` whose cells are meant for `template` by `layout`.

    `fields`: the keys of a record in the order of the file, columns that no heading feeds after them; `positions`: of
    each the number of its `c` column."""

    fields: tuple[str, ...]
    positions: tuple[int, ...]

    def __init__(self, template: Template, layout: Layout, judges: Mapping[str, Judge] | None = None) -> None:
        """`judges`: those of the columns, by key, where a checker has them (`Checker.judges`)."""
        self._template = template
        self._positions = [(at, key) for at, key in enumerate(layout.fields) if key]
        self.fields = tuple(key for _, key in self._positions)
        self.positions = tuple(at for at, _ in self._positions)
        by_position = dict(zip(layout.columns, template.columns, strict=True))
        self._columns = [by_position.get(at) for at, _ in self._positions]
        self._judges: list[Judge | None] = [
            None if column is None else columns.judge(column) if judges is None else judges[column.key]
            for column in self._columns
        ]
        self._keep_typed = [judge is None or judge.keeps_typed for judge in self._judges]

    @cached_property
    def _shown(self) -> Callable[..., Any] | None:
        return _shown_type(self.fields)

    def empty(self) -> pl.DataFrame:
        """A frame of no rows, for a heading line or a schema."""
        return pl.DataFrame(schema={f"c{at}": pl.String for at, _ in self._positions})

    # In Python, for a page or a chunk

    def records(self, frame: pl.DataFrame) -> list[dict[str, Any]]:
        """One stored record per row: field -> text or `msgspec.Raw` (a number). Encode with msgspec.json."""
        columns, whole = [], True
        for cells, full in self._columns_of(frame):
            columns.append(cells)
            whole = whole and full
        rows = zip(*columns, strict=True)
        if whole:
            return list(map(dict, map(zip, repeat(self.fields), rows)))
        return [{key: value for key, value in zip(self.fields, row, strict=True) if value is not None} for row in rows]

    def shown(self, frame: pl.DataFrame) -> Sequence[dict[str, Any] | Shown]:
        """The same for who does nothing but encode them."""
        if self._shown is None:
            return self.records(frame)
        columns = [
            cells if full else [UNSET if cell is None else cell for cell in cells]
            for cells, full in self._columns_of(frame)
        ]
        return list(map(self._shown, *columns))

    def _columns_of(self, frame: pl.DataFrame) -> Iterator[tuple[list[Any], bool]]:
        present = set(frame.columns)  # asked for once: a frame makes the list anew each time
        return (self._values(frame, at, present) for at in range(len(self.fields)))

    def _values(self, frame: pl.DataFrame, at: int, present: set[str]) -> tuple[list[Any], bool]:
        """Of field `at`, one per row: the stored value, None = no field; and whether every row has one."""
        name, judge = f"c{self._positions[at][0]}", self._judges[at]
        if name not in present:
            return [None] * len(frame), False
        column = self._columns[at]
        kind = None if judge is None or judge.stored is unchanged else self._kind(at, present)
        if judge is not None and judge.form != "list" and not (kind is None and self._keep_typed[at]):
            stored = frame.select(judge.stored(trim(pl.col(name)), kind)).to_series()
            texts, full = stored.to_list(), not stored.null_count()
            return texts if judge.form != "number" else _exact_numbers(texts), full
        cells = frame.get_column(name)
        full = not cells.null_count()
        if full:
            texts = [text.strip(SPACE) for text in cells.to_list()]
        else:
            texts = [None if text is None else text.strip(SPACE) for text in cells.to_list()]
        if judge is not None and column is not None and judge.form == "list":
            return [text and collapsed(text, column.delimiter) for text in texts], full
        return texts if judge is None or judge.form != "number" else _exact_numbers(texts), full

    # Whole frames, for exports

    def lossless_numbers(self, frame: pl.DataFrame) -> dict[str, bool]:
        """Per number column: whether every value of this frame is a number that a double holds exactly, so that it
        reads back as the same decimal. Fold the answers of all frames with `and`."""
        doubles = self._doubles(frame, self.numbers)
        stored = self._stored(frame, self.numbers - doubles.keys())
        return {key: key in doubles or _all_lossless(stored[key]) for key in self.fields if key in self.numbers}

    def number_cells(self) -> list[str]:
        """The columns of a frame that `lossless_numbers` looks at."""
        return [f"{kind}{at}" for at, key in self._positions if key in self.numbers for kind in "ck"]

    def table(
        self,
        frame: pl.DataFrame,
        lossless: frozenset[str] = frozenset(),
        absent: Mapping[str, pl.Series] | None = None,
    ) -> pl.DataFrame:
        """One column per field, null = no cell. Number columns are Float64 where their key is in `lossless` (and "" is
        null), else the exact decimal as text; multi-select columns are lists of text; all else is text. `absent`: of
        some fields the stored text, row by row, that stands where a record has none."""
        doubles = self._doubles(frame, lossless - absent.keys() if absent else lossless)
        stored = self._stored(frame, set(self.fields) - doubles.keys())
        made = []
        for key, judge, column in zip(self.fields, self._judges, self._columns, strict=True):
            if key in doubles:
                made.append(doubles[key].alias(key))
                continue
            series = stored[key]
            if absent and key in absent and series.null_count():
                series = series.zip_with(series.is_not_null(), absent[key])
            if judge is not None and judge.form == "number" and key in lossless:
                series = values(series).alias(key)
            elif judge is not None and column is not None and judge.form == "list":
                split = series.str.split(column.delimiter)
                nothing = pl.Series([[]], dtype=pl.List(pl.String))
                series = split.zip_with((series != "").fill_null(True), nothing.new_from_index(0, len(series)))
            made.append(series.alias(key))
        return pl.DataFrame(made)

    def ndjson(self, frame: pl.DataFrame, leaving: Leaving | None = None) -> bytes:
        """The stored records, one JSON object a line; `leaving`: as they are delivered."""
        return b"".join(map(bytes, self.ndjson_blocks(frame, leaving)))

    def ndjson_blocks(
        self, frame: pl.DataFrame, leaving: Leaving | None = None, rows: by_kernel.Rows | None = None
    ) -> Iterator[bytes | memoryview]:
        """The same in blocks of whole lines, each gone when the next is asked for. `rows`: those alone, and then
        `leaving` is of those, and has nothing that differs line by line but its lead."""
        kernel = native.kernel()
        done, lines = 0, len(frame) if rows is None else len(rows)
        if lines and kernel is not None and self.fields and (leaving is None or leaving.instead is None):
            given = self._leaving(frame) if leaving is None else self._delivered(frame, leaving)
            done = yield from by_kernel.ndjson(kernel, given, len(frame), rows)
        if done < lines:
            rest = frame[done:] if rows is None else frame[rows[done:]]
            yield self._ndjson(rest, leaving and leaving.after(done))

    def _ndjson(self, frame: pl.DataFrame, leaving: Leaving | None) -> bytes:
        stored = self._stored(frame, None if leaving is None else leaving.only)
        lead = None if leaving is None else _lead(leaving.lead)
        members: list[pl.Expr] = [] if lead is None else [pl.lit(lead)]
        for at, field in enumerate(self._fields_of(leaving)):
            key, judge = self.fields[field], self._judges[field]
            if leaving is not None:
                members.append(self._member(field, stored[key], leaving, "," + msgspec.json.encode(key).decode() + ":"))
                continue
            # A member begins with its comma; without one before it there is none, if it surely stands first.
            comma = "" if at == 0 and stored[key].null_count() == 0 else ","
            members += _json_members(comma + msgspec.json.encode(key).decode() + ":", stored[key], judge)
        if not members:
            return b"{}\n" * len(frame)
        lines = pl.select(pl.concat_str([pl.lit("{"), *members, pl.lit("}")])).to_series()
        if leaving is not None and leaving.instead is not None:
            which, more = leaving.instead
            lines = (
                pl.select(pl.concat_str([pl.lit("{"), pl.lit(lead), pl.lit(more + "}")]))
                .to_series()
                .zip_with(which, lines)
            )
        if lead is None and stored[self.fields[0]].null_count():
            lines = lines.str.replace("{,", "{", literal=True)  # the first one of each line, which is the brace's
        return _written(lines.to_frame(), quote_style="never")

    def _fields_of(self, leaving: Leaving | None) -> Sequence[int]:
        """The fields that leave, by their number."""
        if leaving is None or leaving.only is None:
            return range(len(self.fields))
        return [self.fields.index(key) for key in leaving.only]

    def _member(self, field: int, stored: pl.Series, leaving: Leaving, name: str = "") -> pl.Expr:
        """`name` and what is delivered of a field, as JSON; empty where that is nothing."""
        judge, column, absent = self._judges[field], self._columns[field], leaving.absent.get(self.fields[field])
        if judge is not None and judge.form == "list" and column is not None:
            return _or_absent(name, pl.lit(_json_lists(stored, column.delimiter)), absent)
        return pl.concat_str(_json_members(name, stored, judge, absent))

    def _delivered(self, frame: pl.DataFrame, leaving: Leaving) -> list[by_kernel.Column]:
        """What the kernel makes lines of, as they are delivered."""
        found = list(_lead_columns(leaving.lead))
        present = set(frame.columns)
        for field in self._fields_of(leaving):
            column = self._as_it_leaves(frame, field, present)
            judge = self._judges[field]
            if judge is not None and judge.form == "list" and column.kind == by_kernel.Kind.LIST:
                column = column._replace(kind=by_kernel.Kind.ARRAY)
            elif judge is not None and judge.form == "list":
                column = self._as_json(field, column, frame, leaving)
            if column.key in leaving.absent and column.texts.null_count():
                column = self._as_json(field, column, frame, leaving)
            found.append(column)
        return found

    def _as_json(self, field: int, column: by_kernel.Column, frame: pl.DataFrame, leaving: Leaving) -> by_kernel.Column:
        stored = self._stored(frame, [column.key])[column.key]
        values = pl.select(self._member(field, stored, leaving)).to_series()
        values = values.zip_with(values != "", pl.Series([None], dtype=pl.String).new_from_index(0, len(values)))
        return by_kernel.Column(column.key, values, by_kernel.Kind.JSON, False)

    def objects(
        self, frame: pl.DataFrame, keys: Sequence[str], constants: Mapping[str, Any], *, image_root: str = ""
    ) -> list[bytes] | None:
        """Each record as a JSON object of the fields `keys` in their order, as it is delivered: lists split, images as
        addresses below `image_root`. A key that no record has a field of has the value of `constants`, or is left out.
        None where records differ in what they have: then each has to be looked at by itself."""
        stored = self._stored(frame)
        columns = {column.key: column for column in self._template.columns}
        judges = dict(zip(self.fields, self._judges, strict=True))
        members: list[pl.Expr] = []
        for key in keys:
            start = ("," if members else "") + msgspec.json.encode(key).decode() + ":"
            if key not in judges:
                if key in constants:
                    members.append(pl.lit(start + msgspec.json.encode(constants[key]).decode()))
                continue
            judge, series, column = judges[key], stored[key], columns.get(key)
            if series.null_count():
                return None
            if judge is not None and column is not None and judge.form == "list":
                texts = series.unique()
                lists = [msgspec.json.encode(elements(text, column.delimiter)).decode() for text in texts.to_list()]
                members += [pl.lit(start), pl.lit(series.replace_strict(texts, lists, return_dtype=pl.String))]
                continue
            if column is not None and column.type == "Image" and image_root:
                series = (image_root + "/" + series).zip_with(series != "", series)
            members += _json_members(start, series, judge)
        lines = pl.select(pl.concat_str([pl.lit("{"), *members, pl.lit("}")])).to_series()
        if len(lines) != len(frame):  # nothing in it is of a row
            lines = lines.new_from_index(0, len(frame))
        return _written(lines.to_frame(), quote_style="never").splitlines()

    def csv(self, frame: pl.DataFrame, *, header: bool, escape_formulas: bool = False) -> bytes:
        """The records as CSV by RFC 4180: UTF-8, commas, CRLF, quotes where needed; an absent cell is empty. Numbers
        keep the spelling they were accepted in (`12.50`): text has no need of another.

        `escape_formulas` is for what a person opens in a spreadsheet program: a text cell that such a program would
        take for a formula gets an apostrophe before it."""
        if header or escape_formulas:
            return csv_of(self.texts(frame, escape_formulas=escape_formulas), header=header)
        return b"".join(map(bytes, self.csv_blocks(frame)))

    def csv_blocks(self, frame: pl.DataFrame, rows: by_kernel.Rows | None = None) -> Iterator[bytes | memoryview]:
        """The same without a heading line, in blocks of whole lines, each gone when the next is asked for. `rows`:
        those alone."""
        kernel = native.kernel()
        done, lines = 0, len(frame) if rows is None else len(rows)
        if lines and kernel is not None and self.fields:
            done = yield from by_kernel.csv(kernel, self._leaving(frame), len(frame), rows)
        if done < lines:
            rest = frame[done:] if rows is None else frame[rows[done:]]
            yield csv_of(self.texts(rest), header=False)

    def texts(self, frame: pl.DataFrame, *, escape_formulas: bool = False) -> pl.DataFrame:
        """Per field the stored text, a number as it was written; null = nothing is there."""
        texts = self._texts(frame)
        if escape_formulas:
            texts = texts.with_columns(
                _escaped_formulas(texts[key], judge) for key, judge in zip(self.fields, self._judges, strict=True)
            )
        if len(self.fields) > 1:  # a line of a single empty cell has to show its quotes, or it would be no record
            return texts.with_columns(pl.all().replace("", None))
        return texts.fill_null("")

    def written(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The same; null = no field."""
        return self._texts(frame)

    def same_numbers(self, one: pl.DataFrame, other: pl.DataFrame, key: str) -> pl.Series:
        """Row by row, whether the fields of a number column hold the same number, or the same text."""
        texts = [self._texts(frame, [key])[key].fill_null("") for frame in (one, other)]
        plain = texts[0].str.contains(_SHORT) & texts[1].str.contains(_SHORT)
        values = [text.cast(pl.Float64, strict=False) for text in texts]
        same = (values[0] == values[1]) & plain
        rest = (~plain).arg_true()
        if len(rest) == 0:
            return same
        stored = [self._stored(frame[rest], [key])[key].fill_null("") for frame in (one, other)]
        return same.fill_null(False).scatter(rest, stored[0] == stored[1])

    def cells(self, frame: pl.DataFrame) -> pl.DataFrame:
        """As `texts`, with a number as its one exact spelling."""
        return self._stored(frame)

    @property
    def lists(self) -> frozenset[str]:
        """The columns of several choices, fed or not."""
        fed = zip(self.fields, self._judges, strict=True)
        return frozenset(key for key, judge in fed if judge is not None and judge.form == "list")

    @property
    def numbers(self) -> frozenset[str]:
        return frozenset(
            key
            for key, judge in zip(self.fields, self._judges, strict=True)
            if judge is not None and judge.form == "number"
        )

    def _stored(self, frame: pl.DataFrame, only: Collection[str] | None = None) -> pl.DataFrame:
        """Per field (or those of `only`) the stored text, a number as its one exact spelling; null = no field."""
        stored = self._texts(frame, only)
        for key, judge in zip(self.fields, self._judges, strict=True):
            if judge is not None and judge.form == "number" and (only is None or key in only):
                stored = stored.with_columns(_spelled_once(stored[key]).alias(key))
        return stored

    def _texts(self, frame: pl.DataFrame, only: Collection[str] | None = None) -> pl.DataFrame:
        """Per field the stored text, a number as it was written; null = no field."""
        present = set(frame.columns)
        kernel = native.kernel()
        wanted = []
        for field, ((at, key), judge) in enumerate(zip(self._positions, self._judges, strict=True)):
            if only is not None and key not in only:
                continue
            name = f"c{at}"
            kind = None if kernel is None else self._as_staged(field, present)
            if kernel is not None and kind is not None:
                column = by_kernel.Column(key, frame[name], kind, True, self._delimiter(field, kind))
                if by_kernel.leaves_as_it_came(kernel, column):
                    wanted.append(pl.col(name).alias(key))
                    continue
            if name not in present:
                wanted.append(pl.repeat(None, pl.len(), dtype=pl.String).alias(key))
                continue
            text = trim(pl.col(name))
            wanted.append((text if judge is None else judge.stored(text, self._kind(field, present))).alias(key))
        return frame.select(wanted)

    def _leaving(self, frame: pl.DataFrame) -> list[by_kernel.Column]:
        """What the kernel makes lines of: texts as they were staged, where it knows what is stored of them."""
        present = set(frame.columns)
        return [self._as_it_leaves(frame, field, present) for field in range(len(self.fields))]

    def _as_it_leaves(self, frame: pl.DataFrame, field: int, present: set[str]) -> by_kernel.Column:
        (at, key), kind = self._positions[field], self._as_staged(field, present)
        if kind is not None:
            return by_kernel.Column(key, frame[f"c{at}"], kind, True, self._delimiter(field, kind))
        kind = by_kernel.Kind.NUMBER if key in self.numbers else by_kernel.Kind.TEXT
        return by_kernel.Column(key, self._texts(frame, [key])[key], kind, False)

    def _as_staged(self, field: int, present: set[str]) -> by_kernel.Kind | None:
        """How the kernel makes what is stored of what is staged; None where the column's type makes something else."""
        (at, _), judge = self._positions[field], self._judges[field]
        if f"c{at}" not in present:
            return None
        if judge is not None and judge.form == "list":
            column = self._columns[field]
            simple = column is not None and len(column.delimiter) == 1 and column.delimiter.isascii()
            return by_kernel.Kind.LIST if simple else None
        if judge is None or judge.stored is unchanged or (self._keep_typed[field] and f"k{at}" not in present):
            return by_kernel.Kind.NUMBER if judge is not None and judge.form == "number" else by_kernel.Kind.TEXT
        return None

    def _delimiter(self, field: int, kind: by_kernel.Kind) -> str:
        column = self._columns[field]
        return column.delimiter if column is not None and kind == by_kernel.Kind.LIST else ""

    def _doubles(self, frame: pl.DataFrame, only: Collection[str]) -> dict[str, pl.Series]:
        """Of those of the columns `only` whose numbers a double holds for certain, the doubles; by the kernel."""
        kernel = native.kernel()
        if kernel is None:
            return {}
        present, found = set(frame.columns), {}
        for field, (at, key) in enumerate(self._positions):
            if key in only and self._as_staged(field, present) == by_kernel.Kind.NUMBER:
                doubles = by_kernel.doubles(kernel, frame[f"c{at}"])
                if doubles is not None:
                    found[key] = doubles
        return found

    def _kind(self, field: int, present: set[str]) -> pl.Expr | None:
        """The kinds of the field's cells, where the frame has them."""
        name = f"k{self._positions[field][0]}"
        return pl.col(name).fill_null(KIND_TEXT) if name in present else None


class Some(NamedTuple):
    """Rows of a frame, in order: those at `at`, or all of them."""

    frame: pl.DataFrame
    at: by_kernel.Rows | None = None

    def rows(self) -> pl.DataFrame:
        return self.frame if self.at is None else self.frame[self.at]


class Whole:
    """The rows of many frames as a table for `encodings` (its `contract.Table`). `frames` gives them anew each time, of
    their columns only those that it is given, if any; rows of the frames may bring further columns along (`beside`)."""

    def __init__(
        self,
        output: Output,
        frames: Callable[[Sequence[str] | None], Iterator[Some]],
        beside: Beside | None = None,
    ) -> None:
        self._output, self._frames, self._beside = output, frames, beside
        self.numbers = output.numbers | (frozenset() if beside is None else beside.numbers)

    def frames(self) -> Iterator[pl.DataFrame]:
        """A number column is float64 only if every one of its values is exact as that."""
        lossless: dict[str, bool] = {}
        for some in self._frames(self._output.number_cells()) if self._output.numbers else ():
            for key, exact in self._output.lossless_numbers(some.rows()).items():
                lossless[key] = lossless.get(key, True) and exact
        exact_keys = frozenset(key for key, exact in lossless.items() if exact)
        return self._each(
            lambda frame: self._output.table(frame, lossless=exact_keys), lambda beside, frame: beside.typed(frame)
        )

    def texts(self) -> Iterator[pl.DataFrame]:
        return self._each(self._output.texts, lambda beside, frame: beside.texts(frame))

    def cells(self) -> Iterator[pl.DataFrame]:
        return self._each(self._output.cells, lambda beside, frame: beside.texts(frame))

    def delimited(self) -> Iterator[bytes | memoryview]:
        if self._beside is not None:
            yield from csv_blocks(self.texts())
            return
        yield self._output.csv(self._output.empty(), header=True)
        for some in self._frames(None):
            yield from self._output.csv_blocks(some.frame, some.at)

    def records(self) -> Iterator[bytes | memoryview]:
        for some in self._frames(None):
            if self._beside is None:
                yield from self._output.ndjson_blocks(some.frame, rows=some.at)
            else:
                frame = some.rows()
                yield _joined(self._output.ndjson(frame), self._beside.json(frame))

    def _each(
        self,
        form: Callable[[pl.DataFrame], pl.DataFrame],
        beside: Callable[[Beside, pl.DataFrame], pl.DataFrame],
    ) -> Iterator[pl.DataFrame]:
        for frame in chain([self._output.empty()], (some.rows() for some in self._frames(None))):
            made = form(frame)
            yield made if self._beside is None else made.hstack(beside(self._beside, frame))


class Beside(Protocol):
    """Further columns of a frame's rows, after its fields; of a frame without rows, their names and types."""

    numbers: frozenset[str]

    def typed(self, frame: pl.DataFrame) -> pl.DataFrame: ...
    def texts(self, frame: pl.DataFrame) -> pl.DataFrame: ...
    def json(self, frame: pl.DataFrame) -> list[bytes]:
        """Of each row the members of an object, without its braces; never none."""
        ...


def _joined(lines: bytes, members: Sequence[bytes]) -> bytes:
    """NDJSON objects with further members."""
    out = []
    for line, more in zip(lines.splitlines(), members, strict=True):
        out.append(line[:-1] + (b"" if line == b"{}" else b",") + more + b"}\n")
    return b"".join(out)


def csv_blocks(frames: Iterator[pl.DataFrame]) -> Iterator[bytes]:
    """CSV of one table that comes in many frames."""
    for at, frame in enumerate(frames):
        yield csv_of(frame, header=at == 0)


def csv_of(frame: pl.DataFrame, *, header: bool) -> bytes:
    return _written(frame, include_header=header, line_terminator="\r\n", quote_style="necessary")


def _written(frame: pl.DataFrame, *, include_header: bool = False, **options: Any) -> bytes:
    """Straight to bytes: by way of a text it would be copied twice more."""
    file = io.BytesIO()
    frame.write_csv(file, include_header=include_header, **options)
    return file.getvalue()


def _shown_type(fields: Sequence[str]) -> Callable[..., Any] | None:
    """Makes a record of the values of its fields; None where they are too many, or a key is more than its letters."""
    if not 0 < len(fields) <= _SHOWN_FIELDS_MAX or len(set(fields)) < len(fields):
        return None
    names = {f"f{at}": key for at, key in enumerate(fields)}
    try:
        return msgspec.defstruct("Record", [(name, Any) for name in names], bases=(Shown,), rename=names, gc=False)
    except ValueError:  # of a sign that JSON escapes
        return None


def _exact_numbers(texts: Sequence[str | None]) -> list[str | msgspec.Raw | None]:
    plain, raw = _PLAIN.fullmatch, msgspec.Raw
    return [text and (raw(text.encode()) if plain(text) else _exact_number(text)) for text in texts]


def _exact_number(text: str) -> str | msgspec.Raw:
    """Of one that is not plain."""
    if padded := _PADDED.fullmatch(text):
        return msgspec.Raw((padded[1] or padded[2]).encode())
    if number(text) is None:
        return text
    exact = canonical_number(text)
    return text if exact is None else msgspec.Raw(exact.encode())


def _are_numbers(texts: pl.Series) -> pl.Series:
    return values(texts).is_finite().fill_null(False)


def _spelled_once(texts: pl.Series) -> pl.Series:
    """Numbers as their exact decimal, any other text as it is."""
    numbers = _are_numbers(texts)
    if numbers.all():
        return canonical(texts)
    rows = numbers.arg_true()
    return texts.scatter(rows, canonical(texts.gather(rows)))


def _all_lossless(texts: pl.Series) -> bool:
    filled = texts.filter((texts != "").fill_null(False))
    if not _are_numbers(filled).all():
        return False
    unsure = filled.filter((filled.str.len_bytes() > _SURELY_EXACT_CHARS) | filled.str.contains("e", literal=True))
    return all(canonical_number(repr(float(text))) == text for text in unsure.unique().to_list())


def _json_escaped(texts: pl.Series) -> pl.Series:
    odd = texts.str.contains(_MUST_ESCAPE).fill_null(False)
    if not odd.any():
        return texts
    rows = odd.arg_true()
    return texts.scatter(rows, texts.gather(rows).str.replace_many(list(_ESCAPES), list(_ESCAPES.values())))


def _lead(fields: Mapping[str, str | by_kernel.Numbers]) -> pl.Series:
    """The members of `Leaving.lead`, line by line."""
    made: pl.Series | None = None
    for column in _lead_columns(fields):
        assert column.name is not None
        text = pl.Series([("" if made is None else ",") + column.name.decode()])
        made = (text if made is None else made + text) + pl.Series(column.places).cast(pl.String)
    assert made is not None
    return made


def _lead_columns(fields: Mapping[str, str | by_kernel.Numbers]) -> Iterator[by_kernel.Column]:
    """One for each member that differs from line to line, with the constant ones before it in its name."""
    text = b""
    for key, value in fields.items():
        text += (b"," if text else b"") + msgspec.json.encode(key) + b":"
        if isinstance(value, str):
            text += msgspec.json.encode(value)
            continue
        yield by_kernel.Column("", pl.Series(dtype=pl.String), by_kernel.Kind.PLACE, False, name=text, places=value)
        text = b""
    assert not text, "the last member of a lead differs from line to line"


def _json_members(name: str, stored: pl.Series, judge: Judge | None, absent: pl.Series | None = None) -> list[pl.Expr]:
    """The pieces of `name` and value, one after the other. Where there is no field `absent` is the value, and without
    one they are empty all together."""
    text = pl.lit(_json_escaped(stored))
    numbers = _are_numbers(stored) if judge is not None and judge.form == "number" else None
    if stored.null_count() == 0 and numbers is None:
        return [pl.lit(name + '"'), text, pl.lit('"')]
    if stored.null_count() == 0 and numbers is not None and numbers.all():
        return [pl.lit(name), text]
    quoted = pl.concat_str([pl.lit(name + '"'), text, pl.lit('"')])
    if numbers is not None:
        quoted = pl.when(pl.lit(numbers)).then(pl.concat_str([pl.lit(name), text])).otherwise(quoted)
    return [_or_absent("", quoted, None if absent is None else name + absent)]


def _or_absent(name: str, value: pl.Expr, absent: pl.Series | None) -> pl.Expr:
    """`name` and value, where there is one; else the same with `absent`, row by row or one for all, or else nothing."""
    member = pl.concat_str([pl.lit(name), value]) if name else value
    if absent is not None:
        other = pl.lit(absent if len(absent) > 1 else absent[0], dtype=pl.String)
        member = pl.coalesce(member, pl.concat_str([pl.lit(name), other]) if name else other)
    return member.fill_null("")


def _json_lists(stored: pl.Series, delimiter: str) -> pl.Series:
    """Stored texts of several choices as JSON arrays; null stays null."""
    made = ('["' + stored.str.replace_all(delimiter, '","', literal=True) + '"]').zip_with(
        (stored != "").fill_null(True), pl.Series(["[]"]).new_from_index(0, len(stored))
    )
    odd = stored.str.contains(_MUST_ESCAPE).fill_null(False)
    if odd.any():
        rows = odd.arg_true()
        arrays = [msgspec.json.encode(elements(text, delimiter)).decode() for text in stored.gather(rows).to_list()]
        made = made.scatter(rows, pl.Series(arrays))
    return made


def _escaped_formulas(texts: pl.Series, judge: Judge | None) -> pl.Series:
    risky = texts.str.contains(_FORMULA).fill_null(False)
    if judge is not None and judge.form == "number":
        risky = risky & ~_are_numbers(texts)
    return ("'" + texts).zip_with(risky, texts).alias(texts.name) if risky.any() else texts
