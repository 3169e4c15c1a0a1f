from __future__ import annotations

import os
from pathlib import Path

import pytest

from douane.chat.importers import Options, recognise, slack_users
from douane.errors import BadFile
from tests.chat.importers.exports import (
    MemorySource,
    counted,
    issues,
    ledger,
    opened,
    read,
    resumed_everywhere,
    uploaded,
    zipped,
)

SHARED = Path(os.environ.get("DOUANE_SHARED") or Path(__file__).parents[4] / "shared")

HEADING = "username,email,status,billing-active,has-2fa,has-sso,userid,fullname,displayname,expiration-timestamp\n"
MEMBERS = HEADING + (
    "ann,ann@example.com,Primary Owner,1,0,0,U1,Ann A,annie,\n"
    "bob,bob@example.com,Admin,1,0,0,U2,,bobby,\n"
    "cy,cy@example.com,Deactivated,0,0,0,U3,,,\n"
    "bot,bot@example.com,Bot,0,0,0,U4,Bot,,\n"
    "dee,,Member,1,0,0,U5,Dee,,\n"
    "eve,eve@example.com,Single-Channel Guest,1,0,0,,Eve,,1700000000\n"
    "ann2,ann@example.com,Member,1,0,0,U7,Ann,,\n"
    "short,short@example.com\n"
)


def test_members() -> None:
    tables = read("slack-users", MEMBERS.encode())
    columns = ("ids", "username", "name", "emails", "type", "role", "roles", "deleted", "position")
    assert tables["users"].select(columns).rows() == [
        (["ann@example.com", "U1"], "ann", "Ann A", ["ann@example.com"], "user", "owner", [], False, 2),
        (["bob@example.com", "U2"], "bob", "bobby", ["bob@example.com"], "user", "admin", ["admin"], False, 3),
        (["cy@example.com", "U3"], "cy", "cy", ["cy@example.com"], "user", "member", [], True, 4),
        (["bot@example.com", "U4"], "bot", "Bot", ["bot@example.com"], "bot", "bot", ["bot"], False, 5),
        (["eve@example.com"], "eve", "Eve", ["eve@example.com"], "user", "guest_single", [], False, 7),
    ]
    assert ledger(tables) == (8, 5, 2, 1)
    assert issues(tables) == [
        ("skipped", "importer-user-missing-email", 6),
        ("skipped", "duplicate", 8),
        ("failed", "importer-csv-field-count", 9),
    ]


def test_what_is_no_address_makes_nobody() -> None:
    talk = read("slack-users", b"Monday, James says hi here\nTuesday, User says hello\n")
    assert "users" not in talk
    assert issues(talk) == [("failed", "importer-user-invalid-email", 2)]
    tables = read("slack-users", HEADING.encode() + b"ann,Ann,Member,1,0,0,U1,Ann A,annie,\n")
    assert "users" not in tables
    assert issues(tables) == [("failed", "importer-user-invalid-email", 2)]


def test_columns_are_found_by_their_headings() -> None:
    tables = read("slack-users", b"Full Name;userid;Email;fullname;STATUS\nx;U1;ann@example.com;Ann;Admin\n")
    assert tables["users"].select("ids", "username", "name", "roles").rows() == [
        (["ann@example.com", "U1"], None, "Ann", ["admin"])
    ]


def test_columns_by_position_where_the_headings_are_in_another_language() -> None:
    heading = "nom,courriel,statut,a,b,c,id,nom complet,affichage,expiration\n"
    assert read("slack-users", MEMBERS.replace(HEADING, heading).encode())["users"].equals(
        read("slack-users", MEMBERS.encode())["users"]
    )


def test_a_first_line_that_is_a_person_is_no_heading() -> None:
    tables = read("slack-users", MEMBERS.removeprefix(HEADING).encode())
    assert tables["users"]["username"].to_list()[0] == "ann"
    assert ledger(tables) == (8, 5, 2, 1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        (b" \n\n", "file_empty"),
        (zipped({"users.csv": MEMBERS}), "file_type"),
        (b"%PDF-1.7\n1 0 obj\n", "file_type"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "file_type"),
    ],
)
def test_other_files_are_refused(data: bytes, code: str) -> None:
    with pytest.raises(BadFile) as refused:
        opened("slack-users", data)
    assert refused.value.code == code


def test_reading_goes_on_after_any_batch() -> None:
    batches = resumed_everywhere(opened("slack-users", MEMBERS.encode(), Options(batch_records=2)))
    assert len(batches) > 3
    assert batches[-1].bytes_done == len(MEMBERS)


def test_counts_are_those_of_the_tables() -> None:
    reader = opened("slack-users", MEMBERS.encode())
    counts = reader.counts()
    assert counts == counted(list(reader.batches()))
    assert (counts.tables["users"], counts.entries["found"]) == (5, 8)


def test_recognised_by_its_headings() -> None:
    assert slack_users.recognise(uploaded(MEMBERS.encode()))
    assert not slack_users.recognise(uploaded(b"emails,phones,name\n"))
    assert not slack_users.recognise(uploaded(zipped({"users.csv": MEMBERS})))


@pytest.mark.corpus
@pytest.mark.skipif(not SHARED.exists() and not os.environ.get("CI"), reason="the shared corpus is not here")
def test_the_members_list_of_rocket_chats_own_tests() -> None:
    data = (SHARED / "corpus/chat/rocketchat-csv/slack_export_users.csv").read_bytes()
    assert recognise(MemorySource(data)) == "slack-users"
    users = read("slack-users", data)["users"]
    assert users["ids"].to_list()[0] == ["user4@email.com.br", "U03TVFGMHUY"]
    assert users["role"].to_list() == ["owner"] * 3
    assert users["roles"].to_list() == [[]] * 3
