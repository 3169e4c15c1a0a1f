"""What a process remembers of the imports of a feed: no more than the database says is still so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from msgspec import to_builtins
from msgspec.structs import replace
from sqlalchemy import event

from douane.errors import NotFound
from douane.flow import feeds, sweeping
from douane.flow.feeds import Fetched, Nothing
from douane.flow.house import House
from douane.model.operation import Operation
from douane.model.sheet_import import sheet_detail
from douane.model.template import Column, Template
from douane.store import feeds as stored
from douane.store.database import write
from douane.store.schema import operation as operation_table
from tests.flow.staged import staged
from tests.store.test_feeds import template_of

TEMPLATE = Template("T", (Column(key="a", name="A"), Column(key="b", name="B")))
ROWS = [[f"a{at}", f"b{at}"] for at in range(20)]


def accepted(house: House, project_id: str, template_id: str) -> Operation:
    made = staged(house, project_id, TEMPLATE, ROWS, template_id=template_id, part_rows=7)
    set_to(house, made, stage="completed", work="")
    with write(house.engine) as connection:
        stored.accept(connection, made)
    return made


def set_to(house: House, operation: Operation, **values: object) -> None:
    with write(house.engine) as connection:
        connection.execute(sa.update(operation_table).where(operation_table.c.id == operation.id).values(**values))


def page(house: House, feed: tuple[str, str], cursor: str | None, limit: int = 8) -> tuple[bytes, Fetched]:
    found = feeds.fetch(house, *feed, cursor, None, limit, "ndjson")
    assert isinstance(found, Fetched)
    return b"".join(found.chunks), found


@contextmanager
def asked(house: House) -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    statements: list[str] = []

    def note(*of: object) -> None:
        statements.append(str(of[2]))

    event.listen(house.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(house.engine, "before_cursor_execute", note)


def test_a_page_in_the_midst_of_an_import_is_one_question_to_the_database(house: House) -> None:
    feed = template_of(house)
    accepted(house, *feed)
    _, first = page(house, feed, None)
    with asked(house) as statements:
        second, found = page(house, feed, first.cursor)
    assert len([one for one in statements if one.startswith("SELECT")]) == 1
    assert (found.first, found.rows, found.behind) == (8, 8, 4)
    # A process that remembers nothing gives the same.
    feeds._leaving.forget()
    again, same = page(house, feed, first.cursor)
    assert (again, same.cursor, same.behind) == (second, found.cursor, found.behind)


def test_what_follows_asks_again_only_where_something_was_changed(house: House) -> None:
    feed = template_of(house)
    made = accepted(house, *feed)
    _, first = page(house, feed, None, 5)
    _, second = page(house, feed, first.cursor, 5)
    with asked(house) as statements:
        third, found = page(house, feed, second.cursor, 5)
    # SQLite tells that nothing was changed; PostgreSQL has to be asked.
    assert len([one for one in statements if one.startswith("SELECT")]) == (house.engine.dialect.name != "sqlite")
    assert (found.first, found.rows, found.behind) == (10, 5, 5)
    # Whatever another one changes is seen with the next page, also that it is another's feed.
    accepted(house, *feed)
    again, same = page(house, feed, second.cursor, 5)
    assert (again, same.behind) == (third, 25)
    set_to(house, made, version=made.version + 1, stage="terminated")
    told, _ = page(house, feed, second.cursor, 5)
    assert told.decode() == f'{{"_upload":"{made.id}","_forgotten":true}}\n'
    with pytest.raises(NotFound):
        feeds.fetch(house, "0" * 24, feed[1], second.cursor, None, 5, "ndjson")


def test_who_stands_within_an_import_hears_of_those_after_it(house: House) -> None:
    feed = template_of(house)
    accepted(house, *feed)
    _, first = page(house, feed, None)
    accepted(house, *feed)
    _, second = page(house, feed, first.cursor, 12)
    assert (second.rows, second.behind) == (12, 20)
    third, found = page(house, feed, second.cursor, 100)
    assert (found.rows, found.behind, third.count(b"\n")) == (20, 0, 20)
    assert isinstance(feeds.fetch(house, *feed, found.cursor, None, 6, "ndjson"), Nothing)


def test_what_another_process_dropped_is_not_remembered(house: House) -> None:
    feed = template_of(house)
    made = accepted(house, *feed)
    _, first = page(house, feed, None)
    _, second = page(house, feed, first.cursor)
    set_to(
        house, made, updated_at=datetime(2020, 1, 1, tzinfo=UTC), swept=True, kept=True, source_object=f"{made.id}/s"
    )
    assert sweeping.sweep(house) == 1
    # All that would follow is one line, whatever this process has of the import.
    told, found = page(house, feed, second.cursor)
    assert told.decode() == f'{{"_upload":"{made.id}","_forgotten":true}}\n'
    assert (found.first, found.rows, found.behind) == (16, 4, 0)


def test_nothing_that_a_file_says_is_remembered_with_its_import(house: House) -> None:
    feed = template_of(house)
    made = accepted(house, *feed)
    detail = replace(sheet_detail(made), records=(("secret",),))
    set_to(house, made, detail=to_builtins(detail))
    page(house, feed, None)
    held = feeds._leaving._kept[made.id].operation
    assert "secret" not in str(held) + str(sheet_detail(held))
