"""The shared workbooks: every file ends in a result or a refusal, and where there is truth, cells equal it by value.

Truth is what Excel itself exported as CSV, which is what its cells show, and what two other readers agree on. A cell
that shows 12.5 % holds 0.125: so cells are compared by value, as far as the shown text tells it.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from douane.sheet.formats import KIND_BOOLEAN, KIND_DATE, KIND_DATETIME, KIND_ERROR, KIND_NUMBER, KIND_TIME

ROOT = Path(__file__).parents[3]
SHARED = Path(os.environ.get("DOUANE_SHARED") or ROOT.parent / "shared")
EXCEL = SHARED / "corpus" / "excel"
MEMORY_BYTES = 1 << 30
SECONDS_MAX = 20

pytestmark = [
    pytest.mark.long,
    pytest.mark.corpus,
    pytest.mark.skipif(not EXCEL.exists() and not os.environ.get("CI"), reason="the shared corpus is not here"),
]

Sheet = dict[str, Any]


def read_all(paths: list[Path]) -> dict[Path, dict[str, Any]]:
    """Every file's result; one whose process ended gets {"crash": what it said}."""
    results: dict[Path, dict[str, Any]] = {}
    left = list(paths)
    while left:
        program = [sys.executable, "-m", "tests.sheet.formats.read_workbooks", str(MEMORY_BYTES), *map(str, left)]
        done = subprocess.run(program, capture_output=True, text=True, cwd=ROOT, timeout=240, check=False)
        for line in done.stdout.splitlines():
            results[left.pop(0)] = json.loads(line)
        if left and done.returncode:
            results[left.pop(0)] = {"crash": done.stderr[-2000:] or str(done.returncode)}
    return results


@pytest.fixture(scope="module")
def results() -> dict[Path, dict[str, Any]]:
    folders = ("_oracle", "truth")
    files = [p for p in sorted(EXCEL.rglob("*")) if p.is_file() and not set(folders) & set(p.parts)]
    return read_all([p for p in files if p.name != "files.tsv"])


def test_every_file_ends_within_its_limits(results: dict[Path, dict[str, Any]]) -> None:
    with (EXCEL / "files.tsv").open(newline="") as listing:
        rows = csv.DictReader(listing, delimiter="\t", quoting=csv.QUOTE_NONE)
        assert {EXCEL / row["path"] for row in rows if row["role"] == "input"} == results.keys()
    assert len(results) > 350
    bad = {str(p): r for p, r in results.items() if "crash" in r or r["seconds"] > SECONDS_MAX}
    assert not bad, bad


def test_encrypted_files_and_those_of_another_kind_are_refused(results: dict[Path, dict[str, Any]]) -> None:
    for path, result in results.items():
        place = str(path.relative_to(EXCEL))
        encrypted = "pass_protected" in place or "password-protected" in place or "encrypted_no_password" in place
        if encrypted or "protected_passtika" in place:
            assert result["refused"][0] == "file_encrypted", place
        if place in ("xlrd/sample.zip",):  # it holds one file, which has no byte
            assert result["refused"][0] == "file_empty"


def test_cells_equal_what_excel_shows_and_what_two_readers_agree_on(results: dict[Path, dict[str, Any]]) -> None:
    shown, shown_not = against_excel(results)
    read, read_not = against_readers(results)
    report("Excel's own export", shown, shown_not)
    report("two readers", read, read_not)
    assert shown / (shown + len(shown_not)) >= 0.995, shown_not[:50]
    assert read / (read + len(read_not)) >= 0.995, read_not[:50]
    assert (shown + read) / (shown + read + len(shown_not) + len(read_not)) >= 0.997


def against_excel(results: dict[Path, dict[str, Any]]) -> tuple[int, list[Any]]:
    """(how many cells are equal, those that are not)"""
    equal, different = 0, []
    for path, sheet, rows in excel_truth(results):
        for place, cell, kind, shown, ok in paired(sheet, rows, agrees):
            if ok:
                equal += 1
            else:
                different.append((path.name, sheet["name"], place, cell, kind, shown))
    return equal, different


def against_readers(results: dict[Path, dict[str, Any]]) -> tuple[int, list[Any]]:
    equal, different = 0, []
    for path, result in results.items():
        oracle = EXCEL / "_oracle" / f"{path.relative_to(EXCEL)}.json"
        if not oracle.exists() or "sheets" not in result:
            continue
        known = {s["name"]: s for s in json.loads(oracle.read_text())["sheets"]}
        for sheet in result["sheets"]:
            if sheet["name"] not in known:
                continue
            said_rows = known[sheet["name"]].get("cells", [])
            for place, cell, kind, said, ok in paired(sheet, said_rows, same):
                if len(said_rows) == 400 and place[0] > 400:
                    continue  # theirs end there
                if ok:
                    equal += 1
                else:
                    different.append((str(path.relative_to(EXCEL)), sheet["name"], place, cell, kind, said))
    return equal, different


