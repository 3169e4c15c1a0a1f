"""The feed of a template: the accepted rows of all its imports, in the order of acceptance, for programs that pull.

A *cursor* names a place in it: so many rows of one import. An answer holds rows of one import alone, so that the same
cursor, limit and form give the same bytes for ever, whatever was accepted since: what an import leaves with is frozen
when it is accepted (schema, headings, revisions, verdicts). Only forgetting changes it, and leaves a tombstone.

Who reads exactly once keeps the cursor with the rows, in one transaction of its own. *Consumers* are names under which
the server keeps a cursor too: for those who cannot, and so that people see how far behind each is.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import io
import re
import struct
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec
import polars as pl
from msgspec.structs import replace
from sqlalchemy import Connection

from douane import encodings
from douane.errors import BadRequest, Conflict, NotFound, OverLimit
from douane.flow import records, revisions
from douane.flow.forms import form_of, template_of
from douane.flow.house import House
from douane.flow.read_ahead import Mark, ReadAhead
from douane.flow.records import Excerpt
from douane.jobs.children import Seat
from douane.line.paged import Pages, Piece
from douane.line.sheet import Feeding
from douane.model.operation import Document, Operation
from douane.model.sheet_import import sheet_detail
from douane.sheet import feeding, formatting
from douane.sheet.output import Output, Some
from douane.staging import masks
from douane.staging.masks import FORGOTTEN
from douane.staging.pages import Directory
from douane.staging.parts import read_part
from douane.staging.revisions import overlay
from douane.store import feeds, operations, templates
from douane.store.database import read, remembered, write
from douane.store.feeds import Consumer, Entry, Lag, Standing

FORMS = ("ndjson", "arrow")
END = "end"  # in place of a cursor: where the feed ends now
VIEW: masks.Wider = "accepted"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

_going_on = ReadAhead()

_LAYOUT = struct.Struct(">B12sIQ4s")  # layout 1, template, number, position, the end of the import's id
_CHECK = 7  # bytes of a hash over all that, against cursors that were cut or mistyped
_CHARS = 48


@dataclass(frozen=True, slots=True)
class Place:
    """`position` rows of the import that has `number` in the feed; (0, 0) is the beginning. `before`: the rows of all
    imports before that one. `entry`: that import, where it was looked up."""

    number: int = 0
    position: int = 0
    operation_id: str = ""
    before: int = 0
    entry: Entry | None = None

    @property
    def read(self) -> int:
        """Rows of the feed before this place."""
        return self.before + self.position


@dataclass(frozen=True, slots=True)
class Fetched:
    """Some rows of one import, encoded: `first` is where they begin in it. `cursor` is the place after them; `behind`
    rows are there after it now."""

    operation_id: str
    first: int
    rows: int
    cursor: str
    behind: int
    chunks: Iterator[Piece]


@dataclass(frozen=True, slots=True)
class Nothing:
    """There are no rows after the cursor yet. `number`: the newest import of the feed."""

    cursor: str
    number: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A consumer and how far it is: `rows` it has not acknowledged, the oldest of which waits for `seconds`."""

    name: str
    cursor: str
    created_at: datetime
    acked_at: datetime
    rows: int
    seconds: float


class AckedFurther(Conflict):
    """A consumer has acknowledged more than this already; `cursor` is where it is."""

    code = "acked_further"

    def __init__(self, cursor: str) -> None:
        super().__init__(
            "This consumer has acknowledged rows after that cursor already; acknowledgements go forward only."
        )
        self.cursor = cursor


# Cursors


def cursor_of(template_id: str, place: Place) -> str:
    held = _LAYOUT.pack(1, bytes.fromhex(template_id), place.number, place.position, _tail(place.operation_id))
    return base64.urlsafe_b64encode(held + _check(held)).decode()


def _tail(operation_id: str) -> bytes:
    return bytes.fromhex(operation_id[-8:]) if operation_id else b"\0" * 4


