"""Templates as documents: read from a template file or a call, checked, and written back.

The document form is the spreadsheet contract's section 3.4 (`isRequired`, `selectValues` ...), the same for the
template file of `douane check` (YAML or JSON, already parsed), for columns over `/v1` and for a runtime schema. The
sentences of faults are the contract's (2.6, 2.8). `template.schema.json` beside this file is its JSON Schema.
"""

from __future__ import annotations

import difflib
import math
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from douane.errors import BadTemplate
from douane.model.template import VALIDATIONS, Column, Template, Validation
from douane.sheet import pattern

TYPES = ("String", "Number", "Date", "Email", "Regex", "Select", "Any", "Double", "Image")  # in the contract's order
DELIMITERS = (",", ";")
DUPLICATE_KEYS = "duplicate_keys"  # the code of a BadTemplate about keys given twice; surfaces answer it differently

TEMPLATE_FIELDS = ("name", "columns")
COLUMN_FIELDS = (
    "key",
    "name",
    "type",
    "isRequired",
    "isUnique",
    "isFrozen",
    "selectValues",
    "dateFormats",
    "regex",
    "regexDescription",
    "defaultValue",
    "alternateKeys",
    "delimiter",
    "allowMultiSelect",
    "description",
    "validations",
    "sequence",
)
VALIDATION_FIELDS = ("validate", "min", "max", "uniqueKey", "errorMessage")
# What a column carries when it was copied out of an answer of `/v1`; it means nothing here.
_CARRIED = {"_id", "id", "_templateId", "__v", "createdAt", "updatedAt", "columnHeading", "_projectId", "mode"}


def read_template(document: object, *, strict: bool = False) -> Template:
    """The template in a parsed document `{name, columns: [...]}`. BadTemplate with the place and the reason.

    `strict` is for files people write by hand: unknown fields, which calls may carry and which mean nothing, are faults
    there, for they are typing errors."""
    if not isinstance(document, Mapping):
        raise BadTemplate("A template is an object with `name` and `columns`.")
    if strict:
        _refuse_unknown(document, TEMPLATE_FIELDS, "")
    items = document.get("columns")
    if not isinstance(items, list):
        raise BadTemplate("An array of column objects is expected.", place="columns")
    if strict and not items:
        raise BadTemplate("A template needs at least one column.", place="columns")
    columns = tuple(
        column_from_document(item, f"columns[{number}]", strict=strict, sequence=number)
        for number, item in enumerate(items)
    )
    twice = [key for key, times in Counter(column.key for column in columns).items() if times > 1]
    if twice:
        raise BadTemplate(
            "Column with the same key already exists. Please use a unique key in column. "
            f"Duplicate Keys Found for {', '.join(twice)}",
            place="columns",
            code=DUPLICATE_KEYS,
        )
    return Template(_text(document, "name", "", "", "template"), columns)


def column_from_document(document: object, place: str = "", *, strict: bool = False, sequence: int = 0) -> Column:
    """One column. `place` is where it stands in the whole document, e.g. `columns[3]`; `sequence` is its number where
    it names none. BadTemplate with the place of the faulty field."""
    if not isinstance(document, Mapping):
        raise BadTemplate("A column is an object with `key`, `name` and `type`.", place=place)
    if strict:
        _refuse_unknown(document, COLUMN_FIELDS, place)
    key = document.get("key")
    if key is None or key == "":
        raise BadTemplate("'key' should not empty", place=_at(place, "key"))
    if not isinstance(key, str):
        raise BadTemplate("'key' must be a string", place=_at(place, "key"))
    kind = _type(document, place)
    identity = document.get("_id", document.get("id"))
    return Column(
        key=key,
        name=_text(document, "name", place, "", "Untitled Column"),
        type=kind,
        id=identity if isinstance(identity, str) else None,
        description=_text(document, "description", place),
        alternate_keys=_texts(document, "alternateKeys", place, strict),
        required=_flag(document, "isRequired", place),
        unique=_flag(document, "isUnique", place),
        frozen=_flag(document, "isFrozen", place),
        pattern=_pattern(document, kind, place),
        pattern_description=_text(document, "regexDescription", place),
        options=_texts(document, "selectValues", place, strict),
        date_formats=_date_formats(document, kind, place),
        multi=_flag(document, "allowMultiSelect", place),
        delimiter=_delimiter(document, place),
        default=_default(document, place),
        validations=_validations(document, place, strict),
        sequence=_sequence(document, place, sequence),
    )


