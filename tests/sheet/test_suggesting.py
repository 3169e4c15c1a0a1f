"""Proposals for bad cells: what people write in other countries and by mistake, and what a column would accept."""

from __future__ import annotations

import pytest

from douane.model.template import Column, Validation
from douane.sheet.suggesting import MOST, Hints, hints_of, proposals
from douane.sheet.template_file import read_template

NUMBER = Column("a", "A", "Number")
DAY = Column("a", "A", "Date", date_formats=("YYYY-MM-DD",))
LIST = Column(
    "a",
    "A",
    "Select",
    options=("Germany", "France", "United Kingdom", "Österreich"),
    settings=(("alternateValues", (("UK", "United Kingdom"), ("GB", "United Kingdom"))),),
)
MAIL = Column("a", "A", "Email")
YES = Column("a", "A", "Boolean")
PHONE = Column("a", "A", "Phone")
TIME, MOMENT = Column("a", "A", "Time"), Column("a", "A", "DateTime")
SHORT_TIME = Column("a", "A", "Time", date_formats=("h:mm A",))
ADDRESS, ACCOUNT = Column("a", "A", "Url"), Column("a", "A", "Iban")
CODE = Column("a", "A", "Regex", pattern="^[A-Z]{2}\\d+$")


def first(column: Column, text: str, hints: Hints | None = None) -> str | None:
    found = proposals(column, [text], hints or Hints())[0]
    return found[0].text if found else None


@pytest.mark.parametrize(
    ("column", "text", "good"),
    [
        (NUMBER, "1.234,56", "1234.56"),
        (NUMBER, "1,234.56", "1234.56"),
        (NUMBER, "1 234,5 €", "1234.5"),
        (NUMBER, "CHF 1'000.50", "1000.50"),
        (NUMBER, "(12,5)", "-12.5"),
        (NUMBER, "12-", "-12"),
        (NUMBER, "５５", "55"),
        (NUMBER, "R$ 1.234,56", "1234.56"),
        (NUMBER, "CHF 1’234.50", "1234.50"),
        (NUMBER, "Fr. 1'234.-", "1234"),
        (NUMBER, "12,- €", "12"),
        (NUMBER, "12,\u2013", "12"),
        (NUMBER, "-12,--", "-12"),
        (NUMBER, "EUR 1.234,50-", "-1234.50"),
        (NUMBER, "-€ 1.234,5", "-1234.5"),
        (NUMBER, "\u221212,5", "-12.5"),
        (NUMBER, "--12", None),
        (NUMBER, "12,50zł", "12.50"),
        (NUMBER, "1\u202f234,56 zł", "1234.56"),
        (NUMBER, "kr. 1.234,56", "1234.56"),
        (NUMBER, "12 345,67 руб.", "12345.67"),
        (NUMBER, "US$ 1,234.50", "1234.50"),
        (NUMBER, "1.234,56 TL", "1234.56"),
        (NUMBER, "Rs. 1,23,456.78", "123456.78"),
        (NUMBER, "₹ 1,23,456", "123456"),
        (NUMBER, "١٬٢٣٤٫٥", "1234.5"),
        (NUMBER, "12 apples", None),
        (NUMBER, "forty", None),
        (NUMBER, "12 %", None),
        (DAY, "31/12/2021", "2021-12-31"),
        (DAY, "31.12.21", "2021-12-31"),
        (DAY, "3 März 2020", "2020-03-03"),
        (DAY, "Jan 5, 2021", "2021-01-05"),
        (DAY, "5 de mayo de 2021", "2021-05-05"),
        (DAY, "20210304", "2021-03-04"),
        (DAY, "2021年3月4日", "2021-03-04"),
        (DAY, "31-gen-2024", "2024-01-31"),
        (DAY, "31 stycznia 2024 r.", "2024-01-31"),
        (DAY, "31/dez/2024", "2024-12-31"),
        (DAY, "1º de janeiro de 2024", "2024-01-01"),
        (DAY, "1er mars 2024", "2024-03-01"),
        (DAY, "Mo, 31. Dez. 2024", "2024-12-31"),
        (DAY, "segunda-feira, 3 de março de 2025", "2025-03-03"),
        (DAY, "31.XII.2024", "2024-12-31"),
        (DAY, "31. 12. 2024", "2024-12-31"),
        (DAY, "2024. december 31.", "2024-12-31"),
        (DAY, "31 декабря 2024 г.", "2024-12-31"),
        (DAY, "31 Aralık 2024", "2024-12-31"),
        (DAY, "31-Dec-24", "2024-12-31"),
        (DAY, "45657", "2024-12-31"),
        (DAY, "12345", None),
        (DAY, "31.02.2022", None),
        (LIST, "germany", "Germany"),
        (LIST, " Germany\u00a0", "Germany"),
        (LIST, "Frnace", "France"),
        (LIST, "Francia", "France"),
        (LIST, "Germania", "Germany"),
        (LIST, "UK", "United Kingdom"),
        (LIST, "Osterreich", "Österreich"),
        (LIST, "Germany (DE)", "Germany"),
        (LIST, "Spain", None),
        (PHONE, "0049 30 12345678", "+493012345678"),
        (PHONE, "Tel. +49 30 12345678", "+49 30 12345678"),
        (PHONE, "49 30 12345678", "+493012345678"),
        (PHONE, "+49 30 12345678 ext. 12", "+49 30 12345678"),
        (PHONE, "030 12345678", None),
        (MAIL, "ada@example,com", "ada@example.com"),
        (MAIL, "Ada <ada@example.com>", "ada@example.com"),
        (MAIL, "ada(at)example.com", "ada@example.com"),
        (MAIL, "ada@@example.com", "ada@example.com"),
        (MAIL, "ada @example.com", "ada@example.com"),
        (MAIL, "grace@example", None),
        (TIME, "9h30", "09:30:00"),
        (TIME, "9.30 Uhr", "09:30:00"),
        (TIME, "9:30 PM", "21:30:00"),
        (TIME, "12:05 a.m.", "00:05:00"),
        (TIME, "0930", "09:30:00"),
        (TIME, "9 Uhr", "09:00:00"),
        (TIME, "9", None),
        (TIME, "24:30", None),
        (TIME, "13 pm", None),
        (SHORT_TIME, "21.30", "9:30 PM"),
        (SHORT_TIME, "21:30:15", None),
        (MOMENT, "31.12.2024 14:30", "2024-12-31 14:30:00"),
        (MOMENT, "31.12.2024, 14:30 Uhr", "2024-12-31 14:30:00"),
        (MOMENT, "12/31/2024 2:30 PM", "2024-12-31 14:30:00"),
        (MOMENT, "31/12/2024 à 14h30", "2024-12-31 14:30:00"),
        (MOMENT, "20241231T143015", "2024-12-31 14:30:15"),
        (MOMENT, "31. Dez. 2024", "2024-12-31 00:00:00"),
        (MOMENT, "soon 14:30", None),
        (ADDRESS, "www.example.com/a?b=c", "https://www.example.com/a?b=c"),
        (ADDRESS, "<http//example.com>", "http://example.com"),
        (ADDRESS, "htps:/example.com", "https://example.com"),
        (ADDRESS, "https://exa mple.com", "https://example.com"),
        (ADDRESS, "ada@example.com", None),
        (ADDRESS, "ftp://example.com", None),
        (ACCOUNT, "IBAN: GB82-WEST-1234-5698-7654-32", "GB82WEST12345698765432"),
        (ACCOUNT, "DE8937O400440532O13OOO", "DE89370400440532013000"),
        (ACCOUNT, "DE88 3704 0044 0532 0130 00", None),
        (YES, "ja", "true"),
        (YES, "нет", "false"),
        (YES, "maybe", None),
        (CODE, "ab12", "AB12"),
        (CODE, "AB 12", "AB12"),
        (CODE, "A\u200bB12", "AB12"),
        (CODE, "AB１２", "AB12"),
        (CODE, "AB١٢", "AB12"),
    ],
)
def test_the_first_proposal(column: Column, text: str, good: str | None) -> None:
    assert first(column, text) == good


