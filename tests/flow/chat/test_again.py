"""Imports that follow one another: nothing is lost, nothing is there twice, and every record of every export is
accounted for, compared with what the maker of the exports put into them."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from douane.chat.selection import EVERYTHING
from douane.flow.chat import imports, records, run, run_messages, work
from douane.flow.house import House, house_of
from douane.model.operation import Operation
from douane.settings import Settings
from douane.store import chat
from douane.store.database import open_database
from douane.store.objects import Objects
from tests.chat.samples import make_export
from tests.flow.chat.workspaces import (
    PLACE,
    Workspace,
    accounted,
    counters_hold,
    difference,
    message_parts,
    new_project,
    upload,
    written_down,
)


@pytest.fixture(scope="module")
def house(new_storage: Callable[[str], Settings]) -> Iterator[House]:
    settings = new_storage("sqlite").model_copy(update={"chat_batch_records": 150})
    engine = open_database(settings)
    yield house_of(settings, engine, Objects(settings))
    engine.dispose()


Project = tuple[str, str]


@pytest.fixture
def project(house: House) -> Project:
    return new_project(house)


def reviewed(house: House, project: Project, path: Path) -> Operation:
    operation = imports.ask_read(house, upload(house, *project, path))
    while work.read(house, operation.id):
        pass
    return imports.get(house, operation.id, project[0])


def imported(house: House, project: Project, path: Path) -> Operation:
    operation = imports.start(house, reviewed(house, project, path), EVERYTHING)
    while run.run(house, operation.id):
        pass
    return completed(house, operation)


def completed(house: House, operation: Operation) -> Operation:
    operation = imports.get(house, operation.id, operation.project_id)
    assert (operation.stage, operation.work_error) == ("completed", None)
    accounted(house, operation)
    return operation


def made_of(house: House, operation: Operation) -> Counter[str]:
    """Outcome of messages -> how many."""
    found: Counter[str] = Counter()
    for page in range(1, 100):
        page_ = records.page(house, operation, "messages", "all", page, 1000)
        found.update(record.outcome.code for record in page_.records if record.outcome)
        if page * 1000 >= page_.total:
            break
    return found


def rewritten(path: Path, out: Path, change: Callable[[str, Any], Any]) -> Path:
    """An export with other contents: `change` takes the name and the JSON of each entry."""
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for entry in before.infolist():
            data = before.read(entry)
            if entry.filename.endswith(".json"):
                data = json.dumps(change(entry.filename, json.loads(data))).encode()
            after.writestr(entry, data)
    return out


@dataclass(frozen=True)
class Once:
    """An export that was imported once: where it went, what came of it."""

    path: Path
    key: dict[str, Any]
    project: Project
    operation: Operation
    workspace: Workspace


@pytest.fixture(scope="module")
def once(house: House, tmp_path_factory: pytest.TempPathFactory) -> Once:
    path = tmp_path_factory.mktemp("export") / "slack.zip"
    key = make_export(path, messages=600, damage=0.02)
    project = new_project(house)
    operation = imported(house, project, path)
    return Once(path, key, project, operation, written_down(house, project[0]))


def test_the_same_export_again_brings_nothing_new(house: House, once: Once) -> None:
    parts = len(list(message_parts(house, once.project[0])))
    again = imported(house, once.project, once.path)
    first, second = once.operation.detail["done"], again.detail["done"]
    assert first["created"] > once.key["messages"]
    assert (second.get("created", 0), second.get("updated", 0)) == (0, 0)
    for name in ("imported", "skipped", "failed"):
        assert second[name] == first[name]
    assert made_of(house, again)["unchanged"] == once.key["messages"] == len(once.workspace["messages"])
    assert not difference(written_down(house, once.project[0]), once.workspace)
    assert len(list(message_parts(house, once.project[0]))) == parts


def test_exports_that_overlap_by_a_month(house: House, project: Project, tmp_path: Path) -> None:
    options: dict[str, Any] = {"messages": 500, "seed": 11, "layout": "grid"}
    whole = make_export(tmp_path / "whole.zip", **options)
    early = make_export(tmp_path / "early.zip", end="2021-06-30", **options)
    late = make_export(tmp_path / "late.zip", start="2021-06-01", **options)
    common = early["messages"] + late["messages"] - whole["messages"]
    assert common > 0
    assert made_of(house, imported(house, project, tmp_path / "early.zip")) == {"created": early["messages"]}
    second = made_of(house, imported(house, project, tmp_path / "late.zip"))
    assert second == {"created": late["messages"] - common, "unchanged": common}
    other = new_project(house)
    imported(house, other, tmp_path / "whole.zip")
    found, wanted = (written_down(house, one[0], PLACE)["messages"] for one in (project, other))
    assert len(found) == whole["messages"]
    assert not difference({"messages": found}, {"messages": wanted})


def test_what_was_edited_or_reacted_to_since_is_updated_and_counted_apart(
    house: House, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Rooms' counters are right before the end of a run, which looks once more.
    mended: list[Any] = []
    monkeypatch.setattr(chat, "set_room_counts", lambda connection, counts: mended.extend(counts))
    key = make_export(tmp_path / "a.zip", messages=400, seed=3)
    touched: dict[str, str] = {}  # time of a message -> what was done to it

    def change(name: str, content: Any) -> Any:
        """In each day file with a plain message, one thing is done to one of them."""
        plain = [one for one in content if isinstance(one, dict) and "client_msg_id" in one and one.get("text")]
        kinds = ("edited", "reaction", "more", "taken back", "pinned", "dropped")
        if not plain or name.count("/") != 1 or len(touched) >= len(kinds):
            return content
        kind = kinds[len(touched)]
        if kind in ("more", "taken back"):
            plain = [one for one in plain if one.get("reactions")]
        elif kind == "reaction":
            plain = [one for one in plain if not one.get("reactions")]
        elif kind == "pinned":
            plain = [one for one in plain if not one.get("pinned_to")]
        if not plain:
            return content
        one = plain[0]
        match kind:
            case "edited":
                one["text"] = "other words"
                one["edited"] = {"user": one["user"], "ts": "1700000000.000000"}
            case "reaction":
                one["reactions"] = [{"name": "tada", "users": [one["user"]], "count": 1}]
            case "more":
                one["reactions"].append({"name": "new_moon", "users": [one["user"]], "count": 1})
            case "taken back":
                del one["reactions"]
            case "pinned":
                one["pinned_to"] = ["C0"]
            case "dropped":  # what an export no longer holds stays
                content.remove(one)
        touched[one["ts"]] = kind
        return content

    imported(house, project, tmp_path / "a.zip")
    before = by_key(written_down(house, project[0])["messages"])
    second = imported(house, project, rewritten(tmp_path / "a.zip", tmp_path / "b.zip", change))
    assert sorted(touched.values()) == ["dropped", "edited", "more", "pinned", "reaction", "taken back"]
    assert made_of(house, second) == {"updated": 5, "unchanged": key["messages"] - 6}
    assert second.detail["done"]["updated"] == 5
    assert second.detail["done"].get("created", 0) == 0
    after = by_key(written_down(house, project[0])["messages"])
    assert after.keys() == before.keys()
    changed = {touched[time_of(after[one])]: (before[one], after[one]) for one in after if before[one] != after[one]}
    assert set(changed) == {"edited", "reaction", "more", "taken back", "pinned"}
    assert [changed["edited"][1][name] for name in ("text", "edited_us")] == ["other words", 1_700_000_000_000_000]
    reactions = {kind: [one["name"] for one in new["reactions_"]] for kind, (_, new) in changed.items()}
    assert reactions["reaction"] == ["tada"]
    assert "new_moon" in reactions["more"]
    assert reactions["taken back"] == []
    assert changed["pinned"][1]["pinned"]
    # And back again: an older export takes back what has no time of its own, not the later edit.
    third = imported(house, project, tmp_path / "a.zip")
    assert made_of(house, third) == {"updated": 4, "unchanged": key["messages"] - 4}
    last = by_key(written_down(house, project[0])["messages"])
    assert {touched[time_of(one)]: one for key_, one in last.items() if one != before[key_]} == {
        "edited": changed["edited"][1]
    }
    assert not mended


def by_key(lines: list[str]) -> dict[tuple[int, int], Any]:
    rows = [json.loads(line) for line in lines]
    return {(row["key_hi"], row["key_lo"]): {name: row[name] for name in row if name not in PLACE} for row in rows}


def time_of(message: dict[str, Any]) -> str:
    seconds, us = divmod(message["ts_us"], 1_000_000)
    return f"{seconds}.{us:06}"


def test_a_run_that_was_stopped_or_put_aside_is_made_whole(
    house: House, project: Project, once: Once, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = once.workspace
    keep = run_messages.keep_settled
    kept: list[int] = []

    def stopping(how: Callable[[], Any]) -> None:
        def keep_and_stop(job: Any, event: Any) -> None:
            keep(job, event)
            kept.append(event.number)
            how()

        monkeypatch.setattr(run_messages, "keep_settled", keep_and_stop)

    # Stopped after its first part, and again after the next.
    operation = imports.start(house, reviewed(house, project, once.path), EVERYTHING)
    stopping(lambda: imports.stop(house, operation))
    for count in (1, 2):
        assert not run.run(house, operation.id)
        assert len(kept) == count
        assert imports.get(house, operation.id, project[0]).detail["cancelled"]
        counters_hold(house, project[0])
        imports.resume(house, operation)
    monkeypatch.setattr(run_messages, "keep_settled", keep)
    assert not run.run(house, operation.id)
    assert len(set(kept)) == 2
    completed(house, operation)
    assert not difference(written_down(house, project[0]), wanted)

    # Put aside in the middle, for ever; the next import completes what it began.
    other = new_project(house)
    first = imports.start(house, reviewed(house, other, once.path), EVERYTHING)
    stopping(lambda: imports.clear(house, other[0]))
    run.run(house, first.id)
    monkeypatch.setattr(run_messages, "keep_settled", keep)
    assert imports.get(house, first.id, other[0]).stage == "terminated"
    counters_hold(house, other[0])
    there = len(written_down(house, other[0])["messages"])
    assert 0 < there < len(wanted["messages"])
    second = made_of(house, imported(house, other, once.path))
    assert (second["unchanged"], second["created"]) == (there, len(wanted["messages"]) - there)
    assert not difference(without_imports(written_down(house, other[0])), without_imports(wanted))


def test_turns_that_are_too_short_for_anything_still_come_forward(house: House, project: Project, once: Once) -> None:
    hasty = replace(house, settings=house.settings.model_copy(update={"turn_s": 1e-6, "chat_batch_records": 300}))
    operation = imports.ask_read(hasty, upload(hasty, *project, once.path))
    turns = 1
    while work.read(hasty, operation.id):
        turns += 1
        assert turns < 20
    imports.start(hasty, imports.get(hasty, operation.id, project[0]), EVERYTHING)
    while run.run(hasty, operation.id):
        turns += 1
        assert turns < 40
    assert turns > 2
    completed(hasty, operation)
    assert len(written_down(house, project[0])["messages"]) == once.key["messages"]


def without_imports(workspace: dict[str, list[str]]) -> dict[str, list[str]]:
    """Which import made a row is another matter there."""
    return {
        table: sorted(json.dumps(json.loads(line) | {"operation_id": None}) for line in lines)
        for table, lines in workspace.items()
    }


@pytest.mark.parametrize(
    ("seed", "layout", "damage"),
    [(1, "standard", 0.1), (2, "slackdump-attachments", 0.3), (3, "grid", 0.05)],
)
def test_what_was_put_into_an_export_is_there_to_the_last_reaction(
    house: House, project: Project, tmp_path: Path, seed: int, layout: str, damage: float
) -> None:
    key = make_export(tmp_path / "a.zip", messages=700, seed=seed, layout=layout, damage=damage)
    done = imported(house, project, tmp_path / "a.zip")
    whole = records.ledger(house, done)
    broken = sum(map(sum, (key["broken_entries"].values(), key["broken_records"].values())))
    assert whole.failed == broken + key["broken_list_records"], whole.reasons
    assert made_of(house, done)["created"] == key["messages"]
    if layout != "grid":  # there the workspaces list the organisation's users again
        listed = key["users"]["all"] + sum(key["conversations"].values())
        assert whole.found == key["messages"] + listed + whole.failed

    messages = [json.loads(line) for line in written_down(house, project[0])["messages"]]
    assert len(messages) == key["messages"]
    channels = Counter(one["channel"] for one in messages)
    conversations = {channel_of(id, one): one["messages"] for id, one in key["per_conversation"].items()}
    assert channels == +Counter(conversations)
    assert Counter(one["subtype"] or "" for one in messages) == key["per_subtype"]
    assert Counter(year(one) for one in messages) == key["per_year"]
    named: Counter[str] = Counter()
    unnamed = 0
    for reaction in (each for one in messages for each in one["reactions_"]):
        if reaction["user"] is None:
            unnamed += reaction["count"]
        else:
            tone = f"::skin-tone-{reaction['tone']}" if reaction["tone"] else ""
            named[reaction["name"] + tone] += reaction["count"]
    assert named == key["per_reaction"]
    assert (named.total(), unnamed) == (key["reactions"], key["reactions_unnamed"])
    files = Counter(each["state"] for one in messages for each in one["files_"])
    assert files == {state: count for state, count in key["files"].items() if state != "null"}
    mentions = Counter(each["kind"] for one in messages for each in one["mentions_"])
    assert mentions == Counter(key["mentions"]) + Counter(key["mentions_in_notices"])
    assert sum(one["edited_us"] is not None for one in messages) == key["edits"]
    assert sum(one["pinned"] for one in messages) == key["pinned"]
    assert sum(one["broadcast"] for one in messages) == key["broadcasts"]


def channel_of(id: str, conversation: dict[str, str]) -> str:
    """What no list names is called after its folder: `FC:<file>:<title>` holds what was said of a file."""
    return conversation["folder"].rsplit(":", 1)[0] if conversation["kind"] == "unlisted" else id


def year(message: dict[str, Any]) -> str:
    return str(datetime.fromtimestamp(message["ts_us"] // 1_000_000, UTC).year)
