"""Templates from the schemas of others: Frictionless Table Schema (or a data package) and JSON Schema.

What a schema says and a template cannot is told, a sentence each, and never guessed at. Sources: Table Schema 1 and 2
(specs.frictionlessdata.io), JSON Schema draft 4 to 2020-12 (json-schema.org).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from douane.errors import BadTemplate
from douane.sheet import columns
from douane.sheet.learning import key_of
from douane.sheet.template_file import column_from_document

COLUMNS_MAX = 16_384
_REFERENCES_MAX = 20  # of one property, one leading to the next
_PARTS_MAX = 200  # of one property, in one another
# What parts of one thing may say each for itself.
_TOLD_TOO = frozenset(("title", "description", "properties", "required", "default", "$defs", "definitions", "allOf"))

Document = dict[str, Any]

# What Table Schema takes for yes and no where a field does not say.
_TRUE, _FALSE = ["true", "True", "TRUE", "1"], ["false", "False", "FALSE", "0"]
_DATE_SIGNS = {
    "Y": "YYYY",
    "y": "YY",
    "m": "MM",
    "d": "DD",
    "b": "MMM",
    "B": "MMMM",
    "H": "HH",
    "M": "mm",
    "S": "ss",
    "I": "hh",
    "p": "A",
    "z": "ZZ",
    "%": "%",
}
_FORMATS = {
    "email": "Email",
    "idn-email": "Email",
    "uri": "Url",
    "url": "Url",
    "iri": "Url",
    "date": "Date",
    "date-time": "DateTime",
    "time": "Time",
}
_ISO = {
    "Date": ["YYYY-MM-DD"],
    "DateTime": ["YYYY-MM-DDTHH:mm:ssZ", "YYYY-MM-DDTHH:mm:ss.SSSZ", "YYYY-MM-DDTHH:mm:ss"],
    "Time": ["HH:mm:ss", "HH:mm:ssZ"],
}
_UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"


def columns_of(document: Any) -> list[Document] | None:
    """The columns that a schema asks for, in template-file form, each with `notes`, sentences on what of it a template
    cannot say; None for what is no schema. BadTemplate for one that has no columns, or too many."""
    if not isinstance(document, dict):
        return None
    resources = document.get("resources")
    if isinstance(resources, list) and resources and isinstance(resources[0], dict):
        document = resources[0].get("schema")
        if not isinstance(document, dict):
            return None
    if isinstance(fields := document.get("fields"), list) and all(isinstance(one, dict) for one in fields):
        found = list(_of_table_schema(document, fields))
    elif (properties := _properties(document)) is not None:
        found = list(_of_json_schema(document, *properties))
    else:
        return None
    if not found:
        raise BadTemplate("The schema describes no columns.")
    if len(found) > COLUMNS_MAX:
        raise BadTemplate(f"The schema describes more than {COLUMNS_MAX} columns.")
    taken: set[str] = set()
    return [_sound(one, taken) for one in found]


def _sound(column: Document, taken: set[str]) -> Document:
    """As it is, or what of it can be a column: every one that is handed out can be saved."""
    key = column["key"]
    if key in taken or not key:
        column["key"] = key_of(key, taken)
        column["notes"].append(f"The key {key!r} is there twice; here it is {column['key']!r}.")
    taken.add(column["key"])
    try:
        _try(column)
        return column
    except BadTemplate as error:
        plain: Document = {
            name: column[name] for name in ("key", "name", "description", "isRequired") if name in column
        }
        return {**plain, "type": "String", "notes": [*column["notes"], f"Taken as text: {error.reason}"]}


def _try(column: Document) -> None:
    whole = column_from_document({name: value for name, value in column.items() if name != "notes"}, strict=True)
    columns.judge(whole)
    columns.refuse_hopeless(whole)


def _column(key: str, title: Any, description: Any) -> Document:
    made: Document = {"key": key, "name": title if isinstance(title, str) and title.strip() else key, "type": "String"}
    if isinstance(description, str) and description:
        made["description"] = description
    return {**made, "notes": []}


# Table Schema


def _of_table_schema(schema: Mapping[str, Any], fields: Sequence[Mapping[str, Any]]) -> Iterator[Document]:
    primary = _texts(schema.get("primaryKey"))
    missing = [one for one in _texts(schema.get("missingValues", [""])) if one]
    foreign = {name for one in _dicts(schema.get("foreignKeys")) for name in _texts(one.get("fields"))}
    for number, field in enumerate(fields, 1):
        name = str(field.get("name") or f"field{number}")
        column = _column(name, field.get("title"), field.get("description"))
        constraints = field.get("constraints")
        constraints = constraints if isinstance(constraints, dict) else {}
        _type_of_field(column, str(field.get("type") or "string"), str(field.get("format") or "default"), field)
        if constraints.get("required") is True or name in primary:
            column["isRequired"] = True
        _constrained(column, constraints, whole_pattern=True)
        if constraints.get("unique") is True or primary == [name]:
            column["isUnique"] = True
        if name in primary and len(primary) > 1:
            column.setdefault("validations", []).append({"validate": "unique_with", "uniqueKey": "primaryKey"})
        if missing:
            column["notes"].append(f"Cells that mean nothing ({', '.join(missing)}) are taken as they are written.")
        if name in foreign:
            column["notes"].append("A foreign key is not asked for.")
        yield column


def _type_of_field(column: Document, kind: str, form: str, field: Mapping[str, Any]) -> None:
    if kind == "string":
        column["type"] = _FORMATS.get(form, "String")
        if form == "uuid":
            column.update(type="Regex", regex=_UUID)
        elif form == "binary":
            column["notes"].append("That the text is base64 is not asked for.")
    elif kind in ("integer", "number"):
        column["type"] = "Number" if kind == "integer" else "Double"
        for sign, name in (("decimalChar", "decimal"), ("groupChar", "group")):
            if isinstance(field.get(sign), str) and (name, field[sign]) != ("decimal", "."):
                column[name] = field[sign]
        if kind == "integer":
            column["notes"].append("Decimals are taken too.")
        if field.get("bareNumber") is False:
            column["notes"].append("Signs around a number, as of a currency, are not taken.")
    elif kind == "boolean":
        column["type"] = "Boolean"
        column["trueValues"] = _texts(field.get("trueValues")) or _TRUE
        column["falseValues"] = _texts(field.get("falseValues")) or _FALSE
    elif kind in ("date", "datetime", "time"):
        column["type"] = {"date": "Date", "datetime": "DateTime", "time": "Time"}[kind]
        column["dateFormats"] = [*_ISO[column["type"]]]
        if form == "any":
            column["notes"].append("Only ISO 8601 is taken, where the schema takes any way of writing.")
        elif form != "default":
            spelled = _spelled(form)
            if spelled is None:
                column["notes"].append(f"The format {form} is not known; ISO 8601 is taken.")
            else:
                column["dateFormats"] = [spelled]
    elif kind in ("year", "yearmonth"):
        column.update(type="Regex", regex=r"^-?\d{4}$" if kind == "year" else r"^-?\d{4}-(0[1-9]|1[0-2])$")
    elif kind == "list":
        _several(column, field.get("constraints"))
    elif kind == "any":
        column["type"] = "Any"
    else:
        column["notes"].append(f"Taken as text: there is no type for {kind}.")


def _several(column: Document, constraints: Any) -> None:
    options = _texts(constraints.get("enum")) if isinstance(constraints, dict) else []
    if options:
        column.update(type="Select", allowMultiSelect=True, selectValues=options)
    else:
        column["notes"].append("Taken as text: several values are taken only of a list of values.")


def _spelled(form: str) -> str | None:
    """A format of strptime in our words."""
    made, rest = "", form.removeprefix("fmt:")
    while rest:
        if rest[0] == "%" and len(rest) > 1:
            if rest[1] not in _DATE_SIGNS:
                return None
            made, rest = made + _DATE_SIGNS[rest[1]], rest[2:]
        else:
            made, rest = made + (f"[{rest[0]}]" if rest[0].isalpha() and rest[0] != "T" else rest[0]), rest[1:]
    return made


# JSON Schema


def _properties(schema: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    """(the object that a record is, its properties); a list of records is as good as a record."""
    record = _whole(schema, schema)
    if isinstance(record.get("items"), dict):
        record = _whole(schema, record["items"])
    properties = record.get("properties")
    return (record, properties) if isinstance(properties, dict) else None


def _of_json_schema(
    root: Mapping[str, Any], record: Mapping[str, Any], properties: Mapping[str, Any]
) -> Iterator[Document]:
    required = _texts(record.get("required"))
    for name, one in properties.items():
        said = _whole(root, one) if isinstance(one, dict) else {}
        column = _column(name, said.get("title"), said.get("description"))
        _type_of_property(column, said, root)
        if name in required:
            column["isRequired"] = True
        _constrained(column, said, whole_pattern=False)
        default = said.get("default")
        if isinstance(default, str | int | float) and not isinstance(default, bool):
            column["defaultValue"] = default
        for word in ("oneOf", "anyOf", "allOf", "not", "if"):
            if word in said:
                column["notes"].append(f"{word} is not asked for.")
        yield column


def _type_of_property(column: Document, said: Mapping[str, Any], root: Mapping[str, Any]) -> None:
    kinds = [kind for kind in _texts(said.get("type")) if kind != "null"]
    form = said.get("format")
    if len(kinds) > 1:
        column["notes"].append(f"Taken as text: it may be of several types ({', '.join(kinds)}).")
    elif kinds in (["integer"], ["number"]):
        column["type"] = "Number" if kinds == ["integer"] else "Double"
        if kinds == ["integer"]:
            column["notes"].append("Decimals are taken too.")
    elif kinds == ["boolean"]:
        column["type"] = "Boolean"
    elif kinds == ["array"]:
        items = said.get("items")
        _several(column, _whole(root, items) if isinstance(items, dict) else {})
    elif kinds == ["object"]:
        column["notes"].append("Taken as text: a cell holds no object.")
    elif form == "uuid":
        column.update(type="Regex", regex=_UUID)
    elif isinstance(form, str):
        column["type"] = _FORMATS.get(form, "String")
        if column["type"] in _ISO:
            column["dateFormats"] = _ISO[column["type"]]
        elif form not in _FORMATS:
            column["notes"].append(f"The format {form} is not asked for.")
    elif not kinds and "enum" not in said and "const" not in said:
        column["type"] = "Any"


def _resolved(root: Mapping[str, Any], said: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference within the document leads to. Others are not followed: they are addresses."""
    for _ in range(_REFERENCES_MAX):
        reference = said.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#"):
            return said
        found: Any = root
        for step in reference[1:].split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            found = found.get(step) if isinstance(found, dict) else None
        if not isinstance(found, dict):
            return said
        said = {**found, **{name: value for name, value in said.items() if name != "$ref"}}
    return said


