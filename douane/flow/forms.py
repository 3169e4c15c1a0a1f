"""How an operation's records are read: its template, where the fields stand, the checker and the output.

All of it is a pure function of the operation's frozen schema and mapping, so it is made once and kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import msgspec

from douane.model.operation import Operation
from douane.model.sheet_import import SheetDetail, sheet_detail
from douane.model.template import Template
from douane.sheet import formatting, template_file
from douane.sheet.check import Checker
from douane.sheet.delivering import Delivery
from douane.sheet.mapping import Layout, layout
from douane.sheet.output import Output
from douane.sheet.validations.contract import Reference

TABLE = "rows"
# Imports that are at hand. One that is not costs a template's reading, or nothing where another of the template is; as
# many as came in a day would be what a web process gains in hours.
_KEPT = 64


@dataclass(frozen=True, slots=True)
class Form:
    """`keys`: every field key of a record and the position of its cell in a frame."""

    template: Template
    layout: Layout
    checker: Checker
    output: Output
    keys: Mapping[str, int]


def template_of(operation: Operation) -> Template:
    """The effective schema as it was frozen."""
    return _template(msgspec.json.encode(sheet_detail(operation).template))


def headings_of(operation: Operation) -> tuple[str, ...]:
    """The heading texts by position, as the person chose them."""
    return sheet_detail(operation).headings or ()


def chosen_of(operation: Operation) -> tuple[int | None, ...]:
    """Per column of the schema the heading position that feeds it."""
    return _chosen(sheet_detail(operation))


def _chosen(detail: SheetDetail) -> tuple[int | None, ...]:
    return (None,) * len(detail.schema) if detail.chosen is None else detail.chosen


def form_of(operation: Operation) -> Form:
    detail = sheet_detail(operation)
    marks = tuple((Reference(one.template, one.column), one.mark) for one in detail.known)
    return _form(msgspec.json.encode(detail.template), detail.headings or (), _chosen(detail), operation.seed, marks)


def delivery_of(operation: Operation, image_root: str = "") -> Delivery:
    """How its records leave: in the form that its template or its upload wants. `image_root` goes before the name of
    an image, with a slash."""
    formats = sheet_detail(operation).formats
    record = None if formats is None else record_format(operation)
    output = form_of(operation).output
    return Delivery(
        template_of(operation),
        operation.id,
        fields=output.fields,
        lists=output.lists,
        record_format=record,
        lenient=formats is not None and not formats.record,
        image_root=image_root,
    )


def delivered_members(operation: Operation) -> tuple[str, ...] | None:
    """The members that its records may have as they leave, in their order; None where they are no objects."""
    formats, columns = sheet_detail(operation).formats, [column.key for column in template_of(operation).columns]
    if formats is None:
        return tuple(dict.fromkeys((*form_of(operation).output.fields, *columns)))
    record = record_format(operation)
    return tuple(record) if isinstance(record, dict) and record else None


def leaving(operation: Operation) -> Literal["all", "valid"]:
    """The view of the records that leave when it is confirmed."""
    return "valid" if sheet_detail(operation).confirm == "valid" else "all"


def record_format(operation: Operation) -> Any:
    """The form of a record, decoded; the default one where the import has none."""
    formats = sheet_detail(operation).formats
    if formats is None or not formats.record:
        return formatting.default_record(column.key for column in template_of(operation).columns)
    return formatting.decoded(formats.record)


def chunk_format(operation: Operation) -> Any:
    """The form of a call, decoded; None where the import has no format, neither its own nor its template's."""
    formats = sheet_detail(operation).formats
    if formats is None:
        return None
    return formatting.decoded(formats.chunk) if formats.chunk else formatting.DEFAULT_CHUNK


@lru_cache(maxsize=_KEPT)
def _template(document: bytes) -> Template:
    return template_file.read_template(msgspec.json.decode(document))


# Each import has its own seed; all else it shares with those of the same template and headings.
@lru_cache(maxsize=_KEPT)
def _form(
    document: bytes,
    headings: tuple[str, ...],
    chosen: tuple[int | None, ...],
    seed: int,
    marks: tuple[tuple[Reference, str], ...],
) -> Form:
    form = _unseeded(document, headings, chosen, marks)
    return replace(form, checker=form.checker.seeded(seed))


# Of some 0.4 MiB.
@lru_cache(maxsize=48)
def _unseeded(
    document: bytes,
    headings: tuple[str, ...],
    chosen: tuple[int | None, ...],
    marks: tuple[tuple[Reference, str], ...],
) -> Form:
    template = _template(document)
    where = layout(template, headings, chosen)
    keys = {key: at for at, key in enumerate(where.fields) if key}
    for column, at in zip(template.columns, where.columns, strict=True):
        keys[column.key] = at
    checker = Checker(template, where, marks=dict(marks))
    return Form(template, where, checker, Output(template, where, checker.judges), keys)
