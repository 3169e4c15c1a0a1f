"""Words of where records go: destinations, deliveries and their log (contract 2.5, 2.11, 8.2, 8.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType

from douane import destinations as shelf
from douane.destinations.contract import BadSettings
from douane.flow.destinations import Chosen, Sampled
from douane.model.delivery import Delivery, Destination, Try
from douane.model.operation import Operation
from douane.web.spreadsheet.wire.bodies import object_body
from douane.web.spreadsheet.wire.documents import UploadDocument, iso
from douane.web.spreadsheet.wire.errors import WireError

# A destination of the contract that is not on the shelf.
_NOT_HERE = "bubbleIo"

RETRY_QUEUED = "Retry request queued successfully"
NO_WEBHOOK = "Webhook URL not configured"


class WebhookDocument(Struct, rename={"id_": "_id", "template_id": "_templateId", "v_": "__v"}, kw_only=True):
    """3.10. Ours: `secrets` (of each its beginning; whole in the answer that set them), `send`, `rows`, and `down`:
    since when nothing gets through."""

    id_: str
    template_id: str
    callbackUrl: str
    authHeaderName: str | UnsetType = UNSET
    chunkSize: int
    retryInterval: int | UnsetType = UNSET
    retryCount: int | UnsetType = UNSET
    secrets: list[str] | UnsetType = UNSET
    send: str | UnsetType = UNSET
    rows: str | UnsetType = UNSET
    down: str | UnsetType = UNSET
    createdAt: str
    updatedAt: str
    v_: int = 0


class DestinationsDocument(Struct):
    """Beside `destination` a document of each that was set up, under its name."""

    destination: str | UnsetType = UNSET
    webhook: WebhookDocument | UnsetType = UNSET
    bucket: dict[str, Any] | UnsetType = UNSET


class SampleResult(Struct, rename={"upload_id": "_uploadId"}):
    status: str
    statusCode: int | UnsetType
    response: str
    callDate: str
    upload_id: str


class SampleDocument(Struct):
    sampleData: list[Raw]
    totalRecords: int
    chunkSize: int
    totalPages: int
    results: list[SampleResult]
    success: bool = True


class LogEntry(Struct, kw_only=True, rename={"id_": "_id", "upload_id": "_uploadId"}):
    """3.11, one line a try. Ours: `deliveryId` (the same at every try of a page), `outcome`, `address`,
    `durationMs`, `sentBytes`, `response`."""

    id_: str
    upload_id: str
    callDate: str
    status: str
    pageNumber: int
    dataContent: Raw | UnsetType = UNSET
    headerContent: dict[str, str]
    responseStatusCode: int | UnsetType = UNSET
    error: dict[str, Any] | UnsetType = UNSET
    failedReason: str | UnsetType = UNSET
    isRetry: bool
    deliveryId: str
    outcome: str
    address: str
    durationMs: int
    sentBytes: int
    response: str


class LogPage(Struct):
    data: list[LogEntry]
    limit: int
    page: int
    totalPages: int
    totalRecords: int


class DeliveryDocument(Struct, kw_only=True, rename={"id_": "_id", "upload_id": "_uploadId"}):
    """How far a delivery is. `pages` and `records`: in all of the import, delivered, given up; `nextPage` is the one
    that goes next, at `nextTry`."""

    id_: str
    upload_id: str
    event: str
    state: str
    isRetry: bool
    pages: dict[str, int]
    records: dict[str, int]
    nextPage: int | UnsetType = UNSET
    nextTry: str | UnsetType = UNSET
    tries: int
    error: str | UnsetType = UNSET
    createdAt: str
    endedAt: str | UnsetType = UNSET


class RetryDocument(Struct):
    """`pages` (ours): how many are sent again; 0 where what was asked for is under way already."""

    message: str
    upload: UploadDocument
    pages: int
    success: bool = True


def chosen_body(value: Any) -> tuple[str | None, dict[str, Any] | None]:
    """The body of PUT destination: (the one that is chosen, its settings); (None, None) clears it. What Douane cannot
    deliver to is refused, not stored: an import would wait for a delivery that never comes."""
    if value is not None and not isinstance(value, dict):
        raise WireError(400, "Validation failed (object expected)")
    body = object_body(value or {})
    chosen = body.choice("destination", (*shelf.names(), _NOT_HERE))
    given = None
    if chosen is not None and body.fields.get(chosen) is not None:
        given = body.mapping(chosen)
    body.done()
    if chosen == _NOT_HERE:
        raise WireError(400, f"Delivery by {chosen} is not here yet: choose webhook, or pull the rows")
    return chosen, given


def bad_settings(kind: str, error: BadSettings) -> WireError:
    return WireError(400, [f"{kind}.{name} {wrong}" for name, wrong in error.faults])


def chosen(found: Chosen, *, only: str | None = None) -> dict[str, Any]:
    """`only`: the one whose document is wanted."""
    shown: dict[str, Any] = {} if found.kind is None else {"destination": found.kind}
    for one in found.known:
        if only is None or one.kind == only:
            shown[one.kind] = _document(one)
    return shown


def _document(one: Destination) -> dict[str, Any]:
    down = {} if one.told_at is None else {"down": iso(one.down_since)}
    return {
        "_id": one.id,
        "_templateId": one.template_id,
        **one.settings,
        **down,
        "createdAt": iso(one.created_at),
        "updatedAt": iso(one.updated_at),
        "__v": 0,
    }


def sample_body(value: Any) -> tuple[str | None, str | None]:
    """(extra, value of the destination's header)."""
    body = object_body(value)
    extra, auth = body.text("extra"), body.text("authHeaderValue")
    body.done()
    return extra, auth


def sampled(found: Sampled) -> SampleDocument:
    reply = found.reply
    result = SampleResult(
        "SUCCESS", UNSET if reply.status is None else reply.status, reply.body, iso(found.at), found.last_id
    )
    return SampleDocument(
        [Raw(one) for one in found.records], len(found.records), found.chunk_rows, found.pages, [result]
    )


def retry_body(value: Any) -> tuple[list[tuple[int, int]] | None, bool]:
    """Ours, beside the contract's empty body: `pages`, each a number or `[first, last]`; `failed`: only those that were
    given up."""
    body = object_body(value)
    failed = bool(body.flag("failed"))
    given = body.fields.get("pages")
    pages: list[tuple[int, int]] | None = None
    if given is not None:
        pages = []
        for one in given if isinstance(given, list) and len(given) <= 10_000 else [None]:
            pair = [one, one] if isinstance(one, int) else one
            if isinstance(pair, list) and len(pair) == 2 and all(type(end) is int for end in pair):
                pages.append((pair[0], pair[1]))
            else:
                body.wrong("pages", "must be an array of page numbers and of [first, last]")
                break
        if not pages:
            body.wrong("pages", "should not be empty")
    body.done()
    return pages, failed


def flag(text: str | None) -> bool | None:
    return None if text is None or text == "" else text.lower() in ("true", "1")


def log_entry(one: Try, delivery: Delivery, body: bytes | None, auth_header: str | None) -> LogEntry:
    shown = {"webhook-id": delivery.message_id(one.page), "webhook-timestamp": str(int(one.at.timestamp()))}
    if auth_header:
        shown[auth_header] = "…"
    error: dict[str, Any] | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    if one.outcome != "delivered":
        # The contract's words: an answer that is no success, none at all, or another cause (8.4).
        error = {"error": one.reason or ""} if one.status is None else {"error": one.reason, "data": one.reply or ""}
        network = one.status is None and (one.outcome == "again" or (one.reply is None and one.address != ""))
        reason = "Application Error" if one.status is not None else "Network Error" if network else one.reason or ""
    return LogEntry(
        id_=one.id,
        upload_id=one.operation_id,
        callDate=iso(one.at),
        status="Success" if one.outcome == "delivered" else "Failed",
        pageNumber=one.page,
        dataContent=UNSET if body is None else Raw(body),
        headerContent=shown,
        responseStatusCode=UNSET if one.status is None else one.status,
        error=error,
        failedReason=reason,
        isRetry=one.again,
        deliveryId=delivery.message_id(one.page),
        outcome=one.outcome,
        address=one.address,
        durationMs=round(one.seconds * 1000),
        sentBytes=one.sent_bytes,
        response=one.reply or "",
    )


def delivery(one: Delivery) -> DeliveryDocument:
    going = one.state != "done"
    return DeliveryDocument(
        id_=one.id,
        upload_id=one.operation_id,
        event=one.event,
        state=one.state,
        isRetry=one.again,
        pages={"total": one.total_pages, "delivered": one.sent_pages, "failed": one.failed_pages},
        records={"total": one.total_rows, "delivered": one.sent_rows, "failed": one.failed_rows},
        nextPage=one.next_page if going else UNSET,
        nextTry=iso(one.due_at) if going and one.due_at is not None and one.state == "waiting" else UNSET,
        tries=one.tries,
        error=one.error or UNSET,
        createdAt=iso(one.created_at),
        endedAt=UNSET if one.ended_at is None else iso(one.ended_at),
    )


def auth_header_of(kept: Mapping[str, Any], operation: Operation) -> str | None:
    """The name of the customer's own header that went along, if one did."""
    name = kept.get("authHeaderName")
    return name if isinstance(name, str) and operation.detail.get("wire", {}).get("authHeaderValue") else None
