"""An operation: one import on its way, of either family, and the one table of moves it may make.

`stage` is where it stands for people and programs; `work` says what the worker is doing to it right now, which is no
stage of its own: a checked file that is being checked again stays in review.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any, TypeAlias

from douane.values import dataclass

# stage -> stages it may move to. Chat operations use the same stages, without those of mapping: uploaded -> reviewing
# (read and checked) -> processing (the run) -> completed, and back to processing when failed records are tried again
# or a run that failed goes on. A changed mapping takes a spreadsheet back to `mapped`, to be checked anew; another
# reading that has not all required headings to `mapping`.
# Their wire words live in their surface.
MOVES: dict[str, frozenset[str]] = {
    "uploaded": frozenset({"mapping", "reviewing", "completed", "terminated", "failed"}),
    "mapping": frozenset({"mapped", "terminated", "failed"}),
    "mapped": frozenset({"reviewing", "mapping", "terminated", "failed"}),
    "reviewing": frozenset({"mapped", "mapping", "processing", "completed", "terminated", "failed"}),
    "processing": frozenset({"completed", "terminated", "failed"}),
    "completed": frozenset({"processing", "terminated"}),
    "terminated": frozenset(),
    "failed": frozenset({"processing", "terminated"}),
}
OPEN = frozenset({"uploaded", "mapping", "mapped", "reviewing"})
ENDED = frozenset({"completed", "terminated", "failed"})
READABLE = frozenset({"processing", "completed"})

# An operation in short, to be compared and for nothing else: its small fields and when it was changed. Progress is no
# part of it.
Trace: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step has come. `done` of `total` in `unit` (bytes while reading, rows while checking); total may be 0
    where it is not known. `rate` is units a second."""

    step: str = ""
    done: int = 0
    total: int = 0
    unit: str = "rows"
    rows: int = 0


class Document(dict[str, Any]):
    """An operation's own document as the store read it, which nobody changes. `made`: what its family has made of it,
    for it is asked for many times, and one with thousands of headings takes milliseconds each time."""

    __slots__ = ("made",)

    def __init__(self, given: Mapping[str, Any]) -> None:
        super().__init__(given)
        self.made: Any = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the `operation` table.

    `work` is "" when nothing runs, else the handler's name (`read`, `check`, `chat_read`, `chat_run` ...); `work_error`
    is the last failure of the worker as (code, sentence), kept until the next start. `version` grows with every
    publication of masks and lists. `attempt` is the fence: a job may write only while it still holds this number.
    `revision_last` is the last change a person made, `revision_reviewed` the last one that a review has seen.
    `detail` is the family's own document (sheet: headings, header row, schema, mapping, extra ...; chat: importer,
    counts ...). `kept`: its file and records are still there.
    """

    id: str
    project_id: str
    family: str
    stage: str
    template_id: str | None = None
    person_id: str | None = None
    version: int = 0
    attempt: int = 0
    work: str = ""
    work_error: tuple[str, str] | None = None
    progress: Progress = field(default_factory=Progress)
    read_done: bool = False
    rows_read: int = 0
    blank: int = 0
    total: int = 0
    valid: int = 0
    invalid: int = 0
    seed: int = 0
    source_object: str | None = None
    source_size: int = 0
    file_name: str | None = None
    media_type: str | None = None
    token_id: str | None = None
    link_id: str | None = None
    revision_last: int = 0
    revision_reviewed: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    kept: bool = True
