"""Beside the contract, under `/v1/template/:id/feed`: the accepted rows of all imports of a template, for programs that
pull (docs/wire-spreadsheet.md)."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from douane import encodings
from douane.errors import DouaneError
from douane.flow import feeds, forgettings
from douane.flow.feeds import AckedFurther, Fetched, Nothing
from douane.model.identity import MANAGE_TEMPLATES, RUN_IMPORT, VIEW_IMPORT_OPERATIONS, Caller
from douane.web.auth import Web, noted, web_of
from douane.web.spreadsheet import answers, wire
from douane.web.spreadsheet.answers import says
from douane.web.spreadsheet.callers import body, checked, may, own_project
from douane.web.spreadsheet.rows import asked_type
from douane.web.spreadsheet.wire import feeds as words
from douane.web.spreadsheet.wire import forgetting as forgetting_words
from douane.web.streams import First, begun_answer, first_pieces

router = APIRouter(prefix="/v1/template", tags=["Feed"])

_POLL_S = 0.25
_WHOLE_BYTES = 8 << 20  # of a page that is answered with its length
_FORGOTTEN_S = (0.02, 0.5)  # between two looks whether it is done: at first, and in the end
_FORMS = {encodings.media_types()[form]: form for form in feeds.FORMS}


@router.get(
    "/{template_id}/feed",
    **says(
        None,
        400,
        401,
        403,
        404,
        406,
        507,
        also=words.NOTHING_YET,
        media={kind: {"schema": wire.BINARY} for kind in _FORMS},
        query={"cursor": "string", "consumer": "string", "limit": "integer", "wait": "number"},
    ),
)
async def read_feed(
    request: Request, template_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    """Accepted rows after a cursor, those of one upload at a time, as NDJSON or (by `Accept`) Arrow. The header
    `Douane-Cursor` is the place after them. With `wait` the answer waits so many seconds for new rows; 204: none
    came."""
    web, query = web_of(request), request.query_params
    template_id, project_id = checked(template_id), own_project(caller)
    kind, form = _form(request.headers.get("accept", ""))
    limit = words.rows_wanted(query.get("limit"), web.house.settings.page_rows_max)
    until = time.monotonic() + words.seconds(query.get("wait"), web.house.settings.feed_wait_s)
    cursor, consumer = query.get("cursor") or None, query.get("consumer") or None

    def begun() -> tuple[Fetched | Nothing, First]:
        found = feeds.fetch(web.house, project_id, template_id, cursor, consumer, limit, form)
        # What fails before the first piece is answered as an error.
        return found, first_pieces(found.chunks if isinstance(found, Fetched) else iter(()), _WHOLE_BYTES)

    while True:
        found, first = await run_in_threadpool(begun)
        if isinstance(found, Fetched) or web.closing or time.monotonic() >= until:
            break
        if not await arrivals_of(request).later_than(found.number, template_id, until):
            break
    if isinstance(found, Nothing):
        return Response(None, 204, {words.CURSOR: found.cursor, words.BEHIND: "0"})
    if found.first == 0:
        # Of an upload that is pulled piece by piece the first one tells of it all.
        by = {} if consumer is None else {"consumer": consumer}
        await noted(request, "rows.export", operation=found.operation_id, view="feed", media_type=kind, **by)
    headers = {
        words.CURSOR: found.cursor,
        words.UPLOAD: found.operation_id,
        words.FIRST: str(found.first),
        words.ROWS: str(found.rows),
        words.BEHIND: str(found.behind),
    }
    return begun_answer(found.chunks, first, kind, headers)


def _form(accept: str) -> tuple[str, str]:
    """(media type, form); NDJSON where nothing or anything is asked for."""
    kind = asked_type(accept)
    if kind in _FORMS:
        return kind, _FORMS[kind]
    if accept and "*" not in accept:
        raise wire.WireError(406, f"A feed leaves as {' or '.join(_FORMS)}; ask for one of them in Accept.")
    usual = encodings.media_types()[feeds.FORMS[0]]
    return usual, feeds.FORMS[0]


@router.post(
    "/{template_id}/feed/ack",
    **says(words.ConsumerDocument, 400, 401, 403, 404, 409, 413, body=words.ACK_BODY),
)
async def acknowledge(
    request: Request, template_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    """A consumer has all rows before a cursor; without a cursor it goes on there. Forward only."""
    template_id, project_id = checked(template_id), own_project(caller)
    name, cursor = words.ack_body(await body(request))
    try:
        found = await run_in_threadpool(feeds.acknowledge, web_of(request).house, project_id, template_id, name, cursor)
    except AckedFurther as error:
        raise words.acked_further(error) from error
    return answers.json(words.consumer(found))


@router.get("/{template_id}/feed/consumers", **says(list[words.ConsumerDocument], 400, 401, 403, 404))
async def list_consumers(
    request: Request, template_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    """Who reads the feed under a name, and how far behind each is."""
    template_id, project_id = checked(template_id), own_project(caller)
    found = await run_in_threadpool(feeds.consumers, web_of(request).house, project_id, template_id)
    return answers.json(words.consumers(found))


@router.delete("/{template_id}/feed/consumers/{name}", **says(None, 400, 401, 403, 404))
async def remove_consumer(
    request: Request, template_id: str, name: str, caller: Caller = Depends(may(RUN_IMPORT))
) -> Response:
    """The name and its place are forgotten; the same name begins from the beginning."""
    template_id, project_id = checked(template_id), own_project(caller)
    await run_in_threadpool(feeds.remove_consumer, web_of(request).house, project_id, template_id, name)
    return answers.empty()


@router.post(
    "/{template_id}/forget",
    **says(
        forgetting_words.ForgettingDocument,
        400,
        401,
        403,
        404,
        413,
        body=forgetting_words.FORGET_BODY,
        also={202: answers.described(202, forgetting_words.ForgettingDocument)},
    ),
)
async def forget_rows(request: Request, template_id: str, caller: Caller = Depends(may(MANAGE_TEMPLATES))) -> Response:
    """The rows of all uploads of the template with this value in this column, deleted at once; the answer says what
    remains. Where that takes longer than a request should (`forget_wait_s`), 202: it goes on, and `Location` says how
    far it is."""
    template_id, project_id = checked(template_id), own_project(caller)
    column, value = forgetting_words.forget_body(await body(request))
    web = web_of(request)
    until = time.monotonic() + web.house.settings.forget_wait_s
    made = await run_in_threadpool(forgettings.ask, web.house, web.secrets, project_id, template_id, column, value)
    pause = _FORGOTTEN_S[0]
    while True:
        found = await run_in_threadpool(forgettings.of, web.house, project_id, template_id, made)
        if found.state != "working" or web.closing or time.monotonic() >= until:
            break
        await asyncio.sleep(pause)
        pause = min(pause * 1.3, _FORGOTTEN_S[1])
    if found.state == "failed":
        raise wire.WireError(503, found.error or "")
    done = found.state == "done"
    about: dict[str, Any] = {"template": template_id, "column": column, "forgetting": made}
    if done:
        about |= {"rows": found.found.rows, "uploads": len(found.found.uploads)}
    await noted(request, "rows.forget", **about)
    where = {"Location": f"/v1/template/{template_id}/forget/{made}"}
    return answers.json(forgetting_words.asked(found), 200 if done else 202, where)


@router.get("/{template_id}/forget/{forgetting_id}", **says(forgetting_words.ForgettingDocument, 400, 401, 403, 404))
async def read_forgetting(
    request: Request, template_id: str, forgetting_id: str, caller: Caller = Depends(may(MANAGE_TEMPLATES))
) -> Response:
    """How far it is, and what was forgotten."""
    template_id, forgetting_id, project_id = checked(template_id), checked(forgetting_id), own_project(caller)
    found = await run_in_threadpool(forgettings.of, web_of(request).house, project_id, template_id, forgetting_id)
    return answers.json(forgetting_words.asked(found))


# Waiting for rows


@dataclass(eq=False, slots=True)
class _Waiter:
    template_id: str
    number: int
    come: asyncio.Event


class Arrivals:
    """Requests that wait for new rows, looked after together: one question to the database, four times a second,
    however many they are, and none while nobody waits."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._waiting: set[_Waiter] = set()
        self._task: asyncio.Task[None] | None = None

    async def later_than(self, number: int, template_id: str, until: float) -> bool:
        """Whether a template's feed has an import after `number` by then (of the monotonic clock)."""
        waiter = _Waiter(template_id, number, asyncio.Event())
        self._waiting.add(waiter)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())
        try:
            await asyncio.wait_for(waiter.come.wait(), max(0.0, until - time.monotonic()))
        except TimeoutError:
            return False
        finally:
            self._waiting.discard(waiter)
        return True

    async def _look(self) -> None:
        while self._waiting:
            await asyncio.sleep(_POLL_S)
            asked = sorted({waiter.template_id for waiter in self._waiting})
            try:
                newest = await run_in_threadpool(feeds.last_numbers, self._web.house, asked)
            except DouaneError:
                # Whoever waits asks for itself, and answers what is wrong in its own words.
                newest = None
            for waiter in self._waiting:
                if newest is None or self._web.closing or newest.get(waiter.template_id, 0) > waiter.number:
                    waiter.come.set()


def arrivals_of(request: Request) -> Arrivals:
    state = request.app.state
    if not hasattr(state, "arrivals"):
        state.arrivals = Arrivals(web_of(request))
    found: Arrivals = state.arrivals
    return found
