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
    # The same address is the same person; one that left does not switch off one that stayed.
    more = {"username": "bobby", "emails": ["a@x.co", "b@x.co"], "name": "Bobby"}
    assert decide(held, id="U2", ids=["U2"], deleted=True, **more) == "updated"
    user = held.by_username["bob"]
    assert (user.name, list(user.emails), user.active) == ("Bob", ["a@x.co", "b@x.co"], True)
    assert held.import_ids == {"U1": "new1", "U2": "new1"}
    # And only what is equal is a copy.
    assert decide(held, username="bob", emails=["a@x.co"], title="Chief") == "differs"


def in_order(*records: dict[str, Any], named: tuple[str, ...] = (), age: int = 1) -> tuple[People, list[str]]:
    """Users of one export in an empty workspace."""
    held = People(named=lambda one: one in named)
    make = ids()
    return held, [plan.plan_user(record(**one), held, Options("op2", age_us=age), make) for one in records]


def test_two_of_one_handle_are_two_people() -> None:
    one = {"id": "W1", "ids": ["W1"], "username": "kim", "name": "Kim A", "emails": ["kim@a.x"]}
    two = {"id": "W2", "ids": ["W2"], "username": "Kim", "name": "Kim B", "emails": ["kim@b.x"]}
    three = {"id": "W3", "ids": ["W3"], "username": "kim", "name": "Kim C"}
    held, codes = in_order(one, two, three, named=("W1", "W2", "W3"))
    assert codes == ["created"] * 3
    assert [(user.username, user.name) for user in held.touched.values()] == [
        ("kim", "Kim A"),
        ("Kim-2", "Kim B"),
        ("kim-3", "Kim C"),
    ]
    # Nor does a later export join whose addresses are others.
    held, codes = in_order(one, two)
    assert codes == ["created", "created"]
    # It joins who may be the same.
    held, codes = in_order(one, three)
    assert codes == ["created", "updated"]
    assert held.by_username["kim"].ids == {"W1", "W3"}


def test_the_house_s_own_people_are_found_by_id_or_address_only() -> None:
    boss = User("own", "boss", "Boss", roles=["user"], emails={"boss@x.co": True}, person_id="p1")
    held = people(boss)
    assert decide(held, username="boss", name="Another") == "created"
    assert held.import_ids == {"U1": "new1"}
    assert held.touched["new1"].username == "boss-2"


def test_an_older_export_fills_what_is_empty_and_undoes_nothing() -> None:
    user = old("bob", emails={"bob@x.co": True}, as_of_us=50, account="U1", document={"title": "Chief"})
    older = {"username": "bob", "name": "Former", "emails": ["former@x.co"], "title": "Clerk", "zone": "UTC"}
    held = people(user, import_ids={"U1": user})
    user.ids = {"U1"}
    assert decide(held, Options("op2", age_us=49), deleted=True, **older) == "updated"
    assert (user.name, list(user.emails), user.active) == ("Old", ["bob@x.co"], True)
    assert (user.document, user.as_of_us) == ({"title": "Chief", "zone": "UTC"}, 50)
    held = people(user, import_ids={"U1": user})
    assert decide(held, Options("op2", age_us=51), deleted=True, **older) == "updated"
    assert (user.name, list(user.emails), user.active, user.as_of_us) == ("Former", ["former@x.co"], False, 51)


