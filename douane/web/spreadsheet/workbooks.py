"""`/v1/upload/:id/workbook`, beside the contract: a file that a person mends in a sheet program and sends back
(docs/wire-spreadsheet.md)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from douane import encodings
from douane.flow import workbooks
from douane.model.identity import RUN_IMPORT, VIEW_IMPORT_OPERATIONS, Caller
from douane.web.auth import noted, web_of
from douane.web.bodies import TemporaryUpload, attachment, media_type, read_form
from douane.web.spreadsheet import answers, wire
from douane.web.spreadsheet.answers import says
from douane.web.spreadsheet.callers import body, checked, may
from douane.web.spreadsheet.live import open_for_changes
from douane.web.spreadsheet.uploads import find
from douane.web.spreadsheet.wire import live as live_words
from douane.web.spreadsheet.wire import workbooks as words
from douane.web.streams import streamed

router = APIRouter(prefix="/v1/upload", tags=["Workbooks"])

_KINDS = {name: encodings.media_types()[name] for name in ("xlsx", "csv")}


@router.get(
    "/{upload_id}/workbook",
    **says(
        None,
        400,
        401,
        403,
        507,
        media={kind: {"schema": wire.BINARY} for kind in _KINDS.values()},
        query={**live_words.FILTER_QUERY, "format": "string"},
    ),
)
async def download_workbook(
    request: Request, upload_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    """The records as they stand now, bad cells marked and explained, to be mended and sent back."""
    web, upload_id = web_of(request), checked(upload_id)
    wanted = live_words.filter_of_query(request.query_params)
    asked = request.query_params.get("format", "xlsx")
    if asked not in _KINDS:
        raise wire.WireError(400, [f"format must be one of {', '.join(_KINDS)}"])
    format: Literal["xlsx", "csv"] = "csv" if asked == "csv" else "xlsx"

    def begun() -> tuple[Iterator[bytes], bytes, str]:
        operation = find(web, caller, upload_id)
        chunks = workbooks.annotated(web.house, operation, wanted, format)
        # What fails before the first piece is answered as an error, what fails later cuts the connection.
        return chunks, next(chunks, b""), operation.file_name or "records"

    chunks, first, name = await run_in_threadpool(begun)
    await noted(request, "rows.export", operation=upload_id, view="workbook", media_type=_KINDS[format])
    headers = attachment(f"{Path(name).stem} to mend.{format}")
    return StreamingResponse(streamed(chunks, [first]), headers=headers, media_type=_KINDS[format])


@router.post(
    "/{upload_id}/workbook",
    **says(words.DifferenceDocument, 400, 401, 403, 409, 413, 422, 507, status=201, body=wire.FILE_BODY),
)
async def take_workbook(request: Request, upload_id: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """A mended workbook: which cells it would change. Nothing is changed yet."""
    web = web_of(request)
    operation = await run_in_threadpool(open_for_changes, request, caller, checked(upload_id))
    if media_type(request) != "multipart/form-data":
        raise wire.WireError(400, wire.NO_FILE)
    with await run_in_threadpool(_folder, web.house.settings.work_folder) as folder:
        path = Path(folder) / "file"
        async with AsyncExitStack() as stack:
            form = await read_form(request, web.house.settings, lambda _fields: TemporaryUpload(path), stack)
        if form.upload is None:
            raise wire.WireError(400, wire.NO_FILE)
        found = await run_in_threadpool(workbooks.compared, web.house, operation, path)
    return answers.json(words.difference(found), 201)


def _folder(work_folder: Path) -> TemporaryDirectory[str]:
    work_folder.mkdir(parents=True, exist_ok=True)
    return TemporaryDirectory(prefix="workbook-", dir=work_folder)


@router.post(
    "/{upload_id}/workbook/{difference}",
    **says(words.AppliedDocument, 400, 401, 403, 404, 409, 412, 413, 507, status=201, body=wire.WORKBOOK_BODY),
)
async def apply_workbook(
    request: Request, upload_id: str, difference: str, caller: Caller = Depends(may(RUN_IMPORT))
) -> Response:
    """Puts what a mended workbook changes in place, as one revision."""
    web, upload_id = web_of(request), checked(upload_id)
    missing, overtaken = words.workbook_choices(await body(request))

    def work() -> words.AppliedDocument:
        operation = open_for_changes(request, caller, upload_id)
        put = workbooks.apply(
            web.house,
            operation,
            difference,
            missing=missing,
            overtaken=overtaken,
            person_id=caller.person_id,
        )
        return words.applied(put)

    return answers.json(await run_in_threadpool(work), 201)
