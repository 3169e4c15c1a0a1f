"""Templates from Table Schema and JSON Schema."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from douane.errors import BadTemplate
from douane.sheet import schemas
from douane.sheet.template_file import read_template


def one(field: dict[str, Any], **schema: Any) -> dict[str, Any]:
    (found,) = schemas.columns_of({"fields": [{"name": "a", **field}], **schema}) or []
    return said(found)


def property_of(said_of: dict[str, Any], **schema: Any) -> dict[str, Any]:
    (found,) = schemas.columns_of({"type": "object", "properties": {"a": said_of}, **schema}) or []
    return said(found)


def said(column: dict[str, Any]) -> dict[str, Any]:
    """Without what all have."""
    return {name: value for name, value in column.items() if name not in ("key", "name") and value != []}


@pytest.mark.parametrize(
    ("field", "column"),
    [
        ({}, {"type": "String"}),
        ({"type": "string", "format": "email"}, {"type": "Email"}),
        ({"type": "string", "format": "uri"}, {"type": "Url"}),
        ({"type": "number"}, {"type": "Double"}),
        ({"type": "number", "decimalChar": ",", "groupChar": "."}, {"type": "Double", "decimal": ",", "group": "."}),
        ({"type": "date"}, {"type": "Date", "dateFormats": ["YYYY-MM-DD"]}),
        ({"type": "date", "format": "%d/%m/%Y"}, {"type": "Date", "dateFormats": ["DD/MM/YYYY"]}),
        ({"type": "datetime", "format": "%Y-%m-%d %H:%M"}, {"type": "DateTime", "dateFormats": ["YYYY-MM-DD HH:mm"]}),
        ({"type": "boolean", "trueValues": ["ja"], "falseValues": ["nein"]},
         {"type": "Boolean", "trueValues": ["ja"], "falseValues": ["nein"]}),
        ({"type": "any"}, {"type": "Any"}),
        ({"constraints": {"required": True, "unique": True}}, {"type": "String", "isRequired": True, "isUnique": True}),
        ({"constraints": {"enum": ["x", "y", "x"]}}, {"type": "Select", "selectValues": ["x", "y"]}),
        ({"constraints": {"pattern": "[A-Z]+"}}, {"type": "Regex", "regex": "^(?:[A-Z]+)$"}),
        ({"constraints": {"minLength": 2, "maxLength": 5, "required": True}},
         {"type": "String", "isRequired": True, "validations": [{"validate": "length", "min": 2, "max": 5}]}),
        # What need not be there is not too short where it is not.
        ({"constraints": {"minLength": 2, "maxLength": 5}},
         {"type": "Regex", "regex": r"^[\s\S]{2,5}$", "regexDescription": "2 to 5 characters"}),
        ({"constraints": {"minLength": 2}},
         {"type": "Regex", "regex": r"^[\s\S]{2,}$", "regexDescription": "at least 2 characters"}),
        ({"constraints": {"minLength": 1, "maxLength": 5}},
         {"type": "String", "validations": [{"validate": "length", "max": 5}]}),
        ({"constraints": {"minLength": 1}}, {"type": "String"}),
        ({"type": "number", "constraints": {"minimum": 0}},
         {"type": "Double", "validations": [{"validate": "range", "min": 0}]}),
        ({"type": "list", "constraints": {"enum": ["x", "y"]}},
         {"type": "Select", "allowMultiSelect": True, "selectValues": ["x", "y"]}),
        ({"type": "geopoint"}, {"type": "String", "notes": ["Taken as text: there is no type for geopoint."]}),
        ({"type": "date", "format": "%Q"},
         {"type": "Date", "dateFormats": ["YYYY-MM-DD"], "notes": ["The format %Q is not known; ISO 8601 is taken."]}),
        # What no column could be is taken as text, and that is told.
        ({"constraints": {"pattern": "("}},
         {"type": "String", "notes": ["Taken as text: Text (^(?:()$) is not valid Regular expression!"]}),
    ],
)  # fmt: skip
def test_fields_of_a_table_schema(field: dict[str, Any], column: dict[str, Any]) -> None:
    assert one(field) == column


def test_what_a_table_schema_says_of_several_fields() -> None:
    fields = [{"name": "a", "title": "The A", "description": "x"}, {"name": "b"}, {"name": "a"}]
    found = schemas.columns_of({"fields": fields, "primaryKey": ["a", "b"], "missingValues": ["", "NA"]})
    assert found is not None
    assert [(column["key"], column["name"]) for column in found] == [("a", "The A"), ("b", "b"), ("a_2", "a")]
    assert [column.get("isRequired") for column in found] == [True, True, True]
    assert found[0]["validations"] == [{"validate": "unique_with", "uniqueKey": "primaryKey"}]
    assert found[1]["notes"] == ["Cells that mean nothing (NA) are taken as they are written."]
    package = {"resources": [{"name": "r", "schema": {"fields": fields[:1]}}]}
    assert [column["key"] for column in schemas.columns_of(package) or []] == ["a"]
    assert one({}, primaryKey="a") == {"type": "String", "isRequired": True, "isUnique": True}


@pytest.mark.parametrize(
    ("said_of", "column"),
    [
        ({"type": "string"}, {"type": "String"}),
        ({"type": ["number", "null"], "minimum": 1, "maximum": 9},
         {"type": "Double", "validations": [{"validate": "range", "min": 1, "max": 9}]}),
        ({"type": "boolean"}, {"type": "Boolean"}),
        ({"type": "string", "format": "date"}, {"type": "Date", "dateFormats": ["YYYY-MM-DD"]}),
        ({"type": "string", "pattern": "^x"}, {"type": "Regex", "regex": "^x"}),
        ({"enum": ["x", 1, None, True]}, {"type": "Select", "selectValues": ["x", "1", "true"]}),
        ({"const": "x"}, {"type": "Select", "selectValues": ["x"]}),
        ({"type": "array", "items": {"enum": ["x", "y"]}},
         {"type": "Select", "allowMultiSelect": True, "selectValues": ["x", "y"]}),
        ({"type": "string", "default": "d"}, {"type": "String", "defaultValue": "d"}),
        ({}, {"type": "Any"}),
        (True, {"type": "Any"}),
        ({"type": "object"}, {"type": "String", "notes": ["Taken as text: a cell holds no object."]}),
        ({"type": ["string", "number"]},
         {"type": "String", "notes": ["Taken as text: it may be of several types (string, number)."]}),
        ({"type": "number", "exclusiveMinimum": 0},
         {"type": "Double", "notes": ["exclusiveMinimum is not asked for."]}),
        ({"$ref": "#/$defs/mail"}, {"type": "Email"}),
        ({"$ref": "https://example.com/x"}, {"type": "Any"}),
        ({"$ref": "#/$defs/ring"}, {"type": "Any"}),
    ],
)  # fmt: skip
def test_properties_of_a_json_schema(said_of: Any, column: dict[str, Any]) -> None:
    defs = {"mail": {"type": "string", "format": "email"}, "ring": {"$ref": "#/$defs/ring"}}
    assert property_of(said_of, **{"$defs": defs}) == column


def test_what_may_be_absent_is_what_it_is_when_it_is_there() -> None:
    """As programs make schemas of their classes."""
    assert property_of({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "default": None}) == {
        "type": "Number",
        "validations": [{"validate": "range", "min": 1}],
        "notes": ["Decimals are taken too."],
    }
    colour = {"$defs": {"Colour": {"enum": ["red", "blue"], "type": "string", "title": "Colour"}}}
    choice = {"type": "Select", "selectValues": ["red", "blue"]}
    assert property_of({"allOf": [{"$ref": "#/$defs/Colour"}], "default": "red"}, **colour) == {
        **choice,
        "defaultValue": "red",
    }
    assert property_of({"anyOf": [{"$ref": "#/$defs/Colour"}, {"type": "null"}]}, **colour) == choice
    assert property_of({"oneOf": [{"const": "red", "title": "Red"}, {"const": "blue"}]}) == choice
    # Of two ways none is chosen, of two patterns neither is dropped unsaid.
    assert property_of({"anyOf": [{"type": "integer"}, {"type": "string"}]})["notes"] == ["anyOf is not asked for."]
    both = property_of({"type": "string", "allOf": [{"pattern": "a"}, {"pattern": "b"}]})
    assert both["notes"] == ["allOf is not asked for."]


def test_a_record_of_several_parts_has_the_properties_of_all() -> None:
    part = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}
    whole = {
        "allOf": [{"$ref": "#/definitions/Base"}, {"properties": {"name": {"type": "string"}}, "required": ["name"]}]
    }
    found = schemas.columns_of({**whole, "definitions": {"Base": part}})
    assert [(column["key"], column["type"], column["isRequired"]) for column in found or []] == [
        ("id", "Number", True),
        ("name", "String", True),
    ]


def test_parts_within_parts_end() -> None:
    again = {"$ref": "#/definitions/a"}
    around = {"allOf": [again, again], "anyOf": [again, again]}
    assert property_of(again, definitions={"a": around})["type"]


def test_a_json_schema_of_a_list_of_records() -> None:
    record = {"properties": {"a": {"title": "A!"}, "b": {}}, "required": ["b"]}
    for schema in ({"type": "array", "items": record}, {"$ref": "#/definitions/r", "definitions": {"r": record}}):
        found = schemas.columns_of(schema) or []
        assert [(one["key"], one["name"], one.get("isRequired")) for one in found] == [
            ("a", "A!", None),
            ("b", "b", True),
        ]


@pytest.mark.parametrize("document", [None, 5, [], {}, {"fields": 5}, {"fields": [1]}, {"a": 1}, {"resources": [{}]}])
def test_what_is_no_schema(document: Any) -> None:
    assert schemas.columns_of(document) is None


def test_a_schema_without_columns_or_with_too_many() -> None:
    for schema in ({"fields": []}, {"properties": {}}):
        with pytest.raises(BadTemplate, match="describes no columns"):
            schemas.columns_of(schema)
    with pytest.raises(BadTemplate, match="more than 16384"):
        schemas.columns_of({"properties": {str(number): {} for number in range(16_385)}})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
WORDS = st.sampled_from(
    ["type", "format", "enum", "const", "minimum", "maxLength", "pattern", "required", "unique", "items", "$ref"]
    + ["default", "title", "description", "constraints", "trueValues", "decimalChar", "groupChar"]
)
VALUES = JSON | st.sampled_from(["string", "number", "date", "boolean", "array", "list", "email", "%d/%m", "(", "#/x"])


@given(st.dictionaries(WORDS, VALUES | st.dictionaries(WORDS, VALUES, max_size=4), max_size=6), st.text(max_size=5))
def test_whatever_a_schema_says_its_columns_can_be_saved(said_of: dict[str, Any], name: str) -> None:
    for schema in ({"fields": [{**said_of, "name": name}]}, {"properties": {name: said_of}}):
        found = schemas.columns_of(schema)
        assert found is not None
        columns = [{key: value for key, value in one.items() if key != "notes"} for one in found]
        read_template({"name": "t", "columns": columns}, strict=True)
