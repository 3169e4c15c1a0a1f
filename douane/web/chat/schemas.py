"""What bodies and queries of `/api/v1` must look like, judged as AJV 8 with type coercion judges them: the first
failure in its words and its order (contract 2.5; the schemas are those of the published request validators).

Only what these schemas use: `type`, `nullable`, `properties`, `required`, `additionalProperties`, `items`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]


class Fault(Exception):
    """The first thing that is wrong, as a message."""


def coerced(schema: Schema, value: Any) -> Any:
    """The value with its parts brought to the schema's types; Fault when that cannot be. Changes nothing given."""
    kind = schema.get("type")
    if kind is not None:
        value = _of_kind(kind, value, bool(schema.get("nullable")))
    if isinstance(value, dict):
        for name in schema.get("required", ()):
            if name not in value:
                raise Fault(f"must have required property '{name}'")
        properties: Mapping[str, Schema] = schema.get("properties", {})
        if schema.get("additionalProperties") is False and any(name not in properties for name in value):
            raise Fault("must NOT have additional properties")
        value = dict(value)
        for name, part in properties.items():
            if name in value:
                value[name] = coerced(part, value[name])
    elif isinstance(value, list) and "items" in schema:
        value = [coerced(schema["items"], one) for one in value]
    return value


_WHOLE = re.compile(r"\s*0([xX][0-9a-fA-F]{1,12}|[oO][0-7]{1,16}|[bB][01]{1,52})\s*\Z")
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?)\s*\Z")


def _of_kind(kind: str, value: Any, nullable: bool) -> Any:
    """JavaScript's view of the value as a `kind`: numbers, booleans, texts and null turn into one another, objects and
    arrays into nothing else."""
    if value is None and nullable:
        return None
    match kind:
        case "object" if isinstance(value, dict):
            return value
        case "array" if isinstance(value, list):
            return value
        case "string":
            if isinstance(value, str):
                return value
            if value is None:
                return ""
            if isinstance(value, bool):
                return "true" if value else "false"
            if isinstance(value, int | float):
                return _number_text(value)
        case "boolean":
            if isinstance(value, bool):
                return value
            if value is None or value in ("false", 0):
                return False
            if value in ("true", 1):
                return True
        case "number":
            if isinstance(value, int | float) and not isinstance(value, bool):
                return value
            if value is None:
                return 0
            if isinstance(value, bool):
                return int(value)
            if isinstance(value, str) and _NUMBER.match(value):
                number = float(value)
                if math.isfinite(number):
                    return int(number) if number.is_integer() and abs(number) < 1 << 53 else number
            if isinstance(value, str) and _WHOLE.match(value):
                return int(value.strip(), 0)
    if nullable and (value == "" or value is False or (value == 0 and isinstance(value, int | float))):
        return None
    raise Fault(f"must be {kind}")


def _number_text(value: float) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return str(value)


def _object(properties: Schema, required: tuple[str, ...] = (), *, closed: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": dict(properties), "required": list(required)}
    if closed:
        found["additionalProperties"] = False
    return found


_TEXT: Schema = {"type": "string"}
_TEXT_OR_NOT: Schema = {"type": "string", "nullable": True}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_FLAG: Schema = {"type": "boolean"}
_RECORDS = _object({"all": _FLAG, "list": _TEXTS})

NOTHING = _object({}, closed=True)
UPLOAD = _object(
    {"binaryContent": _TEXT, "contentType": _TEXT, "fileName": _TEXT, "importerKey": _TEXT},
    ("binaryContent", "contentType", "fileName", "importerKey"),
    closed=True,
)
DOWNLOAD = _object({"fileUrl": _TEXT, "importerKey": _TEXT}, ("fileUrl", "importerKey"), closed=True)
START = _object(
    {"input": _object({"users": _RECORDS, "channels": _RECORDS, "contacts": _RECORDS})}, ("input",), closed=True
)
# Up to 6.x the lists themselves were sent, each record with its mark (contract 3.3).
START_BY_MARKS = _object(
    {
        "input": _object(
            {
                "users": {
                    "type": "array",
                    "items": _object(
                        {
                            "user_id": _TEXT,
                            "username": _TEXT,
                            "email": _TEXT_OR_NOT,
                            "is_deleted": _FLAG,
                            "is_bot": _FLAG,
                            "do_import": _FLAG,
                            "is_email_taken": _FLAG,
                        },
                        ("user_id", "username", "is_deleted", "is_bot", "do_import", "is_email_taken"),
                    ),
                },
                "channels": {
                    "type": "array",
                    "items": _object(
                        {
                            "channel_id": _TEXT,
                            "name": _TEXT,
                            "creator": _TEXT,
                            "is_archived": _FLAG,
                            "do_import": _FLAG,
                            "is_private": _FLAG,
                            "is_direct": _FLAG,
                        },
                        ("channel_id", "name", "is_archived", "do_import", "is_private", "is_direct"),
                    ),
                },
            },
            ("users", "channels"),
        )
    },
    ("input",),
    closed=True,
)
ADD_USERS = _object(
    {
        "users": {
            "type": "array",
            "items": _object(
                {
                    "username": _TEXT_OR_NOT,
                    "emails": _TEXTS,
                    "importIds": _TEXTS,
                    "name": _TEXT_OR_NOT,
                    "utcOffset": {"type": "number", "nullable": True},
                    "avatarUrl": _TEXT_OR_NOT,
                    "deleted": {"type": "boolean", "nullable": True},
                    "statusText": _TEXT_OR_NOT,
                    "roles": {"type": "array", "items": _TEXT, "nullable": True},
                    "type": _TEXT_OR_NOT,
                    "bio": _TEXT_OR_NOT,
                    "password": _TEXT_OR_NOT,
                },
                ("emails", "importIds"),
            ),
        }
    },
    ("users",),
    closed=True,
)
