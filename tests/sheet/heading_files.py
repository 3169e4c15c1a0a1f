"""Files whose heading record is known because they are made here: tables of many trades and languages, under what
programs and people put above them. Nothing in `douane/sheet/heading.py` was fitted to single files of these; what it
misses is in `test_heading.py`'s share."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

Rows = list[list[str]]


@dataclass(frozen=True)
class Made:
    """`rows` as a reader gives them, blank ones left out; `headings`: the index of the last heading record, None where
    there is none; `texts`: the headings where they are not that record's."""

    name: str
    rows: Rows
    headings: int | None
    texts: tuple[str, ...] | None = None


TITLES = (
    "Quarterly report",
    "Umsatzliste Filiale Nord",
    "Relevé de compte",
    "Zestawienie faktur 2025",
    "Справка за продажби",
    "Satış raporu",
    "売上一覧",
    "销售报表",
    "تقرير المبيعات",
    "Informe de gastos, marzo",
    "Export from the shop on 3 May 2025",
    "Lista clienti (aggiornata al 01/02/2025)",
)
PAIRS = (
    ("Konto:", "DE02 1203 0000 0000 2020 51"),
    ("Von:", "01.02.2026"),
    ("Bis:", "28.02.2026"),
    ("Saldo:", "1.204,10 EUR"),
    ("Account number", "00123456"),
    ("Currency", "GBP"),
    ("Date range", "2025-01-01 - 2025-01-31"),
    ("Client", "Zoë & Söhne"),
    ("Période", "du 01/03/2025 au 31/03/2025"),
    ("Счёт", "40702810"),
)


def _money(dice: random.Random, comma: bool) -> str:
    text = f"{dice.uniform(-900, 4000):.2f}"
    return text.replace(".", ",") if comma else text


def _tables(dice: random.Random) -> dict[str, tuple[list[str], Rows]]:
    """name -> (headings, records)"""
    count = dice.randint(4, 14)
    days = [f"{dice.randint(1, 28):02}.{dice.randint(1, 12):02}.2026" for _ in range(count)]
    iso = [f"2025-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}" for _ in range(count)]
    people = [dice.choice(["Ann", "Bob", "Zoë", "Łukasz", "Мария", "花子", "Jürgen"]) for _ in range(count)]
    cities = [dice.choice(["Rome", "Oslo", "Köln", "Łódź", "София", "東京", "New York"]) for _ in range(count)]
    prose = ["The box was open. " * dice.randint(1, 12) for _ in range(count)]
    return {
        "bank": (
            ["Datum", "Partner", "Zweck", "Betrag"],
            [[day, who, "Miete", _money(dice, True)] for day, who in zip(days, people, strict=True)],
        ),
        "people": (
            ["name", "city", "age"],
            [[who, where, str(dice.randint(18, 90))] for who, where in zip(people, cities, strict=True)],
        ),
        "words": (
            ["Imię", "Miasto", "Uwagi"],
            [[who, where, dice.choice(["tak", "nie", "brak"])] for who, where in zip(people, cities, strict=True)],
        ),
        "prose": (
            ["id", "comment", "score"],
            [[f"A{dice.randint(100, 999)}", text, str(dice.randint(1, 5))] for text in prose],
        ),
        "sparse": (
            ["Artikel", "Größe", "Farbe", "Menge", "Bemerkung"],
            [
                [f"Teil {at}", "", dice.choice(["", "rot"]), str(dice.randint(1, 9)), dice.choice(["", "", "alt"])]
                for at in range(count)
            ],
        ),
        "years": (
            ["Region", "2021", "2022", "2023"],
            [[where, *(str(dice.randint(100, 9000)) for _ in range(3))] for where in cities],
        ),
        "wide": (
            ["код", "име", "дата", "цена", "валута", "бележка", "status"],
            [
                [str(1000 + at), who, day, _money(dice, False), "BGN", "", dice.choice(["open", "closed"])]
                for at, (who, day) in enumerate(zip(people, iso, strict=True))
            ],
        ),
        "two": (["cm", "T"], [[str(4000 - at), f"{98 - at / 7:.1f}"] for at in range(count)]),
        "orders": (
            ["受注番号", "顧客", "受注日", "金額"],
            [
                [f"{at:05}", who, day, str(dice.randint(1, 99) * 100)]
                for at, (who, day) in enumerate(zip(people, iso, strict=True))
            ],
        ),
        "contacts": (
            ["Nom", "E-mail", "Téléphone"],
            [[who, f"p{at}@example.com", f"+33 6 {at:02} 11 22 33"] for at, who in enumerate(people)],
        ),
    }


def _padded(row: list[str], width: int) -> list[str]:
    return row + [""] * (width - len(row))


def _above(dice: random.Random, width: int) -> Iterator[tuple[str, Rows]]:
    title = dice.choice(TITLES)
    yield "plain", []
    yield "title", [[title]]
    yield "titles", [[title], [f"as of {dice.randint(1, 28)} May 2025"]]
    yield "padded", [_padded([title], width)]
    yield "many", [[f"Note {at}: see the handbook"] for at in range(dice.randint(8, 14))]
    if width > 2:
        pairs = dice.sample(PAIRS, 4)
        yield "pairs", [list(pair) for pair in pairs]
        yield "padded pairs", [[title], *(_padded(list(pair), width) for pair in pairs)]


def made() -> Iterator[Made]:
    dice = random.Random(20251129)
    for turn in range(2):
        for kind, (headings, records) in _tables(dice).items():
            for above, lines in _above(dice, len(headings)):
                if turn and above in ("plain", "many"):
                    continue
                yield Made(f"{kind}, {above}, {turn}", [*lines, headings, *records], len(lines))
    yield from _headless(dice)
    yield from _two_rows(dice)
    yield from _others(dice)


