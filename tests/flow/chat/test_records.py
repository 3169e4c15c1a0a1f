"""What is shown of a chat export: the preview, records by page with their problems and outcomes, and the ledger."""

from __future__ import annotations

import csv
import io
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from douane import errors
from douane.chat import check
from douane.chat.selection import DIRECT, Group, Selection
from douane.flow.chat import imports, preview, records, run
from douane.flow.chat.records import EntryLine, Ledger
from douane.flow.house import House
from douane.model.operation import Operation
from douane.staging import masks
from douane.staging.masks import View
from douane.staging.parts import read_part, write_part
from douane.store import chat, manifest
from douane.store.chat import OutcomeRow
from douane.store.database import read, write
from douane.store.manifest import MaskRow

once = pytest.mark.parametrize("storage", ["sqlite"], indirect=True)


def test_the_preview(house: House, reviewed: Callable[..., Operation]) -> None:
    found = preview.preview(house, reviewed())
    assert [(u["id"], u["username"], u["emails"]) for u in found.users] == [
        ("ada", "ada", ["ada@example.com"]),
        ("bob", "bob", ["bob@example.com"]),
        ("cy", "cy", []),
    ]
    channels = [(c["name"], c["kind"], c["type"], c["messages"]) for c in found.channels]
    assert channels[:2] == [("general", "public", "c", 3), ("secret", "private", "p", 2)]
    assert [(name, kind, messages) for name, kind, _, messages in channels[2:]] == [("nowhere", "unlisted", 1)]
    assert (list(found.contacts), found.message_count, found.has_direct) == ([], 7, True)


@once
def test_a_preview_of_what_was_superseded_is_empty(
    house: House, reviewed: Callable[..., Operation], project_id: str
) -> None:
    operation = reviewed()
    imports.clear(house, project_id)
    found = preview.preview(house, imports.get(house, operation.id, project_id))
    assert (list(found.users), list(found.channels), found.message_count, found.has_direct) == ([], [], 0, False)


@once
def test_problems_by_page(house: House, reviewed: Callable[..., Operation]) -> None:
    operation = reviewed()
    page = records.page(house, operation, "messages", "all", 1, 100)
    assert page.total == 7
    shown = [
        (r.index, r.entry_name, r.valid, r.record["text"], tuple(p.rule for p in r.problems)) for r in page.records
    ]
    assert sorted(shown, key=lambda r: r[0]) == [
        (0, "general/2020-01.csv", True, "hello", ()),
        (1, "general/2020-01.csv", True, "hi ada", ()),
        (2, "general/2020-01.csv", True, "who am I", ("unknown_author",)),
        (3, "secret/2021-05.csv", True, "psst", ()),
        (4, "secret/2021-05.csv", False, "when", ("no_time",)),
        (5, "nowhere/2021-06.csv", True, "anybody?", ()),
        (6, "directmessages/dm.csv", True, "between us", ()),
    ]
    wrong = records.page(house, operation, "messages", "invalid", 1, 100)
    assert ([r.index for r in wrong.records], wrong.total) == ([4], 1)
    assert wrong.records[0].problems[0].message == "The message has no valid time."
    unknown = next(p for r in page.records for p in r.problems if p.rule == "unknown_author")
    assert (unknown.message, unknown.value, unknown.warning) == (
        "No list of the export, nor the workspace, has the user zed.",
        "zed",
        True,
    )
    users = records.page(house, operation, "users", "all", 1, 100).records
    assert [(u.record["id"], u.record["origin"], [p.rule for p in u.problems]) for u in users] == [
        ("ada", "list", []),
        ("bob", "list", []),
        ("cy", "list", []),
        ("zed", "inferred", ["inferred"]),
    ]
    assert len({r.id for r in (*page.records, *users)}) == 11
    # A table without verdicts, and one that there is not.
    assert records.page(house, operation, "members", "all", 1, 2).total == 6
    with pytest.raises(errors.NotFound):
        records.page(house, operation, "rows", "all", 1, 10)


@once
def test_pages_fit_together(house: House, reviewed: Callable[..., Operation]) -> None:
    body = "".join(f"u{n % 7},{1577836800000 + n},text {n}\n" for n in range(500))
    operation = reviewed({"users.csv": "u1,a@b.co,A\n", "room/a.csv": body})
    texts = [
        r.record["text"]
        for page in range(1, 9)
        for r in records.page(house, operation, "messages", "all", page, 71).records
    ]
    assert texts == [f"text {n}" for n in range(500)]