def test_two_accounts_of_one_person_do_not_take_turns() -> None:
    one = {"id": "U1", "ids": ["U1"], "username": "cy", "name": "Cy", "emails": ["cy@x.co"]}
    two = {"id": "U33", "ids": ["U33"], "username": "cyrus", "name": "Cyrus", "emails": ["cy@x.co"], "title": "Chief"}
    held, codes = in_order(one, two, named=("U1", "U33"))
    assert codes == ["created", "updated"]
    (user,) = {id(user): user for user in held.by_import_id.values()}.values()
    assert (user.name, user.document) == ("Cy", {"title": "Chief"})
    for _ in range(2):
        again = People(held.by_import_id, held.by_address, held.by_username, named=lambda one: True)
        codes = [plan.plan_user(record(**found), again, Options("op3", age_us=1), ids()) for found in (one, two)]
        assert codes == ["unchanged", "unchanged"]
    # The one that is in use speaks for both.
    held, _ = in_order({**one, "deleted": True}, two, named=("U1", "U33"))
    assert held.by_address["cy@x.co"].name == "Cyrus"
    assert held.by_address["cy@x.co"].active


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
    assert settle(held, name="My Room!", creator="U1", topic="Other") == "differs"
    assert settle(held, id="C2", ids=["C2"], name="My.Room", creator="U1", topic="New") == "updated"
    assert (held.became["C2"], room.topic) == (room, "New")
    # Of one export they are two.
    held.named = lambda one: one in ("C1", "C2", "C3")
    assert settle(held, id="C3", ids=["C3"], name="My.Room", creator="U1") == "created"
    assert (held.became["C3"].name, held.became["C3"].document) == ("My-Room-2", {"displayName": "My.Room"})
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


def test_a_group_of_which_not_everybody_is_known_is_no_conversation_of_two() -> None:
    held = rooms()
    assert settle(held, ("U1", "U2"), type="d", kind="dm") == "created"
    for number, members in enumerate((("U1", "U2"), ("U1",), ())):
        given = {"id": f"G{number}", "ids": [f"G{number}"], "type": "d", "kind": "group_dm"}
        assert settle(held, members, options=Options("op2", starter_id="u1"), **given) == "created"
        assert held.became[f"G{number}"] is not held.became["C1"]


def test_private_rooms_never_join_by_name() -> None:
    for type, there in (("p", "p"), ("p", "c"), ("c", "p")):
        held = rooms(Room("old", there, "secret", "n:secret", operation_id="op1"))
        assert settle(held, name="secret", type=type, creator="U1") == "created"
        assert (held.became["C1"].name, held.became["C1"].type) == ("secret-2", type)
    held = rooms(Room("old", "c", "secret", "n:secret", operation_id="op1"))
    assert settle(held, name="secret", creator="U1") == "updated"


def test_an_older_export_undoes_nothing_of_a_room() -> None:
    room = Room("old", "c", "team", "n:team", topic="New", as_of_us=50, account="C1", ids={"C1"})
    older = {"name": "former", "topic": "Old", "purpose": "Why", "archived": True}
    held = rooms(room, import_ids={"C1": room})
    assert settle(held, options=Options("op2", age_us=49), **older) == "updated"
    assert (room.name, room.topic, room.description, room.archived) == ("team", "New", "Why", False)
    held = rooms(room, import_ids={"C1": room})
    assert settle(held, options=Options("op2", age_us=51), type="p", **older) == "updated"
    assert (room.name, room.key, room.topic, room.archived) == ("former", "n:former", "Old", True)
    assert room.type == "p"  # closed since


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
    assert plan.plan_contact({**given, "name": "Kay"}, held, {"bob": "u1"}, Options("op1"), ids()) == "differs"
    assert plan.plan_contact(given, Contacts({"K1": kim}), {"bob": "u1"}, NOW, ids()) == "unchanged"
    more = {**given, "phones": ["1"]}
    assert plan.plan_contact(more, Contacts({"K1": kim}), {}, NOW, ids()) == "updated"
    assert plan.plan_contact({"id": "K2", "emails": []}, held, {}, NOW, ids()) == "empty"
    nameless = Contacts({"K3": Contact("abcdef123456", operation_id="op1")})
    assert plan.plan_contact({"id": "K3", "phones": ["2"]}, nameless, {}, NOW, ids()) == "updated"
    assert nameless.touched["abcdef123456"].name == "guest-123456"
