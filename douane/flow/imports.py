"""A spreadsheet import from upload to confirmation: what each surface call does to the operation.

Every function is synchronous and short; long work is a job that these functions ask for in the same transaction
(`ask_review`), and that the worker does (`flow/work.py`). Records are in `flow/records.py`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import to_builtins
from sqlalchemy import Connection

from douane.errors import BadRequest, WrongStage
from douane.flow import among, destinations, learned, quotas, tokens
from douane.flow.forms import chosen_of, form_of, headings_of, template_of
from douane.flow.house import House
from douane.jobs.queue import Job, Size, WorkItem
from douane.model.operation import OPEN, Operation, Trace
from douane.model.sheet_import import Asked, Formats, Policy, SheetDetail, sheet_detail
from douane.model.template import Column, Template
from douane.sheet import mapping as sheet_mapping
from douane.sheet import template_file
from douane.sheet.formats.facts import sentence
from douane.sheet.matching import Known, Match
from douane.sheet.noticed import Told, told
from douane.store import database, feeds, operations, templates
from douane.store.database import read, remembered, write

FAMILY = "sheet"
UNMAPPED = "bad_mapping"  # the code of a file that could not be mapped without being asked
INTERACTIVE_BYTES = 1 << 20  # a smaller file is done in a moment: it waits behind nothing bigger


@dataclass(frozen=True, slots=True)
class StoredSource:
    """The uploaded bytes, already in the object store."""

    object: str
    size: int
    sha256: str
    file_name: str
    media_type: str


@dataclass(frozen=True, slots=True)
class NewImport:
    """`template` is the effective one: the runtime schema where one was sent, else the stored template's columns, with
    `imageSchema` applied. `rows_max` counts data rows. `formats`: how its records leave, None = as they are. `wire` =
    what the surface wants kept as it came (extra, authHeaderValue); it goes to `operation.detail["wire"]`. `auto`: map
    by the headings and check without being asked. `token_id`, `link_id`: the import token that makes it, and the link
    that came from."""

    operation_id: str
    project_id: str
    template_id: str
    template: Template
    source: StoredSource | None
    person_id: str | None = None
    token_id: str | None = None
    link_id: str | None = None
    sheet: str | int | None = None
    encoding: str | None = None
    delimiter: str | None = None
    header: int | None = None
    quote: str | None = None
    rows_max: int | None = None
    auto: bool = False
    formats: Formats | None = None
    confirm: Policy = "all"
    wire: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a mapping: column `key` is fed by `heading` (None or "" = by none)."""

    key: str
    heading: str | None = None


def begin(house: House, new: NewImport) -> Operation:
    """Makes the operation (stage `uploaded`, or `reviewing` without a file) and asks for reading, in one transaction.
    Wait with `get` until `headings_ready` or `work_error`. BadTemplate where a validation names a column that is not
    there."""
    template_file.refuse_strangers(new.template)
    detail = SheetDetail(
        template_name=new.template.name,
        schema=tuple(template_file.column_to_document(column) for column in new.template.columns),
        formats=new.formats,
        confirm=new.confirm,
        wire=dict(new.wire),
        options=Asked(new.sheet, new.encoding, new.delimiter, new.header, new.quote),
        rows_max=new.rows_max,
        auto=new.auto,
    )
    if new.source is None:
        detail.headings, detail.header_row, detail.chosen = (), -1, (None,) * len(new.template.columns)
    operation = Operation(
        id=new.operation_id,
        project_id=new.project_id,
        family=FAMILY,
        stage="uploaded" if new.source else "reviewing",
        template_id=new.template_id,
        person_id=new.person_id,
        token_id=new.token_id,
        link_id=new.link_id,
        read_done=new.source is None,
        seed=secrets.randbits(53),
        source_object=new.source.object if new.source else None,
        source_size=new.source.size if new.source else 0,
        file_name=new.source.file_name if new.source else None,
        media_type=new.source.media_type if new.source else None,
        detail=to_builtins(detail),
    )
    with write(house.engine) as connection:
        quotas.refuse_over(connection, house.settings, new.project_id, operation.source_size)
        tokens.take_use(connection, operation)
        made = operations.create(connection, operation)
        if new.source is None:
            return made
        ask(house, connection, made, "read")
        return operations.get(connection, made.id)


def ask(house: House, connection: Connection, operation: Operation, work: str, size: Size | None = None) -> None:
    """Asks the worker for `work` in the caller's transaction; its size is the file's, unless it is given."""
    number = operations.ask_work(connection, operation.id, work)
    if size is None and operation.source_size >= house.settings.large_bytes:
        size = "large"
    elif size is None:
        size = "interactive" if operation.source_size < INTERACTIVE_BYTES else "small"
    item, key = WorkItem("operation", operation.id), f"{operation.id}:{work}:{number}"
    house.jobs.enqueue(connection, Job(work, item, operation.project_id, key, size))


