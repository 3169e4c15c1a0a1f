"""Templates as documents: read from a template file or a call, checked, and written back.

The document form is the spreadsheet contract's section 3.4 (`isRequired`, `selectValues` ...), the same for the
template file of `douane check` (YAML or JSON, already parsed), for columns over `/v1` and for a runtime schema. The
sentences of faults are the contract's (2.6, 2.8). The tables COLUMN and VALIDATION say every field once; what a column
type or a validation knows beside them comes from its shelf, and is loaded only where a document names it, for the
command line reads templates without loading what judges cells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from douane.errors import BadTemplate
from douane.model.template import Column, Settings, Template, Validation
from douane.sheet import columns, date_tokens, pattern, validations
from douane.sheet.fields import BOUND, FLAG, SCALAR, TEXT, TEXTS, Field, Given, Kind, at, choice, number_or_none
from douane.sheet.rule import NOTE_LEVELS, NOTE_NAMES

DELIMITERS = (",", ";")
DUPLICATE_KEYS = "duplicate_keys"  # the code of a BadTemplate about keys given twice; surfaces answer it differently
DEFAULT_TYPE = "String"

# What a column carries when it was copied out of an answer of `/v1`; it means nothing here.
_CARRIED = {"_id", "id", "_templateId", "__v", "createdAt", "updatedAt", "columnHeading", "_projectId", "mode", "says"}


# Kinds of fields that only columns have


def _key(given: Given) -> str:
    if not isinstance(given.value, str):
        raise given.fault("'key' must be a string")
    return given.value


def _type(given: Given) -> str:
    if not isinstance(given.value, str) or not columns.knows(given.value):
        raise given.fault(f"type must be one of {', '.join(columns.names())}", code="column_type")
    return given.value


def _regex(given: Given) -> str:
    if not isinstance(given.value, str):
        raise given.fault("'regex' must be a string")
    try:
        pattern.parse(given.value)
    except pattern.BadPattern as error:
        raise given.fault(f"Text ({given.value}) is not valid Regular expression!", code="pattern") from error
    return given.value


def _date_formats(given: Given) -> tuple[str, ...]:
    """Upper-cased, as the contract saves them."""
    if not isinstance(given.value, list) or not all(isinstance(item, str) for item in given.value):
        raise given.fault("'dateFormats' must be an array, when type is Date")
    if given.column_type == "Date" and not all(item.strip() for item in given.value):
        raise given.fault("'dateFormats' must not be empty, when type is Date")
    return tuple(date_format(item) for item in given.value)


# As it is kept.
date_format = date_tokens.normal


def _whole(number: int | float | None) -> int | None:
    return None if number is None else int(number)


def _notes(given: Given) -> tuple[tuple[str, str], ...]:
    if not isinstance(given.value, Mapping):
        raise given.fault(f"'{given.name}' must be an object of notes and their levels")
    for name, level in given.value.items():
        if name not in NOTE_NAMES:
            raise given.fault(f"There is no note {name}. Known are {', '.join(NOTE_NAMES)}.")
        if level not in NOTE_LEVELS:
            raise given.fault(f"A note is one of {', '.join(NOTE_LEVELS)}", within=f".{name}")
    return tuple((name, given.value[name]) for name in NOTE_NAMES if name in given.value)


def _validations(given: Given) -> tuple[Validation, ...]:
    if not isinstance(given.value, list):
        raise given.fault("'validations' must be an array")
    return tuple(
        _validation(item, number, f"{given.place}[{number}]", given.strict) for number, item in enumerate(given.value)
    )


DATE_FORMATS = Kind(
    "date_formats",
    _date_formats,
    {"type": "array", "items": {"type": "string", "pattern": "\\S"}},
    list,
    blank=([],),
)
NOTES = Kind(
    "notes",
    lambda given: _notes(given),
    {
        "type": "object",
        "propertyNames": {"enum": list(NOTE_NAMES)},
        "additionalProperties": {"enum": list(NOTE_LEVELS)},
    },
    dict,
    blank=({},),
)
SEQUENCE = Kind("sequence", lambda given: _whole(number_or_none(given.value)), {"type": "number"})

COLUMN = (
    Field(
        "key", Kind("key", _key, {"type": "string", "minLength": 1}), "key", says="The field's name in every record."
    ),
    Field("name", TEXT, "name", "Untitled Column", says="What people read. Default: Untitled Column."),
    Field("type", Kind("type", _type, {"type": "string"}, blank=("",)), "type", DEFAULT_TYPE),
    Field("isRequired", FLAG, "required", False),
    Field(
        "isUnique",
        FLAG,
        "unique",
        False,
        says="The first record that holds a value is right, later ones are not. Empty cells and 0 do not count.",
    ),
    Field("isFrozen", FLAG, "frozen", False, says="Stays in sight in the grid."),
    Field(
        "selectValues",
        TEXTS,
        "options",
        (),
        says="The choices of a Select, in quotes where YAML would read them otherwise.",
    ),
    Field(
        "dateFormats",
        DATE_FORMATS,
        "date_formats",
        ("DD/MM/YYYY",),
        says="Tokens YYYY YY MMMM MMM MM M DD D HH H A SSS and [text]; case does not count.",
    ),
    Field(
        "regex",
        Kind("regex", _regex, {"type": "string"}, blank=("",)),
        "pattern",
        "",
        says="An ECMAScript pattern, bare or /pattern/flags; found anywhere in the cell.",
    ),
    Field("regexDescription", TEXT, "pattern_description", ""),
    Field(
        "defaultValue",
        SCALAR,
        "default",
        says="For records without this field at all. Special are <<null>>, <<undefined>>, <<>>, <<[]>>, <<true>>, "
        "<<false>>, <<uuid>>.",
    ),
    Field("alternateKeys", TEXTS, "alternate_keys", (), says="Other headings that mean this column."),
    Field(
        "delimiter",
        choice(*DELIMITERS, says="Delimiter must be one of {allowed}"),
        "delimiter",
        ",",
        says="Between the choices of a multi-select.",
    ),
    Field("allowMultiSelect", FLAG, "multi", False),
    Field("description", TEXT, "description", ""),
    Field(
        "validations",
        Kind(
            "validations",
            _validations,
            {"type": "array", "items": {"$ref": "#/$defs/validation"}},
            lambda kept: [validation_to_document(one) for one in kept],
        ),
        "validations",
        (),
    ),
    Field("sequence", SEQUENCE, "sequence"),
    Field(
        "notes",
        NOTES,
        "notes",
        (),
        always=False,
        says="What is noted in rows and may be a fault: warning (the default), problem, or off.",
    ),
)
VALIDATION = (
    Field("validate", TEXT, "validate", ""),
    Field("min", BOUND, "min", always=False),
    Field("max", BOUND, "max", always=False),
    Field(
        "uniqueKey",
        # What is no text is none: only where it is needed is that a fault.
        Kind(
            "unique_key",
            lambda given: given.value if isinstance(given.value, str) else "",
            {"type": "string", "pattern": "\\S"},
        ),
        "unique_key",
        "",
        always=False,
        says="Columns with the same text here are unique together.",
    ),
    Field("errorMessage", TEXT, "error_message", "", always=False, says="Said in place of our own sentence."),
)
# What a template says of all its columns of some types (None: of every type); a column's own word goes before it.
FOR_ALL: dict[str, tuple[str, tuple[str, ...] | None]] = {
    "notes": ("notes", None),
    "decimal": ("decimal", ("Number", "Double")),
    "group": ("group", ("Number", "Double")),
    "expectedDateFormat": ("cellFormat", ("Date",)),
}
TEMPLATE_FIELDS = ("name", "columns", *FOR_ALL)
COLUMN_FIELDS = tuple(field.name for field in COLUMN)
VALIDATION_FIELDS = tuple(field.name for field in VALIDATION)


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
    read = tuple(
        column_from_document(item, f"columns[{number}]", strict=strict, sequence=number)
        for number, item in enumerate(with_defaults(document, items))
    )
    twice = [key for key, times in Counter(column.key for column in read).items() if times > 1]
    if twice:
        raise BadTemplate(
            "Column with the same key already exists. Please use a unique key in column. "
            f"Duplicate Keys Found for {', '.join(twice)}",
            place="columns",
            code=DUPLICATE_KEYS,
        )
    template = Template(Field("name", TEXT, "name", "template").read(document, ""), read)
    if strict:
        refuse_strangers(template)
    return template


def refuse_strangers(template: Template) -> None:
    """BadTemplate where a validation names a column that the template has not. Asked of whole templates: one column
    may be saved before the other."""
    keys = {column.key for column in template.columns}
    for number, column in enumerate(template.columns):
        for at_, validation in enumerate(column.validations):
            across = validations.member(validation.validate).across
            for key in () if across is None else across.columns(validation):
                if key not in keys or key == column.key:
                    place = f"columns[{number}].validations[{at_}]"
                    raise BadTemplate(f"There is no other column {key!r} in this template.", place=place)


def with_defaults(document: Mapping[str, Any], items: Sequence[Any]) -> list[Any]:
    """Columns' documents with what the template's document says of all of them."""
    said = [(name, *FOR_ALL[name]) for name in FOR_ALL if document.get(name) not in (None, "")]
    made = []
    for item in items:
        if isinstance(item, Mapping):
            kind = item.get("type") or DEFAULT_TYPE
            wanted = {field: document[name] for name, field, types in said if types is None or kind in types}
            # A sign that the column uses itself, as the other of the two, is not the template's to give.
            for sign, other in (("decimal", "group"), ("group", "decimal")):
                if sign in wanted and item.get(other) == wanted[sign]:
                    del wanted[sign]
            if isinstance(wanted.get("notes"), Mapping) and isinstance(item.get("notes"), Mapping):
                wanted["notes"] = {**wanted["notes"], **item["notes"]}
                item = {**item, "notes": wanted["notes"]}
            item = {**wanted, **{name: value for name, value in item.items() if value is not None}}
        made.append(item)
    return made


def column_from_document(document: object, place: str = "", *, strict: bool = False, sequence: int = 0) -> Column:
    """One column. `place` is where it stands in the whole document, e.g. `columns[3]`; `sequence` is its number where
    it names none. BadTemplate with the place of the faulty field."""
    if not isinstance(document, Mapping):
        raise BadTemplate("A column is an object with `key`, `name` and `type`.", place=place)
    if document.get("key") is None or document["key"] == "":
        if strict:
            _refuse_unknown(document, COLUMN_FIELDS, place)
        raise BadTemplate("'key' should not empty", place=at(place, "key"))
    kind = str(_TYPE.read(document, place))
    own = column_settings(kind, document)
    if strict:
        _refuse_unknown(document, [*COLUMN_FIELDS, *(field.name for field in own)], place)
    values = {field.attribute: field.read(document, place, strict=strict, column_type=kind) for field in COLUMN}
    if kind == "Regex" and not values["pattern"]:
        raise BadTemplate("'regex' should not empty, when type is Regex", place=at(place, "regex"))
    identity = document.get("_id", document.get("id"))
    if values["sequence"] is None:
        values["sequence"] = sequence
    return Column(
        **values,
        id=identity if isinstance(identity, str) else None,
        settings=_settings(own, document, place, strict, kind),
    )


_TYPE = next(field for field in COLUMN if field.name == "type")


def column_settings(kind: str, document: Mapping[Any, Any]) -> tuple[Field, ...]:
    """The fields that this type knows beside the common ones; its member is loaded only where the document has any."""
    return () if _only(document, COLUMN_FIELDS) else columns.member(kind).fields


def validation_settings(name: str, document: Mapping[Any, Any]) -> tuple[Field, ...]:
    """As `column_settings`, of a validation."""
    return () if _only(document, VALIDATION_FIELDS) else validations.member(name).fields


def _only(document: Mapping[Any, Any], known: Sequence[str]) -> bool:
    return all(name in known or name in _CARRIED for name in document)


def _settings(
    own: Sequence[Field], document: Mapping[Any, Any], place: str, strict: bool, column_type: str = ""
) -> Settings:
    """Only what is said: a document without a member's fields is the same as one that spells its defaults out."""
    read = ((field, field.read(document, place, strict=strict, column_type=column_type)) for field in own)
    return tuple((field.name, value) for field, value in read if value != field.default)


