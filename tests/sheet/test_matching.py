"""Headings against columns: right by the words, never by chance."""

from __future__ import annotations

import random
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from douane.model.template import Column
from douane.sheet import matching
from douane.sheet.matching import SURE, Match, matches

# Labelled by hand before the scorer was written.
DATA = Path(__file__).parents[1] / "data"


def columns_of(document: dict[str, Any]) -> list[Column]:
    texts = {key: [says] if isinstance(says, str) else says for key, says in document.items()}
    return [Column(key, name, alternate_keys=tuple(others)) for key, (name, *others) in texts.items()]


@pytest.mark.parametrize(
    ("column", "heading"),
    [
        (("pay", "Payment method"), "Pays"),
        (("age", "Age"), "ETA"),
        (("name", "Name"), "L. Name"),
        # A key says less than the name of its column: what only means the same as the key may be another thing.
        (("net", "Net weight"), "Nettobetrag"),
        (("vat", "VAT rate"), "MwSt."),
        (("name", "Product name"), "Full name"),
        (("phone", "Emergency phone"), "Telefon"),
        (("id", "Employee number"), "Kundennummer"),
    ],
)
def test_what_means_another_thing_is_not_taken(column: tuple[str, str], heading: str) -> None:
    (match,) = matches([Column(*column)], [heading])
    assert match is None or not match.sure
    assert matches([Column(*column)], [column[0]])[0] == Match(0, matching._KEY, "key")


@pytest.mark.parametrize(
    ("name", "languages", "least"),
    [("headings", 8, 200), ("headings-trades", 20, 1000), ("headings-offices", 8, 120), ("headings-exports", 12, 160)],
)
def test_headings_in_many_languages_find_their_columns(name: str, languages: int, least: int) -> None:
    right, wrong, taken_wrongly = 0, [], []
    truth = yaml.safe_load((DATA / f"{name}.yaml").read_text())
    for case in truth:
        columns, headings = columns_of(case["columns"]), list(case["headings"])
        found = matches(columns, headings)
        fed = {match.at: (column.key, match) for column, match in zip(columns, found, strict=True) if match}
        for at, heading in enumerate(headings):
            key, match = fed.get(at, (None, None))
            if key == case["headings"][heading]:
                right += 1
                continue
            wrong.append((case["language"], heading, key))
            if match is not None and match.sure:
                taken_wrongly.append((case["language"], heading, key))
    assert len({case["language"] for case in truth}) >= languages
    assert right + len(wrong) >= least
    assert taken_wrongly == []
    assert right / (right + len(wrong)) >= 0.95, wrong


SALES = ["Order number", "Customer", "E-mail", "Order date", "Quantity", "Unit price", "Total", "Status", "City"]


@pytest.mark.parametrize(
    "headings",
    [
        "Ordernummer, Kund, E-post, Orderdatum, Antal, Styckpris, Totalbelopp, Status, Stad",
        "Numer zamówienia, Klient, E-mail, Data zamówienia, Ilość, Cena jednostkowa, Kwota razem, Status, Miasto",
        "Číslo objednávky, Zákazník, E-mail, Datum objednávky, Množství, Jednotková cena, Celková částka, Stav, Město",
        "Sipariş numarası, Müşteri, E-posta, Sipariş tarihi, Miktar, Birim fiyat, Toplam tutar, Durum, Şehir",
        "Номер заказа, Клиент, Эл. почта, Дата заказа, Количество, Цена за единицу, Итого, Статус, Город",
    ],
    ids=["sv", "pl", "cs", "tr", "ru"],
)
def test_a_sales_list_in_a_further_language_is_matched_whole(headings: str) -> None:
    columns = [Column(f"c{at}", name) for at, name in enumerate(SALES)]
    found = matches(columns, headings.split(", "))
    assert [match.at if match and match.sure else None for match in found] == list(range(len(SALES)))


