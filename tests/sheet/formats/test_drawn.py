"""Tables drawn rather than delimited: read as they are meant where the lines prove it, else refused in words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from douane.errors import BadFile
from douane.sheet.formats import Options, open_file
from douane.sheet.noticed import told
from tests.sheet.formats.reading import MemorySource, batches, rows_of

MEANT = [["id", "name"], ["1", "Ann Lee"], ["2", ""], ["3", "Zoë"]]

DRAWN = {
    "mysql": """
+----+---------+
| id | name    |
+----+---------+
|  1 | Ann Lee |
|  2 |         |
|  3 | Zoë     |
+----+---------+
3 rows in set (0.00 sec)
""",
    "psql": """
 id |  name
----+---------
  1 | Ann Lee
  2 |
  3 | Zoë
(3 rows)
""",
    "markdown": """
| id | name |
|---:|:-----|
| 1 | Ann Lee |
| 2 | |
| 3 | Zoë |
""",
    "bare markdown": """
id | name
--- | ---
1 | Ann Lee
2 |
3 | Zoë
""",
    "org": """
| id | name    |
|----+---------|
|  1 | Ann Lee |
|  2 |         |
|----+---------|
|  3 | Zoë     |
""",
    "box": """
┌────┬─────────┐
│ id │  name   │
├────┼─────────┤
│ 1  │ Ann Lee │
│ 2  │         │
│ 3  │ Zoë     │
└────┴─────────┘
""",
    "grid": """
+----+---------+
| id | name    |
+====+=========+
| 1  | Ann Lee |
+----+---------+
| 2  |         |
+----+---------+
| 3  | Zoë     |
+----+---------+
""",
    "list": """
----------------
|id |name      |
----------------
| 1 |Ann Lee   |
| 2 |          |
| 3 |Zoë       |
----------------
""",
    "ruler": """
id          name
----------- ----------
          1 Ann Lee
          2
          3 Zoë

