from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine, event

from douane.errors import NotFound, Superseded, WrongStage
from douane.model.operation import Operation
from douane.model.sheet_import import Asked, SheetDetail, sheet_detail
from douane.settings import Settings
from douane.store import operations, people, projects
from douane.store.database import migrate, open_database, write

# As commit 3d4d6da wrote it, in the middle of a check.
OLD = {
    "template_name": "people",
    "schema": [{"key": "name", "name": "Name", "columnType": "String"}],
    "wire": {"extra": "x"},
    "options": {"sheet": None, "encoding": "utf-8", "delimiter": None},
    "rows_max": None,
    "auto": False,
    "detected": {"format": "csv", "encoding": "utf-8", "delimiter": ",", "quote": '"', "headerRow": 0, "sheets": [],
                 "sheet": None, "width": 1, "compression": None, "notes": []},
    "records": [["Name"], ["Ada"]],
    "width": 1,
    "headings": ["Name"],
    "header_row": 0,
    "chosen": [0],
    "finalized": True,
    "going": "stamp",
    "check": {"stamp": "stamp", "words": 1},
}  # fmt: skip


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = open_database(Settings(data=tmp_path))
    migrate(engine)
    with write(engine) as connection:
        owner = people.add(
            connection, email="a@example.com", username="a", first_name="A", last_name="B", password_hash="-"
        )
        project = projects.add(connection, name="one", owner_id=owner.id)
        operations.create(connection, Operation("b" * 24, project.id, "sheet", "mapped", work="check", detail=OLD))
    return engine


def test_a_document_is_changed_in_place_and_keeps_the_rest(engine: Engine) -> None:
    with write(engine) as connection:
        with operations.changing(connection, "b" * 24, SheetDetail) as detail:
            assert (detail.options, detail.going, detail.first_data_row) == (Asked(encoding="utf-8"), "stamp", 1)
            detail.going, detail.check_wanted = None, True
        now = operations.get(connection, "b" * 24)
    assert "going" not in now.detail
    kept = sheet_detail(now)
    assert msgspec.structs.replace(kept, going="stamp", check_wanted=False) == msgspec.convert(OLD, SheetDetail)
    # Taken apart once, however often it is asked; and what was changed is not what was asked before.
    assert sheet_detail(now) is sheet_detail(replace(now, stage="reviewing")) is kept
    with write(engine) as connection:
        with operations.changing(connection, "b" * 24, SheetDetail) as detail:
            assert detail == kept
            detail.going = "later"
        assert (sheet_detail(now).going, sheet_detail(operations.get(connection, "b" * 24)).going) == (None, "later")
    assert sheet_detail(replace(now, detail={**now.detail, "going": "new"})).going == "new"


def test_nothing_is_written_where_the_change_fails(engine: Engine) -> None:
    def change() -> None:
        with write(engine) as connection, operations.changing(connection, "b" * 24, SheetDetail) as detail:
            detail.going = None
            detail.goin = None  # type: ignore[attr-defined]

    with pytest.raises(AttributeError):
        change()
    with write(engine) as connection:
        assert operations.get(connection, "b" * 24).detail["going"] == "stamp"


def test_only_the_attempt_that_holds_the_work_may_write(engine: Engine) -> None:
    with write(engine) as connection:
        first = operations.claim(connection, "b" * 24, "check")
        second = operations.claim(connection, "b" * 24, "check")
        assert first is not None
        assert second is not None
        assert (second.attempt, operations.tries(connection, "b" * 24)) == (first.attempt + 1, 2)
        assert operations.owns(connection, second)
        assert not operations.owns(connection, first)
        assert operations.fenced(connection, second) == second
        for superseded in (operations.fenced, operations.hold):
            with pytest.raises(Superseded):
                superseded(connection, first)
        with pytest.raises(NotFound):
            operations.hold(connection, replace(second, id="c" * 24))
        operations.release(connection, "b" * 24)
        with pytest.raises(Superseded):
            operations.fenced(connection, second)
        assert operations.claim(connection, "b" * 24, "check") is None


def test_parts_are_kept_without_a_look_at_the_document(engine: Engine) -> None:
    """It may hold megabytes of headings, and all others wait to write meanwhile."""
    with write(engine) as connection:
        held = operations.claim(connection, "b" * 24, "check")
        assert held is not None
        asked: list[str] = []
        event.listen(connection, "before_cursor_execute", lambda *of: asked.append(of[2]))
        for rows_read, blank in ((10, 2), (20, 0), (30, 3)):
            operations.hold(connection, held)
            operations.count_read(connection, held.id, rows_read, blank)
        operations.change(connection, held.id, stage="reviewing", tries=1)
        assert asked
        assert not [statement for statement in asked if "detail" in statement]
        now = operations.get(connection, held.id)
    assert (now.rows_read, now.blank, now.stage) == (30, 5, "reviewing")


def test_a_stage_moves_where_the_table_allows_and_ends_in_one_way(engine: Engine) -> None:
    with write(engine) as connection:
        with pytest.raises(WrongStage):
            operations.change(connection, "b" * 24, stage="uploaded")
        with pytest.raises(ValueError, match="finish"):
            operations.change(connection, "b" * 24, stage="terminated")
        operations.finish(connection, "b" * 24, "terminated")
        assert operations.get(connection, "b" * 24).work == ""
