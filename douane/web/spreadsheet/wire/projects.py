"""Bodies of projects, templates and signing in (2.2, 2.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from douane.model.sheet_import import POLICIES
from douane.web.spreadsheet.wire.bodies import Body, is_mongo_id, object_body
from douane.web.spreadsheet.wire.columns import column_bodies


@dataclass(frozen=True, slots=True)
class NewTemplateBody:
    name: str
    project_id: str
    document: dict[str, Any]
    columns: list[dict[str, Any]]


INTEGRATIONS = ("Javascript", "React", "Angular", "Bubble")
MODES = ("manual", "automatic")
NAME_MAX = 300


# As the peer takes it: a host with a top-level domain or an address in digits, so no `localhost` (2.5).
_HOST = r"(?:[^\s/?#@:]+\.[^\W\d_][^\s/?#.:@]*|\d{1,3}(?:\.\d{1,3}){3})"
_URL = re.compile(rf"(?:(?:https?|ftp)://)?(?:[^\s/?#@]+@)?{_HOST}(?::\d{{1,5}})?(?:[/?#]\S*)?")


def new_template(value: Any) -> NewTemplateBody:
    body = object_body(value)
    name = _name(body, required=True)
    project_id = body.fields.get("_projectId")
    if not is_mongo_id(project_id):
        body.wrong("_projectId", "must be a mongodb id")
    integration = body.choice("integration", INTEGRATIONS)
    address = body.text("callbackUrl")
    if address and _URL.fullmatch(address) is None:
        body.wrong("callbackUrl", "must be a URL address")
    body.number("chunkSize")
    policy = body.choice("confirmPolicy", POLICIES)
    given = body.fields.get("columns")
    if given is not None and not isinstance(given, list):
        body.wrong("columns", "must be an array")
    body.done()
    columns = column_bodies(given) if given else []
    return NewTemplateBody(
        name=name or "",
        project_id=str(project_id).lower(),
        document={
            "mode": "manual",
            **({"integration": integration} if integration else {}),
            **({"confirmPolicy": policy} if policy else {}),
            **_for_all(body),
        },
        columns=columns,
    )


def changed_template(value: Any) -> tuple[str | None, dict[str, Any]]:
    """(new name or None, changes of the document)."""
    body = object_body(value)
    name = _name(body)
    changes = {
        "mode": body.choice("mode", MODES),
        "expectedDateFormat": body.text("expectedDateFormat"),
        "confirmPolicy": body.choice("confirmPolicy", POLICIES),
    }
    body.done()
    return name, {key: found for key, found in changes.items() if found is not None} | _for_all(body)


def _for_all(body: Body) -> dict[str, Any]:
    """Ours: what a template says of all its columns beside the contract's `expectedDateFormat`, as it is given; the
    definition judges it."""
    return {name: body.fields[name] for name in ("notes", "decimal", "group") if body.fields.get(name) is not None}


def duplicated_template(value: Any) -> tuple[str, str, bool, bool, bool]:
    """(name, project id, whether with columns, with the output formats, with the destination)."""
    body = object_body(value)
    name = _name(body, required=True)
    project_id = body.fields.get("_projectId")
    if not is_mongo_id(project_id):
        body.wrong("_projectId", "must be a mongodb id")
    with_columns, with_output = body.flag("duplicateColumns"), body.flag("duplicateOutput")
    with_destination = body.flag("duplicateDestination")
    body.flag("duplicateValidations")
    body.done()
    return name or "", str(project_id).lower(), bool(with_columns), bool(with_output), bool(with_destination)


def new_project(value: Any) -> tuple[str, str | None]:
    """(name, header name for webhooks)."""
    body = object_body(value)
    name = _name(body, required=True)
    header = _short(body, "authHeaderName")
    body.done()
    return name or "", header


def changed_project(value: Any) -> dict[str, Any]:
    body = object_body(value)
    changes = {"name": _name(body), "auth_header_name": _short(body, "authHeaderName")}
    body.done()
    return {key: found for key, found in changes.items() if found is not None}


def allowed_domains(value: Any) -> list[str]:
    body = object_body(value)
    domains = body.texts("allowedDomains")
    if body.fields.get("allowedDomains") is None:
        body.wrong("allowedDomains", "must be an array")
    body.done()
    return list(dict.fromkeys(domains or []))


def login(value: Any) -> tuple[str, str]:
    """(e-mail or username, password)."""
    body = object_body(value)
    email = body.text("email", required=True)
    password = body.text("password", required=True)
    body.done()
    return email or "", password or ""


def _name(body: Body, *, required: bool = False) -> str | None:
    name = _short(body, "name", required=required)
    if name == "" and not required:
        body.wrong("name", "should not be empty")
    return name


def _short(body: Body, name: str, *, required: bool = False) -> str | None:
    value = body.text(name, required=required)
    if value is not None and len(value) > NAME_MAX:
        body.wrong(name, f"must be shorter than or equal to {NAME_MAX} characters")
    return value
