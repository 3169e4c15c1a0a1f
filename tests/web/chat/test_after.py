"""What comes after a run: mending and trying again, importing again, pulling, and a restart in between."""

from __future__ import annotations

import io
import json
import time
from typing import Any

import openpyxl
import polars as pl
from starlette.testclient import TestClient

from douane.web.app import create_app
from tests.web.chat.conftest import EXAMPLE, administrator, done, file_data, upload, zipped
from tests.web.conftest import Site

API = "/api/v1"
ALL = {"input": {"users": {"all": True}, "channels": {"all": True}, "contacts": {"all": True}}}
GHOST = {**EXAMPLE, "team/01.csv": "ghost,1577836805000,boo\nada,1577836806000,who is there?\n"}


def _import(client: TestClient, entries: dict[str, Any], **options: str) -> dict[str, Any]:
    upload(client, zipped(entries))
    file_data(client)
    assert client.post(f"{API}/startImport", json=ALL, params=options).json() == {"success": True}
    found = done(client)
    assert found["step"] == "importer_done"
    return dict(client.get(f"{API}/douane.ledger").json())


def test_failed_records_are_tried_again_once_mended(admin: TestClient) -> None:
    ledger = _import(admin, GHOST, strict="true")
    assert ledger["reasons"]["failed"] == {"importer-message-unknown-user": 1}
    assert admin.get(f"{API}/getImportProgress").json()["count"]["error"] == 1
    failed = admin.get(f"{API}/douane.records", params={"table": "messages", "view": "invalid"}).json()
    assert failed["total"] == 1
    assert failed["records"][0]["record"]["text"] == "boo"
    assert failed["records"][0]["outcome"]["code"] == "importer-message-unknown-user"
    first = ledger["operationId"]

    admin.post(f"{API}/import.new")
    user = {"emails": ["ghost@example.com"], "importIds": ["ghost"], "username": "ghost"}
    admin.post(f"{API}/import.addUsers", json={"users": [user]})
    admin.post(f"{API}/import.run")
    done(admin)
    assert admin.post(f"{API}/douane.retry", params={"operationId": first}).json()["success"]
    for _ in range(200):
        now = admin.get(f"{API}/douane.operation", params={"operationId": first}).json()["operation"]
        if now["status"] == "importer_done":
            break
        time.sleep(0.05)
    ledger = admin.get(f"{API}/douane.ledger", params={"operationId": first}).json()
    assert ledger["failed"] == 0
    assert ledger["found"] == ledger["imported"] + ledger["skipped"]
    texts = [one["msg"] for one in admin.get(f"{API}/douane.messages").json()["messages"]]
    assert sorted(texts) == ["boo", "hello", "hi there", "money", "psst", "who is there?", "yes?"]
    again = admin.post(f"{API}/douane.retry", params={"operationId": first})
    assert (again.status_code, again.json()["error"]) == (400, "No record of this import failed.")


def test_unknown_authors_get_a_stand_in_that_becomes_the_real_one(admin: TestClient) -> None:
    assert _import(admin, GHOST)["failed"] == 0
    names = [one["username"] for one in admin.get(f"{API}/users.list").json()["users"]]
    assert "ghost" not in " ".join(names)
    shown = admin.get(f"{API}/users.list", params={"placeholders": "true"}).json()["users"]
    stand_in = next(one for one in shown if one.get("placeholder"))
    assert stand_in["active"] is False
    ledger = _import(admin, {"users.csv": "ghost,ghost@example.com,A Ghost\n"})
    assert ledger["imported"] == 1
    ghost = admin.get(f"{API}/users.info", params={"importId": "ghost"}).json()["user"]
    assert (ghost["_id"], ghost["username"], ghost["active"]) == (stand_in["_id"], "ghost", True)


def test_importing_again_adds_only_what_is_new(admin: TestClient) -> None:
    assert _import(admin, EXAMPLE)["reasons"]["imported"]["created"] >= 5
    more = {**EXAMPLE, "general/01.csv": EXAMPLE["general/01.csv"] + "eve,1577836809000,me too\n"}
    ledger = _import(admin, more)
    assert ledger["reasons"]["imported"]["created"] == 1
    messages = admin.get(f"{API}/douane.messages").json()
    assert messages["total"] == 6
    assert len({one["_id"] for one in messages["messages"]}) == 6


def test_14_a_selection_survives_a_restart(site: Site, admin: TestClient) -> None:
    upload(admin, zipped(EXAMPLE))
    file_data(admin)
    with TestClient(create_app(site.settings), headers=dict(admin.headers)) as restarted:
        assert restarted.get(f"{API}/import.status").json()["state"] == "ready"
        assert restarted.post(f"{API}/startImport", json=ALL).json() == {"success": True}
        assert done(restarted)["step"] == "importer_done"


