"""What the worker does to an import: read the file, check it, check what a review changed.

Each handler claims the work for a new attempt, runs the sandboxed child, and names what the child made in the
manifest, piece by piece, each write fenced by the attempt. It may be killed at any moment: the next attempt goes on
after the last piece that was named. Answers True when it should be called again behind other people's work.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
from msgspec import to_builtins

from douane import errors
from douane.flow import imports
from douane.flow.attempts import Attempt, attempting, run
from douane.flow.forms import chosen_of, headings_of, template_document, template_of
from douane.flow.house import House, file_limits
from douane.model.operation import Operation
from douane.sheet import mapping as sheet_mapping
from douane.store import manifest, operations, revisions
from douane.store.database import read as reading
from douane.store.database import write
from douane.store.manifest import MaskRow, PackedRow, PartRow

TABLE = "rows"
ADDED_NUMBER = 1_000_000_000  # parts with rows that people added are numbered from here, one for each review

log = structlog.get_logger()


# Reading


def read(house: House, operation_id: str) -> bool:
    with attempting(house, operation_id, "read") as attempt:
        if attempt is None:
            return False
        return _read(attempt)
    return False


def _read(attempt: Attempt) -> bool:
    house, held = attempt.house, attempt.held
    assert held.source_object is not None
    with reading(house.engine) as connection:
        parts = manifest.parts(connection, held.id, TABLE)
    spec: dict[str, Any] = {"do": "read", "options": _options(house, held)}
    if parts:
        spec["start"] = parts[-1].next
        spec["row"] = parts[-1].first_row + parts[-1].rows
    spec["source"] = str(house.objects.link_into(held.source_object, attempt.seat.inputs))

    def event(event: dict[str, Any]) -> None:
        match event["event"]:
            case "part":
                _keep_part(attempt, event)
            case "detected":
                _keep_detected(attempt, event)
            case "progress":
                attempt.progress(event)
            case "read":
                _finish_reading(attempt, int(event["rows"]))
                attempt.done = True
            case "sandbox":
                log.warning("child.sandbox", missing=event["missing"])

    return not run(attempt, spec, event)


def _options(house: House, held: Operation) -> dict[str, Any]:
    settings = house.settings
    return {
        **held.detail.get("options", {}),
        "piece_bytes": settings.piece_bytes,
        "limits": to_builtins(file_limits(settings)),
    }


def _keep_part(attempt: Attempt, event: Mapping[str, Any]) -> None:
    name = attempt.store("parts", event["file"])
    path = attempt.folder / event["file"]
    size = path.stat().st_size
    path.unlink()
    row = PartRow(
        event["number"],
        event["first_row"],
        event["rows"],
        event["blank"],
        name,
        size,
        event["next"],
        attempt.held.attempt,
    )
    with write(attempt.house.engine) as connection:
        now = operations.fenced(connection, attempt.held)
        manifest.add_part(connection, now.id, TABLE, row)
        operations.change(connection, now.id, rows_read=row.first_row + row.rows, blank=now.blank + row.blank, tries=1)
    rows_max = attempt.held.detail.get("rows_max")
    if rows_max is not None and row.first_row + row.rows - 1000 > rows_max:
        raise _too_many(rows_max)


def _too_many(rows_max: int) -> errors.DouaneError:
    return errors.BadFile(f"You can not import more than {imports.short_number(rows_max)} records.", code="rows_max")


def _keep_detected(attempt: Attempt, event: Mapping[str, Any]) -> None:
    header = event["headerRow"]
    records: list[list[str]] = event["records"]
    width = int(event["width"])
    if header is None and records and not attempt.held.detail.get("auto"):
        # The first record holds the headings until a person says that there are none (contract 5.2, 5.5): programs map
        # by what stands there, be it all numbers.
        header = 0
    if header is not None and header < len(records):
        texts = records[header][:width]
        headings = texts + [""] * (width - len(texts))
    else:
        headings = [f"column {at + 1}" for at in range(width)]
    detected = {key: event[key] for key in event if key not in ("event", "records")}
    with write(attempt.house.engine) as connection:
        operations.fenced(connection, attempt.held)
        operations.change_detail(
            connection,
            attempt.held.id,
            {
                "detected": detected,
                "records": records,
                "width": width,
                "headings": headings,
                "header_row": -1 if header is None else header,
            },
        )


def _finish_reading(attempt: Attempt, rows: int) -> None:
    house = attempt.house
    with write(house.engine) as connection:
        now = operations.fenced(connection, attempt.held)
        data_rows = rows - (int(now.detail["header_row"]) + 1)
        if rows == 0 or (rows < 2 and now.detail["header_row"] >= 0):
            raise errors.BadFile("File is empty", code="file_empty")
        rows_max = now.detail.get("rows_max")
        if rows_max is not None and data_rows > rows_max:
            raise _too_many(rows_max)
        operations.release(connection, now.id, read_done=True, rows_read=rows, progress={})
        if now.detail.get("auto"):
            chosen = sheet_mapping.propose(template_of(now), headings_of(now))
            missing = _required_without(now, chosen)
            if missing is not None:
                operations.change(
                    connection, now.id, work_error={"code": "bad_mapping", "message": f"{missing} is required"}
                )
                return
            detail = {**now.detail, "chosen": list(chosen), "finalized": True}
            operations.change(connection, now.id, stage="mapping")
            operations.change(connection, now.id, stage="mapped", detail=detail)
            imports.ask(house, connection, now, "check")
        elif now.detail.get("check_wanted"):
            detail = {key: value for key, value in now.detail.items() if key != "check_wanted"}
            operations.change(connection, now.id, detail=detail)
            imports.ask(house, connection, now, "check")


def _required_without(operation: Operation, chosen: tuple[int | None, ...]) -> str | None:
    for column, at in zip(template_of(operation).columns, chosen, strict=True):
        if column.required and at is None:
            return column.name
    return None


# Checking


def check(house: House, operation_id: str) -> bool:
    with attempting(house, operation_id, "check") as attempt:
        if attempt is None:
            return False
        return not _judge(attempt)
    return False


def confirm(house: House, operation_id: str) -> bool:
    """Reviews what is not reviewed yet, then completes."""
    with attempting(house, operation_id, "confirm") as attempt:
        if attempt is None:
            return False
        return not _judge(attempt, complete=True)
    return False


def _judge(attempt: Attempt, *, complete: bool = False) -> bool:
    """A whole check the first time, and again when verdicts are another Douane's (its rules may differ); else only of
    what was changed. False when the turn was over before it was done."""
    held = attempt.held
    if held.stage == "mapped" or (held.read_done and held.source_object and not imports.current(held)):
        return _check(attempt, complete=complete)
    _recheck(attempt, complete=complete)
    return True


def _check(attempt: Attempt, *, complete: bool) -> bool:
    """A check of the whole table. Masks are named under the version to come as they are made, so that pages can be read
    early; they are published together at the end."""
    house, held = attempt.house, attempt.held
    version = held.version + 1
    with reading(house.engine) as connection:
        parts = manifest.parts(connection, held.id, TABLE)
        done = manifest.masks_made(connection, held.id, TABLE, version)
        last, _ = operations.revision_numbers(connection, held.id)
        cells = revisions.cells(connection, held.id, upto=last) if last else {}
    inputs = attempt.seat.inputs
    linked = {row.number: house.objects.link_into(row.object, inputs) for row in parts}
    spec = {
        "do": "check",
        **_judging(held),
        "parts": [_part_spec(row, linked[row.number]) for row in parts],
        "data_start": int(held.detail["header_row"]) + 1,
        "stamp": held.detail.get("going"),
        "added_number": ADDED_NUMBER + version,
        "done": [_mask_spec(house, inputs, row, linked_rows) for row, linked_rows in _rows_of(parts, done)],
    }
    if cells:
        spec["cells"] = _lay_out(inputs, cells)
    packed: list[PackedRow] = []
    added: list[PartRow] = []

    def event(event: dict[str, Any]) -> None:
        match event["event"]:
            case "begun":
                if held.detail.get("going") != event["stamp"]:
                    with write(house.engine) as connection:
                        operations.fenced(connection, held)
                        manifest.drop_masks(connection, held.id, TABLE, version)
                        changes: dict[str, Any] = {"going": event["stamp"]}
                        if "check" not in held.detail:
                            changes["check"] = {"stamp": event["stamp"], "words": event["words"]}
                        operations.change_detail(connection, held.id, changes)
            case "part":
                added.append(_keep_added(attempt, event))
            case "mask":
                row = _keep_mask(attempt, event)
                with write(house.engine) as connection:
                    operations.fenced(connection, held)
                    manifest.add_masks(connection, held.id, TABLE, version, [row])
                    # It came forward: only attempts that do not are counted against the file.
                    operations.change(connection, held.id, tries=1)
            case "packed":
                packed.append(_keep_packed(attempt, event))
            case "progress":
                attempt.progress(event)
            case "checked":
                _publish(attempt, version, [], packed, event, added=added, reviewed=last, complete=complete)

    return run(attempt, spec, event)


def _recheck(attempt: Attempt, *, complete: bool = False) -> None:
    """The check of what a review changed, published as one step."""
    house, held = attempt.house, attempt.held
    version = held.version + 1
    with reading(house.engine) as connection:
        parts = manifest.parts(connection, held.id, TABLE)
        before = manifest.masks(connection, held.id, TABLE, held.version)
        last, reviewed = operations.revision_numbers(connection, held.id)
        changed = revisions.changed_rows(connection, held.id, reviewed, last)
        cells = revisions.cells(connection, held.id, upto=last)
    inputs = attempt.seat.inputs
    linked = {row.number: house.objects.link_into(row.object, inputs) for row in parts}
    spec = {
        "do": "recheck",
        **_judging(held),
        "parts": [_part_spec(row, linked[row.number]) for row in parts],
        "previous": [_mask_spec(house, inputs, row, linked_rows) for row, linked_rows in _rows_of(parts, before)],
        "cells": _lay_out(inputs, cells),
        "changed": changed,
        "added_number": ADDED_NUMBER + version,
    }
    rows: list[MaskRow] = []
    added: list[PartRow] = []

    def event(event: dict[str, Any]) -> None:
        match event["event"]:
            case "part":
                added.append(_keep_added(attempt, event))
            case "mask":
                rows.append(_keep_mask(attempt, event))
            case "progress":
                attempt.progress(event)
            case "checked":
                _publish(attempt, version, rows, [], event, added=added, reviewed=last, complete=complete)

    # A recheck is short: it gets no turns.
    attempt.ends_at = float("inf")
    run(attempt, spec, event)


def _lay_out(inputs: Path, cells: Mapping[int, Mapping[str, str | None]]) -> str:
    """The revisions that stand, as a file for the child."""
    path = inputs / "cells"
    path.write_text(json.dumps([[row, key, text] for row, keys in cells.items() for key, text in keys.items()]))
    return str(path)


def _keep_added(attempt: Attempt, event: Mapping[str, Any]) -> PartRow:
    name = attempt.store("parts", event["file"])
    size = (attempt.folder / event["file"]).stat().st_size
    return PartRow(event["number"], -1, event["rows"], 0, name, size, {}, attempt.held.attempt)


def _judging(held: Operation) -> dict[str, Any]:
    return {
        "template": template_document(held),
        "headings": list(headings_of(held)),
        "chosen": list(chosen_of(held)),
        "seed": held.seed,
    }


def _part_spec(row: PartRow, path: Path) -> dict[str, Any]:
    return {"number": row.number, "first_row": row.first_row, "rows": row.rows, "path": str(path)}


def _rows_of(parts: list[PartRow], found: Mapping[int, MaskRow]) -> list[tuple[MaskRow, int]]:
    return [(found[row.number], row.rows) for row in parts if row.number in found]


def _mask_spec(house: House, folder: Path, row: MaskRow, rows: int) -> dict[str, Any]:
    hashes = house.objects.link_into(row.hash_object, folder) if row.hash_object else None
    return {
        "number": row.number,
        "rows": rows,
        "valid": row.valid,
        "invalid": row.invalid,
        "mask": str(house.objects.link_into(row.object, folder)),
        "hashes": str(hashes) if hashes else None,
    }


def _keep_mask(attempt: Attempt, event: Mapping[str, Any]) -> MaskRow:
    hashes = event["hashes"]
    return MaskRow(
        event["number"],
        event["valid"],
        event["invalid"],
        attempt.store("masks", event["mask"]),
        attempt.store("hashes", hashes) if hashes else None,
        attempt.held.attempt,
    )


def _keep_packed(attempt: Attempt, event: Mapping[str, Any]) -> PackedRow:
    name = attempt.store("packed", event["file"])
    return PackedRow(event["view"], event["number"], event["first_row"], event["last_row"], event["rows"], name)


def _publish(
    attempt: Attempt,
    version: int,
    rows: list[MaskRow],
    packed: list[PackedRow],
    event: Mapping[str, Any],
    *,
    added: list[PartRow] | None = None,
    reviewed: int | None = None,
    complete: bool = False,
) -> None:
    """Everything the check found becomes visible in one transaction."""
    house = attempt.house
    with write(house.engine) as connection:
        now = operations.fenced(connection, attempt.held)
        for part in added or []:
            manifest.add_part(connection, now.id, TABLE, part)
        manifest.add_masks(connection, now.id, TABLE, version, rows)
        manifest.add_packed(connection, now.id, TABLE, version, packed)
        parts = manifest.parts(connection, now.id, TABLE)
        masks = manifest.masks(connection, now.id, TABLE, version)
        valid = sum(masks[row.number].valid for row in parts)
        invalid = sum(masks[row.number].invalid for row in parts)
        detail = {key: value for key, value in now.detail.items() if key != "going"}
        detail["check"] = {"stamp": event["stamp"], "words": event["words"], "rules": event["rules"]}
        detail["summary"] = {**event["summary"], "blank": now.blank, "found": valid + invalid + now.blank}
        values: dict[str, Any] = {
            "version": version,
            "valid": valid,
            "invalid": invalid,
            "total": valid + invalid,
            "detail": detail,
            "progress": {},
        }
        if reviewed is not None:
            values["revision_reviewed"] = reviewed
        first = now.stage == "mapped"
        if first:
            values["stage"] = "reviewing"
        operations.release(connection, now.id, **values)
        done = operations.get(connection, now.id)
        if first:
            imports.count_review(connection, done)
        if complete:
            imports.complete(connection, done)
    attempt.done = True


HANDLERS: dict[str, Callable[[House, str], bool]] = {"read": read, "check": check, "confirm": confirm}