def report(what: str, equal: int, different: list[Any]) -> None:
    """With `pytest -s`: how far the cells agree, and which do not."""
    print(f"\n{what}: {equal:,} of {equal + len(different):,} cells, {100 * equal / (equal + len(different)):.3f} %")
    for one in different[:400]:
        print("  ", one)


def excel_truth(results: dict[Path, dict[str, Any]]) -> Iterator[tuple[Path, Sheet, list[list[str]]]]:
    for path, result in results.items():
        for truth in sorted((path.parents[1] / "truth").glob(f"{glob_literal(path.name)}.*.csv")) or sorted(
            (path.parent / "truth").glob(f"{glob_literal(path.name)}.*.csv")
        ):
            number = int(truth.name.split(".")[-2])
            sheets = sorted(result.get("sheets", []), key=lambda s: s["number"])
            if number < len(sheets) and "rows" in sheets[number]:
                text = truth_text(truth).replace("\r\n", "\n").replace("\r", "\n")
                yield path, sheets[number], list(csv.reader(text.splitlines(keepends=True)))


def truth_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        return path.read_bytes().decode("cp1252", errors="replace")


def glob_literal(name: str) -> str:
    return re.sub(r"([\[\]*?])", r"[\1]", name)


def paired(
    sheet: Sheet, rows: list[list[Any]], same: Callable[[str, int, Any], bool]
) -> Iterator[tuple[tuple[int, int], str, int, Any, bool]]:
    """((line, column), our cell, its kind, theirs, whether they are the same) for every place that either side fills.
    What is hidden is left out on our side and passed over on theirs. They begin where the sheet's first value or format
    is, and do not say where that is: of the possible places the one that agrees best."""
    ours = {
        (line, column): (cell, kind)
        for line, cells, kinds in sheet.get("rows", ())
        for column, cell, kind in zip(sheet["columns"], cells, kinds, strict=False)
        if cell
    }
    theirs = {(y, x): v for y, row in enumerate(rows, 1) for x, v in enumerate(row) if v != ""}
    lines = {line for line, _, _ in sheet.get("rows", ())}
    columns = set(sheet.get("columns", ()))
    down = range(min((y for y, _ in ours), default=1))
    right = range(min((x for _, x in ours), default=0) + 1)

    def pairs(dy: int, dx: int) -> list[tuple[tuple[int, int], str, int, Any, bool]]:
        moved = {(y + dy, x + dx): v for (y, x), v in theirs.items()}
        found = []
        for place in sorted(ours.keys() | moved.keys()):
            if place not in ours and (place[0] not in lines or place[1] not in columns):
                continue
            cell, kind = ours.get(place, ("", 0))
            said = moved.get(place, "")
            found.append((place, cell, kind, said, same(cell, kind, said)))
        return found

    best: list[tuple[tuple[int, int], str, int, Any, bool]] = []
    for dy in down:
        for dx in right:
            here = pairs(dy, dx)
            if (not dy and not dx) or sum(p[4] for p in here) > sum(p[4] for p in best):
                best = here
            if all(p[4] for p in best):
                return iter(best)
    return iter(best)


def same(cell: str, kind: int, said: str | None) -> bool:
    """Our cell against another reader's, who writes numbers as floats and moments as ISO or `time ...`."""
    if said is None:
        return True  # the two readers differ
    said = said.removeprefix("time ")
    if said.startswith("delta "):
        hours, minutes, seconds = (float(n) for n in cell.split(":")) if kind == KIND_TIME else (0, 0, -1)
        return hours * 3600 + minutes * 60 + seconds == float(said.removeprefix("delta "))
    if cell == said:
        return True
    if kind == KIND_NUMBER:
        try:
            return abs(float(cell) - float(said)) <= 1e-9 * max(1.0, abs(float(said)))
        except ValueError:
            return False
    if kind in (KIND_DATE, KIND_DATETIME, KIND_TIME):
        return moment_numbers(cell) == moment_numbers(said)
    return cell.replace("\r\n", "\n") == said.replace("\r\n", "\n")


def moment_numbers(text: str) -> list[float]:
    numbers = [float(n) for n in re.findall(r"\d+(?:\.\d+)?", text)]
    while len(numbers) > 3 and numbers[-1] == 0:
        numbers.pop()
    return [float(int(n)) for n in numbers]  # they leave out parts of a second


