"""`/websocket`: the contract's push events (6.8), in as much of DDP as it takes to get them.

connect, ping, method `login` {resume}, sub `stream-importers` ["progress", ...], unsub. Which project is watched: that
of the person who logged in; without logging in only that of an installation with a single project, for elsewhere
nobody could tell whose progress is meant.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import suppress
from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect

from douane.errors import Unavailable
from douane.flow import identity
from douane.flow.chat import imports
from douane.model.identity import RUN_IMPORT
from douane.web.auth import Web
from douane.web.chat import wire
from douane.web.chat.imports import name_of

router = APIRouter()

STREAM, EVENT = "stream-importers", "progress"
_PAUSE_S = 0.25
_ASK_AGAIN_S = 5.0
_MESSAGE_BYTES_MAX = 64 << 10
_SUBSCRIPTIONS_MAX = 20
_LOGGED_OUT = "You've been logged out by the server."
_BY_TOKEN = "Sign in with POST /api/v1/login, then log in here with its authToken: {resume: TOKEN}."


@router.websocket("/websocket")
async def websocket(socket: WebSocket) -> None:
    await socket.accept()
    listener = _Listener(socket)
    watcher = asyncio.create_task(listener.watch())
    try:
        while True:
            await listener.hear(await socket.receive())
    except (WebSocketDisconnect, RuntimeError):
        pass
    finally:
        watcher.cancel()


class _Listener:
    """One connection."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._web: Web = socket.app.state.web
        self._project_id: str | None = None
        self._token: str | None = None
        self._asked_at = 0.0
        self._subscriptions: set[str] = set()
        self._connected = False

    async def hear(self, received: Any) -> None:
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code") or 1000)
        text = received.get("text") or (received.get("bytes") or b"").decode("utf-8", "replace")
        if len(text) > _MESSAGE_BYTES_MAX:
            await self._socket.close(1009)
            raise WebSocketDisconnect(1009)
        try:
            given = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            given = None
        if not isinstance(given, dict):
            await self._say({"msg": "error", "reason": "Bad request"})
            return
        match given.get("msg"):
            case "connect":
                self._connected = True
                await self._say({"msg": "connected", "session": secrets.token_hex(9)})
            case "ping":
                await self._say({"msg": "pong", **({"id": given["id"]} if "id" in given else {})})
            case "pong":
                pass
            case "method":
                await self._method(given)
            case "sub":
                await self._subscribe(given)
            case "unsub":
                self._subscriptions.discard(str(given.get("id")))
                await self._say({"msg": "nosub", "id": given.get("id")})
            case _:
                await self._say({"msg": "error", "reason": "Bad request", "offendingMessage": given})

    async def _method(self, given: dict[str, Any]) -> None:
        params = given.get("params")
        first = params[0] if isinstance(params, list) and params else None
        answer: dict[str, Any] = {"msg": "result", "id": given.get("id")}
        token = first.get("resume") if isinstance(first, dict) else None
        found = None
        if given.get("method") == "login" and isinstance(token, str):
            found = await run_in_threadpool(identity.of_token, self._web.house, self._web.secrets, token)
        if found is not None:
            self._token, self._asked_at = token, time.monotonic()
            self._project_id = _may_see(found)
            answer["result"] = {"id": found.person.id, "token": token, "type": "resume"}
        elif given.get("method") == "login":
            reason = _LOGGED_OUT if isinstance(token, str) else _BY_TOKEN
            answer["error"] = {"isClientSafe": True, "error": 403, "reason": reason}
        else:
            answer["error"] = {"isClientSafe": True, "error": 404, "reason": "Method not found"}
        await self._say(answer)
        await self._say({"msg": "updated", "methods": [given.get("id")]})

    async def _ask_again(self) -> None:
        """A token may be revoked, and a permission taken, while the connection stands."""
        if self._token is None or time.monotonic() - self._asked_at < _ASK_AGAIN_S:
            return
        self._asked_at = time.monotonic()
        found = await run_in_threadpool(identity.of_token, self._web.house, self._web.secrets, self._token)
        self._project_id = None if found is None else _may_see(found)

    async def _subscribe(self, given: dict[str, Any]) -> None:
        id, params = given.get("id"), given.get("params")
        fits = given.get("name") == STREAM and isinstance(params, list) and params[:1] == [EVENT]
        if not fits or not isinstance(id, str) or len(self._subscriptions) >= _SUBSCRIPTIONS_MAX:
            await self._say(
                {"msg": "nosub", "id": id, "error": {"isClientSafe": True, "error": 404, "reason": "Not found"}}
            )
            return
        self._subscriptions.add(id)
        await self._say({"msg": "ready", "subs": [id]})

    async def watch(self) -> None:
        """Says what changed, at most four times a second."""
        said: Any = None
        while not self._web.closing:
            await asyncio.sleep(_PAUSE_S)
            if not (self._connected and self._subscriptions):
                continue
            operation = None
            with suppress(Unavailable):  # then the next time
                await self._ask_again()
                project_id = self._project_id or await run_in_threadpool(_only_project, self._web)
                if project_id is not None:
                    operation = await run_in_threadpool(imports.current, self._web.house, project_id)
            if operation is None:
                continue
            # While a file is read only its rate is said (6.8).
            reading = operation.stage == "uploaded" and operation.work == "chat_read"
            now = {"rate": wire.rate(operation)} if reading else wire.progress(operation, name_of(operation))
            if (operation.id, now) == said:
                continue
            if said is not None and "rate" in said[1] and not reading and said[0] == operation.id:
                await self._event({"rate": 100})
            said = (operation.id, now)
            await self._event(now)

    async def _event(self, progress: dict[str, Any]) -> None:
        fields = {"eventName": EVENT, "args": [progress]}
        await self._say({"msg": "changed", "collection": STREAM, "id": "id", "fields": fields})

    async def _say(self, message: dict[str, Any]) -> None:
        await self._socket.send_text(msgspec.json.encode(message).decode())


def _may_see(found: identity.SignIn) -> str | None:
    """The project whose progress this person may see."""
    caller = identity.caller_of(found)
    return caller.project_id if caller.may(RUN_IMPORT) else None


def _only_project(web: Web) -> str | None:
    return identity.only_project(web.house) if web.house.settings.chat_open_progress else None
