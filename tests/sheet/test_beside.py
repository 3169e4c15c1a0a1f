"""What a column asks of the others of its record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest

from douane.errors import BadTemplate
from douane.sheet import columns, mapping, template_file
from douane.sheet.check import Checker
from douane.sheet.formats import KIND_DATE, KIND_TEXT


def judged(
    documents: Sequence[dict[str, Any]], rows: Sequence[Sequence[str | None]], kinds: Sequence[int] = ()
) -> list[list[str]]:
    """Per row the messages. `kinds`: one a column, of all rows."""
    template = template_file.read_template({"columns": list(documents)}, strict=True)
    width = len(documents)
    frame = pl.DataFrame({f"c{at}": pl.Series([row[at] for row in rows], dtype=pl.String) for at in range(width)})
    frame = frame.with_columns(pl.lit(kind, dtype=pl.UInt8).alias(f"k{at}") for at, kind in enumerate(kinds))
    frame = frame.with_columns(_line=pl.Series(range(1, len(rows) + 1), dtype=pl.UInt32))
    layout = mapping.layout(template, [column.key for column in template.columns], tuple(range(width)))
    checker = Checker(template, layout)
    return [[one.message for one in found] for found in checker.problems(frame, np.array(checker.judge(frame).mask))]


def test_required_together() -> None:
    street = {
        "key": "street",
        "name": "Street",
        "validations": [{"validate": "required_with", "columns": ["zip", "city"]}],
    }
    rows = [["a", "1", "x"], ["", "1", ""], [" ", "", "x"], ["", "", ""], [None, " ", None], ["a", "", ""]]
    says = "This field is required together with ZIP, City"
    documents = [street, {"key": "zip", "name": "ZIP"}, {"key": "city", "name": "City"}]
    assert judged(documents, rows) == [[], [says], [says], [], [], []]


def test_required_instead_of_one_another() -> None:
    phone = {"key": "phone", "name": "Phone", "validations": [{"validate": "required_without", "columns": ["mail"]}]}
    mail = {
        "key": "mail",
        "name": "Mail",
        "validations": [{"validate": "required_without", "columns": ["phone"], "errorMessage": "One of them, please"}],
    }
    assert judged([phone, mail], [["1", ""], ["", "a"], ["", " "], ["1", "a"]]) == [
        [],
        [],
        ["This field is required without Mail", "One of them, please"],
        [],
    ]


@pytest.mark.parametrize(
    ("how", "right"),
    [
        ("after", [False, False, True]),
        ("not_before", [False, True, True]),
        ("before", [True, False, False]),
        ("not_after", [True, True, False]),
        ("equal", [False, True, False]),
        ("different", [True, False, True]),
    ],
)
def test_a_column_compared_with_another(how: str, right: list[bool]) -> None:
    compared = {"validations": [{"validate": "compare", "is": how, "column": "a"}]}
    for kind, values in {
        "Number": ["9", "10", "1e1", "100"],
        "Date": ["09/02/2024", "10/02/2024", "10/02/2024", "01/01/2025"],
        "String": ["a", "b", "b", "c"],
    }.items():
        low, middle, same, high = values
        rows = [[middle, low], [middle, same], [middle, high]]
        documents = [{"key": "a", "name": "A", "type": kind}, {"key": "b", "type": kind, **compared}]
        assert [not found for found in judged(documents, rows)] == right, kind


def test_a_comparison_needs_both_values_of_their_type() -> None:
    documents: list[dict[str, Any]] = [
        {"key": "start", "name": "Start", "type": "Date", "dateFormats": ["DD/MM/YYYY", "YYYY-MM-DD"]},
        {
            "key": "end",
            "type": "Date",
            "dateFormats": ["D MMM YYYY"],
            "notes": {"mixed_date": "off"},
            "validations": [{"validate": "compare", "is": "not_before", "column": "start"}],
        },
    ]
    rows = [["29/02/2024", "28 Feb 2024"], ["2024-02-29", "1 Mar 2024"], ["", "1 Mar 2024"], ["x", "1 Mar 2024"]]
    found = judged(documents, rows)
    assert found[0] == ["28 Feb 2024 must be not before Start"]
    assert found[1:3] == [[], []]
    assert [message for message in found[3] if "not before" in message] == []
    # A date cell of a workbook against typed text.
    cells = judged(documents, [["2024-02-29", "28 Feb 2024"], ["2024-02-27", "28 Feb 2024"]], [KIND_DATE, KIND_TEXT])
    assert cells == [["28 Feb 2024 must be not before Start"], []]
    # What cannot be compared is ignored, as a validation of another type is.
    text = [{"key": "start", "name": "Start"}, documents[1]]
    assert judged(text, [["5", "1 Mar 2024"]]) == [[]]


def test_faults_of_the_template_are_told() -> None:
    def refused(validation: dict[str, Any]) -> str:
        with pytest.raises(BadTemplate) as caught:
            template_file.read_template({"columns": [{"key": "a", "validations": [validation]}]}, strict=True)
        return caught.value.message

    assert "columns must be keys of other columns" in refused({"validate": "required_with"})
    assert "is must be one of after" in refused({"validate": "compare", "column": "b", "is": "above"})
    assert "column must be the key of another column" in refused({"validate": "compare", "is": "after"})
    assert "There is no other column 'b'" in refused({"validate": "compare", "is": "after", "column": "b"})
    assert "There is no other column 'a'" in refused({"validate": "required_with", "columns": ["a"]})


def test_it_is_said_in_words() -> None:
    validations = [
        {"validate": "compare", "is": "after", "column": "start"},
        {"validate": "required_with", "columns": ["b", "c"]},
    ]
    column = template_file.column_from_document({"key": "a", "validations": validations})
    assert columns.says(column) == "after start; required where one of b, c is filled"
    assert template_file.column_from_document(template_file.column_to_document(column), strict=True) == column
