"""Messages, pulled: by room, by time, by id, by a word and by thread, in Rocket.Chat's shapes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from douane.flow.chat import history, messages, workspace
from douane.flow.chat.history import Shown, Window
from douane.flow.chat.messages import Page
from douane.model.identity import VIEW_IMPORT_OPERATIONS
from douane.web.chat import answers, shapes, wire
from douane.web.chat.answers import says
from douane.web.chat.callers import Asker, may
from douane.web.chat.workspace import (
    OF_ROOM,
    PAGES,
    id_asked_for,
    listed,
    room_asked_for,
    taken,
    time_asked_for,
    window,
)

router = APIRouter(prefix="/api/v1", tags=["Chat: workspace"])

_ASKED = {
    **OF_ROOM,
    "latest": "string",
    "oldest": "string",
    "inclusive": "boolean",
    "sort": "string",
    "query": "string",
}
_TEXT_CHARS_MAX = 1000  # of what is searched for


@router.get("/channels.messages", **says(400, query=_ASKED))
async def channel_messages(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """The messages of a public room, in the order they were imported, or of a time (`latest`, `oldest`, `inclusive`),
    newest first; `sort` by `ts`, `query` by `_id`."""
    return await _of_room(request, asker, "c")


@router.get("/channels.history", **says(400, query=_ASKED))
async def channel_history(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """The messages of a public room, newest first."""
    return await _of_room(request, asker, "c", by_time=True)


@router.get("/groups.messages", **says(400, query=_ASKED))
async def group_messages(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """The messages of a private room."""
    return await _of_room(request, asker, "p")


@router.get("/groups.history", **says(400, query=_ASKED))
async def group_history(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """The messages of a private room, newest first."""
    return await _of_room(request, asker, "p", by_time=True)


@router.get("/im.messages", **says(400, query=_ASKED))
@router.get("/dm.messages.others", **says(400, query=_ASKED), name="dm.messages.others")
@router.get("/im.messages.others", **says(400, query=_ASKED), name="im.messages.others")
@router.get("/dm.messages", **says(400, query=_ASKED), name="dm.messages")
async def direct_messages(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """The messages of a direct conversation."""
    return await _of_room(request, asker, "d")


@router.get("/im.history", **says(400, query=_ASKED))
@router.get("/dm.history", **says(400, query=_ASKED), name="dm.history")
async def direct_history(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """The messages of a direct conversation, newest first."""
    return await _of_room(request, asker, "d", by_time=True)


async def _of_room(request: Request, asker: Asker, type: str, *, by_time: bool = False) -> Response:
    """`by_time`: a client takes the first page for the newest, and goes on from its last time."""
    room = await room_asked_for(request, asker, (type,))
    return await _messages(request, asker, room["id"], _order(request, by_time=by_time))


@router.get("/douane.messages", **says(400, query={**_ASKED, "operationId": "string"}))
async def all_messages(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """The messages of the workspace, of one import or of one room."""
    room_id = None
    if any(request.query_params.get(name) for name in ("roomId", "roomName")):
        room_id = (await room_asked_for(request, asker, ("c", "p", "d")))["id"]
    return await _messages(request, asker, room_id, _order(request))


@dataclass(frozen=True, slots=True)
class _Order:
    """What the query says of time and ids; `window` None: the order of import."""

    window: Window | None
    ids: list[str] | None


def _order(request: Request, *, by_time: bool = False) -> _Order:
    inclusive = request.query_params.get("inclusive", "").lower() in ("true", "1")
    latest, oldest = _edge(request, "latest", inclusive), _edge(request, "oldest", not inclusive)
    ascending = _ascending(request)
    ids = id_asked_for(request)
    if latest is None and oldest is None and ascending is None and (ids is not None or not by_time):
        return _Order(None, ids)
    return _Order(Window(latest, oldest, inclusive, ascending is True), ids)


def _edge(request: Request, name: str, end: bool) -> int | None:
    """A bound in microseconds. `ts` is shown in milliseconds: one that is given so means all of its millisecond, and
    `end` asks for its last microsecond. One given in microseconds is exact."""
    found = time_asked_for(request, name)
    exact = re.search(r"[.,]\d{4}", request.query_params.get(name, ""))
    return found if found is None or exact or not end else found + 999


def _ascending(request: Request) -> bool | None:
    """What `sort` asks for; None where it does not. Only the order of time is known."""
    given = request.query_params.get("sort", "").strip()
    if given in ("", "{}"):
        return None
    try:
        asked = msgspec.json.decode(given)
    except (msgspec.DecodeError, RecursionError):
        raise wire.bad_query("sort must be a JSON object") from None
    if not isinstance(asked, dict) or set(asked) != {"ts"} or asked["ts"] not in (1, -1) or asked["ts"] is True:
        raise wire.bad_query('sort is known by ts only: {"ts":1} or {"ts":-1}')
    return bool(asked["ts"] == 1)


async def _messages(request: Request, asker: Asker, room_id: str | None, order: _Order) -> Response:
    offset, count = window(request, asker)
    operation_id = request.query_params.get("operationId")
    house, project_id = asker.web.house, asker.project_id

    def pages() -> Page:
        which: dict[str, Any] = {"operation_id": operation_id, "room_id": room_id}
        if order.ids is not None:
            return history.by_ids(house, project_id, order.ids, room_id=room_id, window=order.window)
        if order.window is not None:
            return history.history(house, project_id, order.window, **which, shown=Shown(offset, count, "rocketchat"))
        return taken(partial(messages.messages, house, project_id, **which, render="rocketchat"), offset, count)

    shown, total = await run_in_threadpool(shown_of, asker, pages)
    return listed("messages", shown, offset, total)


def shown_of(asker: Asker, pages: Callable[[], Page]) -> tuple[list[dict[str, Any]], int]:
    """Messages as they go out, and how many there are in all."""
    found = pages()
    named = shapes.named_in(found.items)
    people = workspace.people(asker.web.house, asker.project_id, named.users)
    rooms = workspace.room_ids(asker.web.house, asker.project_id, named.rooms)
    return [shapes.message(one, people, rooms) for one in found.items], found.total


@router.get("/chat.getMessage", **says(400, query={"msgId": "string"}))
async def one_message(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """One message, by its id."""
    id = request.query_params.get("msgId", "")
    if not id:
        raise wire.coded("error-messageid-param-not-provided", 'The required "msgId" param was not provided', "message")
    pages = partial(history.by_ids, asker.web.house, asker.project_id, [id])
    shown, _ = await run_in_threadpool(shown_of, asker, pages)
    if not shown:
        raise wire.coded("error-message-not-found", 'The "msgId" does not match any message', "message")
    return answers.success({"message": shown[0]})


@router.get("/chat.search", **says(400, query={**PAGES, "roomId": "string", "searchText": "string"}))
async def search(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """The messages of a room that have a text in them, newest first."""
    room, text = await _room_of(request, asker, "roomId"), request.query_params.get("searchText", "")
    if not text:
        raise wire.coded("error-searchText-param-not-provided", 'The required "searchText" param is missing', "search")
    if len(text) > _TEXT_CHARS_MAX:
        raise wire.bad_query(f"searchText must have at most {_TEXT_CHARS_MAX} characters")
    offset, count = window(request, asker)
    pages = partial(history.search, asker.web.house, asker.project_id, room, text, offset=offset, limit=count)
    shown, total = await run_in_threadpool(shown_of, asker, pages)
    return listed("messages", shown, offset, total)


@router.get("/chat.getThreadsList", **says(400, query={**PAGES, "rid": "string", "text": "string", "type": "string"}))
async def threads(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """The messages of a room that others reply to, the thread with the newest reply first."""
    room, text = await _room_of(request, asker, "rid"), request.query_params.get("text", "")
    if request.query_params.get("type"):
        raise wire.bad_query("type is not known here: nobody follows a thread that was imported")
    if len(text) > _TEXT_CHARS_MAX:
        raise wire.bad_query(f"text must have at most {_TEXT_CHARS_MAX} characters")
    offset, count = window(request, asker)
    which = history.Threads(text)
    pages = partial(history.threads, asker.web.house, asker.project_id, room, which, offset=offset, limit=count)
    shown, total = await run_in_threadpool(shown_of, asker, pages)
    return listed("threads", shown, offset, total)


@router.get("/chat.getThreadMessages", **says(400, query={**PAGES, "tmid": "string"}))
async def thread_messages(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """The messages that reply to one, oldest first."""
    root = request.query_params.get("tmid", "")
    if not root:
        raise wire.coded("error-invalid-params", 'The required "tmid" query param is missing', "thread")
    offset, count = window(request, asker)
    house, project_id = asker.web.house, asker.project_id

    def pages() -> Page:
        found = history.by_ids(house, project_id, [root]).items
        if not found:
            raise wire.coded("error-invalid-message", "Invalid Message", "thread")
        return history.replies(house, project_id, found[0]["room_id"], root, offset=offset, limit=count)

    shown, total = await run_in_threadpool(shown_of, asker, pages)
    return listed("messages", shown, offset, total)


async def _room_of(request: Request, asker: Asker, name: str) -> str:
    id = request.query_params.get(name, "")
    if not id:
        raise wire.coded(f"error-{name}-param-not-provided", f'The required "{name}" query param is missing', "room")
    return str((await room_asked_for(request, asker, ("c", "p", "d"), id))["id"])
