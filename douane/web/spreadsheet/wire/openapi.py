"""Bodies and answers as OpenAPI describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from douane.model.sheet_import import POLICIES
from douane.web.spreadsheet.wire.bodies import INDEX_MAX
from douane.web.spreadsheet.wire.columns import column_properties
from douane.web.spreadsheet.wire.documents import CommonErrorBody, ErrorBody, Health, ProgressEvent
from douane.web.spreadsheet.wire.projects import INTEGRATIONS, MODES, NAME_MAX
from douane.web.spreadsheet.wire.uploads import FIXED, LINK_CHARS_MAX

# Bodies


BINARY: dict[str, Any] = {"type": "string", "format": "binary"}


def _body(properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": dict(properties), "required": list(required)}
    return {"application/json": {name: value for name, value in schema.items() if value != []}}


def _array(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"application/json": {"type": "array", "items": body["application/json"]}}


_TEXT: dict[str, Any] = {"type": "string"}
_SHORT: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": NAME_MAX}
_FLAG: dict[str, Any] = {"type": "boolean"}
_NUMBER: dict[str, Any] = {"type": "number"}
_TEXTS: dict[str, Any] = {"type": "array", "items": _TEXT}
_ID: dict[str, Any] = {"type": "string", "pattern": "^[0-9a-f]{24}$"}
_INDEX: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": INDEX_MAX}

LOGIN_BODY = _body({"email": _TEXT, "password": _TEXT}, "email", "password")
NEW_PROJECT_BODY = _body({"name": _SHORT, "authHeaderName": _TEXT}, "name")
CHANGED_PROJECT_BODY = _body({"name": _SHORT, "authHeaderName": _TEXT})
ALLOWED_DOMAINS_BODY = _body({"allowedDomains": _TEXTS}, "allowedDomains")
COLUMN_BODY = _body(column_properties(), "name", "key", "type")
COLUMNS_BODY = _array(COLUMN_BODY)
_FOR_ALL_COLUMNS = {"notes": {"type": "object"}, "decimal": _TEXT, "group": _TEXT}
TEMPLATE_BODY = _body(
    {
        "name": _SHORT,
        "_projectId": _ID,
        "integration": {"enum": list(INTEGRATIONS)},
        "callbackUrl": _TEXT,
        "chunkSize": _NUMBER,
        "confirmPolicy": {"enum": list(POLICIES)},
        "columns": COLUMNS_BODY["application/json"],
        **_FOR_ALL_COLUMNS,
    },
    "name",
    "_projectId",
)
CHANGED_TEMPLATE_BODY = _body(
    {
        "name": _SHORT,
        "mode": {"enum": list(MODES)},
        "expectedDateFormat": _TEXT,
        "confirmPolicy": {"enum": list(POLICIES)},
        **_FOR_ALL_COLUMNS,
    }
)
CUSTOMIZATION_BODY = _body({"recordFormat": _TEXT, "chunkFormat": _TEXT, "combinedFormat": _TEXT})
DUPLICATE_BODY = _body(
    {"name": _SHORT, "_projectId": _ID, "duplicateColumns": _FLAG, "duplicateOutput": _FLAG}, "name", "_projectId"
)
VALID_BODY = _body({"projectId": _TEXT, "templateId": _TEXT, "schema": _TEXT}, "projectId")
_UPLOAD_FIELDS = {
    "schema": _TEXT,
    "output": _TEXT,
    "extra": _TEXT,
    "authHeaderValue": _TEXT,
    "selectedSheetName": _TEXT,
    "headerLine": _TEXT,
    "encoding": _TEXT,
    "delimiter": _TEXT,
    "quote": _TEXT,
    "importId": _ID,
    "imageSchema": _TEXT,
    "maxRecords": _TEXT,
}
_FIXED: dict[str, Any] = {name: {"type": ["string", "object", "array", "number"]} for name in FIXED}
_WHOLE: dict[str, Any] = {"type": "integer", "minimum": 1}
TOKEN_BODY = _body({"templateId": _ID, "uploadId": _ID, "minutes": _WHOLE, **_FIXED}, "templateId")
LINK_BODY = _body(
    {
        "templateId": _ID,
        "name": {"type": "string", "maxLength": LINK_CHARS_MAX},
        "days": _WHOLE,
        "uses": {"type": ["integer", "null"], "minimum": 1},
        **_FIXED,
    },
    "templateId",
)
OPEN_LINK_BODY = _body({"link": _TEXT}, "link")
FILE_BODY = {"multipart/form-data": {"type": "object", "properties": {"file": BINARY}, "required": ["file"]}}
UPLOAD_BODY = {
    "multipart/form-data": {
        "type": "object",
        "properties": {"file": BINARY, **_UPLOAD_FIELDS},
    },
    **_body(_UPLOAD_FIELDS),
}
_SAMPLE_FIELDS = {"data": _TEXT, "schema": _TEXT, "imageSchema": _TEXT, "importId": _ID}
SAMPLE_BODY = {
    "multipart/form-data": {"type": "object", "properties": {"file": BINARY, **_SAMPLE_FIELDS}},
    **_body(_SAMPLE_FIELDS),
}
WORKBOOK_BODY = _body({"missing": {"enum": ["delete", "keep"]}, "conflicts": {"enum": ["refuse", "keep", "overwrite"]}})
SIGNED_URL_BODY = _body({"key": _TEXT}, "key")
HEADER_BODY = _body({"index": _INDEX, "headings": _TEXTS}, "headings")
CHOICES_BODY = _array(_body({"key": _TEXT, "name": _TEXT, "columnHeading": _TEXT}, "key"))
MAPPING_BODY = _body(
    {
        "headerRow": {**_INDEX, "type": ["integer", "null"]},
        "headings": _TEXTS,
        "columns": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"key": _TEXT, "heading": {**_INDEX, "type": ["integer", "null"]}},
                "required": ["key", "heading"],
            },
        },
        "dryRun": _FLAG,
        "agree": _FLAG,
    }
)
_NAMED: dict[str, Any] = {"type": ["string", "null"]}
READING_BODY = _body(
    {
        "sheet": _NAMED,
        "encoding": _NAMED,
        "delimiter": _NAMED,
        "quote": _NAMED,
        "headerLine": _NAMED,
        "dryRun": _FLAG,
        "agree": _FLAG,
    }
)
TAKE_BODY = _body({"agree": _FLAG})
RECORD_BODY = _body(
    {
        "index": _INDEX,
        "record": {"type": "object"},
        "updated": {"type": "object", "additionalProperties": _FLAG},
    },
    "index",
    "record",
    "updated",
)
RECORDS_BODY = _array(RECORD_BODY)
_FILTER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "type": {"enum": ["all", "valid", "invalid"]},
        "problemColumn": _TEXT,
        "rule": _TEXT,
        "changed": _FLAG,
        "find": _TEXT,
        "findIn": _TEXT,
        "caseSensitive": _FLAG,
        "matchEntireCell": _FLAG,
    },
    "additionalProperties": False,
}
DELETE_RECORDS_BODY = _body(
    {"indexes": {"type": "array", "items": _INDEX}, "valid": _NUMBER, "invalid": _NUMBER, "filter": _FILTER},
)
_VALUE: dict[str, Any] = {"type": ["string", "number", "boolean", "array", "null"]}
REPLACE_BODY = _body(
    {
        "find": _TEXT,
        "replace": _TEXT,
        "column": _TEXT,
        "caseSensitive": _FLAG,
        "matchEntireCell": _FLAG,
        "filter": _FILTER,
        "dryRun": _FLAG,
    },
    "column",
)
CHANGE_BODY = _body({"column": _TEXT, "value": _VALUE, "filter": _FILTER, "dryRun": _FLAG}, "column", "value", "filter")
DESTINATION_BODY = _body(
    {
        "destination": {"enum": ["webhook", "frontend", "bucket"]},
        "webhook": {
            "type": "object",
            "properties": {
                "callbackUrl": _TEXT,
                "authHeaderName": _TEXT,
                "chunkSize": {"type": "integer", "minimum": 1},
                "retryInterval": {"type": "integer", "minimum": 0},
                "retryCount": {"type": "integer", "minimum": 0},
                "secrets": {"type": "array", "items": _TEXT, "maxItems": 2},
                "send": {"enum": ["rows", "summary", "both"]},
                "rows": {"enum": ["all", "valid"]},
            },
            "required": ["callbackUrl", "chunkSize"],
        },
        "bucket": {"type": "object"},
    }
)
SEND_SAMPLE_BODY = _body({"extra": _TEXT, "authHeaderValue": _TEXT})
RETRY_BODY = _body(
    {
        "pages": {
            "type": "array",
            "items": {
                "anyOf": [
                    {"type": "integer", "minimum": 1},
                    {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 2, "maxItems": 2},
                ]
            },
        },
        "failed": _FLAG,
    }
)
SUGGESTIONS_BODY = _body(
    {
        "column": _TEXT,
        "instead": {"type": "object", "additionalProperties": _TEXT, "minProperties": 1},
        "filter": _FILTER,
        "dryRun": _FLAG,
    },
    "column",
    "instead",
)
VALUES_BODY = _body(
    {
        "column": _TEXT,
        "instead": {"type": "object", "additionalProperties": _TEXT, "minProperties": 1},
        "filter": _FILTER,
        "dryRun": _FLAG,
        "remember": _FLAG,
    },
    "column",
    "instead",
)
CELLS_BODY = _body(
    {
        "cells": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {"index": _INDEX, "column": _TEXT, "value": _VALUE},
                "required": ["index", "column", "value"],
            },
        }
    },
    "cells",
)
CONFIRM_BODY = _body({"maxRecords": _NUMBER})


# Answers with a body of their own form


def _described(kind: Any, *names: tuple[int, str]) -> dict[int, Any]:
    schema = msgspec.json.schema(kind)
    shown = schema["$defs"][kind.__name__]
    return {code: {"description": text, "content": {"application/json": {"schema": shown}}} for code, text in names}


COMMON_ERRORS = _described(
    CommonErrorBody,
    (400, "An id is malformed; or, in the usual form, the body is no JSON"),
    (404, "No such project or template, or a schema that cannot be used"),
    (422, "Keys occur twice"),
)
COMMON_ERRORS[400]["content"]["application/json"]["schema"] = {
    "anyOf": [msgspec.json.schema(kind)["$defs"][kind.__name__] for kind in (CommonErrorBody, ErrorBody)]
}
UNHEALTHY = _described(Health, (503, "Something does not answer"))
REVIEW_BEGUN = {
    code: {**answer, "headers": {"Location": {"description": "Where progress is", "schema": {"type": "string"}}}}
    for code, answer in _described(ProgressEvent, (202, "Begun; the work goes on")).items()
}
