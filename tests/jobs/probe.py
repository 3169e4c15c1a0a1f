"""What the parent asks of `child_program.py`, and hears from it."""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import field

from douane.line import Event, Spec


class Said(Event, frozen=True):
    what: str
    fields: dict[str, Any]


class Handed(Said, frozen=True):
    hands_over: ClassVar[bool] = True


class Probe(Spec, frozen=True, kw_only=True, tag="probe"):
    """A function of `child_program.py`, with what it is given."""

    events: ClassVar[tuple[type[Event], ...]] = (Said, Handed)

    probe: str
    given: dict[str, Any] = field(default_factory=dict)
    source_fd: int | None = None
