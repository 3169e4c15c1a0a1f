"""Slack exports: hand-made ones for every edge, and those of the corpus."""

from __future__ import annotations

import io
import json
import os
import random
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from msgspec import Raw

from douane.chat.importers import Limits, Options, Position, recognise
from douane.chat.importers import slack_records as records
from douane.chat.importers.slack_lists import wrong_type
from douane.chat.tables import conversation_key, handed_out
from douane.errors import BadFile, OverLimit
from tests.chat.importers.exports import MemorySource, counted, issues, joined, ledger, opened, read, zipped
from tests.chat.samples import make_export

SHARED = Path(os.environ.get("DOUANE_SHARED") or Path(__file__).parents[4] / "shared")
USERS = [
    {"id": "U1", "team_id": "T1", "name": "ann", "profile": {"real_name": "Ann"}},
    {"id": "U2", "team_id": "T1", "name": "bob", "profile": {"real_name": "Bob"}},
]
CHANNELS = [{"id": "C1", "name": "general", "creator": "U1", "members": ["U1", "U2"]}]
_LISTS = {"users.json": USERS, "channels.json": CHANNELS}


def said(ts: str = "1500000000.000100", **members: Any) -> dict[str, Any]:
    return {"type": "message", "user": "U1", "text": "hello", "ts": ts} | members


def export(*messages: Any, **files: Any) -> bytes:
    """A zip with users, a channel, its one day file, and other files (`__` in a name stands for `/`)."""
    everything: dict[str, Any] = {"users.json": USERS, "channels.json": CHANNELS, "general/2017-07-14.json": messages}
    everything |= {name.replace("__", "/") + ".json": content for name, content in files.items()}
    return of(everything)


def of(files: Mapping[str, Any]) -> bytes:
    return zipped({n: c if isinstance(c, bytes) else json.dumps(c) for n, c in files.items() if c is not None})


def rows(table: pl.DataFrame, *columns: str) -> list[Any]:
    found = table.select(columns)
    return found.to_series().to_list() if len(columns) == 1 else found.rows()


def staged(*messages: Any, **files: Any) -> dict[str, pl.DataFrame]:
    """The tables of such an export, having seen that the ledger holds and `counts` agrees."""
    data = export(*messages, **files)
    batches = list(opened("slack", data).batches())
    tables = joined(batches)
    ledger(tables)
    assert opened("slack", data).counts() == counted(batches)
    return tables


# --- messages --------------------------------------------------------------------------------------------------------


def test_an_ordinary_message() -> None:
    (row,) = staged(said("1500000000.000123", text="a &amp; b"))["messages"].to_dicts()
    assert row == {
        **dict.fromkeys(("alias", "subtype", "thread", "replies", "last_reply_us", "edited_us", "edited_by", "emoji")),
        "entry": 2,
        "position": 0,
        "key_hi": conversation_key("slack", "T1", "C1"),
        "key_lo": 1500000000000123,
        "id": "slack-C1-1500000000-000123",
        "channel": "C1",
        "ts_us": 1500000000000123,
        "author": "U1",
        "kind": "text",
        "text": "a &amp; b",
        "format": "slack_mrkdwn",
        "broadcast": False,
        "pinned": False,
        "hidden": False,
        **dict.fromkeys(("attachments", "blocks", "typed", "original")),
        "reactions": 0,
        "files": 0,
    }


@pytest.mark.parametrize(
    ("ts", "us", "id"),
    [
        ("1.000001", 1000001, "slack-C1-1-000001"),
        (1500000000.5, 1500000000500000, "slack-C1-1500000000-500000"),
        (1500000000, 1500000000000000, "slack-C1-1500000000-000000"),
        ("1500000000", 1500000000000000, "slack-C1-1500000000-000000"),
        ("1500000000.1", 1500000000100000, "slack-C1-1500000000-100000"),
        ("99999999999.999999", 99999999999999999, "slack-C1-99999999999-999999"),
    ],
)
def test_times_are_whole_microseconds(ts: Any, us: int, id: str) -> None:
    assert rows(staged(said(), said(ts))["messages"], "ts_us", "id")[1] == (us, id)


@pytest.mark.parametrize(
    "ts",
    [None, "", "yesterday", "0000000000.000000", "-1500000000.000000", "15e8", True, "1500000000:00010", "١٥.٥", {}],
)
def test_what_has_no_time_fails_alone(ts: Any) -> None:
    tables = staged(said(), said(ts, text="when?"), said("1500000001.000000"))
    assert rows(tables["messages"], "position") == [0, 2]
    assert issues(tables) == [("failed", "importer-message-invalid-timestamp", 1)]
    assert rows(tables["issues"], "excerpt") == ["when?"]


SUBTYPES = {
    **dict.fromkeys(("channel_join", "group_join"), "join"),
    **dict.fromkeys(("channel_leave", "group_leave"), "leave"),
    **dict.fromkeys(("channel_archive", "group_archive"), "archive"),
    **dict.fromkeys(("channel_unarchive", "group_unarchive"), "unarchive"),
    **dict.fromkeys(("sh_room_created", "sh_room_shared"), "call"),
    **dict.fromkeys(("reminder_add", "reminder_delete"), "reminder"),
    **dict.fromkeys(("bot_message", "slackbot_response"), "bot"),
    **dict.fromkeys(("bot_add", "channel_convert_to_private", "channel_canvas_updated", "ekm_access_denied"), "notice"),
    "me_message": "me",
    "pinned_item": "pin",
    "huddle_thread": "huddle",
    "tombstone": "tombstone",
    "file_share": "file",
    "file_mention": "file",
    "thread_broadcast": "text",
    "never_heard_of": "text",
}


def test_members_of_the_wrong_size_or_kind_cost_no_message() -> None:
    file = {"id": "F1", "name": "a"}
    tables = staged(
        said("1500000001.000100", latest_reply="", reply_count=10**30, files=[{**file, "size": -(10**30)}]),
        said("1500000002.000100", latest_reply="soon", reply_count="2", files=[{**file, "size": 1e300}]),
        said("1500000003.000100", latest_reply="1500000009", edited={}, reply_count=-1, files=[{**file, "size": "7"}]),
    )
    columns = ("key_lo", "replies", "last_reply_us", "edited_us")
    assert rows(tables["messages"], *columns) == [
        (1500000001000100, None, None, None),
        (1500000002000100, 2, None, None),
        (1500000003000100, -1, 1500000009000000, None),
    ]
    assert rows(tables["files"], "size") == [None, None, 7]


def test_every_subtype_has_a_kind_and_keeps_its_name_and_text() -> None:
    found = staged(*(said(f"15000000{i:02}.000000", subtype=s) for i, s in enumerate(SUBTYPES)))["messages"]
    assert rows(found, "subtype", "kind") == list(SUBTYPES.items())
    assert set(rows(found, "text")) == {"hello"}


def test_an_unknown_subtype_without_text_is_a_notice() -> None:
    found = staged(said(subtype="aurora", text=""), said("1500000001.0", subtype="aurora", text=None))["messages"]
    assert rows(found, "kind", "text") == [("notice", ""), ("notice", None)]


def test_topics_purposes_and_names_are_the_new_value() -> None:
    found = staged(
        said(subtype="channel_topic", text="set the topic: x", topic="x <@U2>"),
        said("1500000001.0", subtype="group_purpose", purpose=""),
        said("1500000002.0", subtype="channel_name", old_name="old", name="new"),
        said("1500000003.0", subtype="channel_topic", text="told only here"),
    )
    kinds = [("topic", "x <@U2>"), ("purpose", ""), ("rename", "new"), ("topic", "told only here")]
    assert rows(found["messages"], "kind", "text") == kinds


def test_bots_go_by_the_name_they_gave_themselves() -> None:
    bot = {"id": "U9", "team_id": "T1", "name": "builder", "is_bot": True, "profile": {"bot_id": "B9"}}
    bare = {"type": "message", "ts": "1500000000.000001", "text": "x", "subtype": "bot_message"}
    found = staged(
        bare | {"bot_id": "B1", "username": "CI", "icons": {"emoji": ":robot_face:"}},
        bare | {"ts": "1500000000.000002", "bot_id": "B9", "icons": []},
        bare | {"ts": "1500000000.000003", "username": "nobody"},
        said("1500000000.000004", user="U9", bot_id="B9", bot_profile={"id": "B9", "name": "Builder"}),
        said("1500000000.000005", bot_id="B1", bot_profile={"name": "Giphy"}),
        said("1500000000.000006", user="USLACKBOT"),
        users=[*USERS, bot],
    )["messages"]
    assert rows(found, "author", "alias", "kind", "emoji") == [
        ("B1", "CI", "bot", ":robot_face:"),
        ("U9", None, "bot", None),
        (None, "nobody", "bot", None),
        ("U9", "Builder", "bot", None),
        ("U1", "Giphy", "text", None),
        ("USLACKBOT", None, "text", None),
    ]


