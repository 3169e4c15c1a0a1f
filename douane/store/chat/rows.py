"""What the statements on a workspace share: rows as plain mappings, many values at a time, lists by page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Connection, Select, Table, bindparam, update
from sqlalchemy.dialects import postgresql, sqlite

AT_ONCE = 5_000  # values in one query


Row = dict[str, Any]


def chunks(values: Iterable[str]) -> Iterator[list[str]]:
    held = list(dict.fromkeys(values))
    for start in range(0, len(held), AT_ONCE):
        yield held[start : start + AT_ONCE]


def insert_new(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Those that are there already stay as they are."""
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    for start in range(0, len(rows), AT_ONCE):
        connection.execute(make(table).on_conflict_do_nothing(), list(rows[start : start + AT_ONCE]))


def update_each(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    by_columns: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        by_columns.setdefault(tuple(sorted(row)), []).append(row)
    for names, same in by_columns.items():
        statement = update(table).where(table.c.id == bindparam("_id"))
        statement = statement.values({name: bindparam(f"_{name}") for name in names if name != "id"})
        connection.execute(statement, [{f"_{name}": value for name, value in row.items()} for row in same])


def by_id(connection: Connection, query: Select[Any]) -> dict[str, Row]:
    return {row["id"]: dict(row) for row in connection.execute(query).mappings()}


@dataclass(frozen=True, slots=True)
class Stretch:
    """Of a list in its order so many rows: behind an offset, or behind a key, which costs the same at any depth."""

    limit: int | None = None
    offset: int = 0
    after: Any = None

    @classmethod
    def of_page(cls, page: int, limit: int) -> Stretch:
        return cls(limit, (page - 1) * limit)


WHOLE = Stretch()


def listed(connection: Connection, query: Select[Any], id: Column[Any], stretch: Stretch) -> list[Row]:
    if stretch.after is not None:
        query = query.where(id > stretch.after)
    query = query.order_by(id)
    if stretch.limit is not None:
        query = query.offset(stretch.offset).limit(stretch.limit)
    return [dict(row) for row in connection.execute(query).mappings()]


def moment(microseconds: int | None) -> datetime | None:
    """None also for what no calendar has."""
    if microseconds is None:
        return None
    try:
        return datetime.fromtimestamp(microseconds // 1_000_000, UTC).replace(microsecond=microseconds % 1_000_000)
    except (ValueError, OverflowError, OSError):
        return None
