"""The types that the contract does not know."""

from __future__ import annotations

from typing import Any

import phonenumbers
import polars as pl
import pytest

from douane.errors import BadTemplate
from douane.model.template import Column
from douane.sheet import columns
from douane.sheet.columns import phone
from douane.sheet.formats import KIND_TEXT
from douane.sheet.template_file import column_from_document


def judged(document: dict[str, Any], text: str) -> str | None:
    """What leaves of a text that the column takes; None of one it refuses."""
    judge = columns.judge(column_from_document({"key": "a", **document}, strict=True))
    frame = pl.DataFrame({"typed": [text], "kind": [KIND_TEXT]}, schema_overrides={"kind": pl.UInt8})
    frame = frame.with_columns(judge.stored(pl.col("typed"), None).alias("text"))
    failed, out = frame.select(judge.tests[0].fails.fill_null(False).alias("failed"), "text").row(0)
    return None if failed else str(out)


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("DE89370400440532013000", "DE89370400440532013000"),
        ("de89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("GB82 WEST 1234 5698 7654 32", "GB82WEST12345698765432"),
        ("NO9386011117947", "NO9386011117947"),
        ("MT84MALT011000012345MTLCAST001S", "MT84MALT011000012345MTLCAST001S"),
        ("LC55HEMM000100010012001200023015", "LC55HEMM000100010012001200023015"),
        ("DE88370400440532013000", None),
        ("DE8937040044053201300", None),
        ("XX89370400440532013000", None),
        ("DE89-3704-0044-0532-0130-00", None),
        ("HN88 CABF 0000 0000 0002 5000 5469", "HN88CABF00000000000250005469"),
        ("HN88 CABF 0000 0000 0002 5000 546", None),
    ],
)
def test_iban(text: str, out: str | None) -> None:
    assert judged({"type": "Iban"}, text) == out


@pytest.mark.parametrize(
    ("text", "right"),
    [
        *[
            ("https://example.com", True),
            ("http://sub.example.co.uk:8080/a?b=c#d", True),
            ("HTTPS://EXAMPLE.COM", True),
        ],
        *[("https://bücher.example/straße", True), ("http://10.0.0.1/", True), ("http://localhost:3000", True)],
        *[
            ("http://[::1]/", True),
            ("https://user:pass@example.com/", True),
            ("example.com", False),
            ("http://", False),
        ],
        *[("ftp://example.com", False), ("https://exa mple.com", False), ("https://example", False)],
        *[("javascript:alert(1)", False), ("https://-a.com", False), ("https://example.com/a b", False)],
    ],
)
def test_url(text: str, right: bool) -> None:
    assert (judged({"type": "Url"}, text) is not None) is right


@pytest.mark.parametrize(
    ("document", "text", "out"),
    [
        ({"type": "DateTime"}, "2024-02-29 23:59:59", "2024-02-29 23:59:59"),
        ({"type": "DateTime"}, "2024-02-29T23:59:59+01:00", "2024-02-29T23:59:59+01:00"),
        ({"type": "DateTime"}, "2024-02-29", None),
        ({"type": "DateTime"}, "2023-02-29 10:00", None),
        (
            {"type": "DateTime", "dateFormats": ["DD.MM.YYYY HH:mm"], "output": "iso"},
            "29.02.2024 07:05",
            "2024-02-29T07:05",
        ),
        ({"type": "Time"}, "23:59", "23:59"),
        ({"type": "Time"}, "24:00", None),
        ({"type": "Time"}, "7:05", None),
        ({"type": "Time", "dateFormats": ["h:mm a"]}, "7:05 PM", "7:05 PM"),
    ],
)
def test_moments(document: dict[str, Any], text: str, out: str | None) -> None:
    assert judged(document, text) == out


@pytest.mark.parametrize(
    ("country", "text", "out"),
    [
        ("", "+493012345678", "+493012345678"),
        ("", "+49 (0)30 / 123 45 678", "+493012345678"),
        ("", "+49-30-12345678", "+493012345678"),
        ("", "+1 (212) 555-0123", "+12125550123"),
        ("", "+7 912 345-67-89", "+79123456789"),
        ("", "+7 701 234 56 78", "+77012345678"),
        ("", "+44 7624 123456", "+447624123456"),
        ("", "＋８１ ３ １２３４ ５６７８", "+81312345678"),
        ("", "+39 06 1234 5678", "+390612345678"),
        ("", "030 12345678", None),
        ("", "0049 30 12345678", None),
        ("", "493012345678", None),
        ("", "+49 1", None),
        ("", "+999 1234567", None),
        ("", "+1 800 FLOWERS", None),
        ("", "+49 30 12345678 ext. 5", None),
        ("", "call +493012345678", None),
        ("", "+4930" + "1" * 60, None),
        ("DE", "030 12345678", "+493012345678"),
        ("DE", "(030) 123.456.78", "+493012345678"),
        ("DE", "0049 30 12345678", "+493012345678"),
        ("de", "+33 1 23 45 67 89", "+33123456789"),
        ("US", "212-555-0123", "+12125550123"),
        ("US", "1 (212) 555 0123", "+12125550123"),
        ("BR", "(11) 91234-5678", "+5511912345678"),
        ("IT", "06 1234 5678", "+390612345678"),
        ("DE", "12", None),
    ],
)
def test_phone(country: str, text: str, out: str | None) -> None:
    assert judged({"type": "Phone", "country": country}, text) == out


def test_a_country_without_phones() -> None:
    with pytest.raises(BadTemplate, match="XX is no country"):
        columns.judge(column_from_document({"key": "a", "type": "Phone", "country": "XX"}, strict=True))


def test_example_numbers_of_every_country_are_as_the_package_says() -> None:
    """In each way of writing; what the one pattern takes at once is what the package would have taken."""
    wrong = []
    for country in sorted(phonenumbers.SUPPORTED_REGIONS):
        here, abroad = phone.judge(_phone(country)), phone.judge(_phone(""))
        for kind in (0, 1, 3, 6, 7):
            number = phonenumbers.example_number_for_type(country, kind)
            if number is None:
                continue
            e164, national, international = (phonenumbers.format_number(number, form) for form in (0, 2, 1))
            texts = [e164, international, national, e164[:-1], e164 + "1", e164 + "23"]
            for judge, region in ((here, country), (abroad, None)):
                frame = pl.DataFrame({"typed": texts}).with_columns(judge.stored(pl.col("typed"), None).alias("text"))
                failed = frame.select(judge.tests[0].fails.alias("failed"))["failed"].to_list()
                for text, found, bad in zip(texts, frame["text"].to_list(), failed, strict=True):
                    if (None if bad else found) != _parsed(text, region):
                        wrong.append((country, region, text, found, bad))
    assert wrong == []


def _phone(country: str) -> Column:
    return Column("a", "A", "Phone", settings=(("country", country),))


def _parsed(text: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