def _headless(dice: random.Random) -> Iterator[Made]:
    for kind, (_, records) in _tables(dice).items():
        if kind in ("words", "years", "two"):
            continue  # nothing proves that the first record is data
        yield Made(f"headless {kind}", records, None)
    yield Made(
        "ledger", [["2026-02-04", "B", "-1.204,10"], ["2026-02-05", "B", "-377,00"], ["2026-02-09", "B", "8,25"]], None
    )
    for odd in ("NaN", "Inf", "-Inf", "nan"):
        yield Made(f"first record with {odd}", [["1", "2.5", odd], ["1e10", "-3", "1e-05"], ["3", "4", "5"]], None)
    yield Made("readings", [["12.5", "3.25", "0"], ["13", "3", "1"], ["12.25", "3.5", "0"]], None)
    yield Made("codes", [[f"AB-{at:03}", f"K{at}"] for at in (7, 12, 3, 40)], None)
    yield Made("times", [["2025-01-02 10:00", "10:05", "x"], ["2025-01-03 11:00", "11:15", "y"]] * 2, None)


def _two_rows(dice: random.Random) -> Iterator[Made]:
    groups = (("Q1", "Q2"), ("2024", "2025"), ("Plan", "Ist"), ("план", "факт"), ("男", "女"))
    below = (("plan", "actual"), ("Menge", "Wert"), ("min", "max"), ("кол-во", "сумма"), ("数", "額"))
    for at, (upper, lower) in enumerate(zip(groups, below, strict=True)):
        numbers = [[f"Teil {row}", *(str(dice.randint(1, 99)) for _ in range(4))] for row in range(4)]
        texts = ("Name", *(f"{group} {own}" for group in upper for own in lower))
        first = ["", upper[0], "", upper[1], ""]
        yield Made(f"two rows {at}", [first, ["Name", *lower, *lower], *numbers], 1, texts)
        # The name's own cell is merged over both rows.
        first = ["Name", upper[0], "", upper[1], ""]
        yield Made(f"two rows {at}, merged down", [first, ["", *lower, *lower], *numbers], 1, texts)
        yield Made(f"two rows {at}, titled", [["Report"], first, ["", *lower, *lower], *numbers], 2, texts)


def _others(dice: random.Random) -> Iterator[Made]:
    for at in range(4):
        headings, records = _tables(dice)["people"]
        named = [[name, *row] for name, row in zip("abcdefghijklmnop", records, strict=False)]
        yield Made(f"row names {at}", [headings, *named], 0, ("", *headings))
        counted = [[str(number), *row] for number, row in enumerate(records, 1)]
        yield Made(f"row numbers {at}", [headings, *counted], 0, ("", *headings))
    for at, title in enumerate(
        ("Created as new set,Sample 1 by A, Monday", "Messreihe 4, Halle 2, Gerät B", "Série, du 3 mai, salle 4")
    ):
        headings, records = _tables(dice)["two"]
        yield Made(f"title with commas {at}", [title.split(","), headings, *records], 1)
    # Titles as wide as a table of two columns, in the words of people and of programs.
    prices = [["Artikel", "Preis"], *([f"Teil {at}", f"{at}.{at}0"] for at in range(1, 6))]
    towns = [
        ["Населено място", "Жители"],
        *([town, str(4000 + at)] for at, town in enumerate(["Варна", "Русе", "Плевен"])),
    ]
    for at, lines in enumerate(
        (
            [["Price list", " May 2026"]],
            [["Artikelliste", " Stand Mai"], ["Kundennummer", " 4711"]],
            [["Ceník", " platný od 1. 3."], ["Praha", " Brno"], ["Kč", " bez DPH"]],
        )
    ):
        yield Made(f"titles of two cells {at}", [*lines, *prices], len(lines))
        yield Made(f"titles of two cells {at}, towns", [*lines, *towns], len(lines))
    # Records with a cell too many, in files too short to prove that the first one names the row.
    for at, surplus in enumerate(
        (
            [["Ann", "31", "Rome", "x"], ["Bob", "42", "Oslo", "y"], ["Cid", "17", "Bonn", "z"]],
            [
                ["1", "bolt", "12", ""],
                ["2", "nut", "40", "more"],
                ["3", "saw", "7", "more"],
                ["4", "nail", "9", "more"],
            ],
            [["Ann", "Smith", "Oslo", "Dr"], ["Bob", "Jones", "Rome", "Mr"], ["Dan", "White", "Bonn"]],
        )
    ):
        yield Made(f"a cell too many {at}", [["id", "name", "town"], *surplus], 0)
    yield Made("two cells too many", [["first", "last"], ["Ann", "Smith", "Dr"], ["Bob", "Lee", "Mr"], ["Di", "Ng"]], 0)
    for at in range(3):
        headings, records = _tables(dice)["people"]
        yield Made(f"a total below {at}", [headings, *records, ["Total", "", "412"], ["printed on 3 May"]], 0)
        yield Made(
            f"a column without heading {at}", [["", *headings], *([str(n), *row] for n, row in enumerate(records))], 0
        )
        yield Made(f"headings without records {at}", [headings], 0)
        yield Made(f"an unknown age {at}", [headings, ["Ida", "Bonn", "unknown"], *records], 0)
        yield Made(f"a short heading {at}", [headings[:2], *([*row[:2]] for row in records)], 0)
