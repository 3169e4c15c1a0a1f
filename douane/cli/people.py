"""`douane user` and `douane audit`: who may sign in, what they may do where, and who did what."""

from __future__ import annotations

import json
import secrets
import sys
from datetime import UTC
from getpass import getpass

from rich.table import Table
from rich.text import Text

from douane.cli.house import first_project, open_existing
from douane.cli.output import print_json
from douane.cli.screen import table_console
from douane.errors import BadRequest
from douane.flow import audit, identity
from douane.model.identity import ROLES
from douane.settings import Settings

PASSWORD_CHARACTERS_MIN = 8


def add(
    config: Settings, email: str, username: str | None, project_id: str | None, role: str, generate: bool, as_json: bool
) -> None:
    house = open_existing(config)
    # Before anything is made: a slip here must not leave a person behind who may do nothing.
    if role not in ROLES:
        raise BadRequest(f"There is no role {role}; there are: {', '.join(ROLES)}.")
    project = identity.project(house, project_id or first_project(house))
    password = secrets.token_urlsafe(12) if generate else _asked_password(email)
    name = username or email.partition("@")[0]
    person = identity.add_person(house, email=email, username=name, password=password)
    identity.set_role(house, person.email, project.id, role)
    if as_json:
        made = {"id": person.id, "email": person.email, "username": person.username, "projectId": project.id}
        print_json({**made, "role": role, **({"password": password} if generate else {})})
        return
    print(f"{person.email} may sign in, and is {role} in “{project.name}”.")
    if generate:
        print(f"Password: {password}")


def everybody(config: Settings, as_json: bool) -> None:
    found = identity.everybody(open_existing(config))
    if as_json:
        print_json(
            [
                {
                    "id": person.id,
                    "email": person.email,
                    "username": person.username,
                    "disabled": person.disabled,
                    "projects": [{"id": one.id, "name": one.name, "role": role} for one, role in joined],
                }
                for person, joined in found
            ]
        )
        return
    table = _table("E-mail", "Username", "Role", "Project")
    for person, joined in found:
        state = " (disabled)" if person.disabled else ""
        lines = [(role, f"{one.name} ({one.id})") for one, role in joined] or [("", "in no project")]
        for number, (role, project) in enumerate(lines):
            who = (person.email + state, person.username) if number == 0 else ("", "")
            table.add_row(*(Text(cell) for cell in (*who, role, project)))
    table_console().print(table)


def set_role(config: Settings, login: str, role: str, project_id: str | None) -> None:
    house = open_existing(config)
    project = identity.project(house, project_id or first_project(house))
    wanted = None if role == "none" else role
    person = identity.set_role(house, login, project.id, wanted)
    print(f"{person.email} is {'no longer in' if wanted is None else f'{wanted} in'} “{project.name}”.")


def set_disabled(config: Settings, login: str, disabled: bool) -> None:
    person = identity.set_disabled(open_existing(config), login, disabled)
    if disabled:
        print(f"{person.email} is signed out everywhere and can't sign in.")
    else:
        print(f"{person.email} may sign in again.")


def set_password(config: Settings, login: str, generate: bool) -> None:
    house = open_existing(config)
    password = secrets.token_urlsafe(12) if generate else _asked_password(login)
    person = identity.set_password(house, login, password)
    print(f"The password of {person.email} is changed; all their sessions are ended.")
    if generate:
        print(f"Password: {password}")


def _asked_password(login: str) -> str:
    if sys.stdin.isatty():
        password = getpass(f"New password of {login}: ")
        if getpass("Once more: ") != password:
            raise BadRequest("The two passwords differ; nothing is changed.")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if len(password) < PASSWORD_CHARACTERS_MIN:
        raise BadRequest(f"A password has at least {PASSWORD_CHARACTERS_MIN} characters; nothing is changed.")
    return password


def show_audit(config: Settings, count: int, sought: audit.Sought, as_json: bool) -> None:
    """Newest last, so that a terminal shows the latest."""
    house = open_existing(config)
    found = audit.lines(house, count, sought)
    found.reverse()
    if as_json:
        for line in found:
            document = {
                "at": line.at.astimezone(UTC).isoformat() if line.at else None,
                "action": line.action,
                "refused": line.refused,
                "who": line.who,
                "personId": line.person_id,
                "keyId": line.key_id,
                "projectId": line.project_id,
                "address": line.address,
                "requestId": line.request_id,
                "about": line.about,
            }
            print(json.dumps(document, ensure_ascii=False))
        return
    table = _table("When (UTC)", "What", "Who", "From", "About")
    for line in found:
        about = ", ".join(f"{name} {value}" for name, value in line.about.items())
        what = f"{line.action}, refused" if line.refused else line.action
        moment = line.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if line.at else ""
        # Which of the keys it was: `douane key list` has their names.
        who = line.who if line.key_id is None else f"{line.who} ({line.key_id})"
        table.add_row(moment, Text(what), Text(who), Text(line.address), Text(about))
    table_console().print(table)


def _table(*names: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in names:
        table.add_column(name, overflow="fold")
    return table