def get(house: House, operation_id: str, project_id: str | None = None) -> Operation:
    """NotFound for an unknown id and for another project's. `project_id` None: any project."""
    return remembered(
        house.engine,
        ("operation", operation_id, project_id),
        lambda connection: operations.get(connection, operation_id, project_id),
    )


def seen(house: House, operation_id: str, before: Trace | None) -> tuple[Trace, Operation | None]:
    """How it stands, in short, and the whole of it unless that is as it was `before`. The short is never the newer of
    the two: what changes in between is seen the next time. NotFound for an unknown id."""
    with read(house.engine) as connection:
        trace = operations.trace(connection, operation_id)
        return trace, None if trace == before else operations.get(connection, operation_id)


def mark(house: House) -> int | None:
    """A number that moves whenever any import does, and with all else; None where only looking can tell."""
    return database.mark(house.engine)


def of_template(house: House, project_id: str, template_id: str) -> list[Operation]:
    """A template's imports, newest first."""
    with read(house.engine) as connection:
        return operations.of_template(connection, project_id, template_id)


def headings_ready(operation: Operation) -> bool:
    """True once the heading record, detection and preview are known; the rest of the file may still be read. A limit
    on rows can only be kept once all are counted."""
    if operation.read_done:
        return True
    if operation.rows_read <= 1:
        return False  # asked often, and a document of thousands of headings is not taken apart quickly
    detail = sheet_detail(operation)
    return detail.headings is not None and detail.rows_max is None


def columns(operation: Operation) -> list[dict[str, Any]]:
    """The effective schema in contract form (`sheet.template_file.column_to_document`), each with `columnHeading`
    where one is set, in schema order."""
    headings = headings_of(operation)
    documents = []
    for document, at in zip(sheet_detail(operation).schema, chosen_of(operation), strict=True):
        documents.append(dict(document) if at is None else {**document, "columnHeading": headings[at]})
    return documents


def headings(operation: Operation) -> list[str]:
    """The heading texts by position; after finalizing, and where there is no file, the column keys in their place."""
    if operation.source_object is None and operation.source_size == 0:
        return [column.key for column in template_of(operation).columns]
    if operation.stage in ("uploaded", "mapping") or not sheet_detail(operation).finalized:
        return list(headings_of(operation))
    form = form_of(operation)
    return [key or "_" for key in form.layout.fields[: form.layout.width]]


def noticed(operation: Operation) -> list[tuple[str, Told | None]]:
    """What was noticed about the file, a sentence each, and which note it is; None where others than we say it."""
    detail = sheet_detail(operation)
    detected = () if detail.detected is None else detail.detected.notes
    return [(note, told(note)) for note in (*detected, *map(sentence, detail.facts))]


def ignored_headings(operation: Operation) -> list[str]:
    """The headings that feed no column, once the mapping is settled."""
    detail = sheet_detail(operation)
    return _unfed(detail.headings or (), detail.chosen or ()) if detail.finalized else []


def _unfed(headings: Sequence[str], chosen: Sequence[int | None]) -> list[str]:
    used = {at for at in chosen if at is not None}
    return [text for at, text in enumerate(headings) if at not in used and text]


@dataclass(frozen=True, slots=True)
class Unmapped:
    """Why a file was not mapped without being asked: `missing` are the required columns that no heading feeds for sure;
    none of them where no column at all is fed. `ignored`: headings that feed nothing."""

    headings: list[str]
    missing: list[Column]
    ignored: list[str]

    @property
    def sentence(self) -> str:
        if self.missing:
            return f"{self.missing[0].name} is required"
        return "None of the file's headings is one of the template's columns."


def unmapped(
    operation: Operation, chosen: Sequence[int | None] | None = None, known: Known | None = None
) -> Unmapped | None:
    """None where the headings are enough. `chosen`: what is taken without being asked, if the caller knows it; else it
    is found, with what people chose before (`known`)."""
    template, headings = template_of(operation), headings_of(operation)
    if chosen is None:
        chosen = sheet_mapping.automatic(template, headings, known)
    missing = [column for column, at in zip(template.columns, chosen, strict=True) if column.required and at is None]
    if missing or (template.columns and all(at is None for at in chosen)):
        return Unmapped(list(headings), missing, _unfed(headings, chosen))
    return None


def preview(operation: Operation) -> list[list[str]]:
    """The first 15 records as they are in the file."""
    return [list(record) for record in sheet_detail(operation).records]


