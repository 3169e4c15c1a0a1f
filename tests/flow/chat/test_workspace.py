"""What programs pull of a workspace, on both storage modes."""

from __future__ import annotations

import io
import json
from typing import Any

import polars as pl
import pytest

from douane.errors import BadRequest, NotFound
from douane.flow.chat import workspace
from douane.flow.house import House
from tests.flow.chat.conftest import Go, Stage, channel, message, user

PARTS = [
    [message("C1", at, f"m{at} <@U1>", "U1", reactions=at % 2, files=0) for at in range(10)],
    [message("C2", at, f"m{at}", "U2", files=1) for at in range(10, 15)],
    [message("C1", at, f"m{at}", "U2") for at in range(20, 25)],
]
EXPORT: dict[str, Any] = {
    "users": [[user("U1", "bob", custom='{"team": {"n": 1}}'), user("U2", "cy")]],
    "channels": [[channel("C1", "one"), channel("C2", "two")]],
    "members": [[{"channel": "C1", "user": "U1"}, {"channel": "C1", "user": "U2"}]],
    "contacts": [[{"entry": 0, "id": "K1", "name": "Kim", "emails": ["k@x.co"], "manager": "bob", "custom": "{}"}]],
    "messages": PARTS,
    "reactions": [[{"at": at, "name": "tada", "tone": 0, "user": "U2", "count": 1} for at in range(1, 10, 2)], [], []],
    "files": [
        [],
        [{"at": at, "number": 1, "id": f"F{at}", "name": "a.txt", "state": "hosted", "url": "x"} for at in range(5)],
        [],
    ],
}


def texts(page: workspace.Page) -> list[str]:
    return [item["text"] for item in page.items]


def test_pages_and_whole_results(house: House, project_id: str, stage: Stage, go: Go) -> None:
    done = go(stage(**EXPORT))
    assert done.detail["done"]["imported"] == 2 + 2 + 1 + 20
    people = workspace.users(house, project_id, operation_id=done.id)
    assert [(item["username"], item["import_ids"]) for item in people.items] == [("bob", ["U1"]), ("cy", ["U2"])]
    bob, cy = people.items
    assert bob["document"]["customFields"] == {"team": {"n": 1}}
    assert workspace.users(house, project_id, page=2, limit=3).total == 4
    assert workspace.user(house, project_id, import_id="U2") == cy
    with pytest.raises(NotFound):
        workspace.user(house, project_id, username="nobody")
    rooms = {item["name"]: item for item in workspace.rooms(house, project_id, types=("c",)).items}
    assert {name: room["messages"] for name, room in rooms.items()} == {"general": 0, "one": 15, "two": 5}
    one = rooms["one"]
    assert one == workspace.room(house, project_id, name="one")
    assert {item["username"] for item in workspace.members(house, project_id, room_id=one["id"]).items} == {"bob", "cy"}
    (kim,) = workspace.contacts(house, project_id).items
    assert (kim["name"], kim["manager_id"], kim["import_ids"]) == ("Kim", bob["id"], ["K1"])

    page = workspace.messages(house, project_id, page=2, limit=8, render="rocketchat")
    assert page.total == 20
    assert texts(page) == ["m8 <@U1>", "m9 <@U1>", *(f"m{at}" for at in range(10, 15)), "m20"]
    assert [item["reactions"] for item in page.items][:2] == [
        [],
        [{"name": "tada", "tone": 0, "user": "U2", "count": 1}],
    ]
    assert [len(item["files"]) for item in page.items] == [0, 0, 1, 1, 1, 1, 1, 0]
    assert (page.items[0]["rendered"], page.items[0]["username"]) == ("m8 @bob", "bob")
    in_room = workspace.messages(house, project_id, room_id=one["id"], page=2, limit=8)
    assert (in_room.total, texts(in_room)) == (15, ["m8 <@U1>", "m9 <@U1>", *(f"m{at}" for at in range(20, 25))])
    assert workspace.messages(house, project_id, page=9, limit=8).items == []

    # A later state of a message takes the place of the earlier one, at the end.
    later = stage(
        **EXPORT | {"messages": [[message("C1", 3, "edited", edited_us=5)]], "reactions": [[]], "files": [[]]}
    )
    assert go(later).detail["done"]["updated"] == 1
    in_room = workspace.messages(house, project_id, room_id=one["id"], limit=100)
    assert (in_room.total, texts(in_room)[-1], "m3 <@U1>" in texts(in_room)) == (15, "edited", False)
    assert workspace.messages(house, project_id, operation_id=done.id).total == 19

    whole = b"".join(workspace.encoded(house, project_id, "messages", "ndjson", room_id=one["id"]))
    lines = [json.loads(line) for line in whole.splitlines()]
    assert [line["text"] for line in lines] == texts(in_room)
    assert lines[1]["reactions"] == [{"name": "tada", "tone": 0, "user": "U2", "count": 1}]
    arrow = pl.read_ipc_stream(io.BytesIO(b"".join(workspace.encoded(house, project_id, "messages", "arrow"))))
    assert (len(arrow), arrow["files"].list.len().sum()) == (20, 5)
    parquet = pl.read_parquet(io.BytesIO(b"".join(workspace.encoded(house, project_id, "messages", "parquet"))))
    assert parquet.equals(arrow)
    table = pl.read_csv(io.BytesIO(b"".join(workspace.encoded(house, project_id, "messages", "csv"))))
    assert (table["text"].to_list(), json.loads(table["files"][10])[0]["id"]) == (arrow["text"].to_list(), "F1")
    with pytest.raises(BadRequest):
        workspace.encoded(house, project_id, "messages", "xml")


@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
def test_small_tables_in_every_format(house: House, project_id: str, stage: Stage, go: Go) -> None:
    go(stage(**EXPORT))
    for table, count in (("users", 4), ("rooms", 3), ("members", 2), ("contacts", 1)):
        lines = b"".join(workspace.encoded(house, project_id, table, "ndjson")).splitlines()
        arrow = pl.read_ipc_stream(io.BytesIO(b"".join(workspace.encoded(house, project_id, table, "arrow"))))
        parquet = pl.read_parquet(io.BytesIO(b"".join(workspace.encoded(house, project_id, table, "parquet"))))
        text = pl.read_csv(io.BytesIO(b"".join(workspace.encoded(house, project_id, table, "csv"))))
        assert (len(lines), len(arrow), len(parquet), len(text)) == (count,) * 4
        assert arrow.equals(parquet)
        if table == "users":
            bob = next(one for one in map(json.loads, lines) if one["username"] == "bob")
            assert bob["document"]["customFields"] == {"team": {"n": 1}}


def test_the_workspace_begins_with_the_projects_people(house: House, project_id: str) -> None:
    for _ in range(2):
        workspace.ensure(house, project_id)
    shown = {item["username"]: (item["own"], item["roles"]) for item in workspace.users(house, project_id).items}
    assert shown == {"rocket.cat": (False, ["bot"]), "ann": (True, ["admin", "user"])}
    assert workspace.user(house, project_id, import_id="USLACKBOT")["username"] == "rocket.cat"
    assert [item["name"] for item in workspace.rooms(house, project_id).items] == ["general"]