@pytest.mark.parametrize(
    ("name", "heading", "fits"),
    [
        ("Patientennummer", "Pat.-Nr.", True),
        ("Geburtsdatum", "Geb.-Dat.", True),
        ("Codice fiscale", "Cod. Fiscale", True),
        ("Teléfono", "Tfno.", True),
        ("Fecha de alta", "F. alta", True),
        ("Patent", "Patio.", False),
        ("Total", "To.", False),
        ("Stipendio", "Stipendio lordo", True),
        ("Cliente", "Nome do cliente", True),
        ("Stock", "Seuil de stock", False),
        ("Articolo", "Cod. articolo", False),
    ],
)
def test_headings_cut_short_or_said_the_other_way_round_are_proposed(name: str, heading: str, fits: bool) -> None:
    (match,) = matches([Column("c", name)], [heading])
    assert (match is not None) is fits
    assert match is None or heading == "Cod. Fiscale" or not match.sure


def test_a_heading_cut_short_that_two_columns_fit_is_left_to_a_person() -> None:
    assert matches([Column("a", "Lieferant"), Column("b", "Lieferung")], ["Lief."]) == (None, None)


def test_a_heading_is_compared_with_what_is_seen_of_it() -> None:
    """The forms in which one and the same text comes: invisible signs, composed or not, wide letters, `ss`."""
    for heading in ("E\u200bmail", "\ufeffe-MAIL", "Ｅmail", "e_mail", "E MAIL", "email\u00ad"):
        (match,) = matches([Column("email", "Email")], [heading])
        assert match is not None, heading
        assert match.sure, heading
    (match,) = matches([Column("s", "Straße")], ["STRASSE"])
    assert match == Match(0, matching._NAME, "name")
    (match,) = matches([Column("p", "Prénom")], ["Pre\u0301nom"])
    assert match == Match(0, matching._NAME, "name")


@pytest.mark.parametrize(
    ("key", "heading"),
    [
        *[("rep", "Report date"), ("id", "Paid"), ("weight", "Weight unit"), ("country", "Country code")],
        *[("age", "Page"), ("name", "Rename"), ("city", "Capacity"), ("tel", "Hotel"), ("art", "Start")],
        *[("phone", "Phone type"), ("email", "Email sent on"), ("price", "Price list"), ("date", "Update")],
    ],
)
def test_letters_inside_words_and_other_things_of_it_are_no_match(key: str, heading: str) -> None:
    assert matches([Column(key, key.title())], [heading]) == (None,)


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("Customer number", "Kd-Nr"),
        ("Date of birth", "geb. am"),
        ("Date of birth", "Né(e) le"),
        ("VAT number", "NIF-IVA"),
        ("Job title", "Mansione"),
        ("Unit price", "Stuksprijs"),
    ],
)
def test_days_of_what_was_done_and_short_words_are_known(name: str, heading: str) -> None:
    (match,) = matches([Column("c", name)], [heading])
    assert match is not None
    assert match.certainty >= SURE


@pytest.mark.parametrize(
    ("key", "heading"),
    [
        ("email", "Mail"),
        ("order_date", "Ordered on"),
        ("article_number", "Référence article"),
        ("weight", "Gross weight"),
        ("price", "Net price"),
        ("country", "Land"),
        ("order_date", "Date"),
        ("amount", "Amount (net)"),
    ],
)
def test_what_is_only_likely_is_a_proposal(key: str, heading: str) -> None:
    (match,) = matches([Column(key, key.replace("_", " "))], [heading])
    assert match is not None
    assert match.at == 0
    assert not match.sure


@pytest.mark.parametrize("heading", ["Delivery date", "Data dostawy", "Teslim Tarihi", "Дата доставки", "Fakturadatum"])
def test_a_key_that_says_less_than_the_name_is_offered_no_other_thing(heading: str) -> None:
    assert matches([Column("date", "Order date")], [heading]) == (None,)
    assert matches([Column("date", "Date")], [heading])[0] is not None


def test_the_best_total_feeds_every_column() -> None:
    """Two columns fit one heading, another heading fits only one of them."""
    columns = [Column(key, key) for key in ("address", "email", "phone", "name")]
    headings = ["Customer Name", "Email Address", "Mailing Address", "Phone Number"]
    found = matches(columns, headings)
    assert [match and (match.at, match.sure) for match in found] == [(2, True), (1, True), (3, True), (0, True)]
    columns = [Column("a", "Work", alternate_keys=("x",)), Column("b", "B", alternate_keys=("work",))]
    assert [match and match.at for match in matches(columns, ["work", "x"])] == [1, 0]


