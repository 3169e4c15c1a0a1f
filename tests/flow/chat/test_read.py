"""Reading and checking a chat export: batch by batch, cut off and gone on with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from douane.chat.tables import TABLES
from douane.flow import attempts
from douane.flow.chat import imports, work
from douane.flow.house import House
from douane.model.operation import Operation
from douane.staging import masks
from douane.staging.parts import read_part
from douane.store import batches, chat, manifest
from douane.store.database import read, write

once = pytest.mark.parametrize("storage", ["sqlite"], indirect=True)

ROOMS = {
    f"room{room}/{day}.csv": "".join(
        f"user{(n * 7 + room) % 9},{1577836800000 + room * 1000 + n},text {n}\n" for n in range(60)
    )
    for room in range(3)
    for day in ("2020-01-01", "2020-01-02")
}
LARGER = {
    "users.csv": "".join(f"user{n},user{n}@example.com,User {n}\n" for n in range(8)),
    "channels.csv": "".join(f"room{n},user1,public,user1;user2\n" for n in range(3)),
    **ROOMS,
}


def test_the_whole_way(house: House, begin: Callable[..., Operation]) -> None:
    operation = begin()
    assert (operation.stage, operation.work) == ("uploaded", "")
    asked = imports.ask_read(house, operation)
    assert (asked.work, imports.ask_read(house, operation).work) == ("chat_read", "chat_read")
    assert not work.read(house, operation.id)
    operation = imports.get(house, operation.id, operation.project_id)
    assert (operation.stage, operation.work, operation.work_error) == ("reviewing", "", None)
    assert (operation.version, operation.read_done, operation.rows_read) == (1, True, 14)
    # Six records of three users, three rooms and a conversation of two; seven messages; an author that nobody listed.
    assert (operation.total, operation.valid, operation.invalid) == (15, 14, 1)
    detail = operation.detail
    assert detail["counts"] == {"users": 3, "channels": 3, "messages": 7, "total": 13}
    assert detail["problems"] == {
        "users": {"inferred": 1},
        "channels": {"unlisted": 1},
        "contacts": {},
        "messages": {"no_time": 1, "unknown_author": 1},
    }
    assert (detail["overview"]["importer"], detail["label"]) == ("csv", None)
    assert imports.ask_read(house, operation).work == ""
    assert not work.read(house, operation.id)


def staged(house: House, operation: Operation) -> dict[str, pl.DataFrame]:
    """All that is staged of an operation, and its verdicts."""
    found: dict[str, pl.DataFrame] = {}
    with read(house.engine) as connection:
        for table in (*TABLES, "pairs"):
            parts = manifest.parts(connection, operation.id, table)
            starts = [sum(row.rows for row in parts[:at]) for at in range(len(parts))]
            assert [row.first_row for row in parts] == starts
            frames = [read_part(house.objects.local_path(row.object)) for row in parts]
            assert [row.rows for row in parts] == [len(frame) for frame in frames]
            verdicts = manifest.masks(connection, operation.id, table, operation.version)
            for at, row in enumerate(parts):
                if row.number in verdicts:
                    mask = masks.read_mask(house.objects.local_path(verdicts[row.number].object))
                    frames[at] = frames[at].with_columns(pl.Series("_word", mask.words[:, 0]))
            found[table] = pl.concat(frames) if frames else pl.DataFrame()
    return found


@once
def test_a_read_that_is_cut_off_goes_on_after_its_last_batch(
    house: House, begin: Callable[..., Operation], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = replace(house, settings=house.settings.model_copy(update={"chat_batch_records": 40}))

    def finished(operation: Operation) -> Operation:
        while work.read(house, operation.id):
            pass
        return imports.get(house, operation.id, operation.project_id)

    operation = begin(LARGER)
    imports.ask_read(house, operation)
    undisturbed = staged(house, finished(operation))
    assert len(undisturbed["messages"]) == 360

    add, kept, asked = batches.add, [0], []

    def add_two(*given: Any) -> None:
        if kept[0] == 2:
            kept[0] = 0
            raise RuntimeError("As if killed between two batches.")
        kept[0] += 1
        add(*given)

    def ask_child(attempt: Any, spec: Any, event: Any) -> bool:
        asked.append(getattr(spec, "batch", None))
        return run(attempt, spec, event)

    run = attempts.run
    monkeypatch.setattr(batches, "add", add_two)
    monkeypatch.setattr(work, "run", ask_child)
    again = begin(LARGER)
    imports.ask_read(house, again)
    for _ in range(50):
        try:
            again = finished(again)
            break
        except RuntimeError:
            continue
    assert again.stage == "reviewing"
    # Each attempt began where the one before had come to; the last asking is the check's.
    assert asked[:-1] == [0, *range(2, 2 * len(asked[:-1]), 2)]
    assert len(asked) > 4
    other = staged(house, again)
    for table, frame in undisturbed.items():
        assert frame.equals(other[table]), table


@once
def test_a_check_that_was_cut_off_is_done_again(
    house: House, begin: Callable[..., Operation], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise RuntimeError("As if killed.")

    operation = begin()
    imports.ask_read(house, operation)
    publish = work._publish
    monkeypatch.setattr(work, "_publish", killed)
    with pytest.raises(RuntimeError):
        work.read(house, operation.id)
    now = imports.get(house, operation.id, operation.project_id)
    assert (now.stage, now.work, now.read_done, now.version) == ("uploaded", "chat_read", True, 0)
    monkeypatch.setattr(work, "_publish", publish)
    assert not work.read(house, operation.id)
    now = imports.get(house, operation.id, operation.project_id)
    assert (now.stage, now.total) == ("reviewing", 15)


@once
def test_who_the_workspace_knows(house: House, reviewed: Callable[..., Operation], project_id: str) -> None:
    reviewed()
    with write(house.engine) as connection:
        chat.add_import_ids(connection, project_id, "user", {"zed": "z" * 24, "ada": "a" * 24})
        chat.add_import_ids(connection, project_id, "room", {"elsewhere": "r" * 24})
    users = FILES_OF_OWN["users.csv"]
    operation = reviewed(FILES_OF_OWN)
    # zed was imported before; who has the address of one of the project's people is protected.
    assert operation.detail["problems"]["users"] == {"protected": 1, "username_taken": 1}
    assert operation.detail["problems"]["messages"] == {}
    assert users.count("\n") == operation.detail["counts"]["users"]


FILES_OF_OWN = {
    "users.csv": "ada,ada@example.com,Ada\nboss,ann@example.com,Boss\nAnn,,Somebody\n",
    "channels.csv": "general,ada,public,ada\n",
    "general/1.csv": "zed,1577836800000,it is me\n",
}
