"""What every member of the shelf keeps, over its sample and the tables expected of it.

A member's sample is `importers/data/<key>.<zip, csv, json, tar.gz ...>`; beside it stands `<key>.expected.json`, all
its tables row by row. `python -m tests.chat.test_shelf <key>` writes that file anew: read what changed before you keep
it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from douane.chat.importers import BATCH_RECORDS, Options, menu, open_export, recognise
from douane.chat.tables import RECORDS, TABLES
from tests.chat.importers.exports import MemorySource, counted, joined, ledger, resumed_everywhere

SAMPLES = Path(__file__).parent / "importers" / "data"
KEYS = [key for key, member in menu().items() if member.module]
EXPECTED = ".expected.json"
OF_MESSAGES = ("reactions", "files", "mentions", "edits")


def sample(key: str) -> MemorySource:
    (path,) = (path for path in SAMPLES.glob(f"{key}.*") if not path.name.endswith(EXPECTED))
    return MemorySource(path.read_bytes())


def expected_of(key: str) -> Path:
    return SAMPLES / f"{key}{EXPECTED}"


def tables(key: str, batch_records: int = BATCH_RECORDS) -> dict[str, pl.DataFrame]:
    return joined(list(open_export(key, sample(key), Options(batch_records=batch_records)).batches()))


def document(found: dict[str, pl.DataFrame]) -> dict[str, list[dict[str, Any]]]:
    return {name: found[name].to_dicts() for name in TABLES if name in found and len(found[name])}


@pytest.mark.parametrize("key", KEYS)
def test_the_tables_are_those_expected(key: str) -> None:
    expected = json.loads(expected_of(key).read_text(encoding="utf-8"))
    found = document(tables(key))
    for name in {**expected, **found}:
        assert found.get(name) == expected.get(name), name


@pytest.mark.parametrize("key", KEYS)
def test_it_recognises_its_own(key: str) -> None:
    assert recognise(sample(key)) == key


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("size", [1, 3, BATCH_RECORDS])
def test_batches_are_typed_accounted_for_and_go_on_anywhere(key: str, size: int) -> None:
    reader = open_export(key, sample(key), Options(batch_records=size))
    batches = resumed_everywhere(reader)
    if size == 1:
        assert len(batches) > 1  # else going on was never tried
    for batch in batches:
        for name, frame in batch.tables.items():
            assert dict(frame.schema) == TABLES[name], name
            assert len(frame), name
        messages = batch.tables.get("messages")
        for name in OF_MESSAGES:
            if name in batch.tables:
                assert messages is not None
                at = batch.tables[name]["at"]
                assert at.is_sorted()
                assert at.max() < len(messages)  # type: ignore[operator]
        if messages is not None:
            for name in ("reactions", "files"):
                at = batch.tables[name]["at"].to_list() if name in batch.tables else []
                assert messages[name].to_list() == [at.count(place) for place in range(len(messages))]
    done = [batch.bytes_done for batch in batches]
    assert done == sorted(done)
    assert 0 <= done[0] <= done[-1] <= reader.bytes_total
    found = joined(batches)
    entries = found["entries"]
    assert entries["entry"].is_unique().all()
    assert (entries["name"] == "").all() or len(entries) == reader.overview.counts["entries"]
    ledger(found)
    counts = reader.counts()
    assert counts == counted(batches)
    assert list(counts.years) == sorted(counts.years)


@pytest.mark.parametrize("key", KEYS)
def test_the_size_of_batches_changes_nothing(key: str) -> None:
    few, many = tables(key), tables(key, 1)
    for name in (*RECORDS, "members", "entries"):
        assert (name in few) == (name in many), name
        if name in few:
            order = [c for c in ("entry", "position", "id", "channel", "user") if c in few[name].columns]
            assert few[name].sort(order).equals(many[name].sort(order)), name


@pytest.mark.parametrize("key", KEYS)
def test_ids_and_keys_are_of_one_record_each_and_point_somewhere(key: str) -> None:
    found = tables(key)
    for name in RECORDS:
        if name in found:
            assert found[name]["id"].is_not_null().all(), name
            assert found[name]["id"].is_unique().all(), name
    if "messages" in found:
        messages = found["messages"]
        assert messages.select("key_hi", "key_lo").is_unique().all()
        assert set(messages["channel"]) <= set(found["channels"]["id"])
        assert messages.filter(pl.col("thread").is_not_null())["thread"].is_in(messages["id"].implode()).all()
    if "members" in found:
        assert set(found["members"]["channel"]) <= set(found["channels"]["id"])
    for name in ("users", "channels", "contacts"):
        ids = found[name].select("id", "ids").rows() if name in found and "ids" in TABLES[name] else []
        assert all(several[0] == first for first, several in ids)


if __name__ == "__main__":
    for one in sys.argv[1:]:
        text = json.dumps(document(tables(one)), ensure_ascii=False, indent=1)
        expected_of(one).write_text(text + "\n", encoding="utf-8")
