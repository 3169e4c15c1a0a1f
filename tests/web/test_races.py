"""Confirm, end, edit, review and delete at once: each import has one outcome, and everyone is told the true one.

`make torture` runs more rounds (DOUANE_TORTURE_ROUNDS) from other seeds (DOUANE_TORTURE_SEED)."""

from __future__ import annotations

import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.web.conftest import Site

ROUNDS = int(os.environ.get("DOUANE_TORTURE_ROUNDS", "5"))
SEED = int(os.environ.get("DOUANE_TORTURE_SEED", "20261129"))


def typed(site: Site) -> str:
    """A typed-in import of six records that nobody reviewed, so that confirming has to."""
    upload_id = site.client.post(f"/v1/upload/{site.made.template_id}", json={}).json()["_id"]
    records = [{"index": at, "record": {"id": f"C00{at}", "name": f"N{at}"}, "updated": {}} for at in range(1, 7)]
    assert site.client.put(f"/v1/review/{upload_id}/records", json=records).status_code == 200
    return str(upload_id)


def test_every_race_has_one_outcome(site: Site, worker: None) -> None:
    chance = random.Random(SEED)
    seen = set()
    for number in range(ROUNDS):
        seen.add(race(site, chance, f"{SEED}/{number}"))
    assert seen <= {"Completed", "Terminated"}


def race(site: Site, chance: random.Random, name: str) -> str:
    upload_id = typed(site)
    review, upload = f"/v1/review/{upload_id}", f"/v1/upload/{upload_id}"
    if chance.random() < 0.5:
        site.client.post(review)
    calls: list[tuple[str, str, str, Any]] = [
        ("confirm", "POST", f"{review}/confirm", {}),
        ("confirm", "POST", f"{review}/confirm", {}),
        ("end", "DELETE", upload, None),
        ("edit", "PUT", f"{review}/record", {"index": 1, "record": {"name": "Edited"}, "updated": {"name": True}}),
        ("delete", "POST", f"{review}/delete-records", {"indexes": [2], "valid": 0, "invalid": 0}),
        ("replace", "PUT", f"{review}/replace", {"find": "N3", "replace": "Replaced", "column": "name"}),
        ("review", "POST", review, None),
    ]
    chance.shuffle(calls)
    waits = [chance.uniform(0, 0.15) for _ in calls]
    together = threading.Barrier(len(calls))

    def call(at: int) -> tuple[str, int]:
        what, method, path, body = calls[at]
        together.wait()
        threading.Event().wait(waits[at])
        return what, site.client.request(method, path, json=body).status_code

    with ThreadPoolExecutor(len(calls)) as pool:
        answers = list(pool.map(call, range(len(calls))))
    told = {what: [status for its, status in answers if its == what] for what, _ in answers}
    shown = site.client.get(upload).json()
    assert all(status < 500 for _, status in answers), (name, answers)
    assert shown["status"] in ("Completed", "Terminated"), (name, answers, shown)
    confirmed, ended = told["confirm"].count(201), told["end"].count(200)
    assert (confirmed, ended) == ((1, 0) if shown["status"] == "Completed" else (0, 1)), (
        name,
        answers,
        shown["status"],
    )
    if shown["status"] == "Completed":
        page = site.client.get(review, params={"type": "all"}).json()["data"]
        names = {one["index"]: one["record"].get("name") for one in page}
        assert (names.get(1) == "Edited") == (told["edit"] == [200]), (name, answers)
        assert (2 not in names) == (told["delete"] == [201]), (name, answers)
        assert (names.get(3) == "Replaced") == (told["replace"] == [200]), (name, answers)
        assert shown["totalRecords"] == len(names) == shown["validRecords"] + shown["invalidRecords"], (name, shown)
    return str(shown["status"])