(3 rows affected)
""",
}


def keys(data: bytes) -> set[str]:
    return {found.key for note in open_file(MemorySource(data)).detected.notes if (found := told(note))}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("kind", DRAWN)
def test_what_is_between_lines_is_read(kind: str, end: str) -> None:
    data = DRAWN[kind].lstrip("\n").replace("\n", end).encode()
    assert rows_of(data) == MEANT
    read = open_file(MemorySource(data)).detected
    assert keys(data) == {"fixed_width" if kind == "ruler" else "drawn_lines"}
    assert (read.delimiter, read.quote, read.header_row) == (None, None, 0)


def test_a_record_keeps_its_line_and_its_signs() -> None:
    data = b'| id | say |\n|----|-----|\n| 1 | a\\|b |\n| 2 | "x" |\n'
    [batch] = batches(open_file(MemorySource(data)))
    assert batch.frame["_line"].to_list() == [1, 3, 4]
    assert rows_of(data)[1:] == [["1", "a|b"], ["2", '"x"']]


def test_titles_above_are_told_as_elsewhere() -> None:
    data = b"Things\n" + DRAWN["psql"].lstrip("\n").encode()
    read = open_file(MemorySource(data)).detected
    assert (read.header_row, read.headings) == (1, ("id", "name"))


@pytest.mark.parametrize(
    "data",
    [
        "     +--------------+\n     | make   price |\n     |--------------|\n"
        "  1. | AMC    4,099 |\n  2. | Buick  5,111 |\n     +--------------+\n",
        "+---+---+\n| a | b |\n+===+===+\n| 1 | x |\n|   | y |\n"
        "+---+---+\n| 2 | z |\n+---+---+\n| 3 | w |\n+---+---+\n",
        "-[ RECORD 1 ]\nid   | 1\nname | Ann\n-[ RECORD 2 ]\nid   | 2\nname | Bob\n",
        "*************************** 1. row ***************************\n  id: 1\nname: Ann\n",
    ],
    ids=["stata", "cells of several lines", "psql expanded", "mysql vertical"],
)
def test_what_cannot_be_told_apart_is_refused_in_words(data: str) -> None:
    with pytest.raises(BadFile, match=r"as a terminal prints it.*Export it as CSV") as refused:
        open_file(MemorySource(data.encode()))
    assert refused.value.code == "file_type"


@pytest.mark.parametrize(
    "data",
    [
        b"a|b\n1|---\n---|2\n",  # nothing drawn
        b"a,b\n---,---\n1,2\n",
        b"id|note\n1|+---+\n2|x\n",
        b"a b\n1 2\n3 4\n5 6\n7 8\n",
        b"What is this about?\nThere is no table\nin these few lines\nof words that are\nprose and go on.\n",
        b"NW WT   QTY\n12 kg    1\n33 kg    2\n45 lb    3\n50 kg    4\n",  # two columns or three
    ],
)
def test_what_is_not_drawn_is_read_as_before(data: bytes) -> None:
    assert not keys(data) & {"drawn_lines", "fixed_width"}


FIXED = """\
NO NAME         CITY      AMOUNT
1  Ann Lee      New York    12.5
2  Bob Ray                 103.0
3  Zoë de Boer  Bonn         1.0
14 Cid          Rome        99.9
5  Eve          Oslo         7.0
"""


def test_columns_of_fixed_width() -> None:
    assert rows_of(FIXED.encode())[1:3] == [["1", "Ann Lee", "New York", "12.5"], ["2", "Bob Ray", "", "103.0"]]
    assert rows_of(FIXED.encode("cp1252")) == rows_of(FIXED.encode())
    assert keys(FIXED.encode()) == {"fixed_width"}


def test_a_line_that_keeps_no_columns_stays_whole_and_is_flagged() -> None:
    long = FIXED + FIXED.split("\n", 1)[1] * 60 + "6  A name that is far too long for it  Paris 1.0\n"
    assert rows_of(long.encode())[-1] == ["6  A name that is far too long for it  Paris 1.0"]


WORD = st.text(st.sampled_from("abcXYZ123é"), min_size=1, max_size=6)
CELL = st.one_of(st.just(""), WORD, st.tuples(WORD, WORD).map(" ".join))
TABLES = st.integers(2, 4).flatmap(
    lambda width: st.tuples(
        st.lists(WORD, min_size=width, max_size=width, unique=True),
        st.lists(
            st.lists(CELL, min_size=width, max_size=width).map(lambda row: ["k", *row[1:]]), min_size=4, max_size=7
        ),
    )
)


def padded(rows: list[list[str]], between: str) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [between.join(cell.ljust(size) for cell, size in zip(row, widths, strict=True)) for row in rows]


@settings(deadline=None)
@given(TABLES)
def test_any_table_comes_back_from_its_drawing(table: tuple[list[str], list[list[str]]]) -> None:
    rows = [table[0], *table[1]]
    lines = padded(rows, " | ")
    ruler = "-" * (len(lines[0]) + 2)
    marks = ["|" if sign == "|" else "-" for sign in f"-{lines[0]}-"]
    ruler = "".join("+" if mark == "|" else "-" for mark in marks)
    framed = [f"+{ruler}+", f"| {lines[0]} |", f"+{ruler}+", *(f"| {line} |" for line in lines[1:]), f"+{ruler}+"]
    assert rows_of("\n".join(framed).encode()) == rows
    plain = [f" {lines[0]} ", ruler, *(f" {line} " for line in lines[1:]), f"({len(rows) - 1} rows)"]
    assert rows_of("\n".join(plain).encode()) == rows


@settings(deadline=None)
@given(TABLES)
def test_columns_of_fixed_width_are_read_as_meant_or_not_at_all(table: tuple[list[str], list[list[str]]]) -> None:
    rows = [table[0], *table[1]]
    data = "\n".join(padded(rows, "  ")).encode()
    if "fixed_width" in keys(data):
        assert rows_of(data) == rows


# Quotes of other kinds, a column of decimal commas


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_thorns_around_cells(encoding: str) -> None:
    data = 'þBEGþ\x14þNOTEþ\r\nþ1þ\x14þone®twoþ\r\nþ2þ\x14þ"x", yþ\r\n'.encode(encoding)
    assert rows_of(data) == [["BEG", "NOTE"], ["1", "one\ntwo"], ["2", '"x", y']]


@pytest.mark.parametrize("pair", ["“”", "„“", "„”", "«»", "‘’"])
def test_quotes_as_in_print_around_cells(pair: str) -> None:
    data = "{0}id{1};{0}name{1}\n{0}1{1};{0}Kay; Ann{1}\n{0}2{1};{0}Bob{1}\n".format(*pair).encode()
    assert rows_of(data) == [["id", "name"], ["1", "Kay; Ann"], ["2", "Bob"]]
    some = "id,name\n1,{0}Kay, Ann{1}\n2,{0}Bob{1}\n3,x\n".format(*pair).encode()
    assert rows_of(some)[1:3] == [["1", "Kay, Ann"], ["2", "Bob"]]
    said = "id,line\n1,{0}To be{1}\n2,{0}or not{1}\n3,x\n".format(*pair).encode()
    assert rows_of(said)[1] == ["1", f"{pair[0]}To be{pair[1]}"]


@pytest.mark.parametrize(
    ("body", "decimals"),
    [
        ("Preis\n1,5\n2,75\n3,1\n", True),
        ("Preis\n-1,50\n12,25\n", True),
        ("1,5\n2,75\n3,1\n", False),
        ("x\n" + "".join(f"{at},7\n" for at in range(1, 9)), False),  # names of rows
        ("a,b\n1,5\n2,7\n", False),
        ("Preis\n1,5\n2,75\nx\n", False),
    ],
)
def test_a_column_of_decimal_commas(body: str, decimals: bool) -> None:
    assert ("decimal_commas" in keys(body.encode())) is decimals
    if decimals:
        assert all(len(row) == 1 for row in rows_of(body.encode()))
        assert open_file(MemorySource(body.encode()), Options()).detected.header_row == 0
