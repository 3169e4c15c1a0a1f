"""Runs of chat imports on both storage modes, with the worker's handlers called in this process."""

from __future__ import annotations

from typing import Any

from douane.flow.house import House
from douane.store import chat
from douane.store.database import read
from tests.flow.chat.conftest import Go, Stage, channel, message, user

USERS = [
    user("U1", "bob", name="Bob", emails=["bob@example.com"]),
    user("U2", "cy", emails=["CY@example.com"]),
    user("U3", "ann.b", emails=["ann@example.com"]),
]
CHANNELS = [
    channel("C1", "general", general=True),
    channel("C2", "My Room!", topic="Talk"),
    channel("D1", None, "d"),
]
MEMBERS = [
    {"channel": "C2", "user": "U1"},
    {"channel": "C2", "user": "U9"},
    {"channel": "D1", "user": "U1"},
    {"channel": "D1", "user": "U2"},
]
MESSAGES = [
    [
        message("C1", 1, "one"),
        message("C1", 2, "two", "U2", reactions=1),
        message("C2", 3, "three", "U7", alias="Zed"),
    ],
    [
        message("D1", 4, "four", None),
        message("C1", 2, "two", "U2"),
        message("C8", 5, "nowhere"),
        message("C1", 6, "no time", ts_us=None),
    ],
]
REACTIONS = [[{"at": 1, "name": "tada", "tone": 0, "user": "U1", "count": 1}], []]
EXPORT: dict[str, Any] = {
    "users": [USERS],
    "channels": [CHANNELS],
    "members": [MEMBERS],
    "messages": MESSAGES,
    "reactions": REACTIONS,
}


def test_the_whole_way(house: House, project_id: str, stage: Stage, go: Go) -> None:
    done = go(stage(**EXPORT))
    assert (done.stage, done.work, done.work_error) == ("completed", "", None)
    sums = done.detail["done"]
    assert (sums["imported"], sums["skipped"], sums["failed"]) == (3 + 3 + 4, 1, 2)
    assert done.detail["run_total"] == 3 + 3 + 7
    assert (done.progress.done, done.progress.total) == (13, 13)
    with read(house.engine) as connection:
        people = {row["username"]: row for row in chat.users(connection, project_id)}
        assert set(people) == {"rocket.cat", "ann", "bob", "cy"}
        assert people["cy"]["emails"] == [{"address": "cy@example.com", "verified": False}]
        # The project's own person got the foreign id, and nothing else.
        assert people["ann"]["name"] == "Ann A"
        assert chat.targets(connection, project_id, "user", ["U3"]) == {"U3": people["ann"]["id"]}
        rooms = {row["name"]: row for row in chat.rooms(connection, project_id)}
        assert {name: row["type"] for name, row in rooms.items()} == {"general": "c", "My-Room": "c", "": "d"}
        assert {name: row["messages"] for name, row in rooms.items()} == {"general": 2, "My-Room": 1, "": 1}
        assert rooms["My-Room"]["topic"] == "Talk"
        hidden = {row["name"] for row in chat.users(connection, project_id, placeholders=True)} - {
            row["name"] for row in people.values()
        }
        assert hidden == {"Zed"}
        reasons = {row.number: row.reasons for row in chat.outcomes(connection, done.id, done.version, "messages")}
    assert reasons == {
        0: {"created": 3},
        1: {
            "created": 1,
            "duplicate": 1,
            "importer-message-unknown-room": 1,
            "importer-message-invalid-timestamp": 1,
        },
    }
