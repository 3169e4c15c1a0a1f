"""The line of `douane chat`: its two verbs over an export that no server has (`child/chat_inspect.py`,
`child/chat_convert.py`), and their events."""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import Struct, field

from douane.line import Event, OfFile
from douane.line.chat import Overview, StagedFile
from douane.model.bounds import Count, Line, Text, Word
from douane.model.source import Limits

Numbers = dict[Text, Count]
Issues = tuple[dict[Word, Any], ...]  # rows of the table of issues, with the name of their entry


class Sums(Struct, frozen=True, forbid_unknown_fields=True):
    """What one reader counted, to be added up (`chat/sums.py`)."""

    tables: Numbers = field(default_factory=dict)
    messages: Numbers = field(default_factory=dict)
    names: dict[Text, Text] = field(default_factory=dict)
    years: Numbers = field(default_factory=dict)
    subtypes: Numbers = field(default_factory=dict)
    entries: Numbers = field(default_factory=dict)
    reasons: Numbers = field(default_factory=dict)
    strangers: tuple[Text, ...] = ()
    people: dict[Text, Text] = field(default_factory=dict)
    issues: Issues = ()


# What the child says


class Counted(Event, frozen=True):
    """The exact numbers of the whole export (`chat.importers.Counts`)."""

    tables: Numbers
    channels: Numbers
    years: Numbers
    subtypes: Numbers
    entries: Numbers
    reasons: Numbers
    people: dict[Text, Text]
    issues: Issues


class StagedExport(Event, frozen=True):
    """A share of the export as tables; each part is a file."""

    sums: Sums
    tables: dict[Word, tuple[StagedFile, ...]]


class Converted(Event, frozen=True):
    """`report`: what was kept, changed and lost, as report.json has it."""

    report: dict[Word, Any]


# What it is asked


class ChatInspect(OfFile, frozen=True, kw_only=True, tag="chat_inspect"):
    """`importer` None: whichever knows it. `stage`: with its tables in the folder, of the `share`th of `of` shares."""

    events: ClassVar[tuple[type[Event], ...]] = (Overview, Counted, StagedExport)

    importer: Word | None
    limits: Limits
    stage: bool = False
    share: Count = 0
    of: Count = 1


class ChatConvert(OfFile, frozen=True, kw_only=True, tag="chat_convert"):
    """The files and report.json are in the folder. `to`: a key of `chat.writers`."""

    events: ClassVar[tuple[type[Event], ...]] = (Overview, Converted)

    importer: Word | None
    limits: Limits
    to: Word
    users: tuple[Line, ...] | None = None
    channels: tuple[Line, ...] | None = None
    team: Line | None = None


INSPECT, CONVERT = (ChatInspect,), (ChatConvert,)
