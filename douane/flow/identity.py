"""Signing in, sessions, access keys, and the installation's secret that protects them. One identity for both surfaces.

A password is kept as argon2 over the SHA-256 hex of its text, because the chat contract lets clients send that digest
instead (2.2). Session tokens and access keys are kept as keyed hashes; the key of a project also as a copy encrypted
under the installation's secret, because `/v1` shows it to signed-in people (2.7). The secret itself is outside the
database: a dump of the database opens nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets as random_source
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Engine

from douane.errors import BadRequest, Conflict, NotAllowed, NotFound, Unavailable
from douane.flow import audit
from douane.flow.house import House
from douane.model.identity import PERMISSIONS, ROLES, AccessKey, Caller, Member, Person, Project, Session
from douane.settings import Settings
from douane.store import installation, keys, people, projects, sessions
from douane.store.database import read, write

SECRET_CHARACTERS_MIN = 32
_FINGERPRINT = "secret_fingerprint"
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")

# Each hash takes `argon2_memory_kib`; signing in must not be a way to fill the memory of the web process.
_hashing = threading.BoundedSemaphore(4)


# The installation's secret


@dataclass(frozen=True, slots=True)
class Secrets:
    """Keys derived from the installation's secret, one per use."""

    signing_key: bytes
    hash_key: bytes
    encryption_key: bytes

    def hash(self, token: str) -> str:
        """64 hex characters, for looking a token or access key up."""
        return hmac.new(self.hash_key, token.encode(), hashlib.sha256).hexdigest()

    def encrypt(self, text: str, bound_to: str) -> bytes:
        """`bound_to` (an id) must be given again to decrypt: a copy moved to another row opens nothing."""
        nonce = os.urandom(12)
        return nonce + AESGCM(self.encryption_key).encrypt(nonce, text.encode(), bound_to.encode())

    def decrypt(self, data: bytes, bound_to: str) -> str:
        try:
            return AESGCM(self.encryption_key).decrypt(data[:12], data[12:], bound_to.encode()).decode()
        except InvalidTag as error:
            raise Unavailable("A stored key does not open with this installation's secret.") from error


def unlock(house: House) -> Secrets:
    """The installation's secrets; makes the secret on the first start. BadRequest if it is not the one this database
    was begun with, for then no key or session of it would work."""
    secret = _secret(house.settings)
    fingerprint = _derive(secret, "fingerprint").hex()
    known = _fingerprint(house.engine, fingerprint)
    if not hmac.compare_digest(known, fingerprint):
        raise BadRequest(
            "This database belongs to another secret. Give the right one as DOUANE_SECRET, or bring back the file "
            f"{house.settings.data / 'secret'}."
        )
    return Secrets(
        signing_key=_derive(secret, "sign"),
        hash_key=_derive(secret, "hash"),
        encryption_key=_derive(secret, "encrypt"),
    )


def _secret(settings: Settings) -> bytes:
    given = settings.secret.get_secret_value()
    if given:
        if len(given) < SECRET_CHARACTERS_MIN:
            raise BadRequest(f"DOUANE_SECRET must have at least {SECRET_CHARACTERS_MIN} characters.")
        return given.encode()
    path = settings.data / "secret"
    if not path.exists():
        _write_secret(path)
    return path.read_bytes().strip()


def _write_secret(path: Path) -> None:
    """Whole or not at all, and readable by its owner only: several processes may start at once."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(random_source.token_hex(32).encode())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # Another process was first; its secret holds.
    finally:
        draft.unlink()


def _fingerprint(engine: Engine, mine: str) -> str:
    """The one the database was begun with; `mine` if it is new."""
    with read(engine) as connection:
        known = installation.value(connection, _FINGERPRINT)
    if known is not None:
        return known
    try:
        with write(engine) as connection:
            installation.add(connection, _FINGERPRINT, mine)
    except Conflict:
        return _fingerprint(engine, mine)
    return mine


def _derive(secret: bytes, use: str) -> bytes:
    return hmac.new(secret, f"douane {use}".encode(), hashlib.sha256).digest()


# Passwords


def password_digest(password: str) -> str:
    """The SHA-256 hex of a password's text, as the chat contract's clients send it."""
    return hashlib.sha256(password.encode()).hexdigest()


def hash_password(settings: Settings, password: str) -> str:
    with _hashing:
        return _hasher(settings).hash(password_digest(password))


def _password_fits(settings: Settings, digest: str, stored: str) -> bool:
    with _hashing:
        try:
            return _hasher(settings).verify(stored, digest.lower())
        except (Argon2Error, InvalidHashError):
            return False


def _hasher(settings: Settings) -> PasswordHasher:
    return PasswordHasher(
        time_cost=settings.argon2_passes, memory_cost=settings.argon2_memory_kib, parallelism=1, hash_len=32
    )


# People


def add_person(
    house: House, *, email: str, username: str, password: str, first_name: str = "", last_name: str = ""
) -> Person:
    """Conflict if the e-mail or the username is taken; BadRequest if either can't be one."""
    if "@" not in email.strip(" @"):
        raise BadRequest("An e-mail address has an @ between two parts.")
    if not username.strip() or "@" in username:
        raise BadRequest("A username is not empty and has no @.")
    password_hash = hash_password(house.settings, password)
    try:
        with write(house.engine) as connection:
            made = people.add(
                connection,
                email=email,
                username=username,
                password_hash=password_hash,
                first_name=first_name,
                last_name=last_name,
            )
    except Conflict as error:
        raise Conflict("Email already exists", code="person_exists") from error
    audit.note(house, "person.add", person=made.email)
    return made


