"""Messages as they are pulled from a Slack export: by time, id, word and thread, and as what they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from douane.web.chat.pulling import NOT_KEPT
from tests.web.chat.conftest import administrator, done, file_data, upload, zipped
from tests.web.conftest import Site, working

API = "/api/v1"
ALL = {"input": {"users": {"all": True}, "channels": {"all": True}, "contacts": {"all": True}}}
DAY = 1_600_000_000
TOKEN = "xoxe-1-2-abc"

USERS = [
    {"id": "U1", "name": "ann", "profile": {"real_name": "Ann", "email": "ann@x.example"}},
    {"id": "U2", "name": "bob", "profile": {"real_name": "Bob", "email": "bob@x.example"}},
]
CHANNELS = [
    {
        "id": "C1",
        "name": "talk",
        "creator": "U1",
        "members": ["U1", "U2"],
        "created": DAY,
        "topic": {"value": "A &amp; B by <@U2> <https://x.example|site>"},
    },
    {"id": "C2", "name": "other", "creator": "U1", "members": ["U1", "U3"], "created": DAY},
]


def said(second: int, text: str, user: str = "U1", **more: Any) -> dict[str, Any]:
    return {"type": "message", "user": user, "text": text, "ts": f"{DAY + second}.000100", **more}


TALK = [
    said(1, "first"),
    said(2, "a thread", thread_ts=f"{DAY + 2}.000100", reply_count=2, reply_users=["U2", "U1"]),
    said(3, "reply one", "U2", thread_ts=f"{DAY + 2}.000100"),
    said(4, "reply two", "U1", thread_ts=f"{DAY + 2}.000100"),
    said(5, "Needle in hay &gt; straw"),
    said(
        6,
        "see the plan",
        files=[
            {
                "id": "F1",
                "name": "plan",
                "is_external": True,
                "url_private": "https://docs.example.org/plan",
                "mimetype": "text/plain",
            },
            {
                "id": "F2",
                "name": "a.txt",
                "mode": "hosted",
                "mimetype": "text/plain",
                "url_private_download": f"https://files.slack.com/a.txt?t={TOKEN}",
                "url_private": f"https://files.slack.com/a.txt?t={TOKEN}&v=2",
            },
        ],
    ),
    said(
        7,
        "card",
        subtype="bot_message",
        attachments=[
            {"text": "*att* <@U2> &amp; more", "title": "Ti &amp; tle", "fields": [{"title": "V", "value": "&lt; 1"}]}
        ],
    ),
    said(8, "reminded", subtype="reminder_add"),
    said(9, "", subtype="unheard_of_notice"),
    said(10, ""),
    said(11, "flags :flag-fr:", reactions=[{"name": "flag-fr", "users": ["U2"], "count": 3}]),
    said(12, "ask <@U2> and see <#C2|old-name>", pinned_to=["C1"]),
    said(13, "last"),
]


@pytest.fixture(scope="module")
def worked_site(sqlite_site: Site) -> Iterator[Site]:
    """One worker for all: to begin one takes longer than what it does here."""
    with working(sqlite_site.settings):
        yield sqlite_site


@pytest.fixture(scope="module")
def client(worked_site: Site) -> TestClient:
    client = administrator(worked_site)
    asker = {"id": "U3", "name": "boss", "profile": {"email": pulled(client, "me")["emails"][0]["address"]}}
    entries = {
        "users.json": json.dumps([*USERS, asker]),
        "channels.json": json.dumps(CHANNELS),
        "talk/2020-09-13.json": json.dumps(TALK),
        "other/2020-09-13.json": json.dumps([said(1, "elsewhere"), said(2, "for <@U3>"), said(3, "`<@U3>`")]),
    }
    upload(client, zipped(entries), "slack")
    file_data(client)
    client.post(f"{API}/startImport", json=ALL)
    assert done(client)["step"] == "importer_done"
    return client


def pulled(client: TestClient, path: str, **params: Any) -> dict[str, Any]:
    answer = client.get(f"{API}/{path}", params=params)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def texts(found: dict[str, Any], name: str = "messages") -> list[str]:
    return [one["msg"] for one in found[name]]


def by_text(client: TestClient) -> dict[str, dict[str, Any]]:
    return {one["msg"]: one for one in pulled(client, "channels.messages", roomName="talk", count=100)["messages"]}


def test_a_client_that_pages_by_time_comes_to_the_end(client: TestClient) -> None:
    seen: list[str] = []
    asked: dict[str, Any] = {}
    for _ in range(20):
        found = pulled(client, "channels.history", roomName="talk", count=5, **asked)["messages"]
        if not found:
            break
        seen += [one["_id"] for one in found]
        asked["latest"] = found[-1]["ts"]
    assert len(seen) == len(set(seen)) == len(TALK)
    assert seen == sorted(seen, reverse=True)


def test_windows_and_order(client: TestClient) -> None:
    at = {second: f"2020-09-13T12:26:{40 + second}.000Z" for second in range(20)}
    window = pulled(client, "channels.history", roomName="talk", oldest=at[1], latest=at[4])
    assert texts(window) == ["reply one", "a thread"]
    assert window["total"] == 2
    # A time as `ts` shows it is its whole millisecond: what a client saw there is in it, or is not told again.
    shown = {"roomName": "talk", "oldest": at[1], "latest": at[1]}
    assert texts(pulled(client, "channels.history", **shown, inclusive="true")) == ["first"]
    assert texts(pulled(client, "channels.history", **shown)) == []
    exact = at[10].replace("Z", "000Z")  # in microseconds
    upward = pulled(client, "channels.history", roomName="talk", sort='{"ts":1}', oldest=exact, count=1, offset=1)
    assert (texts(upward), upward["total"]) == (["flags :flag_fr:"], 4)
    exact = "2020-09-13T12:26:41.000100Z"
    assert texts(pulled(client, "channels.history", roomName="talk", latest=exact)) == []
    assert texts(pulled(client, "channels.history", roomName="talk", latest=exact, inclusive="true")) == ["first"]
    # Without any of it the newest first, of which a client takes the last for where to go on; messages as imported.
    newest = pulled(client, "channels.history", roomName="talk", count=100)["messages"]
    assert [one["_id"] for one in newest] == sorted((one["_id"] for one in newest), reverse=True)
    assert texts(pulled(client, "channels.messages", roomName="talk", count=2)) == ["first", "a thread"]
    id = by_text(client)["last"]["_id"]
    for query in ({"_id": id}, {"_id": {"$in": [id, "nobody"]}}):
        assert texts(pulled(client, "channels.history", roomName="talk", query=json.dumps(query))) == ["last"]
    everywhere = pulled(client, "douane.messages", latest=at[2])
    assert sorted(texts(everywhere)) == ["elsewhere", "first"]


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("channels.history", {"latest": "soon"}),
        ("channels.history", {"sort": '{"msg":1}'}),
        ("channels.history", {"sort": '{"ts":2}'}),
        ("channels.history", {"sort": "["}),
        ("channels.history", {"query": '{"u.username":"ann"}'}),
        ("channels.messages", {"query": '{"_id":7}'}),
        ("channels.messages", {"query": '{"_id":{"$ne":"a"}}'}),
        ("channels.list", {"query": '{"name":"talk"}'}),
        ("channels.list", {"sort": '{"name":1}'}),
        ("users.list", {"query": "no JSON"}),
        ("rooms.get", {"updatedSince": "yesterday"}),
        ("chat.getMessage", {}),
        ("chat.getMessage", {"msgId": "nobody"}),
        ("chat.search", {"searchText": "a"}),
        ("chat.search", {"roomId": "nowhere", "searchText": "a"}),
        ("chat.getThreadsList", {}),
        ("chat.getThreadMessages", {}),
        ("chat.getThreadMessages", {"tmid": "nobody"}),
        ("channels.counters", {"roomName": "nowhere"}),
        ("channels.files", {"roomName": "nowhere"}),
        ("chat.syncMessages", {}),
        ("chat.syncThreadsList", {}),
        ("chat.syncThreadsList", {"rid": "nowhere", "updatedSince": "2020-01-01T00:00:00Z"}),
        ("chat.syncThreadMessages", {"tmid": "nobody", "updatedSince": "2020-01-01T00:00:00Z"}),
        ("directory", {"query": '{"type":"posts"}'}),
        ("roles.getUsersInRole", {}),
        ("rooms.adminRooms", {"filter": "talk"}),
        ("subscriptions.getOne", {}),
        ("users.getPresence", {"username": "nobody"}),
        *((path, {}) for path in NOT_KEPT),
    ],
)
def test_what_is_not_known_is_refused_and_not_passed_over(
    client: TestClient, path: str, params: dict[str, str]
) -> None:
    room = {"roomName": "talk"} if path.startswith("channels.") and path != "channels.list" else {}
    answer = client.get(f"{API}/{path}", params=room | params)
    assert (answer.status_code, answer.json()["success"]) == (400, False)


def test_lists_by_id(client: TestClient) -> None:
    (room, *_) = [one for one in pulled(client, "channels.list")["channels"] if one["name"] == "talk"]
    assert room["topic"] == "A & B by @bob [site](https://x.example)"
    found = pulled(client, "channels.list", query=json.dumps({"_id": room["_id"]}))
    assert ([one["name"] for one in found["channels"]], found["total"]) == (["talk"], 1)
    user = next(one for one in pulled(client, "users.list")["users"] if one["username"] == "bob")
    found = pulled(client, "users.list", query=json.dumps({"_id": {"$in": [user["_id"]]}}))
    assert [one["username"] for one in found["users"]] == ["bob"]
    assert {one["name"] for one in pulled(client, "rooms.get")["update"]} == {"general", "talk", "other"}
    assert pulled(client, "rooms.get", updatedSince="2100-01-01T00:00:00Z")["update"] == []
    assert "admin" in [one["_id"] for one in pulled(client, "roles.list")["roles"]]


def test_what_is_not_kept_is_said_in_a_sentence(client: TestClient) -> None:
    answer = client.get(f"{API}/teams.listAll")
    assert answer.json() == {
        "success": False,
        "error": "Douane does not keep teams [error-not-kept]",
        "errorType": "error-not-kept",
        "details": "teams.listAll",
    }


def test_a_search_finds_the_names_that_a_message_shows(client: TestClient) -> None:
    room = pulled(client, "channels.info", roomName="talk")["channel"]["_id"]
    for text in ("Ask @BOB and", "see #other", "<@u2>"):
        assert texts(pulled(client, "chat.search", roomId=room, searchText=text)) == ["ask @bob and see #other"], text
    assert texts(pulled(client, "chat.search", roomId=room, searchText="@ann")) == []


def test_what_else_clients_pull_of_a_room(client: TestClient) -> None:
    """Its counters, files, pins and roles, and what has changed since."""
    known = by_text(client)
    talk = pulled(client, "channels.info", roomName="talk")["channel"]
    assert (talk["usersCount"], talk["msgs"]) == (2, len(TALK))
    counters = pulled(client, "channels.counters", roomName="talk")
    assert (counters["members"], counters["msgs"], counters["latest"]) == (2, len(TALK), talk["lm"])
    assert (counters["joined"], counters["unreads"]) == (False, 0)
    files = pulled(client, "channels.files", roomName="talk")
    assert [one["name"] for one in files["files"]] == ["plan", "a.txt"]
    assert {one["messageId"] for one in files["files"]} == {known["see the plan"]["_id"]}
    second = pulled(client, "channels.files", roomName="talk", offset=1, count=1)
    assert ([one["name"] for one in second["files"]], second["total"]) == (["a.txt"], 2)
    assert TOKEN not in json.dumps(files)
    room = talk["_id"]
    assert texts(pulled(client, "chat.getPinnedMessages", roomId=room)) == ["ask @bob and see #other"]
    assert texts(pulled(client, "chat.getMentionedMessages", roomId=room)) == []
    owner = pulled(client, "channels.roles", roomName="talk")["roles"]
    assert [(one["u"]["username"], one["roles"]) for one in owner] == [("ann", ["owner"])]
    assert pulled(client, "roles.getUsersInRole", role="owner", roomId=room)["users"][0]["username"] == "ann"
    since = known["flags :flag_fr:"]["ts"]
    changed = pulled(client, "chat.syncMessages", roomId=room, lastUpdate=since)["result"]
    assert (texts(changed, "updated"), changed["deleted"]) == (["last", "ask @bob and see #other"], [])
    root, first = known["a thread"]["_id"], known["reply one"]["ts"]
    changed = pulled(client, "chat.syncThreadMessages", tmid=root, updatedSince=first)["messages"]
    assert (texts(changed, "update"), changed["remove"]) == (["reply two"], [])
    for written, shown in ((first, ["a thread"]), (known["reply two"]["ts"], [])):
        changed = pulled(client, "chat.syncThreadsList", rid=room, updatedSince=written)["threads"]
        assert (texts(changed, "update"), changed["remove"]) == (shown, [])
    members = pulled(client, "rooms.membersOrderedByRole", roomId=room)
    assert [(one["username"], one["roles"]) for one in members["members"]] == [("ann", ["owner"]), ("bob", [])]
    for offset, who in enumerate(("ann", "bob", None)):
        page = pulled(client, "rooms.membersOrderedByRole", roomId=room, offset=offset, count=1)
        assert ([one["username"] for one in page["members"]], page["total"]) == ([who] if who else [], 2)
    assert pulled(client, "rooms.isMember", roomId=room, username="bob")["isMember"] is True
    assert pulled(client, "rooms.isMember", roomId=room)["isMember"] is False


def test_what_clients_pull_of_people_and_of_who_asks(client: TestClient) -> None:
    """Who asks is the user of the workspace that the export has under their address."""
    mine = pulled(client, "subscriptions.get")["update"]
    assert [(one["name"], one["t"], one["unread"]) for one in mine] == [("other", "c", 0)]
    assert [one["name"] for one in pulled(client, "channels.list.joined")["channels"]] == ["other"]
    assert pulled(client, "channels.counters", roomName="other")["joined"] is True
    (found,) = pulled(client, "chat.getMentionedMessages", roomId=mine[0]["rid"])["messages"]
    assert found["importText"] == "for <@U3>"
    assert pulled(client, "channels.getAllUserMentionsByChannel", roomId=mine[0]["rid"])["mentions"] == [found]
    assert pulled(client, "subscriptions.get", updatedSince="2100-01-01T00:00:00Z")["update"] == []
    assert pulled(client, "subscriptions.get", updatedSince="0001-01-01T00:00:00+23:59")["update"] == mine
    assert pulled(client, "subscriptions.getOne", roomId=mine[0]["rid"])["subscription"] == mine[0]
    talk = pulled(client, "channels.info", roomName="talk")["channel"]["_id"]
    assert pulled(client, "subscriptions.getOne", roomId=talk)["subscription"] is None
    admins = pulled(client, "roles.getUsersInRole", role="admin")["users"]
    assert admins
    assert all("admin" in one["roles"] for one in admins)
    assert pulled(client, "users.getPresence", username="ann")["presence"] == "offline"
    assert pulled(client, "users.getStatus", username="ann")["status"] == "offline"
    assert pulled(client, "users.presence")["users"] == pulled(client, "channels.online")["online"] == []
    rooms = pulled(client, "rooms.adminRooms")
    assert {one["name"] for one in rooms["rooms"]} == {"general", "talk", "other"}
    people = pulled(client, "directory", query='{"type":"users"}')["result"]
    assert {"ann", "bob"} <= {one["username"] for one in people}


def test_a_message_by_id_by_a_word_and_by_thread(client: TestClient) -> None:
    known = by_text(client)
    assert pulled(client, "chat.getMessage", msgId=known["card"]["_id"])["message"] == known["card"]
    room = known["card"]["rid"]
    assert texts(pulled(client, "chat.search", roomId=room, searchText="NEEDLE")) == ["Needle in hay > straw"]
    assert texts(pulled(client, "chat.search", roomId=room, searchText="Hay > s")) == ["Needle in hay > straw"]
    assert texts(pulled(client, "chat.search", roomId=room, searchText="elsewhere")) == []
    assert texts(pulled(client, "chat.search", roomId=room, searchText="reply", count=1)) == ["reply two"]
    threads = pulled(client, "chat.getThreadsList", rid=room)
    assert (texts(threads, "threads"), threads["total"]) == (["a thread"], 1)
    assert texts(pulled(client, "chat.getThreadsList", rid=room, text="card"), "threads") == []
    people = {one["username"]: one["_id"] for one in pulled(client, "users.list")["users"]}
    root = known["a thread"]
    assert (root["replies"], root["tcount"]) == ([people["bob"], people["ann"]], 2)
    assert known["reply one"]["tmid"] == root["_id"]
    replies = pulled(client, "chat.getThreadMessages", tmid=root["_id"])
    assert (texts(replies), replies["total"]) == (["reply one", "reply two"], 2)
    assert texts(pulled(client, "chat.getThreadMessages", tmid=root["_id"], offset=1, count=1)) == ["reply two"]
    assert texts(pulled(client, "chat.getThreadMessages", tmid=known["first"]["_id"])) == []
    assert "replies" not in known["first"]


def test_what_a_message_is(client: TestClient) -> None:
    known = by_text(client)
    assert known["reminded"]["t"] == "reminder_add"
    assert "t" not in known["card"]
    assert "t" not in known["first"]
    found = pulled(client, "channels.messages", roomName="talk", count=100)["messages"]
    empty = [one for one in found if not one["msg"]]
    assert len(empty) == 2
    assert all(one["_hidden"] for one in empty)
    assert list(known["flags :flag_fr:"]["reactions"]) == [":flag_fr:"]
    assert known["flags :flag_fr:"]["importReactionsUnnamed"] == 2
    (card,) = known["card"]["attachments"]
    assert (card["title"], card["fields"]) == ("Ti & tle", [{"title": "V", "value": "< 1"}])
    assert "@bob" in card["text"]
    assert "& more" in card["text"]
    external, hosted = known["see the plan"]["files"]
    assert external["url"] == "https://docs.example.org/plan"
    assert "url" not in hosted
    assert external["importOriginal"]["id"] == external["_id"]
    assert TOKEN not in json.dumps(hosted["importOriginal"])


def test_what_messages_were_before_is_exported(worked_site: Site) -> None:
    client = administrator(worked_site)
    first, second = said(1, "now"), said(2, "stays")
    notice = {"type": "message", "channel": "C1", "hidden": True}
    changed = {**notice, "subtype": "message_changed", "ts": "1600000050.000000", "message": first}
    changed["previous_message"] = {**first, "text": f"was https://files.slack.com/a?t={TOKEN}"}
    deleted = {**notice, "subtype": "message_deleted", "ts": "1600000060.000000", "deleted_ts": "1600000003.000000"}
    deleted["previous_message"] = {**said(3, "gone"), "ts": "1600000003.000000"}
    entries = {
        "users.json": json.dumps(USERS),
        "channels.json": json.dumps(CHANNELS),
        "talk/2020-09-13.json": json.dumps([first, second, changed, deleted]),
    }
    upload(client, zipped(entries), "slack")
    file_data(client)
    client.post(f"{API}/startImport", json=ALL)
    assert done(client)["step"] == "importer_done"
    answer = client.get(f"{API}/douane.export", params={"table": "edits"})
    book = client.get(f"{API}/douane.export", params={"table": "edits", "format": "csv"}).text
    found = [json.loads(line) for line in answer.text.splitlines()]
    assert [(one["kind"], one["text"], one["room_id"]) for one in found] == [
        ("edit", "was https://files.slack.com/a", found[0]["room_id"]),
        ("delete", "gone", found[0]["room_id"]),
    ]
    assert found[0]["message_id"] == by_text(client)["now"]["_id"]
    assert found[0]["at"].startswith("2020-09-13T12:27:30")
    assert len(book.splitlines()) == 3
    messages = client.get(f"{API}/douane.export", params={"table": "messages"}).text.splitlines()
    assert [len(json.loads(line)["edits"]) for line in messages] == [0, 0, 1, 1]


def test_the_tokens_of_an_export_leave_nowhere(client: TestClient) -> None:
    asked = [
        ("channels.messages", {"roomName": "talk"}),
        *(("douane.records", {"table": table}) for table in ("messages", "files", "users")),
        *(("douane.recordsExport", {"table": "files", "format": format}) for format in ("ndjson", "csv")),
        *(
            ("douane.export", {"table": "messages", "format": format})
            for format in ("ndjson", "csv", "parquet", "arrow")
        ),
    ]
    for path, params in asked:
        answer = client.get(f"{API}/{path}", params=params)
        assert answer.status_code == 200, answer.text
        assert TOKEN.encode() not in answer.content, (path, params)
    records = pulled(client, "douane.records", table="files")
    assert "https://files.slack.com/a.txt" in json.dumps(records)


def test_what_was_imported_is_not_offered_again(client: TestClient) -> None:
    found = pulled(client, "getImportFileData")
    assert (found["users"], found["channels"], found["message_count"]) == ([], [], 0)


def test_entries_that_nobody_read_are_told_of_or_refused(worked_site: Site) -> None:
    client = administrator(worked_site)
    entries = {
        "users.json": json.dumps(USERS),
        "channels.json": json.dumps(CHANNELS),
        "talk/2020-09-13.json": json.dumps(TALK[:2]),
        "talk/odd.txt": json.dumps([said(1, "unread"), said(2, "too")]),
    }
    upload(client, zipped(entries), "slack")
    assert file_data(client)["message_count"] == 2
    told = client.get(f"{API}/getCurrentImportOperation").json()["operation"]["unread"]
    assert told["entries"] == 1
    assert "talk/odd.txt" in told["message"]
    assert client.get(f"{API}/douane.ledger").json()["unread"] == told
    asked = {"importerKey": "slack", "strict": "true"}
    answer = client.post(f"{API}/douane.upload", params=asked, content=zipped(entries))
    assert (answer.status_code, answer.json()["error"]) == (400, told["message"])
    del entries["talk/odd.txt"]
    answer = client.post(f"{API}/douane.upload", params=asked, content=zipped(entries))
    assert answer.status_code == 200
    assert "unread" not in answer.json()["operation"]


def test_a_direct_conversation_goes_by_both_names(site: Site) -> None:
    paths = {path.removeprefix("/api/v1/") for path in site.app.openapi()["paths"]}
    names = {way: {one.removeprefix(way) for one in paths if one.startswith(way)} for way in ("im.", "dm.")}
    assert names["im."] == names["dm."] >= {"list.everyone", "members"}
