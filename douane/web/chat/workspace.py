"""What was imported, pulled: under the contract's family of names in Rocket.Chat's shapes, and whole as a stream."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from douane import encodings
from douane.errors import NotFound
from douane.flow.chat import files, workspace
from douane.flow.chat.messages import Document, Page
from douane.model.identity import RUN_IMPORT, VIEW_IMPORT_OPERATIONS
from douane.web.auth import noted
from douane.web.bodies import attachment, safe_file_name
from douane.web.chat import answers, shapes, wire
from douane.web.chat.answers import says
from douane.web.chat.callers import Asker, may
from douane.web.chat.records import MEDIA, whole
from douane.web.streams import answer, streamed

router = APIRouter(prefix="/api/v1", tags=["Chat: workspace"])

PAGES = {"offset": "integer", "count": "integer"}
OF_ROOM = {**PAGES, "roomId": "string", "roomName": "string"}
_COUNT = 50
IDS_MAX = 1000  # of one query


async def viewer(asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Asker:
    """Who may look; the project's own people are in what is shown, also before the first import."""
    await run_in_threadpool(workspace.ensure, asker.web.house, asker.project_id)
    return asker


def window(request: Request, asker: Asker) -> tuple[int, int]:
    """(offset, count) of the query; 0 or nothing asks for the usual number."""
    offset, count = whole(request, "offset", 0, 0), whole(request, "count", _COUNT, 0) or _COUNT
    return offset, min(count, asker.web.house.settings.page_rows_max)


def no_order(request: Request) -> None:
    """Lists come in the order that their members were made; another one is refused, not passed over."""
    if request.query_params.get("sort", "").strip() not in ("", "{}"):
        raise wire.bad_query("sort is not known here: the list comes in the order that its members were made")


def id_asked_for(request: Request) -> list[str] | None:
    """The ids of a `query` by `_id`; None where there is no query. Any other is refused."""
    given = request.query_params.get("query", "").strip()
    if given in ("", "{}"):
        return None
    try:
        asked = msgspec.json.decode(given)
    except (msgspec.DecodeError, RecursionError):
        raise wire.bad_query("query must be a JSON object") from None
    wanted = asked.get("_id") if isinstance(asked, dict) and set(asked) == {"_id"} else None
    if isinstance(wanted, dict) and set(wanted) == {"$in"}:
        wanted = wanted["$in"]
    found = [wanted] if isinstance(wanted, str) else wanted
    if not isinstance(found, list) or len(found) > IDS_MAX or not all(isinstance(one, str) for one in found):
        raise wire.bad_query("query is known by _id only")
    return found


async def _pull(
    request: Request,
    asker: Asker,
    name: str,
    pages: Callable[..., Page],
    shape: Callable[[Document], dict[str, Any]],
    **which: Any,
) -> Response:
    """What the query asks of one of the workspace's lists; `which` is the list's own choice."""
    no_order(request)
    if (ids := id_asked_for(request)) is not None:
        which["ids"] = ids
    offset, count = window(request, asker)
    held = partial(pages, asker.web.house, asker.project_id, **which)
    found = await run_in_threadpool(taken, held, offset, count)
    return listed(name, [shape(one) for one in found.items], offset, found.total)


def taken(pages: Callable[..., Page], offset: int, count: int) -> Page:
    """Items from `offset`, which need not be where a page begins."""
    number, inside = divmod(offset, count)
    found = pages(page=number + 1, limit=count)
    items = found.items[inside:]
    if inside and len(items) + inside == count:
        items += pages(page=number + 2, limit=count).items[:inside]
    return Page(items, found.total)


def listed(name: str, shown: list[Any], offset: int, total: int) -> Response:
    return answers.success({name: shown, "count": len(shown), "offset": offset, "total": total})


