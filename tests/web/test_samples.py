"""Samples over HTTP (contract 2.5, 2.8, 5.7)."""

from __future__ import annotations

import io
import json
from typing import Any

import jwt
import openpyxl
import pytest

from tests.web.conftest import UNKNOWN_ID, Site, message

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
COLUMN = {"name": "Mail", "key": "mail", "type": "Email"}


@pytest.fixture(scope="module")
def template_id(site: Site) -> str:
    body = {"name": "Contacts & more", "_projectId": site.made.project_id, "columns": [COLUMN]}
    return str(site.client.post("/v1/template", json=body).json()["_id"])


def cells(data: bytes) -> list[tuple[Any, ...]]:
    return list(openpyxl.load_workbook(io.BytesIO(data))["Data"].iter_rows(values_only=True))


def test_a_sample_has_the_templates_columns_and_the_given_rows(site: Site, template_id: str) -> None:
    address = f"/v1/template/{template_id}/sample"
    answer = site.client.post(address, json={})
    assert (answer.status_code, answer.headers["content-type"]) == (201, MEDIA_TYPE)
    assert answer.headers["content-disposition"] == "attachment; filename=sample.xlsx"
    assert cells(answer.content) == [("mail",)]
    rows = [{"mail": "a@b.co"}]
    schema = [{"key": "n", "type": "Number"}, {"key": "pic", "type": "Image"}]
    for given in (rows, json.dumps(rows)):
        assert cells(site.client.post(address, json={"data": given}).content) == [("mail",), ("a@b.co",)]
    body = {"schema": json.dumps(schema), "imageSchema": json.dumps({"pic": ["a.png"]}), "data": '[{"n": 5}]'}
    for answer in (
        site.client.post(address, json=body),
        site.client.post(address, files={name: (None, text) for name, text in body.items()}),
    ):
        assert cells(answer.content) == [("n", "pic"), (5, None)]
        assert openpyxl.load_workbook(io.BytesIO(answer.content))["imp_pic"]["A2"].value == "a.png"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"data": "x"}, ["data must be a json string"]),
        ({"data": [1]}, ["data must be an array of objects"]),
        ({"schema": "{"}, ["schema must be a json string"]),
        ({"schema": [1]}, "Invalid schema input. An array of schema object columns is expected."),
        ({"imageSchema": {"a": 1}}, ["imageSchema must be a json string"]),
        ({"importId": "x"}, ["importId must be a mongodb id"]),
    ],
)
def test_what_is_asked_wrongly_is_said(site: Site, template_id: str, body: Any, said: object) -> None:
    assert message(site.client.post(f"/v1/template/{template_id}/sample", json=body)) == (400, said)


def test_a_signed_address_opens_one_sample_for_an_hour(site: Site, template_id: str) -> None:
    key = site.client.get(f"/v1/template/{template_id}", headers={}).json()["sampleFileUrl"]
    listed = site.client.get(f"/v1/project/{site.made.project_id}/templates").json()
    assert key == f"{template_id}/sample.xlsx" == next(x for x in listed if x["_id"] == template_id)["sampleFileUrl"]
    answer = site.client.post("/v1/common/signed-url", json={"key": key})
    assert (answer.status_code, answer.headers["content-type"]) == (201, "text/plain; charset=utf-8")
    signed = answer.text.removeprefix(site.settings.address)
    anyone = site.anyone()
    found = anyone.get(signed)
    assert cells(found.content) == [("mail",)]
    assert "Contacts" in found.headers["content-disposition"]
    # Without the signature, with another's, for another template, when it is over: nothing.
    plain = f"/v1/template/{template_id}/sample.xlsx"
    assert anyone.get(plain).status_code == 401
    assert cells(site.client.get(plain).content) == [("mail",)]
    assert message(anyone.get(signed + "x"))[0] == 401  # type: ignore[index]
    assert anyone.get(signed.replace(template_id, UNKNOWN_ID)).status_code == 401
    secrets = site.app.state.web.secrets
    claims = {"iss": "douane-sample", "sub": template_id, "project": site.made.project_id, "exp": 1}
    old = jwt.encode(claims, secrets.signing_key, algorithm="HS256")
    assert message(anyone.get(f"{plain}?token={old}")) == (401, "This address is not valid any more.")
    cookie = site.signed_in().cookies["authentication"].removeprefix("Bearer%20")
    assert anyone.get(f"{plain}?token={cookie}").status_code == 401


def test_others_samples_stay_theirs(site: Site, template_id: str) -> None:
    stranger, _ = site.stranger()
    gone = (404, f"Template with id {template_id} does not exist")
    assert message(stranger.post(f"/v1/template/{template_id}/sample", json={})) == gone
    assert message(stranger.get(f"/v1/template/{template_id}/sample.xlsx")) == gone
    assert message(stranger.post("/v1/common/signed-url", json={"key": f"{template_id}/sample.xlsx"})) == gone
    assert message(site.client.post("/v1/common/signed-url", json={"key": "../x"})) == (
        404,
        "There is no file of this name.",
    )
    assert message(site.client.post("/v1/common/signed-url", json={}))[0] == 400  # type: ignore[index]
