"""The life of a chat operation: making one supersedes the others; reading, sending users, starting, stopping."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from douane import errors
from douane.chat.selection import EVERYTHING, Group, Selection
from douane.flow import sweeping
from douane.flow.chat import imports, preview, records, run, work, workspace
from douane.flow.chat.imports import NewChat
from douane.flow.house import House
from douane.model.chat_import import ChatDetail
from douane.model.operation import Operation
from douane.store import batches, chat, manifest, operations, projects
from douane.store.database import read, write
from douane.store.schema import operation as operation_table

once = pytest.mark.parametrize("storage", ["sqlite"], indirect=True)

ADA: dict[str, Any] = {
    "importIds": ["1", "x1"],
    "emails": ["ada@example.com"],
    "username": "ada",
    "utcOffset": 2,
    "bio": "engines",
    "customFields": {"team": "a"},
    "roles": ["user"],
    "password": "secret word",
    "deleted": None,
}
BOB = {"importIds": ["2"], "emails": ["bob@example.com"]}


def stood(operation: Operation | None) -> tuple[str, bool, bool]:
    assert operation is not None
    return operation.stage, bool(operation.detail.get("superseded")), bool(operation.detail.get("cancelled"))


def test_one_operation_is_current(house: House, begin: Callable[..., Operation], project_id: str) -> None:
    assert imports.current(house, project_id) is None
    first = begin()
    second = begin(importer="slack")
    current = imports.current(house, project_id)
    assert current is not None
    assert current.id == second.id
    assert stood(current) == ("uploaded", False, False)
    before = imports.get(house, first.id, project_id)
    assert stood(before) == ("terminated", True, False)
    assert before.detail["stood"] == ["uploaded", "", ""]
    imports.clear(house, project_id)
    assert stood(imports.current(house, project_id)) == ("terminated", True, False)
    assert [o.id for o in imports.latest(house, project_id, 1)] == [second.id]
    with pytest.raises(errors.NotFound):
        imports.get(house, first.id, first.id)


def test_of_many_made_at_once_one_stands(house: House, begin: Callable[..., Operation], project_id: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: begin(), range(16)))
    found = [imports.get(house, operation.id, project_id) for operation in made]
    standing = [operation for operation in found if not operation.detail.get("superseded")]
    current = imports.current(house, project_id)
    assert current is not None
    assert [operation.id for operation in standing] == [current.id]


@once
def test_projects_do_not_meet(house: House, begin: Callable[..., Operation], project_id: str, person_id: str) -> None:
    first = begin()
    with write(house.engine) as connection:
        other = projects.add(connection, name="Other", owner_id=person_id).id
    imports.begin(house, NewChat(other, person_id, "api"))
    assert stood(imports.get(house, first.id, project_id)) == ("uploaded", False, False)
    imports.clear(house, other)
    assert stood(imports.current(house, project_id)) == ("uploaded", False, False)


@once
def test_a_read_that_is_superseded_stops_and_names_nothing_more(
    house: House, begin: Callable[..., Operation], project_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = begin()
    imports.ask_read(house, operation)
    keep = work._keep_batch

    def keep_then_clear(*given: Any) -> None:
        keep(*given)
        imports.clear(house, project_id)

    monkeypatch.setattr(work, "_keep_batch", keep_then_clear)
    assert not work.read(house, operation.id)
    now = imports.get(house, operation.id, project_id)
    assert (stood(now), now.work, now.work_error) == (("terminated", True, False), "", None)
    assert now.detail["stood"][:2] == ["uploaded", "chat_read"]
    # Nobody can wake it.
    assert imports.ask_read(house, now).work == ""
    assert not work.read(house, operation.id)


@once
def test_a_file_that_is_no_export_fails_with_a_sentence(house: House, reviewed: Callable[..., Operation]) -> None:
    operation = reviewed(b"%PDF-1.7 not a zip")
    assert operation.stage == "failed"
    assert operation.work_error is not None
    assert operation.work_error[1].endswith(".")
    nothing = reviewed({"readme.txt": "hello"})
    assert nothing.stage == "failed"
    assert nothing.work_error is not None
    assert nothing.work_error[1]
    unread = reviewed({"users.csv": "ada\n"})
    assert unread.stage == "failed"
    assert unread.work_error is not None
    assert "line 1" in unread.work_error[1].lower()


def test_users_by_rest(house: House, project_id: str, person_id: str) -> None:
    operation = imports.begin(house, NewChat(project_id, person_id, "api"))
    assert imports.add_users(house, operation, []).stage == "uploaded"
    operation = imports.add_users(house, operation, [ADA])
    assert (operation.stage, operation.detail["counts"]) == ("reviewing", {"users": 1, "total": 1})
    operation = imports.add_users(house, operation, [BOB, {**BOB, "emails": ["no address"]}])
    assert operation.detail["counts"] == {"users": 3, "total": 3}
    assert [user["id"] for user in preview.preview(house, operation).users] == ["1", "2", "2"]
    page = records.page(house, operation, "users", "all", 1, 10)
    assert page.total == 3
    first = page.records[0].record
    assert (first["ids"], first["utc_offset"], first["origin"]) == (["1", "x1"], 2.0, "api")
    assert "secret word" not in str(page)
    assert [[p.rule for p in record.problems] for record in page.records] == [[], [], ["email_form", "repeated"]]
    ledger = records.ledger(house, operation)
    assert (ledger.found, ledger.staged, ledger.imported) == (3, 3, 0)


@once
def test_users_by_rest_join_those_of_a_file(house: House, reviewed: Callable[..., Operation]) -> None:
    operation = imports.add_users(house, reviewed(), [ADA])
    assert operation.detail["counts"]["users"] == 4
    assert [user["id"] for user in preview.preview(house, operation).users] == ["ada", "bob", "cy", "1"]
    assert [r.record["id"] for r in records.page(house, operation, "users", "all", 1, 10).records] == [
        *("ada", "bob", "cy", "zed", "1")
    ]
    # What the file brought keeps its verdicts.
    assert records.page(house, operation, "messages", "invalid", 1, 10).total == 1
    ledger = records.ledger(house, operation)
    assert ledger.found == ledger.staged == 13 - 1 + 1  # the direct conversation is made of messages


@once
def test_users_are_taken_in_review_only(house: House, begin: Callable[..., Operation], project_id: str) -> None:
    operation = begin()
    with pytest.raises(errors.WrongStage):
        imports.add_users(house, operation, [ADA])
    imports.clear(house, project_id)
    with pytest.raises(errors.WrongStage):
        imports.add_users(house, operation, [ADA])


def started(house: House, operation: Operation) -> Operation:
    return imports.start(house, operation, Selection(users=Group(True), channels=Group(ids=frozenset({"c"}))))


@once
def test_a_run_is_started_once(
    house: House, reviewed: Callable[..., Operation], begin: Callable[..., Operation]
) -> None:
    with pytest.raises(errors.WrongStage):
        started(house, begin())
    operation = reviewed()
    running = started(house, operation)
    assert (running.stage, running.work) == ("processing", "chat_run")
    run = running.detail["run"]
    assert (run["mode"], run["strict"], run["update_existing"], run["admins"]) == ("start", False, True, False)
    chosen = Selection.from_json(house.objects.local_path(run["selection_object"]).read_bytes())
    assert (chosen.users.all, chosen.channels.ids, chosen.contacts.all) == (True, frozenset({"c"}), False)
    with pytest.raises(errors.WrongStage):
        started(house, operation)


@once
def test_a_run_stops_and_goes_on(house: House, reviewed: Callable[..., Operation], project_id: str) -> None:
    operation = started(house, reviewed())
    with write(house.engine) as connection:
        held = operations.claim(connection, operation.id, "chat_run")
    assert held is not None
    stopped = imports.stop(house, operation)
    assert (stopped.stage, stopped.work, stopped.detail["cancelled"]) == ("processing", "", True)
    with pytest.raises(errors.Superseded), write(house.engine) as connection:
        operations.fenced(connection, held)
    with pytest.raises(errors.WrongStage):
        imports.retry(house, stopped)
    going = imports.resume(house, stopped)
    assert (going.stage, going.work, "cancelled" in going.detail) == ("processing", "chat_run", False)
    with pytest.raises(errors.WrongStage):
        imports.resume(house, going)
    imports.clear(house, project_id)
    ended = imports.get(house, operation.id, project_id)
    assert (stood(ended), ended.work) == (("terminated", True, True), "")
    assert ended.detail["stood"][:2] == ["processing", "chat_run"]
    with pytest.raises(errors.WrongStage):
        imports.resume(house, ended)


@once
def test_only_failed_records_are_tried_again(
    house: House, reviewed: Callable[..., Operation], begin: Callable[..., Operation], project_id: str
) -> None:
    operation = started(house, reviewed())

    def completed(failed: int) -> Operation:
        with write(house.engine) as connection:
            operations.finish(connection, operation.id, "completed")
            with operations.changing(connection, operation.id, ChatDetail) as detail:
                detail.done = {"imported": 1, "failed": failed}
            return operations.get(connection, operation.id)

    done = completed(failed=1)
    again = imports.retry(house, done)
    assert (again.stage, again.work, again.detail["run"]["retry"]) == ("processing", "chat_run", True)
    with pytest.raises(errors.BadRequest):
        imports.retry(house, completed(failed=0))
    # Also once another import came after it; a third one ends that.
    completed(failed=1)
    begin()
    assert stood(imports.get(house, done.id, project_id)) == ("completed", True, False)
    assert imports.retry(house, done).work == "chat_run"
    imports.clear(house, project_id)
    ended = imports.get(house, done.id, project_id)
    assert (stood(ended), ended.work) == (("completed", True, False), "")


@once
def test_a_second_try_that_is_superseded_leaves_its_import_completed(
    house: House, reviewed: Callable[..., Operation], project_id: str
) -> None:
    operation = started(house, reviewed())
    with write(house.engine) as connection:
        operations.finish(connection, operation.id, "completed")
        with operations.changing(connection, operation.id, ChatDetail) as detail:
            detail.done = {"imported": 1, "failed": 1}
    imports.stop(house, imports.retry(house, operation))
    imports.clear(house, project_id)
    ended = imports.get(house, operation.id, project_id)
    assert (stood(ended), ended.work) == (("completed", True, False), "")
    assert records.page(house, ended, "messages", "all", 1, 10).total == 7
    assert imports.retry(house, ended).work == "chat_run"


@pytest.mark.parametrize("storage", ["postgres"], indirect=True)
def test_whoever_holds_the_project_does_not_hold_up_a_run(house: House, project_id: str) -> None:
    # A run holds its import while it adds rows of the project; who makes another import holds the project and waits
    # for that one. If the rows waited too, each would wait for the other.
    with write(house.engine) as other:
        projects.lock(other, project_id)
        with write(house.engine) as run_of:
            chat.add_import_ids(run_of, project_id, "user", {"U1": "x" * 24})
    with read(house.engine) as connection:
        assert chat.targets(connection, project_id, "user", ["U1"]) == {"U1": "x" * 24}


@once
def test_an_operation_of_nobody_has_no_workspace_user(house: House, project_id: str) -> None:
    workspace.ensure(house, project_id)
    with read(house.engine) as connection:
        assert chat.user_id_by(connection, project_id, username_key=chat.BOT_NAME) is not None
        assert chat.user_id_of_person(connection, project_id, None) is None


@once
def test_pending_files_and_avatars_with_none(house: House, project_id: str, person_id: str) -> None:
    for kind in ("files", "avatars"):
        operation, count = imports.begin_pending(house, project_id, person_id, kind)
        assert (operation.stage, operation.work, count) == ("completed", "", 0)
        assert operation.detail["importer"] == f"pending-{kind}"
        found = preview.preview(house, operation)
        assert (list(found.users), list(found.channels), found.message_count) == ([], [], 0)


@once
def test_what_was_superseded_is_swept_and_a_failed_run_is_not(
    house: House, reviewed: Callable[..., Operation], project_id: str
) -> None:
    house = quick(house)
    first = reviewed()
    assert list(house.objects.list(f"{first.id}/"))
    second = started(house, reviewed())
    with write(house.engine) as connection:
        operations.finish(connection, second.id, "failed")
    while sweeping.sweep(house):
        pass
    assert list(house.objects.list(f"{first.id}/")) == []
    with read(house.engine) as connection:
        assert batches.last(connection, first.id) is None
        assert manifest.objects(connection, first.id) == set()
    failed = imports.get(house, second.id, project_id)
    assert records.page(house, failed, "messages", "all", 1, 10).total == 7
    run = imports.resume(house, failed).detail["run"]
    assert house.objects.local_path(run["selection_object"]).read_bytes()


def quick(house: House) -> House:
    return replace(house, settings=house.settings.model_copy(update={"sweep_grace_s": 0}))


@once
def test_a_completed_import_keeps_what_its_ledger_and_failed_records_need(
    house: House, reviewed: Callable[..., Operation], project_id: str
) -> None:
    house = quick(house)
    operation = imports.start(house, reviewed(), EVERYTHING, strict=True)
    house.objects.put_bytes(f"{operation.id}/masks/of-a-lost-attempt", b"x")
    while run.HANDLERS["chat_run"](house, operation.id):
        pass

    def known() -> tuple[Any, ...]:
        now = imports.get(house, operation.id, project_id)
        failed = records.page(house, now, "messages", "invalid", 1, 10)
        entries = records.ledger_entries(house, now, 1, 10)
        return now.stage, failed, records.ledger(house, now), entries, list(preview.preview(house, now).users)

    before = known()
    # A message without a time, and one of an author that nobody listed.
    assert (before[0], before[1].total) == ("completed", 2)
    while sweeping.sweep(house):
        pass
    assert f"{operation.id}/masks/of-a-lost-attempt" not in set(house.objects.list(f"{operation.id}/"))
    assert known() == before
    imports.retry(house, imports.get(house, operation.id, project_id))
    while run.HANDLERS["chat_run"](house, operation.id):
        pass
    assert known()[:2] == before[:2]
    # After the retention time its records are gone; the document stays.
    with write(house.engine) as connection:
        connection.execute(
            sa.update(operation_table).values(updated_at=datetime.now(UTC) - timedelta(days=400), swept=True)
        )
    while sweeping.sweep(house):
        pass
    assert list(house.objects.list(f"{operation.id}/")) == []
    gone = imports.get(house, operation.id, project_id)
    assert gone.detail["done"]["failed"] == 2
    assert records.ledger(house, gone).found == records.page(house, gone, "users", "all", 1, 10).total == 0
    assert list(house.objects.list("chat/"))


@once
def test_a_run_that_is_superseded_stops_and_keeps_what_it_committed(
    house: House, reviewed: Callable[..., Operation], project_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = imports.start(house, reviewed(), EVERYTHING)
    add_outcome = chat.add_outcome

    def add_then_clear(connection: Any, operation_id: str, version: int, row: chat.OutcomeRow) -> None:
        add_outcome(connection, operation_id, version, row)
        if row.table == "channels":
            cleared.append(True)

    cleared: list[bool] = []
    fenced = operations.fenced

    def clear_first(connection: Any, held: Operation) -> Operation:
        found = fenced(connection, held)
        if cleared:
            raise errors.Superseded("Another process has ended the import a moment ago.")
        return found

    monkeypatch.setattr(chat, "add_outcome", add_then_clear)
    monkeypatch.setattr(operations, "fenced", clear_first)
    assert not run.HANDLERS["chat_run"](house, operation.id)
    monkeypatch.undo()
    imports.clear(house, project_id)
    now = imports.get(house, operation.id, project_id)
    assert (stood(now), now.work) == (("terminated", True, True), "")
    assert not run.HANDLERS["chat_run"](house, operation.id)
    assert [user["username"] for user in workspace.users(house, project_id, operation_id=operation.id).items]
    assert workspace.messages(house, project_id).total == 0