def test_old_files_and_comments_on_them() -> None:
    file = {"id": "F1", "name": "a.png", "url_private": "https://files.slack.com/a.png", "size": 12}
    found = staged(
        said(subtype="file_share", file=file, text="uploaded a file"),
        {"type": "message", "subtype": "file_comment", "ts": "1500000001.000000", "text": "commented", "file": file}
        | {"comment": {"id": "Fc1", "user": "U2", "comment": "nice"}},
    )
    assert rows(found["messages"], "author", "kind", "text", "files") == [
        ("U1", "file", "uploaded a file", 1),
        ("U2", "text", "nice", 1),
    ]
    assert rows(found["files"], "at", "id", "name", "size", "state") == [
        (at, "F1", "a.png", 12, "hosted") for at in (0, 1)
    ]


def test_threads() -> None:
    root, other = "1500000000.000001", "1500000000.000002"
    found = staged(
        said(root, thread_ts=root, reply_count=2, latest_reply="1500000009.000000"),
        said(other, thread_ts=root, parent_user_id="U1"),
        said("1500000000.000003", thread_ts=root, subtype="thread_broadcast", root=said(root)),
        said("1500000000.000004", thread_ts="1400000000.000000"),
        said("1500000000.000005", thread_ts="1500000000.000005", latest_reply="0000000000.000000", subtype="tombstone")
        | {"hidden": True, "user": "USLACKBOT", "replies": [{"user": "U1", "ts": other}]},
        said("1500000000.000006", thread_ts=1500000000.000001),
        said("1500000000.000007", thread_ts="once"),
    )
    name = "slack-C1-1500000000-000001"
    assert rows(found["messages"], "thread", "broadcast", "replies", "last_reply_us", "hidden") == [
        (name, False, 2, 1500000009000000, False),
        (name, False, None, None, False),
        (name, True, None, None, False),
        ("slack-C1-1400000000-000000", False, None, None, False),
        ("slack-C1-1500000000-000005", False, None, None, True),
        (name, False, None, None, False),
        (None, False, None, None, False),
    ]
    assert issues(found) == [("warning", "importer-message-invalid-thread", 6)]


def test_edits_pins_and_revisions() -> None:
    before, after = said(text="was"), said(text="is") | {"edited": {"user": "U2", "ts": "1500000005.000000"}}
    found = staged(
        said(edited={"user": "U2", "ts": "1500000005.000000"}, pinned_to=["C1"]),
        said("1500000001.000000", edited={"ts": "1500000006.000000"}, pinned_to=[]),
        said("1500000007.000000", subtype="message_changed", text=None, message=after, previous_message=before),
        said(
            "1500000008.000000", subtype="message_deleted", text=None, original=before, deleted_ts="1500000000.000100"
        ),
    )
    assert rows(found["messages"], "edited_us", "edited_by", "pinned", "kind") == [
        (1500000005000000, "U2", True, "text"),
        (1500000006000000, None, False, "text"),
        (None, None, False, "notice"),
        (None, None, False, "notice"),
    ]
    assert rows(found["edits"], "at", "kind", "at_us", "user", "text") == [
        (2, "edit", 1500000005000000, "U2", "was"),
        (3, "delete", 1500000008000000, "U1", "was"),
    ]


def test_reactions_are_one_row_a_person() -> None:
    found = staged(
        said(),
        said("1500000001.000000")
        | {
            "reactions": [
                {"name": "+1", "users": ["U1", "U2", "U1"], "count": 3},
                {"name": "clap::skin-tone-3", "users": ["U1"], "count": 4},
                {"name": "clap::skin-tone-3", "users": ["U1", "U2"], "count": 2},
                {"name": "clap", "users": ["U1"]},
                {"name": "odd::skin-tone-9", "count": 2},
            ]
        },
    )
    assert found["reactions"].rows() == [
        (1, "+1", 0, "U1", 1),
        (1, "+1", 0, "U2", 1),
        (1, "clap", 3, "U1", 1),
        (1, "clap", 3, None, 3),
        (1, "clap", 3, "U2", 1),
        (1, "clap", 0, "U1", 1),
        (1, "odd::skin-tone-9", 0, None, 2),
    ]
    assert rows(found["messages"], "reactions") == [0, 7]


def test_states_of_files() -> None:
    base = {"name": "a/b.txt", "mimetype": "text/plain", "url_private_download": "https://files.slack.com/x?t=1"}
    files: list[Any] = [
        None,
        base | {"id": "F1", "mode": "hosted", "size": 0, "user": "U2", "created": 1500000000},
        base | {"id": "F2", "mode": "external", "is_external": True, "external_type": "gdrive"},
        {"id": "F3", "mode": "tombstone"},
        {"id": "F4", "mode": "hidden_by_limit"},
        {"id": "F5", "file_access": "access_denied"},
        base | {"id": "F6", "mode": "quip"},
        base | {"mode": "snippet", "size": "17", "created": None, "title": 5},
        "rubbish",
    ]
    found = staged(said(files=files), said("1500000001.000000", files=[]), said("1500000002.000000", files=None))
    assert rows(found["files"], "number", "id", "state", "size") == [
        (2, "F1", "hosted", 0),
        (3, "F2", "external", None),
        (4, "F3", "deleted", None),
        (5, "F4", "hidden", None),
        (6, "F5", "denied", None),
        (7, "F6", "document", None),
        (8, None, "hosted", 17),
    ]
    assert [json.loads(o) for o in rows(found["files"], "original")] == files[1:-1]
    assert rows(found["files"], "name")[:3] == ["a/b.txt", "a/b.txt", "F3"]
    assert rows(found["messages"], "files") == [7, 0, 0]


def typed(*parts: Any, kind: str = "rich_text_section", **more: Any) -> dict[str, Any]:
    elements = [{"type": "text", "text": part} if isinstance(part, str) else part for part in parts]
    return {"type": "rich_text", "block_id": "x", "elements": [{"type": kind, "elements": elements, **more}]}


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


BUTTON = {"type": "plain_text", "text": "Vote"}
USER, LINK = {"type": "user", "user_id": "U2"}, {"type": "link", "url": "https://x.y/?a=1&b"}


@pytest.mark.parametrize(
    ("text", "blocks", "shown", "lost"),
    [
        ("hello", [typed("hello")], "hello", None),
        ("a &amp; b <@U2>", [typed("a & b ", USER)], "a &amp; b <@U2>", None),
        ("<https://x.y/?a=1&amp;b>", [typed(LINK)], "<https://x.y/?a=1&amp;b>", None),
        (
            "*bold* and more",
            [typed({"type": "text", "text": "bold", "style": {"bold": True}}, " and more")],
            None,
            None,
        ),
        (
            "Release",
            [section("*Release 4.2* took 14 min"), section("by <@U2>")],
            "*Release 4.2* took 14 min\nby <@U2>",
            None,
        ),
        ("poll: lunch?", [section("*Lunch?* poll"), section("1. Pizza")], "*Lunch?* poll\n1. Pizza", None),
        ("This can't be displayed.", [section("3 yes, 1 no")], "3 yes, 1 no", "This can't be displayed."),
        (
            "a",
            [typed("a"), {"type": "actions", "elements": [{"type": "button", "text": {"text": "Vote"}}]}],
            "a\nVote",
            None,
        ),
        ("x = 1", [typed("x = 1", kind="rich_text_preformatted", language="python")], "```\nx = 1\n```", None),
        ("said", [typed("said", kind="rich_text_quote")], "&gt; said", None),
        ("see", [typed("see ", LINK)], "see <https://x.y/?a=1&amp;b>", None),
        ("see", [typed("see ", USER)], "see <@U2>", None),
        ("only", [], "only", None),
        ("only", [{"type": "divider"}], "only", None),
    ],
)
def test_blocks_are_shown_where_they_say_more(
    text: str, blocks: list[Any], shown: str | None, lost: str | None
) -> None:
    (row,) = staged(said(text=text, blocks=blocks))["messages"].to_dicts()
    assert row["text"] == (text if shown is None else shown)
    assert (json.loads(row["original"])["text"] if row["original"] else None) == lost
    assert json.loads(row["blocks"]) == blocks


