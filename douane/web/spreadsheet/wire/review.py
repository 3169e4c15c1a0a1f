"""Bodies of an import on its way: mapping, heading row, changed and deleted records, confirming (2.9, 2.10)."""

from __future__ import annotations

from typing import Any, Literal

from douane.flow.imports import Choice
from douane.web.spreadsheet.wire.bodies import INDEX_MAX, Body, array_body, object_body
from douane.web.spreadsheet.wire.errors import WireError


def choices(value: Any) -> list[Choice]:
    """The body of finalize (2.9)."""
    chosen = []
    for item in array_body(value):
        body = Body(item)
        key = body.text("key", required=True)
        heading = body.text("columnHeading")
        body.text("name")
        body.done()
        chosen.append(Choice(key=key or "", heading=heading or None))
    return chosen


def header_choice(value: Any) -> tuple[int | None, list[str]]:
    """(index or None, headings) of PUT header."""
    body = object_body(value)
    given = body.fields.get("index")
    index = None if given is None else body.index("index", given)
    headings = body.texts("headings")
    if body.fields.get("headings") is None:
        body.wrong("headings", "must be an array")
    body.done()
    return index, headings or []


def changed_record(value: Any) -> tuple[int, dict[str, Any], dict[str, bool]]:
    """(index, whole record, which keys changed)."""
    body = object_body(value)
    index = body.index("index", body.fields.get("index"))
    whole = body.mapping("record")
    updated = body.mapping("updated")
    body.done()
    return index, whole, {key: bool(mark) for key, mark in updated.items()}


def changed_records(value: Any) -> list[tuple[int, dict[str, Any], dict[str, bool]]]:
    return [changed_record(item) for item in array_body(value)]


def deleted_indexes(value: Any) -> list[int]:
    """The counts of valid and invalid ones that clients send are asked for and not believed: the rows know."""
    body = object_body(value)
    indexes = body.fields.get("indexes")
    if not isinstance(indexes, list):
        body.wrong("indexes", "must be an array")
        indexes = []
    found = [body.index("indexes", one) for one in indexes]
    body.messages = [m if m.endswith("an array") else f"each value in {m}" for m in body.messages]
    body.number("valid", required=True)
    body.number("invalid", required=True)
    body.messages = list(dict.fromkeys(body.messages))
    body.done()
    return found


def confirm_body(value: Any) -> int | None:
    """No body is a body too. One of a wrong type must not confirm: that cannot be taken back."""
    if value is not None and not isinstance(value, dict):
        raise WireError(400, "Validation failed (object expected)")
    body = object_body(value)
    rows_max = body.number("maxRecords")
    body.done()
    return None if not rows_max else int(min(rows_max, INDEX_MAX))


def view(kind: str | None) -> Literal["all", "valid", "invalid"]:
    """Anything unknown behaves like `invalid` (2.10)."""
    if kind is None or kind == "all":
        return "all"
    return "valid" if kind == "valid" else "invalid"
