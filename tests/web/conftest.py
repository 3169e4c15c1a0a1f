"""A site: an installation with its first person, its application, and clients of it, in both storage modes."""

from __future__ import annotations

import multiprocessing
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from douane.flow import identity
from douane.flow.setup import Installation, initialise
from douane.flow.worker import run
from douane.settings import Settings
from douane.web.app import create_app
from tests.conftest import MODES

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it wants another client library, which nothing else here needs
    from starlette.testclient import TestClient

forks = multiprocessing.get_context("forkserver")
PEOPLE = Path(__file__).parents[1] / "data" / "people.csv"
UNKNOWN_ID = "0123456789abcdef01234567"


@dataclass
class Site:
    settings: Settings
    app: FastAPI
    made: Installation
    client: TestClient  # sends the access key

    def anyone(self, **headers: str) -> TestClient:
        """A client without key and cookie."""
        return TestClient(self.app, headers=headers)

    def signed_in(self) -> TestClient:
        client = self.anyone()
        answer = client.post("/v1/auth/login", json={"email": self.made.email, "password": self.made.password})
        assert answer.status_code == 201, answer.text
        return client

    def stranger(self) -> tuple[TestClient, str]:
        """(client with the key of another project, that project's id)."""
        house, secrets = self.app.state.web.house, self.app.state.web.secrets
        owner = identity.add_person(
            house, email=f"{os.urandom(4).hex()}@example.com", username=os.urandom(4).hex(), password="x"
        )
        project, key = identity.add_project(house, secrets, owner.id, "Elsewhere")
        return self.anyone(accesskey=key), project.id


def site_of(settings: Settings) -> Iterator[Site]:
    app = create_app(settings)
    made = initialise(app.state.web.house)
    assert made is not None
    with TestClient(app, headers={"accesskey": made.access_key}) as client:
        yield Site(settings, app, made, client)


@pytest.fixture(scope="module", params=MODES)
def site(request: pytest.FixtureRequest, new_storage: Callable[[str], Settings]) -> Iterator[Site]:
    yield from site_of(new_storage(request.param))


@pytest.fixture(scope="module")
def sqlite_site(new_storage: Callable[[str], Settings]) -> Iterator[Site]:
    yield from site_of(new_storage("sqlite"))


@pytest.fixture(scope="module")
def worker(site: Site) -> Iterator[None]:
    with working(site.settings):
        yield


@contextmanager
def working(settings: Settings) -> Iterator[None]:
    """A worker process for the installation; a fork of one that has loaded what workers need, which takes a second of
    processor time."""
    forks.set_forkserver_preload(["dbos", run.__module__])
    process = forks.Process(target=run, args=(settings,), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join(20)
        process.kill()
        process.join()


def message(answer: httpx.Response) -> object:
    """(status, message) of an error answer, whose form is asserted."""
    body = answer.json()
    assert set(body) <= {"message", "error", "statusCode", "code", "detail"}, body
    assert body["statusCode"] == answer.status_code
    return answer.status_code, body["message"]
