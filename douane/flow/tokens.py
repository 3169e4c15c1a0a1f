"""Import tokens and import links: importing into one template without the project's key.

A token is for a page: a server asks for it with the project's key, and hands it to the page in its place. A link is for
a person: whoever opens it gets a token of their own. Both end by themselves, and reach nothing but their template and
the imports they made.
"""

from __future__ import annotations

import secrets as random_source
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from douane.errors import BadRequest, NotAllowed, NotFound
from douane.flow import audit
from douane.flow.house import House
from douane.flow.identity import Secrets
from douane.model.identity import BY_TOKEN, Caller, ImportLink, ImportToken
from douane.model.operation import OPEN, Operation
from douane.store import operations, templates, tokens
from douane.store.database import database_now, read, write
from douane.store.ids import new_id

PREFIX = "dt_"  # no access key begins so: those are hexadecimal
IDLE_MAX = 1000  # tokens of one link that made no import yet
EXPIRED_KEPT = timedelta(days=1)  # so that who comes late is told why


def of_token(house: House, secrets: Secrets, text: str) -> tuple[Caller, tuple[str, ...]] | None:
    """The caller that a token stands for, with the web domains it may be used from (none = any). NotAllowed where it
    has expired."""
    with read(house.engine) as connection:
        found = tokens.token(connection, secrets.hash(text))
    if found is None:
        return None
    token, allowed_domains, expired = found
    if expired:
        raise NotAllowed("This import token has expired; please open the import again.", code="token_expired")
    return Caller(token.project_id, BY_TOKEN, key_id=token.id, token=token), allowed_domains


def sees(caller: Caller, operation: Operation) -> bool:
    """Whether the import is among those that the caller's token is for; true without a token."""
    token = caller.token
    if token is None:
        return True
    if operation.template_id != token.template_id:
        return False
    return operation.id == token.operation_id or operation.token_id == token.id


# Tokens


@dataclass(frozen=True, slots=True)
class NewToken:
    """`minutes` None: as the setting says. `operation_id`: for this import alone."""

    template_id: str
    minutes: int | None = None
    operation_id: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


def add_token(house: House, secrets: Secrets, project_id: str, new: NewToken) -> tuple[str, ImportToken]:
    """(the token, which is shown once; what is kept of it). NotFound for a template that is not the project's, or an
    import that is not the template's or has ended."""
    settings = house.settings
    lasts = settings.token_minutes if new.minutes is None else new.minutes
    _refuse_beyond("minutes", lasts, settings.token_minutes_max, "token_minutes_max")
    text = PREFIX + random_source.token_urlsafe(32)
    with write(house.engine) as connection:
        _refuse_unknown(connection, project_id, new.template_id)
        if new.operation_id is not None:
            operation = operations.get(connection, new.operation_id, project_id)
            if operation.template_id != new.template_id or operation.stage not in OPEN:
                raise NotFound("There is no such import.")
        now = database_now(connection)
        made = ImportToken(
            new_id(),
            project_id,
            new.template_id,
            created_at=now,
            expires_at=now + timedelta(minutes=lasts),
            operation_id=new.operation_id,
            fields=dict(new.fields),
        )
        tokens.add_token(connection, made, secrets.hash(text))
    about: dict[str, Any] = {"token": made.id, "template": made.template_id, "operation": made.operation_id}
    audit.note(house, "import_token.add", project_id=project_id, **about)
    return text, made


def revoke_token(house: House, project_id: str, token_id: str) -> None:
    with write(house.engine) as connection:
        if not tokens.revoke_token(connection, project_id, token_id):
            raise NotFound(f"Token with id {token_id} does not exist")
    audit.note(house, "import_token.revoke", project_id=project_id, token=token_id)


def take_use(connection: Connection, operation: Operation) -> None:
    """In the transaction that makes an import: NotAllowed where it came by a link that has no use left."""
    if operation.link_id is None:
        return
    found = tokens.lock_link(connection, operation.link_id)
    if found is None or found.revoked_at is not None:
        raise NotAllowed("This import link was revoked.", code="link_over")
    if found.uses_max is not None and found.uses >= found.uses_max:
        raise NotAllowed("This import link was used already.", code="link_over")


# Links


@dataclass(frozen=True, slots=True)
class NewLink:
    """`days` None: as the setting says. `uses_max`: imports through it, None = any number."""

    template_id: str
    name: str = ""
    days: int | None = None
    uses_max: int | None = 1
    fields: Mapping[str, Any] = field(default_factory=dict)


