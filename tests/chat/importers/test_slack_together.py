"""Day files are looked at many at once, and the blocks of many messages: the same comes of them as one by one."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from douane.chat.importers import slack_messages
from douane.chat.importers.slack_records import decode_raws, lines_said, says_more, typed
from tests.chat.importers.exports import opened, zipped

WORDS = ["", "hello", " hello ", "he said ]},{ a", 'q"]}]}]', "sée \\ b", "a & b", "\x1f", ',"\x1f",', "日本", "/"]


def word(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": text, **more}


def lines(*elements: Any, kind: str = "rich_text_section", **more: Any) -> list[Any]:
    return [{"type": "rich_text", "block_id": "b1", "elements": [{"type": kind, "elements": list(elements)}], **more}]


words = st.sampled_from(WORDS) | st.text(max_size=8)
elements = words.map(word) | st.sampled_from(
    [
        word("styled", style={"bold": True}),
        {"type": "link", "url": "https://example.com/?a=1&b", "text": "the page"},
        {"type": "user", "user_id": "U1"},
        {"type": "emoji", "name": "tada"},
        word("hello", more=[{"a": [1]}], last=["x"]),
    ]
)
blocks = st.lists(elements, max_size=3).map(lambda parts: lines(*parts)) | st.sampled_from(
    [
        [],
        "\x1f",
        ["\x1f", "\x1f"],
        [[["\x1f"], "\x1f"]],
        5,
        {"a": [10**30, "x"]},
        lines(word("hello"), kind="rich_text_list"),
        lines(word("hello"), more=1),
        [*lines(word("hello")), *lines(word("more"))],
        [{"type": "section", "text": {"type": "mrkdwn", "text": "*poll*"}}],
        [{"type": "divider"}],
    ]
)


@settings(max_examples=100, deadline=None)
@given(
    pairs=st.lists(st.tuples(blocks, words), max_size=8), indent=st.sampled_from([None, 0, 4]), ascii_only=st.booleans()
)
def test_blocks_of_many_messages_are_told_as_those_of_one(
    pairs: list[tuple[Any, str]], indent: int | None, ascii_only: bool
) -> None:
    given = json.dumps([one for one, _ in pairs], indent=indent, ensure_ascii=ascii_only).encode(errors="replace")
    raws = decode_raws(given)
    one_by_one = [typed(raw) for raw in raws]
    expected = [
        line if line is not None and not says_more(line, text) else None
        for line, (_, text) in zip(one_by_one, pairs, strict=True)
    ]
    assert lines_said(raws, [text for _, text in pairs]) == expected


def test_blocks_that_cannot_be_brought_into_one_form_are_told_one_by_one() -> None:
    fine = Raw(json.dumps(lines(word("hello"))).encode())
    assert lines_said([fine, Raw(b"[{]"), fine], ["hello"] * 3) == [typed(fine), None, typed(fine)]
    assert lines_said([], []) == []


PROFILE = {"real_name": "Guest", "team": "T9", "name": "guest"}
members = st.fixed_dictionaries(
    {"text": words, "user": st.sampled_from(["U1", "U1", "U2", "W1", "W2"])},
    optional={
        "blocks": blocks,
        "client_msg_id": st.just("c1"),
        "user_profile": st.sampled_from([PROFILE, PROFILE | {"name": "other"}, None]),
        "thread_ts": st.sampled_from(["1500000000.000100", "when"]),
        "reactions": st.just([{"name": "tada", "users": ["U1"], "count": 3}]),
    },
)
rare = st.sampled_from(
    [
        *[{}] * 6,
        {"subtype": "channel_join", "inviter": "U2"},
        {"subtype": "channel_join", "inviter": {"id": "U2"}},
        {"subtype": "file_comment", "comment": {"user": "W1", "comment": "well"}},
        {"subtype": "file_comment", "comment": 5},
        {"subtype": "pinned_item", "item": {"id": "F1"}, "item_type": "F"},
        {"subtype": "channel_topic", "topic": "new"},
        {"subtype": "huddle_thread", "room": {"participant_history": ["U1"]}},
        {"subtype": "message_changed", "message": {"ts": "1500000000.000100", "text": "a"}},
        {"subtype": "reply_broadcast", "root": {"ts": "1500000000.000100", "reply_count": 3}, "permalink": "x"},
        {"attachments": [{"text": "card"}]},
        {"attachments": [{"blocks": [{"type": "section", "text": {"type": "plain_text", "text": "inner"}}]}]},
        {"attachments": "none"},
        {"files": [{"id": "F1", "name": "a"}, None]},
        {"future": [1]},
        {"text": None},
        {"text": 5},
        {"text": "\ud83d"},
        {"ts": "never"},
        {"type": "other"},
        {"bot_id": "B1", "subtype": "bot_message", "user": None},
        {"metadata": {"event_type": "x"}},
    ]
)
messages = st.builds(lambda usual, more: {"type": "message", **usual, **more}, members, rare)


def tables(days: list[list[dict[str, Any]]], broken: int | None) -> list[dict[str, pl.DataFrame]]:
    files = {
        "users.json": json.dumps([{"id": "U1", "team_id": "T1", "name": "ann"}, {"id": "U2", "name": "bob"}]),
        "channels.json": json.dumps([{"id": "C1", "name": "general", "members": ["U1", "U2"]}]),
    }
    for day, found in enumerate(days):
        timed = [{"ts": f"{1_500_000_000 + 100 * day + at}.000100"} | one for at, one in enumerate(found)]
        text = json.dumps(timed, indent=4)
        files[f"general/2017-07-{day + 1:02}.json"] = text[:-1] + "{" if day == broken else text
    return [batch.tables for batch in opened("slack", zipped(files)).batches()]


@settings(max_examples=60, deadline=None)
@given(
    days=st.lists(st.lists(messages, max_size=5), min_size=1, max_size=8),
    broken=st.none() | st.integers(0, 7),
    waiting=st.sampled_from([3, 512]),
)
def test_many_day_files_are_taken_as_one_after_another(
    days: list[list[dict[str, Any]]], broken: int | None, waiting: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slack_messages, "WAITING_MESSAGES", 1)
        alone = tables(days, broken)
        patch.setattr(slack_messages, "WAITING_MESSAGES", waiting)
        together = tables(days, broken)
    assert len(together) == len(alone)
    for mine, theirs in zip(together, alone, strict=True):
        assert mine.keys() == theirs.keys()
        for name, frame in mine.items():
            assert frame.equals(theirs[name]), name
