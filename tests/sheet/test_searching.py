"""Finding and replacing in a column, and what a column is sorted by."""

from __future__ import annotations

import random

import polars as pl
import pytest

from douane.model.template import Column
from douane.sheet.native.replace import replaced
from douane.sheet.ordering import order_of, ranked
from douane.sheet.searching import Search
from tests.sheet.kernel import built, reading_with

CELLS = ["Rome", "rome and ROME", " Rome ", None, "", "  ", "a.b$c", "ÉCOLE"]


@pytest.mark.parametrize(
    ("search", "replace", "after"),
    [
        (Search("rome"), "$1", {0: "$1", 1: "$1 and $1", 2: " $1 "}),
        (Search("Rome", case_sensitive=True), "Milan", {0: "Milan", 2: " Milan "}),
        (Search("rome", whole=True), "x", {0: "x", 2: "x"}),
        (Search("Rome", case_sensitive=True, whole=True), "", {0: "", 2: ""}),
        (Search(""), "none", {3: "none", 4: "none", 5: "none"}),
        (Search(".b$", case_sensitive=True), "$0", {6: "a$0c"}),
        (Search(".B$"), "$0", {6: "a$0c"}),
        (Search("école"), "x", {7: "x"}),
        (Search("nothing"), "x", {}),
    ],
)
def test_hits_are_replaced(search: Search, replace: str, after: dict[int, str]) -> None:
    cells = pl.Series("c0", CELLS, dtype=pl.String)
    hits = search.hits(cells)
    assert hits.arg_true().to_list() == list(after)
    assert search.replaced(cells.filter(hits), replace).to_list() == list(after.values())
    assert changed(search, cells, replace) == after
    # Where nearly all are hit they are not picked out first.
    crowd = pl.concat([cells.gather(list(after))] * 8 + [cells]) if after else cells
    many = changed(search, crowd, replace)
    assert [many[at] for at in sorted(many)] == [*after.values()] * 9 if after else many == {}


def changed(search: Search, cells: pl.Series, replace: str) -> dict[int, str]:
    """What differs afterwards, by its place: the same by the kernel."""
    where, texts = search.changed(cells, replace)
    with reading_with(built()):
        by_kernel = search.changed(cells, replace)
    assert where.to_list() == by_kernel[0].to_list()
    assert texts.to_list() == by_kernel[1].to_list()
    found = dict(zip(where.arg_true().to_list(), texts, strict=True))
    assert all(text != cells[at] for at, text in found.items())
    return found


@pytest.mark.parametrize(
    "sign", [*r"""()[]{}^$.*+?|\/#&~-"'`<>=!@%:,; """, "\n", "\t", "é(", "$1", "(?i)", "\\d", "[a"]
)
@pytest.mark.parametrize("case_sensitive", [True, False])
def test_a_text_that_looks_like_a_pattern_is_a_text(sign: str, case_sensitive: bool) -> None:
    cells = pl.Series("c0", [f"y{sign}y", "yy"])
    search = Search(sign, case_sensitive)
    assert search.hits(cells).to_list() == [True, False]
    assert search.replaced(cells.filter(search.hits(cells)), sign + sign).to_list() == [f"y{sign}{sign}y"]


@pytest.mark.parametrize("whole", [True, False])
def test_a_very_long_text_is_found_too(whole: bool) -> None:
    text = "Aé(" * 5000
    cells = pl.Series("c0", [text.lower(), "short", None, text[:-1]])
    search = Search(text, whole=whole)
    assert search.hits(cells).to_list() == [True, False, False, False]
    assert search.replaced(cells.filter(search.hits(cells)), "\\1$1").to_list() == ["\\1$1"]


def test_numbers_and_days_go_by_value_texts_after_them_empty_cells_last() -> None:
    def ordered(texts: list[str | None], column: Column | None, *, down: bool) -> list[str | None]:
        cells = pl.Series("c0", texts, dtype=pl.String)
        return cells.gather(order_of(ranked(cells, column), down=down)).to_list()

    number = Column("n", "N", "Number")
    texts = ["10", "9", "x", "", "-1", "1e1", None, "B", "a", " 9 "]
    assert ordered(texts, number, down=False) == ["-1", "9", " 9 ", "10", "1e1", "a", "B", "x", "", None]
    assert ordered(texts, number, down=True) == ["10", "1e1", "9", " 9 ", "-1", "x", "B", "a", "", None]
    day = Column("d", "D", "Date", date_formats=("DD/MM/YYYY", "D.M.YYYY", "MMM D YYYY"))
    days: list[str | None] = ["31/12/2020", "1.1.2021", "soon", None, "Feb 3 2020", "02/02/2020"]
    assert ordered(days, day, down=False) == ["02/02/2020", "Feb 3 2020", "31/12/2020", "1.1.2021", "soon", None]
    assert ordered(["b", "A", None, "a"], None, down=False) == ["A", "a", "b", None]


def test_the_kernel_replaces_as_polars_does() -> None:
    chance = random.Random(8)
    letters = ["a", "b", "ab", "é", "☃", "20", "2", "0", " ", "x" * 13]
    for _ in range(150):
        rows = chance.randint(1, 60)
        texts = [
            None if chance.random() < 0.1 else "".join(chance.choices(letters, k=chance.randint(0, 12)))
            for _ in range(rows)
        ]
        cells = pl.Series("c0", texts, dtype=pl.String)
        if chance.random() < 0.3:
            cells = cells.slice(chance.randint(0, rows))
        find = "".join(chance.choices(letters, k=chance.randint(1, 3)))
        changed(Search(find, case_sensitive=True), cells, "".join(chance.choices(letters, k=chance.randint(0, 4))))


def test_what_would_take_too_much_room_is_left_to_others() -> None:
    cells = pl.Series("c0", ["a" * 5000] * 3)
    with reading_with(built()):
        assert replaced(built(), cells, "a", "b" * 100_000) is None
        made = replaced(built(), cells, "aaaa", "")
        assert made is not None
        assert made[1].to_list() == [""] * 3
