"""What must be among the accepted values of another template: by their hashes, by whoever knows them."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from douane.errors import BadTemplate
from douane.model.template import Template
from douane.sheet import columns, template_file
from douane.sheet.check import Checker
from douane.sheet.mapping import layout
from douane.sheet.validations.contract import Reference

AMONG = {"validate": "among", "template": "t1", "column": "code"}
CODES = Reference("t1", "code")


def checker_of(kind: str = "String", marks: dict[Reference, str] | None = None, **more: Any) -> Checker:
    documents = [{"key": "code", "type": kind, "validations": [{**AMONG, **more}]}, {"key": "note"}]
    template: Template = template_file.read_template({"columns": documents}, strict=True)
    return Checker(template, layout(template, ("code", "note"), (0, 1)), seed=9, marks=marks)


def frame_of(*cells: str | None) -> pl.DataFrame:
    texts = pl.Series(cells, dtype=pl.String)
    lines = pl.Series(range(len(cells)), dtype=pl.UInt32)
    return pl.DataFrame(
        {"c0": texts, "c1": texts, "_line": lines, "_flags": pl.Series([0] * len(cells), dtype=pl.UInt8)}
    )


def wrong(checker: Checker, *cells: str | None) -> list[bool]:
    mask: Any = checker.judge(frame_of(*cells)).mask
    return [bool(row) for row in mask.any(axis=1)]


def test_a_cell_is_among_the_values_however_it_is_written() -> None:
    checker = checker_of("Number")
    assert wrong(checker, "1", "7") == [False, False]  # who does not know them judges all else
    values = checker.hashes_of(frame_of("2", "1.50", "0"), "code")
    known = checker.knowing({CODES: np.unique(values)})
    assert wrong(known, "2.0", " 1.5 ", "0", "3", "", None, "x") == [False, False, False, True, False, False, True]
    assert wrong(checker, "7") == [False]


def test_where_there_are_no_values_nothing_is_among_them() -> None:
    known = checker_of().knowing({CODES: np.zeros(0, np.uint64)})
    frame = frame_of("a", "")
    judged = known.judge(frame)
    assert [[one.message for one in found] for found in known.problems(frame, judged.mask)] == [
        ["a is not among the accepted values of code"],
        [],
    ]
    own = checker_of(errorMessage="no such code").knowing({CODES: np.zeros(0, np.uint64)})
    assert own.problems(frame, own.judge(frame).mask)[0][0].message == "no such code"


def test_it_is_judged_where_its_column_changed() -> None:
    known = checker_of().knowing({CODES: np.zeros(0, np.uint64)})
    for changed in ({"code"}, {"note"}):
        share = known.share(changed)
        assert known.judge(frame_of("a"), share).mask.any() == (changed == {"code"})


def test_verdicts_are_of_the_values_they_went_by() -> None:
    stamps = {checker_of(marks=marks).stamp for marks in (None, {CODES: "1"}, {CODES: "2"})}
    assert len(stamps) == 3
    assert checker_of(marks={}).stamp == checker_of().stamp


def test_it_is_said_in_words_and_refused_where_it_names_nothing() -> None:
    column = template_file.column_from_document({"key": "a", "validations": [AMONG]}, strict=True)
    assert columns.says(column) == "among the accepted values of code in template t1"
    assert template_file.column_from_document(template_file.column_to_document(column), strict=True) == column
    for name in ("template", "column"):
        with pytest.raises(BadTemplate, match=f"{name} must be the"):
            template_file.column_from_document({"key": "a", "validations": [{**AMONG, name: 5}]}, strict=True)
