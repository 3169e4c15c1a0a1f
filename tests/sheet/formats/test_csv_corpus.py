"""The shared text files: every file ends in a result or a refusal within seconds, and truth is met where there is some.

`expected.json` of the attack generator says in words what must come of its files; here is what that means for each.
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from douane.errors import DouaneError
from douane.sheet.formats import FLAG_BROKEN, FLAG_OVERLONG, FLAG_SHORT, FLAG_UNDECODABLE, Detected, Options, open_file
from tests.sheet.formats.reading import MemorySource, cells

ROOT = Path(__file__).parents[3]
SHARED = Path(os.environ.get("DOUANE_SHARED") or ROOT.parent / "shared")
TEXTS = SHARED / "corpus" / "csv"
SECONDS_MAX = 10

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not TEXTS.exists() and not os.environ.get("CI"), reason="the shared corpus is not here"),
]


@dataclass(frozen=True)
class Result:
    """What came of a file: `refused` is the code of a refusal, else there are records."""

    refused: str = ""
    message: str = ""
    detected: Detected | None = None
    frame: pl.DataFrame | None = None
    seconds: float = 0.0

    @property
    def rows(self) -> list[list[str]]:
        assert self.frame is not None, self.message
        assert self.detected is not None
        return cells(self.frame, self.detected.width)

    def flags(self) -> dict[int, int]:
        """Line -> flags of the flagged records."""
        assert self.frame is not None, self.message
        flagged = self.frame.filter(pl.col("_flags") > 0)
        return dict(zip(flagged["_line"].to_list(), flagged["_flags"].to_list(), strict=True))


def result_of(path: Path) -> Result:
    began = time.monotonic()
    try:
        reader = open_file(MemorySource(path.read_bytes()), Options())
        frames = [piece.parse().frame for piece in reader.pieces()]
    except DouaneError as refusal:
        return Result(refusal.code, refusal.message, seconds=time.monotonic() - began)
    seconds = time.monotonic() - began
    return Result("", "", reader.detected, pl.concat(frames, how="diagonal"), seconds)


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    with (TEXTS / "files.tsv").open(newline="") as listing:
        rows = csv.DictReader(listing, delimiter="\t", quoting=csv.QUOTE_NONE)
        paths = [row["path"] for row in rows if row["role"] == "input"]
    assert len(paths) > 700
    return {path: result_of(TEXTS / path) for path in paths}


def test_every_file_ends_in_a_result_or_a_refusal(results: dict[str, Result]) -> None:
    assert {path: result.seconds for path, result in results.items() if result.seconds > SECONDS_MAX} == {}
    codes = {"", "file_empty", "file_type", "file_broken", "over_limit"}
    assert {result.refused for result in results.values()} <= codes


def test_no_replacement_character_appears(results: dict[str, Result]) -> None:
    compared = 0
    for path, result in results.items():
        detected = result.detected
        if detected is None or detected.encoding is None or detected.compression:
            continue
        text = (TEXTS / path).read_bytes().decode(detected.encoding, "backslashreplace")
        if "\ufffd" in text or "ufffd" in text.lower():
            continue  # it is really there
        assert not any("\ufffd" in cell for row in result.rows for cell in row), path
        compared += 1
    assert compared > 0.7 * len(results)


def test_files_agree_with_csv(results: dict[str, Result]) -> None:
    """With the dialect that was detected, cells and lines are `csv`'s own, in every file but those whose quotes `csv`
    does not know: of these more records have the usual number of cells."""
    compared = 0
    rewritten: list[str] = []
    for path, result in results.items():
        detected = result.detected
        if detected is None or detected.format != "csv" or detected.compression or result.frame is None:
            continue
        if any("backslash" in note or note.startswith("Blanks between") for note in detected.notes):
            rewritten.append(path)
            continue
        data = (TEXTS / path).read_bytes()
        assert detected.encoding is not None
        text = data.decode(detected.encoding, "backslashreplace").removeprefix("\ufeff")
        if text.lower().startswith("sep="):
            continue
        assert detected.delimiter is not None
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=detected.delimiter, quotechar=detected.quote)
        expected = [row for row in reader if any(not cell.isspace() and cell for cell in row)]
        assert [row for row in result.rows if any(not cell.isspace() and cell for cell in row)] == expected, path
        compared += 1
    assert compared > 0.64 * len(results)
    print(*rewritten)
    assert len(rewritten) < 30
    assert {len(row) for row in results["duckdb/real/imdb_movie_info_escaped.csv"].rows} == {5}


def test_csv_spectrum_and_w3c_truth(results: dict[str, Result]) -> None:
    for number in ("001", "006", "008", "010"):
        heading, *rows = results[f"w3c-csvw/test{number}.csv"].rows
        truth = json.loads((TEXTS / f"w3c-csvw/test{number}.json").read_text())
        described = [row["describes"][0] for table in truth["tables"] for row in table["row"]]
        records = [dict(zip(heading, row, strict=False)) for row in rows]
        assert len(records) == len(described) > 0
        for record, expected in zip(records, described, strict=True):
            values = {key: value for key, value in record.items() if value != ""}
            assert {key.replace("%20", " "): value for key, value in expected.items() if key != "@id"} == values


def test_csvkit_truth(results: dict[str, Result]) -> None:
    """`*_converted.csv` is what csvkit makes of JSON: it shows true as True, drops a leading zero of hours and opens
    nested objects; cells are compared by what is left."""
    compared = 0
    for name in ("testjson", "testjson_multiline"):
        truth = list(csv.reader(io.StringIO((TEXTS / f"csvkit/{name}_converted.csv").read_text(), newline="")))
        result = results[f"csvkit/{name}.json"]
        assert result.frame is not None
        assert result.detected is not None
        shown = [[cell or "" for cell in row[: result.detected.width]] for row in result.frame.rows()]
        assert len(shown) == len(truth)
        for row, expected in zip(shown, truth, strict=True):
            plain = [cell.title() if cell in ("true", "false") else cell for cell in row]
            assert [cell.removeprefix("0") if cell.count(":") == 2 and "T" not in cell else cell for cell in plain] == (
                expected
            )
            compared += 1
    assert compared == 9
    for path in sorted((TEXTS / "csvkit").glob("*_converted.csv")):
        assert result_of(path).rows == [
            row for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")) if any(row)
        ]


@pytest.mark.parametrize("name", ["standard", "with_utf8_bom", "with_utf16be_bom", "with_utf16le_bom"])
def test_spout_encodings(results: dict[str, Result], name: str) -> None:
    table = [[f"csv--{row}{column}" for column in "123"] for row in "123"]
    assert results[f"spout/csv_{name}.csv"].rows == table


def test_spout_other_encodings_and_line_ends(results: dict[str, Result]) -> None:
    table = [[f"csv--{row}{column}" for column in "123"] for row in "123"]
    for name in ("utf32be_bom", "utf32le_bom", "encoding_utf16le_no_bom", "encoding_cp1252", "CR_EOL"):
        assert results[f"spout/csv_with_{name}.csv"].rows == table


@pytest.mark.parametrize(
    ("path", "encoding"),
    [
        ("charset-normalizer/sample-arabic-1.txt", "cp1256"),
        ("charset-normalizer/sample-french-1.txt", "cp1252"),
        ("charset-normalizer/sample-hebrew-2.txt", "cp1255"),
        ("charset-normalizer/sample-hebrew-3.txt", "cp1255"),
        ("charset-normalizer/sample-turkish.txt", "cp1254"),
        ("csvlint/invalid-byte-sequence.csv", "cp1252"),
        ("duckdb/encodings/shift_jis.csv", "cp932"),
        ("frictionless/table-infer-iso-8859-7.csv", "cp1253"),
        ("frictionless/table-with-accents.csv", "cp1252"),
        ("messytables-horror/spanish_chars.csv", "cp1252"),
        ("rust-csv/uspop-latin1.csv", "cp1252"),
    ],
)
def test_encodings_without_a_mark(results: dict[str, Result], path: str, encoding: str) -> None:
    detected = results[path].detected
    assert detected is not None
    assert detected.encoding == encoding


def test_json_suite(results: dict[str, Result]) -> None:
    """What must be refused as JSON is refused, but for texts that are a table of one cell by any other look. What must
    be accepted is: nothing of it is called broken, though most is no table."""
    read = {path for path, result in results.items() if path.startswith("json-test-suite/n_") and not result.refused}
    for path in read:
        detected = results[path].detected
        assert detected is not None
        assert detected.format == "csv", path
    assert len(read) <= 12
    for path, result in results.items():
        if path.startswith("json-test-suite/y_"):
            assert result.refused in ("", "file_type", "file_empty"), path


@pytest.fixture(scope="module")
def attacks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    folder = tmp_path_factory.mktemp("attacks")
    program = [sys.executable, str(SHARED / "corpus" / "generators" / "attack_gen.py"), str(folder), "--only", "text"]
    subprocess.run(program, check=True, timeout=60, stdout=subprocess.DEVNULL)
    names = [name for name in json.loads((folder / "expected.json").read_text()) if name.startswith(("csv", "json"))]
    return {name: result_of(folder / name) for name in names}


def test_attacks_end_in_time(attacks: dict[str, Result]) -> None:
    assert len(attacks) > 40
    assert {name: result.seconds for name, result in attacks.items() if result.seconds > SECONDS_MAX} == {}


def test_attacks_beyond_a_limit_name_it(attacks: dict[str, Result]) -> None:
    for name, setting in {
        "csv/columns.csv": "columns",
        "csv/columns_16385.csv": "columns",
        "csv/commas_only.csv": "columns",
        "json/many_keys.json": "columns",
        "json/deep_array.json": "json_depth",
        "json/deep_object.json": "json_depth",
        "json/unclosed_array.json": "json_depth",
        "json/int_5000.json": "json_digits",
        "json/int_1000000.json": "json_digits",
        "json/one_string.json": "record_bytes",
    }.items():
        assert attacks[name].refused == "over_limit", name
        assert f"(setting {setting})" in attacks[name].message
    assert len(attacks["csv/columns_16384.csv"].rows) == 2
    assert attacks["json/nan.json"].refused == "file_broken"


def test_attacks_flag_what_they_should(attacks: dict[str, Result]) -> None:
    assert attacks["csv/bad_utf8.csv"].flags() == {502: FLAG_UNDECODABLE}
    assert attacks["csv/bad_utf8.csv"].rows[501:] == [["500", "\\xff\\xfe\\xc3("], ["501", "ok"]]
    assert attacks["csv/open_quote_small.csv"].flags() == {3: FLAG_BROKEN}
    assert attacks["csv/open_quote_big.csv"].flags()[3] == FLAG_OVERLONG
    assert attacks["csv/one_cell.csv"].flags() == {3: FLAG_OVERLONG}
    assert attacks["csv/ragged.csv"].flags() == {3: FLAG_SHORT}
    assert attacks["csv/ragged.csv"].rows[3] == ["6", "7", "8", "9"]
    assert len(attacks["csv/mixed_ends.csv"].rows) == 1 + 4
    assert attacks["csv/nul.csv"].rows == [["id", "na\0me"], ["1", "a\0b"]]
    assert len(attacks["csv/controls.csv"].rows) == 31
    assert attacks["json/bad_line.ndjson"].flags() == {2: FLAG_BROKEN}
    assert attacks["json/keys.json"].flags() == {1: FLAG_BROKEN}
    assert len(attacks["json/lone_surrogate.json"].flags()) == 1


def test_attacks_keep_every_encoding(attacks: dict[str, Result]) -> None:
    table = attacks["csv/enc_utf-8.csv"].rows
    for name in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"):
        assert attacks[f"csv/enc_{name}.csv"].rows == table, name
    for name, row in {
        "latin-1": ["Straße", "café"],
        "cp1252": ["€ 5", "„quote”"],
        "cp1250": ["žluťoučký", "kůň"],
        "cp1251": ["Москва", "город"],
        "koi8-r": ["Москва", "город"],
        "shift_jis": ["東京都", "表示ソ"],
        "euc-jp": ["東京都", "表示"],
        "gb18030": ["北京市", "海淀"],
        "big5": ["臺北市", "許功蓋"],
        "euc-kr": ["서울시", "대한민국"],
        "mac-roman": ["café", "naïve"],
    }.items():
        assert attacks[f"csv/enc_{name}.csv"].rows[-1] == ["59", *row], name


def test_numbers_keep_their_text(attacks: dict[str, Result]) -> None:
    assert [row[0] for row in attacks["json/numbers.json"].rows] == [
        "n",
        "9007199254740993",
        "1e999",
        "-0",
        "1E-400",
        "0.1000000000000000055511151231257827",
    ]