@pytest.mark.parametrize("beside", [None, typed("a list", kind="rich_text_list"), "no blocks"])
def test_lines_typed_in_a_client_are_kept_as_they_came_whatever_stands_beside_them(beside: Any) -> None:
    lines = [typed("hello "), typed("sée ", LINK), {**typed("a & b"), "block_id": 'x"y'}]
    given = [
        said(f"150000000{n}.000100", text=text, blocks=[one], client_msg_id="9")
        for n, (text, one) in enumerate(zip(("hello", "sée <x>", "a &amp; b"), lines, strict=True))
    ]
    odd = [] if beside is None else [said("1600000000.000100", blocks=[beside] if isinstance(beside, dict) else beside)]
    found = staged(*given, *odd)["messages"][: len(given)]
    assert rows(found, "text", "blocks") == [("hello", None), ("sée <x>", None), ("a &amp; b", None)]
    assert [json.loads(kept) for kept in found["typed"]] == [[one] for one in lines]
    shown = handed_out("messages", found)
    assert [json.loads(kept) for kept in shown["blocks"]] == [[one] for one in lines]
    assert "typed" not in shown.columns


def test_typed_lines_that_say_more_than_the_text_are_shown_whoever_wrote_them() -> None:
    found = staged(said(text="short", blocks=[typed("short and more")], client_msg_id="9"))
    assert rows(found["messages"], "text", "typed") == [("short and more", None)]
    (row,) = staged(said(text="other words", blocks=[typed("short and more")], client_msg_id="9"))[
        "messages"
    ].to_dicts()
    assert (row["text"], row["blocks"], json.loads(row["typed"])) == ("other words", None, [typed("short and more")])


def test_no_member_of_the_file_stands_for_what_we_keep() -> None:
    (row,) = staged(said(text="", shown="[1]", rest="x", typed="y"))["messages"].to_dicts()
    assert (row["blocks"], row["typed"]) == (None, None)
    assert json.loads(row["original"]) == {"shown": "[1]", "rest": "x", "typed": "y"}


def test_only_messages_with_more_to_say_are_looked_at_closely() -> None:
    found = staged(
        *(said(f"150000000{n}.000100", text=f"t{n}", blocks=[typed(f"t{n}" * (1 + n % 2))]) for n in range(9))
    )
    assert rows(found["messages"], "text") == [f"t{n}" * (1 + n % 2) for n in range(9)]


def test_blocks_and_files_of_attachments_are_theirs() -> None:
    shared = {
        "is_share": True,
        "files": [{"id": "F9", "name": "plan.pdf"}, None],
        "message_blocks": [{"message": {"blocks": [typed("inside")]}}],
    }
    app = {"color": "#fff", "fallback": "[no preview]", "blocks": [section("*Build 7* is red")]}
    (row,) = (tables := staged(said(attachments=[app, shared])))["messages"].to_dicts()
    cards = json.loads(row["attachments"])
    assert [card["text"] for card in cards] == ["*Build 7* is red", "inside"]
    assert json.loads(row["original"])["attachments"] == [app, shared]
    assert rows(tables["files"], "number", "id", "name") == [(1, "F9", "plan.pdf")]
    plain = [{"text": "pre <@U1>", "fallback": "x"}]
    (row,) = staged(said(attachments=plain))["messages"].to_dicts()
    assert (json.loads(row["attachments"]), row["original"]) == (plain, None)


def test_bots_are_mentioned_by_their_users() -> None:
    users = [*USERS, {"id": "U9", "name": "deploys", "is_bot": True, "profile": {"bot_id": "B028"}}]
    tables = staged(said(text="<@B028> and <@B028|old> and <@B777>"), users=users)
    assert rows(tables["messages"], "text") == ["<@U9> and <@U9> and <@B777>"]
    assert rows(tables["mentions"], "kind", "target") == [("user", "U9"), ("user", "B777")]


def test_reactions_of_nobody_are_counted_in_the_ledger() -> None:
    cut = [{"name": "tada", "users": ["U1", "U2"], "count": 57}, {"name": "joy", "users": ["U1"], "count": 1}]
    tables = staged(said(reactions=cut), said("1500000001.000100", reactions=cut[1:]))
    (issue,) = tables["issues"].to_dicts()
    assert (issue["severity"], issue["code"], issue["position"]) == ("warning", "importer-reactions-cut", 0)
    assert issue["message"].startswith("55 reactions")


@pytest.mark.parametrize(
    ("given", "odd"),
    [
        ({"text": {"a": 1}}, "text"),
        ({"text": ["a"]}, "text"),
        ({"files": {"id": "F1"}}, "files"),
        ({"edited": "yesterday"}, "edited"),
        ({"attachments": {"text": "x"}}, "attachments"),
        ({"reactions": "many", "user": []}, "user, reactions"),
        ({"thread_ts": {"a": 1}}, "thread_ts"),
    ],
)
def test_values_of_another_kind_are_told(given: dict[str, Any], odd: str) -> None:
    tables = staged(said(**given))
    (issue,) = tables["issues"].to_dicts()
    assert (issue["severity"], issue["code"]) == ("warning", "importer-value-wrong-type")
    assert issue["message"] == wrong_type(odd.split(", "))
    kept = json.loads(tables["messages"]["original"].item())
    assert kept == {name: given[name] for name in odd.split(", ")}


@pytest.mark.parametrize("subtype", [None, "channel_name", "message_changed", "something_new"])
def test_members_that_no_message_is_known_to_have_are_kept(subtype: str | None) -> None:
    told = {"poll": {"options": ["a", "b"]}, "streaming": "é", "old_name": "before", "room": {"id": "R1"}}
    kind = {} if subtype is None else {"subtype": subtype}
    noise = {"team": "T1", "user_team": 7, "replies": [{"user": "U2", "ts": "1"}], "mystery": None, "empty": []}
    tables = staged(said(**told, **kind, **noise), said("1500000001.000100", inviter="U2"))
    first, second = rows(tables["messages"], "original")
    assert json.loads(first) == told
    assert json.loads(second) == {"inviter": "U2"}
    assert "issues" not in tables


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"item_type": "F"}, {"item_type": "F"}),
        ({"item": {"id": "F1"}}, {"item": {"id": "F1"}}),
        ({"old_name": "before"}, {"old_name": "before"}),
        ({"room": {"id": "R1"}}, {"room": {"id": "R1"}}),
        ({"comment": {"user": "U2", "comment": "words"}}, {"comment": "words"}),
        ({"file": {"id": "F1"}, "files": [{"id": "F2"}]}, {"file": {"id": "F1"}}),
    ],
    ids=["item_type", "item", "old_name", "room", "comment", "file"],
)
def test_what_only_notices_have_is_kept_of_any_message(told: dict[str, Any], kept: dict[str, Any]) -> None:
    tables = staged(said(**told), said("1500000001.000100"))
    first, second = rows(tables["messages"], "original")
    assert json.loads(first) == kept
    assert second is None
    assert "issues" not in tables


@pytest.mark.parametrize(
    "told",
    [
        {"item_type": "F", "item": {"id": "F1"}, "user_profile": {"name": "ana"}, "subtype": "pinned_item"},
        {"item_type": "", "metadata": None, "x_files": ["F1"], "room": None, "file": {"id": "F1"}},
        {"text": None, "blocks": [{"type": "divider"}], "attachments": [{"text": "a"}], "files": [{"id": "F1"}, None]},
        {"reactions": [{"name": "eyes", "users": ["U1"], "count": 2}], "edited": {"user": "U1", "ts": "1.0"}},
        {"icons": [], "bot_id": "B1", "bot_profile": {"name": "bot"}, "root": {"ts": "1.0"}, "old_name": "before"},
    ],
    ids=["pinned", "null", "blocks", "reactions", "bot"],
)
def test_an_ordinary_message_is_made_full_as_if_decoded_so(told: dict[str, Any]) -> None:
    raw = Raw(json.dumps(said(**told), indent=4).encode())
    made = records.full(records.decode_ordinary(raw), 64)
    assert made == records.with_other(records.decode_one(raw), raw, 64)


