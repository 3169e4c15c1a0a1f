"""Where accepted records go over the wire: setting it up, what was sent, and sending again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from douane.settings import Settings
from tests.conftest import MODES
from tests.receiver import Receiver
from tests.web.conftest import UNKNOWN_ID, Site, message, site_of
from tests.web.test_destination import COLUMNS, sent

URL = "callbackUrl must be a URL address"
WEBHOOK = {"callbackUrl": "https://hooks.example.com/in", "chunkSize": 50, "authHeaderName": "X-Token"}


@pytest.fixture(scope="module", params=MODES)
def site(request: pytest.FixtureRequest, new_storage: Callable[[str], Settings]) -> Iterator[Site]:
    """One that may call this machine's own addresses."""
    settings = new_storage(request.param).model_copy(update={"outbound_allow": "127.0.0.0/8"})
    yield from site_of(settings)


@pytest.fixture
def template(site: Site) -> str:
    made = site.client.post("/v1/template", json={"_projectId": site.made.project_id, "name": "People"}).json()
    assert site.client.put(f"/v1/template/{made['_id']}/columns", json=COLUMNS).status_code == 200
    return str(made["_id"])


def test_a_webhook_is_set_read_and_kept(site: Site, template: str) -> None:
    address = f"/v1/template/{template}/destination"
    answer = site.client.put(address, json={"destination": "webhook", "webhook": {**WEBHOOK, "secrets": ["new"]}})
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert made["destination"] == "webhook"
    assert (made["webhook"]["_templateId"], made["webhook"]["chunkSize"]) == (template, 50)
    (secret,) = made["webhook"]["secrets"]
    assert secret.startswith("whsec_")
    read = site.client.get(address).json()
    assert read["webhook"]["callbackUrl"] == WEBHOOK["callbackUrl"]
    assert read["webhook"]["_id"] == made["webhook"]["_id"]
    assert secret not in site.client.get(address).text
    # Another choice, and back without saying it all again: what was set up is kept.
    site.client.put(address, json={"destination": "frontend"})
    assert site.client.get(address).json()["webhook"]["chunkSize"] == 50
    back = site.client.put(address, json={"destination": "webhook"}).json()
    assert (back["destination"], back["webhook"]["chunkSize"]) == ("webhook", 50)
    assert site.client.put(address).status_code == 200
    assert "destination" not in site.client.get(address).json()


@pytest.mark.parametrize(
    ("webhook", "messages"),
    [
        ({}, [f"webhook.{URL}", "webhook.chunkSize must be a number conforming to the specified constraints"]),
        ({**WEBHOOK, "callbackUrl": "http://localhost:3000/x"}, [f"webhook.{URL}"]),
        ({**WEBHOOK, "chunkSize": 0}, ["webhook.chunkSize must not be less than 1"]),
        ({**WEBHOOK, "secrets": ["x"]}, ["webhook.secrets must begin with whsec_"]),
        ([], ["webhook must be an object"]),
        ("x", ["webhook must be an object"]),
    ],
    ids=["empty", "localhost", "size", "secret", "array", "text"],
)
def test_settings_of_a_webhook_are_judged(site: Site, template: str, webhook: Any, messages: list[str]) -> None:
    address = f"/v1/template/{template}/destination"
    answer = site.client.put(address, json={"destination": "webhook", "webhook": webhook})
    assert message(answer) == (400, messages)
    assert site.client.get(address).json() == {}


def test_endpoints_of_deliveries_refuse_what_makes_no_sense(site: Site, template: str) -> None:
    answer = site.client.post(f"/v1/template/{template}/send-sample", json={})
    assert message(answer) == (404, "Webhook URL not configured")
    assert site.client.post(f"/v1/template/{template}/send-sample", json={"extra": 1}).status_code == 400
    assert site.client.post(f"/v1/template/{UNKNOWN_ID}/send-sample").status_code == 404
    for path in (f"/v1/upload/{UNKNOWN_ID}/deliveries", f"/v1/activity/upload/{UNKNOWN_ID}/webhook-logs"):
        assert site.client.get(path).status_code == 400
    assert site.client.get("/v1/upload/zz/deliveries").status_code == 400
    assert site.client.post(f"/v1/activity/{UNKNOWN_ID}/retry").status_code == 400


