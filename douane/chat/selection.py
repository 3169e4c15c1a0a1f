"""What a person chose of an export: users, channels and contacts, by their first id in the export."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DIRECT = "__directMessages__"  # stands for all direct conversations together (contract 4.1)


@dataclass(frozen=True, slots=True)
class Group:
    """`all` goes before `ids`."""

    all: bool = False
    ids: frozenset[str] = frozenset()

    def has(self, id: str) -> bool:
        return self.all or id in self.ids


@dataclass(frozen=True, slots=True)
class Selection:
    """Messages are never selected: those of a channel go with it."""

    users: Group = field(default_factory=Group)
    channels: Group = field(default_factory=Group)
    contacts: Group = field(default_factory=Group)

    def user(self, id: str | None) -> bool:
        return self.users.has(id or "")

    def channel(self, id: str | None, type: str | None) -> bool:
        """Direct conversations are chosen all together or not at all."""
        return self.channels.has(DIRECT if type == "d" else id or "")

    def contact(self, id: str | None) -> bool:
        return self.contacts.has(id or "")

    def to_json(self) -> bytes:
        return json.dumps(to_document(self)).encode()

    @staticmethod
    def from_json(data: bytes) -> Selection:
        return from_document(json.loads(data))


EVERYTHING = Selection(Group(True), Group(True), Group(True))


def to_document(selection: Selection) -> dict[str, Any]:
    """As JSON."""
    return {
        name: {"all": group.all, "ids": sorted(group.ids)}
        for name, group in (
            ("users", selection.users),
            ("channels", selection.channels),
            ("contacts", selection.contacts),
        )
    }


def from_document(document: Mapping[str, Any]) -> Selection:
    def group(name: str) -> Group:
        given = document.get(name, {})
        return Group(bool(given.get("all")), frozenset(given.get("ids", ())))

    return Selection(group("users"), group("channels"), group("contacts"))