def test_the_unit_of_a_column_is_not_the_column() -> None:
    headings = ["Item", "Net weight kg", "Weight unit", "Height unit", "Height"]
    weight, height = matches([Column("weight", "Weight"), Column("height", "Height")], headings)
    assert weight is None or weight.at == 1
    assert height is not None
    assert (height.at, height.sure) == (4, True)


def test_ties_stay_open_and_are_said() -> None:
    (match,) = matches([Column("name", "Name")], ["Client name", "Customer name", "Id"])
    assert match is not None
    assert (match.at, match.also, match.sure) == (0, (1,), False)
    assert match.certainty >= matching.SURE
    # Another thing's id leaves it open whose the column means.
    (match,) = matches([Column("id", "Id")], ["Customer ID", "Order ID"])
    assert match is not None
    assert (match.at, match.also, match.sure) == (0, (1,), False)
    # Two columns that one heading fits alike.
    found = matches([Column("a", "Client name"), Column("b", "Customer name")], ["Name"])
    assert [match and (match.at, match.rivals, match.sure) for match in found] == [(0, (1,), False), None]
    # Two and two, either way round.
    found = matches([Column("a", "Tel"), Column("b", "Telefon")], ["Phone number", "Téléphone"])
    assert [match and (match.also, match.sure) for match in found] == [((1,), False), ((0,), False)]
    # One and the same text twice is no tie: the first is meant, as everywhere in the contract.
    (match,) = matches([Column("email", "Email")], ["Email", "Email"])
    assert match is not None
    assert (match.at, match.sure) == (0, True)
    found = matches([Column("a", "Email"), Column("b", "Email")], ["Email", "Email", "Email"])
    assert [match and match.at for match in found] == [0, 1]


words = st.sampled_from(
    ["id", "name", "first name", "Kundennr.", "mail", "E-Mail", "date", "order date", "", "_", "x", "Straße", "total 1"]
)


@given(st.lists(words.filter(bool), unique=True, max_size=6), st.lists(st.none() | words, max_size=9))
def test_every_heading_feeds_one_column(keys: list[str], headings: list[str | None]) -> None:
    found = matches([Column(key, key) for key in keys], headings)
    used = [match.at for match in found if match is not None]
    assert len(set(used)) == len(used)
    assert all((headings[at] or "").strip() not in ("", "_") for at in used)
    for match in found:
        assert match is None or 0 < match.certainty <= 1


@given(st.integers(0, 2**32))
def test_the_total_is_the_greatest_there_is(seed: int) -> None:
    """Against every assignment of a small table."""
    draw = random.Random(seed)
    rows, width = draw.randint(1, 4), draw.randint(1, 4)
    pairs: matching._Pairs = {
        (row, at): (draw.choice([0.6, 0.65, 0.8, 0.85, 0.9, 1.0]), "part")
        for row in range(rows)
        for at in range(width)
        if draw.random() < 0.7
    }
    gain = {pair: matching._gain(certainty) for pair, (certainty, _) in pairs.items()}
    best = max(
        sum(gain.get((row, at), 0.0) for row, at in enumerate(taken))
        for taken in permutations([*range(width), *range(-1, -rows - 1, -1)], rows)
    )
    chosen: dict[int, int] = {}
    for group in matching._groups(pairs):
        chosen |= matching._best(group, pairs)
    assert len(set(chosen.values())) == len(chosen)
    assert sum(gain[pair] for pair in chosen.items()) == pytest.approx(best, abs=1e-6)


def test_pairs_are_found_without_looking_at_each() -> None:
    """A word that all share is no reason to compare all with all."""
    columns = [Column(f"c{number}", f"Value {number}") for number in range(300)]
    headings = [f"value {number} total" for number in range(3_000)] + ["same"] * 3_000
    pairs = matching._candidates(columns, headings)
    assert len(pairs) < 1_000


def test_a_giant_heading_is_compared_as_a_whole() -> None:
    giant = "order customer " * 5_000
    (match,) = matches([Column("a", giant)], [giant.upper()])
    assert match == Match(0, matching._NAME, "name")
    assert matches([Column("order", "Order")], [giant]) == (None,)
