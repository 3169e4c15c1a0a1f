"""A made export of a Slack Enterprise Grid with the truth about it: names clash throughout.

Every workspace has people of the same handles and rooms of the same names, public and private; some people have no
address, some are in several workspaces; what is said has blocks that say more than its text, reactions and threads.

`python -m tests.flow.chat.grid FILE [people]` writes one.
"""

from __future__ import annotations

import io
import json
import random
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

T0 = 1_600_000_000
HANDLES = ("kim", "lee", "sam", "max", "noa")
PUBLIC, PRIVATE = ("general", "random", "lobby"), ("pay", "plans")
EMOJI = ("tada", "eyes", "wave", "flag-fr")


@dataclass(frozen=True, slots=True)
class Key:
    """What must come out, by the export's ids. `people`: handle, name, address. `rooms`: name, private, members.
    `messages`: (room, ts) -> (author, text, blocks, reactions: name -> who)."""

    people: dict[str, tuple[str, str, str | None]] = field(default_factory=dict)
    rooms: dict[str, tuple[str, bool, frozenset[str]]] = field(default_factory=dict)
    messages: dict[tuple[str, str], tuple[str, str, Any, dict[str, list[str]]]] = field(default_factory=dict)


def grid(people: int = 60, workspaces: int = 5, messages: int = 6, seed: int = 1) -> tuple[bytes, Key]:
    """The zip and its key; so many `messages` in each room."""
    chance, key, files = random.Random(seed), Key(), dict[str, Any]()
    users, homes = [], [set[str]() for _ in range(workspaces)]
    for number in range(people):
        id, handle, home = f"W{number:05}", HANDLES[number % len(HANDLES)], number % workspaces
        address = f"{handle}{number}@{home}.example" if number % 7 else None
        key.people[id] = (handle, f"{handle.title()} {number}", address)
        homes[home].add(id)
        if number % 10 == 0:
            homes[(home + 1) % workspaces].add(id)
        profile = {"real_name": key.people[id][1], "title": f"Title {number}"}
        users.append({"id": id, "name": handle, "profile": profile | ({"email": address} if address else {})})
    files["org_users.json"] = users
    for number, home in enumerate(homes):
        root = f"teams/ws{number}/"
        for base, names in (("channels", PUBLIC), ("groups", PRIVATE)):
            listed = []
            for name in names:
                id = f"{'C' if base == 'channels' else 'G'}{number}{name.upper()}"
                members = sorted(chance.sample(sorted(home), max(2, len(home) * 2 // 3)))
                key.rooms[id] = (name, base == "groups", frozenset(members))
                listed.append(
                    {
                        "id": id,
                        "name": name,
                        "created": T0,
                        "creator": members[0],
                        "members": members,
                        "is_general": name == "general",
                        "topic": {"value": f"Topic of {id}"},
                    }
                )
                files[f"{root}{name}/2020-09-13.json"] = [_said(chance, key, id, members, at) for at in range(messages)]
            files[f"{root}{base}.json"] = listed
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, json.dumps(content))
    return data.getvalue(), key


def _said(chance: random.Random, key: Key, room: str, members: list[str], at: int) -> dict[str, Any]:
    ts, author = f"{T0 + at}.{chance.randrange(10**6):06}", chance.choice(members)
    text = f"said in {room} at {at} by <@{author}>"
    blocks = None
    if at % 3 == 0:
        section = {
            "type": "section",
            "block_id": f"b{at}",
            "text": {"type": "mrkdwn", "text": f"*Poll {at}* of {room}"},
        }
        blocks = [section, {"type": "divider", "block_id": f"d{at}"}]
    reactions = {
        name: sorted(chance.sample(members, chance.randint(1, min(3, len(members)))))
        for name in chance.sample(EMOJI, chance.randint(0, 2))
    }
    key.messages[room, ts] = (author, text, blocks, reactions)
    said: dict[str, Any] = {"type": "message", "user": author, "text": text, "ts": ts}
    if blocks is not None:
        said["blocks"] = blocks
    if reactions:
        said["reactions"] = [{"name": one, "users": who, "count": len(who)} for one, who in reactions.items()]
    return said


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(grid(int(sys.argv[2]) if len(sys.argv) > 2 else 60)[0])
