"""The words of import tokens and import links (docs/wire-spreadsheet.md, "Without the project's key")."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from douane.flow.tokens import NewLink, NewToken
from douane.model.identity import ImportLink, ImportToken
from douane.web.spreadsheet.wire.bodies import Body, is_mongo_id, object_body
from douane.web.spreadsheet.wire.live import moment
from douane.web.spreadsheet.wire.uploads import FIXED, LINK_CHARS_MAX, upload_fields

_NUMBER_MAX = 10**9


class TokenDocument(Struct, rename={"id_": "_id"}):
    """`token` goes into the header `accesskey`, or to the widget as its `accessToken`. `uploadId`: the import it goes
    on with; null: it makes its own."""

    id_: str
    token: str
    projectId: str
    templateId: str
    uploadId: str | None
    expiresAt: str


class RevokedDocument(Struct, rename={"id_": "_id"}):
    id_: str


class LinkDocument(Struct, rename={"id_": "_id"}, kw_only=True, omit_defaults=True):
    """`url` is shown once, when the link is made. `usesMax`: imports that may be made through it; null: any number."""

    id_: str
    templateId: str
    name: str
    uses: int
    usesMax: int | None
    createdAt: str
    expiresAt: str
    revokedAt: str | None
    url: str = ""


def new_token(value: Any) -> NewToken:
    body = object_body(value)
    template_id = _id(body, "templateId", required=True)
    operation_id = _id(body, "uploadId")
    minutes = _whole(body, "minutes")
    fields = _fixed(body)
    body.done()
    upload_fields(fields)
    return NewToken(template_id or "", minutes, operation_id, fields)


def new_link(value: Any) -> NewLink:
    """One use, unless the body says otherwise: `uses` null = any number."""
    body = object_body(value)
    template_id = _id(body, "templateId", required=True)
    name = body.text("name") or ""
    if len(name) > LINK_CHARS_MAX:
        body.wrong("name", f"must be shorter than or equal to {LINK_CHARS_MAX} characters")
    days = _whole(body, "days")
    uses = 1 if "uses" not in body.fields else _whole(body, "uses")
    fields = _fixed(body)
    body.done()
    upload_fields(fields)
    return NewLink(template_id or "", name, days, uses, fields)


def opened_link(value: Any) -> str:
    body = object_body(value)
    link = body.text("link", required=True)
    body.done()
    return (link or "")[:LINK_CHARS_MAX]


def _id(body: Body, name: str, *, required: bool = False) -> str | None:
    value = body.fields.get(name)
    if value is None and not required:
        return None
    if not is_mongo_id(value):
        body.wrong(name, "must be a mongodb id")
        return None
    return str(value).lower()


def _whole(body: Body, name: str) -> int | None:
    value = body.number(name)
    if value is None:
        return None
    if value != int(value):
        body.wrong(name, "must be an integer number")
        return None
    return max(-_NUMBER_MAX, min(int(value), _NUMBER_MAX))


def _fixed(body: Body) -> dict[str, Any]:
    """As an upload's form has them: text, and JSON as text."""
    found: dict[str, Any] = {}
    for name in FIXED:
        value = body.fields.get(name)
        if value is None or value == "":
            continue
        if isinstance(value, bool):
            body.wrong(name, "must be a string")
        else:
            found[name] = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return found


def token(text: str, made: ImportToken) -> TokenDocument:
    return TokenDocument(made.id, text, made.project_id, made.template_id, made.operation_id, moment(made.expires_at))


def link(made: ImportLink, url: str = "") -> LinkDocument:
    return LinkDocument(
        id_=made.id,
        templateId=made.template_id,
        name=made.name,
        uses=made.uses,
        usesMax=made.uses_max,
        createdAt=moment(made.created_at),
        expiresAt=moment(made.expires_at),
        revokedAt=None if made.revoked_at is None else moment(made.revoked_at),
        url=url,
    )
