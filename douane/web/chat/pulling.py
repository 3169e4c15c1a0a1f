"""What clients of Rocket.Chat pull besides lists and messages: subscriptions, counters, files, roles, changes. What a
workspace does not have at all is refused in a sentence: an empty list would say that there was none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from douane.errors import NotFound
from douane.flow.chat import history, workspace
from douane.flow.chat.messages import Document, Page
from douane.model.identity import VIEW_IMPORT_OPERATIONS
from douane.web.chat import answers, shapes, wire
from douane.web.chat.answers import says
from douane.web.chat.callers import Asker, may
from douane.web.chat.messages import shown_of
from douane.web.chat.workspace import (
    OF_ROOM,
    PAGES,
    listed,
    no_order,
    room_asked_for,
    taken,
    time_asked_for,
    viewer,
    window,
)

router = APIRouter(prefix="/api/v1", tags=["Chat: workspace"])

_ALL_TYPES = ("c", "p", "d")
_OF_USER = {"userId": "string", "username": "string"}


async def _me(asker: Asker) -> Document:
    """Who of the workspace asks: one of the project's people."""
    return await run_in_threadpool(workspace.user, asker.web.house, asker.project_id, person_id=asker.person_id)


async def _my_rooms(asker: Asker) -> tuple[Document, list[Document]]:
    me = await _me(asker)
    return me, await run_in_threadpool(workspace.rooms_of, asker.web.house, asker.project_id, me["id"])


# Subscriptions: the rooms of who asks


