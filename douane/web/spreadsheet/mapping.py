"""`/v1/mapping`: which heading feeds which column (contract 2.9)."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from douane.flow import imports
from douane.model.identity import RUN_IMPORT, Caller
from douane.web.auth import web_of
from douane.web.spreadsheet import answers, wire
from douane.web.spreadsheet.answers import says
from douane.web.spreadsheet.callers import body, checked, may
from douane.web.spreadsheet.uploads import document, find

router = APIRouter(prefix="/v1/mapping", tags=["Mapping"])


@router.get("/{upload_id}", **says(list[wire.ColumnDocument], 400, 401, 403))
async def read_mapping(request: Request, upload_id: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """All columns, each with the heading that is proposed for it; the first call finds them. Beside it, ours: how
    certain the match is (0 to 1), why, whether it is sure enough to be taken where nobody looks, and which headings fit
    just as well."""
    web, upload_id = web_of(request), checked(upload_id)

    def work() -> list[dict[str, object]]:
        operation = find(web, caller, upload_id)
        wire.guard(operation, "uploaded", "mapping")
        if operation.stage == "uploaded":
            operation = imports.mapping(web.house, operation)
        return wire.upload_columns(operation, imports.proposed_columns(operation))

    return answers.json(await run_in_threadpool(work))


@router.post(
    "/{upload_id}/finalize",
    **says(wire.UploadDocument, 400, 401, 403, 413, status=201, body=wire.CHOICES_BODY),
)
async def finalize_mapping(request: Request, upload_id: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    web, upload_id = web_of(request), checked(upload_id)
    value = await body(request)

    def work() -> wire.UploadDocument:
        operation = find(web, caller, upload_id)
        wire.guard(operation, "mapping")
        return document(imports.finalize(web.house, operation, wire.choices(value)))

    return answers.json(await run_in_threadpool(work), 201)
