"""Runs of chat imports on both storage modes, with the worker's handlers called in this process."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from douane import errors
from douane.chat.selection import EVERYTHING, Group, Selection
from douane.flow import sweeping
from douane.flow.chat import imports, records, run, run_batches, run_messages, workspace
from douane.flow.house import House
from douane.model.operation import Operation
from douane.store import chat, operations, projects
from douane.store.database import read, write
from douane.store.ids import new_id
from douane.store.schema import chat_file
from douane.store.schema import operation as operation_table
from tests.flow.chat.conftest import Go, Stage, channel, message, user

# Where the storage makes no difference, once is enough.
once = pytest.mark.parametrize("storage", ["sqlite"], indirect=True)

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
            "differs": 1,
            "importer-message-unknown-room": 1,
            "importer-message-invalid-timestamp": 1,
        },
    }


def texts(house: House, project_id: str, **which: Any) -> list[str]:
    return [item["text"] for item in workspace.messages(house, project_id, limit=1000, **which).items]


def usernames(house: House, project_id: str, **which: Any) -> set[str]:
    return {item["username"] for item in workspace.users(house, project_id, limit=1000, **which).items}


OWN = {"ann", "rocket.cat"}  # who is in the workspace before anything is imported


def test_the_same_again_brings_nothing_and_an_overlap_only_what_is_new(
    house: House, project_id: str, stage: Stage, go: Go
) -> None:
    go(stage(**EXPORT))
    before = texts(house, project_id)
    again = go(stage(**EXPORT))
    assert again.detail["done"] | {"protected": 0} == {
        "imported": 10,
        "skipped": 1,
        "failed": 2,
        "unchanged": 2 + 3 + 4,
        "protected": 0,
    }
    assert texts(house, project_id) == before
    with read(house.engine) as connection:
        assert len(chat.rooms(connection, project_id)) == 3
        assert len(chat.users(connection, project_id, placeholders=True)) == 5
    more = [
        message("C1", 2, "two", "U2"),  # its reaction was taken back
        message("C2", 3, "three", "U7", alias="Zed"),
        message("C2", 9, "nine", "U2"),
    ]
    over = go(stage(**EXPORT | {"messages": [more], "reactions": [[]]}))
    assert {name: over.detail["done"].get(name) for name in ("created", "updated", "unchanged")} == {
        "created": 1,
        "updated": 1,
        "unchanged": 2 + 3 + 1,
    }
    assert sorted(texts(house, project_id)) == sorted([*before, "nine"])
    rooms = {item["name"]: item["messages"] for item in workspace.rooms(house, project_id).items}
    assert rooms == {"general": 2, "My-Room": 2, "": 1}


@once
def test_only_what_was_selected(house: House, project_id: str, stage: Stage, go: Go) -> None:
    chosen = Selection(Group(ids=frozenset({"U1"})), Group(ids=frozenset({"C2"})))
    done = go(stage(**EXPORT), chosen)
    assert usernames(house, project_id) == OWN | {"bob"}
    assert {item["name"] for item in workspace.rooms(house, project_id).items} == {"general", "My-Room"}
    assert texts(house, project_id) == ["three"]
    sums = done.detail["done"]
    # Two of three users, and two of three rooms, were no work at all.
    assert (done.detail["run_total"], sums["not_selected"]) == (1 + 1 + 7, 4)
    assert (sums["imported"], sums["skipped"], sums["failed"]) == (3, 5, 1)
    # The author of a message that came in, though left out herself.
    go(stage(**EXPORT), Selection(Group(), Group(ids=frozenset({"C1"}))))
    with read(house.engine) as connection:
        cy = chat.one_user(connection, project_id, "import_id", "U2")
    assert cy is not None
    assert (cy["placeholder"], cy["name"], cy["active"]) == (True, "cy", False)
    # And when she comes, she is the one who wrote it.
    go(stage(**EXPORT), Selection(Group(all=True), Group()))
    with read(house.engine) as connection:
        came = chat.one_user(connection, project_id, "import_id", "U2")
    assert came is not None
    assert (came["id"], came["placeholder"], came["username"], came["active"]) == (cy["id"], False, "cy", True)
    two = next(item for item in workspace.messages(house, project_id).items if item["text"] == "two")
    assert two["username"] == "cy"


@once
def test_strict_imports_fail_what_nobody_wrote_and_a_retry_mends_it(
    house: House, project_id: str, stage: Stage, go: Go
) -> None:
    done = go(stage(**EXPORT), strict=True)
    assert done.detail["done"]["failed"] == 3
    assert "three" not in texts(house, project_id)
    failed = workspace_codes(house, done, "messages")
    assert failed[0] == {"created": 2, "importer-message-unknown-user": 1}
    # Nothing changed, so nothing changes.
    done = again(house, imports.retry(house, done))
    assert (done.stage, done.detail["done"]["failed"]) == ("completed", 3)
    assert workspace_codes(house, done, "messages") == failed
    with write(house.engine) as connection:
        bob = chat.user_id_by(connection, project_id, username_key="bob")
        assert bob is not None
        chat.add_import_ids(connection, project_id, "user", {"U7": bob})
    done = again(house, imports.retry(house, done))
    assert done.detail["done"]["failed"] == 2
    assert workspace_codes(house, done, "messages")[0] == {"created": 3}
    assert workspace_codes(house, done, "messages")[1] == {
        "created": 1,
        "differs": 1,
        "importer-message-unknown-room": 1,
        "importer-message-invalid-timestamp": 1,
    }
    three = [item for item in workspace.messages(house, project_id).items if item["text"] == "three"]
    assert [item["username"] for item in three] == ["bob"]
    assert sum(done.detail["done"][name] for name in ("imported", "skipped", "failed")) == done.detail["run_total"]


def workspace_codes(house: House, operation: Operation, table: str) -> dict[int, dict[str, int]]:
    with read(house.engine) as connection:
        return {row.number: row.reasons for row in chat.outcomes(connection, operation.id, operation.version, table)}


def again(house: House, operation: Operation) -> Operation:
    while run.run(house, operation.id):
        pass
    return imports.get(house, operation.id, operation.project_id)


@once
def test_users_only_never_touch_who_is_there(house: House, project_id: str, stage: Stage, go: Go) -> None:
    people = [user("U1", "bob", emails=["bob@example.com"]), user("U2", "cy", emails=["cy@x.co"])]
    first = go(stage(users=[people], channels=[CHANNELS], messages=MESSAGES), mode="users")
    assert (first.stage, first.detail["run_total"]) == ("completed", 2)
    assert {name: first.detail["done"][name] for name in ("imported", "skipped", "failed")} == {
        "imported": 2,
        "skipped": 0,
        "failed": 0,
    }
    assert texts(house, project_id) == []
    assert usernames(house, project_id) == OWN | {"bob", "cy"}
    others = [user("U5", "BOB", emails=["b@x.co"]), user("U6", "di", emails=["CY@x.co"]), user("U1", "eve")]
    second = go(stage(users=[[*people, *others]]), mode="users")
    assert second.detail["done"]["failed"] == 5
    assert workspace_codes(house, second, "users") == {
        0: {
            "importer-user-import-id-taken": 3,
            "importer-user-username-taken": 1,
            "importer-user-email-taken": 1,
        }
    }
    assert usernames(house, project_id) == OWN | {"bob", "cy"}


def test_a_run_that_is_killed_between_any_two_commits_ends_the_same(
    house: House, project_id: str, person_id: str, stage: Stage, go: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each attempt gets one commit further than the one before; then another project's undisturbed run is compared."""
    monkeypatch.setattr(run_batches, "BATCH", 2)
    operation = stage(**EXPORT)
    imports.start(house, operation, EVERYTHING)
    commits = 0
    while imports.get(house, operation.id, project_id).work:
        commits += 1
        allowed = iter(range(3))
        with monkeypatch.context() as patched, suppress(Killed):
            for name in ("hold", "fenced"):

                def fence(
                    connection: Any, held: Any, allowed: Any = allowed, real: Any = getattr(operations, name)
                ) -> Any:
                    if next(allowed, None) is None:
                        raise Killed
                    return real(connection, held)

                patched.setattr(operations, name, fence)
            run.run(house, operation.id)
        assert commits < 40
    assert commits > 4
    killed = imports.get(house, operation.id, project_id)
    assert (killed.stage, killed.work_error) == ("completed", None)
    with write(house.engine) as connection:
        other_id = projects.add(connection, name="Other", owner_id=person_id).id
    whole = go(stage(into=other_id, **EXPORT))
    assert killed.detail["done"] == whole.detail["done"]
    assert texts(house, project_id) == texts(house, other_id)
    for table in ("users", "channels", "messages"):
        assert workspace_codes(house, killed, table) == workspace_codes(house, whole, table)
    shown = [(item["name"], item["messages"], item["type"]) for item in workspace.rooms(house, project_id).items]
    assert shown == [(item["name"], item["messages"], item["type"]) for item in workspace.rooms(house, other_id).items]