@router.get("/channels.list.joined", **says(400, query=PAGES))
async def joined(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """The public rooms that who asks is in."""
    no_order(request)
    offset, count = window(request, asker)
    found = [one for one in (await _my_rooms(asker))[1] if one["type"] == "c"]
    return listed("channels", [shapes.room(one) for one in found[offset : offset + count]], offset, len(found))


@router.get("/subscriptions.get", **says(400, query={"updatedSince": "string"}))
async def subscriptions(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """The rooms that who asks is in, as subscriptions; or those that changed since a time."""
    since = time_asked_for(request, "updatedSince")
    me, rooms = await _my_rooms(asker)
    update = [shapes.subscription(one, me) for one in rooms if since is None or shapes.changed_after(one, since)]
    return answers.success({"update": update, "remove": []})


@router.get("/subscriptions.getOne", **says(400, query={"roomId": "string"}))
async def subscription(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """One's subscription of a room; null where one is not in it."""
    room = await room_asked_for(request, asker, _ALL_TYPES)
    me, rooms = await _my_rooms(asker)
    mine = any(one["id"] == room["id"] for one in rooms)
    return answers.success({"subscription": shapes.subscription(room, me) if mine else None})


@router.get("/channels.counters", **says(400, query=OF_ROOM))
async def channel_counters(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """How many people and messages a public room has."""
    return await _counters(request, asker, ("c",))


@router.get("/groups.counters", **says(400, query=OF_ROOM))
async def group_counters(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """How many people and messages a private room has."""
    return await _counters(request, asker, ("p",))


@router.get("/im.counters", **says(400, query=OF_ROOM))
@router.get("/dm.counters", **says(400, query=OF_ROOM), name="dm.counters")
async def direct_counters(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """How many people and messages a direct conversation has."""
    return await _counters(request, asker, ("d",))


async def _counters(request: Request, asker: Asker, types: tuple[str, ...]) -> Response:
    room = await room_asked_for(request, asker, types)
    _, rooms = await _my_rooms(asker)
    return answers.success(
        {
            "joined": any(one["id"] == room["id"] for one in rooms),
            "members": room["members"],
            "unreads": 0,
            "unreadsFrom": None,
            "msgs": room["messages"],
            "latest": shapes.room(room).get("lm"),
            "userMentions": 0,
        }
    )


# Files


@router.get("/channels.files", **says(400, query=OF_ROOM))
async def channel_files(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """The files of a public room, newest first."""
    return await _files(request, asker, ("c",))


@router.get("/groups.files", **says(400, query=OF_ROOM))
async def group_files(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """The files of a private room, newest first."""
    return await _files(request, asker, ("p",))


@router.get("/im.files", **says(400, query=OF_ROOM))
@router.get("/dm.files", **says(400, query=OF_ROOM), name="dm.files")
async def direct_files(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """The files of a direct conversation, newest first."""
    return await _files(request, asker, ("d",))


async def _files(request: Request, asker: Asker, types: tuple[str, ...]) -> Response:
    no_order(request)
    room = await room_asked_for(request, asker, types)
    offset, count = window(request, asker)
    found = await run_in_threadpool(
        history.files, asker.web.house, asker.project_id, room["id"], offset=offset, limit=count
    )
    return listed("files", [shapes.room_file(one) for one in found.items], offset, found.total)


# Roles


@router.get("/roles.getUsersInRole", **says(400, query={**PAGES, "role": "string", "roomId": "string"}))
async def users_in_role(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """The users of the workspace, or of a room, who have a role. In a room its creator is the owner."""
    role = request.query_params.get("role", "")
    if not role:
        raise wire.coded("error-param-not-provided", 'Query param "role" is required', "roles")
    offset, count = window(request, asker)
    house, project_id, address = asker.web.house, asker.project_id, asker.web.house.settings.address
    if request.query_params.get("roomId"):
        owners = _owners(await room_asked_for(request, asker, _ALL_TYPES)) if role == "owner" else []
        page = partial(workspace.users, house, project_id, ids=owners, placeholders=True, limit=1)
        found = (await run_in_threadpool(page)).items if owners else []
    else:
        found = await run_in_threadpool(workspace.users_with_role, house, project_id, role)
    return listed("users", [shapes.user(one, address) for one in found[offset : offset + count]], offset, len(found))


@router.get("/channels.roles", **says(400, query=OF_ROOM))
async def channel_roles(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """Who owns a public room: who made it."""
    return await _roles(request, asker, ("c",))


@router.get("/groups.roles", **says(400, query=OF_ROOM))
async def group_roles(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """Who owns a private room: who made it."""
    return await _roles(request, asker, ("p",))


async def _roles(request: Request, asker: Asker, types: tuple[str, ...]) -> Response:
    room = await room_asked_for(request, asker, types)
    owners = _owners(room)
    page = partial(workspace.users, asker.web.house, asker.project_id, ids=owners, placeholders=True, limit=1)
    found = (await run_in_threadpool(page)).items if owners else []
    roles = [
        {"_id": f"{room['id']}{one['id']}", "rid": room["id"], "roles": ["owner"], "u": _named(one)} for one in found
    ]
    return answers.success({"roles": roles})


@router.get("/rooms.membersOrderedByRole", **says(400, query=OF_ROOM))
async def members_by_role(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """Who is in a room, its owner first, each with their roles in it."""
    no_order(request)
    room = await room_asked_for(request, asker, _ALL_TYPES)
    owner = room["creator_id"] if room["creator_id"] and await _is_in(asker, room["creator_id"], room) else None
    offset, count = window(request, asker)
    held = partial(workspace.members, asker.web.house, asker.project_id, room_id=room["id"])
    if owner is None:
        page = await run_in_threadpool(taken, held, offset, count)
        found = list(page.items)
    else:
        # Members come by id: of the others so many are asked for, and one more, which may be the owner.
        wanted = count - (offset == 0)
        page = await run_in_threadpool(taken, held, max(0, offset - 1), wanted + 1)
        found = [one for one in page.items if one["user_id"] != owner]
        if found and len(found) == len(page.items) and found[0]["user_id"] > owner:
            found = found[1:]
        found = found[:wanted]
        if offset == 0:
            people = partial(
                workspace.users, asker.web.house, asker.project_id, ids=[owner], placeholders=True, limit=1
            )
            (first,) = (await run_in_threadpool(people)).items
            known = {"room_id": room["id"], "user_id": owner, "username": first["username"], "name": first["name"]}
            found = [known, *found]
    shown = [{**shapes.member(one), "roles": ["owner"] if one["user_id"] == owner else []} for one in found]
    return listed("members", shown, offset, page.total)


@router.get("/rooms.isMember", **says(400, query={"roomId": "string", "roomName": "string", **_OF_USER}))
async def is_member(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """Whether somebody is in a room."""
    room = await room_asked_for(request, asker, _ALL_TYPES)
    user = await _user_asked_for(request, asker)
    return answers.success({"isMember": await _is_in(asker, user["id"], room)})


async def _is_in(asker: Asker, user_id: str, room: Document) -> bool:
    rooms = await run_in_threadpool(workspace.rooms_of, asker.web.house, asker.project_id, user_id)
    return any(one["id"] == room["id"] for one in rooms)


@router.get("/channels.moderators", **says(400, query=OF_ROOM))
async def channel_moderators(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """Nobody: no export tells of moderators."""
    await room_asked_for(request, asker, ("c",))
    return answers.success({"moderators": []})


@router.get("/groups.moderators", **says(400, query=OF_ROOM))
async def group_moderators(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """Nobody: no export tells of moderators."""
    await room_asked_for(request, asker, ("p",))
    return answers.success({"moderators": []})


def _owners(room: Document) -> list[str]:
    return [room["creator_id"]] if room["creator_id"] else []


def _named(user: Document) -> dict[str, Any]:
    return {"_id": user["id"], "username": user["username"], "name": user["name"]}


# Who is there: nobody, ever


@router.get("/channels.online", **says(400, query={"query": "string"}))
@router.get("/groups.online", **says(400, query={"query": "string"}), name="groups.online")
async def online(asker: Asker = Depends(viewer)) -> Response:
    """Nobody: the users of a workspace never sign in."""
    return answers.success({"online": []})


@router.get("/users.getPresence", **says(400, query=_OF_USER))
async def presence(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """Always offline."""
    await _user_asked_for(request, asker)
    return answers.success({"presence": "offline"})


@router.get("/users.getStatus", **says(400, query=_OF_USER))
async def status(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """Always offline, with what the export tells of a person's status."""
    user = await _user_asked_for(request, asker)
    message = str((user["document"] or {}).get("statusText") or "")
    return answers.success({"_id": user["id"], "status": "offline", "message": message})


@router.get("/users.presence", **says(400, query={"from": "string", "ids": "string"}))
async def presences(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """Nobody is there: changes of presence are none, and all of them are told."""
    return answers.success({"users": [], "full": True})


async def _user_asked_for(request: Request, asker: Asker) -> Document:
    names = {"userId": "id", "username": "username"}
    asked = {names[name]: value for name, value in request.query_params.items() if name in names and value}
    if not asked:
        return await _me(asker)
    column, value = next(iter(asked.items()))
    try:
        found = await run_in_threadpool(workspace.user, asker.web.house, asker.project_id, **{column: value})
    except NotFound:
        raise wire.coded(
            "error-invalid-user",
            'The required "userId" or "username" param provided does not match any users',
            "users",
        ) from None
    return found


# Rooms and people for those who look for them


@router.get("/rooms.adminRooms", **says(400, query={**PAGES, "filter": "string"}))
async def admin_rooms(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """All rooms."""
    if request.query_params.get("filter") or any(name.startswith("types") for name in request.query_params):
        raise wire.bad_query("filter and types are not known here: ask channels.list, groups.list or im.list")
    no_order(request)
    return await _directory(request, asker, "rooms", partial(workspace.rooms, types=_ALL_TYPES), shapes.room)


@router.get("/directory", **says(400, query={**PAGES, "query": "string"}))
async def directory(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """The public rooms, or the users: `query` says which, as {"type":"channels"} or {"type":"users"}."""
    try:
        asked = msgspec.json.decode(request.query_params.get("query", "") or "{}")
    except (msgspec.DecodeError, RecursionError):
        raise wire.bad_query("query must be a JSON object") from None
    kind = asked.get("type", "channels") if isinstance(asked, dict) else None
    if kind not in ("channels", "users") or asked.get("text"):
        raise wire.bad_query('query is known as {"type":"channels"} or {"type":"users"}')
    no_order(request)
    address = asker.web.house.settings.address
    if kind == "users":
        return await _directory(request, asker, "result", workspace.users, lambda one: shapes.user(one, address))
    return await _directory(request, asker, "result", partial(workspace.rooms, types=("c",)), shapes.room)


async def _directory(
    request: Request,
    asker: Asker,
    name: str,
    pages: Callable[..., Page],
    shape: Callable[[Document], dict[str, Any]],
) -> Response:
    offset, count = window(request, asker)
    held = partial(pages, asker.web.house, asker.project_id)
    found = await run_in_threadpool(taken, held, offset, count)
    return listed(name, [shape(one) for one in found.items], offset, found.total)


# Messages that somebody marked, and changes


@router.get("/chat.getPinnedMessages", **says(400, query={**PAGES, "roomId": "string"}))
async def pinned(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """The messages of a room that somebody pinned, newest first."""
    room = await room_asked_for(request, asker, _ALL_TYPES)
    offset, count = window(request, asker)
    held = partial(history.pinned, asker.web.house, asker.project_id, room["id"], offset=offset, limit=count)
    shown, total = await run_in_threadpool(shown_of, asker, held)
    return listed("messages", shown, offset, total)


@router.get("/chat.getMentionedMessages", **says(400, query={**PAGES, "roomId": "string"}))
async def mentioned(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """The messages of a room that mention who asks, newest first."""
    return await _mentions(request, asker, "messages", _ALL_TYPES)


@router.get("/channels.getAllUserMentionsByChannel", **says(400, query={**PAGES, "roomId": "string"}))
async def mentions(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """The same of a public room, under another name."""
    return await _mentions(request, asker, "mentions", ("c",))


async def _mentions(request: Request, asker: Asker, name: str, types: tuple[str, ...]) -> Response:
    room, me = await room_asked_for(request, asker, types), await _me(asker)
    offset, count = window(request, asker)
    house, project_id, ids = asker.web.house, asker.project_id, me["import_ids"]
    held = partial(history.mentioning, house, project_id, room["id"], ids, offset=offset, limit=count)
    shown, total = await run_in_threadpool(shown_of, asker, held)
    return listed(name, shown, offset, total)


@router.get("/chat.syncMessages", **says(400, query={"roomId": "string", "lastUpdate": "string"}))
async def synced(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """The messages of a room that were written or edited after a time."""
    room = await room_asked_for(request, asker, _ALL_TYPES)
    since = _since(request, "lastUpdate")
    return answers.success({"result": {"updated": await _changed(asker, room, since), "deleted": []}})


@router.get("/chat.syncThreadMessages", **says(400, query={"tmid": "string", "updatedSince": "string"}))
async def thread_synced(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """The replies of a thread that were written or edited after a time."""
    root, since = request.query_params.get("tmid", ""), _since(request, "updatedSince")
    by_id = partial(history.by_ids, asker.web.house, asker.project_id, [root])
    found = (await run_in_threadpool(by_id)).items if root else []
    if not found:
        raise wire.coded("error-invalid-message", "Invalid Message", "thread")
    changed = await _changed(asker, {"id": found[0]["room_id"]}, since)
    update = [one for one in changed if one.get("tmid") == root]
    return answers.success({"messages": {"update": update, "remove": []}})


@router.get("/chat.syncThreadsList", **says(400, query={"rid": "string", "updatedSince": "string"}))
async def threads_synced(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """The first messages of a room's threads in which something was written or edited after a time."""
    id = request.query_params.get("rid", "")
    if not id:
        raise wire.coded("error-rid-param-not-provided", 'The required "rid" query param is missing', "room")
    room = await room_asked_for(request, asker, _ALL_TYPES, id)
    which = history.Threads(since_us=_since(request, "updatedSince"))
    held = partial(history.threads, asker.web.house, asker.project_id, room["id"], which)
    return answers.success({"threads": {"update": await _all_of(asker, held), "remove": []}})


def _since(request: Request, name: str) -> int:
    since = time_asked_for(request, name)
    if since is None:
        raise wire.coded("error-param-required", f'The required "{name}" query param is missing', "sync")
    return since + 999  # clients see whole milliseconds


async def _changed(asker: Asker, room: Document, since: int) -> list[dict[str, Any]]:
    return await _all_of(asker, partial(history.changed, asker.web.house, asker.project_id, room["id"], since))


async def _all_of(asker: Asker, pages: Callable[..., Page]) -> list[dict[str, Any]]:
    """All of them: a client takes what it gets for all that has changed."""
    most = asker.web.house.settings.page_rows_max
    shown, total = await run_in_threadpool(shown_of, asker, partial(pages, limit=most))
    if total > most:
        raise wire.bad_query(f"{total:,} messages have changed since then: page through the room's history instead")
    return shown


# What a workspace does not have

NOT_KEPT = {
    "channels.getIntegrations": "integrations",
    "groups.getIntegrations": "integrations",
    "integrations.list": "integrations",
    "chat.getDeletedMessages": "deleted messages but as the table edits of douane.export",
    "chat.getMessageReadReceipts": "who has read what",
    "chat.getDiscussions": "discussions",
    "chat.getStarredMessages": "who has starred what",
    "banners": "banners",
    "custom-sounds.list": "sounds",
    "custom-user-status.list": "statuses of people",
    "emoji-custom.all": "pictures of emoji",
    "emoji-custom.list": "pictures of emoji",
    "licenses.info": "licences",
    "listInvites": "invitations",
    "livechat/rooms": "conversations with visitors",
    "moderation.reportsByUsers": "reports of messages",
    "permissions.listAll": "permissions of the workspace",
    "settings": "settings of the workspace",
    "settings.public": "settings of the workspace",
    "service.configurations": "settings of the workspace",
    "statistics": "statistics of the workspace",
    "statistics.list": "statistics of the workspace",
    "teams.list": "teams",
    "teams.listAll": "teams",
    "teams.info": "teams",
    "users.getPreferences": "preferences of people",
}


def _refused(path: str, what: str) -> Callable[[Asker], Awaitable[Response]]:
    async def refused(asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
        raise wire.coded("error-not-kept", f"Douane does not keep {what}", path)

    refused.__doc__ = f"Refused: Douane does not keep {what}."
    return refused


for _path, _what in NOT_KEPT.items():
    router.get(f"/{_path}", **says(400), name=_path)(_refused(_path, _what))
