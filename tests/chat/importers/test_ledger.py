"""What every importer promises the ledger: the rows that stand somewhere in an entry are the records it counted."""

from __future__ import annotations

import polars as pl
import pytest

from douane.chat.importers.ledger import NAMED, Ledger, Sheets
from tests.chat.importers.exports import ledger, read
from tests.chat.test_shelf import KEYS, sample


@pytest.mark.parametrize("key", KEYS)
def test_rows_with_a_position_are_the_records_that_were_staged(key: str) -> None:
    tables = read(key, sample(key).data)
    assert ledger(tables)[1] > 0
    records = pl.concat(
        [
            tables[name].select("entry", "position")
            for name in ("users", "channels", "contacts", "messages")
            if name in tables
        ]
    )
    standing = records.drop_nulls("position").group_by("entry").len("rows")
    entries = tables["entries"].select("entry", "name", "staged").join(standing, on="entry", how="left")
    assert entries.filter(pl.col("staged") != pl.col("rows").fill_null(0)).rows() == []
    # Those that stand nowhere were made by the reading, and say so.
    made = [tables[name].filter(pl.col("position").is_null()) for name in ("users", "channels") if name in tables]
    for frame in made:
        if "origin" in frame.columns:
            assert set(frame["origin"]) <= {"inferred"}
        else:
            assert set(frame["kind"]) <= {"unlisted", "dm", "self_dm", "file_comments"}


def test_a_row_has_what_is_usual_where_nothing_is_said_of_it() -> None:
    sheets = Sheets()
    sheets.add("messages", id="a", text="one")
    sheets.add("messages", id="b", kind="me", files=2)
    assert sheets.frames()["messages"].select("id", "text", "kind", "format", "pinned", "files", "alias").rows() == [
        ("a", "one", "text", "plain", False, 0, None),
        ("b", None, "me", "plain", False, 2, None),
    ]


def test_a_column_that_no_table_has_is_noticed() -> None:
    sheets = Sheets()
    sheets.add("messages", id="a", texts="misspelt")
    with pytest.raises(KeyError, match="texts"):
        sheets.frames()


def test_faults_of_one_kind_are_named_up_to_a_number_and_then_counted() -> None:
    sheets = Sheets()
    account = Ledger(sheets, 3, "messages", {"odd": "Line {line} is odd."})
    for line in range(NAMED + 5):
        account.fail(line, "broken", f"Line {line} is broken.", "x" * 500)
    account.skip(7, "known", "Known.")
    account.warn(["odd"], 4)
    account.warn(["odd"], 9)
    account.close("a.json", "messages", 10)
    issues = sheets.frames()["issues"]
    assert len(issues) == NAMED + 3
    assert issues["count"].sum() == NAMED + 5 + 1 + 2
    assert issues["excerpt"].str.len_chars().max() == 200
    assert issues.select("severity", "code", "position", "message", "count").rows()[NAMED:] == [
        ("failed", "broken", None, "5 further records like these.", 5),
        ("skipped", "known", 7, "Known.", 1),
        ("warning", "odd", 4, "Line 4 is odd. So do 1 more.", 2),
    ]
    (entry,) = sheets.frames()["entries"].to_dicts()
    assert (entry["found"], entry["staged"], entry["skipped"], entry["failed"]) == (NAMED + 6, 0, 1, NAMED + 5)
