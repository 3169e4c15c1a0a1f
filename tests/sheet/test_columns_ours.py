"""The types that the contract does not know."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from douane.sheet import columns
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
