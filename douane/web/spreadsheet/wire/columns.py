"""Columns as clients send them: one of a template (2.6), and those of a runtime schema (2.8, 5.6)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from douane.model.template import COLUMN_TYPES, VALIDATIONS
from douane.sheet import pattern
from douane.web.spreadsheet.wire.bodies import INDEX_MAX, Body, array_body, is_number, is_numeric

# What a column added alone is delivered with where a record has no field for it (2.6, 4.9).
NEW_COLUMN_DEFAULT = "<<null>>"
COLUMN_KEY_TAKEN = "Column with the same key already exists. Please use a unique key in column."
COLUMN_KEYS_TAKEN = 'Column with the same key already exists. Please provide a unique key from "Validations".'
# Edited cells are kept under the column's key, which the database indexes.
KEY_MAX = 500
# The order in which the peer's message names them.
TYPE_NAMES = ("String", "Number", "Date", "Email", "Regex", "Select", "Any", "Double", "Image")
assert set(TYPE_NAMES) == set(COLUMN_TYPES)


def column_body(value: Mapping[str, Any], *, stored: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A column as a client sends it (2.6) → its document in template-file form, whole. `stored`: the document it
    replaces, whose fields stand where the body has none."""
    body = Body(value)
    wanted = _column(body, stored or {})
    body.done()
    return wanted


def column_bodies(value: Any) -> list[dict[str, Any]]:
    """Several (PUT columns, a template's `columns`); the messages of the first wrong one are answered."""
    return [column_body(item) for item in array_body(value)]


def _column(body: Body, stored: Mapping[str, Any]) -> dict[str, Any]:
    given = body.fields
    name = body.text("name", required=True)
    key = body.text("key", required=True)
    if key is not None and len(key) > KEY_MAX:
        body.wrong("key", f"must be shorter than or equal to {KEY_MAX} characters")
    kind = body.choice("type", TYPE_NAMES, required=True)
    formats = body.texts("dateFormats")
    fresh = {
        "name": name,
        "key": key,
        "type": kind,
        "description": body.text("description"),
        "alternateKeys": body.texts("alternateKeys"),
        "isRequired": body.flag("isRequired"),
        "isUnique": body.flag("isUnique"),
        "isFrozen": body.flag("isFrozen"),
        "regex": body.text("regex"),
        "regexDescription": body.text("regexDescription"),
        "selectValues": body.texts("selectValues"),
        "dateFormats": None if formats is None else [one.upper() for one in formats],
        "allowMultiSelect": body.flag("allowMultiSelect"),
        "delimiter": _delimiter(body),
        "sequence": _sequence(body),
        "defaultValue": _default(body),
        "validations": _validations(body),
    }
    if kind == "Regex" and not (fresh["regex"] or stored.get("regex")):
        body.wrong("regex", "should not be empty")
    kept = {name: value for name, value in stored.items() if name not in given}
    return {**kept, **{name: value for name, value in fresh.items() if value is not None}}


def _delimiter(body: Body) -> str | None:
    value = body.fields.get("delimiter")
    if value is not None and value not in (",", ";"):
        body.messages.append("Delimiter must be one of ,, ;")
        return None
    return value


def _sequence(body: Body) -> int | None:
    value = body.number("sequence")
    if value is not None and (value != int(value) or abs(value) > INDEX_MAX):
        body.wrong("sequence", "must be an integer number")
        return None
    return None if value is None else int(value)


def _default(body: Body) -> str | int | float | None:
    value = body.fields.get("defaultValue")
    if value is not None and not isinstance(value, str) and not is_number(value):
        body.wrong("defaultValue", "must be a string")
        return None
    return value


def _validations(body: Body) -> list[dict[str, Any]] | None:
    value = body.fields.get("validations")
    if value is None:
        return None
    if not isinstance(value, list):
        body.wrong("validations", "must be an array")
        return None
    return [_validation(body, number, item) for number, item in enumerate(value)]


