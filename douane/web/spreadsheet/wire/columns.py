"""Columns as clients send them: one of a template (2.6), and those of a runtime schema (2.8, 5.6)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from douane.errors import BadTemplate
from douane.sheet import columns, pattern, template_file, validations
from douane.sheet.fields import Field, Given
from douane.web.spreadsheet.wire.bodies import INDEX_MAX, Body, array_body, is_number
from douane.web.spreadsheet.wire.errors import WireError

# What a column added alone is delivered with where a record has no field for it (2.6, 4.9).
NEW_COLUMN_DEFAULT = "<<null>>"
COLUMN_KEY_TAKEN = "Column with the same key already exists. Please use a unique key in column."
COLUMN_KEYS_TAKEN = 'Column with the same key already exists. Please provide a unique key from "Validations".'
# Edited cells are kept under the column's key, which the database indexes.
KEY_MAX = 500


def column_body(value: Mapping[str, Any], *, stored: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A column as a client sends it (2.6) → its document in template-file form, whole. `stored`: the document it
    replaces, whose fields stand where the body has none."""
    body = Body(value)
    wanted = _column(body, stored or {})
    body.done()
    return wanted


# No file has more, as the setting `columns` is.
COLUMNS_MAX = 16_384


def column_bodies(value: Any) -> list[dict[str, Any]]:
    """Several (PUT columns, a template's `columns`); the messages of the first wrong one are answered."""
    items = array_body(value)
    if len(items) > COLUMNS_MAX:
        raise WireError(400, [f"columns must contain no more than {COLUMNS_MAX} elements"])
    return [column_body(item) for item in items]


def _column(body: Body, stored: Mapping[str, Any]) -> dict[str, Any]:
    kind = body.choice("type", columns.names(), required=True)
    own = template_file.column_settings(kind, body.fields) if kind is not None else ()
    fresh = {
        field.name: kind if field.name == "type" else _value(body, field) for field in (*template_file.COLUMN, *own)
    }
    if kind == "Regex" and not (fresh["regex"] or stored.get("regex")):
        body.wrong("regex", "should not be empty")
    kept = {name: value for name, value in stored.items() if name not in body.fields}
    return {**kept, **{name: value for name, value in fresh.items() if value is not None}}


def _value(body: Body, field: Field) -> Any:
    """What the body says in this field, as the template file would; None = nothing. Wrong values in the peer's words
    where it has some."""
    name = field.name
    if name == "name":
        return body.text(name, required=True)
    reader = _READERS.get(field.kind.name)
    if reader is not None:
        return reader(body, name)
    value = body.fields.get(name)
    if value is None or value in field.kind.blank:
        return value
    try:
        return field.kind.write(field.kind.read(Given(value, name, name)))
    except BadTemplate as error:
        body.messages.append(error.reason)
        return None


def _key(body: Body, name: str) -> str | None:
    key = body.text(name, required=True)
    if key is not None and len(key) > KEY_MAX:
        body.wrong(name, f"must be shorter than or equal to {KEY_MAX} characters")
    return key


def _date_formats(body: Body, name: str) -> list[str] | None:
    formats = body.texts(name)
    return None if formats is None else [template_file.date_format(one) for one in formats]


def _sequence(body: Body, name: str) -> int | None:
    value = body.number(name)
    if value is not None and (value != int(value) or abs(value) > INDEX_MAX):
        body.wrong(name, "must be an integer number")
        return None
    return None if value is None else int(value)


def _default(body: Body, name: str) -> str | int | float | None:
    value = body.fields.get(name)
    if value is not None and not isinstance(value, str) and not is_number(value):
        body.wrong(name, "must be a string")
        return None
    return value


def _validations(body: Body, name: str) -> list[dict[str, Any]] | None:
    value = body.fields.get(name)
    if value is None:
        return None
    if not isinstance(value, list):
        body.wrong(name, "must be an array")
        return None
    return [_validation(body, number, item) for number, item in enumerate(value)]


def _validation(body: Body, number: int, item: Any) -> dict[str, Any]:
    place = f"validations.{number}"
    if not isinstance(item, dict):
        body.messages.append(f"each value in nested property {body.prefix}validations must be either object or array")
        return {}
    kind = item.get("validate")
    if not isinstance(kind, str) or not validations.knows(kind):
        body.messages.append(f"{place}.type must be one of {', '.join(validations.names())}")
    elif (wrong := validations.fault(kind, item)) is not None:
        body.messages.append(f"{place}.{wrong[1]}")
    if item.get("errorMessage") is not None and not isinstance(item["errorMessage"], str):
        body.messages.append(f"{place}.errorMessage must be a string")
    # A bound that is no number is ignored later on (4.5), and kept as it came.
    return _kept_validation(item)


_READERS: dict[str, Callable[[Body, str], Any]] = {
    "text": Body.text,
    "regex": Body.text,
    "flag": Body.flag,
    "texts": Body.texts,
    "key": _key,
    "date_formats": _date_formats,
    "sequence": _sequence,
    "scalar": _default,
    "validations": _validations,
}


def column_properties() -> dict[str, Any]:
    """The fields of a column's body as OpenAPI describes them: those of the template file, where the wire is not
    stricter or wider."""
    of_column = template_file.json_schema()["$defs"]
    rule = {name: item for name, item in of_column["validation"].items() if name in ("type", "properties", "required")}
    return {
        **of_column["column"]["properties"],
        "name": {"type": "string", "minLength": 1},
        "key": {"type": "string", "minLength": 1, "maxLength": KEY_MAX},
        "type": {"enum": list(columns.names())},
        "dateFormats": {"type": "array", "items": {"type": "string"}},
        "sequence": {"type": "integer"},
        "defaultValue": {"type": ["string", "number"]},
        "validations": {"type": "array", "items": rule},
    }


