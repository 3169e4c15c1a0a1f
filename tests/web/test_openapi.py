"""OpenAPI is true: whatever schemathesis makes up from it is answered as it says. Bounded: a few calls of each kind,
more of them in `make torture`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from douane.flow import changing
from douane.settings import Settings
from tests.web.chat.conftest import chat_client
from tests.web.conftest import Site, site_of

pytestmark = pytest.mark.long

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# They end what the others need.
SKIPPED = {"/v1/auth/logout", "/v1/environment/api-keys/regenerate", "/v1/project/switch/{project_id}"}
# Its good answer is a document or nothing at all (contract 2.5), which a description cannot say.
SKIPPED |= {"/v1/template/{template_id}/destination"}
EXAMPLES = int(os.environ.get("DOUANE_TORTURE_EXAMPLES", "4"))


@pytest.fixture(scope="module")
def site(new_storage: Callable[[str], Settings]) -> Iterator[Site]:
    """Nobody works here: who waits for the worker, or for the end of a review, is told so soon."""
    quick = {"headings_wait_s": 0.05, "review_wait_s": 0.05, "chat_wait_s": 0.05, "forget_wait_s": 0.05}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changing, "WAIT_S", 0.05)
        yield from site_of(new_storage("sqlite").model_copy(update=quick))


@pytest.fixture(scope="module")
def ids(site: Site) -> dict[str, str]:
    client, template_id = site.client, site.made.template_id
    row = {"index": 1, "record": {"id": "C001"}, "updated": {}}
    upload_id = client.post(f"/v1/upload/{template_id}", json={}).json()["_id"]
    client.put(f"/v1/review/{upload_id}/records", json=[row])
    # Deleting is asked of things of its own.
    spare = client.post("/v1/template", json={"name": "Spare", "_projectId": site.made.project_id}).json()["_id"]
    forgotten = client.post(f"/v1/template/{template_id}/forget", json={"column": "id", "value": "nobody"})
    column = {"name": "a", "key": "a", "type": "String"}
    return {
        "project_id": site.made.project_id,
        "template_id": template_id,
        "column_id": client.post(f"/v1/column/{spare}", json=column).json()["_id"],
        "upload_id": upload_id,
        "forgetting_id": forgotten.json()["id"],
        "number": "1",
        "difference": f"0-{'0' * 24}",
        "name": "a.png",
    }


def test_every_operation_answers_as_described(site: Site, ids: dict[str, str]) -> None:
    chat = chat_client(site, site.made.email, site.made.password).headers
    headers = {"cookie": f"authentication={site.signed_in().cookies['authentication']}"}
    headers |= {name: chat[name] for name in ("X-User-Id", "X-Auth-Token")}
    schema = schemathesis.openapi.from_asgi("/openapi.json", site.app)
    # A stream never ends where nobody works: what it says first is looked at.
    schema.config.max_stream_events = 1
    # Ten seconds by itself: what a machine does beside this is no fault of the answer's.
    schema.config.request_timeout = 300
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path in SKIPPED or operation.method == "delete":
            continue
        tried += 1
        ask(operation, ids, headers)
    assert tried > 90


def ask(operation: Any, ids: dict[str, str], headers: dict[str, str]) -> None:
    either = st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE])

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy(generation_mode=data.draw(either)))
        if case.path_parameters and data.draw(st.integers(0, 3)):
            case.path_parameters = {name: ids[name] for name in case.path_parameters}
        answer = case.call(headers=headers)
        if answer.status_code != 503:  # nobody works here
            case.validate_response(answer, checks=CHECKS)

    run()


def test_every_operation_is_described_for_people(site: Site) -> None:
    document = site.client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["tags"], path
            assert operation["summary"], path
            assert {"500", "503"} <= set(operation["responses"]), (method, path)
            assert "HTTPValidationError" not in str(operation), path
    assert {"ErrorBody", "UploadDocument", "RecordDocument"} <= set(document["components"]["schemas"])
