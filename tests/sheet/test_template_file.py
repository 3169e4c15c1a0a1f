"""Template documents: read, refused with a place and a reason, and written back."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import yaml

from douane.errors import BadTemplate
from douane.model.template import Column, Template, Validation
from douane.sheet import columns, template_file, validations
from douane.sheet.template_file import (
    COLUMN_FIELDS,
    DUPLICATE_KEYS,
    column_from_document,
    column_to_document,
    read_template,
)

SCHEMA = template_file.json_schema()

WHOLE = """
name: People
columns:
  - key: id
    name: Id
    type: Number
    isRequired: true
    isUnique: true
    isFrozen: true
    alternateKeys: [number, "no"]
    defaultValue: 5
    description: What we call them.
    sequence: 3
    validations:
      - {validate: range, min: 1, max: 2.5, errorMessage: out}
      - {validate: digits, min: 1}
      - {validate: unique_with, uniqueKey: g}
  - {key: when, name: When, type: Date, dateFormats: [dd/mm/yyyy, YYYY-MM-DD]}
  - {key: code, name: Code, type: Regex, regex: '/^a+$/i', regexDescription: some a}
  - {key: tags, name: Tags, type: Select, selectValues: [a, b], allowMultiSelect: true, delimiter: ";"}
"""


def test_a_whole_template() -> None:
    assert read_template(yaml.safe_load(WHOLE), strict=True) == Template(
        "People",
        (
            Column(
                "id",
                "Id",
                "Number",
                required=True,
                unique=True,
                frozen=True,
                alternate_keys=("number", "no"),
                default=5,
                description="What we call them.",
                sequence=3,
                validations=(
                    Validation("range", 1, 2.5, error_message="out"),
                    Validation("digits", 1),
                    Validation("unique_with", unique_key="g"),
                ),
            ),
            Column("when", "When", "Date", date_formats=("DD/MM/YYYY", "YYYY-MM-DD"), sequence=1),
            Column("code", "Code", "Regex", pattern="/^a+$/i", pattern_description="some a", sequence=2),
            Column("tags", "Tags", "Select", options=("a", "b"), multi=True, delimiter=";", sequence=3),
        ),
    )


def test_a_runtime_schema_may_leave_nearly_everything_out() -> None:
    """Contract 5.6."""
    assert column_from_document({"key": "a"}) == Column("a", "Untitled Column")
    nothing = dict.fromkeys(COLUMN_FIELDS) | {"key": "a", "name": "", "dateFormats": [], "delimiter": ""}
    assert column_from_document(nothing) == Column("a", "Untitled Column")


def test_what_calls_carry_besides_is_ignored_but_a_typing_error_in_a_file_is_not() -> None:
    document = {"columns": [{"key": "a", "isRequred": True, "columnHeading": "A", "_id": "5f"}]}
    assert read_template(document).columns[0].required is False
    assert read_template(document).columns[0].id == "5f"
    with pytest.raises(BadTemplate) as caught:
        read_template(document, strict=True)
    assert caught.value.place == "columns[0].isRequred"
    assert "Did you mean `isRequired`?" in caught.value.reason


@pytest.mark.parametrize(
    ("field", "meant"), [("required", "isRequired"), ("Regex", "regex"), ("options", None), ("unique", "isUnique")]
)
def test_a_typing_error_is_named(field: str, meant: str | None) -> None:
    with pytest.raises(BadTemplate) as caught:
        column_from_document({"key": "a", field: True}, "columns[1]", strict=True)
    assert caught.value.place == f"columns[1].{field}"
    assert (f"`{meant}`" if meant else "selectValues") in caught.value.reason


VALIDATIONS = "range, length, unique_with, digits, required_with, required_without, compare, among"
TYPES = "String, Number, Date, Email, Regex, Select, Any, Double, Image, Boolean, DateTime, Time, Url, Iban, Phone"

# The document of one column besides its key -> the faulty field and the sentence.
FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"key": None}, "key", "'key' should not empty"),
    ({"key": ""}, "key", "'key' should not empty"),
    ({"key": 5}, "key", "'key' must be a string"),
    ({"name": 5}, "name", "'name' must be a string"),
    ({"isRequired": "yes"}, "isRequired", "'isRequired' must be boolean"),
    ({"isUnique": 1}, "isUnique", "'isUnique' must be boolean"),
    ({"type": "Text"}, "type", f"type must be one of {TYPES}"),
    ({"type": ["String"]}, "type", f"type must be one of {TYPES}"),
    ({"type": "Regex"}, "regex", "'regex' should not empty, when type is Regex"),
    ({"type": "Regex", "regex": "("}, "regex", "Text (() is not valid Regular expression!"),
    ({"regex": "a**"}, "regex", "Text (a**) is not valid Regular expression!"),
    ({"type": "Date", "dateFormats": "DD"}, "dateFormats", "'dateFormats' must be an array, when type is Date"),
    ({"type": "Date", "dateFormats": [" "]}, "dateFormats", "'dateFormats' must not be empty, when type is Date"),
    ({"delimiter": "|"}, "delimiter", "Delimiter must be one of ,, ;"),
    ({"delimiter": []}, "delimiter", "Delimiter must be one of ,, ;"),
    ({"selectValues": "a"}, "selectValues", "'selectValues' must be an array"),
    ({"selectValues": ["a", False]}, "selectValues[1]", "This must be text: put it in quotes."),
    ({"defaultValue": {}}, "defaultValue", "'defaultValue' must be a string or a number"),
    ({"validations": {}}, "validations", "'validations' must be an array"),
    ({"validations": [5]}, "validations[0]", "A validation is an object with `validate`."),
    (
        {"validations": [{"validate": "range"}, {"validate": "size"}]},
        "validations[1].validate",
        f"validations.1.type must be one of {VALIDATIONS}",
    ),
    (
        {"validations": [{"validate": "digits", "min": "a"}]},
        "validations[0].min",
        "validations.0.Invalid number of digits",
    ),
    (
        {"validations": [{"validate": "unique_with", "uniqueKey": " "}]},
        "validations[0].uniqueKey",
        "validations.0.uniqueKey must be a string",
    ),
]


@pytest.mark.parametrize(("document", "place", "reason"), FAULTS)
def test_faults_say_where_and_why(document: dict[str, Any], place: str, reason: str) -> None:
    with pytest.raises(BadTemplate) as caught:
        read_template({"name": "t", "columns": [{"key": "ok"}, {"key": "a", **document}]})
    assert (caught.value.place, caught.value.reason) == (f"columns[1].{place}", reason)
    assert str(caught.value) == f"columns[1].{place}: {reason}"


@pytest.mark.parametrize("document", [None, [], "x", {}, {"columns": None}, {"columns": {}}, {"columns": [5]}])
def test_what_is_no_template_is_refused(document: object) -> None:
    with pytest.raises(BadTemplate):
        read_template(document)


def test_a_file_without_columns_is_refused() -> None:
    assert read_template({"columns": []}).columns == ()
    with pytest.raises(BadTemplate, match="at least one column"):
        read_template({"columns": []}, strict=True)


def test_keys_given_twice_are_named() -> None:
    with pytest.raises(BadTemplate) as caught:
        read_template({"columns": [{"key": key} for key in ("a", "b", "a", "b", "c")]})
    assert caught.value.code == DUPLICATE_KEYS
    assert caught.value.reason == (
        "Column with the same key already exists. Please use a unique key in column. Duplicate Keys Found for a, b"
    )


def test_bounds_that_are_no_numbers_are_ignored() -> None:
    """Contract 4.5."""
    validations = [
        {"validate": "range", "min": "5", "max": True},
        {"validate": "digits", "min": "5"},
        {"validate": "length", "min": float("inf"), "max": None},
    ]
    read = column_from_document({"key": "a", "validations": validations}).validations
    assert [(v.min, v.max) for v in read] == [(None, None)] * 3


def test_numbers_among_choices_are_texts_in_calls_and_faults_in_files() -> None:
    assert column_from_document({"key": "a", "selectValues": [1, "b"]}).options == ("1", "b")
    with pytest.raises(BadTemplate, match="quotes"):
        column_from_document({"key": "a", "selectValues": [1.10]}, strict=True)


def test_a_column_survives_being_written_and_read() -> None:
    for column in read_template(yaml.safe_load(WHOLE)).columns:
        document = column_to_document(column)
        assert (*document, "notes") == COLUMN_FIELDS
        assert column_from_document(json.loads(json.dumps(document)), strict=True) == column


# The published schema


def test_the_schema_knows_every_field_and_no_other() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["properties"]) == set(template_file.TEMPLATE_FIELDS)
    own = {field.name for name in columns.names() for field in columns.member(name).fields}
    assert set(SCHEMA["$defs"]["column"]["properties"]) == {*COLUMN_FIELDS, *own}
    own = {field.name for name in validations.names() for field in validations.member(name).fields}
    assert set(SCHEMA["$defs"]["validation"]["properties"]) == {*template_file.VALIDATION_FIELDS, *own}
    assert SCHEMA["$defs"]["column"]["properties"]["type"]["enum"] == list(columns.names())
    assert SCHEMA["$defs"]["validation"]["properties"]["validate"]["enum"] == list(validations.names())


def test_the_schema_accepts_what_is_read_and_refuses_what_is_refused() -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    assert validator.is_valid(yaml.safe_load(WHOLE))
    written = [column_to_document(column) for column in read_template(yaml.safe_load(WHOLE)).columns]
    assert validator.is_valid({"name": "t", "columns": written})
    for document, _, reason in FAULTS:
        valid = validator.is_valid({"columns": [{"key": "a", **document}]})
        # Patterns are beyond a schema.
        assert valid is reason.endswith("Regular expression!"), document