def time_asked_for(request: Request, name: str) -> int | None:
    """A date of the query, in microseconds."""
    given = request.query_params.get(name, "").strip()
    if not given:
        return None
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        raise wire.bad_query(f'The "{name}" query parameter must be a valid date.') from None
    found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return (found - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _placeholders(request: Request) -> bool:
    return request.query_params.get("placeholders", "").lower() in ("true", "1")


# Users


@router.get("/users.list", **says(400, query={**PAGES, "operationId": "string", "placeholders": "boolean"}))
@router.get(
    "/douane.users", **says(400, query={**PAGES, "operationId": "string", "placeholders": "boolean"}), name="d.users"
)
async def users(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """The workspace's users, or those that one import made; without the accounts that only stand for unknown authors,
    unless `placeholders` asks for them."""
    address = asker.web.house.settings.address
    return await _pull(
        request,
        asker,
        "users",
        workspace.users,
        lambda found: shapes.user(found, address),
        operation_id=request.query_params.get("operationId"),
        placeholders=_placeholders(request),
    )


@router.get("/users.info", **says(400, query={"userId": "string", "username": "string", "importId": "string"}))
async def user(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """One user, by id, username or the foreign system's id."""
    names = {"userId": "id", "username": "username", "importId": "import_id", "email": "email"}
    asked = {names[name]: value for name, value in request.query_params.items() if name in names and value}
    if not asked:
        raise wire.coded(
            "error-user-param-not-provided", 'The required "userId" or "username" param was not provided', "users.info"
        )
    column, value = next(iter(asked.items()))
    try:
        found = await run_in_threadpool(workspace.user, asker.web.house, asker.project_id, **{column: value})
    except NotFound:
        found = None
    if found is None or found["placeholder"]:
        raise wire.coded(
            "error-invalid-user",
            'The required "userId" or "username" param provided does not match any users',
            "users.info",
        )
    return answers.success({"user": shapes.user(found, asker.web.house.settings.address)})


@router.get(
    "/users.getAvatar", **says(400, 404, media=("image/png",), query={"userId": "string", "username": "string"})
)
async def avatar(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """The picture of a user, once it was fetched."""
    names = {"userId": "id", "username": "username"}
    asked = {names[name]: value for name, value in request.query_params.items() if name in names and value}
    if not asked:
        raise wire.plain('The required "userId" or "username" param was not provided')
    column, value = next(iter(asked.items()))
    found = await run_in_threadpool(workspace.user, asker.web.house, asker.project_id, **{column: value})
    chunks, kind = await run_in_threadpool(files.avatar, asker.web.house, asker.project_id, found["id"])
    return StreamingResponse(streamed(chunks), media_type=kind)


# Rooms


@router.get("/channels.list", **says(400, query=PAGES))
async def channels(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """The public rooms."""
    return await _rooms(request, asker, "channels", ("c",))


@router.get("/groups.list", **says(400, query=PAGES))
@router.get("/groups.listAll", **says(400, query=PAGES), name="groups.listAll")
async def groups(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """The private rooms."""
    return await _rooms(request, asker, "groups", ("p",))


@router.get("/im.list", **says(400, query=PAGES))
@router.get("/im.list.everyone", **says(400, query=PAGES), name="im.list.everyone")
@router.get("/dm.list", **says(400, query=PAGES), name="dm.list")
@router.get("/dm.list.everyone", **says(400, query=PAGES), name="dm.list.everyone")
async def direct(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """The direct conversations."""
    return await _rooms(request, asker, "ims", ("d",))


@router.get("/douane.rooms", **says(400, query={**PAGES, "operationId": "string"}))
async def all_rooms(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """All rooms of the workspace, or those that one import made."""
    return await _rooms(request, asker, "rooms", ("c", "p", "d"))


async def _rooms(request: Request, asker: Asker, name: str, types: tuple[str, ...]) -> Response:
    operation_id = request.query_params.get("operationId")
    return await _pull(request, asker, name, workspace.rooms, shapes.room, operation_id=operation_id, types=types)


@router.get("/rooms.get", **says(400, query={"updatedSince": "string"}))
async def changed_rooms(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """All rooms, or those that changed since a time."""
    since = time_asked_for(request, "updatedSince")

    def work() -> list[dict[str, Any]]:
        found = workspace.every_room(asker.web.house, asker.project_id)
        return [shapes.room(one) for one in found if since is None or shapes.changed_after(one, since)]

    return answers.success({"update": await run_in_threadpool(work), "remove": []})


@router.get("/roles.list", **says(400))
async def roles(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """The roles that users of the workspace may have."""
    return answers.success({"roles": [shapes.role(name) for name in shapes.ROLES]})


@router.get("/channels.info", **says(400, query={"roomId": "string", "roomName": "string"}))
async def channel(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """One public room."""
    return answers.success({"channel": shapes.room(await room_asked_for(request, asker, ("c",)))})


@router.get("/groups.info", **says(400, query={"roomId": "string", "roomName": "string"}))
async def group(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """One private room."""
    return answers.success({"group": shapes.room(await room_asked_for(request, asker, ("p",)))})


@router.get("/rooms.info", **says(400, query={"roomId": "string", "roomName": "string", "importId": "string"}))
async def room(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """One room of any kind, by id, name or the foreign system's id."""
    return answers.success({"room": shapes.room(await room_asked_for(request, asker, ("c", "p", "d")))})


async def room_asked_for(
    request: Request, asker: Asker, types: tuple[str, ...], room_id: str | None = None
) -> Document:
    names = {"roomId": "id", "roomName": "name", "importId": "import_id"}
    asked = {names[name]: value for name, value in request.query_params.items() if name in names and value}
    asked = {"id": room_id} if room_id is not None else asked
    if not asked:
        raise wire.coded("error-roomid-param-not-provided", 'The parameter "roomId" or "roomName" is required', "room")
    column, value = next(iter(asked.items()))
    found = None
    try:
        found = await run_in_threadpool(workspace.room, asker.web.house, asker.project_id, **{column: value})
    except NotFound:
        found = None
    if found is None or found["type"] not in types:
        raise wire.coded(
            "error-room-not-found",
            'The required "roomId" or "roomName" param provided does not match any channel',
            "room",
        )
    return found


@router.get("/channels.members", **says(400, query=OF_ROOM))
async def channel_members(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """Who is in a public room."""
    return await _members(request, asker, ("c",))


@router.get("/groups.members", **says(400, query=OF_ROOM))
async def group_members(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """Who is in a private room."""
    return await _members(request, asker, ("p",))


@router.get("/im.members", **says(400, query=OF_ROOM))
@router.get("/dm.members", **says(400, query=OF_ROOM), name="dm.members")
async def direct_members(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """Who is in a direct conversation."""
    return await _members(request, asker, ("d",))


@router.get("/douane.members", **says(400, query={**OF_ROOM, "operationId": "string"}))
async def all_members(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """Memberships of one room, or of all."""
    if any(request.query_params.get(name) for name in ("roomId", "roomName")):
        return await _members(request, asker, ("c", "p", "d"))
    return await _memberships(request, asker, None)


async def _members(request: Request, asker: Asker, types: tuple[str, ...]) -> Response:
    return await _memberships(request, asker, (await room_asked_for(request, asker, types))["id"])


async def _memberships(request: Request, asker: Asker, room_id: str | None) -> Response:
    operation_id = request.query_params.get("operationId")
    return await _pull(
        request, asker, "members", workspace.members, shapes.member, room_id=room_id, operation_id=operation_id
    )


@router.get("/douane.contacts", **says(400, query={**PAGES, "operationId": "string"}))
async def contacts(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """The workspace's contacts."""
    operation_id = request.query_params.get("operationId")
    return await _pull(request, asker, "contacts", workspace.contacts, shapes.contact, operation_id=operation_id)


# Whole


@router.get(
    "/douane.export",
    **says(
        400,
        404,
        media=MEDIA,
        query={
            "table": "string",
            "format": "string",
            "operationId": "string",
            "roomId": "string",
            "placeholders": "boolean",
        },
        required=("table",),
    ),
)
async def export(request: Request, asker: Asker = Depends(viewer)) -> Response:
    """Users, rooms, members, contacts, messages, or what retained edits say that messages were before, as one stream:
    `format` is one of the encodings shelf. A stream that is cut off never ends cleanly."""
    query = request.query_params
    table, format = query.get("table", ""), query.get("format") or "ndjson"
    if table not in workspace.KINDS:
        raise wire.bad_query(f"table must be one of {', '.join(workspace.KINDS)}")
    media = encodings.media_types()
    if format not in media:
        raise wire.bad_query(f"format must be one of {', '.join(media)}")
    rows = await answer(
        lambda: workspace.encoded(
            asker.web.house,
            asker.project_id,
            table,
            format,
            operation_id=query.get("operationId"),
            room_id=query.get("roomId"),
            placeholders=_placeholders(request),
        ),
        media[format],
        attachment(f"{table}.{format}"),
    )
    await noted(request, "chat.export", table=table, format=format)
    return rows


@router.get("/douane.file", **says(400, 404, media=("application/octet-stream",), query={"fileId": "string"}))
async def file(request: Request, asker: Asker = Depends(may(RUN_IMPORT))) -> Response:
    """The bytes of a file that a message names, once they were fetched; always as a download."""
    file_id = request.query_params.get("fileId", "")
    chunks, _, name = await run_in_threadpool(files.body, asker.web.house, asker.project_id, file_id)
    await noted(request, "file.export", file=file_id)
    return StreamingResponse(
        streamed(chunks), media_type="application/octet-stream", headers=attachment(safe_file_name(name))
    )