def column_to_document(column: Column) -> dict[str, Any]:
    """The column in the contract's form, every field of COLUMN_FIELDS and the type's own where they say something;
    `column_from_document` reads it back equal (but for `id`, which is the surface's to show)."""
    kept = [(field, getattr(column, field.attribute)) for field in COLUMN]
    document = {field.name: field.kind.write(value) for field, value in kept if field.always or value != field.default}
    return {**document, **_written(column.settings, lambda: columns.member(column.type).fields)}


def validation_to_document(validation: Validation) -> dict[str, Any]:
    kept = {field.name: getattr(validation, field.attribute) for field in VALIDATION}
    said = {field.name: kept[field.name] for field in VALIDATION if field.always or kept[field.name] != field.default}
    return {**said, **_written(validation.settings, lambda: validations.member(validation.validate).fields)}


def _written(settings: Settings, fields: Any) -> dict[str, Any]:
    """`fields` is asked only where there is something to write: it loads a member."""
    if not settings:
        return {}
    kinds = {field.name: field.kind for field in fields()}
    return {name: kinds[name].write(value) if name in kinds else value for name, value in settings}


def _refuse_unknown(document: Mapping[Any, Any], known: Iterable[str], place: str) -> None:
    by_lower = {name.lower(): name for name in known}
    for name in document:
        if name in by_lower.values() or name in _CARRIED:
            continue
        # Only where something is wrong: it takes longer to load than a template to read.
        import difflib

        close = difflib.get_close_matches(str(name).lower(), by_lower, n=1, cutoff=0.7)
        hint = f" Did you mean `{by_lower[close[0]]}`?" if close else f" Known are {', '.join(by_lower.values())}."
        raise BadTemplate(f"There is no field `{name}` here.{hint}", place=at(place, str(name)))


