"""People, sessions, keys and the secret that protects them, on a real database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from douane.errors import BadRequest, Conflict, NotAllowed, NotFound, Unavailable
from douane.flow import identity
from douane.flow.house import House
from douane.flow.identity import password_digest, unlock
from douane.flow.setup import initialise
from douane.model.identity import PERMISSIONS, RUN_IMPORT, VIEW_IMPORT_OPERATIONS, Person
from douane.store import projects, schema
from douane.store.database import read, write

PASSWORD = "correct horse"


@pytest.fixture
def ann(house: House) -> Person:
    return identity.add_person(house, email="Ann@Example.com", username="ann", password=PASSWORD)


def test_people_sign_in_by_either_name_with_password_or_digest(house: House, ann: Person) -> None:
    secrets = unlock(house)
    for login in ("ann", "ann@example.com", " ANN@example.COM "):
        assert identity.sign_in(house, secrets, login, password=PASSWORD).person.id == ann.id
    digest = password_digest(PASSWORD)
    assert identity.sign_in(house, secrets, "ann", digest=digest).person.id == ann.id
    assert identity.sign_in(house, secrets, "ann", digest=digest.upper()).person.id == ann.id


@pytest.mark.parametrize(
    ("login", "given"),
    [
        ("ann", {"password": "wrong"}),
        ("ann", {"password": ""}),
        ("ann", {"digest": "0" * 64}),
        ("ann", {"digest": PASSWORD}),
        ("ann", {}),
        # The digest is no password: what is stored must not open the door when it is typed in.
        ("ann", {"password": password_digest(PASSWORD)}),
        ("nobody", {"password": PASSWORD}),
        ("nobody@example.com", {"password": PASSWORD}),
    ],
)
def test_what_is_wrong_is_not_said(house: House, ann: Person, login: str, given: dict[str, str]) -> None:
    with pytest.raises(NotAllowed, match=r"^Incorrect email or password provided\.$"):
        identity.sign_in(house, unlock(house), login, **given)


def test_names_are_taken_once_and_have_their_form(house: House, ann: Person) -> None:
    for email, username in (("ann@example.com", "other"), ("other@example.com", "ann")):
        with pytest.raises(Conflict):
            identity.add_person(house, email=email, username=username, password="x")
    for email, username in (("no-at", "b"), ("@", "b"), ("b@example.com", "b@c"), ("b@example.com", " ")):
        with pytest.raises(BadRequest):
            identity.add_person(house, email=email, username=username, password="x")


def test_a_session_ends_by_signing_out_disabling_a_new_password_and_time(house: House, ann: Person) -> None:
    secrets = unlock(house)

    def token() -> str:
        return identity.sign_in(house, secrets, "ann", password=PASSWORD).token

    signed_in = identity.sign_in(house, secrets, "ann", password=PASSWORD)
    other = token()
    identity.sign_out(house, signed_in)
    assert identity.of_token(house, secrets, signed_in.token) is None
    assert identity.of_token(house, secrets, other) is not None

    identity.set_disabled(house, "ann", True)
    assert identity.of_token(house, secrets, other) is None
    with pytest.raises(NotAllowed):
        token()
    identity.set_disabled(house, "ann", False)
    other = token()

    identity.set_password(house, "ann@example.com", "new one")
    assert identity.of_token(house, secrets, other) is None
    last = identity.sign_in(house, secrets, "ann", password="new one")
    with write(house.engine) as connection:
        past = datetime.now(UTC) - timedelta(seconds=1)
        connection.execute(sa.update(schema.session).values(expires_at=past))
    assert identity.of_token(house, secrets, last.token) is None


def test_a_personal_token_acts_in_its_project_with_its_person_s_role(house: House, ann: Person) -> None:
    secrets = unlock(house)
    project, _ = identity.add_project(house, secrets, ann.id, "One")
    bob = identity.add_person(house, email="bob@example.com", username="bob", password="x")
    with pytest.raises(NotFound):
        identity.personal_token(house, secrets, bob, project.id, "script")
    with write(house.engine) as connection:
        projects.add_member(connection, project_id=project.id, person_id=bob.id, role="Finance")
    made = identity.personal_token(house, secrets, bob, project.id, "script")
    found = identity.of_token(house, secrets, made.token)
    assert found is not None
    caller = identity.caller_of(found)
    assert (found.session.kind, caller.project_id) == ("token", project.id)
    assert caller.may("view-project")
    assert not caller.may("run-import")


def test_a_key_stands_for_its_project_until_it_is_rotated(house: House, ann: Person) -> None:
    secrets = unlock(house)
    project, key = identity.add_project(house, secrets, ann.id, "One")
    named = identity.new_access_key(house, secrets, project.id, "nightly job")
    found = identity.of_key(house, secrets, key)
    assert found is not None
    assert (found[0].project_id, found[0].permissions, found[0].person_id) == (project.id, PERMISSIONS, None)
    fresh = identity.rotate_access_key(house, secrets, project.id)
    assert fresh != key
    assert identity.of_key(house, secrets, key) is None
    assert identity.access_key(house, secrets, project.id) == fresh
    assert identity.of_key(house, secrets, named) is not None

    listed = identity.access_keys(house, project.id)
    assert [(one.name, one.revoked_at is None) for one in listed] == [("", False), ("nightly job", True), ("", True)]
    identity.revoke_access_key(house, project.id, listed[1].id)
    assert identity.of_key(house, secrets, named) is None
    with pytest.raises(NotFound):
        identity.revoke_access_key(house, project.id, listed[1].id)
    with pytest.raises(NotFound):
        identity.new_access_key(house, secrets, "0" * 24, "x")


def test_the_database_holds_nothing_that_opens_a_door(house: House, ann: Person) -> None:
    secrets = unlock(house)
    _, key = identity.add_project(house, secrets, ann.id, "One")
    token = identity.sign_in(house, secrets, "ann", password=PASSWORD).token
    with read(house.engine) as connection:
        tables = (schema.person, schema.session, schema.access_key, schema.installation, schema.project)
        dump = repr([connection.execute(sa.select(table)).all() for table in tables])
    for secret in (key, token, PASSWORD, password_digest(PASSWORD), secrets.signing_key.hex()):
        assert secret not in dump
    assert key.encode() not in b"".join(row.key_encrypted for row in _rows(house))


def _rows(house: House) -> list[sa.Row[tuple[bytes]]]:
    with read(house.engine) as connection:
        return list(connection.execute(sa.select(schema.access_key.c.key_encrypted)).all())


def test_an_encrypted_key_opens_only_where_it_belongs(house: House) -> None:
    secrets = unlock(house)
    data = secrets.encrypt("a key", "project one")
    assert secrets.decrypt(data, "project one") == "a key"
    assert secrets.encrypt("a key", "project one") != data
    with pytest.raises(Unavailable):
        secrets.decrypt(data, "project two")


def test_the_secret_is_made_once_and_another_one_is_refused(house: House) -> None:
    first = unlock(house)
    file = house.settings.data / "secret"
    assert unlock(house) == first
    assert file.stat().st_mode & 0o777 == 0o600

    def with_secret(text: str) -> House:
        return replace(house, settings=house.settings.model_copy(update={"secret": SecretStr(text)}))

    assert unlock(with_secret(file.read_text())) == first
    with pytest.raises(BadRequest, match="another secret"):
        unlock(with_secret("x" * 32))
    with pytest.raises(BadRequest, match="at least 32 characters"):
        unlock(with_secret("x" * 31))
    file.unlink()
    with pytest.raises(BadRequest, match="another secret"):
        unlock(house)


def test_an_installation_is_made_once(house: House) -> None:
    made = initialise(house)
    assert made is not None
    assert initialise(house) is None
    signed_in = identity.sign_in(house, unlock(house), made.username, password=made.password)
    assert signed_in.session.project_id == made.project_id
    assert identity.access_key(house, unlock(house), made.project_id) == made.access_key


def test_roles_are_given_changed_and_taken_away(house: House, ann: Person) -> None:
    project, _ = identity.add_project(house, unlock(house), ann.id, "Ours")
    identity.add_person(house, email="bob@example.com", username="bob", password=PASSWORD)

    def may(login: str) -> frozenset[str]:
        return identity.caller_of(identity.sign_in(house, unlock(house), login, password=PASSWORD)).permissions

    assert may("bob") == frozenset()
    for role, permission, other in (
        ("Importer", RUN_IMPORT, VIEW_IMPORT_OPERATIONS),
        ("Observer", VIEW_IMPORT_OPERATIONS, RUN_IMPORT),
    ):
        identity.set_role(house, "bob", project.id, role)
        assert permission in may("bob")
        assert other not in may("bob")
    assert [(one.email, [role for _, role in joined]) for one, joined in identity.everybody(house)] == [
        ("ann@example.com", ["Admin"]),
        ("bob@example.com", ["Observer"]),
    ]
    identity.set_role(house, "bob@example.com", project.id, None)
    assert may("bob") == frozenset()


def test_a_role_that_makes_no_sense_is_refused(house: House, ann: Person) -> None:
    project, _ = identity.add_project(house, unlock(house), ann.id, "Ours")
    with pytest.raises(BadRequest, match="no role King"):
        identity.set_role(house, "ann", project.id, "King")
    for role in (None, "Tech"):
        with pytest.raises(BadRequest, match="without an Admin"):
            identity.set_role(house, "ann", project.id, role)
    with pytest.raises(NotFound, match="Nobody here"):
        identity.set_role(house, "nobody", project.id, "Tech")
    with pytest.raises(NotFound, match="does not exist"):
        identity.set_role(house, "ann", "0" * 24, "Admin")
