"""`/v1/upload/:id/rows`: accepted and rejected rows, by the page or whole, in the form that is asked for (2.4)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from msgspec import Struct

from douane import encodings
from douane.flow import images, records
from douane.flow.forms import delivered_members, delivery_of
from douane.flow.house import House
from douane.flow.records import Record
from douane.model.identity import VIEW_IMPORT_OPERATIONS, Caller
from douane.model.operation import Operation
from douane.sheet.delivering import csv_lines
from douane.web.auth import noted, web_of
from douane.web.spreadsheet import answers, wire
from douane.web.spreadsheet.answers import says
from douane.web.spreadsheet.callers import checked, may, page_of
from douane.web.spreadsheet.uploads import find
from douane.web.streams import answer

router = APIRouter(prefix="/v1/upload", tags=["Rows"])

JSON = "application/json"
# Of encodings that hold whatever a template makes of its records.
_LINES: dict[str, Literal["ndjson", "csv"]] = {"ndjson": "ndjson", "csv": "csv"}

_DESCRIPTION = says(
    wire.RowsPage,
    400,
    401,
    403,
    507,
    media={kind: {"schema": wire.BINARY} for kind in encodings.media_types().values()},
    query={"page": "integer", "limit": "integer", "format": "string", "errors": "boolean"},
)


@router.get("/{upload_id}/rows/valid", **_DESCRIPTION)
async def read_valid(
    request: Request, upload_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    """Accepted rows as plain records, with `format=full` as review shows them. `Accept` chooses JSON (a page), CSV,
    NDJSON, Arrow, Parquet or a workbook (whole, or the page that is asked for)."""
    return await _rows(request, checked(upload_id), caller, "valid")


@router.get("/{upload_id}/rows/invalid", **_DESCRIPTION)
async def read_invalid(
    request: Request, upload_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    """Rejected rows with what is wrong with them: as JSON in each document, in the other forms as `_line` and `_errors`
    beside the fields, which `errors=false` leaves out."""
    return await _rows(request, checked(upload_id), caller, "invalid")


async def _rows(request: Request, upload_id: str, caller: Caller, view: Literal["valid", "invalid"]) -> Response:
    web, query = web_of(request), request.query_params
    kind = asked_type(request.headers.get("accept", ""))
    page, limit = page_of(request)
    full = view == "invalid" or query.get("format") == "full"
    as_delivered = view == "valid" and query.get("format") == "delivered"
    lines = _LINES.get(_encodings().get(kind, "")) if as_delivered else None
    if as_delivered and kind != JSON and lines is None:
        raise wire.WireError(400, "format=delivered is there for JSON, NDJSON and CSV: a format may be of any shape")
    paged = "page" in query or "limit" in query
    faults = view == "invalid" and query.get("errors", "").lower() not in ("false", "0")

    def begin() -> Iterator[bytes]:
        operation = find(web, caller, upload_id)
        wire.guard(operation, "processing", "completed")
        if kind == JSON:
            asked = web.house, operation, view, page, limit
            documents: Iterator[Sequence[Any]]
            if full:
                total, found = records.shown_in_pieces(*asked)
                documents = ([wire.record(one) for one in piece] for piece in found)
            elif as_delivered:
                total, found = records.page_in_pieces(*asked)
                documents = _as_delivered(web.house, operation, found)
            else:
                total, documents = records.plain_in_pieces(*asked)
            return listed(wire.RowsPage(page, [], limit, wire.pages(total, limit), total), documents)
        if lines is not None:
            _, pieces = records.page_in_pieces(web.house, operation, view, page, limit if paged else operation.total)
            return _delivered(web.house, operation, pieces, lines)
        wanted = records.Excerpt(view, _encodings()[kind], faults, page, limit if paged else None)
        return records.encoded(web.house, operation, wanted)

    rows = await answer(begin, kind)
    if page == 1:
        # Of what is pulled page by page the first tells of it all: a line a page would bury the others.
        by_page = {"paged": True} if kind == JSON or paged else {}
        await noted(request, "rows.export", operation=upload_id, view=view, media_type=kind, **by_page)
    return rows


def _delivered(
    house: House, operation: Operation, pieces: Iterable[Sequence[Record]], form: Literal["ndjson", "csv"]
) -> Iterator[bytes]:
    """Records as they leave, a line each. WireError where the template's format makes no table."""
    made = _as_delivered(house, operation, pieces)
    if form == "ndjson":
        return (b"".join(answers.encode(one) + b"\n" for one in piece) for piece in made)
    names = delivered_members(operation)
    if names is None:
        raise wire.WireError(400, "The template's format makes no objects of its records, so they are no table")
    return chain([csv_lines(names, [dict(zip(names, names, strict=True))])], (csv_lines(names, one) for one in made))


def _as_delivered(house: House, operation: Operation, pieces: Iterable[Sequence[Record]]) -> Iterator[Sequence[Any]]:
    delivery = delivery_of(operation, images.root(house, operation.id))
    return ([delivery.of(one.record, one.index) for one in piece] for piece in pieces)


def listed(empty: Struct, pieces: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The JSON of a page whose `data` comes in pieces; `empty` is the page without."""
    head, mark, tail = answers.encode(empty).partition(b'"data":[')
    return listed_after(head + mark, pieces, tail)


def listed_after(begun: bytes, pieces: Iterable[Sequence[Any]], tail: bytes) -> Iterator[bytes]:
    """A list's members behind what was begun, and the rest."""
    for piece in pieces:
        members = answers.encode(piece)[1:-1]
        if members:
            yield begun + members
            begun = b","
    yield (begun if begun != b"," else b"") + tail


def _encodings() -> dict[str, str]:
    """Media type -> the name of the encoding."""
    return {media: name for name, media in encodings.media_types().items()}


def asked_type(accept: str) -> str:
    """The media type that `Accept` prefers among ours; JSON where it names none of them."""
    best, weight, ours = JSON, 0.0, _encodings()
    for item in accept.split(","):
        kind, *parameters = (part.strip().lower() for part in item.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                with contextlib.suppress(ValueError):
                    quality = float(parameter[2:])
        if kind in ("*/*", "application/*"):
            kind = JSON
        if (kind == JSON or kind in ours) and quality > weight:
            best, weight = kind, quality
    return best
