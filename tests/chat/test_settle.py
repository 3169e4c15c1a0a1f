"""What a run makes of messages: frames and keys in, codes and cut frames out."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from douane.chat import settle, tables
from douane.chat.settle import OPEN, PLACE, Maps, WorkspacePart

MAPS = Maps(
    settle.users_map({"U1": "u1", "U2": "u2"}),
    settle.rooms_map({"C1": "c1", "C2": None, "C3": None}, frozenset({"C2"})),
    "bot",
)


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    defaults = {"channel": "C1", "author": "U1", "ts_us": 1, "key_hi": 1, "key_lo": 0, "text": "x"}
    whole = [defaults | row for row in rows]
    names = list(dict.fromkeys(name for row in whole for name in row))
    return tables.frame("messages", {name: [row.get(name) for row in whole] for name in names})


def names(codes: settle.Codes) -> list[str]:
    by_place = {place: code for code, place in PLACE.items()} | {OPEN: ""}
    return [by_place[int(code)] for code in codes]


def test_each_message_alone() -> None:
    found = settle.judge(
        frame(
            {},
            {"author": None},
            {"author": ""},
            {"author": "U9"},
            {"channel": "C2", "ts_us": None},
            {"channel": "C3"},
            {"channel": "C9"},
            {"ts_us": None},
            {"ts_us": 10**18},
        ),
        MAPS,
    )
    assert names(found) == [
        "",
        "",
        "",
        "importer-message-unknown-user",
        "room_not_imported",
        "importer-message-unknown-room",
        "importer-message-unknown-room",
        "importer-message-invalid-timestamp",
        "importer-message-invalid-timestamp",
    ]
    assert settle.resolve(frame({"author": None}), MAPS)["user"].to_list() == ["bot"]


def keys(*pairs: tuple[int, int]) -> settle.Keys:
    return np.array([[high for high, _ in pairs], [low for _, low in pairs]], np.uint64)


def part(number: int, held: settle.Keys, gone: list[int] | None = None) -> WorkspacePart:
    return WorkspacePart(number, held.shape[1], lambda: held, np.array(gone or [], np.int64))


def test_copies_and_what_the_workspace_has() -> None:
    staged = [keys((1, 1), (1, 2), (1, 1)), keys((1, 2), (2, 1), (1, 3), (1, 4))]
    codes = [np.full(3, OPEN, np.uint8), np.array([OPEN, OPEN, OPEN, PLACE["room_not_imported"]], np.uint8)]
    targets = [np.full(3, -1, np.int64), np.full(4, -1, np.int64)]
    workspace = [part(7, keys((1, 3), (1, 2))), part(8, keys((1, 3), (1, 4)))]
    workspace[0] = part(7, keys((1, 3), (1, 2)), [0])  # its first row was replaced by part 8's
    settle.compare(staged, codes, workspace, targets)
    assert [names(own) for own in codes] == [["", "", "duplicate"], ["duplicate", "", "", "room_not_imported"]]
    assert targets[0].tolist() == [-1, 0 << 32 | 1, -1]
    assert targets[1].tolist() == [-1, -1, 1 << 32 | 0, -1]


@pytest.mark.parametrize("most", [3, 50, 1000])
def test_passes_give_what_one_pass_gives(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settle, "PASS_KEYS", most)
    rng = np.random.default_rng(7)
    staged = [rng.integers(0, 12, (2, 60)).astype(np.uint64) for _ in range(3)]
    workspace = [part(at, np.unique(rng.integers(0, 12, (2, 20)).astype(np.uint64), axis=1)) for at in range(1)]
    codes = [np.where(rng.random(60) < 0.2, np.uint8(PLACE["room_not_imported"]), np.uint8(OPEN)) for _ in staged]
    before = [own.copy() for own in codes]
    targets = [np.full(60, -1, np.int64) for _ in staged]
    settle.compare(staged, codes, workspace, targets)
    seen: set[tuple[int, int]] = set()
    there = {(int(hi), int(lo)): at for at, (hi, lo) in enumerate(workspace[0].keys().T)}
    for own, was, found, target in zip(staged, before, codes, targets, strict=True):
        for at, (hi, lo) in enumerate((int(hi), int(lo)) for hi, lo in own.T):
            if was[at] != OPEN:
                assert (found[at], target[at]) == (was[at], -1)
            elif (hi, lo) in seen:
                assert (found[at], target[at]) == (PLACE["duplicate"], -1)
            else:
                seen.add((hi, lo))
                assert (found[at], target[at]) == (OPEN, there.get((hi, lo), -1))


def sub(table: str, *rows: dict[str, Any]) -> pl.DataFrame:
    found = list(dict.fromkeys(name for row in rows for name in row))
    return tables.frame(table, {name: [row.get(name) for row in rows] for name in found})


def test_a_part_is_cut_with_what_belongs_to_it() -> None:
    whole = {
        "messages": frame({"key_lo": 1, "text": "a"}, {"key_lo": 2, "text": "b"}, {"key_lo": 3, "text": "c"}),
        "reactions": sub("reactions", {"at": 0, "name": "x"}, {"at": 2, "name": "y"}, {"at": 2, "name": "z"}),
        "files": sub("files", {"at": 1, "number": 1, "id": "F1"}),
    }
    codes = np.array([OPEN, PLACE["duplicate"], OPEN], np.uint8)
    done = settle.settle(whole, codes, np.full(3, -1, np.int64), lambda place, at: np.zeros((2, 0), np.uint64), MAPS)
    assert names(done.codes) == ["created", "duplicate", "created"]
    assert done.tables["messages"].select("text", "room", "user").rows() == [("a", "c1", "u1"), ("c", "c1", "u1")]
    assert done.tables["reactions"].select("at", "name").rows() == [(0, "x"), (1, "y"), (1, "z")]
    assert "files" not in done.tables
    assert done.keys[1].tolist() == [1, 3]
    assert codes.tolist() == [OPEN, PLACE["duplicate"], OPEN]


def test_a_later_state_replaces_an_earlier_one_of_other_content() -> None:
    rows: list[dict[str, Any]] = [{"text": "same"}, {"text": "new"}, {"text": "old", "edited_us": 5}]
    had = settle.contents({"messages": frame({"text": "same"}, {"text": "old"}, {"text": "newer"})}, np.arange(3))
    workspace = np.stack([had, np.array([0, 0, 9], np.uint64)])
    offsets = {5: 0, 4: 1, 6: 2}

    def marks_of(place: int, at: settle.Offsets) -> settle.Keys:
        assert place == 0
        return workspace[:, [offsets[int(one)] for one in at]]

    staged = {"messages": frame(*rows)}
    done = settle.settle(staged, np.full(3, OPEN, np.uint8), np.array([5, 4, 6]), marks_of, MAPS)
    # What the workspace has was edited later than what an older export says.
    assert names(done.codes) == ["unchanged", "updated", "unchanged"]
    assert {place: found.tolist() for place, found in done.gone.items()} == {0: [4]}
    assert done.tables["messages"]["text"].to_list() == ["new"]
    assert done.keys.shape == (4, 1)


def test_what_tells_two_states_apart() -> None:
    def content(reactions: pl.DataFrame | None = None, files: pl.DataFrame | None = None, **given: Any) -> int:
        held = {"messages": frame(given)}
        held |= {"reactions": reactions} if reactions is not None else {}
        held |= {"files": files} if files is not None else {}
        return int(settle.contents(held, np.arange(1))[0])

    one, two = {"at": 0, "name": "x", "user": "U1", "count": 1}, {"at": 0, "name": "y", "user": "U1", "count": 1}
    base = content()
    assert base == content(replies=5, last_reply_us=7, author="U2", pinned=False)
    different = [
        content(text="y"),
        content(edited_us=1),
        content(pinned=True),
        content(thread="t"),
        content(sub("reactions", one)),
        content(sub("reactions", one, two)),
        content(files=sub("files", {"at": 0, "id": "F1"})),
    ]
    assert len({base, *different}) == 8
    assert content(sub("reactions", one, two)) == content(sub("reactions", two, one))
    cards = content(attachments='[{"text": "a/b", "color": "red"}]')
    assert cards == content(attachments='[\n  {"color":"red", "text":"a\\/b"}\n]')
    assert len({base, cards, content(attachments='[{"text": "a/c", "color": "red"}]'), content(attachments="[")}) == 4
    # The workspace keeps these for years: they may never change.
    assert base == 18101067040754295742


def test_files_have_ids_and_states() -> None:
    messages = frame({"key_hi": 2**63, "key_lo": -1}, {})
    files = sub(
        "files",
        {"at": 0, "number": 1, "state": "hosted", "url": "http://x", "name": "a\0b"},
        {"at": 1, "number": 1, "id": "F1", "state": "hosted"},
        {"at": 1, "number": 2, "id": "F1", "state": "external"},
        {"at": 1, "number": 3, "id": "F" * 701, "state": "denied"},
    )
    found = settle.with_file_ids(files, messages)
    assert found["id"].to_list() == ["8000000000000000ffffffffffffffff-1", "F1", "F1", f"{1:016x}{0:016x}-3"]
    rows = settle.file_rows(found)
    assert rows.select("id", "state").rows() == [
        ("8000000000000000ffffffffffffffff-1", "pending"),
        ("F1", "hidden"),
        (f"{1:016x}{0:016x}-3", "hidden"),
    ]
    assert rows["name"][0] == "ab"


def test_sums_by_entry() -> None:
    codes = np.array([PLACE["created"], PLACE["created"], PLACE["duplicate"]], np.uint8)
    assert settle.ledger(pl.Series("entry", [3, 3, 4]), codes).rows() == [
        (3, "imported", "created", 2),
        (4, "skipped", "duplicate", 1),
    ]
    assert settle.reasons(codes) == {"created": 2, "duplicate": 1}


def test_a_state_of_a_newer_export_is_not_taken_back_by_an_older_one() -> None:
    rows: list[dict[str, Any]] = [
        {"text": "same"},
        {"text": "other"},
        {"text": "other"},
        {"text": "edited", "edited_us": 3},
    ]
    had = settle.contents({"messages": frame(*({"text": "same"} for _ in rows))}, np.arange(4))
    there = np.array([40, 60, 40, 60])
    ages = settle.Ages(50, lambda place, at: there[at])
    marks = np.stack([had, np.zeros(4, np.uint64)])
    staged = {"messages": frame(*rows)}
    done = settle.settle(staged, np.full(4, OPEN, np.uint8), np.arange(4), lambda place, at: marks[:, at], MAPS, ages)
    # Of the newer export stays what it is; of the older one not; and an edit tells its own time.
    assert names(done.codes) == ["unchanged", "unchanged", "updated", "updated"]
    # What is the same in a newer export is as of that from now on.
    assert {place: found.tolist() for place, found in done.confirmed.items()} == {0: [0]}
    part = settle.WorkspacePart(0, 4, lambda: marks, np.zeros(0, np.int64), 40, lambda: [(60, np.array([1, 3]))])
    assert part.ages(np.arange(4)).tolist() == [40, 60, 40, 60]


def test_copies_that_say_something_else_are_none_and_the_last_edit_counts() -> None:
    first = {"messages": frame({"text": "a"}, {"text": "b"}, {"text": "c"})}
    second = {"messages": frame({"text": "a"}, {"text": "B", "edited_us": 5}, {"text": "C"}, {"text": "b"})}
    keys = [np.array([[1, 1, 1], [1, 2, 3]], np.uint64), np.array([[1, 1, 1, 1], [1, 2, 3, 2]], np.uint64)]
    codes = [np.full(3, OPEN, np.uint8), np.full(4, OPEN, np.uint8)]
    targets = [np.array([-1, -1, -1], np.int64), np.full(4, -1, np.int64)]
    held = settle.WorkspacePart(7, 1, lambda: np.array([[1], [2], [0], [0]], np.uint64), np.zeros(0, np.int64))
    pairs = settle.compare(keys, codes, [held], targets)
    assert sorted((pairs & 0xFF).T.tolist()) == [[0, 0], [1, 1], [2, 2], [3, 1]]
    settle.tell_copies(pairs, codes, targets, lambda place: (first, second)[place])
    assert [int(code) for code in codes[0]] == [OPEN, PLACE["differs"], OPEN]
    assert [int(code) for code in codes[1]] == [PLACE["duplicate"], OPEN, PLACE["differs"], PLACE["differs"]]
    assert ([one.tolist() for one in targets]) == [[-1, -1, -1], [-1, 0, -1, -1]]


def test_blocks_tell_states_apart_and_their_absence_tells_nothing_new() -> None:
    plain = frame({"text": "poll"}, {"text": "poll"})
    other = plain.with_columns(pl.Series("blocks", ['[{"type":"a"}]', None], pl.String))
    one, two = settle.contents({"messages": plain}, np.arange(2)), settle.contents({"messages": other}, np.arange(2))
    assert one[0] != two[0]
    assert one[1] == two[1] == settle.contents({"messages": plain.drop("blocks", "original")}, np.arange(2))[1]


def test_typed_lines_tell_no_states_apart_wherever_an_earlier_version_kept_them() -> None:
    lines = '[{"type":"rich_text"}]'
    now = frame({"typed": lines, "text": "a", "key_lo": 1}, {"typed": lines, "text": "b", "key_lo": 2})
    before = now.drop("typed").with_columns(pl.Series("blocks", [None, '[{"type": "rich_text"}]'], pl.String))
    marks = np.stack([settle.contents({"messages": before}, np.arange(2)), np.zeros(2, np.uint64)])
    codes, target = np.full(2, OPEN, np.uint8), np.arange(2)
    found = settle.settle({"messages": now}, codes, target, lambda place, offsets: marks[:, offsets], MAPS)
    assert names(found.codes) == ["unchanged", "unchanged"]