def set_header(house: House, operation: Operation, index: int | None, headings: Sequence[str]) -> None:
    """Which record holds the headings; None = the file has none and `headings` are names the person gave. An automatic
    mapping made before is made anew."""
    if index is not None and not 0 <= index < 1000:
        raise BadRequest("The heading row must be among the first 1,000 rows.")
    given = [str(text) for text in headings]
    while True:
        texts = _named(given, operation)
        # Found before the transaction: others wait to write, and there may be thousands of headings.
        chosen = sheet_mapping.proposed(matches_of(house, operation, texts))
        with write(house.engine) as connection:
            now = operations.get(connection, operation.id, operation.project_id, lock=True)
            if now.stage not in ("uploaded", "mapping"):
                raise WrongStage("The heading row can be chosen before the columns are mapped.", stage=now.stage)
            if _named(given, now) == texts:
                with operations.changing(connection, now.id, SheetDetail) as detail:
                    detail.header_row, detail.headings = -1 if index is None else index, texts
                    if now.stage == "mapping":
                        detail.chosen = chosen
                return
        operation = now


def _named(given: Sequence[str], operation: Operation) -> tuple[str, ...]:
    return sheet_mapping.named(given, sheet_detail(operation).width or len(given))


def mapping(house: House, operation: Operation) -> Operation:
    """In stage `uploaded`: computes the proposed mapping and moves to `mapping`. In `mapping`: as it stands."""
    while True:
        headings = headings_of(operation)
        matches = matches_of(house, operation, headings) if operation.stage == "uploaded" else ()
        chosen = sheet_mapping.proposed(matches)
        with write(house.engine) as connection:
            now = operations.get(connection, operation.id, operation.project_id, lock=True)
            if now.stage == "uploaded" and headings_of(now) == headings:
                with operations.changing(connection, now.id, SheetDetail) as detail:
                    detail.chosen = chosen
                operations.change(connection, now.id, stage="mapping")
                now = operations.get(connection, now.id)
            if now.stage not in ("uploaded", "mapping"):
                raise WrongStage("The columns of this import are mapped already.", stage=now.stage)
        if now.stage == "mapping":
            return now
        operation = now


def matches_of(house: House, operation: Operation, headings: Sequence[str]) -> tuple[Match | None, ...]:
    """Per column the heading that fits best; what people of the project chose before goes first."""
    known = learned.known_headings(house, operation)
    return sheet_mapping.matches(template_of(operation), headings, known)


def proposed_columns(house: House, operation: Operation) -> list[dict[str, Any]]:
    """As `columns`, in stage `mapping`: each with what speaks for the heading that is proposed for it. `certainty`, 0
    to 1, and `reason` (of `sheet/matching.py`); `sure` says whether it would be taken where nobody looks; `alike`:
    headings that fit just as well."""
    headings = headings_of(operation)
    documents = columns(operation)
    found = matches_of(house, operation, headings)
    for document, at, match in zip(documents, chosen_of(operation), found, strict=True):
        if match is not None and match.at == at:
            document |= {"certainty": round(match.certainty, 4), "reason": match.reason, "sure": match.sure}
            document["alike"] = [headings[one] for one in match.also]
    return documents


def finalize(house: House, operation: Operation, choices: Sequence[Choice], person_id: str | None = None) -> Operation:
    """Moves to `mapped`, and what was chosen is remembered. BadRequest with the contract's sentences, in its order
    (2.9)."""
    known = learned.known_headings(house, operation)
    operation = get(house, operation.id, operation.project_id)
    while True:
        if operation.stage != "mapping":
            raise WrongStage("The columns of this import cannot be mapped now.", stage=operation.stage)
        headings, automatic = headings_of(operation), chosen_of(operation)
        # Found before the transaction: others wait to write, and there may be thousands of headings.
        chosen = choose(template_of(operation), headings, automatic, choices)
        taught = learned.lessons(template_of(operation), headings, chosen, known)
        with write(house.engine) as connection:
            now = operations.get(connection, operation.id, operation.project_id, lock=True)
            if now.stage == "mapping" and (headings_of(now), chosen_of(now)) == (headings, automatic):
                with operations.changing(connection, now.id, SheetDetail) as detail:
                    detail.chosen, detail.finalized = chosen, True
                learned.keep_headings(connection, now, taught, person_id)
                operations.change(connection, now.id, stage="mapped")
                return operations.get(connection, now.id)
        operation = now


def choose(
    template: Template,
    headings: tuple[str, ...],
    automatic: tuple[int | None, ...],
    choices: Sequence[Choice],
) -> tuple[int | None, ...]:
    """Columns that are not listed keep their automatic heading, unless a listed one takes it, but count as unmapped
    where a heading is required."""
    keys = [choice.key for choice in choices]
    if len(set(keys)) != len(keys):
        raise BadRequest("Mapping data contains duplicates")
    given = {choice.key: choice.heading for choice in choices}
    chosen, faults = sheet_mapping.choose(template, headings, automatic, given)
    known = set(headings)
    if any(heading and heading not in known for heading in given.values()):
        raise BadRequest("Mapping data contains invalid columnHeading values")
    for column in template.columns:
        if column.required and not given.get(column.key):
            raise BadRequest(f"{column.name} is required")
    names = {column.key: column.name for column in template.columns}
    for fault in faults:
        if fault.kind == "taken":
            raise BadRequest(f"{fault.heading} is already mapped to {names[fault.by]}")
    return chosen