def _whole(root: Mapping[str, Any], said: Mapping[str, Any], left: list[int] | None = None) -> Mapping[str, Any]:
    """The same with what its parts say together (`allOf`), and with the one thing that it may be beside nothing:
    programs write `anyOf` with `null` for what may be absent, and `allOf` around a reference. A choice of constants is
    a list. What parts say differently stays unsaid: then `allOf` is still there. `left`: how many parts are looked at
    yet."""
    left = [_PARTS_MAX] if left is None else left
    said = _resolved(root, said)
    left[0] -= 1
    if left[0] < 0:
        return said
    if parts := _dicts(said.get("allOf")):
        own = {name: value for name, value in said.items() if name != "allOf"}
        merged: Document = {}
        for part in (*(_whole(root, one, left) for one in parts), own):
            differ = [name for name in part if name not in _TOLD_TOO and merged.get(name, part[name]) != part[name]]
            properties = [one["properties"] for one in (merged, part) if isinstance(one.get("properties"), dict)]
            required = [*_texts(merged.get("required")), *_texts(part.get("required"))]
            merged = {**merged, **part, **({"allOf": parts} if differ else {})}
            if properties:
                merged["properties"] = {name: one for found in properties for name, one in found.items()}
            if required:
                merged["required"] = required
        said = merged
    for word in ("anyOf", "oneOf"):
        ways = [_whole(root, one, left) for one in _dicts(said.get(word))]
        ways = [one for one in ways if one.get("type") != "null"]
        rest = {name: value for name, value in said.items() if name != word}
        if len(ways) == 1:
            said = {**ways[0], **rest}
        elif ways and all("const" in one for one in ways):
            said = {"enum": [one["const"] for one in ways], **rest}
    return said


