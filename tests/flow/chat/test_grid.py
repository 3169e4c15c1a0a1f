"""A Grid whose names clash throughout comes out as it went in: every person, room, member, message, block and
reaction. DOUANE_TEST_GRID_PEOPLE makes it larger (3,000 was tried)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from douane.flow.chat import imports, run, work, workspace
from douane.flow.house import House
from tests.flow.chat.conftest import EVERYTHING
from tests.flow.chat.grid import Key, grid
from tests.flow.chat.workspaces import new_project, upload

PEOPLE = int(os.environ.get("DOUANE_TEST_GRID_PEOPLE", "60"))


@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
def test_a_grid_comes_out_as_it_went_in(house: House, tmp_path: Path) -> None:
    data, key = grid(PEOPLE)
    path = tmp_path / "grid.zip"
    path.write_bytes(data)
    project_id, person_id = new_project(house)
    for again in range(2):
        operation = upload(house, project_id, person_id, path)
        imports.ask_read(house, operation)
        while work.read(house, operation.id):
            pass
        imports.start(house, imports.get(house, operation.id, project_id), EVERYTHING)
        while run.run(house, operation.id):
            pass
        done = imports.get(house, operation.id, project_id)
        assert (done.stage, done.work_error) == ("completed", None)
        sums = done.detail["done"]
        assert (sums["skipped"], sums["failed"]) == (0, 0)
        if again:
            assert (sums.get("created", 0), sums.get("updated", 0)) == (0, 0)
        _compare(house, project_id, key)


def _all(pages: Any, house: House, project_id: str, **which: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(page := pages(house, project_id, page=len(found) // 1000 + 1, limit=1000, **which).items) == 1000:
        found += page
    return found + page


def _compare(house: House, project_id: str, key: Key) -> None:
    users = [one for one in _all(workspace.users, house, project_id) if not one["own"] and one["type"] != "bot"]
    assert sorted(one["import_ids"] for one in users) == [[id] for id in sorted(key.people)]
    who = {one["id"]: one["import_ids"][0] for one in users}
    for one in users:
        handle, name, address = key.people[one["import_ids"][0]]
        assert one["username"] == handle or one["username"].startswith(f"{handle}-")
        assert (one["name"], [each["address"] for each in one["emails"]]) == (name, [address] if address else [])
    assert len({one["username"] for one in users}) == len(users)
    rooms = _all(workspace.rooms, house, project_id)
    assert sorted(one["import_ids"] for one in rooms) == [[id] for id in sorted(key.rooms)]
    where = {one["id"]: one["import_ids"][0] for one in rooms}
    for one in rooms:
        name, private, _ = key.rooms[where[one["id"]]]
        assert one["name"] == name or one["name"].startswith(f"{name}-")
        assert (one["type"], one["topic"]) == ("p" if private else "c", f"Topic of {where[one['id']]}")
    assert len({one["name"] for one in rooms}) == len(rooms)
    members = {(where[one["room_id"]], who[one["user_id"]]) for one in _all(workspace.members, house, project_id)}
    assert members == {(room, one) for room, (_, _, found) in key.rooms.items() for one in found}
    messages = _all(workspace.messages, house, project_id)
    assert len(messages) == len(key.messages)
    for one in messages:
        room = where[one["room_id"]]
        seconds, us = divmod(one["ts_us"], 1_000_000)
        author, text, blocks, reactions = key.messages[room, f"{seconds}.{us:06}"]
        assert who[one["user_id"]] == author
        # Where blocks say more, the text is what a notification shows, and stands beside.
        assert text in (one["text"] if blocks is None else json.loads(one["original"])["text"])
        assert blocks is None or "*Poll" in one["text"]
        assert (json.loads(one["blocks"]) if one["blocks"] else None) == blocks
        found: dict[str, list[str]] = {}
        for each in one["reactions"]:
            found.setdefault(each["name"], []).append(each["user"])
        assert {name: sorted(each) for name, each in found.items()} == reactions
