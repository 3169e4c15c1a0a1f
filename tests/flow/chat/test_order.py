"""Exports of one workspace may come in any order, in pieces and again: what comes of them is the same, and it is what
the newest of them say. Names clash throughout; nobody is merged."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from douane.flow.chat import workspace
from douane.flow.house import House
from douane.store import projects
from douane.store.database import write
from tests.flow.chat.conftest import Go, Stage, channel, message, user

Export = dict[str, Any]
USERS = ("U1", "U2", "U3", "U4")
ROOMS = ("C1", "C2", "G1", "G2")


class World:
    """A chat product that lives: people are renamed, topics and members change, reactions come and go. `export` is what
    it would hand out now."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._at = 0
        self.users = {id: {"name": f"{id} at first", "emails": [f"{id}@x.example".lower()]} for id in USERS}
        self.rooms: dict[str, dict[str, Any]] = {
            id: {"topic": "", "archived": False, "members": {"U1", "U2"}} for id in ROOMS
        }
        self.messages: list[dict[str, Any]] = []

    def live(self, steps: int) -> None:
        for _ in range(steps):
            self._at += 10
            self._random.choice((self._speak, self._rename, self._change_room, self._react, self._edit))()
        self._at += 10
        self._speak()

    def _speak(self) -> None:
        room = self._random.choice(ROOMS)
        said = {"room": room, "at": self._at, "author": self._random.choice(USERS), "text": f"said at {self._at}"}
        self.messages.append(said | {"reactions": set(), "edited_us": None})

    def _rename(self) -> None:
        one = self.users[self._random.choice(USERS)]
        one["name"] = f"named at {self._at}"
        one["title"] = f"title at {self._at}"

    def _change_room(self) -> None:
        room = self.rooms[self._random.choice(ROOMS)]
        room["topic"] = f"topic at {self._at}"
        room["members"] ^= {self._random.choice(USERS[1:])}

    def _react(self) -> None:
        if self.messages:
            self._random.choice(self.messages)["reactions"] ^= {self._random.choice(("tada", "eyes"))}

    def _edit(self) -> None:
        if self.messages:
            one = self._random.choice(self.messages)
            one["text"], one["edited_us"] = f"edited at {self._at}", self._at

    def export(self) -> Export:
        names = {"U1": "kim", "U2": "Kim", "U3": "kim", "U4": "lee"}
        kinds = {"C1": ("talk", "c"), "C2": ("talk", "c"), "G1": ("talk", "p"), "G2": ("pay", "p")}
        messages, reactions = [], []
        for at, one in enumerate(self.messages):
            messages.append(message(one["room"], one["at"], one["text"], one["author"], edited_us=one["edited_us"]))
            for name in sorted(one["reactions"]):
                reactions.append({"at": at, "name": name, "tone": 0, "user": "U1", "count": 1})
        return {
            "users": [[user(id, names[id], **one) for id, one in self.users.items()]],
            "channels": [
                [
                    channel(id, kinds[id][0], kinds[id][1], topic=one["topic"], archived=one["archived"])
                    for id, one in self.rooms.items()
                ]
            ],
            "members": [
                [{"channel": id, "user": who} for id, one in self.rooms.items() for who in sorted(one["members"])]
            ],
            "messages": [messages],
            "reactions": [reactions],
        }


def split(export: Export, chance: random.Random) -> tuple[Export, Export]:
    """Its messages in two files, its lists in both."""
    (messages,), (reactions,) = export["messages"], export["reactions"]
    side = [chance.random() < 0.5 for _ in messages]

    def half(which: bool) -> Export:
        kept = [at for at, mine in enumerate(side) if mine is which]
        places = {at: new for new, at in enumerate(kept)}
        moved = [one | {"at": places[one["at"]]} for one in reactions if one["at"] in places]
        return export | {"messages": [[messages[at] for at in kept]], "reactions": [moved]}

    return half(True), half(False)


def shown(house: House, project_id: str) -> dict[str, Any]:
    """The workspace by foreign ids."""
    users = workspace.users(house, project_id, limit=1000, placeholders=True).items
    rooms = workspace.rooms(house, project_id, limit=1000).items
    who = {one["id"]: ",".join(one["import_ids"]) or one["username"] for one in users}
    where = {one["id"]: ",".join(one["import_ids"]) or one["name"] for one in rooms}
    return {
        "users": {
            who[one["id"]]: (one["username"], one["name"], one["emails"], one["document"].get("title"))
            for one in users
            if not one["own"]
        },
        "rooms": {
            where[one["id"]]: (one["name"], one["type"], one["topic"], one["archived"], one["messages"])
            for one in rooms
        },
        "members": sorted(
            (where[one["room_id"]], who[one["user_id"]])
            for one in workspace.members(house, project_id, limit=1000).items
        ),
        "messages": sorted(
            (
                one["id"],
                where[one["room_id"]],
                who[one["user_id"]],
                one["text"],
                sorted(each["name"] for each in one["reactions"]),
            )
            for one in workspace.messages(house, project_id, limit=1000).items
        ),
    }


@pytest.fixture
def imported(house: House, stage: Stage, go: Go, person_id: str) -> Callable[[Sequence[Export]], dict[str, Any]]:
    """What comes of some exports, one after the other, in a workspace of its own."""

    def imported(exports: Sequence[Export]) -> dict[str, Any]:
        with write(house.engine) as connection:
            project_id = projects.add(connection, name="Another", owner_id=person_id).id
        for one in exports:
            go(stage(into=project_id, **one))
        return shown(house, project_id)

    return imported


def orders(exports: Sequence[Export], chance: random.Random) -> Iterator[list[Export]]:
    for order in ((2, 1, 0), (1, 2, 0), (2, 0, 1)):
        yield [exports[at] for at in order]
    some = [*exports, chance.choice(exports)]
    chance.shuffle(some)
    yield some
    pieces = [piece for one in exports for piece in split(one, chance)]
    chance.shuffle(pieces)
    yield pieces


@pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
@pytest.mark.parametrize("seed", [1])
def test_the_order_of_exports_changes_nothing(
    seed: int, imported: Callable[[Sequence[Export]], dict[str, Any]]
) -> None:
    world, exports = World(seed), []
    for _ in range(3):
        world.live(8)
        exports.append(world.export())
    wanted = imported(exports[-1:])
    # Nobody is merged, whatever their names.
    assert {name: found[0] for name, found in wanted["users"].items() if name in USERS} == {
        "U1": "kim",
        "U2": "Kim-2",
        "U3": "kim-3",
        "U4": "lee",
    }
    assert {name: found[0] for name, found in wanted["rooms"].items() if name in ROOMS} == {
        "C1": "talk",
        "C2": "talk-2",
        "G1": "talk-3",
        "G2": "pay",
    }
    assert wanted["members"] == sorted((room, one) for room, found in world.rooms.items() for one in found["members"])
    told = {one["at"]: (one["text"], sorted(one["reactions"])) for one in world.messages}
    assert {int(id.split("-")[1]): (text, names) for id, _, _, text, names in wanted["messages"]} == told
    for order in orders(exports, random.Random(seed)):
        assert imported(order) == wanted