def set_password(house: House, login: str, password: str) -> Person:
    """Ends all sessions of the person, personal tokens included. NotFound for an unknown e-mail or username."""
    password_hash = hash_password(house.settings, password)
    with write(house.engine) as connection:
        person = people.by_login(connection, login)
        if person is None:
            raise NotFound(f"Nobody here is called {login}.")
        people.change(connection, person.id, password_hash=password_hash)
        sessions.end_all(connection, person.id)
    audit.note(house, "person.password", person=person.email)
    return person


def set_disabled(house: House, login: str, disabled: bool) -> Person:
    """A disabled person is signed out everywhere at once and cannot sign in."""
    with write(house.engine) as connection:
        person = people.by_login(connection, login)
        if person is None:
            raise NotFound(f"Nobody here is called {login}.")
        people.change(connection, person.id, disabled=disabled)
        if disabled:
            sessions.end_all(connection, person.id)
    audit.note(house, "person.disable" if disabled else "person.enable", person=person.email)
    return person


def everybody(house: House) -> list[tuple[Person, list[tuple[Project, str]]]]:
    """Everybody who may sign in or could once, by e-mail, with the projects they are in and their roles there."""
    with read(house.engine) as connection:
        return [(one, projects.of_person(connection, one.id)) for one in people.everybody(connection)]


def set_role(house: House, login: str, project_id: str, role: str | None) -> Person:
    """Makes a person a member of a project, changes the role, or (None) takes them out. BadRequest for a role that
    there is not, and where it would leave the project without an Admin; NotFound for an unknown person or project."""
    if role is not None and role not in ROLES:
        raise BadRequest(f"There is no role {role}; there are: {', '.join(ROLES)}.")
    with write(house.engine) as connection:
        person = people.by_login(connection, login)
        if person is None:
            raise NotFound(f"Nobody here is called {login}.")
        projects.lock(connection, project_id)
        if projects.get(connection, project_id) is None:
            raise NotFound(f"Project with id {project_id} does not exist")
        others = [one for one in projects.members(connection, project_id) if one.person_id != person.id]
        if role != "Admin" and not any(one.role == "Admin" for one in others):
            raise BadRequest("That would leave the project without an Admin; make somebody else one first.")
        projects.set_role(connection, project_id=project_id, person_id=person.id, role=role)
    audit.note(house, "role.set", project_id=project_id, person=person.email, role=role or "none")
    return person


# Signing in


@dataclass(frozen=True, slots=True)
class SignIn:
    """`token` is shown to the client once and never kept. `role` is the person's in the session's project."""

    token: str
    session: Session
    person: Person
    role: str | None


def sign_in(
    house: House,
    secrets: Secrets,
    login: str,
    *,
    password: str | None = None,
    digest: str | None = None,
    days: int | None = None,
) -> SignIn:
    """By e-mail or username, with the password or its SHA-256 hex. NotAllowed says nothing about what was wrong, and
    takes as long for an unknown person as for a wrong password. The session begins in the first project joined and
    lasts for `days` (None: the setting `session_days`)."""
    if password is not None:
        digest = password_digest(password)
    elif digest is None or not _DIGEST.fullmatch(digest):
        digest = ""
    with read(house.engine) as connection:
        person = people.by_login(connection, login)
    stored = person.password_hash if person is not None else _nobody(house.settings)
    fits = _password_fits(house.settings, digest, stored)
    if person is None or person.disabled or not fits:
        known = None if person is None else person.id
        audit.note(house, "sign_in", refused=True, who=_tried(login, person), person_id=known)
        raise NotAllowed("Incorrect email or password provided.", code="bad_credentials")
    with read(house.engine) as connection:
        joined = projects.of_person(connection, person.id)
    expires_at = datetime.now(UTC) + timedelta(days=house.settings.session_days if days is None else days)
    begun = _begin_session(house, secrets, person, joined[0] if joined else None, expires_at)
    audit.note(house, "sign_in", who=person.email, person_id=person.id, project_id=begun.session.project_id)
    return begun


