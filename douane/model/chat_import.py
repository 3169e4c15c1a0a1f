"""What an import of a chat export knows beside the fields of every operation."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from douane.model.bounds import Count, Line, Sentence, Word
from douane.model.operation import Operation

Moment = Annotated[int, Meta(ge=-(1 << 62), le=1 << 62)]  # microseconds since 1970


class Run(Struct, frozen=True):
    """What a run was asked for: `selection_object` says of what; `retry`: the failed records of the one before."""

    selection_object: Line
    mode: Literal["start", "users"] = "start"
    strict: bool = False
    update_existing: bool = True
    admins: bool = False
    retry: bool = False


class Download(Struct, frozen=True):
    """An export that is being fetched. `answered`: 2xx came."""

    url: Line
    answered: bool = False


class Directory(Struct, frozen=True):
    """What the directory of an export told before any entry was read."""

    importer: Word
    layout: Word = ""
    counts: dict[Word, Count] = field(default_factory=dict)
    notes: tuple[Sentence, ...] = ()


class Unread(Struct, frozen=True):
    """Entries that seem to hold messages and were not read."""

    entries: Count
    message: Line


class ChatDetail(Struct, omit_defaults=True):
    """The `detail` of an operation of this family.

    `importer`: a key of the menu. `superseded`: another operation was made since, or everything was cleared; `stood`:
    (stage, work, progress step) before that. `cancelled`: a run that was stopped. `counts`: records by table as they
    are read, and `total`; `label`: what is being read; `problems`: table -> rule -> records, once checked; `sent`:
    users that came by REST. `strict_file`: a file with unread messages is refused. `done`: the totals of the run so
    far, of `run_total`; `age_us`: the age of the export, once a run asked for it. `reasons`: why files could not
    be fetched; `after`: the user up to whom pictures were tried."""

    importer: Word
    content_type: Line = ""
    stored_name: Line = ""
    strict_file: bool = False
    superseded: bool = False
    stood: tuple[Word, Word, Word] | None = None
    cancelled: bool = False
    counts: dict[Word, Count] = field(default_factory=dict)
    label: Line | UnsetType | None = UNSET
    problems: dict[Word, dict[Word, Count]] = field(default_factory=dict)
    sent: Count = 0
    overview: Directory | None = None
    notes: tuple[Sentence, ...] = ()
    unread: Unread | None = None
    download: Download | None = None
    run: Run | None = None
    done: dict[Word, Count] | None = None
    run_total: Count = 0
    age_us: Moment | UnsetType | None = UNSET
    reasons: dict[Line, Count] = field(default_factory=dict)
    after: Word = ""

    @property
    def retrying(self) -> bool:
        """Whether it tries the failed records of a completed import once more."""
        return self.run is not None and self.run.retry


def chat_detail(operation: Operation) -> ChatDetail:
    return msgspec.convert(operation.detail, ChatDetail)


def kept(detail: ChatDetail) -> dict[str, Any]:
    """As the operation keeps it, where other fields are written with it."""
    found: dict[str, Any] = msgspec.to_builtins(detail)
    return found
