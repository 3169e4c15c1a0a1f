from __future__ import annotations

import gzip

import pytest

from douane.sheet.formats import Fact, Options, open_file
from tests.sheet.formats.reading import MemorySource, batches, rows_of

NAMES = "id,name,age\n1,Doe, John,5\n2,Roe, Ann,6\n3,Li, Bo,7\n"
PRICES = "Artikel,Preis,Einheit\nBrot,1,50,Laib\nSalz,2,Sack\nMehl,7,25,Sack\nKorn,-0,05,Sack\n"


def facts_of(text: str, options: Options = Options()) -> list[Fact]:
    return [one for batch in batches(open_file(MemorySource(text.encode()), options)) for one in batch.facts]


@pytest.mark.parametrize(
    ("text", "expected", "lines"),
    [
        (NAMES, [["1", "Doe, John", "5"], ["2", "Roe, Ann", "6"], ["3", "Li, Bo", "7"]], (2, 3, 4)),
        (
            "id;place\n1;Rue A; 5; Lyon\n2;Rue B; 7\n3;Nancy\n4;Rue C; 1\n",
            [["1", "Rue A; 5; Lyon"], ["2", "Rue B; 7"], ["3", "Nancy"], ["4", "Rue C; 1"]],
            (2, 3, 5),
        ),
        (
            PRICES,
            [["Brot", "1,50", "Laib"], ["Salz", "2", "Sack"], ["Mehl", "7,25", "Sack"], ["Korn", "-0,05", "Sack"]],
            (2, 4, 5),
        ),
        (
            "Artikel,EK,VK\nBrot,1,50,2,00\nSalz,2,01,3,50\nMehl,7,25,9,99\n",
            [["Brot", "1,50", "2,00"], ["Salz", "2,01", "3,50"], ["Mehl", "7,25", "9,99"]],
            (2, 3, 4),
        ),
    ],
    ids=["names", "places", "prices", "two prices"],
)
def test_values_that_hold_the_delimiter_are_put_together_where_it_is_proven(
    text: str, expected: list[list[str]], lines: tuple[int, ...]
) -> None:
    options = Options(delimiter=";" if ";" in text else ",")
    for size in (20, 1 << 20):
        cut = Options(delimiter=options.delimiter, piece_bytes=size)
        assert rows_of(text.encode(), cut)[1:] == expected
        assert rows_of(gzip.compress(text.encode()), cut)[1:] == expected
    assert facts_of(text, options) == [Fact("delimiter_in_cells", len(lines), lines)]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("id,preis,menge\n1,1,5,3\n2,2,50,4\n3,7,25,1\n4,4,3\n", (2, 3, 4)),  # `1,1` or `1,5`?
        ("id,name,age\n1,Doe,John,5\n2,Ann,6\n3,Li,Bo,7\n4,Roe,Bo,7\n", (2, 4, 5)),  # which two?
        ("id,name,age\n1,Doe, John,5\n2,Ann,6\n3,Bo,7\n4,Eve,8\n", (2,)),  # one is no habit
        ("id,name,age\n1,Doe, John,5\n2,Ann, 6\n3,Li, Bo,7\n4,Roe, Al,8\n", (2, 4, 5)),  # blanks before cells too
        ("id,name,age\n1,Doe, John,5\n2,Li, Bo,7\n3,Roe, Al,8\n4,a,b,c\n5,Eve,9\n", (2, 3, 4, 5)),  # another kind
        ("Artikel,Preis,Art\nBrot,1,50,a\nSalz,x,b\nMehl,7,25,c\nReis,2,75,d\n", (2, 4, 5)),  # no column of numbers
    ],
)
def test_what_is_not_proven_is_told_and_stays(text: str, lines: tuple[int, ...]) -> None:
    assert rows_of(text.encode(), Options(delimiter=",", header=1)) == [line.split(",") for line in text.splitlines()]
    assert facts_of(text, Options(delimiter=",", header=1)) == [Fact("wider_than_headings", len(lines), lines)]


def test_records_behind_the_proof_are_put_together_one_by_one() -> None:
    more = "".join(f"{at},Doe, John,5\n" for at in range(4, 1500))
    text = NAMES + more + "x,a,b,c\ny, Doe, John,5\nz,Ann,1\n"
    rows = rows_of(text.encode())
    assert rows[-4:] == [
        ["1499", "Doe, John", "5"],
        ["x", "a", "b", "c"],
        ["y", " Doe", " John", "5"],
        ["z", "Ann", "1"],
    ]
    told = {one.code: (one.count, one.lines[:2]) for one in facts_of(text)}
    assert told == {"delimiter_in_cells": (1499, (2, 3)), "wider_than_headings": (2, (1501, 1502))}


@pytest.mark.parametrize(
    "text",
    [
        "a,b,\n1,2,\n3,4,\n",
        "a,b\n1,2,\n3,4,\n5,6, \n",
        # R's row names, numbers filled up with blanks
        "height,weight\nann,170, 60\nbob,180, 80\neve,165, 55\nian,175, 70\nzoe,168, 58\n",
        'a,b\n1,"x, y"\n2,"z, w"\n3,"v, u"\n',
    ],
)
def test_clean_files_are_left_alone(text: str) -> None:
    assert facts_of(text) == []


def test_a_person_who_names_no_headings_gets_the_records_as_they_stand() -> None:
    assert rows_of(NAMES.encode(), Options(header=0))[1] == ["1", "Doe", " John", "5"]
