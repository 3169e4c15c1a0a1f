"""The recipes of docs/columns.md, followed: a type and a validation of another package, through every door."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import polars as pl
import pytest

from douane.errors import BadTemplate
from douane.model.template import Column, Template
from douane.sheet import columns, mapping, template_file, validations
from douane.sheet.check import Checker
from douane.web.spreadsheet import wire
from douane.web.spreadsheet.wire.columns import column_properties, runtime_columns
from tests.package import install

PAGE = (Path(__file__).parents[2] / "docs" / "columns.md").read_text()


def example(heading: str) -> str:
    """The first Python block below a heading of the page."""
    found = re.search(rf"^## {heading}$.*?^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, heading
    return found[1]


def judged(template: Template, rows: list[list[str | None]]) -> list[list[str]]:
    """Per row the messages."""
    width = len(template.columns)
    frame = pl.DataFrame({f"c{at}": pl.Series([row[at] for row in rows], dtype=pl.String) for at in range(width)})
    frame = frame.with_columns(_line=pl.Series(range(1, len(rows) + 1), dtype=pl.UInt32))
    layout = mapping.layout(template, [column.key for column in template.columns], tuple(range(width)))
    checker = Checker(template, layout)
    mask = checker.judge(frame).mask
    return [[problem.message for problem in found] for found in checker.problems(frame, np.array(mask))]


@pytest.fixture
def colour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A column of the type that the page shows how to write."""
    install(
        tmp_path, monkeypatch, example("Adding a type"), {"douane.columns": {"Colour": "MEMBER", "String": "judge"}}
    )
    return {"key": "paint", "name": "Paint", "type": "Colour", "shades": ["#ff0000", "#00ff00"]}


def test_a_type_of_another_package_goes_through_every_door(colour: dict[str, Any]) -> None:
    # The template file, strictly, and the way back.
    template = template_file.read_template({"columns": [colour]}, strict=True)
    (column,) = template.columns
    assert column.setting("shades") == ("#ff0000", "#00ff00")
    assert template_file.column_from_document(template_file.column_to_document(column), strict=True) == column
    with pytest.raises(
        BadTemplate, match=r"columns\[0\].shade: There is no field `shade` here. Did you mean `shades`?"
    ):
        template_file.read_template({"columns": [{**colour, "shade": []}]}, strict=True)
    with pytest.raises(BadTemplate, match=r"columns\[0\].shades: 'shades' must be an array"):
        template_file.read_template({"columns": [{**colour, "shades": "red"}]})
    # It judges.
    assert judged(template, [["#ff0000"], [" #00ff00 "], ["#0000ff"], [""]]) == [
        [],
        [],
        ["#0000ff is no colour of ours"],
        [],
    ]
    # A column over `/v1`, and a runtime schema.
    body = wire.column_body({**colour, "other": 1})
    assert (body["type"], body["shades"], "other" in body) == ("Colour", ["#ff0000", "#00ff00"], False)
    with pytest.raises(wire.WireError) as refused:
        wire.column_body({**colour, "shades": "red"})
    assert refused.value.message == ["shades must be an array"]
    assert wire.schema_faults([colour]) is None
    assert wire.schema_faults([{**colour, "shades": "red"}]) == "Schema Error : 'shades' must be an array of strings"
    assert template_file.column_from_document(runtime_columns([colour])[0]).setting("shades") == column.setting(
        "shades"
    )
    # The schema of the file, and what OpenAPI says of a body.
    schema = template_file.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid({"columns": [colour]})
    assert not validator.is_valid({"columns": [{**colour, "shades": "red"}]})
    assert not validator.is_valid({"columns": [{**colour, "type": "Number"}]})
    assert "Colour" in column_properties()["type"]["enum"]
    assert column_properties()["shades"]["type"] == "array"
    # What the page says of it.
    assert columns.says(column) == "one of #ff0000, #00ff00"


def test_our_own_types_cannot_be_taken(colour: dict[str, Any]) -> None:
    assert columns.names()[-1] == "Colour"
    assert columns.names().count("String") == 1
    assert [test.rule for test in columns.judge(Column("a", "A")).tests] == ["cut_digits"]


def test_a_package_may_register_just_the_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = """
        from douane.sheet.columns.contract import Judge
        def judge(column):
            return Judge(form="list")
    """
    install(tmp_path, monkeypatch, source, {"douane.columns": {"Plain": "judge"}})
    assert columns.judge(Column("a", "A", "Plain")).form == "list"
    assert columns.says(Column("a", "A", "Plain", required=True)) == "required"