@pytest.mark.parametrize("wrapped", [True, False])
def test_replies_that_stand_within_their_thread_are_messages(wrapped: bool) -> None:
    """As slackdump writes a conversation, in which no reply stands by itself."""
    replies = [said("1500000001.000100", text="reply", thread_ts="1500000000.000100"), said("1500000002.000100")]
    talk = [said(thread_ts="1500000000.000100", slackdump_thread_replies=replies), said("1500000009.000100")]
    day: Any = {"channel_id": "C1", "name": "general", "messages": talk} if wrapped else talk
    data = of({"users.json": USERS, "channels.json": CHANNELS, "general/2017-07-14.json": day})
    batches = list(opened("slack", data).batches())
    tables = joined(batches)
    assert opened("slack", data).counts() == counted(batches)
    assert [us // 1_000_000 % 10 for us in rows(tables["messages"], "ts_us")] == [0, 1, 2, 9]
    assert rows(tables["messages"], "thread")[1] == "slack-C1-1500000000-000100"
    assert rows(tables["messages"], "original") == [None] * 4


@pytest.mark.parametrize("indent", [None, 4])
@pytest.mark.parametrize("between", ["", "\n", ",\n"])
def test_files_one_behind_the_other_are_read_to_the_end(indent: int | None, between: str) -> None:
    days = [json.dumps([said(f"150000000{n}.000100")], indent=indent) for n in range(3)]
    users = "".join(json.dumps([user], indent=indent) for user in USERS)
    tables = read("slack", of({**_LISTS, "users.json": users.encode(), "general/1.json": between.join(days).encode()}))
    assert ledger(tables) == (6, 6, 0, 0)
    assert {issue["code"] for issue in tables["issues"].to_dicts()} == {"importer-json-mended"}


def test_lists_within_the_answer_of_an_api_or_by_id_are_read() -> None:
    answers = {
        "users.json": {"ok": True, "members": USERS, "cache_ts": 1},
        "channels.json": {"ok": True, "channels": CHANNELS},
        "general/2017-07-14.json": {"ok": True, "messages": [said()], "has_more": False},
    }
    by_id = {
        "users.json": {one["id"]: one for one in USERS},
        "channels.json": {one["id"]: one for one in CHANNELS},
        "general/2017-07-14.json": {"1500000000.000100": said()},
    }
    pages = [json.dumps({"ok": True, "messages": [said(f"150000000{n}.000100")]}) for n in range(2)]
    for files, messages in (
        (answers, 1),
        (by_id, 1),
        ({**by_id, "general/2017-07-14.json": "\n".join(pages).encode()}, 2),
    ):
        tables = read("slack", of(files))
        assert ledger(tables) == (3 + messages, 3 + messages, 0, 0)
        assert rows(tables["channels"], "id", "kind") == [("C1", "public")]
        assert opened("slack", of(files)).counts().tables["messages"] == messages


def test_any_member_of_another_kind_is_told_of_wherever_it_stands_and_counted() -> None:
    """Each in a file of its own: one odd member has all of its file read closely."""
    members = (
        "subtype",
        "bot_id",
        "bot_profile",
        "username",
        "icons",
        "reply_count",
        "latest_reply",
        "comment",
        "hidden",
    )
    members += ("pinned_to", "topic", "client_msg_id", "deleted_ts", "reactions", "file", "root", "members", "mystery")
    values = (["x", [1]], {"a": 1}, True)
    odd = {
        f"general__{at:02}-{number}": [said(f"15000{at:02}{number}00.000100", **{member: value})]
        for at, member in enumerate(members)
        for number, value in enumerate(values)
    }
    tables = staged(**odd)
    told = {issue["entry"] for issue in tables["issues"].to_dicts()}
    found = {str(row["ts_us"])[5:8]: row for row in tables["messages"].to_dicts()}
    for at, member in enumerate(members):
        row = found[f"{at:02}0"]
        assert row["entry"] in told or row["original"] or member in ("pinned_to", "file"), (member, row)


@pytest.mark.parametrize(("given", "hidden"), [("false", False), (0, False), ("true", True), (1, True), ({}, False)])
def test_what_a_message_says_of_being_hidden_is_taken_at_its_word(given: Any, hidden: bool) -> None:
    assert rows(staged(said(hidden=given))["messages"], "hidden") == [hidden]


def test_blocks_of_which_nothing_can_be_shown_are_told() -> None:
    blocks = [typed("hi"), {"type": "mystery", "payload": {"x": 1}}, {"type": "divider"}]
    (issue,) = staged(said(text="hi", blocks=blocks))["issues"].to_dicts()
    assert (issue["code"], issue["position"]) == ("importer-blocks-unread", 0)
    assert issue["message"].startswith("Of 1 of the message's 3 blocks")


@pytest.mark.parametrize("indent", [None, 4, 1])
@pytest.mark.parametrize("named", [True, False])
def test_typed_lines_are_kept_in_one_form_however_the_file_is_laid_out(indent: int | None, named: bool) -> None:
    """They are told from other blocks by how they begin and end; what only looks like them goes the long way."""

    def typed(*elements: Any, **more: Any) -> list[Any]:
        section = {"type": "rich_text_section", "elements": list(elements)}
        own = {"block_id": "b\\/1"} if named else {}
        return [{"type": "rich_text", **own, "elements": [section], **more}]

    def word(text: str, **more: Any) -> dict[str, Any]:
        return {"type": "text", "text": text, **more}

    plain = typed(word("hello"))
    styled = typed(word("hel"), word("lo", style={"bold": True}))
    odd = typed(word('he said "]},{" and \\ ')), typed(word("hello", more=[{"a": [1]}], last=["x"]))
    two = [*typed(word("hello")), *typed(word("more"))]
    given = [plain, styled, *odd, None, two, typed(word("hello"), block=[{"a": []}])]
    texts = ["hello", "hello", 'he said "]},{" and \\', *["hello"] * 4]
    messages = [
        said(f"150000000{at}.000100", client_msg_id="x", text=text, blocks=blocks)
        for at, (text, blocks) in enumerate(zip(texts, given, strict=True))
    ]
    day = json.dumps(messages, indent=indent).encode()
    tables = joined(list(opened("slack", of({**_LISTS, "general/2017-07-14.json": day})).batches()))
    found = tables["messages"]
    kept = [json.loads(raw) if raw else None for raw in rows(found, "typed")]
    assert kept == [*given[:5], None, None]
    assert [raw for raw in rows(found, "typed") if raw] == [
        json.dumps(one, separators=(",", ":")) for one in kept if one
    ]
    assert [json.loads(raw) if raw else None for raw in rows(found, "blocks")] == [*[None] * 5, *given[5:]]
    assert rows(found, "text")[:5] == texts[:5]
    assert "more" in rows(found, "text")[5]
    assert "issues" not in tables


def test_blocks_that_are_null_are_none() -> None:
    tables = staged(said(blocks=None), said("1500000001.000100", blocks=None, subtype="bot_add", bot_id="B1"))
    assert rows(tables["messages"], "blocks", "typed") == [(None, None)] * 2
    assert "issues" not in tables


def test_who_let_somebody_in_is_in_the_original() -> None:
    join = {"subtype": "channel_join", "text": "<@U1> has joined the channel", "inviter": "U2"}
    other = said("1500000001.000100", **{**join, "inviter": {"id": "U2"}})
    tables = staged(said(**join), other, said("1500000002.000100", subtype="channel_join", text="x"))
    kept = [json.loads(raw) if raw else None for raw in tables["messages"]["original"]]
    assert kept == [{"inviter": "U2"}, {"inviter": {"id": "U2"}}, None]


def test_what_a_message_was_and_what_it_answers_is_kept_whole() -> None:
    """An edit's states with their files, the first message of a thread of which an export of some days has a copy only,
    and the words that Slack put around a comment."""
    was = said("1500000000.000100", text="before", files=[{"id": "F1", "name": "a"}])
    edited = {"subtype": "message_changed", "text": None, "message": was | {"text": "after"}, "previous_message": was}
    first = said("1400000000.000100", text="root", reply_count=3, latest_reply="1500000001.000100")
    reply = {"subtype": "thread_broadcast", "thread_ts": first["ts"], "root": first}
    comment = {"subtype": "file_comment", "comment": {"user": "U2", "comment": "well"}, "text": "somebody commented"}
    found = staged(
        said("1500000001.000100", **edited),
        said("1500000002.000100", **reply),
        said("1500000003.000100", **reply, blocks=[{"type": "divider"}]),
        said("1500000004.000100", **comment),
        said("1500000005.000100", **{**comment, "text": "somebody commented: well"}),
    )
    kept = [json.loads(raw) if raw else None for raw in found["messages"]["original"]]
    root = {name: first[name] for name in ("type", "user", "text", "ts")}
    states = {name: edited[name] for name in ("message", "previous_message")}
    assert kept == [states, {"root": root}, {"root": root}, {"text": "somebody commented"}, None]


def test_what_no_column_holds_is_in_the_original() -> None:
    tables = staged(
        said(metadata={"event_type": "x", "event_payload": {"n": 1}}),
        said("1500000001.000100", subtype="pinned_item", item={"id": "F1"}, item_type="F"),
        said("1500000002.000100", subtype="sh_room_shared", text=None, room={"id": "R1", "name": "standup"}),
        said("1500000003.000100"),
        said("1500000004.000100", subtype="list_comment", text="", comment={"user": "U2", "comment": "done"}),
        said("1500000005.000100", subtype="future", text=None, future={"n": 10**30}, team="T1", **{"\ud83d": [1]}),
    )
    original = [json.loads(raw) if raw else None for raw in tables["messages"]["original"]]
    assert original == [
        {"metadata": {"event_type": "x", "event_payload": {"n": 1}}},
        {"item": {"id": "F1"}, "item_type": "F"},
        {"room": {"id": "R1", "name": "standup"}},
        None,
        None,
        {"future": {"n": 10**30}, "\ufffd": [1]},
    ]
    assert rows(tables["messages"], "text")[2:5] == ["A call: standup", "hello", "done"]


def test_text_of_blocks_where_they_say_more() -> None:
    inline = [{"type": "text", "text": "a < b "}, {"type": "user", "user_id": "U2"}]
    blocks = [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": inline}]}]
    found = staged(
        said(text="", blocks=blocks),
        said("1500000001.0", text=None, blocks=blocks),
        said("1500000002.0", blocks=blocks),
    )
    assert rows(found["messages"], "text") == ["a &lt; b <@U2>"] * 3
    assert [json.loads(raw) for raw in found["messages"]["blocks"]] == [blocks] * 3
    assert rows(found["messages"], "original") == [None, None, '{"text":"hello"}']
    assert rows(found["mentions"], "at", "kind", "target") == [(at, "user", "U2") for at in range(3)]


def test_mentions_are_those_of_the_tokens() -> None:
    found = staged(
        said(text="(<@U1|x>) <@U1> <#C1|general> <!here> <!subteam^S1|@g> <https://x.example|<@U2>"),
        said("1500000001.000000", text="`<@U1>` <!channel> ```<@U2>``` &lt;@U2&gt;"),
        said("1500000002.000000", text="<!everyone> <@>"),
    )
    assert found["mentions"].rows() == [
        (0, "user", "U1"),
        (0, "channel", "C1"),
        (0, "here", None),
        (0, "group", "S1"),
        (0, "user", "U2"),
        (1, "channel_all", None),
        (2, "everyone", None),
    ]


def test_attachments_stay_as_they_came() -> None:
    raw = '[ {"text": "<https://x.example>", "ts": 1500000000.5, "from_url": "https:\\/\\/x.example"} ]'
    day = f'[{{"type": "message", "ts": "1500000000.000100", "text": "", "user": "U1", "attachments": {raw}}}]'
    deep = said("1500000001.000000", attachments=json.loads("[" * 70 + "]" * 70))
    found = staged(general__2018=None, **{"general__2017-07-14": day.encode(), "general__2017-07-15": [deep]})
    assert rows(found["messages"], "attachments") == [raw, None]


@pytest.mark.parametrize("before", ["", ',"sloppy":NaN'])
def test_numbers_that_nobody_reads_cost_no_message(before: str) -> None:
    digits = "9" * 5000
    odd = json.dumps(said())[:-1] + f'{before},"x":{digits}}}'
    sound = json.dumps(said("1500000001.000100"))
    tables = staged(**{"general__2017-07-15": f"[{odd},{sound}]".encode()})
    assert rows(tables["messages"], "ts_us") == [1_500_000_000_000_100, 1_500_000_001_000_100]


def test_a_huddle_says_who_was_there() -> None:
    room = {"created_by": "U1", "date_start": 1500000000, "date_end": 1500000600, "participant_history": ["U1", "U2"]}
    found = staged(said(subtype="huddle_thread", user="USLACKBOT", text="", room=room))["messages"]
    assert rows(found, "author", "kind", "text") == [("USLACKBOT", "huddle", "A huddle for 10 min: <@U1>, <@U2>")]


def test_people_that_only_messages_name_are_told_once() -> None:
    stranger = said(user="U7") | {
        "user_profile": {"real_name": "Zoë", "name": "zoe", "team": "T2", "display_name": "Z"}
    }
    days = {f"general__2017-07-{day}": [stranger | {"ts": f"15000000{day}.000000"}] for day in range(14, 20)}
    data = export(**days)
    tables = read("slack", data, Options(batch_records=1))
    inferred = tables["users"].filter(pl.col("origin") == "inferred")
    assert rows(inferred, "id", "username", "name", "role", "team") == [("U7", "zoe", "Zoë", "external", "T2")]
    assert len(tables["messages"]) == 6


# --- people and conversations ----------------------------------------------------------------------------------------


def test_users() -> None:
    profile = {
        "real_name": "Ann B", "display_name": "annie", "email": "Ann@example.com", "title": "Boss", "phone": "1",
        "status_text": "out", "image_512": "https://x.example/512", "fields": {"Xf1": {"value": "v", "alt": ""}},
    }  # fmt: skip
    people: list[Any] = [
        {"id": "U1", "team_id": "T1", "name": "ann", "real_name": "A", "is_owner": True, "is_admin": True}
        | {"tz": "Europe/Berlin", "tz_offset": 7200, "profile": profile, "enterprise_user": {"id": "W1"}},
        {
            "id": "U2",
            "name": "bob",
            "deleted": True,
            "profile": {"fields": [], "image_original": "o", "image_512": "s"},
        },
        {"id": "U3", "name": "bot", "is_bot": True, "profile": {"bot_id": "B3"}},
        {"id": "U4", "is_restricted": True, "is_ultra_restricted": True},
        {"id": "U5", "is_restricted": True},
        {"id": "U6", "is_stranger": True, "team_id": "T9"},
        {"id": "U7", "is_admin": True},
        {"id": "USLACKBOT", "name": "slackbot"},
        {"id": "U1", "name": "again"},
        {"name": "nameless"},
        None,
    ]
    tables = staged(said(), users=people)
    found = tables["users"]
    assert rows(found, "id") == ["U1", "U2", "U3", "U4", "U5", "U6", "U7", "USLACKBOT"]
    roles = ["owner", "member", "bot", "guest_single", "guest", "external", "admin", "system"]
    assert rows(found, "role") == roles
    assert rows(found, "roles") == [[], [], ["bot"], [], [], [], [], []]
    first = found.to_dicts()[0]
    expected: dict[str, Any] = {
        "ids": ["U1", "W1"], "team": "T1", "username": "ann", "name": "Ann B", "display_name": "annie",
        "emails": ["Ann@example.com"], "type": "user", "deleted": False, "origin": "list", "utc_offset": 2.0,
        "zone": "Europe/Berlin", "title": "Boss", "phone": "1", "status_text": "out", "avatar": "https://x.example/512",
        "custom": '{"Xf1": {"value": "v", "alt": ""}}',
    }  # fmt: skip
    assert {name: first[name] for name in expected} == expected
    assert rows(found, "avatar", "deleted", "emails")[1] == ("o", True, [])
    assert issues(tables)[:3] == [
        ("skipped", "importer-user-repeated", 8),
        ("failed", "importer-user-missing-id", 9),
        ("failed", "importer-record-no-object", 10),
    ]


def test_conversations_of_every_kind() -> None:
    members = [f"U{n}" for n in range(9)]
    tables = staged(
        channels=[
            {"id": "C1", "name": "general", "created": 1500000000, "is_general": True, "creator": None}
            | {"topic": {"value": "t"}, "purpose": {"value": "p"}, "members": ["U1", "U1", "U2"], "is_archived": True},
            {"id": "C2", "name": "shared", "is_ext_shared": True, "creator": "U77", "created": 1},
            {"id": "C1", "name": "twice"},
        ],
        groups=[{"id": "G1", "name": "secret", "previous_names": ["older", None]}],
        mpims=[
            {"id": "G2", "name": "mpdm-a--b-1", "members": members[:8]},
            {"id": "G3", "name": "mpdm-a--b-2", "members": members},
        ],
        dms=[
            {"id": "D1", "members": ["U1", "U2"], "created": 0},
            {"id": "D2", "members": ["U1", "U1"]},
            {"id": "D3", "members": ["U2"]},
            {"id": "D4", "user": "U2"},
        ],
        D1__2020_01_01=None,
    )
    assert rows(tables["channels"], "id", "kind", "type", "name") == [
        ("C1", "public", "c", "general"),
        ("C2", "public", "c", "shared"),
        ("G1", "private", "p", "secret"),
        ("G2", "group_dm", "d", "mpdm-a--b-1"),
        ("G3", "group_dm", "p", "mpdm-a--b-2"),
        ("D1", "dm", "d", None),
        ("D2", "self_dm", "d", None),
        ("D3", "self_dm", "d", None),
        ("D4", "dm", "d", None),
    ]
    general = tables["channels"].to_dicts()[0]
    expected: dict[str, Any] = {
        "topic": "t", "purpose": "p", "creator": None, "created_us": 1500000000000000, "archived": True,
        "general": True, "shared": False, "folder": "general", "former_names": [],
    }  # fmt: skip
    assert {name: general[name] for name in expected} == expected
    assert rows(tables["channels"], "shared", "creator", "created_us")[1] == (True, "U77", None)
    assert rows(tables["channels"], "former_names")[2] == ["older"]
    assert rows(tables["members"], "channel", "user")[:3] == [("C1", "U1"), ("C1", "U2"), ("G2", "U0")]
    assert ("D4", "U2") in rows(tables["members"], "channel", "user")


def test_whose_a_folder_is() -> None:
    day = "2017-07-14.json"
    tables = read(
        "slack",
        of(
            {
                "channels.json": [
                    {"id": "C1", "name": "C2"},
                    {"id": "C2", "name": "plans", "previous_names": ["old"]},
                    {"id": "C3", "name": "café"},
                ],
                f"C2/{day}": [said()],  # an id before a name
                f"old/{day}": [said("1500000001.000000")],
                f"cafe\u0301/{day}": [said("1500000002.000000")],
                f"lost/{day}": [said("1500000003.000000")],
                f"D0ABCDEFG/{day}": [said("1500000004.000000")],
                f"FC:F1:A plan: b/c/{day}": [said("1500000005.000000")],
                f"FC:F1:A plan: b/c/{day[:-5]} (1).json": [said("1500000006.000000")],
                "lost/canvas_in_the_conversation.json": [{"id": "F1"}],
            }
        ),
    )
    assert rows(tables["messages"], "channel") == ["C2", "C2", "C3", "lost", "D0ABCDEFG", "FC:F1", "FC:F1"]
    unlisted = tables["channels"].filter(pl.col("entry") == -1)
    assert rows(unlisted, "id", "kind", "type", "name", "folder") == [
        ("lost", "unlisted", "p", "lost", "lost"),
        ("D0ABCDEFG", "unlisted", "d", None, "D0ABCDEFG"),
        ("FC:F1", "file_comments", "p", "A plan: b/c", "FC:F1:A plan: b/c"),
    ]
    assert [code for _, code, _ in issues(tables)] == ["importer-channel-unlisted"] * 3
    assert rows(tables["entries"], "kind", "reason")[-1] == ("document", "document-unparsed")


def test_grid() -> None:
    org = {"id": "W1", "team_id": "T1", "name": "ann", "enterprise_user": {"id": "W1", "enterprise_id": "E1"}}
    data = of(
        {
            "org_users.json": [org],
            "channels.json": [{"id": "C0", "name": "all"}],
            "teams/alpha/users.json": [org, {"id": "U2", "team_id": "T2", "name": "bob"}],
            "teams/alpha/channels.json": [{"id": "C1", "name": "general"}, {"id": "C0", "name": "all"}],
            "teams/beta/channels.json": [{"id": "C2", "name": "general"}],
            "all/2017-07-14.json": [said(user="W1")],
            "teams/alpha/general/2017-07-14.json": [said()],
            "teams/beta/general/2017-07-14.json": [said()],
            "teams/beta/all/2017-07-14.json": [said()],
        }
    )
    reader = opened("slack", data)
    assert "Grid" in reader.overview.layout
    assert "2 workspaces" in reader.overview.layout
    tables = read("slack", data)
    assert rows(tables["users"], "id") == ["W1", "U2"]
    assert rows(tables["channels"], "id", "folder") == [
        ("C0", "all"),
        ("C1", "teams/alpha/general"),
        ("C2", "teams/beta/general"),
        ("teams/beta/all", "teams/beta/all"),
    ]
    assert rows(tables["messages"], "channel") == ["C0", "C1", "C2", "teams/beta/all"]
    assert tables["messages"]["key_hi"][1] == conversation_key("slack", "E1", "C1")
    assert reader.counts().channels == {"all": 1, "general (C1)": 1, "general (C2)": 1, "all (teams/beta/all)": 1} or (
        reader.counts() == counted(list(reader.batches()))
    )


def test_the_team_is_the_commonest_of_people_who_are_no_strangers() -> None:
    people = [{"id": f"U{n}", "team_id": "T2", "is_stranger": True} for n in range(5)]
    people += [{"id": "U8", "team_id": "T9"}, {"id": "U9", "team_id": "T1"}]
    assert staged(said(), users=people)["messages"]["key_hi"][0] == conversation_key("slack", "T1", "C1")
    data = of({"channels.json": CHANNELS, "general/2017-07-14.json": [said()]})
    found = read("slack", data, Options(team="ours"))
    assert found["messages"]["key_hi"][0] == conversation_key("slack", "ours", "C1")


@pytest.mark.parametrize("kind", ["uploads", "attachments"])
def test_bodies_of_files_are_in_the_archive(kind: str) -> None:
    place = "__uploads/F0000001/a b.png" if kind == "uploads" else "general/attachments/F0000001-a b.png"
    files = [{"id": "F0000001", "name": "a b.png"}, {"id": "F0000002", "name": "c.png"}]
    tables = read(
        "slack", of({"channels.json": CHANNELS, "general/2017-07-14.json": [said(files=files)], place: b"png"})
    )
    assert rows(tables["files"], "state", "body_entry") == [("in_archive", 2), ("hosted", None)]
    assert rows(tables["entries"], "name", "kind", "bytes", "found")[2] == (place, "body", 3, 0)


# --- layouts, names, archives ----------------------------------------------------------------------------------------


def test_a_wrapping_folder_and_rubbish() -> None:
    data = of(
        {
            "Export 1/": b"",
            "Export 1/users.json": USERS,
            "Export 1/channels.json": CHANNELS,
            "Export 1/general/2017-07-14.json": [said()],
            "Export 1/integration_logs.json": [],
            "__MACOSX/Export 1/._users.json": b"\0",
            "Export 1/.DS_Store": b"\0",
        }
    )
    reader = opened("slack", data)
    assert "Export 1" in reader.overview.notes[0]
    assert reader.overview.counts == {
        "entries": 7,
        "bytes": reader.overview.counts["bytes"],
        "conversations": 1,
        "days": 1,
    }
    tables = read("slack", data)
    assert rows(tables["messages"], "channel") == ["C1"]
    assert sorted(rows(tables["entries"], "kind", "reason"), key=str) == [
        ("channels", None),
        ("document", "document-unparsed"),
        ("folder", "folder"),
        ("ignored", "system-rubbish"),
        ("ignored", "system-rubbish"),
        ("messages", None),
        ("users", None),
    ]


def test_names_without_the_flag_of_utf_8() -> None:
    channel = {"id": "C1", "name": "café-日本語"}
    data = of({"channels.json": [channel], "café-日本語/2017-07-14.json": [said()]})
    unflagged = data.replace("café-日本語".encode(), "café-日本語".encode())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = unflagged.find(signature)
        while at >= 0:
            flags = int.from_bytes(unflagged[at + offset : at + offset + 2], "little") & ~0x800
            unflagged = unflagged[: at + offset] + flags.to_bytes(2, "little") + unflagged[at + offset + 2 :]
            at = unflagged.find(signature, at + 4)
    assert unflagged != data
    assert rows(read("slack", unflagged)["messages"], "channel") == ["C1"]
    misread = "café-日本語".encode().decode("cp437")
    twice = of({"channels.json": [channel], f"{misread}/2017-07-14.json": [said()]})
    assert rows(read("slack", twice)["messages"], "channel") == ["C1"]
    assert opened("slack", twice).overview.notes


def test_names_that_lead_out_are_nobodys() -> None:
    tables = read(
        "slack", of({"channels.json": CHANNELS, "../general/2017-07-14.json": [said()], "/x/2017-07-14.json": []})
    )
    assert "messages" not in tables
    assert rows(tables["entries"], "kind", "reason")[1:] == [("ignored", "name-unsafe")] * 2


def test_a_channel_called_like_a_list() -> None:
    channels = [*CHANNELS, {"id": "C2", "name": "users.json"}]
    tables = read("slack", of({"channels.json": channels, "users.json/2017-07-14.json": [said()]}))
    assert rows(tables["messages"], "channel") == ["C2"]


@pytest.mark.parametrize(
    "files",
    [{}, {"readme.txt": b"x"}, {"users.csv": b"a,b"}, {"general/notes.txt": b"text"}, {"word/document.xml": b"<x/>"}],
)
def test_other_zips_are_refused(files: dict[str, bytes]) -> None:
    with pytest.raises(BadFile) as refused:
        opened("slack", zipped(files))
    assert refused.value.code == "file_type"
    assert recognise(MemorySource(zipped(files))) != "slack"


def test_a_zip_without_lists_is_an_export_all_the_same() -> None:
    tables = read("slack", of({"general/2017-07-14.json": [said()]}))
    assert rows(tables["channels"], "id", "kind") == [("general", "unlisted")]
    assert recognise(MemorySource(export(said()))) == "slack"


def test_a_day_file_that_cannot_be_unpacked_fails_alone() -> None:
    data = export(said(), general__2017_07_15=None, **{"general__2017-07-15": [said("1500000001.000000")]})
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        info = archive.getinfo("general/2017-07-14.json")
    at = data.index(b"general/2017-07-14.json") + len(b"general/2017-07-14.json") + info.compress_size - 3
    damaged = data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]
    tables = read("slack", damaged)
    assert rows(tables["messages"], "ts_us") == [1500000001000000]
    assert issues(tables) == [("failed", "file_broken", 0)]
    assert ledger(tables) == (5, 4, 0, 1)


def test_limits_of_an_entry_fail_it_and_limits_of_the_archive_end_the_import() -> None:
    data = export(*(said(f"15000{i:05}.000000", text="x" * 500) for i in range(100)))
    tables = read("slack", data, Options(limits=Limits(entry_bytes=10_000)))
    assert [(severity, code) for severity, code, _ in issues(tables)] == [("failed", "over_limit")]
    with pytest.raises(OverLimit):
        read("slack", data, Options(limits=Limits(unpacked_bytes=10_000)))


# --- damaged JSON ----------------------------------------------------------------------------------------------------

GOOD = json.dumps(said("1500000009.000000"))
HALF = '{"type": "message", "ts": "1500000001.0000'


@pytest.mark.parametrize(
    ("day", "kept", "codes"),
    [
        (b"", 0, ["importer-file-not-json"]),
        (b"  ", 0, ["importer-file-not-json"]),
        (b"[]", 0, []),
        (b"<html>", 0, ["importer-file-not-json"]),
        (b'{"ok": false}', 0, ["importer-file-not-a-list"]),
        (b'{"messages": [%s]}' % GOOD.encode(), 1, []),
        (b"\xef\xbb\xbf[%s]" % GOOD.encode(), 1, ["importer-json-mended"]),
        (f"[{GOOD}]".encode("utf-16"), 1, ["importer-json-mended"]),
        (b"[%s,]" % GOOD.encode(), 1, ["importer-json-mended"]),
        (b"[%s, NaN]" % GOOD.encode(), 1, ["importer-json-mended", "importer-record-no-object"]),
        (f"[{GOOD}, {HALF}".encode(), 1, ["importer-json-mended", "importer-record-damaged"]),
        (f"[{GOOD}, {HALF}, {GOOD}]".encode(), 1, ["importer-json-mended", "importer-record-damaged"]),
        (
            f"[\n    {GOOD},\n    {HALF},\n    {GOOD}\n]".encode(),
            2,
            ["importer-json-mended"] * 2 + ["importer-record-damaged"],
        ),
        (f"[{GOOD}, {HALF} }}, {GOOD}]".encode(), 2, None),
        (f"[{GOOD}, 5, null, [], {GOOD}]".encode(), 2, ["importer-record-no-object"] * 3),
        (f"[{GOOD}] trailing".encode(), 1, ["importer-json-mended", "importer-record-damaged"]),
        (b"[" * 100_000, 0, None),
        (b'[{"a":' * 100_000, 0, None),
        (f"[{GOOD}, {'[' * 70 + ']' * 70}]".encode(), 1, ["importer-record-too-deep"]),
    ],
)
def test_the_ladder(day: bytes, kept: int, codes: list[str] | None) -> None:
    tables = staged(**{"general__2017-07-14": day})
    assert (len(tables["messages"]) if "messages" in tables else 0) == kept
    if codes is not None:
        assert sorted(code for _, code, _ in issues(tables)) == sorted(codes)


def test_lone_surrogates_and_nul() -> None:
    day = '[{"type":"message","ts":"1500000000.000100","user":"U1","text":"a\\ud83d b\\u0000c"},' + GOOD + "]"
    tables = staged(**{"general__2017-07-14": day.encode()})
    assert rows(tables["messages"], "text") == ["a\ufffd bc", "hello"]
    codes = {code for severity, code, position in issues(tables) if position == 0}
    assert codes == {"importer-text-replaced", "importer-text-nul-dropped"}
    tables = staged(said(text="x\0y", user="U\0" + "1", subtype="z\0"))
    assert rows(tables["messages"], "text", "author", "subtype") == [("xy", "U1", "z")]


def test_odd_types_leave_the_other_members() -> None:
    odd = said(text=5, reply_count="3", edited=[], reactions={"name": "x"}, icons="x", pinned_to="C1", bot_profile=[])
    odd |= {"user": 17, "files": {"id": "F1"}, "subtype": None, "attachments": [{"x": 1}], "thread_ts": [1]}
    (row,) = staged(odd)["messages"].to_dicts()
    assert (row["text"], row["author"], row["replies"], row["pinned"], row["thread"]) == ("5", "17", 3, True, None)
    assert json.loads(row["attachments"]) == [{"x": 1}]


def test_numbers_beyond_every_type() -> None:
    huge = "9" * 40
    day = f'[{{"type": "message", "ts": "1500000000.000100", "text": 5, "user": "U1", "reply_count": {huge}, "attachments": [{huge}], "files": [{{"id": "F1", "size": {huge}}}]}}, {GOOD}]'  # noqa: E501
    found = staged(**{"general__2017-07-14": day.encode()})
    assert rows(found["messages"], "text", "replies", "attachments") == [
        ("5", None, f"[{huge}]"),
        ("hello", None, None),
    ]
    assert rows(found["files"], "id", "size") == [("F1", None)]
    found = staged(**{"general__2017-07-14": day.replace("5,", "NaN,", 1).encode()})
    assert len(found["messages"]) == 2


@pytest.mark.parametrize("depth", [63, 100, 480, 700, 950, 20_000])
def test_no_depth_ends_the_reading(depth: int) -> None:
    nest = "[" * depth + "]" * depth
    for good, bad in ((GOOD, "]"), (GOOD, ""), (f'{GOOD}, {{"ts": NaN}}', "]")):
        day = f'[{GOOD}, {{"type": "message", "ts": "1500000001.000000", "text": 5, "x": {nest}}}, {good}{bad}'
        found = staged(**{"general__2017-07-14": day.encode()})
        assert len(found["messages"]) >= 1
    users = f'[{{"id": "U1", "x": {nest}}}, {{"id": "U2", "name": "b"}}]'.encode()
    assert "U2" in rows(staged(said(), users=users)["users"], "id")


def test_many_faults_of_one_kind_are_folded() -> None:
    tables = staged(*([None] * 500))
    assert len(tables["issues"]) < 100
    assert tables["issues"]["count"].sum() == 500


@pytest.mark.parametrize("indent", [None, 4])
def test_a_long_day_file_is_read_in_pieces(indent: int | None) -> None:
    messages = [
        said(f"15000{i:05}.000000", text='[{,}]\\"' * 40, blocks=[{"type": "divider", "a": [{"b": {}}]}])
        for i in range(6_000)
    ]
    messages[700] |= {"text": 5}
    messages[5_000] |= {"ts": "never"}
    day = json.dumps(messages, indent=indent).encode()
    assert len(day) > 2 << 20
    data = of({"users.json": USERS, "channels.json": CHANNELS, "general/2017-07-14.json": day})
    reader = opened("slack", data, Options(batch_records=1_000))
    batches = list(reader.batches())
    tables = joined(batches)
    assert len(batches) > 2
    assert rows(tables["messages"], "position") == [i for i in range(6_000) if i != 5_000]
    assert issues(tables) == [("failed", "importer-message-invalid-timestamp", 5_000)]
    assert ledger(tables) == (6_003, 6_002, 0, 1)
    assert reader.counts() == counted(batches)
    for batch in batches:
        rest = list(reader.batches(Position(batch.next.batch, dict(batch.next.state))))
        assert len(rest) == len(batches) - batch.number - 1
        for one, other in zip(rest, batches[batch.number + 1 :], strict=True):
            assert one.next == other.next
            assert all(one.tables[name].equals(other.tables[name]) for name in other.tables)


@pytest.mark.parametrize(
    ("day", "kept"),
    [
        (b"[" + GOOD.encode() + b',{"text":"' + b"x" * (3 << 20) + b'"}]', 0),
        (b"[\n    " + GOOD.encode() + b',\n    {"text":"' + b"x" * (3 << 20), 0),
        (b"[" * (2 << 20), 0),
        (b'[{"a":1},' * (1 << 18), 0),
        (b'"' * (2 << 20), 0),
    ],
)
def test_long_files_that_are_none_end(day: bytes, kept: int) -> None:
    data = of({"users.json": USERS, "channels.json": CHANNELS, "general/2017-07-14.json": day})
    tables = read("slack", data, Options(limits=Limits(record_bytes=2 << 20)))
    assert ledger(tables)[3] > 0


def test_reading_goes_on_behind_a_record_that_is_too_long() -> None:
    messages = [said(f"15000000{i:02}.000000", text=f"number {i}") for i in range(6)]
    messages[2]["text"] = "x" * (5 << 20)
    messages[5]["blocks"] = [{"type": "divider", "x": "y" * (5 << 20)}]
    day = json.dumps(messages, indent=4)
    data = of({"users.json": USERS, "channels.json": CHANNELS, "general/2017-07-14.json": day.encode()})
    options = Options(limits=Limits(record_bytes=2 << 20))
    tables = read("slack", data, options)
    assert tables["messages"]["text"].to_list() == ["number 0", "number 1", "number 3", "number 4"]
    assert tables["issues"]["code"].to_list() == ["importer-record-too-long"] * 2
    assert tables["issues"]["position"].to_list() == [2, 5]
    found, staged, skipped, failed = ledger(tables)
    assert (found, failed) == (staged + skipped + 2, 2)


def test_damage_anywhere_costs_what_it_hits() -> None:
    """Random damage to day files: the ledger holds, whole files stay whole, and reading goes on after any batch."""
    rng = random.Random(11)
    for trial in range(60):
        messages = [
            said(f"15000000{i:02}.000000", text=f"number {i}", blocks=[{"type": "divider", "x": i}]) for i in range(8)
        ]
        day = bytearray(json.dumps(messages, indent=rng.choice((None, 4))).encode())
        whole = bytes(day)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(day))
            match rng.randrange(4):
                case 0:
                    del day[at : at + rng.randint(1, 60)]
                case 1:
                    day[at] = rng.randrange(256)
                case 2:
                    day[at:at] = rng.choice((b'"', b"}", b"{", b"\xff", b"\\", b"\0"))
                case _:
                    del day[at:]
            if not day:
                day += b"["
        data = export(**{"general__2017-07-14": bytes(day), "general__2017-07-15": whole})
        reader = opened("slack", data, Options(batch_records=4))
        batches = list(reader.batches())
        tables = joined(batches)
        ledger(tables)
        assert reader.counts() == counted(batches), (trial, bytes(day))
        third = tables["messages"].filter(pl.col("entry") == 3)
        assert rows(third, "text") == [f"number {i}" for i in range(8)]
        for batch in batches:
            rest = list(reader.batches(Position(batch.next.batch, dict(batch.next.state))))
            for one, other in zip(rest, batches[batch.number + 1 :], strict=True):
                assert one.next == other.next
                assert all(one.tables[name].equals(other.tables[name]) for name in other.tables)