def test_a_text_of_two_readings_gets_both_and_the_column_says_which_comes_first() -> None:
    assert [one.text for one in proposals(DAY, ["03/04/2021"])[0]] == ["2021-04-03", "2021-03-04"]
    assert first(DAY, "03/04/2021", hints_of(["12/31/2020", "03/04/2021"])) == "2021-03-04"
    assert first(DAY, "03/04/2021", hints_of(["31/12/2020"])) == "2021-04-03"
    # What proves both proves nothing.
    assert hints_of(["31/12/2020", "12/31/2020"]) == Hints()


def test_what_is_proposed_keeps_every_rule_of_the_column() -> None:
    bounded = Column("a", "A", "Number", validations=(Validation("range", 0, 100),))
    assert first(bounded, "1.234,0") is None
    assert first(bounded, "99,5") == "99.5"
    several = Column("a", "A", "Select", options=("red", "blue"), multi=True, delimiter=";")
    assert first(several, "Red, BLUE") == "red;blue"
    assert first(several, "red, green") is None


def test_what_other_columns_records_or_imports_decide_is_not_asked() -> None:
    document = {
        "name": "a",
        "columns": [
            {"key": "id", "name": "Id", "validations": [{"validate": "unique_with", "uniqueKey": "k"}]},
            {
                "key": "end",
                "name": "End",
                "type": "Date",
                "dateFormats": ["YYYY-MM-DD"],
                "validations": [
                    {"validate": "compare", "is": "after", "column": "id"},
                    {"validate": "required_with", "columns": ["id"]},
                    {"validate": "required_without", "columns": ["id"]},
                    {"validate": "among", "template": "0" * 24, "column": "end"},
                    {"validate": "unique_with", "uniqueKey": "k"},
                ],
            },
        ],
    }
    assert first(read_template(document).columns[1], "31.12.2024") == "2024-12-31"


def test_a_unique_column_is_asked_about_the_text_alone() -> None:
    assert first(Column("a", "A", "Email", unique=True), "ada@example,com") == "ada@example.com"


def test_a_text_that_is_wrong_only_beside_others_gets_no_other_spelling() -> None:
    number = Column("a", "A", "String", unique=True, validations=())
    assert proposals(number, ["C050", "Ada"]) == [(), ()]
    known = {"c050": "C051"}
    assert [one.text for one in proposals(number, ["C050"], known=known)[0]] == ["C051"]


@pytest.mark.parametrize("column", [NUMBER, DAY, TIME, MOMENT, LIST, MAIL, ADDRESS, ACCOUNT, YES, CODE])
def test_odd_texts_end(column: Column) -> None:
    odd = [
        "",
        " ",
        "\u200b",
        "x" * 10_000,
        "1" * 300,
        "," * 300,
        "@" * 200,
        "(" * 200,
        "\x00",
        "٣٤",
        "½",
        "é" * 399,
        "1e5",
        "-",
    ]
    for found in proposals(column, odd):
        assert len(found) <= MOST
