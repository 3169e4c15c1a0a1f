"""A spreadsheet import from upload to confirmation: what each surface call does to the operation.

Every function is synchronous and short; long work is a job that these functions ask for in the same transaction
(`ask_review`), and that the worker does (`flow/reading.py`, `flow/checking.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from douane.flow.house import House
from douane.model.operation import Operation
from douane.model.problem import Problem
from douane.model.template import Column, Template

View = Literal["all", "valid", "invalid"]


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
    `imageSchema` applied. `rows_max` counts data rows. `wire` = what the surface wants kept as it came (extra,
    authHeaderValue, formats); it goes to `operation.detail["wire"]`."""

    operation_id: str
    project_id: str
    template_id: str
    template: Template
    source: StoredSource | None
    person_id: str | None = None
    sheet: str | int | None = None
    encoding: str | None = None
    delimiter: str | None = None
    rows_max: int | None = None
    wire: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a mapping: column `key` is fed by `heading` (None or "" = by none)."""

    key: str
    heading: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a page. `record` maps field key to text or exact number (`msgspec.Raw`): encode with msgspec.json.
    `problems` in the contract's order (the last one of a column is the one `/v1` shows); `line` the physical line."""

    id: str
    index: int
    line: int
    valid: bool
    record: dict[str, Any]
    problems: tuple[Problem, ...]
    updated: dict[str, bool]


@dataclass(frozen=True, slots=True)
class RecordPage:
    """`total` is the size of the view at the last review."""

    records: tuple[Record, ...]
    total: int


def begin(house: House, new: NewImport) -> Operation:
    """Makes the operation (stage `uploaded`, or `reviewing` without a file) and asks for reading, in one transaction.
    Wait with `get` until `headings_ready` or `work_error`."""
    raise NotImplementedError


def get(house: House, operation_id: str, project_id: str | None = None) -> Operation:
    """NotFound for an unknown id and for another project's. `project_id` None: any project (the open review routes)."""
    raise NotImplementedError


def of_template(house: House, project_id: str, template_id: str) -> list[Operation]:
    """A template's imports, newest first."""
    raise NotImplementedError


def headings_ready(operation: Operation) -> bool:
    """True once the heading record, detection and preview are known; the rest of the file may still be read."""
    raise NotImplementedError


def columns(operation: Operation) -> list[dict[str, Any]]:
    """The effective schema in contract form (`sheet.template_file.column_to_document`), each with `columnHeading`
    where one is set, in schema order."""
    raise NotImplementedError


def headings(operation: Operation) -> list[str]:
    """The heading texts by position; after finalizing, the column keys in their place."""
    raise NotImplementedError


def preview(house: House, operation: Operation) -> list[list[str]]:
    """The first 15 records as they are in the file."""
    raise NotImplementedError


def set_header(house: House, operation: Operation, index: int | None, headings: Sequence[str]) -> None:
    """Which record holds the headings; None = the file has none and `headings` are names the person gave."""
    raise NotImplementedError


def mapping(house: House, operation: Operation) -> Operation:
    """In stage `uploaded`: computes the automatic mapping and moves to `mapping`. In `mapping`: as it stands."""
    raise NotImplementedError


def finalize(house: House, operation: Operation, choices: Sequence[Choice]) -> Operation:
    """Moves to `mapped`. BadRequest with the contract's sentences, in its order (2.9)."""
    raise NotImplementedError


def ask_review(house: House, operation: Operation) -> Operation:
    """`mapped`: asks for the first check. `reviewing`: asks for a check of what changed. Else nothing. Returns at once;
    poll `get` until `work` is "" (then `work_error` says whether it failed)."""
    raise NotImplementedError


def page(house: House, operation: Operation, view: View, page: int, limit: int) -> RecordPage:
    """Records of a view, sorted by index, `page` from 1. Cost does not depend on depth."""
    raise NotImplementedError


def edit(house: House, operation: Operation, index: int, record: Mapping[str, Any], updated: Mapping[str, bool],
         person_id: str | None = None) -> Record:
    """Stores a whole record as a revision; adds the row if `index` is new. Not judged again until the next review.
    WrongStage unless reviewing."""
    raise NotImplementedError


def edit_many(house: House, operation: Operation, records: Sequence[tuple[int, Mapping[str, Any], Mapping[str, bool]]],
              person_id: str | None = None) -> None:
    """The same for several, as one revision."""
    raise NotImplementedError


def delete(house: House, operation: Operation, indexes: Sequence[int], person_id: str | None = None) -> None:
    """Deletes rows as one revision; the counters follow at once (contract 2.10)."""
    raise NotImplementedError


def confirm(house: House, operation: Operation, rows_max: int | None = None) -> Operation:
    """Closes the stage to revisions, reviews what is not reviewed yet, and completes. `reviewing` only."""
    raise NotImplementedError


def terminate(house: House, operation: Operation) -> Operation:
    """Ends the operation; running work stops within a second. Completed operations are left as they are."""
    raise NotImplementedError


def export(house: House, operation: Operation, view: View, format: str) -> Iterator[bytes]:
    """A whole view as `csv`, `ndjson`, `arrow` or `parquet`, encoded by a helper process and streamed."""
    raise NotImplementedError


def template_of(operation: Operation) -> Template:
    raise NotImplementedError


def column_keys(template: Template) -> tuple[str, ...]:
    return tuple(column.key for column in template.columns)


def column_of(template: Template, key: str) -> Column | None:
    return next((column for column in template.columns if column.key == key), None)