# --- made exports, and those of the corpus ---------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["standard", "corporate", "grid", "slackdump", "slackdump-attachments"])
@pytest.mark.parametrize("damage", [0.0, 0.05])
def test_the_answer_key_is_met(layout: str, damage: float, tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    names = {"grid": "utf-8", "standard": "cp437"}.get(layout, "utf-8-unflagged")
    key = make_export(path, messages=1_500, layout=layout, damage=damage, names=names, folder="x/" if damage else "")
    reader = opened("slack", path.read_bytes())
    batches = list(reader.batches())
    tables = joined(batches)
    counts = reader.counts()
    assert counts == counted(batches)
    listed = tables["users"].filter(pl.col("origin") == "list")
    assert len(listed) == key["users"]["all"]
    assert len(listed.filter(pl.col("type") == "bot")) == key["users"]["bots"]
    assert len(listed.filter(pl.col("deleted"))) == key["users"]["deleted"]
    assert len(listed.filter(pl.col("emails").list.len() > 0)) == key["users"]["with_email"]
    kinds = dict(tables["channels"].group_by("kind").len().rows())
    assert kinds.pop("file_comments", 0) == len(key["unlisted"])
    assert kinds.get("public") == key["conversations"]["public"]
    assert kinds.get("dm", 0) + kinds.get("self_dm", 0) == key["conversations"].get("direct", 0)
    assert len(tables["members"]) == key["memberships"]
    assert len(tables["messages"]) == key["messages"]
    assert counts.subtypes == key["per_subtype"]
    assert counts.years == key["per_year"]
    by_channel = dict(tables["messages"].group_by("channel").len().rows())
    for conversation, told in key["per_conversation"].items():
        if conversation not in key["unlisted"] and told["messages"]:
            assert by_channel[conversation] == told["messages"]
    messages, reactions = tables["messages"], tables["reactions"]
    root = pl.col("thread") == pl.col("id")
    assert len(messages.filter(root)) == key["threads"]
    assert len(messages.filter(pl.col("thread").is_not_null() & ~root)) == key["replies"]
    assert messages["edited_us"].is_not_null().sum() == key["edits"]
    assert messages["pinned"].sum() == key["pinned"]
    assert messages["broadcast"].sum() == key["broadcasts"]
    assert reactions.filter(pl.col("user").is_null())["count"].sum() == key["reactions_unnamed"]
    files = dict(tables["files"].group_by("state").len().rows())
    assert files == {state: count for state, count in key["files"].items() if state != "null"}
    damaged = sum(key["broken_entries"].values()) + sum(key["broken_records"].values()) + key["broken_list_records"]
    assert ledger(tables)[3] == damaged


@pytest.mark.corpus
@pytest.mark.parametrize("name", ["langchain_slack_export.zip", "zulip_test_slack_importer.zip"])
def test_the_corpus(name: str) -> None:
    folder = SHARED / "corpus" / "chat"
    if not folder.exists() and os.environ.get("CI") != "true":
        pytest.skip("no corpus here")
    expected = json.loads((folder / "expected" / f"{name}.json").read_text())
    data = (folder / "slack" / name).read_bytes()
    tables = read("slack", data)
    counts = opened("slack", data).counts()
    messages = tables["messages"]
    assert counts.channels == expected["messages_per_channel"]
    assert {subtype or "(none)": count for subtype, count in counts.subtypes.items()} == expected["subtypes"]
    assert tables["users"]["origin"].to_list().count("list") == expected["users"]
    assert len(tables["channels"]) == expected["channels"]
    assert len(messages) == expected["messages"]
    replies = messages.filter(pl.col("thread").is_not_null() & (pl.col("thread") != pl.col("id")))
    assert len(replies) == expected["thread_replies"]
    assert messages["files"].sum() == expected["file_refs"]
    assert messages["reactions"].sum() == expected["reactions"]
    assert ledger(tables)[2:] == (0, 0)
