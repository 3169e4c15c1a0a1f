"""The words of `/v1/activity` (contract 2.11)."""

from __future__ import annotations

from datetime import date

from msgspec import UNSET, Struct, UnsetType

from douane.flow.activity import Summary
from douane.model.operation import Operation
from douane.model.sheet_import import sheet_detail
from douane.model.template import StoredTemplate
from douane.web.spreadsheet.wire.documents import iso
from douane.web.spreadsheet.wire.errors import WireError
from douane.web.spreadsheet.wire.stages import STATUS

# What the peer's dashboard shows for where data goes.
_DESTINATIONS = {"frontend": "Frontend", "webhook": "Webhook", "bubbleIo": "Bubble.io"}


class DayDocument(Struct):
    date: str
    count: int


class SummaryDocument(Struct):
    yearly: int
    monthly: int
    weekly: int
    uploads: list[DayDocument]


class HistoryTemplate(Struct):
    name: str
    destination: str | UnsetType = UNSET
    integration: str | UnsetType = UNSET


class HistoryEntry(Struct, kw_only=True, rename={"id_": "_id", "file_id": "_uploadedFileId", "template_": "_template"}):
    id_: str
    file_id: str | UnsetType = UNSET
    name: str
    uploadedDate: str
    totalRecords: int
    validRecords: int
    invalidRecords: int
    originalFileName: str
    status: str
    type: str
    importType: str
    destination: str
    template_: HistoryTemplate


class HistoryPage(Struct):
    data: list[HistoryEntry]
    limit: int
    page: int
    totalPages: int
    totalRecords: int


def summary(found: Summary) -> SummaryDocument:
    """Days in the peer's short form, `3/13/2026`."""
    days = [DayDocument(f"{day.month}/{day.day}/{day.year}", count) for day, count in found.days]
    return SummaryDocument(found.yearly, found.monthly, found.weekly, days)


def entry(operation: Operation, template: StoredTemplate | None) -> HistoryEntry:
    detail = sheet_detail(operation)
    kept = template.document if template is not None else {}
    destination, integration = kept.get("destination"), kept.get("integration")
    name = template.name if template is not None else detail.template.name
    return HistoryEntry(
        id_=operation.id,
        file_id=detail.wire.get("fileId", UNSET) if operation.source_object else UNSET,
        name=name,
        uploadedDate=iso(operation.created_at),
        totalRecords=operation.total,
        validRecords=operation.valid,
        invalidRecords=operation.invalid,
        originalFileName=str(detail.wire.get("originalFileName") or operation.file_name or ""),
        status=STATUS[operation.stage],
        type="Manual",
        importType="Manual",
        destination=_DESTINATIONS.get(str(destination), "Unknown"),
        template_=HistoryTemplate(name, destination or UNSET, integration or UNSET),
    )


def day(text: str | None) -> date | None:
    """The `date` of the query: a day, or a moment of it, as ISO 8601 writes them."""
    if text is None or text == "":
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise WireError(400, ["date must be a valid ISO 8601 date string"]) from None
