"""The words of a template's output formats (2.5, 3.8)."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from douane.errors import BadTemplate
from douane.flow.customizing import Customized
from douane.sheet.formatting import CHUNK_VARIABLES
from douane.web.spreadsheet.wire.bodies import object_body
from douane.web.spreadsheet.wire.documents import IDS, iso
from douane.web.spreadsheet.wire.errors import WireError

FORMATS = ("recordFormat", "chunkFormat", "combinedFormat")


class CustomizationDocument(Struct, kw_only=True, rename=IDS):
    """The formats are JSON texts. `notes` is ours: a sentence for each placeholder that is no name."""

    recordVariables: list[str]
    chunkVariables: list[str]
    id_: str | UnsetType = UNSET
    template_id: str | UnsetType = UNSET
    recordFormat: str | UnsetType = UNSET
    chunkFormat: str | UnsetType = UNSET
    combinedFormat: str | UnsetType = UNSET
    isRecordFormatUpdated: bool | UnsetType = UNSET
    isChunkFormatUpdated: bool | UnsetType = UNSET
    isCombinedFormatUpdated: bool | UnsetType = UNSET
    createdAt: str | UnsetType = UNSET
    updatedAt: str | UnsetType = UNSET
    v_: int | UnsetType = UNSET
    notes: list[str] | UnsetType = UNSET


def customization(template_id: str, found: Customized | None) -> CustomizationDocument:
    """Where there is none, only two empty arrays."""
    if found is None:
        return CustomizationDocument(recordVariables=[], chunkVariables=[])
    kept = found.kept
    return CustomizationDocument(
        id_=kept.id,
        template_id=template_id,
        recordVariables=["{{" + key + "}}" for key in found.keys],
        chunkVariables=["{{" + name + "}}" for name in CHUNK_VARIABLES],
        recordFormat=found.record,
        chunkFormat=found.chunk,
        combinedFormat=found.combined,
        isRecordFormatUpdated=bool(kept.record),
        isChunkFormatUpdated=bool(kept.chunk),
        isCombinedFormatUpdated=bool(kept.combined),
        createdAt=iso(kept.created_at),
        updatedAt=iso(kept.updated_at),
        v_=0,
        notes=list(found.notes),
    )


def formats(value: Any) -> dict[str, str | None]:
    """The body of PUT customizations: record, chunk and combined, None = not there."""
    body = object_body(value)
    given = [body.fields.get(name) for name in FORMATS]
    for name, text in zip(FORMATS, given, strict=True):
        if text is not None and not isinstance(text, str):
            body.wrong(name, "must be a json string")
    body.done()
    return dict(zip(("record", "chunk", "combined"), given, strict=True))


def bad_format(error: BadTemplate) -> WireError:
    return WireError(400, [f"{error.place} {error.reason}"])
