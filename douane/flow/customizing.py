"""The form in which a template's records leave: read, changed, made anew from the columns (contract 2.5, 8.3).

A template has one once somebody gave it one or a destination. What nobody wrote is not kept: it is the default of the
columns as they are now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from douane.errors import BadTemplate
from douane.flow.house import House
from douane.flow.templates import found, fresh
from douane.model.customization import Customization, kept_of, with_kept
from douane.model.sheet_import import Formats
from douane.model.template import StoredTemplate
from douane.sheet import formatting
from douane.sheet.formatting import CHUNK_VARIABLES, FURTHER_VARIABLES, Format
from douane.store import templates
from douane.store.database import read, write

_NOTES_MAX = 20


@dataclass(frozen=True, slots=True)
class Customized:
    """The three formats as JSON texts, the default ones where nobody wrote any; `kept`: what people did write.
    `notes`: a sentence for each placeholder that is no name."""

    kept: Customization
    keys: tuple[str, ...]
    record: str
    chunk: str
    combined: str
    notes: tuple[str, ...]


def get(house: House, template_id: str, project_id: str) -> Customized | None:
    """None where the template has none. NotFound for an unknown id and for another project's."""
    with read(house.engine) as connection:
        kept = kept_of(found(templates.get(connection, template_id, project_id), template_id).document)
        return None if kept is None else _customized(kept, _keys(connection, template_id))


def change(
    house: House,
    template_id: str,
    project_id: str,
    *,
    record: str | None = None,
    chunk: str | None = None,
    combined: str | None = None,
) -> Customized | None:
    """JSON texts; None stays as it is, and `combined` is the two others at once. BadTemplate (`place`: the format that
    is wrong) for what cannot be one, and then nothing is changed."""
    if record is None and chunk is None and combined is None:
        return get(house, template_id, project_id)
    most = house.settings.format_bytes_max
    values: dict[str, str] = {}
    if combined is not None:
        parts = formatting.split(formatting.read(combined, "combinedFormat", most))
        values = dict(zip(("record", "chunk"), map(formatting.written, parts), strict=True)) | {"combined": combined}
    else:
        if record is not None:
            form = formatting.read(record, "recordFormat", most)
            if not isinstance(form, dict):
                raise BadTemplate("must be an object: the form of a record.", place="recordFormat", code="format")
            values["record"] = record
        if chunk is not None:
            formatting.combine({}, formatting.read(chunk, "chunkFormat", most))
            values["chunk"] = chunk
        values["combined"] = ""
    with write(house.engine) as connection:
        stored = found(templates.lock(connection, template_id, project_id), template_id)
        kept = _changed(kept_of(stored.document) or fresh(), **values)
        customized = _customized(kept, _keys(connection, template_id))
        _keep(connection, stored, kept)
    return customized


def sync(house: House, template_id: str, project_id: str) -> Customized:
    """Back to what the columns make of it; what people wrote is gone."""
    with write(house.engine) as connection:
        stored = found(templates.lock(connection, template_id, project_id), template_id)
        kept = _changed(kept_of(stored.document) or fresh(), record="", chunk="", combined="")
        _keep(connection, stored, kept)
        return _customized(kept, _keys(connection, template_id))


def formats_of(stored: StoredTemplate) -> Formats | None:
    """How the records of an import that begins now will leave; None: as they are."""
    kept = kept_of(stored.document)
    return None if kept is None else Formats(kept.record, kept.chunk)


def formats_of_output(text: str, bytes_max: int) -> Formats | None:
    """Of a runtime schema's `output`, a combined format; None where no member of it is marked as the record's (5.6).
    BadTemplate for what cannot be one."""
    combined = formatting.read(text, "output", bytes_max)
    if not formatting.marked(combined):
        return None
    record, chunk = formatting.split(combined, "output")
    return Formats(formatting.written(record), formatting.written(chunk))


def _changed(kept: Customization, **values: str) -> Customization:
    return msgspec.structs.replace(kept, updated_at=datetime.now(UTC), **values)


def _keep(connection: Connection, stored: StoredTemplate, kept: Customization) -> None:
    templates.change(connection, stored.id, document=with_kept(stored.document, kept))


def _customized(kept: Customization, keys: tuple[str, ...]) -> Customized:
    record = formatting.decoded(kept.record) if kept.record else formatting.default_record(keys)
    chunk = formatting.decoded(kept.chunk) if kept.chunk else formatting.DEFAULT_CHUNK
    combined = kept.combined or formatting.written(formatting.combine(record, chunk))
    return Customized(
        kept,
        keys,
        kept.record or formatting.written(record),
        kept.chunk or formatting.written(chunk),
        combined,
        (
            *_notes(record, "recordFormat", keys, "no column of this template"),
            *_notes(chunk, "chunkFormat", (*CHUNK_VARIABLES, *FURTHER_VARIABLES), "nothing that a call has"),
        )[:_NOTES_MAX],
    )


def _notes(form: Any, place: str, names: Sequence[str], what: str) -> list[str]:
    unknown = Format(form, names).unknown
    return [f"{place}: {name} is {what}; it stays as it is written." for name in unknown]


def _keys(connection: Connection, template_id: str) -> tuple[str, ...]:
    return tuple(column.key for column in templates.columns(connection, template_id))
