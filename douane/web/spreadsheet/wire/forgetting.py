"""The words of forgetting and of an upload's ledger (docs/wire-spreadsheet.md)."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from douane.flow.forgetting import Forgotten
from douane.flow.forgettings import Asked
from douane.flow.ledger import Ledger
from douane.web.spreadsheet.wire.bodies import object_body
from douane.web.spreadsheet.wire.errors import WireError

FORGET_BODY = {
    "application/json": {
        "type": "object",
        "required": ["column", "value"],
        "properties": {"column": {"type": "string"}, "value": {"type": "string"}},
    }
}


class ForgottenUpload(Struct):
    upload: str
    rows: int


class ForgottenDocument(Struct):
    """`waiting`: uploads that have to be asked for again; `remains`: what is still somewhere, a sentence each."""

    rows: int
    uploads: list[ForgottenUpload]
    waiting: list[str]
    remains: list[str]


class ForgettingDocument(ForgottenDocument):
    """`state`: working, done, failed; `looked` of the `total` uploads were looked through. `message`: why it failed."""

    id: str
    state: str
    looked: int
    total: int
    message: str | None


class LeftOut(Struct):
    invalid: int
    blank: int
    hidden: int
    unreadable: int
    deleted: int
    forgotten: int


class LedgerDocument(Struct):
    """found = delivered + waiting + failed + all of leftOut. `pulled`: consumer of the feed -> rows."""

    uploadId: str
    found: int
    added: int
    delivered: int
    waiting: int
    failed: int
    leftOut: LeftOut
    pulled: dict[str, int]


def forgotten(found: Forgotten) -> ForgottenDocument:
    uploads = [ForgottenUpload(upload_id, rows) for upload_id, rows in found.uploads.items()]
    return ForgottenDocument(found.rows, uploads, found.waiting, found.remains)


def asked(found: Asked) -> ForgettingDocument:
    said = forgotten(found.found)
    return ForgettingDocument(
        said.rows,
        said.uploads,
        said.waiting,
        said.remains,
        found.id,
        found.state,
        found.looked,
        found.total,
        found.error,
    )


def forget_body(value: Any) -> tuple[str, str]:
    """(column, value)."""
    body = object_body(value)
    column, wanted = body.text("column", required=True), body.text("value", required=True)
    body.done()
    if not str(wanted).strip():
        raise WireError(400, ["value should not be empty"])
    return str(column), str(wanted)


def ledger(upload_id: str, found: Ledger) -> LedgerDocument:
    out = LeftOut(found.invalid, found.blank, found.hidden, found.unreadable, found.deleted, found.forgotten)
    return LedgerDocument(
        upload_id, found.found, found.added, found.delivered, found.waiting, found.failed, out, found.pulled
    )
