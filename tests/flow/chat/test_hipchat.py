"""A HipChat export, from its file to the workspace."""

from __future__ import annotations

from pathlib import Path

import pytest

from douane.flow.chat import imports, work
from douane.flow.house import House
from douane.flow.imports import StoredSource
from douane.store import chat
from douane.store.database import read
from douane.store.ids import new_id
from tests.flow.chat.conftest import Go

SAMPLE = Path(__file__).parents[2] / "chat" / "importers" / "data" / "hipchatenterprise.tar.gz"


@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
def test_the_sample_is_imported_and_a_second_time_adds_nothing(
    house: House, project_id: str, person_id: str, go: Go
) -> None:
    outcomes = []
    for _ in range(2):
        name = f"{new_id()}/source"
        house.objects.put_file(name, SAMPLE)
        source = StoredSource(name, SAMPLE.stat().st_size, "", SAMPLE.name, "application/gzip")
        made = imports.begin(house, imports.NewChat(project_id, person_id, "hipchatenterprise", source))
        imports.ask_read(house, made)
        work.read(house, made.id)
        made = imports.get(house, made.id, project_id)
        assert (made.stage, made.work_error) == ("reviewing", None)
        done = go(made)
        assert (done.stage, done.work_error) == ("completed", None)
        outcomes.append(done.detail["done"])
        with read(house.engine) as connection:
            names = {row["username"] for row in chat.users(connection, project_id)}
            rooms = {(room["type"], room["name"]) for room in chat.rooms(connection, project_id)}
        # The built-in bot writes the notifications; nobody stands in for it.
        assert names == {"rocket.cat", "ann", "Al", "Bo", "Guest"}
        assert {("c", "General"), ("p", "Secret"), ("p", "11"), ("d", "")} < rooms
    # 3 users, 3 rooms (2 more follow from their messages and count nowhere), 15 messages of which one has no time.
    assert outcomes[0] == {"imported": 3 + 3 + 14, "skipped": 0, "failed": 1, "created": 3 + 3 + 14}
    assert outcomes[1].get("created", 0) == 0
    assert (outcomes[1]["imported"], outcomes[1]["failed"]) == (3 + 3 + 14, 1)