def _check(held: bytes) -> bytes:
    return hashlib.sha256(b"douane feed cursor" + held).digest()[:_CHECK]


class _Cursor(NamedTuple):
    """What a cursor says; `tail` of the import's id."""

    template_id: str
    number: int
    position: int
    tail: bytes


def _decoded(text: str) -> _Cursor | None:
    """None for what is no cursor, or not all of one."""
    try:
        if len(text) != _CHARS:
            return None
        data = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
        held, check = data[: _LAYOUT.size], data[_LAYOUT.size :]
        layout, template, number, position, tail = _LAYOUT.unpack(held)
    except (ValueError, binascii.Error, struct.error):
        return None
    return _Cursor(template.hex(), number, position, tail) if check == _check(held) and layout == 1 else None


def _place(connection: Connection, template_id: str, text: str) -> Place:
    """BadRequest for a cursor that is none, another feed's, or of a place that this one does not have."""
    at = _decoded(text)
    if at is None:
        raise BadRequest("That is no cursor of a feed, or part of it was lost on the way.", code="cursor_broken")
    number, position = at.number, at.position
    if at.template_id != template_id:
        raise BadRequest("That cursor is of another template's feed.", code="cursor_foreign")
    if number == 0:
        if position:
            raise _ahead(connection, template_id)
        return Place()
    found = feeds.entry(connection, template_id, number)
    if found is None or position > found.rows:
        raise _ahead(connection, template_id)
    if _tail(found.operation_id) != at.tail:
        raise BadRequest(
            f"That cursor stands in an upload that is not the feed's number {number}: is this another installation, or "
            "was its database brought back from a backup?",
            code="cursor_foreign",
        )
    return Place(number, position, found.operation_id, found.rows_before, found)


def _ahead(connection: Connection, template_id: str) -> BadRequest:
    newest = feeds.newest(connection, template_id)
    there = (
        "no upload yet" if newest is None else f"{newest.number} uploads with {newest.rows_before + newest.rows} rows"
    )
    return BadRequest(
        f"That cursor is ahead of this feed, which has {there}: was the database brought back from a backup?",
        code="cursor_ahead",
    )


def _template(connection: Connection, template_id: str, project_id: str) -> None:
    if not templates.exists(connection, template_id, project_id):
        raise NotFound(f"Template with id {template_id} does not exist")


def _checked_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise BadRequest(
            "A consumer's name has 1 to 100 letters, digits, dots, dashes and underscores, and begins with a letter or "
            "digit.",
            code="consumer_name",
        )
    return name


# Reading


def fetch(
    house: House, project_id: str, template_id: str, cursor: str | None, consumer: str | None, limit: int, form: str
) -> Fetched | Nothing:
    """At most `limit` rows after a cursor; without one, after what the consumer acknowledged last, and without either
    from the beginning. NotFound for a template that is another project's or none."""
    if form not in FORMS:
        raise BadRequest("A feed leaves as NDJSON or Arrow.")
    going = _going_on_in(house, project_id, template_id, cursor, consumer)
    leaving = None
    if going is not None:
        standing, offset = going
        leaving = _leaving.held(standing)
    if leaving is None:
        with read(house.engine) as connection:
            if going is None:
                _template(connection, template_id, project_id)
                place = _begin(connection, template_id, cursor, consumer)
                entry, offset = place.entry, place.position
                if entry is None or offset >= entry.rows:
                    entry, offset = feeds.following(connection, template_id, place.number), 0
                its = None if entry is None else feeds.standing(connection, template_id, project_id, entry.number)
                if its is None:
                    newest = feeds.newest(connection, template_id)
                    return Nothing(cursor_of(template_id, place), 0 if newest is None else newest.number)
                standing = its
            leaving = _leaving.of(connection, standing)
    found, there = standing.entry, standing.there
    operation, directory = leaving.operation, leaving.directory
    if directory.total(VIEW) != found.rows:
        # Its records are no more: one tombstone stands for all that would follow.
        end = Place(found.number, found.rows, found.operation_id, found.rows_before)
        left = iter([_tombstone(operation.id, form)])
        return Fetched(operation.id, offset, found.rows - offset, cursor_of(template_id, end), there - end.read, left)
    count = min(limit, found.rows - offset)
    after = Place(found.number, offset + count, found.operation_id, found.rows_before)
    asked = leaving.asked
    if form == "arrow":
        asked = replace(asked, exact=_exact(house, found, operation, directory))
    chunks: Iterator[Piece]
    if count <= house.settings.page_rows_max:
        following = _read_ahead(house, operation, directory, offset, limit, form, asked)
        chunks = following or iter([_page(house, operation, directory, offset, count, form, asked)])
    else:
        chunks = _apart(house, operation, directory, Excerpt(VIEW, form, limit=count, skip=offset, feeding=asked))
    return Fetched(operation.id, offset, count, cursor_of(template_id, after), there - after.read, chunks)


