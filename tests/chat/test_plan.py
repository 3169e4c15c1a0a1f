"""What a run makes of users, rooms and contacts: records and a workspace in, codes and changed objects out."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from douane.chat import check, plan
from douane.chat.plan import Contact, Contacts, Options, People, Room, Rooms, User

NOW = Options("op2")


def ids() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"new{next(numbers)}"


def people(*users: User, import_ids: dict[str, User] | None = None) -> People:
    return People(
        import_ids or {},
        {address: user for user in users for address in user.emails},
        {user.username.lower(): user for user in users if not user.placeholder},
    )


def record(**given: Any) -> dict[str, Any]:
    return {"id": "U1", "ids": ["U1"], "type": "user", **given}


def decide(held: People, options: Options = NOW, **given: Any) -> str:
    code = plan.plan_user(record(**given), held, options, ids())
    assert code in {outcome.code for outcome in check.OUTCOMES["users"]}
    return code


def old(username: str, **more: Any) -> User:
    return User("old", username, more.pop("name", "Old"), roles=["user"], operation_id="op1", **more)


def test_a_new_user() -> None:
    held = people()
    assert decide(held, username="john.doe", emails=["John@X.co", "john@x.co"], deleted=True, avatar="http://a/b") == (
        "created"
    )
    (user,) = held.touched.values()
    assert (user.name, user.emails, user.active, user.roles) == ("John Doe", {"john@x.co": False}, False, ["user"])
    assert (user.pending_avatar, user.new, held.import_ids) == ("http://a/b", True, {"U1": "new1"})


def test_who_it_is_by_foreign_id_then_address_then_name() -> None:
    one, two, three = (User(name, name, emails={f"{name}@x.co": True}, roles=["user"]) for name in ("a", "b", "c"))
    held = people(one, two, three, import_ids={"U1": one})
    assert held.find(["U1"], ["b@x.co"], "c") == (one, "import_id")
    assert held.find(["U9"], ["z@x.co", "b@x.co"], "c") == (two, "email")
    assert held.find(["U9"], [], "c") == (three, "username")
    assert held.find(["U9"], [], "d") == (None, "")


def test_an_update_keeps_the_name_and_what_is_verified() -> None:
    user = old("bob", emails={"bob@x.co": True, "b@x.co": True})
    held = people(user)
    assert decide(held, username="robert", name="Robert", emails=["bob@x.co", "new@x.co"], deleted=False) == "updated"
    assert (user.username, user.name) == ("bob", "Robert")
    assert user.emails == {"bob@x.co": True, "new@x.co": False}
    # Nothing is left to do, and nothing is done.
    again = people(user, import_ids={"U1": user})
    assert decide(again, name="Robert", username="bob", emails=["bob@x.co", "new@x.co"], deleted=False) == "unchanged"
    assert again.touched == {}


def test_an_address_of_somebody_else_is_not_taken() -> None:
    one, two = old("bob", emails={"bob@x.co": False}), User("two", "cy", emails={"cy@x.co": True})
    held = people(one, two)
    assert decide(held, emails=["bob@x.co", "cy@x.co"]) == "updated"
    assert (list(one.emails), list(two.emails)) == (["bob@x.co"], ["cy@x.co"])


@pytest.mark.parametrize(
    "who",
    [
        {"person_id": "p1"},
        {"document": {"builtin": True}},
        {"roles": ["admin", "user"]},
    ],
)
def test_own_people_and_administrators_get_the_foreign_id_and_nothing_else(who: dict[str, Any]) -> None:
    user = User("old", "boss", "Boss", **({"roles": ["user"]} | who), emails={"boss@x.co": True})
    held = people(user)
    given = {"name": "Mallory", "roles": ["guest"], "deleted": True, "emails": ["boss@x.co", "m@x.co"]}
    assert decide(held, Options("op2", admins=True), username="mallory", **given) == "protected"
    assert (user.name, user.active, list(user.emails), user.changed) == ("Boss", True, ["boss@x.co"], False)
    assert user.roles == who.get("roles", ["user"])
    assert held.import_ids == {"U1": "old"}


def test_nobody_becomes_administrator_unless_asked_for() -> None:
    held = people()
    decide(held, username="a", roles=["admin", "guest"])
    assert held.by_username["a"].roles == ["guest"]
    held = people()
    decide(held, Options("op2", admins=True), username="a", roles=["admin"])
    assert held.by_username["a"].roles == ["admin"]
    user = old("a")
    assert decide(people(user), username="a", roles=["admin"]) == "updated"  # the foreign id is new
    assert user.roles == ["user"]


def test_two_records_of_one_export() -> None:
    held = people()
    assert decide(held, username="bob", emails=["a@x.co"]) == "created"
    assert decide(held, username="bob", emails=["a@x.co"]) == "duplicate"
    # The same name is the same person; one that left does not switch off one that stayed.
    assert decide(held, id="U2", ids=["U2"], username="BOB", emails=["b@x.co"], deleted=True) == "updated"
    user = held.by_username["bob"]
    assert (list(user.emails), user.active) == (["a@x.co", "b@x.co"], True)
    assert held.import_ids == {"U1": "new1", "U2": "new1"}


def test_a_placeholder_becomes_who_it_stood_for() -> None:
    placeholder = User("ph", "U1", "Zed", active=False, placeholder=True, operation_id="op1")
    held = people(placeholder, import_ids={"U1": placeholder})
    assert decide(held, username="zed", name="Zed Z") == "created"
    assert (placeholder.placeholder, placeholder.username, placeholder.active, placeholder.new) == (
        False,
        "zed",
        True,
        False,
    )
    # Or it was somebody who is there already.
    placeholder = User("ph", "U1", "Zed", active=False, placeholder=True, operation_id="op1")
    user = old("zed")
    held = people(user, import_ids={"U1": placeholder})
    assert decide(held, username="zed") == "updated"
    assert held.import_ids == {"U1": "old"}
    assert (placeholder.document, placeholder.username) == ({"merged_into": "old"}, "zed")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "importer-user-missing-email-and-username"),
        ({"username": " ", "emails": ["", " "]}, "importer-user-missing-email-and-username"),
        ({"username": "x" * 301}, "importer-user-invalid"),
        ({"username": "all", "emails": ["a@x.co"]}, "created"),
    ],
)
def test_records_that_fail(given: dict[str, Any], code: str) -> None:
    assert decide(people(), **given) == code


def test_users_only_fail_by_what_is_taken() -> None:
    only = Options("op2", users_only=True)
    user = old("bob", emails={"bob@x.co": True})
    held = people(user, import_ids={"U1": user})
    assert decide(held, only, username="z") == "importer-user-import-id-taken"
    assert decide(held, only, id="U2", ids=["U2"], emails=["bob@x.co"]) == "importer-user-email-taken"
    assert decide(held, only, id="U2", ids=["U2"], username="Bob") == "importer-user-username-taken"
    assert not held.touched
    assert not held.import_ids


def test_who_is_there_already_is_left_alone_if_asked_for() -> None:
    user = old("bob")
    held = people(user)
    assert decide(held, Options("op2", update_existing=False), username="bob", name="New") == "exists"
    assert (user.name, held.import_ids) == ("Old", {"U1": "old"})


def test_usernames_that_are_made() -> None:
    assert plan.username_candidates("Ann B. Lee", ["x@y"]) == ["ann.b.lee", "alee", "annl", "x"]
    held = People(taken=lambda key: key in ("ann.lee", "alee", "annl", "a", "ann.lee-1"))
    assert decide(held, name="Ann Lee", emails=["a@x.co"]) == "created"
    assert held.touched["new1"].username == "ann.lee-2"
    held = people()
    assert decide(held, emails=["!!@x.co"]) == "created"
    assert held.touched["new1"].username == "user-1"


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("My Room!", "My-Room"),
        ("Random.Stuff", "Random-Stuff"),
        ("my_channel", "my_channel"),
        ("café--straße", "cafe-strasse"),
        ("日本 語", "日本-語"),
    ],
)
def test_slugs(name: str, slug: str) -> None:
    assert plan.room_slug(name) == slug
    assert plan.room_slug("!!!") != plan.room_slug("???") != ""


def rooms(*held: Room, import_ids: dict[str, Room] | None = None) -> Rooms:
    general = Room("gen", "c", "general", "n:general", general=True)
    return Rooms(import_ids or {}, {room.key: room for room in (general, *held)}, general)


def channel(**given: Any) -> dict[str, Any]:
    return {"id": "C1", "ids": ["C1"], "type": "c", **given}


def settle(held: Rooms, members: tuple[str, ...] = (), options: Options = NOW, **given: Any) -> str:
    users = {"U1": "u1", "U2": "u2"}
    code = plan.plan_room(channel(**given), held, users, members, options, ids())
    assert code in {outcome.code for outcome in check.OUTCOMES["channels"]}
    return code


def test_rooms() -> None:
    held = rooms()
    assert settle(held, name="My Room!", creator="U1", topic="T", archived=True) == "created"
    room = held.became["C1"]
    assert (room.name, room.key, room.creator_id, room.archived) == ("My-Room", "n:My-Room", "u1", True)
    assert settle(held, name="My Room!", creator="U1") == "duplicate"
    assert settle(held, id="C2", ids=["C2"], name="My.Room", creator="U1", topic="New") == "updated"
    assert (held.became["C2"], room.topic) == (room, "New")
    assert settle(rooms(), name="x", creator="U9") == "importer-channel-invalid-creator"
    assert settle(rooms(), name="x", creator="U9", options=Options("op2", starter_id="u1")) == "created"
    assert settle(rooms(), name=" ") == "importer-channel-missing-name"
    assert settle(rooms(), id=None, ids=[], name="x") == "importer-channel-missing-import-id"


def test_the_general_room_is_the_built_in_one() -> None:
    held = rooms()
    assert settle(held, name="all-hands", general=True) == "updated"
    assert held.became["C1"] is held.general
    assert (held.general.name, held.general.key, held.general.archived) == ("all-hands", "n:all-hands", False)


def test_what_was_private_does_not_come_into_a_public_room() -> None:
    public = Room("pub", "c", "secret", "n:secret", operation_id="op1")
    held = rooms(public)
    assert settle(held, name="secret", type="p", creator="U1") == "created"
    assert held.became["C1"] is not public
    assert held.became["C1"].type == "p"
    assert held.became["C1"].key in plan.room_keys(channel(name="secret", type="p"), [])


def test_direct_rooms_are_their_members() -> None:
    held = rooms()
    assert settle(held, ("U1", "U2"), type="d") == "created"
    assert held.became["C1"].creator_id == "u1"
    assert settle(held, ("U2", "U1"), type="d", id="D2", ids=["D2"]) == "updated"
    assert held.became["D2"] is held.became["C1"]
    assert settle(held, ("U1", "U9"), type="d", id="D3", ids=["D3"]) == "importer-channel-missing-users"
    assert settle(held, (), type="d", id="D3", ids=["D3"]) == "importer-channel-missing-users"


def test_contacts() -> None:
    held = Contacts({})
    given = {
        "id": "K1",
        "ids": ["K1"],
        "name": "Kim",
        "emails": ["k@x.co", "k@x.co"],
        "manager": "Bob",
        "custom": '{"a":1}',
    }
    assert plan.plan_contact(given, held, {"bob": "u1"}, Options("op1"), ids()) == "created"
    (kim,) = held.touched.values()
    assert (kim.emails, kim.manager_id, kim.custom) == (["k@x.co"], "u1", {"a": 1})
    assert plan.plan_contact(given, held, {"bob": "u1"}, Options("op1"), ids()) == "duplicate"
    assert plan.plan_contact(given, Contacts({"K1": kim}), {"bob": "u1"}, NOW, ids()) == "unchanged"
    more = {**given, "phones": ["1"]}
    assert plan.plan_contact(more, Contacts({"K1": kim}), {}, NOW, ids()) == "updated"
    assert plan.plan_contact({"id": "K2", "emails": []}, held, {}, NOW, ids()) == "empty"
    nameless = Contacts({"K3": Contact("abcdef123456", operation_id="op1")})
    assert plan.plan_contact({"id": "K3", "phones": ["2"]}, nameless, {}, NOW, ids()) == "updated"
    assert nameless.touched["abcdef123456"].name == "guest-123456"
