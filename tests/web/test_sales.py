"""A sales list of 5,000 rows from seven countries, mended to zero problems with fewer than ten calls each. Here with
60 rows; DOUANE_SALES_ROWS says how many."""

from __future__ import annotations

import json
import os
from datetime import date, timedelta
from typing import Any

import pytest

from tests.web.conftest import Site
from tests.web.test_imports import upload
from tests.web.test_live import Review

ROWS = int(os.environ.get("DOUANE_SALES_ROWS", "60"))
LANDS = ("France", "Germany", "United States")
SALES: list[dict[str, Any]] = [
    {"key": "no", "name": "No", "type": "String", "isRequired": True, "isUnique": True},
    {"key": "day", "name": "Day", "type": "Date", "dateFormats": ["YYYY-MM-DD"]},
    {"key": "sum", "name": "Sum", "type": "Number"},
    {
        "key": "land",
        "name": "Land",
        "type": "Select",
        "selectValues": list(LANDS),
        "alternateValues": {
            "Frankreich": "France",
            "Allemagne": "Germany",
            "Deutschland": "Germany",
            "États-Unis": "United States",
            "Vereinigte Staaten": "United States",
            "USA": "United States",
        },
    },
]
WRITTEN = {  # encoding, delimiter, day, sum, names of the lands
    "fr": ("cp1252", ";", "%d/%m/%Y", "\u00a0,", "{}", ("France", "Allemagne", "États-Unis")),
    "de": ("utf-8", ";", "%d.%m.%Y", ".,", "{}", ("Frankreich", "Deutschland", "Vereinigte Staaten")),
    "us": ("utf-8", ",", "%m/%d/%Y", ",.", "${}", ("France", "germany ", "USA")),
    "it": ("cp1252", ";", "%d/%m/%Y", ".,", "€ {}", ("Francia", "Germania", "Stati Uniti")),
    "pl": ("cp1250", ";", "%d.%m.%Y r.", "\u00a0,", "{} zł", ("Francja", "Niemcy", "Stany Zjednoczone")),
    "br": ("utf-8", ";", "%d/%m/%y", ".,", "R$ {}", ("França", "Alemanha", "Estados Unidos")),
    "ch": ("utf-16", "\t", "%d. %b %Y", "'.", "CHF {}", ("Frankreich", "Deutschland", "USA")),
}
MAPPED = {  # what neither the template nor its likeness to a value says: a person does, once
    "Stati Uniti": "United States",
    "Stany Zjednoczone": "United States",
    "Estados Unidos": "United States",
    "Niemcy": "Germany",
    "Alemanha": "Germany",
}


def sales(country: str, rows: int) -> tuple[bytes, list[dict[str, Any]]]:
    """A file as it is written there, and the records that it means."""
    encoding, delimiter, day_format, (thousand, point), money, lands = WRITTEN[country]
    text, meant = [delimiter.join(["No", "Day", "Sum", "Land"])], []
    for row in range(rows):
        day, cents, land = date(2025, 1, 1) + timedelta(days=row * 7 % 365), row * 98_765 % 1_000_000 + 5, row % 3
        whole = f"{cents / 100:,.2f}".translate({ord(","): thousand, ord("."): point})
        cells = [f"S{row}", day.strftime(day_format), money.format(whole), lands[land]]
        text.append(delimiter.join(f'"{cell}"' if delimiter in cell else cell for cell in cells))
        meant.append({"no": f"S{row}", "day": day.isoformat(), "sum": cents / 100, "land": LANDS[land]})
    return "\n".join(text).encode(encoding), meant


@pytest.mark.parametrize(
    ("site", "country"), [("postgres", "fr"), *(("sqlite", one) for one in WRITTEN)], indirect=["site"]
)
def test_a_sales_list_is_mended_with_few_calls(site: Site, worker: None, country: str) -> None:
    data, meant = sales(country, ROWS)
    answer = upload(site, data, auto=True, schema=json.dumps(SALES))
    assert answer.status_code == 201, answer.text
    review, calls = Review(site, str(answer.json()["_id"])), 1
    for column in ("day", "sum", "land"):
        found = review.get("/suggestions", column=column, limit=100_000)["data"]
        instead = {one["value"]: one["suggestions"][0]["value"] for one in found if one["suggestions"]}
        if column == "land":
            seen = {one["value"] for one in review.get("/values", column=column)["data"]}
            instead |= {value: mapped for value, mapped in MAPPED.items() if value in seen}
            calls += 1
        assert review.send("POST", "/suggestions", {"column": column, "instead": instead}).status_code == 200
        calls += 2
    assert review.send("POST", "", {}).status_code == 201
    calls += 1
    assert calls < 10
    shown = site.client.get(f"/v1/upload/{answer.json()['_id']}").json()
    assert (shown["validRecords"], shown["invalidRecords"]) == (len(meant), 0)
    page = review.client.get(f"{review.root}?limit=7").json()
    assert [one["record"] for one in page["data"]] == meant[:7]
