"""What an import of a spreadsheet knows beside the fields of every operation."""

from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from douane.model.bounds import Count, Line, Sentence, Text, Word
from douane.model.operation import Document, Operation
from douane.model.reading import Detected, Fact


class Finding(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A rule that rows of a column met: how many, the first of their lines, and the message of one, with what there is
    to be explained beside it. `column` None: the whole record."""

    column: Text | None
    rule: Word
    count: Count
    lines: tuple[Count, ...]
    message: Text
    explanation: Text = ""


class Summary(Struct, frozen=True, forbid_unknown_fields=True):
    """What a check found: found = valid + invalid + blank + hidden + unreadable (house.md, invariant 1). `rows` = those
    with a verdict; `hidden` are those of a sheet that a person does not see; `unreadable` counts records that left no
    row at all. `facts`: what was met while reading. Findings come most frequent first; warnings make no
    row invalid."""

    rows: Count
    valid: Count
    invalid: Count
    blank: Count
    unreadable: Count
    found: Count
    problems: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    hidden: Count = 0
    facts: tuple[Fact, ...] = ()


class TemplateDocument(Struct, frozen=True, forbid_unknown_fields=True):
    """A template in the form of its file (`sheet.template_file.read_template` makes the template of it): what is kept
    and sent is the document, for a third-party type's own fields are read by that type alone."""

    name: Text = ""
    columns: tuple[dict[Text, Any], ...] = ()


class Asked(Struct, frozen=True):
    """What a person said of the file, None = to be detected; `sheet` is a name or a number from 0."""

    sheet: Line | Count | None = None
    encoding: Line | None = None
    delimiter: Line | None = None
    header: Count | None = None
    quote: Line | None = None


class Judging(Struct, frozen=True, forbid_unknown_fields=True):
    """What the masks were made with: the rules and libraries (`stamp`), and the column and name of each bit, once a
    check is through."""

    stamp: Word
    words: Count
    rules: tuple[tuple[Text | None, Word], ...] = ()


class Formats(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The form in which records and calls leave, JSON texts of `sheet.formatting`; "" = the default one: each column
    under its key, the usual members of a call."""

    record: Line = ""
    chunk: Line = ""


class Reading(Struct, omit_defaults=True):
    """Another reading of the file, beside the one that stands until it is taken. `options`: how it is read; `hold`:
    whether it waits to be taken when it is `done`; `agreed`: changed cells that it has no place for may go. `before`:
    the work that was left for it. The other fields are those of `SheetDetail` and of the operation, of this reading."""

    options: Asked = field(default_factory=Asked)
    hold: bool = False
    agreed: bool = False
    person_id: Word | None = None
    before: Word = ""
    done: bool = False
    detected: Detected | None = None
    records: tuple[tuple[Text, ...], ...] = ()
    width: Count = 0
    headings: tuple[Text, ...] = ()
    header_row: int = -1
    facts: tuple[Fact, ...] = ()
    rows: Count = 0
    blank: Count = 0


# What a person may confirm, and what leaves then: all records, valid or not; all of them may be there, but only valid
# ones leave; nothing until every record is valid.
Policy = Literal["all", "valid", "clean"]
POLICIES: tuple[Policy, ...] = ("all", "valid", "clean")


class Known(Struct, frozen=True):
    """The accepted values of a column of another template, as a check took them: their hashes under the operation's
    seed (u64, ascending) in an object. `mark`: of which imports they are."""

    template: Text
    column: Text
    mark: Word
    object: Text


class SheetDetail(Struct, omit_defaults=True):
    """The `detail` of an operation of this family. Changed by `store.operations.changing` alone.

    `schema`: the effective columns, frozen; `formats`: how its records leave, None = as they are; `wire`: what the
    surface wants kept as it came. Once the heading record is known: `detected`, the first `records`, the `width` of the
    table, the `headings` by position and the index of their record (`header_row`; -1 = there is none). `chosen`: per
    column of the schema the position that feeds it. `check_wanted`: a check was asked for while reading went on.
    `going`: the stamp of a check that is under way; `check` and `summary`: of the last one that was published.
    `facts`: what was met while reading. `readings`: how often the file was read anew because a person asked for it;
    `reading`: one that is under way, or waits to be taken; `reading_failed`: why the last one came to nothing.
    `known`: the values of other templates that the last check went by.
    `forgotten`: records that were forgotten since, those that people had added (`forgotten_added`) among them;
    `forgotten_whole`: and the file and all else with them. `stale`: objects that held them, until they are deleted."""

    template_name: str = ""
    schema: tuple[dict[Text, Any], ...] = ()
    formats: Formats | None = None
    confirm: Policy = "all"  # see Policy
    wire: dict[Text, Any] = field(default_factory=dict)
    options: Asked = field(default_factory=Asked)
    rows_max: Count | None = None
    auto: bool = False
    detected: Detected | None = None
    records: tuple[tuple[Text, ...], ...] = ()
    width: Count = 0
    headings: tuple[Text, ...] | None = None
    header_row: int | None = None
    chosen: tuple[Count | None, ...] | None = None
    finalized: bool = False
    check_wanted: bool = False
    going: Word | None = None
    check: Judging | None = None
    summary: Summary | None = None
    facts: tuple[Fact, ...] = ()
    readings: Count = 0
    reading: Reading | None = None
    reading_failed: tuple[Word, Sentence] | None = None
    known: tuple[Known, ...] = ()
    forgotten: Count = 0
    forgotten_added: Count = 0
    forgotten_whole: bool = False
    stale: tuple[str, ...] = ()

    @property
    def template(self) -> TemplateDocument:
        return TemplateDocument(self.template_name, self.schema)

    @property
    def first_data_row(self) -> int:
        """Rows before it are headings or preamble."""
        return (-1 if self.header_row is None else self.header_row) + 1


def sheet_detail(operation: Operation) -> SheetDetail:
    """Not to be changed: who asks again gets the same."""
    document = operation.detail
    if not isinstance(document, Document):
        return msgspec.convert(document, SheetDetail)
    if document.made is None:
        document.made = msgspec.convert(document, SheetDetail)
    made: SheetDetail = document.made
    return made
