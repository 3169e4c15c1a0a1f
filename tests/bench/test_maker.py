"""The maker's counts against a second reading of its file, in plain Python and without Douane."""

import csv
import re
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from bench.countries import COUNTRIES
from bench.maker import main
from bench.people import DIRT, KEYS, PHONE_PATTERN, TAGS, TEMPLATE, URL_PATTERN, write_csv
from bench.workbook import write_workbook

EMAIL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([a-z0-9-]+\.)+[a-z0-9-]+", re.IGNORECASE)  # fmt: skip  # noqa: E501


def is_date(text: str) -> bool:
    iso = re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})", text)
    other = re.fullmatch(r"(\d{2})/(\d{2})/(\d{4})", text)
    parts = iso.groups() if iso else other.groups()[::-1] if other else None
    try:
        return parts is not None and date(*map(int, parts)) is not None
    except ValueError:
        return False


def number_rule(text: str, top: float) -> str | None:
    try:
        value = float(text)
    except ValueError:
        return "number"
    return "range_max" if value > top else "range_min" if value < 0 else None


def broken_rule(key: str, text: str, seen: set[str]) -> str | None:
    text = text.strip()
    if not text:
        return "required" if key in ("name", "id", "country") else None
    match key:
        case "name":
            return "length_max" if len(text) > 60 else None
        case "id":
            return "unique" if text in seen or seen.add(text) else None  # type: ignore[func-returns-value]
        case "email":
            return None if EMAIL.fullmatch(text) else "email"
        case "age":
            return number_rule(text, 120)
        case "amount":
            return number_rule(text, 100_000)
        case "signup":
            return None if is_date(text) else "date_format"
        case "country":
            return None if text in COUNTRIES else "list"
        case "phone":
            return None if re.search(PHONE_PATTERN, text, re.ASCII) else "pattern"
        case "url":
            return None if re.search(URL_PATTERN, text) else "pattern"
        case "tags":
            return None if set(filter(None, text.split(";"))) <= set(TAGS) else "list"
    raise AssertionError(key)


@pytest.mark.parametrize("sparse", [False, True])
def test_counts_are_those_of_the_file(tmp_path: Path, sparse: bool) -> None:
    path = tmp_path / "people.csv"
    truth = write_csv(path, 30_000, 11, sparse=sparse)

    with path.open(newline="", encoding="utf-8") as file:
        headings, *rows = csv.reader(file)
    assert tuple(headings) == KEYS == tuple(column["key"] for column in TEMPLATE["columns"])
    seen: set[str] = set()
    counts = {key: dict.fromkeys((rule for rule, _ in DIRT[key]), 0) for key in KEYS}
    invalid = []
    for index, row in enumerate(rows, start=1):
        rules = {key: broken_rule(key, text, seen) for key, text in zip(KEYS, row, strict=True)}
        for key, rule in rules.items():
            if rule:
                counts[key][rule] += 1
        if any(rules.values()):
            invalid.append(index)

    assert truth.rows == len(rows) == 30_000
    assert truth.columns == counts
    assert truth.bad_cells == sum(sum(of_column.values()) for of_column in counts.values())
    assert truth.invalid == len(invalid) == (3 if sparse else truth.invalid)
    assert truth.invalid_index_sum == sum(invalid)
    assert truth.invalid_first == invalid[:100]
    assert truth.invalid_last == invalid[-100:]
    assert truth.physical_lines == path.read_bytes().count(b"\n")
    assert sparse or all(count for of_column in counts.values() for count in of_column.values())


def test_one_seed_gives_one_file(tmp_path: Path) -> None:
    same, again, longer, other = (tmp_path / name for name in ("same.csv", "again.csv", "longer.csv", "other.csv"))
    write_csv(same, 500, 3)
    write_csv(again, 500, 3)
    write_csv(longer, 600, 3)
    write_csv(other, 500, 4)
    assert same.read_bytes() == again.read_bytes()
    assert longer.read_bytes().startswith(same.read_bytes())
    assert other.read_bytes() != same.read_bytes()


@pytest.mark.parametrize("shared", [True, False])
def test_workbook_holds_the_same_rows(tmp_path: Path, shared: bool) -> None:
    write_csv(tmp_path / "people.csv", 300, 5)
    truth = write_workbook(tmp_path / "people.xlsx", 300, 5, shared=shared)
    assert truth.rows == 300

    with (tmp_path / "people.csv").open(newline="", encoding="utf-8") as file:
        expected = list(csv.reader(file))
    sheet = openpyxl.load_workbook(tmp_path / "people.xlsx").worksheets[0]
    assert sheet.max_row == 301
    for texts, cells in zip(expected, sheet.iter_rows(values_only=True), strict=True):
        for text, cell in zip(texts, cells, strict=True):
            if cell is None or isinstance(cell, str):
                assert (cell or "") == text
            elif isinstance(cell, int | float):
                assert cell == float(text)
            else:
                assert cell.date().isoformat() == text


def test_command_writes_template_and_truth(tmp_path: Path) -> None:
    out, template, truth = tmp_path / "p.csv", tmp_path / "t.yaml", tmp_path / "truth.json"
    main(["--rows", "10", "--out", str(out), "--template", str(template), "--truth", str(truth)])
    assert '"rows": 10' in truth.read_text()
    assert "allowMultiSelect: true" in template.read_text()
