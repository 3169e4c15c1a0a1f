"""The fields that come with a file (2.4), and the formats made of them (8.3)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import msgspec

from douane.web.spreadsheet.wire.bodies import INDEX_MAX, NUMBER_TEXT, Body, is_mongo_id
from douane.web.spreadsheet.wire.columns import runtime_columns, schema_faults
from douane.web.spreadsheet.wire.errors import WireError


@dataclass(frozen=True, slots=True)
class UploadFields:
    """The fields beside the file. `schema` is None where the template's columns count; `images` = `imageSchema`."""

    schema: list[dict[str, Any]] | None = None
    images: dict[str, list[str]] = field(default_factory=dict)
    import_id: str | None = None
    sheet: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    header: int | None = None
    quote: str | None = None
    rows_max: int | None = None
    kept: dict[str, Any] = field(default_factory=dict)


def upload_fields(fields: Mapping[str, Any]) -> UploadFields:
    """What came with the file, judged. `kept` is what the surface wants back on its documents."""
    body = Body(fields)
    schema = body.json("schema")
    output = body.json("output")
    images = body.json("imageSchema")
    extra = body.text("extra")
    auth_header = body.text("authHeaderValue")
    sheet = body.text("selectedSheetName")
    header, quote = body.text("headerLine"), body.text("quote")
    if header and not (header.strip().lower() == "none" or re.fullmatch(r"0|[1-9][0-9]{0,8}", header.strip())):
        body.wrong("headerLine", "must be a line number or none")
    if quote and quote.lower() != "none" and len(quote) != 1:
        body.wrong("quote", "must be one character or none")
    import_id = fields.get("importId") or None
    if import_id is not None and not is_mongo_id(import_id):
        body.wrong("importId", "must be a mongodb id")
    rows_max = fields.get("maxRecords")
    rows_max = None if rows_max == "" else rows_max
    if rows_max is not None and not (isinstance(rows_max, str) and NUMBER_TEXT.fullmatch(rows_max)):
        body.wrong("maxRecords", "must be a number string")
    body.done()
    if schema is not None and (fault := schema_faults(schema)) is not None:
        raise WireError(400, fault)
    kept = {"extra": extra, "authHeaderValue": auth_header}
    if schema and isinstance(output, dict) and (formats := split_format(output)) is not None:
        kept["customRecordFormat"], kept["customChunkFormat"] = (msgspec.json.encode(one).decode() for one in formats)
    return UploadFields(
        schema=runtime_columns(schema) if schema else None,
        images=images_of(images),
        import_id=import_id.lower() if isinstance(import_id, str) else None,
        sheet=sheet or None,
        encoding=body.text("encoding") or None,
        delimiter=body.text("delimiter") or None,
        header=header_line(header),
        quote="" if quote and quote.lower() == "none" else quote or None,
        rows_max=int(min(float(rows_max), INDEX_MAX)) if rows_max else None,
        kept={name: value for name, value in kept.items() if value is not None},
    )


def header_line(text: str | None) -> int | None:
    """Our own field: the line the headings stand on, 0 = none."""
    if not text or not text.strip():
        return None
    return 0 if text.strip().lower() == "none" else int(text)


def images_of(value: Any) -> dict[str, list[str]]:
    """`imageSchema`: the names of the images of a column, by its key."""
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(
        isinstance(names, list) and all(isinstance(name, str) for name in names) for names in value.values()
    ):
        raise WireError(400, ["imageSchema must be a json string"])
    return value


def with_images(columns: Sequence[Mapping[str, Any]], images: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    """`imageSchema` replaces the list of the columns it names (5.6)."""
    return [{**one, "selectValues": images[one["key"]]} if one["key"] in images else dict(one) for one in columns]


def split_format(combined: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """A combined format → (record format, chunk format), cut at the one key that stands between percent signs (8.3).
    None if there is none."""
    found: list[Any] = []

    def walk(value: Any) -> Any:
        if isinstance(value, list):
            return [walk(item) for item in value]
        if not isinstance(value, dict):
            return value
        shown: dict[str, Any] = {}
        for name, item in value.items():
            if not found and len(name) > 2 and name.startswith("%") and name.endswith("%"):
                found.append(item)
                shown[name.strip("%")] = "{{data}}"
            else:
                shown[name] = walk(item)
        return shown

    chunk = walk(combined)
    return (found[0], chunk) if found else None


def default_record_format(columns: Sequence[Mapping[str, Any]]) -> str:
    return msgspec.json.encode({one["key"]: "{{" + one["key"] + "}}" for one in columns}).decode()


DEFAULT_CHUNK_FORMAT = msgspec.json.encode(
    {
        "data": "{{data}}",
        "page": "{{page}}",
        "chunkSize": "{{chunkSize}}",
        "template": "{{template}}",
        "uploadId": "{{uploadId}}",
        "fileName": "{{fileName}}",
        "extra": "{{extra}}",
    }
).decode()


def shown_file_name(name: str) -> str:
    """The base name, six random characters, the suffix (3.5)."""
    path = PurePath(name)
    mark = "".join(secrets.choice("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(6))
    return f"{path.stem}-{mark}{path.suffix}"