def _tried(login: str, person: Person | None) -> str:
    """Who was tried. People type their password where the name belongs: of what is nobody's name little is kept."""
    if person is not None:
        return person.email
    return login[:100] if "@" in login else f"{login[:2]}…"


def sign_in_limited(house: House, login: str, wait_s: float) -> None:
    """Notes a try that was not even looked at."""
    with read(house.engine) as connection:
        person = people.by_login(connection, login)
    known = None if person is None else person.id
    who = _tried(login, person)
    audit.note(house, "sign_in", refused=True, who=who, person_id=known, limited=True, wait_s=round(wait_s))


def personal_token(
    house: House, secrets: Secrets, person: Person, project_id: str, name: str, expires_at: datetime | None = None
) -> SignIn:
    """A token for programs that act as this person in this project. NotFound if the person is not a member."""
    with read(house.engine) as connection:
        project = projects.get(connection, project_id)
        role = projects.role_of(connection, project_id, person.id)
    if project is None or role is None:
        raise NotFound(f"Project with id {project_id} does not exist")
    made = _begin_session(house, secrets, person, (project, role), expires_at, name)
    audit.note(house, "token.add", project_id=project_id, name=name)
    return made


def personal_tokens(house: House, person_id: str) -> list[Session]:
    """The personal tokens that are valid, oldest first."""
    with read(house.engine) as connection:
        return sessions.tokens_of(connection, person_id)


def end_personal_token(house: House, person_id: str, name: str) -> bool:
    """False if there is none of this name."""
    with write(house.engine) as connection:
        named = [one for one in sessions.tokens_of(connection, person_id) if one.name == name]
        for one in named:
            sessions.end(connection, one.id)
    if named:
        audit.note(house, "token.revoke", name=name)
    return bool(named)


def _begin_session(
    house: House,
    secrets: Secrets,
    person: Person,
    joined: tuple[Project, str] | None,
    expires_at: datetime | None,
    name: str | None = None,
) -> SignIn:
    """`joined`: the project it acts in, and the person's role there. With a name: a personal token."""
    project, role = joined or (None, None)
    token = random_source.token_urlsafe(32)
    with write(house.engine) as connection:
        sessions.end_expired(connection)
        session = sessions.add(
            connection,
            token_hash=secrets.hash(token),
            person_id=person.id,
            project_id=None if project is None else project.id,
            expires_at=expires_at,
            name=name,
        )
    return SignIn(token=token, session=session, person=person, role=role)


def of_token(house: House, secrets: Secrets, token: str) -> SignIn | None:
    """The living session of a token, with its person and role. Asked anew on every request."""
    with read(house.engine) as connection:
        found = sessions.find(connection, secrets.hash(token))
    if found is None:
        return None
    session, person, role = found
    return SignIn(token=token, session=session, person=person, role=role)


def caller_of(sign_in: SignIn) -> Caller:
    """A person who left the session's project keeps the session but may do nothing there."""
    return Caller(
        project_id=sign_in.session.project_id if sign_in.role is not None else None,
        permissions=ROLES.get(sign_in.role or "", frozenset()),
        person_id=sign_in.person.id,
        session_id=sign_in.session.id,
    )


def sign_out(house: House, signed_in: SignIn) -> None:
    with write(house.engine) as connection:
        sessions.end(connection, signed_in.session.id)
    audit.note(house, "sign_out", who=signed_in.person.email, person_id=signed_in.person.id)


def switch(house: House, sign_in: SignIn, project_id: str) -> SignIn:
    """The session acts in another project of the person. NotFound if there is none such."""
    with write(house.engine) as connection:
        role = projects.role_of(connection, project_id, sign_in.person.id)
        if role is None:
            raise NotFound(f"Project with id {project_id} does not exist")
        sessions.move(connection, sign_in.session.id, project_id)
    return replace(sign_in, session=replace(sign_in.session, project_id=project_id), role=role)


def _nobody(settings: Settings) -> str:
    """A hash that no password fits, at the usual price."""
    cost = (settings.argon2_memory_kib, settings.argon2_passes)
    if cost not in _nobodies:
        _nobodies[cost] = hash_password(settings, random_source.token_hex(16))
    return _nobodies[cost]


_nobodies: dict[tuple[int, int], str] = {}


# Access keys


def of_key(house: House, secrets: Secrets, key: str) -> tuple[Caller, tuple[str, ...]] | None:
    """The caller an access key stands for, with the web domains it may be used from (none = any)."""
    with read(house.engine) as connection:
        found = keys.find(connection, secrets.hash(key))
    if found is None:
        return None
    key_id, project_id, allowed_domains = found
    return Caller(project_id=project_id, permissions=PERMISSIONS, key_id=key_id), allowed_domains


