"""The line of the chat family: its verbs (`child/chat*.py`) and their events, in the order they come.

The command line's verbs are not here: `douane chat` speaks with its own child.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct, field

from douane.line import Event, OfFile, Spec
from douane.line.staged import Part
from douane.model.bounds import Count, Line, Sentence, Word
from douane.model.source import Limits

# What is staged, and what the workspace's messages stand in (`chat/tables.py`, `chat/settle.py`).
Records = Literal["users", "channels", "contacts", "messages"]
Table = Literal[
    "entries",
    "issues",
    "users",
    "channels",
    "members",
    "messages",
    "reactions",
    "files",
    "mentions",
    "edits",
    "emoji",
    "contacts",
]
OfMessages = Literal["messages", "reactions", "files", "mentions", "edits", "rooms", "keys"]
Listed = Literal["users", "rooms", "members", "contacts", "messages", "edits"]
Moment = Annotated[int, Meta(ge=-(1 << 62), le=1 << 62)]  # microseconds since 1970


# What the child says


class StagedFile(Struct, frozen=True, forbid_unknown_fields=True):
    rows: Count
    path: Path


class Overview(Event, frozen=True):
    """What the directory of an export tells."""

    importer: Word
    layout: Word
    counts: dict[Word, Count]
    notes: tuple[Sentence, ...]


class Batch(Event, frozen=True):
    """Some of every table; reading goes on at `state`. `step` is what was read last, `label` what to show for it."""

    hands_over: ClassVar[bool] = True

    number: Count
    tables: dict[Table, StagedFile]
    state: dict[Word, Any]
    step: Word
    label: Line
    bytes_done: Count
    bytes_total: Count


class Through(Event, frozen=True):
    """The export is staged to its end."""

    batches: Count


class Mask(Event, frozen=True):
    """What a check says of one part of a table of records."""

    hands_over: ClassVar[bool] = True

    table: Records
    number: Count
    rows: Count
    valid: Count
    invalid: Count
    path: Path


class Made(Event, frozen=True):
    """A part that the check itself made: users whom only messages name, and who wrote where."""

    hands_over: ClassVar[bool] = True

    table: Literal["users", "pairs"]
    number: Count
    rows: Count
    path: Path


class Checked(Event, frozen=True):
    """The end of a check. `nothing`: there is nothing to import, `first_issue` says why where it is known. `unread`:
    the first names of entries that seem to hold messages and were not read, `unread_count`: of how many."""

    counts: dict[Records, Count]
    problems: dict[Records, dict[Word, Count]]
    nothing: bool
    first_issue: Sentence | None = None
    unread: tuple[Line, ...] = ()
    unread_count: Count = 0


class Told(Struct, frozen=True, forbid_unknown_fields=True):
    """Rows of part `number` of the workspace, by their offsets."""

    number: Count
    rows: Count
    path: Path


class Settled(Event, frozen=True):
    """One staged part of messages, whole: the rows that come in, what they replace (`gone`), what is there already just
    so (`confirmed`), and what became of each. `documents`: the files that they name."""

    hands_over: ClassVar[bool] = True

    number: Count
    reasons: dict[Word, Count]
    valid: Count
    invalid: Count
    mask: Path
    entries: Path
    rows: Count
    first_us: Moment | None
    last_us: Moment | None
    tables: dict[OfMessages, Path]
    documents: Path | None = None
    gone: tuple[Told, ...] = ()
    confirmed: tuple[Told, ...] = ()


class Body(Event, frozen=True):
    """A file that stands in the export, or why it cannot be had."""

    hands_over: ClassVar[bool] = True

    entry: Count
    path: Path | None = None
    message: Sentence = ""


# What it is asked


class ReadOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`importers.Options`."""

    team: Line
    members_max: Count
    batch_records: Count
    limits: Limits


class ChatRead(OfFile, frozen=True, kw_only=True, tag="chat_read"):
    """Stages an export batch by batch; batches before number `batch` are done, reading goes on at `state`."""

    events: ClassVar[tuple[type[Event], ...]] = (Overview, Batch, Through)

    importer: Word
    options: ReadOptions
    batch: Count = 0
    state: dict[Word, Any] = field(default_factory=dict)


class ChatCheck(Spec, frozen=True, kw_only=True, tag="chat_check"):
    """Judges every record. `known`: a file with what the workspace has (`check.known`)."""

    events: ClassVar[tuple[type[Event], ...]] = (Mask, Made, Checked)

    parts: dict[Table, tuple[Part, ...]]
    known: Path


class StagedMessages(Struct, frozen=True, forbid_unknown_fields=True):
    """`before`: what was said of the part before this run; `settled`: what this run says, where it did already."""

    number: Count
    rows: Count
    tables: dict[OfMessages, Path]
    before: Path | None = None
    settled: Path | None = None


class Confirmed(Struct, frozen=True, forbid_unknown_fields=True):
    """Rows of a part, by their offsets, that an export of that age has just so."""

    as_of_us: Moment
    path: Path


class WorkspaceKeys(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the workspace as it stood before the run. `gone`: files of offsets; `as_of_us`: its export's age."""

    number: Count
    rows: Count
    keys: Path
    gone: tuple[Path, ...] = ()
    as_of_us: Moment = 0
    confirmed: tuple[Confirmed, ...] = ()


class ChatSettle(Spec, frozen=True, kw_only=True, tag="chat_settle"):
    """What a run makes of messages. `users`, `rooms`: the maps, as IPC files. `everything_skipped`: no message is
    wanted. `retry`: only those that failed before. `age_us`: how old the export is."""

    events: ClassVar[tuple[type[Event], ...]] = (Settled,)

    users: Path
    rooms: Path
    bot: Word
    parts: tuple[StagedMessages, ...]
    workspace: tuple[WorkspaceKeys, ...]
    everything_skipped: bool = False
    retry: bool = False
    age_us: Moment | None = None


class ChatBodies(OfFile, frozen=True, kw_only=True, tag="chat_bodies"):
    """The entries of an export with these numbers, none larger than `bytes_max`."""

    events: ClassVar[tuple[type[Event], ...]] = (Body,)

    entries: tuple[Count, ...]
    bytes_max: Count
    limits: Limits


class ListedPart(Struct, frozen=True, forbid_unknown_fields=True):
    """`gone`: files of offsets of rows that newer ones replaced."""

    tables: dict[OfMessages | Listed, Path]
    gone: tuple[Path, ...] = ()


class ChatEncode(Spec, frozen=True, kw_only=True, tag="chat_encode"):
    """A whole list of the workspace, on stdout. Of messages: those of `room` alone; `names`: (user, username, name)."""

    table: Listed
    format: Word
    parts: tuple[ListedPart, ...]
    names: Path | None = None
    room: Word | None = None


class StagedPart(Struct, frozen=True, forbid_unknown_fields=True):
    path: Path
    mask: Path | None = None


class ChatStaged(Spec, frozen=True, kw_only=True, tag="chat_staged"):
    """A whole view of a staged table, on stdout. `entries`: the parts of the table of entries, for their names."""

    table: Table
    view: Literal["all", "valid", "invalid"]
    format: Word
    parts: tuple[StagedPart, ...]
    entries: tuple[Path, ...] = ()


SPECS: tuple[type[Spec], ...] = (ChatRead, ChatCheck, ChatSettle, ChatBodies, ChatEncode, ChatStaged)