def agrees(cell: str, kind: int, shown: str) -> bool:
    """Whether a cell's value can be what Excel shows. Signs outside its code page show as `_`."""
    if cell.strip() == shown.strip():
        return True
    if kind == KIND_ERROR:
        return cell == shown
    if kind == KIND_BOOLEAN:
        return cell == shown.upper()
    if kind == KIND_NUMBER:
        return number_agrees(float(cell), shown)
    if kind in (KIND_DATE, KIND_DATETIME, KIND_TIME):
        return moment_agrees(cell, shown)
    pattern = "".join(rf"(?:{re.escape(c)}|_{{1,{1 + (c > chr(0xFFFF))}}}|�)" for c in " ".join(cell.split()))
    return re.fullmatch(pattern, " ".join(shown.split())) is not None


def number_agrees(value: float, shown: str) -> bool:
    text = shown.strip()
    if set(text) == {"#"}:
        return True  # the column was too narrow to show it
    fraction = re.fullmatch(r"(-?)(?:(\d+) +)?(\d+)/(\d+)", text)
    if fraction:
        sign, whole, above, below = fraction.groups()
        number = (int(whole or 0) + int(above) / int(below)) * (-1 if sign else 1)
        return abs(number - value) <= 0.5 / int(below)
    match = re.search(r"[\d,]*\.?\d+(?:[eE][+-]?\d+)?|\d+\.", text)
    if not match:
        return text in ("-", "") and value == 0
    digits = match[0].replace(",", "")
    number = float(digits)
    mantissa, _, exponent = digits.lower().partition("e")
    unit = 10.0 ** (int(exponent or 0) - (len(mantissa.partition(".")[2])))
    if "%" in text:
        number, unit = number / 100, unit / 100
    return abs(abs(value) - number) <= 0.500001 * unit + 1e-9 * abs(value)


MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def moment_agrees(cell: str, shown: str) -> bool:
    """Every number and month name shown is one of the moment's."""
    day, _, clock = cell.partition("T") if "T" in cell else ((cell, "", "") if "-" in cell else ("", "", cell))
    known: set[float] = set()
    if day:
        year, month, date = (int(n) for n in day.split("-"))
        known |= {year, year % 100, month, date}
    else:
        month = 1
        known |= {0, 1, 1900, 1904}
    if clock:
        hour, minute, second = (float(n) for n in clock.split(":"))
        known |= {hour, hour % 12 or 12, minute, second, round(second), int(second), hour * 60 + minute}
    else:
        known |= {0, 12}
    numbers = [float(n) for n in re.findall(r"\d+(?:\.\d+)?", shown)]
    names = [w[:3].lower() for w in re.findall(r"[A-Za-z]{3,}", shown)]
    return all(n in known for n in numbers) and all(n not in MONTHS or MONTHS.index(n) + 1 == month for n in names)


@pytest.fixture(scope="module")
def attacks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attacks")
    generator = SHARED / "corpus" / "generators" / "attack_gen.py"
    subprocess.run([sys.executable, str(generator), str(folder), "--only", "xlsx"], check=True, timeout=120)
    return folder


def test_attacks_end_as_expected(attacks: Path) -> None:
    listed = json.loads((attacks / "expected.json").read_text())
    expected = {name: said for name, said in listed.items() if name.endswith((".xlsx", ".ods"))}
    assert len(expected) >= 19
    results = {str(p.relative_to(attacks)): r for p, r in read_all([attacks / name for name in expected]).items()}
    assert results.keys() == expected.keys()
    for name, result in results.items():
        assert "crash" not in result, (name, result)
        assert result["seconds"] < SECONDS_MAX, (name, result["seconds"])
        refused = result.get("refused") or result["sheets"][0].get("refused")
        rows = result.get("sheets", [{}])[0].get("rows")
        if expected[name]["expect"].startswith("refuse:") or expected[name]["expect"].startswith("refuse;"):
            assert refused, name
        assert refused or rows, name
    cells = {n: [c for _, row, _ in r["sheets"][0]["rows"] for c in row] for n, r in results.items() if has_rows(r)}
    assert cells["xlsx/formula_cells.xlsx"] == ["cached", "x"]
    assert cells["xlsx/sst_bad_index.xlsx"] == ["#REF!", "#REF!"]
    assert cells["xlsx/sst_count_lies.xlsx"] == ["ok"]
    assert cells["xlsx/huge_dimension.xlsx"] == ["1"]


def has_rows(result: dict[str, Any]) -> bool:
    return bool(result.get("sheets") and result["sheets"][0].get("rows"))