def _going_on_in(
    house: House, project_id: str, template_id: str, cursor: str | None, consumer: str | None
) -> tuple[Standing, int] | None:
    """The import in the midst of which a cursor or a consumer stands, and where; None for any other place, and for
    whatever is to be refused. It is what nearly every page begins with: one look-up, and none where the database can
    tell that nothing was changed since the last one."""
    at = _decoded(cursor) if cursor else None
    if cursor:
        if at is None or at.template_id != template_id:
            return None
    elif consumer is None or not NAME.fullmatch(consumer):
        return None

    def ask(connection: Connection) -> tuple[Standing | None, int]:
        number, position = 0, 0
        if at is not None:
            number = at.number
        elif (held := feeds.consumer(connection, template_id, str(consumer))) is not None:
            number, position = held.number, held.position
        return feeds.standing(connection, template_id, project_id, number), position

    # Whatever the position: the next page asks the same.
    asked = ("feed", project_id, template_id, consumer if at is None else at.number)
    found, position = remembered(house.engine, asked, ask)
    if at is not None:
        position = at.position
    if found is None or position >= found.entry.rows:
        return None
    if at is not None and at.tail != _tail(found.entry.operation_id):
        return None
    return found, position


@dataclass(frozen=True, slots=True)
class _Leaving:
    """What the pages of an accepted import are made of. `asked`: as NDJSON."""

    stamp: tuple[int, str, int, int]
    operation: Operation
    directory: Directory
    asked: Feeding


class _Kept:
    """That of the imports that were read last, with the stamp that it was found under: the database says with each page
    whether that is still so."""

    def __init__(self, most: int = 64) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Leaving] = OrderedDict()

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()

    def held(self, standing: Standing) -> _Leaving | None:
        key = standing.entry.operation_id
        with self._lock:
            held = self._kept.get(key)
            if held is None or held.stamp != standing.stamp:
                return None
            self._kept.move_to_end(key)
            return held

    def of(self, connection: Connection, standing: Standing) -> _Leaving:
        if (held := self.held(standing)) is not None:
            return held
        key = standing.entry.operation_id
        # What is read after its stamp may be newer than that: then the next page finds another stamp, and asks again.
        operation = _without_cells(operations.get(connection, key))
        made = _Leaving(standing.stamp, operation, records.directory_of(connection, operation), _asked(operation, ()))
        with self._lock:
            self._kept[key] = made
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made


_leaving = _Kept()


def _without_cells(operation: Operation) -> Operation:
    """The same without what its document quotes of the file: no page needs it, and what somebody has forgotten must not
    be in a process that nobody asked since."""
    detail = replace(sheet_detail(operation), records=(), facts=(), summary=None)
    return dataclasses.replace(operation, detail=Document(msgspec.to_builtins(detail)))


def _apart(
    house: House, operation: Operation, directory: Directory, wanted: Excerpt, seat: Seat | None = None
) -> Iterator[bytes]:
    with read(house.engine) as connection:
        last, _ = operations.revision_numbers(connection, operation.id)
    return records.encoded_apart(house, operation, directory, last, wanted, seat)