class Killed(BaseException):
    """Stands for SIGKILL: nothing may catch it."""


@once
def test_a_stopped_run_keeps_what_it_committed_and_goes_on(
    house: House, project_id: str, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = stage(**EXPORT)
    imports.start(house, operation, EVERYTHING)
    real = run.placeholders_step

    def stopped(job: Any) -> bool:
        imports.stop(house, operation)
        return real(job)

    monkeypatch.setattr(run, "placeholders_step", stopped)
    assert run.run(house, operation.id) is False
    now = imports.get(house, operation.id, project_id)
    assert (now.stage, now.work, now.detail["cancelled"]) == ("processing", "", True)
    assert now.detail["done"]["imported"] == 3
    assert texts(house, project_id) == []
    monkeypatch.setattr(run, "placeholders_step", real)
    done = again(house, imports.resume(house, now))
    assert (done.stage, done.detail["done"]["imported"]) == ("completed", 10)
    assert len(texts(house, project_id)) == 4


@once
def test_one_run_of_a_workspace_at_a_time(
    house: House, project_id: str, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "WAIT_S", 0)
    first, second = stage(**EXPORT), stage(users=[[user("U4", "di")]])
    imports.start(house, second, EVERYTHING)
    with read(house.engine) as connection:
        asked = operations.get(connection, second.id)
    with write(house.engine) as connection:  # as if the second had not ended the first
        connection.execute(
            update(operation_table)
            .where(operation_table.c.id == first.id)
            .values(stage="processing", work="chat_run", detail={**first.detail, "run": asked.detail["run"]})
        )
    assert run._must_wait(house, first.id) is False
    assert run.run(house, second.id) is True
    assert again(house, first).stage == "completed"
    assert again(house, second).stage == "completed"
    assert usernames(house, project_id) == OWN | {"bob", "cy", "di"}


@once
def test_the_sweeper_leaves_what_was_imported(house: House, project_id: str, stage: Stage, go: Go) -> None:
    done = go(stage(**EXPORT))
    before = texts(house, project_id)
    lost, young = (
        f"chat/{project_id}/parts/016f5e66e800{'0' * 12}-messages",
        f"chat/{project_id}/parts/{new_id()}-messages",
    )
    stranger = f"chat/{new_id()}/parts/{new_id()}-messages"
    unnamed = f"{done.id}/masks/of-a-lost-attempt"
    for name in (lost, young, stranger, unnamed):
        house.objects.put_bytes(name, b"x")
    at_once = replace(house, settings=house.settings.model_copy(update={"sweep_grace_s": 0, "retention_days": 0}))
    assert sweeping.sweep(replace(house, settings=house.settings.model_copy(update={"sweep_grace_s": 0}))) == 1
    assert unnamed not in house.objects.list(f"{done.id}/")
    assert records.page(house, done, "messages", "invalid", 1, 10).total == 2
    assert len(records.ledger_entries(house, done, 1, 10)) == 0  # there were no entries
    sweeping.sweep(at_once)
    assert list(house.objects.list(f"{done.id}/")) == []
    assert sweeping.drop_orphans(house) == 2
    assert {lost, young, stranger} & set(house.objects.list("chat/")) == {young}
    assert texts(house, project_id) == before


def test_no_record_is_so_bad_that_it_ends_the_run(house: House, project_id: str, stage: Stage, go: Go) -> None:
    nul = "a\0b"
    people = [
        user("U1", "fine"),
        user(nul, nul, name=nul, emails=[nul, "x" * 400, "not an address"], roles=[nul, "r" * 500], title=nul),
        user("U" * 900, "long id"),
        user("U3", "n" * 301),
        user("U4", "odd", utc_offset=float("nan"), custom='{"\\u0000": "\\u0000", "bio": 5}', type="x" * 50),
        user("U5", "custom", custom="[1", avatar="javascript:x", status_text="\U0001f600" * 500),
        user("", "", emails=[]),
        user("U7", "Fine", emails=["f@x.co"]),
    ]
    channels = [
        channel("C1", nul, topic=nul, created_us=2**62),
        channel("C2", "x" * 5000, created_us=-(2**62)),
        channel("C" * 900, "long id"),
        channel("C4", "../../etc/passwd", creator=nul),
        channel("D1", None, "d"),
        channel("D2", "d", "zzz"),
    ]
    contacts = [{"entry": 0, "id": nul, "name": nul, "emails": [nul], "manager": nul, "custom": '{"\\u0000": 1}'}]
    messages = [
        message("C1", 1, nul, nul, alias=nul, files=1),
        message("C" * 900, 2, "x", "U" * 900),
        message(nul, 3, "x"),
        message("C2", 4, "x", ts_us=2**62),
        message("D1", 5, "x"),
    ]
    files = [
        {"at": 0, "number": 1, "id": nul, "name": nul, "url": nul, "state": nul, "size": -(2**62), "media_type": nul}
    ]
    done = go(
        stage(
            users=[people],
            channels=[channels],
            contacts=[contacts],
            members=[[{"channel": "C1", "user": nul}, {"channel": nul, "user": "U1"}]],
            messages=[messages],
            files=[files],
        )
    )
    assert (done.stage, done.work_error) == ("completed", None)
    sums = done.detail["done"]
    assert sum(sums[name] for name in ("imported", "skipped", "failed")) == done.detail["run_total"]
    codes = [workspace_codes(house, done, table) for table in ("users", "channels", "contacts", "messages")]
    assert "storing" not in str(codes[:1])
    assert {"fine", "odd", "custom", "long id"} < usernames(house, project_id)
    # Whatever was taken in can be had again.
    for table in workspace.KINDS:
        for line in b"".join(workspace.encoded(house, project_id, table, "ndjson")).splitlines():
            json.loads(line)
    again_done = go(stage(users=[people], channels=[channels], contacts=[contacts], messages=[messages], files=[files]))
    assert (again_done.stage, again_done.detail["done"].get("created", 0)) == ("completed", 0)


@once
def test_a_room_that_failed_comes_with_its_messages_once_it_can(
    house: House, project_id: str, stage: Stage, go: Go
) -> None:
    direct = [channel("D1", None, "d"), channel("C1", "one")]
    members = [{"channel": "D1", "user": "U1"}, {"channel": "D1", "user": "U5"}]
    parts = [[message("D1", 1, "a"), message("C1", 2, "b")], [message("C1", 3, "c")]]
    done = go(stage(users=[[user("U1", "bob")]], channels=[direct], members=[members], messages=parts), strict=True)
    assert workspace_codes(house, done, "channels") == {0: {"created": 1, "importer-channel-missing-users": 1}}
    assert workspace_codes(house, done, "messages")[0] == {"created": 1, "importer-message-unknown-room": 1}
    assert (done.detail["done"]["imported"], done.detail["done"]["failed"]) == (4, 2)
    go(stage(users=[[user("U5", "eve")]]))
    done = again(house, imports.retry(house, done))
    assert workspace_codes(house, done, "channels") == {0: {"created": 2}}
    assert workspace_codes(house, done, "messages") == {0: {"created": 2}, 1: {"created": 1}}
    assert (done.detail["done"]["imported"], done.detail["done"]["failed"]) == (6, 0)
    assert texts(house, project_id) == ["b", "c", "a"]
    (room,) = workspace.rooms(house, project_id, types=("d",)).items
    assert {one["username"] for one in workspace.members(house, project_id, room_id=room["id"]).items} == {"bob", "eve"}
    assert room["messages"] == 1


def test_a_later_export_says_where_files_that_were_not_fetched_are_now(
    house: House, project_id: str, stage: Stage, go: Go
) -> None:
    def export(token: str, body_entry: int | None = None) -> dict[str, Any]:
        named = {"at": 0, "number": 1, "name": "a.txt", "state": "hosted"}
        files = [
            {**named, "id": "F1", "url": f"https://files.example/1?t={token}"},
            {**named, "number": 2, "id": "F2", "url": f"https://files.example/2?t={token}", "body_entry": body_entry},
        ]
        return {
            "users": [USERS],
            "channels": [CHANNELS],
            "messages": [[message("C1", 1, "with files", files=2)]],
            "files": [files],
        }

    go(stage(**export("old")))
    with write(house.engine) as connection:
        connection.execute(update(chat_file).where(chat_file.c.id == "F1").values(state="downloaded", object="kept"))
        connection.execute(update(chat_file).where(chat_file.c.id == "F2").values(state="failed", error="gone"))
    again = go(stage(**export("new", 7)))
    assert again.detail["done"]["unchanged"] >= 1
    assert again.detail["done"].get("updated", 0) == 0
    with read(house.engine) as connection:
        found = {
            row["id"]: dict(row)
            for row in connection.execute(select(chat_file).where(chat_file.c.project_id == project_id)).mappings()
        }
    assert (found["F1"]["state"], found["F1"]["url"]) == ("downloaded", "https://files.example/1?t=old")
    assert (found["F2"]["state"], found["F2"]["url"]) == ("pending", "https://files.example/2?t=new")
    assert (found["F2"]["body_entry"], found["F2"]["error"]) == (7, None)
    assert found["F2"]["operation_id"] == again.id


@once
def test_a_second_try_that_fails_takes_nothing_away(
    house: House, project_id: str, stage: Stage, go: Go, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = go(stage(**EXPORT))
    said = texts(house, project_id)
    imports.retry(house, first)

    def refuse(*_given: Any, **_more: Any) -> bool:
        raise errors.DouaneError("Something went wrong.", code="internal")

    monkeypatch.setattr(run_messages, "run_child", refuse)
    after = again(house, first)
    assert (after.stage, after.work_error) == ("completed", ("internal", "Something went wrong."))
    assert texts(house, project_id) == said


def test_a_database_that_is_away_says_nothing_about_a_record() -> None:
    """Only what it refuses of a record is that record's fault."""
    away = errors.Unavailable("The database does not answer; try again in a moment.")
    refused = errors.Unstorable("The database cannot hold one of the values; nothing was changed.")
    committed: list[Any] = []

    def commit(records: list[dict[str, Any]], at: int, fails: bool) -> None:
        if any(one["id"] == "bad" for one in records) and not fails:
            raise refused
        committed.append((at, [one["id"] for one in records], fails))

    run_batches.split([{"id": "a"}, {"id": "bad"}, {"id": "c"}], 5, commit)
    assert sorted(committed) == [(5, ["a"], False), (6, ["bad"], True), (7, ["c"], False)]

    def absent(_records: list[dict[str, Any]], _at: int, _fails: bool) -> None:
        raise away

    with pytest.raises(errors.Unavailable):
        run_batches.split([{"id": "a"}], 0, absent)
