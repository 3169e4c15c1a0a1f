"""The values that a template's columns must be among (`sheet/validations/among.py`): those of the accepted rows of
another template, as they stand when a check begins.

They are hashes under the operation's seed, as of unique keys, in an object of the operation: eight bytes a value,
looked up by halving. A check goes by the ones that it took, and its stamp names them; where imports were accepted or
forgotten since, the next review takes them anew and is one of the whole table.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from douane.flow import revisions
from douane.flow.forms import TABLE, form_of, template_of
from douane.flow.house import House
from douane.model.operation import Operation
from douane.model.sheet_import import Known, SheetDetail, sheet_detail
from douane.sheet.check import Checker, references_of
from douane.sheet.validations.contract import Reference
from douane.staging import masks
from douane.staging.parts import distinct, read_part
from douane.staging.revisions import overlay
from douane.store import feeds, manifest, operations, templates
from douane.store.database import read, write

Hashes = npt.NDArray[np.uint64]


def stale(connection: Connection, operation: Operation) -> bool:
    """Whether a check of now would go by other values than the last one did."""
    wanted = _wanted(operation)
    return bool(wanted) and _marks(connection, operation, wanted) != _known(operation)


def refreshed(house: House, held: Operation) -> Operation:
    """The operation with the values of now, for a check that is claimed."""
    wanted = _wanted(held)
    if not wanted:
        return held
    with read(house.engine) as connection:
        marks = _marks(connection, held, wanted)
    if marks == _known(held):
        return held
    found = []
    for reference, mark in marks.items():
        name = f"{held.id}/among/{secrets.token_hex(12)}"
        house.objects.put_bytes(name, _values(house, held, reference).tobytes())
        found.append(Known(reference.template, reference.column, mark, name))
    with write(house.engine) as connection:
        operations.hold(connection, held)
        with operations.changing(connection, held.id, SheetDetail) as detail:
            detail.known = tuple(found)
        return operations.get(connection, held.id)


def knowing(house: House, operation: Operation, checker: Checker) -> Checker:
    """The checker with the values that the last check went by."""
    known = sheet_detail(operation).known
    if not known:
        return checker
    return checker.knowing(
        {
            Reference(one.template, one.column): masks.read_hashes(house.objects.local_path(one.object), 1)[0]
            for one in known
        }
    )


def _wanted(operation: Operation) -> list[Reference]:
    columns = template_of(operation).columns
    return list(dict.fromkeys(reference for column in columns for _, reference in references_of(column)))


def _known(operation: Operation) -> dict[Reference, str]:
    return {Reference(one.template, one.column): one.mark for one in sheet_detail(operation).known}


def _marks(connection: Connection, operation: Operation, wanted: Sequence[Reference]) -> dict[Reference, str]:
    """Of which accepted rows the values are. A template that is none of the project's has none."""
    return {
        reference: hashlib.sha256(msgspec.json.encode(_accepted(connection, operation, reference))).hexdigest()
        for reference in wanted
    }


def _accepted(connection: Connection, operation: Operation, reference: Reference) -> list[tuple[str, int, int]]:
    if templates.get(connection, reference.template, operation.project_id) is None:
        return []
    return feeds.accepted(connection, reference.template)


def _values(house: House, held: Operation, reference: Reference) -> Hashes:
    with read(house.engine) as connection:
        accepted = [one for one, _, _ in _accepted(connection, held, reference)]
    found = np.zeros(0, np.uint64)
    for operation_id in accepted:
        pieces = [found, *_of_import(house, operation_id, reference.column, held.seed)]
        found = distinct(np.concatenate(pieces)) if len(pieces) > 1 else found
    values: Hashes = found[found != 0]
    return values


def _of_import(house: House, operation_id: str, key: str, seed: int) -> Sequence[Hashes]:
    """Of its accepted rows, part by part."""
    with read(house.engine) as connection:
        operation = operations.get(connection, operation_id)
        parts = manifest.parts(connection, operation_id, TABLE)
        verdicts = manifest.masks(connection, operation_id, TABLE, operation.version)
        cells = revisions.standing(house, connection, operation_id)
    form, locate = form_of(operation), house.objects.local_path
    at = form.keys.get(key)
    if at is None or all(column.key != key for column in form.template.columns):
        return []
    made = []
    for part in parts:
        verdict = verdicts.get(part.number)
        if verdict is None or not verdict.valid:
            continue
        offsets = masks.view_offsets(masks.read_mask(locate(verdict.object)).state, "valid")
        frame = read_part(locate(part.object), ["_line", "_row", f"c{at}", f"k{at}"])[offsets]
        numbers = frame["_row"].to_numpy() if part.first_row < 0 else offsets + part.first_row
        made.append(form.checker.hashes_of(overlay(frame, numbers, cells, {key: at}), key, seed))
    return made
