"""Odd Slack records, made by chance: whatever a member holds, the reader goes on and its ledger holds."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from douane.chat.importers import Options
from tests.chat.importers.exports import counted, joined, ledger, opened, zipped

TIME = "1577836800.000100"
ODD: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        1.5,
        1e300,
        10**19,
        -(10**30),
        2**63,
        "",
        "x",
        "\0",
        "\ufeff",
        [],
        {},
        [1],
        [[]],
        [None],
    ),
    *({"a": 1}, {"value": 5}, {"id": {}}, "U1", "C1", ["U1", "U1"], TIME, f" {TIME} ", "1577836800", "1e5", "9" * 50),
    *("0000000000.000000", "-5.5", "a" * 2000, "<@U1>", "<!date^9^x|y>", "<http://x|", ":x::skin-tone-9:", "5"),
]
USER = ["id", "name", "real_name", "deleted", "is_bot", "profile", "tz_offset", "tz", "team_id", "updated"]
PROFILE = ["email", "real_name", "display_name", "image_512", "title", "status_text", "phone"]
ROOM = ["id", "name", "creator", "members", "created", "is_archived", "is_general", "topic", "purpose", "pins", "user"]
MESSAGE = [
    "type",
    "user",
    "text",
    "ts",
    "thread_ts",
    "subtype",
    "reactions",
    "files",
    "file",
    "edited",
    "attachments",
    "blocks",
    "bot_id",
    "username",
    "reply_count",
    "reply_users",
    "replies",
    "latest_reply",
    "icons",
    "topic",
    "purpose",
    "name",
    "item",
    "comment",
    "room",
    "root",
    "old_name",
    "user_profile",
    "team",
    "hidden",
]
SUBTYPES = [
    "me_message",
    "bot_message",
    "channel_join",
    "channel_topic",
    "channel_name",
    "pinned_item",
    "file_share",
    "file_comment",
    "tombstone",
    "thread_broadcast",
    "huddle_thread",
    "sh_room_created",
    "group_leave",
    "channel_archive",
    "message_changed",
    "message_deleted",
]
FILE = ["id", "name", "url_private_download", "size", "mode", "mimetype", "title", "is_external", "created", "user"]
ELEMENT = ["text", "user_id", "url", "name", "style", "channel_id", "unicode", "range", "usergroup_id", "elements"]


class Maker:
    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def odd(self) -> Any:
        return self.chance.choice(ODD)

    def some(self, names: list[str], **likely: Any) -> dict[str, Any]:
        """A record with most members odd, and most of the likely ones as given."""
        found = {name: self.odd() for name in names if self.chance.random() < 0.75}
        return found | {name: value for name, value in likely.items() if self.chance.random() < 0.7}

    def message(self) -> Any:
        if self.chance.random() < 0.03:
            return self.odd()
        block = {"type": "rich_text_section", "elements": [self.some(ELEMENT, type="text"), self.odd()]}
        return self.some(
            [name for name in MESSAGE if self.chance.random() < 0.6],
            type="message",
            user=f"U{self.chance.randrange(30)}",
            ts=f"15778368{self.chance.randrange(99):02}.{self.chance.randrange(999_999):06}",
            **({"subtype": self.chance.choice(SUBTYPES)} if self.chance.random() < 0.4 else {}),
            reactions=[self.some(["name", "users", "count"], name="wave", users=["U1"]), self.odd()],
            files=[self.some(FILE, id="F1"), self.odd()],
            attachments=[self.some(["text", "title", "fallback", "fields", "blocks"])],
            blocks=[{"type": "rich_text", "elements": [block, self.odd()]}, self.odd()],
            edited=self.some(["user", "ts"]),
        )

    def export(self) -> bytes:
        users = [self.some(USER, id=f"U{n}", profile=self.some(PROFILE)) for n in range(30)]
        rooms = [self.some(ROOM, id=f"C{n}", name=f"room{n}") for n in range(10)]
        lists = {name: [self.some(ROOM, id=name), self.odd()] for name in ("groups", "dms", "mpims")}
        files: dict[str, Any] = {"users": [*users, self.odd()], "channels": [*rooms, self.odd()], **lists}
        files |= {f"room{n}/2020-01-01": [self.message() for _ in range(40)] for n in range(10)}
        return zipped({f"{name}.json": json.dumps(content) for name, content in files.items()})


@pytest.mark.parametrize("seed", range(6))
def test_odd_records_end_nothing(seed: int) -> None:
    data = Maker(seed).export()
    batches = list(opened("slack", data, Options(batch_records=100 if seed % 2 else 32_768)).batches())
    found, staged, _, _ = ledger(joined(batches))
    assert found > 430
    assert staged > 200
    assert opened("slack", data).counts() == counted(batches)
