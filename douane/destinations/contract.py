"""What a member of the destinations shelf is, what it is given, and what it answers.

A member knows how to reach one kind of destination, and nothing of imports, tables or when to try again: `flow` makes
parcels of an import's records, hands them to it one after the other, keeps what it answers, and decides what follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from douane.errors import BadRequest
from douane.outbound import Outbound
from douane.settings import Settings

# calls: pages of records as JSON, one call each; file: all records as one file; answer: whoever confirms gets them.
Takes = Literal["calls", "file", "answer"]

# delivered; failed: it never will be, the next one goes; again: the same can succeed later.
Outcome = Literal["delivered", "failed", "again"]

REPLY_CHARS = 1024  # of an answer's body that are kept


class BadSettings(BadRequest):
    """`faults`: (name of the setting, what is wrong with it)."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{name} {wrong}" for name, wrong in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class House:
    """What a member works with: the installation's settings, and the only door out."""

    settings: Settings
    outbound: Outbound


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one call hands over.

    `id` was fixed before the first try and is the same each time. `event`: `rows`, a notice such as `import.completed`,
    or `test`. `body`: a JSON document; of a file `file` gives the bytes anew each time, and `name` is what it is to be
    called. `records`: the same records one by one, each as JSON. `auth`: what the upload brought for the destination's
    header."""

    id: str
    event: str
    body: bytes = b""
    records: Callable[[], Sequence[bytes]] = field(default=lambda: ())
    auth: str | None = None
    page: int = 1
    file: Callable[[], Iterator[bytes]] | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """How the destination took a parcel. `reason`: why not, in a sentence; `body`: the first of what it answered.
    `alive`: whether it answered at all, so that what failed is this parcel's fault and not an outage.
    `wait_s`: how long it asks to be left alone."""

    outcome: Outcome
    address: str = ""
    status: int | None = None
    reason: str | None = None
    body: str = ""
    seconds: float = 0.0
    alive: bool = True
    wait_s: float | None = None


class Way(Protocol):
    """An open way to one destination."""

    def send(self, parcel: Parcel) -> Reply:
        """Never raises for what the destination does."""
        ...


class Member(Protocol):
    TAKES: Takes
    SECRETS: tuple[str, ...]  # settings that are kept encrypted and never shown whole

    def check(self, given: Mapping[str, Any], house: House) -> dict[str, Any]:
        """The settings as they are kept. BadSettings for what cannot work."""
        ...

    def rows(self, settings: Mapping[str, Any]) -> int:
        """How many records one call takes; for a file, and where only a notice is wanted, 0."""
        ...

    def open(self, settings: Mapping[str, Any], house: House) -> AbstractContextManager[Way]:
        """A way there, for parcels one after the other, in one thread."""
        ...
