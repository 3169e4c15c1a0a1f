"""What readers of an export counted, added up: one reader has the whole of it, or several have a share each.

Kept apart from `tally.py`, because the command line adds shares up and must not load Polars.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from douane.chat.importers import Counts

TOLD_MAX = 20  # of the issues of one kind


@dataclass(slots=True)
class Sums:
    """One reader's. `tables`: rows; `messages`: by conversation id; `names`: id -> name as shown; `years`, `subtypes`,
    `entries`, `reasons`, `people`, `issues` as in `Counts`; `strangers`: ids of users that only messages name."""

    tables: dict[str, int] = field(default_factory=dict)
    messages: dict[str, int] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    years: dict[str, int] = field(default_factory=dict)
    subtypes: dict[str, int] = field(default_factory=dict)
    entries: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    strangers: list[str] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)
    issues: list[dict[str, Any]] = field(default_factory=list)


def counts_of(shares: Sequence[Sums]) -> Counts:
    """Of all shares together. A stranger that several of them met is one user."""
    names = {channel: name for share in shares for channel, name in share.names.items()}
    tables = _sum(share.tables for share in shares)
    met = [set(share.strangers) for share in shares]
    if met:
        tables["users"] = tables.get("users", 0) - sum(map(len, met)) + len(set().union(*met))
    years = _sum(share.years for share in shares)
    return Counts(
        tables,
        shown(_sum(share.messages for share in shares), names),
        {year: years[year] for year in sorted(years)},
        _sum(share.subtypes for share in shares),
        _sum(share.entries for share in shares),
        _sum(share.reasons for share in shares),
        {channel: names for share in shares for channel, names in share.people.items()},
        first_issues(one for share in shares for one in share.issues),
    )


def first_issues(issues: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first of each kind."""
    met: Counter[tuple[str, str]] = Counter()
    found = []
    for one in issues:
        kind = (one["severity"], one["code"])
        met[kind] += 1
        if met[kind] <= TOLD_MAX:
            found.append(one)
    return found


def shown(messages: Mapping[str, int], names: Mapping[str, str]) -> dict[str, int]:
    """Messages by what a conversation is called: its name, with its id where another one has the same name."""
    bearers = Counter(names.values())
    found: Counter[str] = Counter()
    for channel, count in messages.items():
        name = names.get(channel, channel)
        found[name if bearers[name] < 2 else f"{name} ({channel})"] += count
    return dict(found)


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for one in counts:
        for name, count in one.items():
            total[name] = total.get(name, 0) + count
    return total
