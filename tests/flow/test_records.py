"""The records of one import, by themselves: pages of its views, edits as they stand until a review, files of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import msgspec
import numpy as np
import pytest

from douane.errors import WrongStage
from douane.flow import changing, imports, records
from douane.flow.changing import How
from douane.flow.house import House, house_of
from douane.flow.records import Excerpt
from douane.flow.revisions import ChangedMeanwhile
from douane.model.operation import Operation
from douane.settings import Settings
from douane.staging.masks import VALID, View
from douane.store.database import open_database
from douane.store.objects import Objects
from tests.flow.test_remapping import checked

# name, mail, n: Bob and Eve share an address, Eve's number is none.
ROWS = [(3, "Ada", True), (4, "Bob", True), (5, "Eve", False), (6, "Kim", True)]


@pytest.fixture(scope="module")
def house(new_storage: Callable[[str], Settings]) -> Iterator[House]:
    """One for all: what is asked of the database here is plain; `test_imports` goes through both storage modes."""
    settings = new_storage("sqlite")
    engine = open_database(settings)
    yield house_of(settings, engine, Objects(settings))
    engine.dispose()


@pytest.fixture
def operation(house: House) -> Operation:
    return checked(house)


@pytest.fixture(scope="module")
def kept() -> list[Operation]:
    return []


@pytest.fixture
def standing(house: House, kept: list[Operation]) -> Operation:
    """One that no test changes."""
    if not kept:
        kept.append(checked(house))
    return kept[0]


def fresh(house: House, operation: Operation) -> Operation:
    return imports.get(house, operation.id)


def test_a_page_has_its_part_of_a_view(house: House, standing: Operation) -> None:
    operation = standing
    whole = records.page(house, operation, "all", 1, 10)
    assert [(one.line, one.record["name"], one.valid) for one in whole.records] == ROWS
    assert whole.total == 4
    for size in (1, 3):
        pages = [records.page(house, operation, "all", number, size) for number in (1, 2, 3, 4, 5)]
        assert [one for found in pages for one in found.records] == list(whole.records)
        assert {found.total for found in pages} == {4}
    (eve,) = records.page(house, operation, "invalid", 1, 10).records
    assert eve == whole.records[2]
    assert sorted({problem.column for problem in eve.problems if problem.column}) == ["mail", "n"]
    assert [one.record["name"] for one in records.page(house, operation, "valid", 1, 10).records] == [
        "Ada",
        "Bob",
        "Kim",
    ]


def test_ids_follow_from_import_and_row(house: House, standing: Operation) -> None:
    operation = standing
    found = records.page(house, operation, "all", 1, 10).records
    of: Callable[[int], str] = records.record_ids(operation.id)
    assert [one.id for one in found] == [records.record_id(operation.id, one.index) for one in found]
    assert [one.id for one in found] == [of(one.index) for one in found]
    assert len({one.id for one in found} | {records.record_id("another", one.index) for one in found}) == 8
    assert all(len(one.id) == 24 and int(one.id, 16) >= 0 for one in found)


def test_an_edit_shows_at_once_and_its_verdict_stands(house: House, operation: Operation) -> None:
    before = records.page(house, operation, "invalid", 1, 10).records[0]
    mended = records.edit(house, operation, before.index, {"name": "Eve", "mail": "e@x", "n": 3}, {})
    assert (mended.record["mail"], mended.valid, mended.updated) == ("e@x", False, {"mail": True, "n": True})
    assert mended.problems == before.problems
    (shown,) = records.page(house, fresh(house, operation), "invalid", 1, 10).records
    assert shown == mended
    # The same once more is no revision.
    records.edit(house, operation, before.index, {"name": "Eve", "mail": "e@x", "n": 3}, {})
    assert fresh(house, operation).revision_last == 1


@pytest.mark.parametrize("view", ["all", "valid", "invalid"])
def test_what_is_shown_is_what_a_page_has(house: House, operation: Operation, view: View) -> None:
    def same(now: Operation) -> None:
        for asked in ((1, 10), (2, 1), (9, 9)):
            (total, whole), (of, shown) = (
                ways(house, now, view, *asked) for ways in (records.page_in_pieces, records.shown_in_pieces)
            )
            _, plain = records.plain_in_pieces(house, now, view, *asked)
            found = list(whole)
            assert total == of
            assert msgspec.json.encode(list(shown)) == msgspec.json.encode(found)
            assert msgspec.json.encode(list(plain)) == msgspec.json.encode([[one.record for one in of] for of in found])

    same(operation)
    records.edit(house, operation, 4, {"name": ' "Bob"\n\u2028', "mail": "", "n": 1.50}, {})
    records.edit(house, operation, 900, {"name": "New"}, {})
    same(fresh(house, operation))
    changing.delete(house, fresh(house, operation), [3], How(None))
    same(fresh(house, operation))


def test_a_new_row_is_invalid_until_it_is_looked_at(house: House, operation: Operation) -> None:
    added = records.edit(house, operation, 900, {"name": "New", "mail": "new@x"}, {})
    assert (added.index, added.line, added.valid, added.problems) == (900, 0, False, ())
    now = fresh(house, operation)
    assert (now.total, now.invalid) == (operation.total + 1, operation.invalid + 1)


def test_who_was_overtaken_is_told(house: House, operation: Operation) -> None:
    row = records.page(house, operation, "all", 1, 1).records[0].index
    records.edit_many(house, operation, [(row, {"name": "One", "mail": "a@x", "n": 1}, {})], seen=0)
    with pytest.raises(ChangedMeanwhile):
        records.edit_many(house, operation, [(row, {"name": "Two", "mail": "a@x", "n": 1}, {})], seen=0)
    assert records.page(house, fresh(house, operation), "all", 1, 1).records[0].record["name"] == "One"


def test_a_file_of_some_and_of_all(house: House, standing: Operation) -> None:
    operation = standing

    def names(wanted: Excerpt) -> list[str]:
        lines = b"".join(records.encoded(house, operation, wanted)).splitlines()
        return [json.loads(line)["name"] for line in lines]

    assert names(Excerpt("all", "ndjson")) == ["Ada", "Bob", "Eve", "Kim"]
    assert names(Excerpt("valid", "ndjson", page=2, limit=2)) == ["Kim"]
    assert names(Excerpt("all", "ndjson", limit=2, skip=1)) == ["Bob", "Eve"]
    assert names(Excerpt("all", "ndjson", page=9, limit=2)) == []


def test_a_stretch_has_states_and_changed_cells(house: House, operation: Operation) -> None:
    row = records.page(house, operation, "all", 2, 1).records[0].index
    records.edit(house, operation, row, {"name": "Rob", "mail": "b@x", "n": 2}, {})
    found = records.stretch(house, operation, "all", 1, 2)
    assert found.rows.tolist() == [row, row + 1]
    assert np.flatnonzero(found.states == VALID).tolist() == [0]
    assert "Rob" in found.frame.row(0)


def test_what_was_put_aside_shows_nothing_and_takes_nothing(house: House, operation: Operation) -> None:
    imports.terminate(house, operation)
    gone = fresh(house, operation)
    assert records.page(house, gone, "all", 1, 10) == records.RecordPage((), 0)
    with pytest.raises(WrongStage):
        records.edit(house, gone, 1, {"name": "Late"}, {})
