"""The writer of Mattermost's bulk import: literals in, lines out, every limit of the format kept."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import pytest

from douane.chat.tables import frame
from douane.chat.writers import Selection
from douane.chat.writers import mattermost_lines as mattermost
from douane.chat.writers.mattermost_lines import BOT, MESSAGE_RUNES, Content, Manner, Writer
from douane.chat.writers.mattermost_text import split

MS = 1_600_000_000_000


def table(name: str, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    columns = dict.fromkeys(key for row in rows for key in row)
    return frame(name, {key: [row.get(key) for row in rows] for key in columns})


def users(*rows: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"ids": [row["id"]], "deleted": False, "type": "user", **row} for row in rows]


def message(number: int, **changes: Any) -> dict[str, Any]:
    """The message number `number`, a second after the one before."""
    return {
        "id": f"m{number}",
        "key_hi": 1,
        "key_lo": number,
        "channel": "C1",
        "ts_us": (MS + number * 1000) * 1000,
        "author": "U1",
        "kind": "text",
        "text": f"text {number}",
        "format": "plain",
        "broadcast": False,
        "pinned": False,
        **changes,
    }


ANN = {"id": "U1", "username": "ann", "name": "Ann Lee", "emails": ["Ann@Example.com"]}
BOB = {"id": "U2", "username": "bob", "name": "Bob", "emails": ["bob@example.com"]}
GENERAL = {"id": "C1", "ids": ["C1"], "kind": "public", "type": "c", "name": "general", "archived": False}


class Written:
    """All lines of an import, by type."""

    def __init__(
        self,
        *,
        people: Sequence[Mapping[str, Any]] = (ANN, BOB),
        channels: Sequence[Mapping[str, Any]] = (GENERAL,),
        members: Sequence[tuple[str, str]] = (),
        messages: Sequence[Mapping[str, Any]] = (),
        reactions: Sequence[Mapping[str, Any]] = (),
        files: Sequence[Mapping[str, Any]] = (),
        selection: Selection = Selection(),
        bodies: Mapping[int, str] = {},
        format: str = "plain",
        team: str = "My Team",
    ) -> None:
        staged = table("messages", messages).with_row_index("row")
        content = Content(
            table("users", users(*people)),
            table("channels", channels),
            table("members", [{"channel": channel, "user": user} for channel, user in members]),
            staged.group_by("channel", "author", maintain_order=True).agg(pl.col("ts_us").max().alias("last_us")),
        )
        self.writer = Writer(
            content, Manner(team, format, lambda entry, name, media_type: bodies.get(entry), selection)
        )
        lines = list(self.writer.head())
        direct = False
        for conversation in self.writer.conversations:
            if self.writer.is_direct(conversation) and not direct:
                direct = True
                lines += self.writer.direct()
            some = staged.filter(pl.col("channel").is_in(conversation))
            lines += self.writer.posts(
                conversation, some, *(table(n, r) for n, r in (("reactions", reactions), ("files", files)))
            )
        self.lines = [json.loads(line) for line in lines]
        self.order = [line["type"] for line in self.lines]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [line[kind] for line in self.lines if line["type"] == kind]

    def one(self, kind: str) -> dict[str, Any]:
        (found,) = self.of(kind)
        return found


def test_the_order_of_an_import() -> None:
    direct = {"id": "D1", "ids": ["D1"], "kind": "dm", "type": "d"}
    written = Written(
        channels=(direct, GENERAL),
        members=[("D1", "U2"), ("D1", "U1"), ("C1", "U1")],
        messages=[message(1, channel="D1"), message(2)],
    )
    assert written.order == ["version", "team", "channel", "user", "user", "post", "direct_channel", "direct_post"]
    assert written.lines[0]["version"] == 1
    assert written.one("team")["name"] == "my-team"
    ann, bob = written.of("user")
    assert (ann["username"], ann["email"], ann["first_name"], ann["last_name"]) == (
        *("ann", "ann@example.com", "Ann", "Lee"),
    )
    assert ann["teams"] == [
        {"name": "my-team", "roles": "team_user", "channels": [{"name": "general", "roles": "channel_user"}]}
    ]
    assert bob["teams"][0]["channels"] == []
    assert written.one("post") == {
        "team": "my-team",
        "channel": "general",
        "user": "ann",
        "message": "text 2",
        "create_at": MS + 2000,
    }
    assert written.one("direct_channel")["members"] == ["ann", "bob"]
    assert written.one("direct_post")["channel_members"] == ["ann", "bob"]


def test_replies_stand_in_their_root_in_the_order_of_time() -> None:
    written = Written(
        messages=[
            message(5, thread="m1", author="U2"),
            message(1, thread="m1"),
            message(2),
            message(3, thread="m1", broadcast=True),
            message(4, thread="gone"),
            message(6, thread="m3"),
        ]
    )
    root, second, lone = written.of("post")
    assert [reply["message"] for reply in root["replies"]] == ["text 3", "text 5", "text 6"]
    assert (root["message"], second["message"], lone["message"]) == ("text 1", "text 2", "text 4")
    assert written.writer.changed["reply_without_root"] == 1
    assert written.writer.changed["broadcast"] == 1
    assert (written.writer.kept["posts"], written.writer.kept["replies"]) == (3, 3)


def test_threads_that_go_in_a_ring_are_posts() -> None:
    written = Written(messages=[message(1, thread="m2"), message(2, thread="m1"), message(3, thread="m1")])
    shown = [post["message"] for post in written.of("post")]
    shown += [reply["message"] for post in written.of("post") for reply in post.get("replies", [])]
    assert sorted(shown) == ["text 1", "text 2", "text 3"]


def test_a_root_with_nothing_to_show_gives_its_place_to_the_first_reply() -> None:
    written = Written(messages=[message(1, thread="m1", text=""), message(2, thread="m1"), message(3, thread="m1")])
    post = written.one("post")
    assert (post["message"], [reply["message"] for reply in post["replies"]]) == ("text 2", ["text 3"])
    assert written.writer.lost["empty"] == 1


def test_usernames_that_mattermost_takes_are_left_alone() -> None:
    written = Written(people=[{"id": str(at), "username": name} for at, name in enumerate(("k._", "x", "_a", "a.b-c"))])
    assert [user["username"] for user in written.of("user")] == ["k._", "x", "_a", "a.b-c"]
    assert not written.writer.changed["username"]


def test_names_that_mattermost_refuses() -> None:
    people = [
        {"id": "1", "username": "Ann.Lee"},
        {"id": "2", "username": "ann.lee"},
        {"id": "3", "username": "日本"},
        {"id": "4", "username": "all"},
        {"id": "5", "username": "x" * 100},
        {"id": "6", "username": "x" * 100},
        {"id": "7", "username": None, "name": "Élodie Peña"},
        {"id": "8", "username": "!"},
    ]
    channels = [
        {**GENERAL, "id": str(number), "ids": [str(number)], "name": name}
        for number, name in enumerate(("My Room!", "my room", "Ünï_codé", "日本", "x", "y" * 100, None))
    ]
    written = Written(people=people, channels=channels)
    usernames = [user["username"] for user in written.of("user")]
    assert usernames[:2] == ["ann.lee", "ann.lee-2"]
    assert "elodie-pena" in usernames
    names = [channel["name"] for channel in written.of("channel")]
    assert names[:3] == ["my-room", "my-room-2", "uni_code"]
    for name in (*usernames, *names):
        assert 1 <= len(name) <= 64
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")
    assert len(set(usernames)) == len(people)
    assert len(set(names)) == len(channels)
    assert "all" not in usernames
    assert all(len(channel["display_name"]) <= 64 for channel in written.of("channel"))
    emails = [user["email"] for user in written.of("user")]
    assert len(set(emails)) == len(emails)
    assert written.writer.changed["email"] == len(people)


def test_two_people_with_one_email_get_one_each() -> None:
    written = Written(people=[ANN, {**BOB, "emails": ["ann@example.com", "not an address", "b@example.com"]}])
    assert [user["email"] for user in written.of("user")] == ["ann@example.com", "b@example.com"]


def test_people_whom_no_list_names_are_deactivated_placeholders() -> None:
    written = Written(messages=[message(1, author="U9"), message(2, author=None, alias="Deploy Bot"), message(3)])
    by_name = {user["username"]: user for user in written.of("user")}
    assert by_name["u9"]["delete_at"] == MS + 3000
    assert BOT in by_name
    posts = written.of("post")
    assert [post["user"] for post in posts] == ["u9", BOT, "ann"]
    assert posts[1]["props"] == {"from_webhook": "true", "override_username": "Deploy Bot"}
    assert written.writer.changed["placeholder"] == 1


def test_guests_are_guests_everywhere_or_nowhere() -> None:
    people = [{**ANN, "role": "guest"}, {**BOB, "role": "guest_single"}, {"id": "U3", "username": "c", "role": "owner"}]
    ann, bob, owner = Written(people=people, members=[("C1", "U1"), ("C1", "U3")]).of("user")
    assert (ann["roles"], ann["teams"][0]["roles"], ann["teams"][0]["channels"][0]["roles"]) == (
        *("system_guest", "team_guest", "channel_guest"),
    )
    assert (bob["roles"], bob["teams"][0]["roles"]) == ("system_user", "team_user")
    assert owner["roles"] == "system_user"


def test_direct_conversations_of_the_same_people_are_joined() -> None:
    direct = [{"id": f"D{n}", "ids": [f"D{n}"], "kind": "group_dm", "type": "d"} for n in range(3)]
    written = Written(
        channels=direct,
        members=[(f"D{n}", user) for n in range(2) for user in ("U1", "U2")] + [("D2", "U1")],
        messages=[message(2, channel="D0"), message(1, channel="D1", author="U2"), message(3, channel="D2")],
    )
    assert [line["members"] for line in written.of("direct_channel")] == [["ann", "bob"], ["ann", "ann"]]
    assert [post["message"] for post in written.of("direct_post")] == ["text 1", "text 2", "text 3"]
    assert written.writer.changed["direct_merged"] == 1


def test_groups_larger_than_mattermost_allows_become_private_channels() -> None:
    people = [{"id": f"U{n}", "username": f"user{n}"} for n in range(9)]
    group = {"id": "G1", "ids": ["G1"], "kind": "group_dm", "type": "d", "name": "mpdm-many"}
    written = Written(people=people, channels=[group], members=[("G1", f"U{n}") for n in range(9)])
    assert written.one("channel")["type"] == "P"
    assert not written.of("direct_channel")


def test_long_messages_are_split_and_nothing_of_them_is_lost() -> None:
    text = ("word " * 7000).strip()
    written = Written(
        messages=[message(1, text=text, thread="m1"), message(2, thread="m1"), message(3, text="y" * 40_000)]
    )
    posts = written.of("post")
    assert all(len(post["message"]) <= MESSAGE_RUNES for post in posts)
    assert " ".join(post["message"] for post in posts[:3]).split() == text.split()
    assert "".join(post["message"] for post in posts[3:]) == "y" * 40_000
    assert [reply["message"] for reply in posts[0]["replies"]] == ["text 2"]
    times = [post["create_at"] for post in posts]
    assert times == sorted(set(times))


def test_what_a_post_cannot_hold_of_a_message_is_counted() -> None:
    told = ({"poll": {"a": 1}}, {"root": {}, "text": "x"}, {"inviter": "U2"}, {"message": {}}, None)
    written = Written(
        messages=[message(n, original=one and json.dumps(one), ts_us=(MS + n) * 1000) for n, one in enumerate(told)]
    )
    assert written.writer.lost["details"] == 2


def test_posts_of_one_moment_stay_apart_and_in_order_and_copies_are_one() -> None:
    same = {"ts_us": MS * 1000, "text": "ok"}
    written = Written(
        messages=[message(1, **same), message(2, **same), message(3, **same, author="U2"), message(1, **same)]
    )
    assert sorted((post["user"], post["create_at"] - MS) for post in written.of("post")) == [
        *(("ann", 0), ("ann", 2), ("bob", 1)),
    ]
    assert written.writer.lost["duplicate"] == 1
    assert written.writer.changed["time_moved"] == 2


def test_reactions() -> None:
    written = Written(
        messages=[message(1), message(2)],
        reactions=[
            {"at": 0, "name": "wave", "tone": 0, "user": "U2", "count": 1},
            {"at": 0, "name": "wave", "tone": 0, "user": "U2", "count": 1},
            {"at": 0, "name": "clap", "tone": 3, "user": "U1", "count": 1},
            {"at": 1, "name": "tada", "tone": 0, "user": None, "count": 4},
            {"at": 1, "name": "no such name!", "tone": 0, "user": "U1", "count": 1},
        ],
    )
    first, second = written.of("post")
    assert [(one["user"], one["emoji_name"].split("_")[0]) for one in first["reactions"]] == [
        *(("bob", "wave"), ("ann", "clap")),
    ]
    assert all(one["create_at"] >= first["create_at"] for one in first["reactions"])
    assert "reactions" not in second
    assert +written.writer.lost == {"reaction_user": 4, "reaction_name": 1}


def test_files() -> None:
    files = [
        {"at": 0, "number": n, "name": f"f{n}.txt", "state": "in_archive", "body_entry": n, "url": None}
        for n in range(7)
    ]
    files += [
        {
            "at": 1,
            "number": 1,
            "name": "a [b].pdf",
            "state": "hosted",
            "url": "https://files.slack.com/x?t=xoxe-secret",
        },
        {"at": 1, "number": 2, "name": "b", "state": "hosted", "url": "javascript:alert(1)"},
        {"at": 1, "number": 3, "name": "c", "state": "deleted"},
    ]
    written = Written(messages=[message(1), message(2)], files=files, bodies={n: f"data/{n}" for n in range(7)})
    first, rest, second = written.of("post")
    assert [one["path"] for one in first["attachments"]] == [f"data/{n}" for n in range(5)]
    assert [one["path"] for one in rest["attachments"]] == ["data/5", "data/6"]
    assert second["message"].splitlines() == [
        "text 2",
        "[a (b).pdf](https://files.slack.com/x)",
        "(b: not in the export)",
        "(c: deleted)",
    ]


def test_system_messages_and_integrations() -> None:
    attachments = [
        {"text": "all *green*", "title": "Build", "ts": 1, "fields": [{"title": "a", "value": "b", "x": {}}], "y": [1]},
        "no object",
        {"text": "\ud800", "color": 10**30},
    ]
    written = Written(
        format="slack_mrkdwn",
        messages=[
            message(1, kind="join", text=""),
            message(2, kind="topic", text="Plans"),
            message(3, kind="me", text="waves"),
            message(4, text="", format="slack_mrkdwn", attachments=json.dumps(attachments)),
            message(5, text="<@U2> see <#C1>", format="slack_mrkdwn"),
            message(6, text="much", attachments='[{"ts": %s}]' % ("9" * 5000)),
        ],
    )
    join, topic, me, integration, mention, much = written.of("post")
    assert (join["type"], join["message"]) == ("system_join_channel", "ann joined the channel.")
    assert (topic["type"], topic["props"]["new_header"]) == ("system_header_change", "Plans")
    assert (me["type"], me["message"]) == ("me", "*waves*")
    made = integration["props"]["attachments"]
    assert made[0] == {"text": "all **green**", "title": "Build", "ts": 1, "fields": [{"title": "a", "value": "b"}]}
    assert len(made) == 2
    assert mention["message"] == "@bob see ~general"
    assert (much["message"], much.get("props")) == ("much", None)


def test_what_is_edited_pinned_or_without_a_time() -> None:
    written = Written(
        messages=[message(1, edited_us=(MS + 5000) * 1000, pinned=True), message(2, ts_us=None), message(3, ts_us=0)]
    )
    post = written.one("post")
    assert (post["edit_at"], post["is_pinned"]) == (MS + 5000, True)
    assert written.writer.lost["no_time"] == 2


def test_a_selection_of_people_and_channels() -> None:
    other = {**GENERAL, "id": "C2", "ids": ["C2"], "name": "other"}
    given: dict[str, Any] = {
        "channels": (GENERAL, other),
        "members": [("C1", "U1"), ("C2", "U2")],
        "messages": [message(1), message(2, author="U2"), message(3, channel="C2")],
    }
    by_channel = Written(**given, selection=Selection(channels={"C1"}))
    assert [channel["name"] for channel in by_channel.of("channel")] == ["general"]
    assert [post["message"] for post in by_channel.of("post")] == ["text 1", "text 2"]
    by_user = Written(**given, selection=Selection(users={"U1"}))
    assert [user["username"] for user in by_user.of("user")] == ["ann"]
    assert [post["message"] for post in by_user.of("post")] == ["text 1", "text 3"]
    assert by_user.writer.lost["not_selected"] == 1


def test_an_archived_channel_is_marked_and_texts_are_cut_to_what_fits() -> None:
    room = {**GENERAL, "archived": True, "topic": "t" * 5000, "purpose": "p" * 5000, "name": "n" * 500}
    channel = Written(channels=[room], messages=[message(1)]).one("channel")
    assert channel["deleted_at"] == MS + 1000
    assert (len(channel["header"]), len(channel["purpose"]), len(channel["display_name"])) == (1024, 250, 64)


def test_a_thread_longer_than_a_line_may_be_is_several_lines_of_one_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mattermost, "LINE_BYTES", 200)
    replies = [message(number, thread="m1") for number in range(2, 12)]
    reactions = [{"at": 0, "name": "wave", "tone": 0, "user": "U2", "count": 1}]
    written = Written(messages=[message(1, thread="m1"), *replies], reactions=reactions)
    posts = written.of("post")
    assert len(posts) > 2
    assert len({(post["user"], post["message"], post["create_at"]) for post in posts}) == 1
    assert [reply["message"] for post in posts for reply in post["replies"]] == [f"text {n}" for n in range(2, 12)]
    assert ["reactions" in post for post in posts] == [True] + [False] * (len(posts) - 1)
    assert (written.writer.kept["posts"], written.writer.kept["replies"]) == (1, 10)


@pytest.mark.parametrize(
    ("team", "name"), [("API users", "team-api-users"), ("Ünï", "uni"), ("日本", "team-"), ("x", "team-x")]
)
def test_the_name_of_a_team(team: str, name: str) -> None:
    written = Written(team=team).one("team")
    assert written["name"].startswith(name)
    assert written["display_name"] == team


@pytest.mark.parametrize("kind", ["kept", "changed", "lost"])
def test_every_count_has_its_sentence(kind: str) -> None:
    used = set(re.findall(rf'self\.{kind}\["(\w+)"\]|writer\.{kind}\["(\w+)"\]', inspect.getsource(mattermost)))
    assert {a or b for a, b in used} <= set(mattermost.SAYS[kind])


CODE = "\n".join(f"line {n:05} of the log" for n in range(1500))


@pytest.mark.parametrize(
    "text",
    [
        f"```\n{CODE}\n```",
        f"before\n```python\n{CODE}\n```\nafter " + "word " * 4000,
        f"~~~\n{CODE}\n~~~",
        "```\n" + "x" * 40_000 + "\n```",
        "word " * 9000 + "\n```\ncode\n```",
        "x" * 50_000,
    ],
)
def test_code_that_is_cut_is_closed_at_the_cut_and_opened_after_it(text: str) -> None:
    pieces = split(text)
    assert len(pieces) > 1
    assert max(map(len, pieces)) <= MESSAGE_RUNES
    for piece in pieces:
        assert (piece.count("```") + piece.count("~~~")) % 2 == 0
    kept = re.sub(r"```(?:python)?|~~~|\s", "", "".join(pieces))
    assert kept == re.sub(r"```(?:python)?|~~~|\s", "", text)
    assert all("```python" in piece for piece in pieces[1:-1] if "line" in piece and "python" in text)


def test_attachments_are_text_without_entities_and_unfurls_keep_their_link() -> None:
    cards = [
        {"title": "Tea &amp; cake", "text": "<https://x.y|site>", "fields": [{"title": "P &lt;", "value": "V &lt; 1"}]},
        {"from_url": "https://x.y/a?t=xoxe-1-secret", "title": "Preview", "image_url": "https://z/?t=xoxe-2-s"},
    ]
    written = Written(messages=[message(1, attachments=json.dumps(cards), format="slack_mrkdwn")])
    one, two = written.one("post")["props"]["attachments"]
    assert (one["title"], one["text"]) == ("Tea & cake", "[site](https://x.y)")
    assert one["fields"] == [{"title": "P <", "value": "V < 1"}]
    assert (two["title_link"], two["image_url"]) == ("https://x.y/a", "https://z/")


def test_people_whom_only_messages_name_are_deactivated() -> None:
    stranger = {"id": "U9", "username": "conny", "name": "Conny", "origin": "inferred", "deleted": False}
    written = Written(people=(ANN, BOB, stranger), messages=[message(1, author="U9")])
    found = {one["username"]: one.get("delete_at") for one in written.of("user")}
    assert found["conny"]
    assert found["ann"] is None
    assert written.writer.changed["placeholder"] == 1
