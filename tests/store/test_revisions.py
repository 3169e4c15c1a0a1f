"""Revisions in SQL: numbers, layers, what is undone when; and those of an older database."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from sqlalchemy import Engine

from douane.flow.house import House
from douane.store import revisions
from douane.store.database import migrate, open_database, read, write
from douane.store.migrations import config
from douane.store.revisions import Columnar, Deed
from tests.store.test_outbox import typed_in


def test_undone_is_what_the_last_word_says_at_any_moment(house: House) -> None:
    operation = typed_in(house)
    with write(house.engine) as connection:
        for number, (kind, undoes) in enumerate(
            [("edit", None), ("edit", None), ("undo", 1), ("undo", 2), ("redo", 1), ("undo", 1)], 1
        ):
            cells = {} if undoes else {(7, "a"): str(number)}
            assert revisions.add(connection, operation.id, Deed(kind, undoes=undoes), None, cells) == number
        big = Columnar("x/revisions/1", 5000, 2500, 3, 2600)
        revisions.add(connection, operation.id, Deed("replace"), None, big)
    with read(house.engine) as connection:
        undone = [sorted(revisions.undone(connection, operation.id, upto)) for upto in range(8)]
        assert undone == [[], [], [], [1], [1, 2], [2], [1, 2], [1, 2]]
        assert revisions.undone(connection, operation.id) == {1, 2}
        assert [one.number for one in revisions.columnar(connection, operation.id)] == [7]
        assert revisions.columnar(connection, operation.id, upto=6) == []
        newest = revisions.listed(connection, operation.id, 0, 1)[0]
        assert (newest.kind, newest.cells, newest.rows, newest.first_row, newest.last_row) == (
            "replace",
            5000,
            2500,
            3,
            2600,
        )
        first = revisions.get(connection, operation.id, 1)
        assert first is not None
        assert (first.cells, first.rows, first.first_row, first.last_row) == (1, 1, 7, 7)
        assert revisions.get(connection, operation.id, 99) is None
        assert revisions.count(connection, operation.id) == 7
        assert list(revisions.cells(connection, operation.id, [7], upto=1)) == [(1, 7, "a", "1")]
        assert revisions.objects(connection, operation.id) == {"x/revisions/1"}
    with write(house.engine) as connection:
        revisions.forget_objects(connection, operation.id)
        assert revisions.objects(connection, operation.id) == set()


def test_revisions_of_an_older_database_are_counted(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/old.db")
    counted_after_an_upgrade(engine)


def counted_after_an_upgrade(engine: Engine) -> None:
    with write(engine) as connection:
        command.upgrade(config(connection), "0004")
        for statement in OLD:
            connection.exec_driver_sql(statement)
    migrate(engine)
    with read(engine) as connection:
        found = [revisions.get(connection, "o", number) for number in (1, 2)]
    assert [(one.cells, one.rows, one.first_row, one.last_row) for one in found if one] == [(3, 2, 4, 9), (0, 0, 0, -1)]


OLD = (
    "INSERT INTO person VALUES ('p', 'a@b.co', 'a', '', '', '', false, '2026-01-01', '2026-01-01')",
    "INSERT INTO project (id, name, owner_id, environment_id, allowed_domains, created_at, updated_at)"
    " VALUES ('j', 'P', 'p', 'e', '[]', '2026-01-01', '2026-01-01')",
    "INSERT INTO operation (id, project_id, family, stage, version, attempt, tries, work, work_asked, progress,"
    " read_done, rows_read, blank, total, valid, invalid, seed, source_size, detail, revision_last, revision_reviewed,"
    " kept, swept, created_at, updated_at) VALUES ('o', 'j', 'sheet', 'reviewing', 0, 0, 0, '', 0, '{}', true, 0, 0,"
    " 0, 0, 0, 0, 0, '{}', 2, 0, true, false, '2026-01-01', '2026-01-01')",
    "INSERT INTO revision (operation_id, number, kind, document, created_at)"
    " VALUES ('o', 1, 'edit', '{}', '2026-01-01'), ('o', 2, 'edit', '{}', '2026-01-01')",
    "INSERT INTO revision_cell VALUES ('o', 4, 'a', 1, 'x'), ('o', 4, 'b', 1, 'y'), ('o', 9, 'a', 1, 'z')",
)