def _validation(body: Body, number: int, item: Any) -> dict[str, Any]:
    place = f"validations.{number}"
    if not isinstance(item, dict):
        body.messages.append(f"each value in nested property {body.prefix}validations must be either object or array")
        return {}
    kind = item.get("validate")
    if kind not in VALIDATIONS or not isinstance(kind, str):
        body.messages.append(f"{place}.type must be one of range, length, unique_with, digits")
    for bound in ("min", "max"):
        if kind == "digits" and item.get(bound) is not None and not is_numeric(item[bound]):
            body.messages.append(f"{place}.Invalid number of digits")
            break
    if kind == "unique_with" and not isinstance(item.get("uniqueKey"), str):
        body.messages.append(f"{place}.uniqueKey must be a string")
    if item.get("errorMessage") is not None and not isinstance(item["errorMessage"], str):
        body.messages.append(f"{place}.errorMessage must be a string")
    kept = ("validate", "errorMessage", "min", "max", "uniqueKey")
    # A bound that is no number is ignored later on (4.5), and kept as it came.
    return {name: item[name] for name in kept if item.get(name) is not None}


# Runtime schemas (2.8, 5.6)


def schema_faults(value: Any) -> str | None:
    """What is wrong with a runtime schema, in the words of `/v1/common/valid`; None if nothing is."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        return "Invalid schema input. An array of schema object columns is expected."
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
    if kind is not None and (not isinstance(kind, str) or kind not in COLUMN_TYPES):
        faults.append(f"entered type must be one of {', '.join(TYPE_NAMES)}")
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
    texts, lists = ("name", "description", "regex", "delimiter"), ("alternateKeys", "selectValues", "dateFormats")
    faults = [
        f"'{name}' must be a string" for name in texts if item.get(name) is not None and not isinstance(item[name], str)
    ]
    for name in lists:
        value = item.get(name)
        if name == "dateFormats" and item.get("type") == "Date" and not isinstance(value, list):
            continue  # the peer has its own words for that
        if value is not None and not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
            faults.append(f"'{name}' must be an array of strings")
    if item.get("validations") is not None and (
        not isinstance(item["validations"], list)
        or not all(isinstance(one, dict) and one.get("validate") in VALIDATIONS for one in item["validations"])
    ):
        faults.append("'validations' must be an array of validations")
    default = item.get("defaultValue")
    if default is not None and not isinstance(default, str) and not is_number(default):
        faults.append("'defaultValue' must be a string or a number")
    for name in ("isFrozen", "allowMultiSelect"):
        if item.get(name) is not None and not isinstance(item[name], bool):
            faults.append(f"'{name}' must be boolean")
    return faults


def runtime_columns(value: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A sound runtime schema, normalised (5.6): of a repeated key the last one counts, at the place of the first."""
    by_key: dict[str, dict[str, Any]] = {}
    for number, item in enumerate(value):
        formats = item.get("dateFormats")
        wanted = {
            "key": item["key"],
            "name": item.get("name") or "Untitled Column",
            "type": item.get("type") or "String",
            "description": item.get("description"),
            "alternateKeys": item.get("alternateKeys"),
            "isRequired": item.get("isRequired"),
            "isUnique": item.get("isUnique"),
            "isFrozen": item.get("isFrozen"),
            "regex": item.get("regex"),
            "selectValues": item.get("selectValues"),
            "dateFormats": [one.upper() for one in formats] if formats else None,
            "allowMultiSelect": item.get("allowMultiSelect"),
            "delimiter": item.get("delimiter") or None,
            "defaultValue": item.get("defaultValue"),
            "validations": [_kept_validation(one) for one in item.get("validations") or []],
            "sequence": number,
        }
        by_key[item["key"]] = {name: found for name, found in wanted.items() if found is not None}
    return list(by_key.values())


def _kept_validation(item: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("validate", "errorMessage", "min", "max", "uniqueKey")
    return {name: item[name] for name in kept if item.get(name) is not None}
