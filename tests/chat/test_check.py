"""Judging an export before a run: literals in, codes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from douane.chat import check
from douane.chat.check import Words
from douane.chat.tables import frame

NOBODY = check.known({})
Find = Callable[[Sequence[check.Load], int], Iterator[tuple[int, check.Offsets]]]


def codes(table: str, words: Words) -> list[set[str]]:
    return [{rule.name for rule in check.RULES[table] if word >> rule.bit & 1} for word in words.tolist()]


def rows(table: str, *given: Mapping[str, Any]) -> pl.DataFrame:
    names = list(dict.fromkeys(name for row in given for name in row))
    return frame(table, {name: [row.get(name) for row in given] for name in names})


def user(id: str | None, username: str | None = None, *emails: str, **more: Any) -> dict[str, Any]:
    ids = [] if id is None else [id]
    return {"id": id, "ids": ids, "username": username, "emails": list(emails), "origin": "list", **more}


def users(*given: Mapping[str, Any], known: check.Known = NOBODY) -> list[set[str]]:
    return codes("users", check.judge_users(rows("users", *given), known))


def test_a_sound_user_has_no_problem() -> None:
    assert users(user("U1", "ada", "ada@example.com"), user("U2", "bob"), user("U3", None, "cy@example.com")) == [
        set(),
        set(),
        set(),
    ]


def test_what_a_user_lacks() -> None:
    assert users(user(None, "ada"), user("U1"), user("U2", "", " "), user("U3", origin="inferred")) == [
        {"no_id"},
        {"no_name"},
        {"no_name"},
        {"inferred"},
    ]


@pytest.mark.parametrize("address", ["ada", "ada@", "@example.com", "ada@example", "a b@example.com", "a@b@c.de"])
def test_addresses_that_are_none(address: str) -> None:
    assert users(user("U1", "ada", address)) == [{"email_form"}]


def test_one_person_twice_in_an_export() -> None:
    assert users(
        user("U1", "ada", "ada@example.com", "ada@example.com"),
        user("U2", "Ada", "x@example.com"),
        user("U3", "bob", "ADA@example.com "),
        user("U1", "cy"),
    ) == [set(), {"name_clash"}, {"email_repeated"}, {"repeated"}]


def test_who_is_in_the_workspace() -> None:
    known = check.known(
        {
            "emails": ["ada@example.com", "old@example.com", "own@example.com"],
            "usernames": ["bob"],
            "users": ["U9"],
            "own_emails": ["own@example.com"],
            "own_usernames": ["boss"],
        }
    )
    assert users(
        user("U1", "ada", "Ada@Example.com"),
        user("U2", "BOB"),
        # Somebody whom an import brought before: that is no clash with oneself.
        user("U9", "bob2", "old@example.com"),
        user("U3", "cy", "own@example.com"),
        user("U4", "Boss"),
        user("U5", "di", role="owner"),
        known=known,
    ) == [{"email_taken"}, {"username_taken"}, set(), {"email_taken", "protected"}, set(), {"admin"}]


def channels(
    *given: Mapping[str, Any],
    members: Sequence[tuple[str, str]] = (),
    people: Sequence[str] = (),
    known: check.Known = NOBODY,
) -> list[set[str]]:
    who = pl.Series(people, dtype=pl.String)
    counted = check.members_of([rows("members", *({"channel": c, "user": u} for c, u in members))], who)
    given = tuple({"ids": [row["id"]] if row.get("id") else [], "type": "c", **row} for row in given)
    return codes("channels", check.judge_channels(rows("channels", *given), counted, who, known))


def test_channels() -> None:
    known = check.known({"rooms": ["My-Room"], "channels": ["C9"]})
    assert channels(
        {"id": "C1", "name": "general", "creator": "U1"},
        {"id": "C2", "name": None},
        {"id": None, "name": "x"},
        {"id": "C3", "name": "My Room!"},
        {"id": "C4", "name": "my.room", "creator": "U7"},
        {"id": "C5", "name": "general"},
        {"id": "C9", "name": "My room"},
        {"id": "D1", "type": "d"},
        {"id": "C6", "name": "folder", "kind": "unlisted"},
        members=[(c, "U1") for c in ("C1", "C2", "C3", "C4", "C9", "D1")] + [("D1", "U8")],
        people=["U1"],
        known=known,
    ) == [
        set(),
        {"no_name"},
        {"no_id", "no_members"},
        {"name_taken"},
        {"unknown_creator"},
        {"name_clash", "no_members"},
        set(),
        {"unknown_members"},
        {"unlisted"},
    ]


def test_contacts() -> None:
    given = rows(
        "contacts",
        {"id": "1", "name": "Ann", "emails": ["a@b.co"], "manager": "Ada"},
        {"id": "2", "name": " ", "emails": [], "phones": [""]},
        {"id": "3", "phones": ["1"], "emails": ["A@b.co"], "manager": "zed"},
        {"id": "1", "name": "Ann"},
    )
    assert codes("contacts", check.judge_contacts(given, pl.Series(["ada"]))) == [
        set(),
        {"empty"},
        {"email_repeated", "unknown_manager"},
        {"repeated"},
    ]


def message(number: int, **more: Any) -> dict[str, Any]:
    given = {"id": f"m{number}", "key_hi": 1, "key_lo": number, "channel": "C1", "ts_us": number, "author": "U1"}
    return {**given, **more}


def test_messages() -> None:
    given = rows(
        "messages",
        message(1),
        message(2, ts_us=None),
        message(3, channel="C7"),
        message(4, channel=None),
        message(5, author="U7"),
        message(6, author=None),
    )
    words = check.judge_messages(given, pl.Series(["C1"]), pl.Series(["U1"]))
    assert codes("messages", words) == [
        set(),
        {"no_time"},
        {"unknown_channel"},
        {"unknown_channel"},
        {"unknown_author"},
        {"no_author"},
    ]


def flagged(parts: Sequence[pl.DataFrame], find: Find, pass_rows: int = 1000) -> npt.NDArray[np.bool_]:
    keys = [check.keys_of(part) for part in parts]
    found = [np.zeros(len(part), np.bool_) for part in parts]
    for number, offsets in find([partial(np.asarray, own) for own in keys], pass_rows):
        found[number][offsets] = True
    return np.concatenate(found)


@pytest.mark.parametrize("pass_rows", [1_000_000, 100, 7])
def test_copies_and_missing_roots_at_any_size_of_a_pass(pass_rows: int) -> None:
    chance = np.random.default_rng(5)
    numbers = chance.integers(0, 400, 1000)
    # The same number in two conversations is no copy.
    rooms = chance.integers(0, 2, 1000)
    roots = np.where(chance.random(1000) < 0.5, chance.integers(0, 900, 1000), -1)
    names = [f"{room}-{number}" for room, number in zip(rooms, numbers, strict=True)]
    threads = [None if root < 0 else f"{room}-{root}" for room, root in zip(rooms, roots, strict=True)]
    given = [
        message(int(number), key_hi=2**63 + int(room), key_lo=int(number), id=name, thread=thread)
        for number, room, name, thread in zip(numbers, rooms, names, threads, strict=True)
    ]
    parts = [rows("messages", *given[:300]), rows("messages", *given[300:301]), rows("messages", *given[301:])]
    again = flagged(parts, check.copies, pass_rows)
    rootless = flagged(parts, check.rootless, pass_rows)
    assert again.tolist() == [name in names[:at] for at, name in enumerate(names)]
    assert rootless.tolist() == [thread is not None and thread not in set(names) for thread in threads]
    assert 0 < rootless.sum() < 1000 > again.sum() > 0


def test_a_root_is_no_reply_to_itself() -> None:
    part = rows("messages", message(1, thread="m1"), message(2, thread="m1"), message(3, thread="m0"))
    assert flagged([part], check.rootless).tolist() == [False, False, True]


def test_counts_by_channel_author_and_year() -> None:
    second = 1_000_000
    first = rows("messages", message(1, ts_us=0), message(2, ts_us=31_536_000 * second), message(3, ts_us=1))
    other = rows("messages", message(4, ts_us=2), message(5, ts_us=None), message(6, ts_us=2**63 - 1))
    more = rows("messages", message(7, ts_us=0, author=None), message(8, ts_us=0, channel="C2", author="U2"))
    tallies = check.Tallies()
    assert len(tallies.frame()) == 0
    for part in (first, other, more):
        tallies.add(part)
    assert sorted(tallies.frame().iter_rows(), key=str) == [
        ("C1", "U1", 1970, 3),
        ("C1", "U1", 1971, 1),
        ("C1", "U1", None, 2),
        ("C1", None, 1970, 1),
        ("C2", "U2", 1970, 1),
    ]


def test_authors_whom_nobody_knows_become_placeholders() -> None:
    people = pl.Series(["U1"])
    first = rows("messages", message(1), message(2, author="U2"), message(3, author=""), message(4, author=None))
    other = rows(
        "messages", message(5, author="U2", alias="Bo", kind="bot"), message(6, author="U3"), message(7, author="U2")
    )
    found = check.all_strangers([check.strangers(first, people), check.strangers(other, people)])
    made = check.placeholders(found)
    assert made.select("id", "ids", "name", "type", "origin", "entry", "position").rows() == [
        ("U2", ["U2"], "Bo", "bot", "inferred", -1, None),
        ("U3", ["U3"], None, "user", "inferred", -1, None),
    ]


def test_bits_of_problems_and_outcomes_do_not_meet() -> None:
    for table, rules in check.RULES.items():
        assert [rule.bit for rule in rules] == list(range(len(rules)))
        assert len(rules) <= check.OUTCOME_BIT
        bits = [outcome.bit for outcome in check.OUTCOMES[table]]
        assert bits == list(range(check.OUTCOME_BIT, check.OUTCOME_BIT + len(bits)))
        assert bits[-1] < 64
        assert set(check.SENTENCES[table]) == {rule.name for rule in rules}
        assert len({outcome.code for outcome in check.OUTCOMES[table]}) == len(bits)


def test_an_outcome_replaces_the_one_before_and_keeps_the_problems() -> None:
    places = {outcome.code: at for at, outcome in enumerate(check.OUTCOMES["messages"])}
    failed, created = places["importer-message-unknown-room"], places["created"]
    before = np.array([[0b10], [0b100]], np.uint64)
    first = check.outcome_words("messages", np.array([failed, created], np.uint8), before)
    assert (first & check.failed_words("messages")).astype(bool).ravel().tolist() == [True, False]
    again = check.outcome_words("messages", np.array([created, created], np.uint8), first)
    assert not (again & check.failed_words("messages")).any()
    assert (again[:, 0] & np.uint64(0xFFFFFFFF)).tolist() == [0b10, 0b100]