def _read_ahead(
    house: House, operation: Operation, directory: Directory, offset: int, limit: int, form: str, asked: Feeding
) -> Iterator[Piece] | None:
    """The page from a process that makes all from it on, for who goes on."""

    def begin() -> Pages:
        seat = house.seats.take(wait_s=0)
        wanted = Excerpt(VIEW, form, skip=offset, feeding=asked, pages_of=limit)
        return Pages(_apart(house, operation, directory, wanted, seat))

    mark = Mark(operation.id, operation.version, offset, limit, form)
    return _going_on.page(mark, directory.total(VIEW), begin)


def _begin(connection: Connection, template_id: str, cursor: str | None, consumer: str | None) -> Place:
    if cursor == END:
        newest = feeds.newest(connection, template_id)
        if newest is None:
            return Place()
        return Place(newest.number, newest.rows, newest.operation_id, newest.rows_before, newest)
    if cursor:
        return _place(connection, template_id, cursor)
    if consumer is None:
        return Place()
    held = feeds.consumer(connection, template_id, _checked_name(consumer))
    return Place() if held is None else _place_of(connection, held)


def _place_of(connection: Connection, held: Consumer) -> Place:
    found = feeds.entry(connection, held.template_id, held.number)
    if found is None:
        return Place()
    return Place(held.number, held.position, found.operation_id, found.rows_before, found)


def _asked(operation: Operation, exact: tuple[str, ...]) -> Feeding:
    """How its records leave, as it was when the import began."""
    formats = sheet_detail(operation).formats
    if formats is None:
        return Feeding(operation.id, exact)
    if formats.record:
        return Feeding(operation.id, exact, record_format=formats.record)
    return Feeding(operation.id, exact, only=tuple(column.key for column in template_of(operation).columns))


def _page(
    house: House, operation: Operation, directory: Directory, offset: int, count: int, form: str, asked: Feeding
) -> bytes:
    made = form_of(operation)
    found = directory.page(VIEW, offset, count, house.objects.local_path)
    frame = records.standing_frame(house, operation, found)
    piece = feeding.placed(Some(frame), found.rows, found.states == FORGOTTEN)
    fed = feeding.Fed(
        made.output,
        made.template,
        operation.id,
        lambda: iter([piece]),
        record_format=None if asked.record_format is None else formatting.decoded(asked.record_format),
        only=asked.only,
        exact=asked.exact,
    )
    return _encoded(fed, house, form)


def _encoded(table: encodings.Table, house: House, form: str) -> bytes:
    data = io.BytesIO()
    encodings.member(form).encode(table, house.settings.work_folder, data)
    return data.getvalue()


def _tombstone(operation_id: str, form: str) -> bytes:
    """What is left of a whole import: that it is forgotten."""
    if form == "ndjson":
        return f'{{"{feeding.UPLOAD}":"{operation_id}","{feeding.FORGOTTEN}":true}}\n'.encode()
    frame = pl.DataFrame(
        {feeding.UPLOAD: [operation_id], feeding.ROW: [None], feeding.FORGOTTEN: [True]},
        schema={feeding.UPLOAD: pl.String, feeding.ROW: pl.Int64, feeding.FORGOTTEN: pl.Boolean},
    )
    data = io.BytesIO()
    frame.write_ipc_stream(data, compat_level=pl.CompatLevel.oldest())
    return data.getvalue()


def _exact(house: House, found: Entry, operation: Operation, directory: Directory) -> tuple[str, ...]:
    """The number columns of an import whose every accepted value a double holds exactly. Found once and kept, so that
    all answers have one schema."""
    if found.exact is not None:
        return found.exact
    output = form_of(operation).output
    exact = dict.fromkeys(sorted(output.numbers), True)
    for column in template_of(operation).columns:
        if column.key in exact and not feeding.exact_default(column):
            exact[column.key] = False
    if exact:
        for frame in _accepted_numbers(house, operation, directory, output):
            for key, lossless in output.lossless_numbers(frame).items():
                exact[key] = exact[key] and lossless
    keys = tuple(key for key, lossless in exact.items() if lossless)
    with write(house.engine) as connection:
        feeds.keep_exact(connection, found, keys)
    with read(house.engine) as connection:
        kept = feeds.of_operation(connection, operation.id)
    return keys if kept is None or kept.exact is None else kept.exact