def column_to_document(column: Column) -> dict[str, Any]:
    """The column in the contract's form, every field of COLUMN_FIELDS; `column_from_document` reads it back equal (but
    for `id`, which is the surface's to show)."""
    return {
        "key": column.key,
        "name": column.name,
        "type": column.type,
        "isRequired": column.required,
        "isUnique": column.unique,
        "isFrozen": column.frozen,
        "selectValues": list(column.options),
        "dateFormats": list(column.date_formats),
        "regex": column.pattern,
        "regexDescription": column.pattern_description,
        "defaultValue": column.default,
        "alternateKeys": list(column.alternate_keys),
        "delimiter": column.delimiter,
        "allowMultiSelect": column.multi,
        "description": column.description,
        "validations": [_validation_document(validation) for validation in column.validations],
        "sequence": column.sequence,
    }


def column_types() -> tuple[str, ...]:
    """The names a column's `type` may have: the contract's, then those of third parties. Loads none of them."""
    return tuple(dict.fromkeys([*TYPES, *(entry.name for entry in entry_points(group="douane.columns"))]))


def _validation_document(validation: Validation) -> dict[str, Any]:
    document: dict[str, Any] = {"validate": validation.validate}
    if validation.min is not None:
        document["min"] = validation.min
    if validation.max is not None:
        document["max"] = validation.max
    if validation.unique_key:
        document["uniqueKey"] = validation.unique_key
    if validation.error_message:
        document["errorMessage"] = validation.error_message
    return document


