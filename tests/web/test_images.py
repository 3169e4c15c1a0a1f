"""Images that come with an import (contract 5.7), over HTTP."""

from __future__ import annotations

import io
import json
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest

from douane.errors import NotFound, Unavailable
from douane.flow import images, sweeping
from tests.child.test_images import JPEG, PNG, zipped
from tests.web.conftest import UNKNOWN_ID, Site, message
from tests.web.test_imports import upload

COLUMNS: list[dict[str, Any]] = [{"key": "name", "name": "Name"}, {"key": "pic", "name": "Pic", "type": "Image"}]
IMAGES = {"pic": ["a.png", "b c.jpg"]}


@pytest.fixture(scope="module")
def template_id(site: Site) -> str:
    columns = [{"type": "String", **column} for column in COLUMNS]
    body = {"name": "Pictures", "_projectId": site.made.project_id, "columns": columns}
    return str(site.client.post("/v1/template", json=body).json()["_id"])


def send(site: Site, template_id: str, data: bytes, **fields: str) -> httpx.Response:
    return site.client.post(
        f"/v1/template/{template_id}/sample",
        data={"imageSchema": json.dumps(IMAGES), **fields},
        files={"file": ("images.zip", data)},
    )


def test_images_go_before_their_import_and_are_read_by_name(site: Site, worker: None, template_id: str) -> None:
    import_id = os.urandom(12).hex()
    answer = send(site, template_id, zipped(("a.png", PNG), ("b c.jpg", JPEG)), importId=import_id)
    assert answer.status_code == 201
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert [cell.value for cell in book["imp_pic"]["A"]] == ["pic", "a.png", "b c.jpg"]
    # Before the import nobody reads them, and no other project ever.
    asset = f"/v1/upload/{import_id}/asset/a.png"
    assert site.client.get(asset).status_code == 400
    fields = {"importId": import_id, "imageSchema": json.dumps(IMAGES), "schema": json.dumps(COLUMNS)}
    made = upload(site, b"Name,Pic\nAnn,a.png\nBob,c.png\n", auto=True, **fields)
    assert made.json()["_id"] == import_id
    review = site.client.get(f"/v1/review/{import_id}").json()["data"]
    assert [one["isValid"] for one in review] == [True, False]
    found = site.client.get(asset)
    assert (found.status_code, found.headers["content-type"], found.content) == (200, "image/png", PNG)
    assert site.client.get(f"/v1/upload/{import_id}/asset/b%20c.jpg").content == JPEG
    for name in ("c.png", "..%2f..%2fsource", "A.PNG"):
        assert site.client.get(f"/v1/upload/{import_id}/asset/{name}").status_code == 404
    stranger, _ = site.stranger()
    assert stranger.get(asset).status_code == 400
    # An import that was begun gets no others, and keeps these when it is through.
    assert message(send(site, template_id, zipped(("d.png", PNG)), importId=import_id)) == (
        400,
        ["importId is in use already"],
    )
    destination = f"/v1/template/{site.made.template_id}/destination"
    assert site.client.put(destination, json={"destination": "frontend"}).status_code == 200
    confirmed = site.client.post(f"/v1/review/{import_id}/confirm", json={})
    assert confirmed.status_code == 201
    assert site.client.put(destination, json={"destination": None}).status_code == 200
    # Programs are told where they are; a page shows their names.
    told = {"name": "Ann", "pic": f"{site.settings.address}{asset}"}
    assert confirmed.json()["importedData"][0] == told
    rows = f"/v1/upload/{import_id}/rows/valid"
    assert site.client.get(f"{rows}?format=delivered").json()["data"] == [told]
    line = site.client.get(f"{rows}?format=delivered", headers={"Accept": "application/x-ndjson"}).json()
    assert (line, site.client.get(rows).json()["data"][0]["pic"]) == (told, "a.png")
    house = site.app.state.web.house
    sweeping.sweep(replace(house, settings=house.settings.model_copy(update={"sweep_grace_s": 0})))
    assert site.client.get(asset).content == PNG


def test_what_is_no_zip_of_images_is_refused_and_nothing_kept(site: Site, template_id: str) -> None:
    import_id = os.urandom(12).hex()
    for data, said in (
        (zipped(("a.png", PNG), ("b.svg", b"<svg/>")), "“b.svg” is no PNG, JPEG or WebP image: the zip may hold those"),
        (b"no zip", ""),
    ):
        answer = send(site, template_id, data, importId=import_id)
        assert answer.status_code == 400
        assert said in str(answer.json()["message"])
    assert message(send(site, template_id, zipped(("a.png", PNG)))) == (400, ["importId should not be empty"])
    assert list(site.app.state.web.house.objects.list(f"{import_id}/")) == []
    assert site.client.get(f"/v1/upload/{UNKNOWN_ID}/asset/a.png").status_code == 400


def test_a_zip_is_kept_whole_or_not_at_all(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    house, project_id, import_id = site.app.state.web.house, site.made.project_id, os.urandom(12).hex()

    def store(*entries: tuple[str, bytes]) -> None:
        path = tmp_path / "zip"
        path.write_bytes(zipped(*entries))
        images.store(house, import_id, project_id, path)

    def found(name: str) -> bytes | None:
        with suppress(NotFound):
            return b"".join(images.stream(house, import_id, project_id, name)[2])
        return None

    put, left = house.objects.put_file, [1]

    def put_some(*given: Any) -> None:
        if not left:
            raise Unavailable("The power is gone.")
        left.pop()
        put(*given)

    with monkeypatch.context() as patch:
        patch.setattr(house.objects, "put_file", put_some)
        with pytest.raises(Unavailable):
            store(("a.png", PNG), ("b.jpg", JPEG))
    assert list(house.objects.list(f"{import_id}/"))
    assert (found("a.png"), found("b.jpg")) == (None, None)
    store(("a.png", PNG), ("b.jpg", JPEG))
    assert (found("a.png"), found("b.jpg")) == (PNG, JPEG)
    # One that is cut off later takes nothing, and one that is whole puts its own in their place.
    left.append(1)
    with monkeypatch.context() as patch:
        patch.setattr(house.objects, "put_file", put_some)
        with pytest.raises(Unavailable):
            store(("b.jpg", PNG), ("c.png", PNG))
    assert (found("b.jpg"), found("c.png")) == (JPEG, None)
    store(("b.jpg", PNG))
    assert (found("a.png"), found("b.jpg")) == (PNG, PNG)


def test_images_without_an_import_are_swept(site: Site) -> None:
    house = site.app.state.web.house
    old, young, odd = "5f" + "0" * 22, "f" * 24, "0" * 24
    for import_id in (old, young, odd):
        house.objects.put_bytes(f"{import_id}/images/{'0' * 40}", PNG)
    sweeping.drop_orphans(house)
    assert [bool(list(house.objects.list(f"{one}/"))) for one in (old, young, odd)] == [False, True, True]
