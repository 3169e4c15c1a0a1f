"""`/websocket`: progress as the contract pushes it (6.8)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from douane.flow.chat import imports
from douane.flow.chat.imports import NewChat
from douane.flow.setup import initialise
from douane.settings import Settings
from douane.web.app import create_app
from tests.web.chat.conftest import EXAMPLE, file_data, upload, zipped
from tests.web.conftest import Site


def _heard(socket: Any, kind: str) -> dict[str, Any]:
    for _ in range(50):
        message: dict[str, Any] = socket.receive_json()
        if message["msg"] == kind:
            return message
    raise AssertionError(kind)


def test_progress_is_pushed(site: Site, admin: TestClient) -> None:
    upload(admin, zipped(EXAMPLE))
    with site.anyone().websocket_connect("/websocket") as socket:
        socket.send_json({"msg": "connect", "version": "1", "support": ["1"]})
        assert _heard(socket, "connected")["session"]
        socket.send_json({"msg": "ping", "id": "p"})
        assert _heard(socket, "pong") == {"msg": "pong", "id": "p"}
        token = admin.headers["X-Auth-Token"]
        by_password = {"user": {"username": "a"}, "password": {"digest": "0"}}
        for given, said in ((by_password, "login"), ({"resume": "x"}, "out")):
            socket.send_json({"msg": "method", "id": "0", "method": "login", "params": [given]})
            assert said in _heard(socket, "result")["error"]["reason"]
        socket.send_json({"msg": "method", "id": "1", "method": "login", "params": [{"resume": token}]})
        assert _heard(socket, "result")["result"]["id"] == admin.headers["X-User-Id"]
        socket.send_json({"msg": "sub", "id": "x", "name": "stream-importers", "params": ["progress", False]})
        assert _heard(socket, "ready") == {"msg": "ready", "subs": ["x"]}
        event = _heard(socket, "changed")
        assert event["collection"] == "stream-importers"
        assert event["fields"]["eventName"] == "progress"
        assert event["fields"]["args"][0]["step"] == "importer_file_loaded"
        file_data(admin)
        while "step" not in event["fields"]["args"][0] or event["fields"]["args"][0]["step"] != (
            "importer_user_selection"
        ):
            event = _heard(socket, "changed")
        assert set(event["fields"]["args"][0]) == {"key", "name", "step", "count"}
        socket.send_json({"msg": "unsub", "id": "x"})
        assert _heard(socket, "nosub")["id"] == "x"


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"msg":"dance"}', '{"msg":"sub","id":"x","name":"other"}', "\x00" * 99]
)
def test_nonsense_is_answered(site: Site, text: str) -> None:
    with site.anyone().websocket_connect("/websocket") as socket:
        socket.send_text(text)
        assert socket.receive_json()["msg"] in ("error", "nosub")
        socket.send_json({"msg": "method", "id": "1", "method": "login", "params": [{"resume": "wrong"}]})
        assert _heard(socket, "result")["error"]["error"] == 403


def heard(site: Site) -> list[str]:
    """What somebody who is not signed in hears in the time of a few pushes, up to the answer of a last ping."""
    with site.anyone().websocket_connect("/websocket") as socket:
        socket.send_json({"msg": "connect", "version": "1", "support": ["1"]})
        socket.send_json({"msg": "sub", "id": "x", "name": "stream-importers", "params": ["progress", False]})
        time.sleep(1)
        socket.send_json({"msg": "ping", "id": "p"})
        found = [socket.receive_json()["msg"]]
        while found[-1] != "pong":
            found.append(socket.receive_json()["msg"])
        return found


def test_progress_is_told_to_who_may_see_it(new_storage: Callable[[str], Settings]) -> None:
    settings = new_storage("sqlite")
    app = create_app(settings)
    made = initialise(app.state.web.house)
    assert made is not None
    imports.begin(app.state.web.house, NewChat(made.project_id, None, "csv"))
    with TestClient(app) as client:
        site = Site(settings, app, made, client)
        assert "changed" not in heard(site)
        web = app.state.web
        web.house = replace(web.house, settings=settings.model_copy(update={"chat_open_progress": True}))
        assert "changed" in heard(site)