def access_key(house: House, secrets: Secrets, project_id: str) -> str:
    """The key of the project's environment; "" if all were revoked."""
    with read(house.engine) as connection:
        found = keys.current(connection, project_id)
    if found is None:
        return ""
    key, encrypted = found
    return secrets.decrypt(encrypted, key.project_id)


def rotate_access_key(house: House, secrets: Secrets, project_id: str) -> str:
    """A new environment key; the old one is refused from now on (by other web processes within seconds)."""
    with write(house.engine) as connection:
        keys.revoke_unnamed(connection, project_id)
        made = _add_key(connection, secrets, project_id, "")
    audit.note(house, "key.revoke", project_id=project_id, name="the project's own")
    audit.note(house, "key.add", project_id=project_id, name="the project's own")
    return made


def new_access_key(house: House, secrets: Secrets, project_id: str, name: str) -> str:
    """A further key beside the environment's, which keeps its own life."""
    if not name.strip():
        raise BadRequest("A further key needs a name.")
    with write(house.engine) as connection:
        if projects.get(connection, project_id) is None:
            raise NotFound(f"Project with id {project_id} does not exist")
        made = _add_key(connection, secrets, project_id, name.strip())
    audit.note(house, "key.add", project_id=project_id, name=name.strip())
    return made


def access_keys(house: House, project_id: str) -> list[AccessKey]:
    with read(house.engine) as connection:
        return keys.of_project(connection, project_id)


def revoke_access_key(house: House, project_id: str, key_id: str) -> None:
    with write(house.engine) as connection:
        if not keys.revoke(connection, project_id, key_id):
            raise NotFound(f"Access key with id {key_id} does not exist")
    audit.note(house, "key.revoke", project_id=project_id, key=key_id)


def _add_key(connection: Connection, secrets: Secrets, project_id: str, name: str) -> str:
    key = random_source.token_hex(16)  # 32 hex characters, as contract 1 says
    keys.add(
        connection,
        project_id=project_id,
        key_hash=secrets.hash(key),
        key_encrypted=secrets.encrypt(key, project_id),
        name=name,
    )
    return key


# Projects


def add_project(
    house: House, secrets: Secrets, owner_id: str, name: str, auth_header_name: str | None = None
) -> tuple[Project, str]:
    """(the project, the access key of its environment)."""
    with write(house.engine) as connection:
        project = projects.add(connection, name=name, owner_id=owner_id, auth_header_name=auth_header_name)
        key = _add_key(connection, secrets, project.id, "")
    audit.note(house, "project.add", project_id=project.id, name=name)
    return project, key


def project(house: House, project_id: str) -> Project:
    with read(house.engine) as connection:
        found = projects.get(connection, project_id)
    if found is None:
        raise NotFound(f"Project with id {project_id} does not exist")
    return found


def project_with_members(house: House, project_id: str) -> tuple[Project, list[Member]]:
    with read(house.engine) as connection:
        found = projects.get(connection, project_id)
        members = projects.members(connection, project_id)
    if found is None:
        raise NotFound(f"Project with id {project_id} does not exist")
    return found, members


def projects_of(house: House, person_id: str) -> list[tuple[Project, str]]:
    """(project, the person's role), in the order joined."""
    with read(house.engine) as connection:
        return projects.of_person(connection, person_id)


def only_project(house: House) -> str | None:
    """The id of the installation's project, if it has one and no other."""
    with read(house.engine) as connection:
        found = projects.first_ids(connection, 2)
    return found[0] if len(found) == 1 else None


def role_in(house: House, project_id: str, person_id: str) -> str | None:
    with read(house.engine) as connection:
        return projects.role_of(connection, project_id, person_id)


def allowed_domains(house: House) -> list[frozenset[str]]:
    """Origins of pages that each project allows; a project with an empty set is open to all."""
    with read(house.engine) as connection:
        return projects.allowed_domains(connection)


def change_project(house: House, project_id: str, **values: Any) -> Project:
    """Any of `name`, `auth_header_name`, `allowed_domains`."""
    with write(house.engine) as connection:
        if values:
            projects.change(connection, project_id, **values)
        found = projects.get(connection, project_id)
    if found is None:
        raise NotFound(f"Project with id {project_id} does not exist")
    if values:
        audit.note(house, "project.change", project_id=project_id, **values)
    return found


def remove_project(house: House, project_id: str) -> Project:
    """With its templates, keys, members and operations; a running job notices within a second that its operation is
    gone, and the sweeper deletes the objects."""
    with write(house.engine) as connection:
        found = projects.get(connection, project_id)
        if found is None:
            raise NotFound(f"Project with id {project_id} does not exist")
        projects.remove(connection, project_id)
    audit.note(house, "project.remove", project_id=project_id, name=found.name)
    return found
