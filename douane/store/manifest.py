"""The manifest: which objects make up a staged table, at which version. An object counts only once it is named here.

Records of a part never change. Masks do, by review: a review writes rows only for the parts whose verdict changed,
under its version, and a reader at version v takes for each part the newest row up to v.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from douane.store.schema import packed, part, part_mask


@dataclass(frozen=True, slots=True)
class PartRow:
    """One part. `first_row` -1: rows that people added, which carry their own numbers."""

    number: int
    first_row: int
    rows: int
    blank: int
    object: str
    size_bytes: int
    next: dict[str, Any]
    attempt: int


@dataclass(frozen=True, slots=True)
class MaskRow:
    number: int
    valid: int
    invalid: int
    object: str
    hash_object: str | None
    attempt: int
    version: int = 0
    forgotten: int = 0


@dataclass(frozen=True, slots=True)
class PackedRow:
    view: str
    number: int
    first_row: int
    last_row: int
    rows: int
    object: str


def add_part(connection: Connection, operation_id: str, table: str, row: PartRow) -> None:
    connection.execute(
        insert(part).values(
            operation_id=operation_id,
            table_name=table,
            number=row.number,
            first_row=row.first_row,
            rows=row.rows,
            blank=row.blank,
            object=row.object,
            size_bytes=row.size_bytes,
            next=row.next,
            attempt=row.attempt,
        )
    )


def parts(connection: Connection, operation_id: str, table: str) -> list[PartRow]:
    """In order. Of the parts with added rows only the newest counts: it holds all of them."""
    query = select(part).where(part.c.operation_id == operation_id, part.c.table_name == table).order_by(part.c.number)
    found = [
        PartRow(r.number, r.first_row, r.rows, r.blank, r.object, r.size_bytes, r.next, r.attempt)
        for r in connection.execute(query)
    ]
    added = [row for row in found if row.first_row < 0]
    return [row for row in found if row.first_row >= 0] + added[-1:]


def add_masks(connection: Connection, operation_id: str, table: str, version: int, rows: Sequence[MaskRow]) -> None:
    """Names masks under a version that is not published yet; a later one for the same part replaces the earlier, but
    for the key hashes if it brings none."""
    if not rows:
        return
    same = (
        part_mask.c.operation_id == operation_id,
        part_mask.c.table_name == table,
        part_mask.c.version == version,
        part_mask.c.number.in_([row.number for row in rows]),
    )
    query = select(part_mask.c.number, part_mask.c.hash_object).where(*same)
    hashes = {row.number: row.hash_object for row in connection.execute(query)}
    connection.execute(delete(part_mask).where(*same))
    connection.execute(
        insert(part_mask),
        [
            {
                "operation_id": operation_id,
                "table_name": table,
                "version": version,
                "number": row.number,
                "valid": row.valid,
                "invalid": row.invalid,
                "forgotten": row.forgotten,
                "object": row.object,
                "hash_object": row.hash_object or hashes.get(row.number),
                "attempt": row.attempt,
            }
            for row in rows
        ],
    )


def masks(connection: Connection, operation_id: str, table: str, version: int) -> dict[int, MaskRow]:
    """Part number -> its mask as of a version; the key hashes too, which may be older than the mask."""
    query = (
        select(part_mask)
        .where(
            part_mask.c.operation_id == operation_id,
            part_mask.c.table_name == table,
            part_mask.c.version <= version,
        )
        .order_by(part_mask.c.number, part_mask.c.version)
    )
    found: dict[int, MaskRow] = {}
    for r in connection.execute(query):
        before = found.get(r.number)
        hashes = r.hash_object or (before.hash_object if before else None)
        found[r.number] = MaskRow(r.number, r.valid, r.invalid, r.object, hashes, r.attempt, r.version, r.forgotten)
    return found


def masks_made(connection: Connection, operation_id: str, table: str, version: int) -> dict[int, MaskRow]:
    """Only those of that very version: what a check that was cut off has made already."""
    found = masks(connection, operation_id, table, version)
    return {number: row for number, row in found.items() if row.version == version}


def drop_masks(connection: Connection, operation_id: str, table: str, version: int) -> None:
    """Forgets the masks of a version that was begun and never published."""
    for names in (part_mask, packed):
        connection.execute(
            delete(names).where(
                names.c.operation_id == operation_id, names.c.table_name == table, names.c.version == version
            )
        )


def forget_verdicts(connection: Connection, operation_id: str, table: str) -> None:
    """Drops all masks: nothing is judged any more."""
    for names in (part_mask, packed):
        connection.execute(delete(names).where(names.c.operation_id == operation_id, names.c.table_name == table))


def add_packed(connection: Connection, operation_id: str, table: str, version: int, rows: Sequence[PackedRow]) -> None:
    if rows:
        connection.execute(
            insert(packed),
            [
                {
                    "operation_id": operation_id,
                    "table_name": table,
                    "version": version,
                    "view": row.view,
                    "number": row.number,
                    "first_row": row.first_row,
                    "last_row": row.last_row,
                    "rows": row.rows,
                    "object": row.object,
                }
                for row in rows
            ],
        )


def packed_rows(connection: Connection, operation_id: str, table: str, version: int) -> list[PackedRow]:
    """The packed rows of the newest version up to `version` that has any: staged cells never change, so they stay
    true."""
    same = (packed.c.operation_id == operation_id, packed.c.table_name == table)
    newest = connection.execute(select(func.max(packed.c.version)).where(*same, packed.c.version <= version)).scalar()
    if newest is None:
        return []
    query = select(packed).where(*same, packed.c.version == newest).order_by(packed.c.view, packed.c.number)
    return [PackedRow(r.view, r.number, r.first_row, r.last_row, r.rows, r.object) for r in connection.execute(query)]


def forget_table(connection: Connection, operation_id: str, table: str) -> None:
    """Drops the names of one table, with all that was made of it."""
    for names in (part, part_mask, packed):
        connection.execute(delete(names).where(names.c.operation_id == operation_id, names.c.table_name == table))


def rename_table(connection: Connection, operation_id: str, table: str, name: str) -> None:
    """The parts of one table stand under another name, of which there are none."""
    same = (part.c.operation_id == operation_id, part.c.table_name == table)
    connection.execute(update(part).where(*same).values(table_name=name))


def objects(connection: Connection, operation_id: str) -> set[str]:
    """Every object that any version names."""
    named: set[str] = set()
    for column in (part.c.object, part_mask.c.object, part_mask.c.hash_object, packed.c.object):
        query = select(column).where(column.table.c.operation_id == operation_id, column.is_not(None))
        named |= set(connection.execute(query).scalars())
    return named


def forget(connection: Connection, operation_id: str) -> None:
    """Drops every name: the sweeper may delete the objects after the grace period."""
    for names in (part, part_mask, packed):
        connection.execute(delete(names).where(names.c.operation_id == operation_id))


def every_part(connection: Connection, operation_id: str, table: str) -> list[PartRow]:
    """All that were ever named, parts with added rows that were overtaken among them."""
    query = select(part).where(part.c.operation_id == operation_id, part.c.table_name == table).order_by(part.c.number)
    return [
        PartRow(r.number, r.first_row, r.rows, r.blank, r.object, r.size_bytes, r.next, r.attempt)
        for r in connection.execute(query)
    ]


def rewrite_part(connection: Connection, operation_id: str, table: str, number: int, name: str, size: int) -> None:
    """Names another object in place of a part's: the one change that a part may see is that rows are forgotten."""
    connection.execute(
        update(part)
        .where(part.c.operation_id == operation_id, part.c.table_name == table, part.c.number == number)
        .values(object=name, size_bytes=size)
    )


def drop_packed(connection: Connection, operation_id: str, table: str) -> set[str]:
    """Forgets the packed rows; pages are read from the parts then. The objects they were in."""
    which = (packed.c.operation_id == operation_id, packed.c.table_name == table)
    names = set(connection.execute(select(packed.c.object).where(*which)).scalars())
    connection.execute(delete(packed).where(*which))
    return names


def drop_masks_of(connection: Connection, operation_id: str, table: str, numbers: Sequence[int]) -> set[str]:
    """Forgets all masks of these parts, whatever their version; the objects they and their key hashes were in."""
    which = (
        part_mask.c.operation_id == operation_id,
        part_mask.c.table_name == table,
        part_mask.c.number.in_(numbers),
    )
    names: set[str] = set()
    for row in connection.execute(select(part_mask.c.object, part_mask.c.hash_object).where(*which)):
        names |= {row.object, *([row.hash_object] if row.hash_object else [])}
    connection.execute(delete(part_mask).where(*which))
    return names