def _at(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _refuse_unknown(document: Mapping[Any, Any], known: tuple[str, ...], place: str) -> None:
    by_lower = {name.lower(): name for name in known}
    for name in document:
        if name in known or name in _CARRIED:
            continue
        close = difflib.get_close_matches(str(name).lower(), by_lower, n=1, cutoff=0.7)
        hint = f" Did you mean `{by_lower[close[0]]}`?" if close else f" Known are {', '.join(known)}."
        raise BadTemplate(f"There is no field `{name}` here.{hint}", place=_at(place, str(name)))


def _text(document: Mapping[Any, Any], name: str, place: str, empty: str = "", default: str = "") -> str:
    value = document.get(name)
    if value is None or value == empty:
        return default
    if not isinstance(value, str):
        raise BadTemplate(f"'{name}' must be a string", place=_at(place, name))
    return value


def _flag(document: Mapping[Any, Any], name: str, place: str) -> bool:
    value = document.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise BadTemplate(f"'{name}' must be boolean", place=_at(place, name))
    return value


def _texts(document: Mapping[Any, Any], name: str, place: str, strict: bool) -> tuple[str, ...]:
    value = document.get(name)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise BadTemplate(f"'{name}' must be an array", place=_at(place, name))
    texts: list[str] = []
    for number, item in enumerate(value):
        if isinstance(item, str):
            texts.append(item)
        elif isinstance(item, int | float) and not isinstance(item, bool) and not strict:
            texts.append(str(item))
        else:
            # YAML turns an unquoted `no` or `1.10` into something else than these letters.
            raise BadTemplate("This must be text: put it in quotes.", place=f"{_at(place, name)}[{number}]")
    return tuple(texts)


def _type(document: Mapping[Any, Any], place: str) -> str:
    value = document.get("type")
    if value is None or value == "":
        return "String"
    if value not in column_types():
        shown = ", ".join(column_types())
        raise BadTemplate(f"type must be one of {shown}", place=_at(place, "type"), code="column_type")
    return str(value)


def _pattern(document: Mapping[Any, Any], kind: str, place: str) -> str:
    text = _text(document, "regex", place)
    if not text:
        if kind == "Regex":
            raise BadTemplate("'regex' should not empty, when type is Regex", place=_at(place, "regex"))
        return ""
    try:
        pattern.parse(text)
    except pattern.BadPattern as error:
        reason = f"Text ({text}) is not valid Regular expression!"
        raise BadTemplate(reason, place=_at(place, "regex"), code="pattern") from error
    return text


def _date_formats(document: Mapping[Any, Any], kind: str, place: str) -> tuple[str, ...]:
    """Upper-cased, as the contract saves them. None given: `DD/MM/YYYY`."""
    value = document.get("dateFormats")
    if value is None or value == []:
        return ("DD/MM/YYYY",)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadTemplate("'dateFormats' must be an array, when type is Date", place=_at(place, "dateFormats"))
    if kind == "Date" and not all(item.strip() for item in value):
        raise BadTemplate("'dateFormats' must not be empty, when type is Date", place=_at(place, "dateFormats"))
    return tuple(item.upper() for item in value)


def _delimiter(document: Mapping[Any, Any], place: str) -> str:
    value = document.get("delimiter")
    if value is None or value == "":
        return ","
    if value not in DELIMITERS:
        raise BadTemplate(f"Delimiter must be one of {', '.join(DELIMITERS)}", place=_at(place, "delimiter"))
    return str(value)


def _default(document: Mapping[Any, Any], place: str) -> str | int | float | None:
    value = document.get("defaultValue")
    if value is None or isinstance(value, str | int | float):
        return value
    raise BadTemplate("'defaultValue' must be a string or a number", place=_at(place, "defaultValue"))


def _sequence(document: Mapping[Any, Any], place: str, default: int) -> int:
    value = _number(document.get("sequence"))
    return default if value is None else int(value)


def _validations(document: Mapping[Any, Any], place: str, strict: bool) -> tuple[Validation, ...]:
    value = document.get("validations")
    if value is None:
        return ()
    if not isinstance(value, list):
        raise BadTemplate("'validations' must be an array", place=_at(place, "validations"))
    return tuple(
        _validation(item, number, f"{_at(place, 'validations')}[{number}]", strict) for number, item in enumerate(value)
    )


def _validation(document: object, number: int, place: str, strict: bool) -> Validation:
    if not isinstance(document, Mapping):
        raise BadTemplate("A validation is an object with `validate`.", place=place)
    if strict:
        _refuse_unknown(document, VALIDATION_FIELDS, place)
    kind = document.get("validate")
    if kind not in VALIDATIONS:
        reason = f"validations.{number}.type must be one of {', '.join(VALIDATIONS)}"
        raise BadTemplate(reason, place=_at(place, "validate"))
    for name in ("min", "max"):
        bound = document.get(name)
        if kind == "digits" and bound is not None and not _numeric(bound):
            raise BadTemplate(f"validations.{number}.Invalid number of digits", place=_at(place, name))
    unique_key = document.get("uniqueKey")
    if kind == "unique_with" and (not isinstance(unique_key, str) or not unique_key.strip()):
        raise BadTemplate(f"validations.{number}.uniqueKey must be a string", place=_at(place, "uniqueKey"))
    return Validation(
        validate=str(kind),
        min=_number(document.get("min")),
        max=_number(document.get("max")),
        unique_key=unique_key if isinstance(unique_key, str) else "",
        error_message=_text(document, "errorMessage", place),
    )


def _number(value: object) -> int | float | None:
    """Bounds that are not of number type are ignored (contract 4.5)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def _numeric(value: object) -> bool:
    if isinstance(value, str):
        try:
            return math.isfinite(float(value))
        except ValueError:
            return False
    return _number(value) is not None