# Both


def _constrained(column: Document, said: Mapping[str, Any], *, whole_pattern: bool) -> None:
    rules: list[Document] = []
    options = said.get("enum", [said["const"]] if "const" in said else None)
    if isinstance(options, list) and options and column["type"] != "Select":
        texts = [_text(one) for one in options if one is not None]
        column.update(type="Select", selectValues=list(dict.fromkeys(texts)))
    numeric = column["type"] in ("Number", "Double")
    for low, high, name, known in (
        ("minLength", "maxLength", "length", column["type"] == "String"),
        ("minimum", "maximum", "range", numeric),
    ):
        bounds = {side: said[word] for side, word in (("min", low), ("max", high)) if _is_number(said.get(word))}
        if bounds and known:
            rules.append({"validate": name, **bounds})
        elif any(word in said for word in (low, high)):
            column["notes"].append(f"{low} and {high} are not asked for.")
    for word in ("exclusiveMinimum", "exclusiveMaximum", "multipleOf", "jsonSchema", "minItems", "maxItems"):
        if word in said:
            column["notes"].append(f"{word} is not asked for.")
    pattern = said.get("pattern")
    if isinstance(pattern, str) and pattern:
        if column["type"] == "String":
            column.update(type="Regex", regex=f"^(?:{pattern})$" if whole_pattern else pattern)
            if rules:
                rules = []
                column["notes"].append("minLength and maxLength are not asked for beside a pattern.")
        else:
            column["notes"].append("pattern is not asked for.")
    if rules:
        column["validations"] = rules
        _let_be_empty(column, rules[0])


def _let_be_empty(column: Document, rule: Document) -> None:
    """A least length is for values that are there; our rule, as the contract has it, measures empty cells too, a
    pattern only those that are not. A file has no text that is there and empty."""
    if rule["validate"] != "length" or column.get("isRequired") or rule.get("min", 0) <= 0:
        return
    least, most = rule.pop("min"), f"{rule['max']:.0f}" if "max" in rule else ""
    if least <= 1:
        column["validations"] = [rule] if "max" in rule else []
    else:
        column.update(type="Regex", regex=f"^[\\s\\S]{{{least:.0f},{most}}}$", validations=[])
        column["regexDescription"] = f"{least:.0f} to {most} characters" if most else f"at least {least:.0f} characters"
    if not column["validations"]:
        del column["validations"]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else re.sub(r"\.0$", "", str(value))


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _dicts(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
