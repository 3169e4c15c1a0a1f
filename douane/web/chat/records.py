"""Beyond the contract, under `/api/v1/douane.*`: staged records with their problems, the ledger, stopping and going on.

Every one takes `operationId`; without it the current operation is meant.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from douane import encodings
from douane.errors import BadRequest, WrongStage
from douane.flow.chat import imports, records
from douane.model.identity import RUN_IMPORT, VIEW_IMPORT_OPERATIONS
from douane.model.operation import Operation
from douane.web.auth import noted
from douane.web.bodies import attachment
from douane.web.chat import answers, callers, wire
from douane.web.chat.answers import says
from douane.web.chat.callers import Asker, may
from douane.web.chat.imports import current, name_of
from douane.web.streams import answer

router = APIRouter(prefix="/api/v1", tags=["Chat: beyond"])

MEDIA = tuple(encodings.media_types().values())
_ONE = {"operationId": "string"}
_PAGES = {**_ONE, "page": "integer", "limit": "integer"}


async def chosen(request: Request, asker: Asker, where: str) -> Operation:
    """The operation of the query, else the current one."""
    given = request.query_params.get("operationId")
    if given is None:
        return await current(asker, where)
    return await run_in_threadpool(imports.get, asker.web.house, given, asker.project_id)


def page_of(request: Request, asker: Asker) -> tuple[int, int]:
    """(page from 1, records in it)."""
    page, limit = whole(request, "page", 1, 1), whole(request, "limit", 100, 1)
    most = asker.web.house.settings.page_rows_max
    if limit > most:
        raise wire.bad_query(f"limit must not be greater than {most} (setting page_rows_max)")
    return page, limit


def whole(request: Request, name: str, usual: int, least: int) -> int:
    """A whole number of the query."""
    given = request.query_params.get(name)
    if given is None or given == "":
        return usual
    if not given.isascii() or not given.isdigit() or len(given) > 15 or int(given) < least:
        raise wire.bad_query(f"{name} must be a whole number from {least}")
    return int(given)


@router.get(
    "/douane.records", **says(400, 404, query={**_PAGES, "table": "string", "view": "string"}, required=("table",))
)
async def read_records(request: Request, asker: Asker = Depends(may(RUN_IMPORT))) -> Response:
    """One page of a staged table (users, channels, contacts, messages, or any that belongs to these): each record with
    its place in the export, its problems, and what a run made of it. `view` is `all`, `valid` or `invalid`."""
    operation = await chosen(request, asker, "douane.records")
    page, limit = page_of(request, asker)
    table, view = request.query_params.get("table", ""), request.query_params.get("view") or "all"
    if view not in ("all", "valid", "invalid"):
        raise wire.bad_query("view must be all, valid or invalid")

    def work() -> dict[str, Any]:
        found = records.page(asker.web.house, operation, table, view, page, limit)  # type: ignore[arg-type]
        return {
            "operationId": operation.id,
            "table": table,
            "records": [wire.staged(one) for one in found.records],
            "count": len(found.records),
            "offset": (page - 1) * limit,
            "total": found.total,
        }

    return answers.success(await run_in_threadpool(work))


@router.get(
    "/douane.recordsExport",
    **says(
        400,
        404,
        media=MEDIA,
        query={**_ONE, "table": "string", "view": "string", "format": "string"},
        required=("table",),
    ),
)
async def export_records(request: Request, asker: Asker = Depends(may(RUN_IMPORT))) -> Response:
    """A whole view of a staged table as one stream, each record with its place, problems and outcome: `format` is one
    of the encodings shelf. A stream that is cut off never ends cleanly."""
    operation = await chosen(request, asker, "douane.recordsExport")
    table, view = request.query_params.get("table", ""), request.query_params.get("view") or "all"
    format = request.query_params.get("format") or "ndjson"
    if view not in ("all", "valid", "invalid"):
        raise wire.bad_query("view must be all, valid or invalid")
    media = encodings.media_types()
    if format not in media:
        raise wire.bad_query(f"format must be one of {', '.join(media)}")
    rows = await answer(
        lambda: records.encoded(asker.web.house, operation, table, view, format),  # type: ignore[arg-type]
        media[format],
        attachment(f"{table}-{view}.{format}"),
    )
    await noted(request, "chat.export", operation=operation.id, table=table, view=view, format=format)
    return rows


@router.get("/douane.ledger", **says(400, 404, query=_ONE))
async def read_ledger(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """Where every record went: found = staged + imported + skipped + failed, with the reasons."""
    operation = await chosen(request, asker, "douane.ledger")
    found = await run_in_threadpool(records.ledger, asker.web.house, operation)
    return answers.success({"operationId": operation.id, **wire.ledger(found), **wire.unread(operation)})


@router.get("/douane.ledgerEntries", **says(400, 404, query=_PAGES))
async def read_entries(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """The same for each entry of the archive."""
    operation = await chosen(request, asker, "douane.ledgerEntries")
    page, limit = page_of(request, asker)
    found = await run_in_threadpool(records.ledger_entries, asker.web.house, operation, page, limit)
    return answers.success(
        {
            "operationId": operation.id,
            "entries": [wire.entry_line(line) for line in found],
            "count": len(found),
            "offset": (page - 1) * limit,
        }
    )


@router.get("/douane.operation", **says(400, 404, query=_ONE))
async def read_operation(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """An operation as the contract shows it, with what Douane knows beyond: what its directory said, notes, the counts
    of its run, and why it failed."""
    operation = await chosen(request, asker, "douane.operation")
    return answers.success({"operation": wire.long_document(operation, name_of(operation))})


@router.post("/douane.stop", **says(400, 404, query=_ONE))
async def stop(request: Request, asker: Asker = Depends(may(RUN_IMPORT))) -> Response:
    """A running import ends within a second; what it has committed stays, and it can go on."""
    return await _changed(request, asker, "douane.stop")


@router.post("/douane.resume", **says(400, 404, query=_ONE))
async def resume(request: Request, asker: Asker = Depends(may(RUN_IMPORT))) -> Response:
    """A stopped or failed run goes on where it was."""
    return await _changed(request, asker, "douane.resume")


@router.post("/douane.retry", **says(400, 404, query=_ONE))
async def retry(request: Request, asker: Asker = Depends(may(RUN_IMPORT))) -> Response:
    """Tries the failed records of a finished import again, after something was mended."""
    return await _changed(request, asker, "douane.retry")


_CHANGES = {"douane.stop": imports.stop, "douane.resume": imports.resume, "douane.retry": imports.retry}


async def _changed(request: Request, asker: Asker, what: str) -> Response:
    operation = await chosen(request, asker, what)
    await callers.limited(request, asker)
    try:
        now = await run_in_threadpool(_CHANGES[what], asker.web.house, operation)
    except (WrongStage, BadRequest) as error:
        raise wire.plain(error.message) from error
    return callers.with_rate(request, answers.success({"operation": wire.document(now, name_of(now))}))