def _validation(document: object, number: int, place: str, strict: bool) -> Validation:
    if not isinstance(document, Mapping):
        raise BadTemplate("A validation is an object with `validate`.", place=place)
    name = document.get("validate")
    if not isinstance(name, str) or not validations.knows(name):
        if strict:
            _refuse_unknown(document, VALIDATION_FIELDS, place)
        reason = f"validations.{number}.type must be one of {', '.join(validations.names())}"
        raise BadTemplate(reason, place=at(place, "validate"))
    own = validation_settings(name, document)
    if strict:
        _refuse_unknown(document, [*VALIDATION_FIELDS, *(field.name for field in own)], place)
    wrong = validations.fault(name, document)
    if wrong is not None:
        raise BadTemplate(f"validations.{number}.{wrong[1]}", place=at(place, wrong[0]))
    values = {field.attribute: field.read(document, place, strict=strict) for field in VALIDATION}
    return Validation(**values, settings=_settings(own, document, place, strict))


# The JSON Schema


def json_schema() -> dict[str, Any]:
    """Of the template file, with the column types and validations of all packages that are installed here."""
    types, rules = columns.names(), validations.names()
    own_columns = {name: columns.member(name).fields for name in types}
    own_rules = {name: validations.member(name).fields for name in rules}
    column = _object(
        {field.name: field.as_schema() for field in COLUMN} | {"type": {"enum": [*types], "default": DEFAULT_TYPE}},
        own_columns,
        "type",
        ["key"],
    )
    needed = {"required": ["regex"], "properties": {"regex": {"minLength": 1}}}
    column["allOf"].append(_where("type", "Regex", needed))
    rule = _object(
        {field.name: field.as_schema() for field in VALIDATION} | {"validate": {"enum": [*rules]}},
        own_rules,
        "validate",
        ["validate"],
    )
    rule["allOf"].append(_where("validate", "unique_with", {"required": ["uniqueKey"]}))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Douane template",
        "description": "What a file should hold: the columns, their types and their rules. YAML or JSON.",
        "type": "object",
        "required": ["columns"],
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string", "description": "What people call this import."},
            "notes": NOTES.schema,
            "decimal": column["properties"]["decimal"],
            "group": column["properties"]["group"],
            "expectedDateFormat": column["properties"]["cellFormat"],
            "columns": {
                "type": "array",
                "minItems": 1,
                "items": {"$ref": "#/$defs/column"},
                "description": "In the order in which records are shown and given out. Keys are unique.",
            },
        },
        "$defs": {"column": column, "validation": rule},
    }


def _object(
    common: dict[str, Any], own: Mapping[str, Sequence[Field]], chooser: str, required: list[str]
) -> dict[str, Any]:
    """An object whose field `chooser` names a member; the fields of a member stand there for it alone."""
    knowing: dict[str, list[str]] = {}
    described: dict[str, Any] = {}
    for name, fields in own.items():
        for field in fields:
            knowing.setdefault(field.name, []).append(name)
            described.setdefault(field.name, field.as_schema())
    return {
        "type": "object",
        "required": required,
        "additionalProperties": False,
        "properties": common | described,
        "allOf": [
            {
                "if": {"required": [field]},
                "then": {"required": [chooser], "properties": {chooser: {"enum": names}}},
            }
            for field, names in knowing.items()
        ],
    }


def _where(chooser: str, name: str, then: dict[str, Any]) -> dict[str, Any]:
    return {"if": {"required": [chooser], "properties": {chooser: {"const": name}}}, "then": then}