def add_link(house: House, secrets: Secrets, project_id: str, new: NewLink) -> tuple[str, ImportLink]:
    """(its address, which is shown once; what is kept of it)."""
    settings = house.settings
    lasts = settings.link_days if new.days is None else new.days
    _refuse_beyond("days", lasts, settings.link_days_max, "link_days_max")
    if new.uses_max is not None and not 1 <= new.uses_max <= 1_000_000:
        raise BadRequest("A link has from 1 to 1,000,000 uses, or any number.")
    text = random_source.token_urlsafe(24)
    with write(house.engine) as connection:
        _refuse_unknown(connection, project_id, new.template_id)
        now = database_now(connection)
        made = ImportLink(
            new_id(),
            project_id,
            new.template_id,
            new.name.strip()[:200],
            created_at=now,
            expires_at=now + timedelta(days=lasts),
            uses_max=new.uses_max,
            fields=dict(new.fields),
        )
        tokens.add_link(connection, made, secrets.hash(text))
    audit.note(house, "link.add", project_id=project_id, link=made.id, template=made.template_id, name=made.name)
    return f"{settings.address}/i/{text}", made


def links(house: House, project_id: str, template_id: str | None = None) -> list[ImportLink]:
    with read(house.engine) as connection:
        return tokens.links(connection, project_id, template_id)


def revoke_link(house: House, project_id: str, link_id: str) -> ImportLink:
    """Refused from now on, and with it all that was opened through it; imports that it made stay."""
    with write(house.engine) as connection:
        found = tokens.revoke_link(connection, project_id, link_id)
    if found is None:
        raise NotFound(f"Link with id {link_id} does not exist")
    audit.note(house, "link.revoke", project_id=project_id, link=link_id)
    return found


def open_link(house: House, secrets: Secrets, text: str) -> tuple[str, ImportToken]:
    """A token of its own for who opens a link. A link that is good for one import goes on with the one it began, as
    long as that is open. NotFound for an unknown link, NotAllowed where it is over."""
    token_text = PREFIX + random_source.token_urlsafe(32)
    with write(house.engine) as connection:
        link = tokens.link(connection, secrets.hash(text))
        over = "" if link is None else _over(connection, link)
        if link is not None and not over:
            begun = operations.of_link(connection, link.id) if link.uses_max == 1 else []
            if begun and begun[0].stage not in OPEN:
                over = "This import link was used already; what was imported with it has arrived."
            else:
                tokens.forget_oldest(connection, link.id, IDLE_MAX - 1)
                now = database_now(connection)
                made = ImportToken(
                    new_id(),
                    link.project_id,
                    link.template_id,
                    created_at=now,
                    expires_at=now + timedelta(minutes=house.settings.token_minutes_max),
                    link_id=link.id,
                    operation_id=begun[0].id if begun else None,
                    fields=link.fields,
                )
                tokens.add_token(connection, made, secrets.hash(token_text))
    if link is None:
        raise NotFound("There is no such import link.")
    audit.note(house, "link.open", refused=bool(over), who="an import link", project_id=link.project_id, link=link.id)
    if over:
        raise NotAllowed(over, code="link_over")
    return token_text, made


def _over(connection: Connection, link: ImportLink) -> str:
    """Why a link opens nothing any more."""
    if link.revoked_at is not None:
        return "This import link was revoked."
    if link.expires_at <= database_now(connection):
        return "This import link has expired; please ask for a new one."
    if link.uses_max is not None and link.uses_max > 1 and link.uses >= link.uses_max:
        return "This import link was used as often as it may be; please ask for a new one."
    return ""


def forget_old(house: House) -> None:
    """Tokens that expired a day ago, links that did a retention time ago."""
    with write(house.engine) as connection:
        now = database_now(connection)
        tokens.forget_expired(connection, now - EXPIRED_KEPT, now - timedelta(days=house.settings.retention_days))


def _refuse_unknown(connection: Connection, project_id: str, template_id: str) -> None:
    if templates.get(connection, template_id, project_id) is None:
        raise NotFound(f"Template with id {template_id} does not exist")


def _refuse_beyond(name: str, asked: int, most: int, setting: str) -> None:
    if not 1 <= asked <= most:
        raise BadRequest(f"{name} must be from 1 to {most} (setting {setting})")
