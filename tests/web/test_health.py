"""What a machine that watches is told: true about worker, queue, disk, database and storage."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from douane import errors
from douane.errors import Unavailable
from douane.flow.health import Readiness
from douane.jobs.queue import Jobs
from douane.model.children import ChildCounts
from douane.settings import Settings
from douane.store import leases, operations, schema
from douane.store.database import database_now, write
from douane.web import server
from tests.web.conftest import Site, TestClient, site_of


def beat(site: Site, seconds_ago: float = 0.0) -> None:
    with write(site.app.state.web.house.engine) as connection:
        leases.beat(connection, "worker-1", "here", 1, ChildCounts(2, {"ok": 5, "killed": 1}))
        moment = database_now(connection) - timedelta(seconds=seconds_ago)
        connection.execute(sa.update(schema.worker_lease).values(beaten_at=moment))


def ready(site: Site, **settings: object) -> tuple[int, dict[str, str]]:
    """(status, what is wrong with the parts that are), looked at anew."""
    web = site.app.state.web
    house = replace(web.house, settings=web.house.settings.model_copy(update={"lease_s": 60, **settings}))
    web.readiness = Readiness(house)
    answer = site.anyone().get("/readyz")
    parts = answer.json()["parts"]
    assert parts.keys() == {"database", "storage", "disk", "worker", "queue"}
    assert all(part["says"].endswith((".", ")")) for part in parts.values())
    return answer.status_code, {name: part["says"] for name, part in parts.items() if part["status"] != "up"}


def test_ready_is_who_would_read_an_upload(site: Site) -> None:
    status, wrong = ready(site)
    assert (status, wrong.keys()) == (503, {"worker"})
    assert "No worker is alive" in wrong["worker"]
    beat(site)
    assert ready(site) == (200, {})
    beat(site, seconds_ago=100)
    status, wrong = ready(site)
    assert (status, wrong.keys()) == (503, {"worker"})
    assert "heard of 100 seconds ago" in wrong["worker"]
    beat(site)
    status, wrong = ready(site, disk_free_bytes_min=1 << 60)
    assert (status, wrong.keys()) == (503, {"disk"})
    assert "disk_free_bytes_min" in wrong["disk"]
    assert site.anyone().get("/healthz").json() == {"status": "ok"}
    assert site.anyone().get("/v1/health-check").status_code == 200


def test_a_locked_database_is_told_and_nothing_is_changed_by_asking(sqlite_site: Site) -> None:
    beat(sqlite_site)
    assert ready(sqlite_site) == (200, {})
    with closing(sqlite3.connect(sqlite_site.settings.data / "douane.db", isolation_level=None)) as other:
        tables = other.execute("SELECT count(*) FROM sqlite_master").fetchone()
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        status, wrong = ready(sqlite_site)
        assert (status, wrong.keys()) == (503, {"database"})
        assert time.monotonic() - began < sqlite_site.settings.database_wait_s
        # Who could not say that it is alive may well be.
        status, wrong = ready(sqlite_site, lease_s=0)
        assert (status, wrong.keys()) == (503, {"database", "worker"})
        assert re.fullmatch(r".* cannot be told: .* was heard of \d+ seconds ago\.", wrong["worker"])
        other.execute("ROLLBACK")
        assert other.execute("SELECT count(*) FROM sqlite_master").fetchone() == tables
    assert ready(sqlite_site) == (200, {})


def test_storage_that_takes_nothing_is_told(sqlite_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    beat(sqlite_site)
    arriving = sqlite_site.settings.data / "objects" / ".incoming"
    assert arriving.exists()
    away = arriving.rename(arriving.with_name(".away"))
    try:
        status, wrong = ready(sqlite_site)
    finally:
        away.rename(arriving)
    assert (status, wrong.keys()) == (503, {"storage"})


def test_a_folder_for_work_that_cannot_be_written_is_told_and_no_fault_of_the_file(sqlite_site: Site) -> None:
    """Root may write everywhere, so what is no folder stands in for one that is read-only."""
    beat(sqlite_site)
    work = sqlite_site.settings.work_folder
    work.mkdir(exist_ok=True)
    kept = work.rename(work.with_name("kept"))
    work.touch()
    try:
        says = "The folder for work cannot be written: File exists."
        assert ready(sqlite_site) == (503, {"disk": says})
        with pytest.raises(Unavailable, match="folder for work"):
            sqlite_site.app.state.web.house.seats.take()
    finally:
        work.unlink()
        kept.rename(work)
    assert ready(sqlite_site)[0] == 200


def test_an_answer_holds_for_a_moment(site: Site) -> None:
    beat(site)
    web = site.app.state.web
    web.readiness = Readiness(web.house)
    assert web.readiness.parts()["worker"].good
    beat(site, seconds_ago=100)
    assert web.readiness.parts()["worker"].good


def test_metrics_tell_of_the_house_and_of_nobodys_things(site: Site) -> None:
    beat(site)
    web = site.app.state.web
    web.readiness = Readiness(web.house)
    client = site.anyone()
    client.post("/v1/auth/login", json={"email": "nobody@example.com", "password": "x"})
    client.get(f"/v1/upload/{'0' * 24}")
    house = web.house
    for _ in range(2):
        upload_id = site.client.post(f"/v1/upload/{site.made.template_id}", json={}).json()["_id"]
        with write(house.engine) as connection:
            operations.change(connection, upload_id, work_error={"code": "file_broken", "message": "No."})
    text = client.get("/metrics").text
    # As the official client reads it.
    families = {one.name: one for one in text_string_to_metric_families(text)}
    assert {"douane_request_seconds", "douane_ready", "douane_failed_work"} <= families.keys()
    for line in (
        'douane_failed_work{code="file_broken"} 2.0',
        'douane_ready{part="worker"} 1.0',
        "douane_workers 1.0",
        'douane_children{of="worker"} 2.0',
        'douane_children{of="web"} ',  # those that read a feed ahead outlive the test that asked for it
        'douane_children_ended{code="killed"} 1.0',
        'douane_queue_waiting{queue="interactive"} 0.0',
        'douane_sign_ins_hour{result="refused"}',
        'douane_disk_bytes{of="free"}',
        'douane_request_seconds_count{method="POST",route="/v1/auth/login",status="401"}',
    ):
        assert line in text, text
    assert "0" * 24 not in text
    assert "nobody" not in text


@pytest.mark.parametrize(
    ("token", "sent", "status"), [("off", "", 404), ("t", "", 401), ("t", "Bearer x", 401), ("t", "Bearer t", 200)]
)
def test_metrics_can_be_closed(new_storage: Callable[[str], Settings], token: str, sent: str, status: int) -> None:
    settings = new_storage("sqlite").model_copy(update={"metrics_token": SecretStr(token)})
    for site in site_of(settings):
        client: TestClient = site.anyone(**({"Authorization": sent} if sent else {}))
        assert client.get("/metrics").status_code == status


def test_what_keeps_the_web_process_from_starting_is_raised_before_it_serves(
    sqlite_storage: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that meets it in its own start-up has a trace of many lines for it, and ends as if all were well."""

    def away(_jobs: Jobs) -> None:
        raise errors.Unavailable("Not today.")

    monkeypatch.setattr(Jobs, "open", away)
    monkeypatch.setattr(server.sys, "setswitchinterval", lambda _: None)
    monkeypatch.setattr(server.processor, "short_turns", lambda: False)
    with pytest.raises(errors.Unavailable, match="Not today"):
        server.run(sqlite_storage)