def test_what_was_sent_is_told_and_sent_again(site: Site, worker: None, template: str) -> None:
    """Over the wire, by the worker: to an address where nobody listens, and then to a receiver."""
    address = f"/v1/template/{template}/destination"
    with Receiver() as receiver:
        gone = Receiver()
        gone.start()
        gone.stop()
        webhook = {**WEBHOOK, "callbackUrl": gone.url, "chunkSize": 2, "retryCount": 50, "retryInterval": 60}
        assert site.client.put(address, json={"destination": "webhook", "webhook": webhook}).status_code == 200
        upload = sent(site, template, "Ada,1\nBob,x\nCy,3\n")
        answer = site.client.post(f"/v1/review/{upload}/confirm", json={})
        assert answer.json()["uploadInfo"]["status"] == "Processing"
        log = until(site, f"/v1/activity/upload/{upload}/webhook-logs", lambda page: page["data"])["data"]
        assert (log[0]["status"], log[0]["failedReason"], log[0]["isRetry"]) == ("Failed", "Network Error", False)
        assert log[0]["dataContent"]["chunkSize"] == 2
        (one,) = until(site, f"/v1/upload/{upload}/deliveries", lambda found: found[0]["state"] == "waiting")
        assert (one["nextPage"], one["pages"]) == (1, {"total": 2, "delivered": 0, "failed": 0})
        # The address is mended: it is tried at once.
        site.client.put(address, json={"destination": "webhook", "webhook": {**webhook, "callbackUrl": receiver.url}})
        receiver.wait(2)
        until(site, f"/v1/upload/{upload}", lambda found: found["status"] == "Completed")
        answer = site.client.post(f"/v1/activity/{upload}/retry", json={"pages": [2]})
        assert answer.status_code == 201, answer.text
        assert (answer.json()["success"], answer.json()["upload"]["_id"], answer.json()["pages"]) == (True, upload, 1)
        receiver.wait(3)
        assert [call.json["page"] for call in receiver.taken] == [1, 2, 2]
        assert receiver.taken[1].id == receiver.taken[2].id
        again = until(site, f"/v1/activity/upload/{upload}/webhook-logs?isRetry=true", lambda page: page["data"])
        (line,) = again["data"]
        assert (line["pageNumber"], line["status"], line["isRetry"]) == (2, "Success", True)
        plain = site.client.get(f"/v1/activity/upload/{upload}/webhook-logs?data=false&limit=1").json()
        assert "dataContent" not in plain["data"][0]
        assert site.stranger()[0].get(f"/v1/activity/upload/{upload}/webhook-logs").status_code == 400
        assert site.stranger()[0].post(f"/v1/activity/{upload}/retry").status_code == 400
        for wrong in ({"pages": [3]}, {"pages": []}, {"pages": "all"}, {"pages": [[1]]}, {"pages": [True]}):
            assert site.client.post(f"/v1/activity/{upload}/retry", json=wrong).status_code == 400, wrong
        # Who is forgotten is in no call that is sent again, nor in the log of those that were.
        assert "Ada" in receiver.taken[0].body.decode()
        body = {"column": "name", "value": "ada"}
        found = site.client.post(f"/v1/template/{template}/forget", json=body).json()
        assert (found["rows"], [one["upload"] for one in found["uploads"]]) == (1, [upload])
        assert any("was sent" in one for one in found["remains"])
        until(site, f"/v1/upload/{upload}", lambda found: found["status"] == "Completed")
        assert site.client.post(f"/v1/activity/{upload}/retry", json={"pages": [1]}).status_code == 201
        receiver.wait(4)
        assert receiver.taken[3].id == receiver.taken[0].id
        assert [one["name"] for one in receiver.taken[3].json["data"]] == ["Bob"]
        assert "Ada" not in site.client.get(f"/v1/activity/upload/{upload}/webhook-logs").text
        sample = site.client.post(f"/v1/template/{template}/send-sample", json={"extra": "{}"})
        assert sample.status_code == 201, sample.text
        assert (sample.json()["totalRecords"], sample.json()["results"][0]["statusCode"]) == (15, 200)


def until(site: Site, path: str, good: Any) -> Any:
    ends = time.monotonic() + 60
    while not good(found := site.client.get(path).json()):
        assert time.monotonic() < ends, found
        time.sleep(0.1)
    return found


def test_a_duplicate_has_its_destination_where_that_is_asked_for(site: Site, template: str) -> None:
    address = f"/v1/template/{template}/destination"
    site.client.put(address, json={"destination": "webhook", "webhook": {**WEBHOOK, "secrets": ["new"]}})
    original = site.client.get(address).json()
    body = {"name": "Copy", "_projectId": site.made.project_id}
    bare = site.client.post(f"/v1/template/{template}/duplicate", json=body).json()["_id"]
    assert site.client.get(f"/v1/template/{bare}/destination").json() == {}
    whole = site.client.post(f"/v1/template/{template}/duplicate", json={**body, "duplicateDestination": True}).json()
    copied = site.client.get(f"/v1/template/{whole['_id']}/destination").json()
    assert copied["destination"] == "webhook"
    assert copied["webhook"]["_templateId"] == whole["_id"]
    assert copied["webhook"]["secrets"] == original["webhook"]["secrets"]