@pytest.fixture
def even(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A validation of the kind that the page shows how to write, in a column."""
    source = example("Adding a validation")
    install(tmp_path, monkeypatch, source, {"douane.validations": {"multiple": "MEMBER", "range": "MEMBER"}})
    return {"key": "n", "name": "N", "type": "Number", "validations": [{"validate": "multiple", "of": 4}]}


def test_a_validation_of_another_package_goes_through_every_door(even: dict[str, Any]) -> None:
    template = template_file.read_template({"columns": [even]}, strict=True)
    (column,) = template.columns
    assert column.validations[0].setting("of") == 4
    assert template_file.column_from_document(template_file.column_to_document(column), strict=True) == column
    wrong = {**even, "validations": [{"validate": "multiple", "off": 4}]}
    with pytest.raises(BadTemplate, match=r"columns\[0\].validations\[0\].off: There is no field `off` here."):
        template_file.read_template({"columns": [wrong]}, strict=True)
    assert judged(template, [["8"], ["7"], ["x"], [""]]) == [
        [],
        ["7 is no multiple of 4"],
        ["x must be a number or empty"],
        [],
    ]
    worded = {**even, "validations": [{"validate": "multiple", "of": 4, "errorMessage": "no"}]}
    assert judged(template_file.read_template({"columns": [worded]}), [["7"]]) == [["no"]]
    # It measures numbers; where a column has none it means nothing.
    assert judged(template_file.read_template({"columns": [{**even, "type": "String"}]}), [["7"]]) == [[]]
    body = wire.column_body(even)
    assert body["validations"] == [{"validate": "multiple", "of": 4}]
    with pytest.raises(wire.WireError) as refused:
        wire.column_body({**even, "validations": [{"validate": "multiple"}]})
    assert refused.value.message == ["validations.0.of must be a number"]
    assert wire.schema_faults([even]) is None
    assert runtime_columns([even])[0]["validations"] == [{"validate": "multiple", "of": 4}]
    validator = jsonschema.Draft202012Validator(template_file.json_schema())
    assert validator.is_valid({"columns": [even]})
    assert not validator.is_valid({"columns": [{**even, "validations": [{"validate": "range", "of": 4}]}]})
    assert columns.says(column) == "a number; a multiple of 4"
    assert "multiple" in column_properties()["validations"]["items"]["properties"]["validate"]["enum"]


def test_our_own_validations_cannot_be_taken(even: dict[str, Any]) -> None:
    assert validations.names() == (*validations.SHELF, "multiple")
    assert validations.member("range").together is None
    column = {**even, "validations": [{"validate": "range", "max": 5}]}
    assert judged(template_file.read_template({"columns": [column]}), [["7"]]) == [
        ["7 must be less than or equal to 5"]
    ]


def test_every_validation_is_told_of() -> None:
    listed = re.search(r"^## Adding a validation$(.*)", PAGE, re.MULTILINE | re.DOTALL)
    assert listed is not None
    for name in validations.SHELF:
        assert f"`{name}`" in PAGE
        validations.member(name)


@pytest.mark.parametrize(
    ("document", "hint"),
    [
        ({"validations": [{"validate": "range", "min": 5, "max": 1}]}, "No value lies between min 5 and max 1"),
        ({"validations": [{"validate": "length", "min": 5, "max": 1}]}, "No value lies between min 5 and max 1"),
        ({"type": "Boolean", "trueValues": [], "falseValues": [" "]}, "No word means yes or no"),
    ],
)
def test_what_no_cell_could_meet_is_refused_with_a_hint(document: dict[str, Any], hint: str) -> None:
    column = template_file.column_from_document({"key": "a", **document})
    with pytest.raises(BadTemplate, match=hint):
        columns.refuse_hopeless(column)
    assert hint in str(wire.schema_faults([{"key": "a", **document}]))


def test_a_column_says_what_it_asks_for() -> None:
    def says(**document: Any) -> str:
        return columns.says(template_file.column_from_document({"key": "a", **document}))

    assert says() == ""
    assert says(isRequired=True, isUnique=True, type="Email") == "required; each value once; an e-mail address"
    bounds = [{"validate": "range", "min": 1, "max": 5}, {"validate": "digits", "max": 2, "min": 2}]
    assert says(type="Number", validations=bounds) == "a number; 1 to 5; exactly 2 digits"
    assert says(validations=[{"validate": "length", "max": 5}]) == "at most 5 characters"
    assert says(type="Date", dateFormats=["DD/MM/YYYY", "YYYY-MM-DD"]) == "DD/MM/YYYY or YYYY-MM-DD"
    assert says(type="Regex", regex="^a+$") == "matches ^a+$"
    assert says(type="Regex", regex="^a+$", regexDescription="some a") == "some a"
    assert says(type="Select", selectValues=list("abcdefg")) == "one of a, b, c, d, e, f … (7)"
    chosen = says(type="Select", selectValues=["a", "b"], allowMultiSelect=True, delimiter=";")
    assert chosen == "any of a, b, separated by “;”"
    assert says(type="Boolean", trueValues=["ja"], falseValues=["nein"]) == "ja or nein"
    unique_with = {"validate": "unique_with", "uniqueKey": "g"}
    assert says(validations=[unique_with]) == "once together with the other columns of “g”"
