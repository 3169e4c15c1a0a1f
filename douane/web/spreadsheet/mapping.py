"""`/v1/mapping`: which heading feeds which column (contract 2.9), and beside the contract the mapping as it can be seen
and changed until confirm (docs/wire-spreadsheet.md)."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from douane.flow import imports, remapping, rereading
from douane.model.identity import RUN_IMPORT, Caller
from douane.model.operation import Operation
from douane.model.sheet_import import sheet_detail
from douane.web import waiting
from douane.web.auth import Web, web_of
from douane.web.spreadsheet import answers, wire
from douane.web.spreadsheet.answers import says
from douane.web.spreadsheet.callers import body, checked, may
from douane.web.spreadsheet.uploads import document, find
from douane.web.spreadsheet.wire import mapping as words

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
        return wire.upload_columns(operation, imports.proposed_columns(web.house, operation))

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
        # What was reviewed before has changed cells that go along.
        finalize = remapping.finalize if operation.version else imports.finalize
        return document(finalize(web.house, operation, wire.choices(value), caller.person_id))

    return answers.json(await run_in_threadpool(work), 201)


@router.get("/{upload_id}/state", **says(words.MappingDocument, 400, 401, 403))
async def read_state(request: Request, upload_id: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """How the file is mapped now: its first records, each heading with three values, each column with the heading that
    feeds it and the one that is proposed, how surely and why, and what is ignored."""
    web, upload_id = web_of(request), checked(upload_id)

    return answers.encoded(await run_in_threadpool(_state, web, caller, upload_id))


def _state(web: Web, caller: Caller, upload_id: str) -> bytes:
    operation = find(web, caller, upload_id)
    found = remapping.mapped(web.house, operation)
    return answers.encode(words.mapped(found, rereading.pending(web.house, operation)))


@router.put(
    "/{upload_id}/choices",
    **says(
        words.ChangeDocument,
        400,
        401,
        403,
        413,
        507,
        body=wire.MAPPING_BODY,
        also={409: answers.described(409, words.LostDocument)},
    ),
)
async def change_choices(request: Request, upload_id: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """Another heading record, other headings for columns, by position: no reading, only a check. What people changed in
    the data goes along; what has no place any more is listed first (409), and goes with `agree`."""
    web, upload_id = web_of(request), checked(upload_id)
    value = await body(request)

    def work() -> tuple[object, int]:
        operation = find(web, caller, upload_id)
        wire.guard(operation, "uploaded", "mapping", "mapped", "reviewing")
        try:
            return words.changed(remapping.change(web.house, operation, words.wanted(value, caller.person_id))), 200
        except remapping.EditsLost as refused:
            return words.lost(refused), 409

    found, status = await run_in_threadpool(work)
    return answers.json(found, status)


_LOST = {409: answers.described(409, words.LostDocument)}


@router.put(
    "/{upload_id}/reading",
    **says(words.MappingDocument, 400, 401, 403, 413, 422, 507, body=wire.READING_BODY),
)
async def change_reading(request: Request, upload_id: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """Reads the file anew: another sheet, encoding, delimiter, quote or heading line. What stands stays until it is
    through, and where it fails. Where changed cells have no place any more, or with `dryRun`, it waits to be taken."""
    web, upload_id = web_of(request), checked(upload_id)
    value = await body(request)

    def ask() -> Operation:
        operation = find(web, caller, upload_id)
        wire.guard(operation, "uploaded", "mapping", "mapped", "reviewing")
        wanted = words.reread(value, sheet_detail(operation).options)
        return rereading.ask(
            web.house,
            operation,
            wanted.asked,
            hold=wanted.hold,
            agreed=wanted.agreed,
            person_id=caller.person_id,
        )

    asked = await run_in_threadpool(ask)
    operation = await waiting.until(web, asked.id, rereading.settled, web.house.settings.headings_wait_s)
    if operation is None:
        raise wire.WireError(503, wire.STILL_READING, headers={"Retry-After": "10"})
    failure = sheet_detail(operation).reading_failed
    if failure is not None:
        raise wire.file_error(operation, *failure)
    return answers.encoded(await run_in_threadpool(_state, web, caller, upload_id))


@router.post(
    "/{upload_id}/reading/take",
    **says(words.ChangeDocument, 400, 401, 403, 413, 507, status=201, body=wire.TAKE_BODY, also=_LOST),
)
async def take_reading(request: Request, upload_id: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """The reading that waits takes the place of what stands."""
    web, upload_id = web_of(request), checked(upload_id)
    value = await body(request)

    def work() -> tuple[object, int]:
        operation = find(web, caller, upload_id)
        wire.guard(operation, "uploaded", "mapping", "mapped", "reviewing")
        agreed = words.taken(value)
        try:
            done = rereading.take(web.house, operation, agreed=agreed, person_id=caller.person_id)
        except remapping.EditsLost as refused:
            return words.lost(refused), 409
        return words.changed(done), 201

    found, status = await run_in_threadpool(work)
    return answers.json(found, status)


@router.delete("/{upload_id}/reading", **says(words.MappingDocument, 400, 401, 403))
async def drop_reading(request: Request, upload_id: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """Leaves what stands; a reading that is under way stops."""
    web, upload_id = web_of(request), checked(upload_id)
    await run_in_threadpool(lambda: rereading.drop(web.house, find(web, caller, upload_id)))
    return answers.encoded(await run_in_threadpool(_state, web, caller, upload_id))