def _accepted_numbers(
    house: House, operation: Operation, directory: Directory, output: Output
) -> Iterator[pl.DataFrame]:
    """The cells of the number columns, part by part."""
    with read(house.engine) as connection:
        cells = revisions.standing(house, connection, operation.id)
    keys = form_of(operation).keys
    # A part may have none of them, and yet rows that people gave numbers.
    wanted = ["_line", *output.number_cells()]
    locate = house.objects.local_path
    for entry in directory.entries:
        if entry.valid + entry.forgotten == 0 or entry.mask_object is None:
            continue
        state = masks.read_mask(locate(entry.mask_object)).state
        offsets = masks.view_offsets(state, VIEW)
        rows = directory.numbers(entry, offsets, locate)
        yield overlay(read_part(locate(entry.object), wanted)[offsets], rows, cells, keys)


# Consumers


def acknowledge(house: House, project_id: str, template_id: str, name: str, cursor: str) -> Reading:
    """The consumer has all rows before the cursor. AckedFurther where it had said more than that; the same cursor again
    is no fault."""
    _checked_name(name)
    for last_try in (False, True):
        try:
            with write(house.engine) as connection:
                _template(connection, template_id, project_id)
                place = _place(connection, template_id, cursor)
                held = feeds.consumer(connection, template_id, name, lock=True)
                if held is None:
                    most = house.settings.feed_consumers_max
                    if len(feeds.consumers(connection, template_id)) >= most:
                        raise OverLimit(
                            f"The feed of a template has at most {most} consumers.", setting="feed_consumers_max"
                        )
                    feeds.add_consumer(connection, template_id, name, place.number, place.position)
                else:
                    before = _place_of(connection, held)
                    if place.read < before.read:
                        raise AckedFurther(cursor_of(template_id, before))
                    feeds.move_consumer(connection, held, place.number, place.position)
                # Here, for another call may remove the consumer right after it.
                return _readings(connection, template_id, name)[0]
        except AckedFurther:
            raise
        except Conflict:
            # Two first acknowledgements at once.
            if last_try:
                raise
    raise AssertionError("the last try returns or raises")


def consumers(house: House, project_id: str, template_id: str) -> list[Reading]:
    """By name."""
    with read(house.engine) as connection:
        _template(connection, template_id, project_id)
        return _readings(connection, template_id)


def _readings(connection: Connection, template_id: str, name: str | None = None) -> list[Reading]:
    """Of all consumers, or of one."""
    behind = {lag.name: lag for lag in feeds.lags(connection, template_id, name)}
    if name is None:
        found = feeds.consumers(connection, template_id)
    else:
        one = feeds.consumer(connection, template_id, name)
        found = [] if one is None else [one]
    return [
        Reading(
            held.name,
            cursor_of(template_id, _place_of(connection, held)),
            held.created_at,
            held.acked_at,
            behind[held.name].rows,
            behind[held.name].seconds,
        )
        for held in found
    ]


def remove_consumer(house: House, project_id: str, template_id: str, name: str) -> None:
    """NotFound where there is none of that name."""
    with write(house.engine) as connection:
        _template(connection, template_id, project_id)
        if not feeds.remove_consumer(connection, template_id, name):
            raise NotFound("This feed has no consumer of that name.")


def lags(house: House) -> list[Lag]:
    """Of every consumer of every feed, for the metrics."""
    with read(house.engine) as connection:
        return feeds.lags(connection)


def last_numbers(house: House, template_ids: list[str]) -> dict[str, int]:
    """The newest accepted import of each of these templates."""
    with read(house.engine) as connection:
        return feeds.last_numbers(connection, template_ids)