def closes(one: Ledger | EntryLine) -> None:
    assert one.found == one.staged + one.imported + one.skipped + one.failed
    for outcome in ("imported", "skipped", "failed"):
        assert sum(one.reasons.get(outcome, {}).values()) == getattr(one, outcome)
    assert min(one.found, one.staged, one.imported, one.skipped, one.failed) >= 0


def all_entries(house: House, operation: Operation) -> list[EntryLine]:
    """All of them, page by page."""
    found: list[EntryLine] = []
    page = 1
    while lines := records.ledger_entries(house, operation, page, 5):
        found += lines
        page += 1
    return found


def check_ledger(house: House, operation: Operation) -> Ledger:
    whole = records.ledger(house, operation)
    closes(whole)
    lines = all_entries(house, operation)
    for line in lines:
        closes(line)
    sent = operation.detail.get("sent", 0)
    assert sum(line.found for line in lines) + sent == whole.found
    if not sent:
        for outcome in ("staged", "imported", "skipped", "failed"):
            assert sum(getattr(line, outcome) for line in lines) == getattr(whole, outcome)
    # By table: what was staged is all there, and nothing that the reading made itself.
    staged = Counter[str]()
    for numbers in whole.tables.values():
        staged.update(numbers)
    read_skipped = sum(line.skipped + line.failed for line in lines) - staged["skipped"] - staged["failed"]
    assert sum(staged.values()) + read_skipped == whole.found
    return whole


def pretend_run(house: House, operation: Operation, seed: int, folder: Path) -> None:
    """Writes down what a run would: an outcome for each record of each part, drawn by lot."""
    chance = np.random.default_rng(seed)
    version = operation.version + 1
    for table, outcomes in check.OUTCOMES.items():
        with read(house.engine) as connection:
            parts = manifest.parts(connection, operation.id, table)
            before = manifest.masks(connection, operation.id, table, operation.version)
        for row in parts:
            codes = chance.integers(0, len(outcomes), row.rows).astype(np.uint8)
            old = masks.read_mask(house.objects.local_path(before[row.number].object))
            words = check.outcome_words(table, codes, old.words)
            mask = masks.judge_state(words, check.failed_words(table))
            name = f"{operation.id}/masks/{table}-{row.number}-run"
            house.objects.put_bytes(name, masks.mask_bytes(mask))
            entries_object = None
            if table == "messages":
                frame = read_part(house.objects.local_path(row.object), ["entry"])
                frame = frame.with_columns(
                    pl.Series("reason", [outcomes[code].code for code in codes]),
                    pl.Series("outcome", [outcomes[code].outcome for code in codes]),
                )
                write_part(frame.group_by("entry", "outcome", "reason").len("count"), folder / "entries")
                entries_object = f"{operation.id}/outcomes/{table}-{row.number}"
                house.objects.put_file(entries_object, folder / "entries")
            reasons = Counter(outcomes[code].code for code in codes)
            sums = Counter(outcomes[code].outcome for code in codes)
            with write(house.engine) as connection:
                manifest.add_masks(
                    connection,
                    operation.id,
                    table,
                    version,
                    [MaskRow(row.number, mask.valid, mask.invalid, name, None, operation.attempt)],
                )
                chat.add_outcome(
                    connection,
                    operation.id,
                    version,
                    OutcomeRow(
                        table,
                        row.number,
                        sums["imported"],
                        sums["skipped"],
                        sums["failed"],
                        dict(reasons),
                        entries_object,
                    ),
                )


def damaged(seed: int) -> dict[str, str | bytes]:
    """A zip of CSV files in which some lines are broken, some rooms unlisted, some authors unknown."""
    chance = random.Random(seed)
    names = [f"user{n}" for n in range(12)]

    def spoilt(line: str) -> str:
        match chance.randrange(12):
            case 0:
                return line.replace(",", "", 1)
            case 1:
                return '"' + line
            case 2:
                return line + ",extra"
            case 3:
                return ""
            case 4:
                return "\0\ufffd," + line[3:]
        return line

    def sheet(lines: list[str]) -> str:
        return "".join(spoilt(line) + "\n" for line in lines)

    files: dict[str, str | bytes] = {
        "users.csv": sheet([f"{name},{name}@example.com,{name.title()}" for name in names[:8]]),
        "channels.csv": sheet([f"room{n},{chance.choice(names)},public,{';'.join(names[:n])}" for n in range(4)]),
        "contacts.csv": "name,emails,phones\n" + sheet([f"c{n},c{n}@example.com," for n in range(3)] + [",,"]),
        "__MACOSX/._room1": b"\0\1",
        "readme.txt": "no record",
    }
    for n in range(6):
        times = (chance.choice([f"15778368{k:05}", "when?", "2020-01-01T00:00:00Z"]) for k in range(30))
        files[f"room{n}/{n}.csv"] = sheet([f"{chance.choice(names)},{time},text {time}" for time in times])
    files["directmessages/a.csv"] = sheet([f"{names[n % 3]},{names[n % 4]},15778368000{n:02},hi" for n in range(20)])
    return files


