"""Templates of a project: kept as documents, handed to the engine as values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from douane.errors import Conflict, NotFound
from douane.flow.house import House
from douane.model.customization import FIELD, Customization, kept_of, with_destination, with_kept
from douane.model.operation import Operation
from douane.model.template import StoredColumn, StoredTemplate, Template
from douane.sheet import columns, template_file
from douane.sheet.template_file import FOR_ALL
from douane.store import templates
from douane.store.database import read, write
from douane.store.ids import new_id

# Where accepted records go: to the page that confirms; else they wait to be pulled.
FRONTEND = "frontend"
# `code` of the Conflict when two columns of a template would have the same key.
KEY_TAKEN = "column_key_taken"


def add(
    house: House,
    project_id: str,
    name: str,
    document: Mapping[str, Any],
    columns: Sequence[Mapping[str, Any]] = (),
) -> StoredTemplate:
    """`columns` are documents in template-file form. BadTemplate for a definition that cannot work, Conflict for a key
    that occurs twice."""
    items = in_sequence(columns)
    _refuse_signs(document, columns)
    with write(house.engine) as connection:
        stored = templates.add(connection, project_id=project_id, name=name, document=document)
        templates.add_columns(connection, stored.id, items)
    return stored


def get(house: House, template_id: str, project_id: str) -> StoredTemplate:
    """NotFound for an unknown id and for another project's."""
    with read(house.engine) as connection:
        return found(templates.get(connection, template_id, project_id), template_id)


def with_columns(house: House, template_id: str, project_id: str) -> tuple[StoredTemplate, list[StoredColumn]]:
    with read(house.engine) as connection:
        stored = found(templates.get(connection, template_id, project_id), template_id)
        return stored, templates.columns(connection, template_id)


def of_project(house: House, project_id: str) -> list[tuple[StoredTemplate, int]]:
    """(template, how many columns it has), oldest first."""
    with read(house.engine) as connection:
        return templates.of_project(connection, project_id)


def search(house: House, project_id: str, text: str, page: int, limit: int) -> tuple[list[StoredTemplate], int]:
    """(one page of those whose name contains the text, newest change first; how many there are in all)."""
    with read(house.engine) as connection:
        return templates.search(connection, project_id, text, limit=limit, offset=(page - 1) * limit)


def change(
    house: House, template_id: str, project_id: str, name: str | None, document: Mapping[str, Any]
) -> StoredTemplate:
    """`document` holds the fields that change. With the destination the form of what leaves may go (2.5). BadTemplate
    where what it says of all columns (`template_file.FOR_ALL`) cannot work."""
    with write(house.engine) as connection:
        stored = found(templates.lock(connection, template_id, project_id), template_id)
        whole = {**stored.document, **document}
        if "destination" in document:
            whole = {**with_destination(stored.document, document["destination"], fresh()), **document}
        if document.keys() & FOR_ALL.keys():
            _refuse_signs(whole, documents(templates.columns(connection, template_id)))
        values: dict[str, Any] = {"document": whole}
        if name is not None:
            values["name"] = name
        templates.change(connection, template_id, **values)
        return found(templates.get(connection, template_id, project_id), template_id)


def hands_over(house: House, operation: Operation) -> bool:
    """Whether who confirms an import of this template gets its records: the destination `frontend`."""
    with read(house.engine) as connection:
        stored = templates.get(connection, operation.template_id or "", operation.project_id)
    return stored is not None and stored.document.get("destination") == FRONTEND


def remove(house: House, template_id: str, project_id: str) -> StoredTemplate:
    """With its columns. Imports that were begun with it go on: each has its own schema."""
    with write(house.engine) as connection:
        stored = found(templates.lock(connection, template_id, project_id), template_id)
        templates.remove(connection, template_id)
    return stored


@dataclass(frozen=True, slots=True)
class Copy:
    """A template of another name, also in another project, with the same settings and, if asked for, columns and the
    form in which records leave."""

    name: str
    project_id: str
    columns: bool
    output: bool


def duplicate(
    house: House,
    template_id: str,
    project_id: str,
    wanted: Copy,
    also: Callable[[Connection, str], None] | None = None,
) -> StoredTemplate:
    """`also`: what else is copied, given the copy's id in the same transaction; without it the copy has no
    destination."""
    with write(house.engine) as connection:
        stored = found(templates.get(connection, template_id, project_id), template_id)
        document = {field: value for field, value in stored.document.items() if field != FIELD}
        if (kept := kept_of(stored.document)) is not None:
            kept = msgspec.structs.replace(kept, id=new_id()) if wanted.output else fresh()
            document = with_kept(document, kept)
        if also is None:
            document.pop("destination", None)
        copy = templates.add(connection, project_id=wanted.project_id, name=wanted.name, document=document)
        if also is not None:
            also(connection, copy.id)
        if wanted.columns:
            items = [(None, one.key, one.sequence, one.document) for one in templates.columns(connection, template_id)]
            templates.add_columns(connection, copy.id, items)
    return copy


# Columns


def replace_columns(
    house: House, template_id: str, project_id: str, columns: Sequence[Mapping[str, Any]]
) -> list[StoredColumn]:
    """All columns at once; a column whose key was there before keeps its id."""
    items = in_sequence(columns)
    with write(house.engine) as connection:
        found(templates.lock(connection, template_id, project_id), template_id)
        ids = {one.key: one.id for one in templates.columns(connection, template_id)}
        templates.remove_columns(connection, template_id)
        templates.add_columns(
            connection,
            template_id,
            [(ids.get(key), key, sequence, document) for _, key, sequence, document in items],
        )
        templates.change(connection, template_id)
        return templates.columns(connection, template_id)