def ask_review(house: House, operation: Operation) -> Operation:
    """`mapped`: asks for the first check. `reviewing`: asks for a check of what changed. Else nothing. Returns at once;
    poll `get` until `reviewed` (then `work_error` says whether it failed)."""
    current(operation)  # a wide template takes a while to compile: not while others wait to write
    with write(house.engine) as connection:
        now = operations.get(connection, operation.id, operation.project_id, lock=True)
        if now.stage == "mapped" and now.work == "read":
            # Reading goes on while a person maps; the reader asks for the check when it is through.
            with operations.changing(connection, now.id, SheetDetail) as detail:
                detail.check_wanted = True
        elif now.stage == "mapped" and now.work == "":
            ask(house, connection, now, "check")
        elif now.stage == "reviewing" and now.work == "":
            last, reviewed = operations.revision_numbers(connection, now.id)
            if last > reviewed or not current(now) or among.stale(connection, now):
                ask(house, connection, now, "check")
        return operations.get(connection, now.id)


def reviewed(operation: Operation) -> bool:
    """Whether nothing is under way that a review waits for."""
    return operation.work == "" and not (operation.stage == "mapped" and sheet_detail(operation).check_wanted)


def current(operation: Operation) -> bool:
    """Whether the verdicts were made with the rules, mapping and libraries of today; true where there are none yet."""
    made = sheet_detail(operation).check
    return made is None or made.stamp == form_of(operation).checker.stamp


def confirm(house: House, operation: Operation, rows_max: int | None = None) -> Operation:
    """Closes the stage to revisions and completes; what is not reviewed yet is reviewed first (then `work` is `confirm`
    until the worker is through: poll `get`). `reviewing` only. BadRequest where its policy is `clean` and records are
    invalid; where that is only seen by the review, the import stays in review."""
    current(operation)  # as above
    with write(house.engine) as connection:
        now = operations.get(connection, operation.id, operation.project_id, lock=True)
        if now.stage != "reviewing":
            raise WrongStage("Only an import in review can be confirmed.", stage=now.stage)
        if now.work:
            raise BadRequest("The data is being reviewed. Please try again when it is done.")
        if rows_max is not None and now.source_object is None and now.valid > rows_max:
            raise BadRequest(f"You can not import more than {short_number(rows_max)} records.")
        last, done = operations.revision_numbers(connection, now.id)
        if last > done or not current(now) or among.stale(connection, now):
            ask(house, connection, now, "confirm")
        elif (hindrance := hindered(now)) is not None:
            raise BadRequest(hindrance)
        else:
            complete(house, connection, now)
        return operations.get(connection, now.id)


def hindered(operation: Operation) -> str | None:
    """Why the import may not be confirmed as it was reviewed last; None where it may."""
    if sheet_detail(operation).confirm != "clean" or operation.invalid == 0:
        return None
    return (
        f"{operation.invalid} of {operation.total} records have problems. "
        "This import can be confirmed when all of them are mended or deleted."
    )


def complete(house: House, connection: Connection, operation: Operation) -> None:
    """The records are accepted: they go to the template's destination, and the import ends when that is done; without
    one it ends here."""
    feeds.accept(connection, operation)
    if destinations.begin(house, connection, operation):
        operations.change(connection, operation.id, stage="processing", work="")
    else:
        operations.finish(connection, operation.id, "completed")


def terminate(house: House, operation: Operation) -> Operation:
    """Ends the operation; running work stops within a second. Completed operations are left as they are."""
    with write(house.engine) as connection:
        now = operations.get(connection, operation.id, operation.project_id, lock=True)
        if now.stage in OPEN or now.stage == "failed":
            operations.finish(connection, now.id, "terminated")
        return operations.get(connection, now.id)


def count_review(connection: Connection, operation: Operation) -> None:
    """Adds a first review to the template's counters (contract 7.1)."""
    if operation.template_id is not None:
        templates.count(
            connection, operation.template_id, uploads=1, records=operation.total, invalid=operation.invalid
        )


def short_number(number: int) -> str:
    """Contract 13.2: two decimals, trailing zeros dropped, suffix k, M, G (1500 -> `1.5k`)."""
    for size, suffix in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.2f}".rstrip("0").rstrip(".") + suffix
    return str(number)