def test_everything_can_be_pulled(admin: TestClient) -> None:
    _import(admin, EXAMPLE)
    room = next(one for one in admin.get(f"{API}/groups.list").json()["groups"] if one["name"] == "business")
    assert room["t"] == "p"
    said = admin.get(f"{API}/groups.messages", params={"roomId": room["_id"]}).json()
    assert [(one["msg"], one["u"]["username"]) for one in said["messages"]] == [("money", "bob")]
    members = admin.get(f"{API}/groups.members", params={"roomName": "business"}).json()["members"]
    assert {one["username"] for one in members} == {"ada", "bob"}
    direct = admin.get(f"{API}/im.list").json()["ims"]
    assert [one["msgs"] for one in direct] == [2]
    assert admin.get(f"{API}/channels.info", params={"roomId": room["_id"]}).status_code == 400
    pages = [
        admin.get(f"{API}/douane.messages", params={"offset": offset, "count": 2}).json()["messages"]
        for offset in (0, 1, 3)
    ]
    whole = admin.get(f"{API}/douane.messages").json()["messages"]
    assert [[one["_id"] for one in page] for page in pages] == [
        [one["_id"] for one in whole[at : at + 2]] for at in (0, 1, 3)
    ]
    for table, count in (("users", None), ("rooms", None), ("members", None), ("contacts", 0), ("messages", 5)):
        lines = admin.get(f"{API}/douane.export", params={"table": table}).text.splitlines()
        records = [json.loads(line) for line in lines]
        assert count is None or len(records) == count
        arrow = pl.read_ipc_stream(
            io.BytesIO(admin.get(f"{API}/douane.export", params={"table": table, "format": "arrow"}).content)
        )
        parquet = pl.read_parquet(
            io.BytesIO(admin.get(f"{API}/douane.export", params={"table": table, "format": "parquet"}).content)
        )
        workbook = admin.get(f"{API}/douane.export", params={"table": table, "format": "xlsx"}).content
        book = openpyxl.load_workbook(io.BytesIO(workbook)).worksheets[0]
        assert len(arrow) == len(parquet) == len(records) == book.max_row - 1
    assert admin.get(f"{API}/douane.export", params={"table": "secrets"}).status_code == 400


def test_the_projects_own_people_are_protected(admin: TestClient) -> None:
    me = admin.get(f"{API}/me").json()
    taken = {
        "users.csv": f"intruder,{me['email']},Not Me\n{me['username']},other@example.com,Nor Me\n",
        "channels.csv": "general,intruder,public,intruder\n",
        "general/01.csv": "intruder,1577836800000,hello\n",
    }
    ledger = _import(admin, taken)
    assert ledger["failed"] == 0
    found = admin.get(f"{API}/users.info", params={"username": me["username"]}).json()["user"]
    assert found["emails"] == [{"address": me["email"], "verified": True}]
    assert found["roles"] == ["admin", "user"]
    assert found["active"] is True
    assert found["name"] not in ("Not Me", "Nor Me")
    assert "intruder" in found["importIds"]
    said = admin.get(f"{API}/douane.messages").json()["messages"]
    assert [one["u"]["username"] for one in said] == [me["username"]]


def test_the_workspace_is_there_before_the_first_import(site: Site) -> None:
    admin = administrator(site)
    me = admin.get(f"{API}/me").json()
    users = {one["username"]: one["roles"] for one in admin.get(f"{API}/users.list").json()["users"]}
    assert users == {"rocket.cat": ["bot"], me["username"]: ["admin", "user"]}
    assert [one["name"] for one in admin.get(f"{API}/channels.list").json()["channels"]] == ["general"]
    assert admin.get(f"{API}/getLatestImportOperations").json() == []


def test_what_no_program_holds_does_not_keep_a_page_from_being_shown(admin: TestClient) -> None:
    time = "1577836800.00010"
    said = {"type": "message", "user": "U1AAAAAA", "text": "sound", "ts": f"{time}0"}
    huge = json.dumps({**said, "text": "huge", "ts": f"{time}1", "attachments": [{"fallback": "N"}]})
    huge = huge.replace('"N"', "1e999")
    room = {"id": "C1AAAAAA", "name": "Caf\u00e9 Bar", "members": ["U1AAAAAA"], "creator": "U1AAAAAA"}
    export = {
        "users.json": json.dumps([{"id": "U1AAAAAA", "name": "ada", "profile": {"email": "ada@example.com"}}]),
        "channels.json": json.dumps([room]),
        f"{room['name']}/2020-01-01.json": f"[{json.dumps(said)},{huge}]",
    }
    upload(admin, zipped(export), key="slack")
    file_data(admin)
    admin.post(f"{API}/startImport", json=ALL)
    done(admin)
    shown = admin.get(f"{API}/douane.messages").json()["messages"]
    assert [one["msg"] for one in shown] == ["sound", "huge"]
    names = [(one["name"], one["fname"]) for one in admin.get(f"{API}/channels.list").json()["channels"]]
    assert ("Cafe-Bar", "Caf\u00e9 Bar") in names


def test_progress_as_server_sent_events(admin: TestClient) -> None:
    upload(admin, zipped(EXAMPLE))
    file_data(admin)
    admin.post(f"{API}/startImport", json=ALL)
    with admin.stream("GET", f"{API}/douane.events") as answer:
        lines = list(answer.iter_lines())
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert events[-2]["step"] == "importer_done"
    assert events[-2]["count"]["completed"] == events[-2]["count"]["total"]
    completed = [event["count"]["completed"] for event in events[:-1]]
    assert completed == sorted(completed)
    assert events[-1] == {"step": "importer_done"}