def add_column(house: House, template_id: str, project_id: str, document: Mapping[str, Any]) -> StoredColumn:
    """At its `sequence` if the document says one, else last. Conflict (`KEY_TAKEN`) for a key the template has."""
    whole = normal(document)
    with write(house.engine) as connection:
        found(templates.lock(connection, template_id, project_id), template_id)
        there = templates.columns(connection, template_id)
        _refuse_twins([*(one.key for one in there), whole["key"]])
        last = max((one.sequence for one in there), default=-1) + 1
        sequence = int(document.get("sequence", last))
        (made,) = templates.add_columns(connection, template_id, [(None, whole["key"], sequence, _kept(whole))])
        templates.change(connection, template_id)
    return made


def column(house: House, column_id: str, project_id: str) -> StoredColumn:
    with read(house.engine) as connection:
        return _found_column(templates.column(connection, column_id, project_id), column_id)


def change_column(house: House, column_id: str, project_id: str, document: Mapping[str, Any]) -> StoredColumn:
    """`document` is the whole new definition."""
    whole = normal(document)
    with write(house.engine) as connection:
        stored = _locked_column(connection, column_id, project_id)
        others = [one.key for one in templates.columns(connection, stored.template_id) if one.id != column_id]
        _refuse_twins([*others, whole["key"]])
        templates.change_column(
            connection,
            column_id,
            key=whole["key"],
            sequence=int(document.get("sequence", stored.sequence)),
            document=_kept(whole),
        )
        templates.change(connection, stored.template_id)
        return _found_column(templates.column(connection, column_id, project_id), column_id)


def remove_column(house: House, column_id: str, project_id: str) -> StoredColumn:
    with write(house.engine) as connection:
        stored = _locked_column(connection, column_id, project_id)
        templates.remove_column(connection, column_id)
        templates.change(connection, stored.template_id)
    return stored


# Definitions


def definition(
    name: str, documents: Sequence[Mapping[str, Any]], document: Mapping[str, Any] | None = None
) -> Template:
    """The engine's template for columns in template-file form, in their order. BadTemplate says which is wrong.
    `document`: the template's own, which may say something of all columns (`template_file.FOR_ALL`)."""
    said = {field: (document or {}).get(field) for field in FOR_ALL}
    return template_file.read_template({"name": name, **said, "columns": [dict(one) for one in documents]})


def documents(columns: Sequence[StoredColumn]) -> list[dict[str, Any]]:
    """Stored columns in template-file form, each with its `id`."""
    return [{"id": one.id, **one.document, "key": one.key, "sequence": one.sequence} for one in columns]


def normal(document: Mapping[str, Any]) -> dict[str, Any]:
    """A column's document with every field in place. BadTemplate if the engine could not work with it, or no cell could
    ever be right."""
    whole = definition("column", [document]).columns[0]
    columns.refuse_hopeless(whole)
    kept = template_file.column_to_document(whole)
    # What it says stays said, be it the usual: the template may say otherwise of all its columns.
    own = {field.name for field in columns.member(whole.type).fields} & {field for field, _ in FOR_ALL.values()}
    return {**{name: document[name] for name in own if document.get(name) is not None}, **kept}


def _refuse_signs(document: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> None:
    """BadTemplate where what a template says of all its columns can't be read, or is at odds with one of them."""
    said = {field: value for field in FOR_ALL if (value := document.get(field)) not in (None, "")}
    if said:
        probe = [{"key": "number", "type": "Number"}, {"key": "date", "type": "Date"}]
        for documents in (probe, items):
            for column in definition("columns", documents, said).columns:
                columns.refuse_hopeless(column)


def in_sequence(
    columns: Sequence[Mapping[str, Any]],
) -> list[tuple[str | None, str, int, dict[str, Any]]]:
    """New columns as the store takes them, numbered by position. Conflict (`KEY_TAKEN`) for a key that occurs twice."""
    wholes = [normal(one) for one in columns]
    _refuse_twins([whole["key"] for whole in wholes])
    return [(None, whole["key"], number, _kept(whole)) for number, whole in enumerate(wholes)]


def _refuse_twins(keys: Sequence[str]) -> None:
    if len(set(keys)) < len(keys):
        raise Conflict("Two columns of a template cannot have the same key.", code=KEY_TAKEN)


def _kept(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in ("id", "key", "sequence")}


def fresh() -> Customization:
    """As nobody has changed it."""
    now = datetime.now(UTC)
    return Customization(new_id(), now, now)


def found(stored: StoredTemplate | None, template_id: str) -> StoredTemplate:
    if stored is None:
        raise NotFound(f"Template with id {template_id} does not exist")
    return stored


def _found_column(stored: StoredColumn | None, column_id: str) -> StoredColumn:
    if stored is None:
        raise NotFound(f"Column with id {column_id} does not exist")
    return stored


def _locked_column(connection: Connection, column_id: str, project_id: str) -> StoredColumn:
    """The column, with its template held so that its keys stay as they are until the transaction ends."""
    stored = _found_column(templates.column(connection, column_id, project_id), column_id)
    templates.lock(connection, stored.template_id, project_id)
    return _found_column(templates.column(connection, column_id, project_id), column_id)
