"""What an older build left behind (`make.py` says how) is opened by today's, and every import goes on to its end."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jwt
import obstore
import pytest
import sqlalchemy as sa

from douane.flow.setup import initialise
from douane.settings import Settings
from douane.store.database import write
from douane.store.schema import session
from douane.web.app import create_app
from tests import upgrade
from tests.conftest import MODES
from tests.upgrade.make import edit
from tests.web.conftest import PEOPLE, TestClient, working

pytestmark = pytest.mark.long

SHOWN = {
    "uploaded": "Uploaded",
    "mapping": "Mapping",
    "mapped": "Mapped",
    "checking": "Mapped",
    "reviewing": "Reviewing",
    "edited": "Reviewing",
    "completed": "Completed",
    "terminated": "Terminated",
}


@dataclass
class Opened:
    """An old installation in today's hands. `known` is what the old build said of it."""

    settings: Settings
    known: dict[str, Any]
    client: TestClient  # sends the access key
    anyone: Callable[[], TestClient]

    def person(self, name: str) -> TestClient:
        client = self.anyone()
        upgrade.chat(client, name, "pass word")
        return client


@pytest.fixture(scope="module", params=MODES)
def opened(
    request: pytest.FixtureRequest, new_storage: Callable[[str], Settings], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Opened]:
    """Unpacked into an empty installation of its mode, opened and with a worker."""
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(upgrade.DATA / f"{request.param}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    # Flags of countries are spelt as Rocket.Chat has them now.
    known = json.loads(re.sub(r":flag-([a-z]{2}):", r":flag_\1:", (folder / "known.json").read_text()))
    updates = {**upgrade.SETTINGS, "data": folder / "data", "retention_days": 36_500}
    if request.param == "sqlite":
        settings = Settings(**updates)
    else:
        settings = new_storage("postgres").model_copy(update=updates)
        restore(settings, (folder / "database.sql").read_text())
        fill_bucket(settings, folder / "bucket")
    app = create_app(settings)
    assert initialise(app.state.web.house) is None, "it holds an installation"
    with write(app.state.web.house.engine) as connection:
        connection.execute(sa.update(session).values(expires_at=datetime.now(UTC) + timedelta(days=1)))
    with ExitStack() as stack:
        client = stack.enter_context(TestClient(app, headers={"accesskey": known["accessKey"]}))
        stack.enter_context(working(settings))
        yield Opened(settings, known, client, lambda: TestClient(app))


def restore(settings: Settings, dump: str) -> None:
    """Into a database emptied before: that of an older build is not the one that tests find."""
    engine = sa.create_engine(settings.database_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        for schema in ("public", "dbos"):
            connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
        # Without what only psql knows.
        connection.exec_driver_sql("\n".join(line for line in dump.splitlines() if not line.startswith("\\")))
        connection.commit()
    engine.dispose()


def fill_bucket(settings: Settings, folder: Path) -> None:
    store = upgrade.bucket(settings.model_dump(), settings.storage_url.removeprefix("s3://").split("/")[0])
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            obstore.put(store, str(path.relative_to(folder)), path.read_bytes())


def test_who_was_let_in_is_let_in(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    known, client = opened.known, opened.anyone()
    # The cookie says itself when it ends, and is asked in the hour that it was given.
    claims = jwt.decode(unquote(known["cookie"]).removeprefix("Bearer "), options={"verify_signature": False})
    with monkeypatch.context() as patch:
        patch.setattr(jwt.api_jwt, "datetime", _clock(claims["iat"] + 60))
        assert client.get("/v1/auth/me", headers={"Cookie": f"authentication={known['cookie']}"}).status_code == 200
    answer = client.post("/v1/auth/login", json={"email": known["email"], "password": known["password"]})
    assert answer.status_code == 201
    assert [one["name"] for one in opened.client.get("/v1/project").json()]


def _clock(at: float) -> type[datetime]:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Clock:
            return cls.fromtimestamp(at, tz)

    return Clock


def test_imports_stand_where_they_stood(opened: Opened) -> None:
    sheets, known = opened.known["sheets"], opened.known
    shown = {name: upgrade.stage(opened.client, upload_id) for name, upload_id in sheets.items() if name != "checking"}
    assert shown == {name: SHOWN[name] for name in shown}
    assert upgrade.delivered(opened.client, sheets["completed"]) == known["delivered"]
    for name in ("reviewing", "edited"):
        assert upgrade.reviewed(opened.client, sheets[name]) == known["reviewed"][name]
    original = opened.client.get(f"/v1/upload/{sheets['reviewing']}/files/original")
    assert original.content == PEOPLE.read_bytes()


@pytest.mark.parametrize("name", ["uploaded", "mapping", "mapped", "checking", "reviewing"])
def test_every_import_goes_on_to_its_end(opened: Opened, name: str) -> None:
    client, upload_id = opened.client, opened.known["sheets"][name]
    if name in ("uploaded", "mapping"):
        upgrade.finalize(client, upload_id)
    if name in ("uploaded", "mapping", "mapped", "checking"):
        upgrade.review(client, upload_id)
    assert upgrade.reviewed(client, upload_id) == opened.known["reviewed"]["reviewing"]
    upgrade.confirm(client, upload_id)
    assert upgrade.delivered(client, upload_id) == opened.known["delivered"]


def test_changes_of_a_person_are_kept_and_judged(opened: Opened) -> None:
    client, upload_id = opened.client, opened.known["sheets"]["edited"]
    fresh = upgrade.upload(client, opened.known["templateId"], PEOPLE.read_bytes())
    upgrade.finalize(client, fresh)
    upgrade.review(client, fresh)
    edit(client, fresh)
    for one in (upload_id, fresh):
        upgrade.review(client, one)
    assert upgrade.reviewed(client, upload_id) == upgrade.reviewed(client, fresh)
    for one in (upload_id, fresh):
        upgrade.confirm(client, one)
    assert upgrade.delivered(client, upload_id) == upgrade.delivered(client, fresh)


def test_a_run_that_was_killed_goes_on(opened: Opened) -> None:
    known, client = opened.known, opened.person("a-half")
    assert 0 < known["half"]["completed"] < known["half"]["total"]
    assert upgrade.done(client) == known["counts"]
    assert upgrade.workspace(client) == known["workspace"]


@pytest.mark.parametrize("name", ["a-read", "a-queued"])
def test_an_export_that_was_read_or_waited_is_imported(opened: Opened, name: str) -> None:
    client = opened.person(name)
    assert upgrade.preview(client) == opened.known["preview"]
    upgrade.start(client)
    assert upgrade.done(client) == opened.known["counts"]
    assert upgrade.workspace(client) == opened.known["workspace"]


def test_a_workspace_is_what_it_was(opened: Opened) -> None:
    client = opened.person("a-whole")
    assert upgrade.workspace(client) == opened.known["workspace"]
    assert upgrade.progress(client)["count"] == opened.known["counts"]
