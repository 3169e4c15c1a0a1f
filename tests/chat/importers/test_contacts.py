from __future__ import annotations

import json

import pytest

from douane.chat.importers import Options, contacts
from douane.errors import BadFile
from tests.chat.importers.exports import (
    counted,
    issues,
    ledger,
    opened,
    read,
    resumed_everywhere,
    uploaded,
    zipped,
)

CONTACTS = (
    "name,emails,phones,manager,id,Company,,VIP\n"
    "Ann,ann@example.com; a@example.com;,+1;;+2,agent,c1,ACME,x,yes\n"
    ",,,agent,c2,ACME,,\n"
    "Bob,,,,,,,\n"
    "Bob,,,,,,,\n"
    "Cy,cy@example.com\n"
)


def test_contacts() -> None:
    tables = read("omnichannel_contact", CONTACTS.encode())
    frame = tables["contacts"]
    ann = frame.row(0, named=True)
    assert {key: ann[key] for key in ("id", "name", "emails", "phones", "manager", "position")} == {
        "id": "c1",
        "name": "Ann",
        "emails": ["ann@example.com", "a@example.com"],
        "phones": ["+1", "+2"],
        "manager": "agent",
        "position": 2,
    }
    assert json.loads(ann["custom"]) == {"Company": "ACME", "column6": "x", "VIP": "yes"}
    assert frame["custom"].to_list()[1:] == [None, None]
    assert frame["id"].n_unique() == 3
    assert frame["id"].to_list() == read("omnichannel_contact", CONTACTS.encode())["contacts"]["id"].to_list()
    assert ledger(tables) == (5, 3, 1, 1)
    assert issues(tables) == [("skipped", "importer-contact-empty", 3), ("failed", "importer-csv-field-count", 6)]


def test_in_a_csv_export() -> None:
    alone = read("omnichannel_contact", CONTACTS.encode())["contacts"]
    inside = read("csv", zipped({"contacts.csv": CONTACTS, "users.csv": "ann,,Ann\n"}))
    assert inside["contacts"].equals(alone)
    assert ledger(inside) == (6, 4, 1, 1)
    broken = read("csv", zipped({"contacts.csv": "a,b\nc,d\n", "users.csv": "ann,,Ann\n"}))
    assert issues(broken) == [("failed", "importer-csv-heading", None)]
    assert ledger(broken) == (2, 1, 0, 1)


def test_headings_in_other_letters_and_other_delimiters() -> None:
    frame = read("omnichannel_contact", "\ufeffName;Emails;Note\nAnn;ann@example.com;a,b\n".encode())["contacts"]
    assert frame.select("name", "emails", "custom").rows() == [("Ann", ["ann@example.com"], '{"Note": "a,b"}')]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        (b"a,b\nc,d\n", "importer-csv-heading"),
        (zipped({"contacts.csv": CONTACTS}), "file_type"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "file_type"),
    ],
)
def test_other_files_are_refused(data: bytes, code: str) -> None:
    with pytest.raises(BadFile) as refused:
        opened("omnichannel_contact", data)
    assert refused.value.code == code


def test_reading_goes_on_after_any_batch() -> None:
    assert len(resumed_everywhere(opened("omnichannel_contact", CONTACTS.encode(), Options(batch_records=1)))) > 3


def test_counts_are_those_of_the_tables() -> None:
    reader = opened("omnichannel_contact", CONTACTS.encode())
    counts = reader.counts()
    assert counts == counted(list(reader.batches()))
    assert (counts.tables["contacts"], counts.entries["found"]) == (3, 5)


def test_recognised_by_its_headings() -> None:
    assert contacts.recognise(uploaded(CONTACTS.encode()))
    assert not contacts.recognise(uploaded(b"username,email,status\n"))
    assert not contacts.recognise(uploaded(b""))
