"""Who did what, from where: one line in the audit table and one in the log for each.

Who asks is known where a request begins (`asking`); what happens is noted where it is done (`note`). Neither ever holds
a cell, a password or a key.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from douane.errors import BadRequest, DouaneError
from douane.flow.house import House
from douane.store import audit
from douane.store.audit import AuditLine
from douane.store.database import database_now, read, write

# What is noted, and what it means: `douane audit --help` and docs/operations.md list these.
ACTIONS = {
    "sign_in": "somebody signed in; refused: a wrong password or name; limited: too many of them",
    "sign_out": "a session was ended by who had it",
    "person.add": "a person was added",
    "person.disable": "a person was disabled, and signed out everywhere",
    "person.enable": "a disabled person may sign in again",
    "person.password": "a password was set",
    "role.set": "a person's role in a project was set, or taken away",
    "project.add": "a project was made",
    "project.change": "a project's name or allowed pages were changed",
    "project.remove": "a project was deleted with all that is in it",
    "key.add": "an access key was made",
    "key.show": "the project's access key was shown to a person",
    "key.revoke": "an access key was revoked",
    "token.add": "a personal token was made",
    "token.revoke": "a personal token was revoked",
    "import_token.add": "a short-lived token of one page was made",
    "import_token.revoke": "one was revoked before its end",
    "link.add": "an import link was made",
    "link.open": "an import link was opened; refused: it has expired, was revoked, or is used up",
    "link.revoke": "an import link was revoked",
    "template.remove": "a template was deleted",
    "learned.forget": "what was learned of a template's headings and values was forgotten",
    "destination.set": "where a template's records go was set, or cleared",
    "import.send_again": "records of an import were sent to their destination again",
    "import.confirm": "an import was completed by a person or program",
    "import.remove": "an import was terminated or cleared, and its file with it",
    "records.remove": "records were taken out of an import",
    "import.forget": "an upload was forgotten: its file, its rows and all that was changed in it",
    "rows.forget": "rows with a value were forgotten in all uploads of a template",
    "rows.export": "rows were pulled",
    "file.export": "an original file or a file of a message was downloaded",
    "chat.export": "people, rooms or messages of a workspace were pulled as a whole",
}

log = structlog.get_logger()


@dataclass(slots=True)
class Asking:
    """Who asks, as far as it is known yet: filled in while a request goes on."""

    address: str = ""
    request_id: str = ""
    who: str = ""
    person_id: str | None = None
    key_id: str | None = None
    project_id: str | None = None


_asking: ContextVar[Asking | None] = ContextVar("douane_asking", default=None)


@contextmanager
def asking(address: str, request_id: str = "") -> Iterator[Asking]:
    """Whatever is noted within was asked for from this address."""
    found = Asking(address, request_id)
    token = _asking.set(found)
    try:
        yield found
    finally:
        _asking.reset(token)


def asked_by(
    who: str, *, person_id: str | None = None, key_id: str | None = None, project_id: str | None = None
) -> None:
    """Who it is that asks, once that is known."""
    found = _asking.get()
    if found is not None:
        found.who, found.person_id, found.key_id, found.project_id = who, person_id, key_id, project_id


def note(
    house: House,
    action: str,
    *,
    refused: bool = False,
    who: str | None = None,
    person_id: str | None = None,
    project_id: str | None = None,
    **about: Any,
) -> None:
    """Notes one thing that was done, or was tried and refused. Never fails: what was done is done, and where the table
    cannot be written the log has it."""
    assert action in ACTIONS, action
    by = _asking.get() or Asking(who="the command line")
    line = AuditLine(
        action=action,
        refused=refused,
        who=by.who if who is None else who,
        person_id=person_id or by.person_id,
        key_id=by.key_id,
        project_id=project_id or by.project_id,
        address=by.address,
        request_id=by.request_id,
        about={name: value for name, value in about.items() if value is not None},
    )
    shown = {name: getattr(line, name) for name in ("who", "key_id", "project_id", "address") if getattr(line, name)}
    event = f"audit.{action}.refused" if refused else f"audit.{action}"
    (log.warning if refused else log.info)(event, **shown, **line.about)
    try:
        with write(house.engine) as connection:
            audit.add(connection, line)
    except DouaneError as error:
        log.warning("audit.unwritten", action=action, code=error.code, message=error.message)


@dataclass(frozen=True, slots=True)
class Sought:
    """Which lines: those of the last `days`, and of each of the others where it is given. `action` may be a beginning,
    such as `key`; `refused`: only what was refused."""

    days: float | None = None
    action: str | None = None
    who: str | None = None
    project_id: str | None = None
    refused: bool = False


def lines(house: House, count: int, sought: Sought = Sought()) -> list[AuditLine]:
    """The newest `count` lines that fit, newest first."""
    action = sought.action
    actions = [one for one in ACTIONS if action is None or one == action or one.startswith(f"{action}.")]
    if not actions:
        raise BadRequest(f"There is no action {action}; there are: {', '.join(ACTIONS)}.")
    with read(house.engine) as connection:
        since: datetime | None = None
        if sought.days is not None:
            since = database_now(connection) - timedelta(days=sought.days)
        return audit.latest(
            connection,
            count,
            since=since,
            actions=actions if action is not None else (),
            who=sought.who,
            project_id=sought.project_id,
            refused=sought.refused,
        )


def forget_old(house: House) -> None:
    """What is older than the setting `audit_days`."""
    with write(house.engine) as connection:
        audit.forget_before(connection, database_now(connection) - timedelta(days=house.settings.audit_days))