@once
@pytest.mark.parametrize("seed", range(3))
def test_the_ledger_closes(house: House, reviewed: Callable[..., Operation], tmp_path: Path, seed: int) -> None:
    operation = reviewed(damaged(seed))
    assert operation.stage == "reviewing"
    before = check_ledger(house, operation)
    assert before.imported == 0 < before.staged
    assert before.found > before.staged, "the damage should cost something"
    pretend_run(house, operation, seed, tmp_path)
    after = check_ledger(house, operation)
    assert (after.found, after.staged) == (before.found, 0)
    assert after.imported > 0


@once
@pytest.mark.parametrize(("seed", "strict"), [(11, False), (12, True)])
def test_the_ledger_closes_after_a_run_of_what_was_selected(
    house: House, reviewed: Callable[..., Operation], project_id: str, seed: int, strict: bool
) -> None:
    chance = random.Random(seed)
    operation = reviewed(damaged(seed))
    found = check_ledger(house, operation).found

    def some(records: Iterable[Mapping[str, Any]]) -> Group:
        return Group(ids=frozenset(record["id"] for record in records if chance.random() < 0.6))

    seen = preview.preview(house, operation)
    rooms = some(seen.channels)
    chosen = Selection(some(seen.users), Group(ids=rooms.ids | {DIRECT}), some(seen.contacts))
    imports.start(house, operation, chosen, strict=strict)
    while run.HANDLERS["chat_run"](house, operation.id):
        pass
    done = imports.get(house, operation.id, project_id)
    assert (done.stage, done.work_error) == ("completed", None)
    after = check_ledger(house, done)
    assert (after.found, after.staged) == (found, 0)
    assert after.reasons["skipped"]["not_selected"] > 0
    assert after.imported > 0
    # What failed in the run is what the view shows.
    for table, numbers in after.tables.items():
        assert records.page(house, done, table, "invalid", 1, 1).total >= numbers["failed"]
    shown = records.page(house, done, "messages", "all", 1, 500)
    codes = Counter(record.outcome.code for record in shown.records if record.outcome is not None)
    assert sum(codes.values()) == shown.total
    assert ("importer-message-unknown-user" in codes) == strict


@once
def test_whole_views(house: House, reviewed: Callable[..., Operation], project_id: str) -> None:
    operation = reviewed()

    def whole(table: str, view: View, format: str) -> bytes:
        return b"".join(records.encoded(house, operation, table, view, format))

    lines = [json.loads(line) for line in whole("messages", "all", "ndjson").splitlines()]
    assert len(lines) == 7
    assert [(line["entry"], line["position"], line["problems"], line["outcome"]) for line in lines[2:5]] == [
        ("general/2020-01.csv", 3, ["unknown_author"], None),
        ("secret/2021-05.csv", 1, [], None),
        ("secret/2021-05.csv", 2, ["no_time"], None),
    ]
    rows = list(csv.DictReader(io.StringIO(whole("messages", "invalid", "csv").decode())))
    assert [(row["text"], row["problems"]) for row in rows] == [("when", '["no_time"]')]
    users = pl.read_ipc_stream(whole("users", "all", "arrow"))
    assert users["id"].to_list() == ["ada", "bob", "cy", "zed"]
    assert "password" not in users.columns
    assert pl.read_parquet(whole("members", "all", "parquet")).height == 6
    assert pl.read_parquet(whole("contacts", "all", "parquet")).height == 0
    assert whole("users", "all", "xlsx").startswith(b"PK")
    with pytest.raises(errors.BadRequest):
        whole("users", "all", "docx")
    with pytest.raises(errors.NotFound):
        whole("rows", "all", "csv")
    imports.start(house, operation, Selection(channels=Group(True)))
    while run.HANDLERS["chat_run"](house, operation.id):
        pass
    operation = imports.get(house, operation.id, project_id)
    assert {json.loads(line)["reason"] for line in whole("users", "all", "ndjson").splitlines()} >= {"not_selected"}
