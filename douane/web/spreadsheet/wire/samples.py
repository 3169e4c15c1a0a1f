"""What a sample is asked for with, and how one is named (2.5, 2.8, 5.7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from douane.web.spreadsheet.wire.bodies import Body, is_mongo_id
from douane.web.spreadsheet.wire.columns import runtime_columns, schema_faults
from douane.web.spreadsheet.wire.errors import WireError
from douane.web.spreadsheet.wire.uploads import images_of

_KEY = re.compile(r"(?:.*/)?([0-9a-fA-F]{24})/sample\.xlsx")


@dataclass(frozen=True, slots=True)
class SampleFields:
    """`rows`: seeds by key. `schema` is None where the template's columns count; `images` = `imageSchema`."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    schema: list[dict[str, Any]] | None = None
    images: dict[str, list[str]] = field(default_factory=dict)
    import_id: str | None = None


def sample_fields(fields: Mapping[str, Any]) -> SampleFields:
    """Each of the three may be JSON text, as the peer has it, or the value itself."""
    body = Body({name: value for name, value in fields.items() if not isinstance(value, list | dict)})
    rows, schema, images = (
        fields[name] if isinstance(fields.get(name), list | dict) else body.json(name)
        for name in ("data", "schema", "imageSchema")
    )
    if rows is not None and not (isinstance(rows, list) and all(isinstance(row, dict) for row in rows)):
        body.wrong("data", "must be an array of objects")
    import_id = fields.get("importId") or None
    if import_id is not None and not is_mongo_id(import_id):
        body.wrong("importId", "must be a mongodb id")
    body.done()
    if schema is not None and (fault := schema_faults(schema)) is not None:
        raise WireError(400, fault)
    return SampleFields(
        rows=rows or [],
        schema=runtime_columns(schema) if schema else None,
        images=images_of(images),
        import_id=import_id.lower() if isinstance(import_id, str) else None,
    )


def sample_key(template_id: str) -> str:
    """`sampleFileUrl` of a template: what `signed-url` takes as `key` (5.8)."""
    return f"{template_id}/sample.xlsx"


def template_of_key(value: Any) -> str:
    """The template whose sample a `key` names."""
    body = Body(value if isinstance(value, dict) else {})
    key = body.text("key", required=True)
    body.done()
    found = _KEY.fullmatch(key or "")
    if found is None:
        raise WireError(404, "There is no file of this name.")
    return found[1].lower()
