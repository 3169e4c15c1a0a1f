"""The fields that come with a file (2.4)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import msgspec

from douane.model.identity import ImportToken
from douane.web.spreadsheet.wire.bodies import INDEX_MAX, NUMBER_TEXT, Body, is_mongo_id
from douane.web.spreadsheet.wire.columns import runtime_columns, schema_faults
from douane.web.spreadsheet.wire.errors import WireError


@dataclass(frozen=True, slots=True)
class UploadFields:
    """The fields beside the file. `schema` is None where the template's columns count, and then `output` counts for
    nothing; `images` = `imageSchema`."""

    schema: list[dict[str, Any]] | None = None
    output: str | None = None
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
    body.json("output")
    images = body.json("imageSchema")
    extra = body.text("extra")
    auth_header = body.text("authHeaderValue")
    sheet = body.text("selectedSheetName")
    header, quote = body.text("headerLine"), body.text("quote")
    if header and not is_header_line(header):
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
    return UploadFields(
        schema=runtime_columns(schema) if schema else None,
        images=images_of(images),
        output=fields.get("output") or None,
        import_id=import_id.lower() if isinstance(import_id, str) else None,
        sheet=sheet or None,
        encoding=body.text("encoding") or None,
        delimiter=body.text("delimiter") or None,
        header=header_line(header),
        quote="" if quote and quote.lower() == "none" else quote or None,
        rows_max=int(min(float(rows_max), INDEX_MAX)) if rows_max else None,
        kept={name: value for name, value in kept.items() if value is not None},
    )


# What a token's maker may fix: the page that holds the token then has no say in it.
FIXED = ("schema", "output", "imageSchema", "extra", "authHeaderValue", "maxRecords")
# What changes the rules is for the token's maker alone.
_RULES = ("schema", "output", "imageSchema")
LINK_CHARS_MAX = 200
ONE_IMPORT = "This import token is for one import, which is there already."


def fixed_fields(fields: Mapping[str, Any], token: ImportToken | None) -> Mapping[str, Any]:
    """The fields of an upload, with those that its token fixed in place of what the page says. A page that holds a
    token says nothing about the rules."""
    if token is None:
        return fields
    for name in _RULES:
        if fields.get(name) and name not in token.fields:
            raise WireError(403, f"With an import token, {name} is given by who asks for the token.")
    return {**fields, **token.fields}


def fixed_columns(token: ImportToken | None) -> list[dict[str, Any]] | None:
    """The columns of the schema that a token brings; None where it brings none."""
    if token is None or "schema" not in token.fields:
        return None
    return runtime_columns(msgspec.json.decode(token.fields["schema"]))


def is_header_line(text: str) -> bool:
    return text.strip().lower() == "none" or re.fullmatch(r"0|[1-9][0-9]{0,8}", text.strip()) is not None


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


def shown_file_name(name: str) -> str:
    """The base name, six random characters, the suffix (3.5)."""
    path = PurePath(name)
    mark = "".join(secrets.choice("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(6))
    return f"{path.stem}-{mark}{path.suffix}"