# Runtime schemas (2.8, 5.6)


def schema_faults(value: Any) -> str | None:
    """What is wrong with a runtime schema, in the words of `/v1/common/valid`; None if nothing is."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        return "Invalid schema input. An array of schema object columns is expected."
    if len(value) > COLUMNS_MAX:
        return f"Schema Error : more than {COLUMNS_MAX} columns"
    faults = list(dict.fromkeys(itertools.chain.from_iterable(_item_faults(one) for one in value)))
    return f"Schema Error : {', '.join(faults)}" if faults else None


def repeated_keys(value: Sequence[Mapping[str, Any]]) -> list[str]:
    seen: set[str] = set()
    repeated: dict[str, None] = {}
    for one in value:
        key = one.get("key")
        if isinstance(key, str):
            if key in seen:
                repeated[key] = None
            seen.add(key)
    return list(repeated)


def _item_faults(item: Mapping[str, Any]) -> list[str]:
    faults = []
    key, kind = item.get("key"), item.get("type")
    if key is None or key == "":
        faults.append("'key' should not empty")
    elif not isinstance(key, str):
        faults.append("'key' must be a string")
    elif len(key) > KEY_MAX:
        faults.append(f"'key' must be shorter than or equal to {KEY_MAX} characters")
    for name in ("isRequired", "isUnique"):
        if item.get(name) is not None and not isinstance(item[name], bool):
            faults.append(f"'{name}' must be boolean")
    if kind is not None and (not isinstance(kind, str) or not columns.knows(kind)):
        faults.append(f"entered type must be one of {', '.join(columns.names())}")
    if kind == "Regex" and not item.get("regex"):
        faults.append("'regex' should not empty, when type is Regex")
    elif kind == "Regex" and not _compiles(item["regex"]):
        faults.append("Invalid regex pattern")
    if kind == "Date" and item.get("dateFormats") is not None:
        if not isinstance(item["dateFormats"], list):
            faults.append("'dateFormats' must be an array, when type is Date")
        elif not item["dateFormats"]:
            faults.append("'dateFormats' must not be empty, when type is Date")
    return faults + _unusable(item)


def _compiles(text: Any) -> bool:
    try:
        pattern.parse(text)
    except (pattern.BadPattern, TypeError):
        return False
    return True


def _unusable(item: Mapping[str, Any]) -> list[str]:
    """Beyond the peer's checks: what it would choke on later."""
    faults = []
    kind = item.get("type") or template_file.DEFAULT_TYPE
    own = template_file.column_settings(kind, item) if isinstance(kind, str) and columns.knows(kind) else ()
    for field in (*template_file.COLUMN, *own):
        value = item.get(field.name)
        wrong = None if value is None else _unusable_value(field, value, kind)
        faults += [wrong] if wrong else []
    return faults or _hopeless(item)


def _unusable_value(field: Field, value: Any, kind: Any) -> str | None:
    """Fields that the peer judges itself have its words already."""
    name, of = field.name, field.kind.name
    if name in ("key", "type", "isRequired", "isUnique", "sequence"):
        return None
    if of in ("text", "regex") or name == "delimiter":
        return None if isinstance(value, str) else f"'{name}' must be a string"
    if of in ("texts", "date_formats"):
        if of == "date_formats" and kind == "Date" and not isinstance(value, list):
            return None
        good = isinstance(value, list) and all(isinstance(one, str) for one in value)
        return None if good else f"'{name}' must be an array of strings"
    if of == "flag":
        return None if isinstance(value, bool) else f"'{name}' must be boolean"
    if of == "scalar":
        return None if isinstance(value, str) or is_number(value) else f"'{name}' must be a string or a number"
    if of == "validations":
        known = validations.names()
        good = isinstance(value, list) and all(isinstance(one, dict) and one.get("validate") in known for one in value)
        return None if good else "'validations' must be an array of validations"
    try:
        field.kind.read(Given(value, name, name))
    except BadTemplate as error:
        return error.reason
    return None


def _hopeless(item: Mapping[str, Any]) -> list[str]:
    """A definition that nothing could ever meet; one that is faulty otherwise has been told so."""
    try:
        columns.refuse_hopeless(template_file.column_from_document(item))
    except BadTemplate as error:
        return [error.reason] if error.code == columns.HOPELESS else []
    return []


def runtime_columns(value: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A sound runtime schema, normalised (5.6): of a repeated key the last one counts, at the place of the first."""
    by_key: dict[str, dict[str, Any]] = {}
    for number, item in enumerate(value):
        kind = item.get("type") or template_file.DEFAULT_TYPE
        wanted = {
            field.name: item.get(field.name)
            for field in (*template_file.COLUMN, *template_file.column_settings(kind, item))
        }
        formats = item.get("dateFormats")
        wanted |= {
            "name": item.get("name") or "Untitled Column",
            "type": kind,
            "dateFormats": [template_file.date_format(one) for one in formats] if formats else None,
            "delimiter": item.get("delimiter") or None,
            "validations": [_kept_validation(one) for one in item.get("validations") or []],
            "sequence": number,
        }
        by_key[item["key"]] = {name: found for name, found in wanted.items() if found is not None}
    return list(by_key.values())


def _kept_validation(item: Mapping[str, Any]) -> dict[str, Any]:
    kind = item.get("validate")
    own = template_file.validation_settings(kind, item) if isinstance(kind, str) and validations.knows(kind) else ()
    kept = [*template_file.VALIDATION_FIELDS, *(field.name for field in own)]
    return {name: item[name] for name in kept if item.get(name) is not None}
