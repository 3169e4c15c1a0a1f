"""What every importer promises the ledger: the rows that stand somewhere in an entry are the records it counted."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.chat.importers.exports import ledger, read

SAMPLES = Path(__file__).parent / "data"


@pytest.mark.parametrize(
    ("key", "file"),
    [
        ("csv", "csv.zip"),
        ("slack", "slack.zip"),
        ("slack-users", "slack-users.csv"),
        ("omnichannel_contact", "omnichannel_contact.csv"),
        ("hipchatenterprise", "hipchat.tar.gz"),
    ],
)
def test_rows_with_a_position_are_the_records_that_were_staged(key: str, file: str) -> None:
    tables = read(key, (SAMPLES / file).read_bytes())
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
