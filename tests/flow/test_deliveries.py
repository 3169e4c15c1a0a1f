"""Deliveries on both storage modes, with the worker's handler called in this process and a receiver in a thread."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from douane.destinations import signing
from douane.destinations.contract import BadSettings
from douane.errors import BadRequest, NotFound, WrongStage
from douane.flow import deliveries, destinations, identity, imports, ledger, templates
from douane.flow.house import House, house_of
from douane.flow.identity import Secrets
from douane.flow.work import TABLE
from douane.model.delivery import Delivery
from douane.model.operation import Operation
from douane.model.sheet_import import Formats
from douane.staging.masks import FORGOTTEN, VALID, Mask, write_mask
from douane.store import deliveries as stored
from douane.store import destinations as stored_destinations
from douane.store import manifest, operations, outbox, people, projects
from douane.store.database import read, write
from douane.store.ids import new_id
from douane.store.manifest import MaskRow
from douane.store.objects import Objects
from tests.flow.staged import staged
from tests.receiver import Answer, Call, Receiver

once = pytest.mark.parametrize("storage", ["sqlite"], indirect=True)

COLUMNS = [
    {"key": "name", "name": "Name"},
    {"key": "n", "name": "N", "type": "Number"},
    {"key": "tags", "name": "Tags", "type": "Select", "selectValues": ["a", "b"], "allowMultiSelect": True},
    {"key": "lang", "name": "Lang", "defaultValue": "en"},
]
ROWS = 7


@pytest.fixture
def house(storage: Any, engine: Any) -> House:
    """It may call this machine, tries again at once, and gives up soon."""
    quick = {
        "outbound_allow": "127.0.0.0/8",
        "delivery_pause_s": 0.01,
        "delivery_wait_s": 1.0,
        "delivery_give_up_s": 600.0,
        "secret": "x" * 40,
    }
    settings = storage.model_validate({**storage.model_dump(), **quick})
    return house_of(settings, engine, Objects(settings))


@pytest.fixture
def secrets(house: House) -> Secrets:
    return identity.unlock(house)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


class Given:
    """A template with a destination, and imports of it."""

    def __init__(self, house: House, secrets: Secrets) -> None:
        self.house, self.secrets = house, secrets
        with write(house.engine) as connection:
            person = people.add(
                connection, email="a@b.co", username="a", first_name="A", last_name="B", password_hash="x"
            )
            self.project_id = projects.add(connection, name="Project", owner_id=person.id).id
        self.template = templates.add(house, self.project_id, "People", {}, COLUMNS)

    def send_to(self, kind: str | None, **settings: Any) -> destinations.Chosen:
        return destinations.choose(self.house, self.secrets, self.template.id, self.project_id, kind, settings or None)

    def webhook(self, receiver: Receiver, **settings: Any) -> destinations.Chosen:
        return self.send_to("webhook", **{"callbackUrl": receiver.url, "chunkSize": 3, **settings})

    def reviewed(self, rows: int = ROWS, formats: Formats | None = None, **kept: Any) -> Operation:
        """An import in review: of `rows` records the last is invalid."""
        cells = [[f"N{row}", "x" if row == rows else str(row), "a;b"] for row in range(1, rows + 1)]
        template = templates.definition("People", [{**one, "delimiter": ";"} for one in COLUMNS])
        headings = ("name", "n", "tags")
        return staged(
            self.house,
            self.project_id,
            template,
            cells,
            template_id=self.template.id,
            headings=headings,
            invalid={rows - 1},
            part_rows=4,
            formats=formats,
            wire=kept,
        )

    def confirmed(self, rows: int = ROWS, formats: Formats | None = None, **kept: Any) -> Operation:
        return imports.confirm(self.house, self.reviewed(rows, formats, **kept))

    def deliveries(self, operation: Operation) -> list[Delivery]:
        return destinations.of_operation(self.house, operation)

    def turn(self, operation: Operation) -> Delivery:
        """One job of the import's last delivery that is not done."""
        one = [one for one in self.deliveries(operation) if one.state != "queued"][-1]
        deliveries.deliver(self.house, f"{one.id}.{one.asked}")
        return self.deliveries(operation)[-1]

    def done(self, operation: Operation, seconds: float = 20) -> Delivery:
        """Turns until nothing of it waits any more."""
        ends = time.monotonic() + seconds
        while any(one.state != "done" for one in self.deliveries(operation)):
            assert time.monotonic() < ends, self.deliveries(operation)
            for one in self.deliveries(operation):
                if one.state == "waiting" and one.due_at is not None and one.due_at.timestamp() <= time.time():
                    deliveries.deliver(self.house, f"{one.id}.{one.asked}")
            time.sleep(0.005)
        return self.deliveries(operation)[-1]

    def stage(self, operation: Operation) -> str:
        return imports.get(self.house, operation.id).stage

    def log(self, operation: Operation) -> list[tuple[int, str]]:
        """(page, outcome) of each try, oldest first."""
        lines = destinations.log_of(self.house, operation, again=None, page=1, limit=1000).lines
        return [(line.one.page, line.one.outcome) for line in reversed(lines)]


@pytest.fixture
def given(house: House, secrets: Secrets) -> Given:
    return Given(house, secrets)


# What is sent


def test_pages_are_sent_in_order_and_the_import_ends_with_the_last(given: Given, receiver: Receiver) -> None:
    given.webhook(receiver, authHeaderName="X-Token")
    operation = given.confirmed(extra='{"userId": 1, "big": 12345678901234567890}', authHeaderValue="sesame")
    assert (operation.stage, receiver.calls) == ("processing", [])
    assert given.done(operation).state == "done"
    assert given.stage(operation) == "completed"
    first, second, third = receiver.calls
    assert [call.id for call in receiver.calls] == [
        f"msg_{given.deliveries(operation)[0].id}_{page}" for page in (1, 2, 3)
    ]
    assert first.body.startswith(b'{"page":1,"fileName":"people.csv","template":"People","uploadId":"')
    assert b'"big": 12345678901234567890' in first.body
    assert first.json == {
        "page": 1,
        "fileName": "people.csv",
        "template": "People",
        "uploadId": operation.id,
        "data": [{"name": f"N{row}", "n": row, "tags": ["a", "b"], "lang": "en"} for row in (1, 2, 3)],
        "totalRecords": 7,
        "chunkSize": 3,
        "extra": {"userId": 1, "big": 12345678901234567890},
        "totalPages": 3,
    }
    assert [(call.json["page"], call.json["chunkSize"], len(call.json["data"])) for call in (second, third)] == [
        (2, 3, 3),
        (3, 1, 1),
    ]
    assert third.json["data"][0]["n"] == "x"  # all records leave, unless only valid ones are asked for (2.10)
    assert first.headers["content-type"] == "application/json"
    assert first.headers["x-token"] == "sesame"
    assert first.headers["x-delivery-id"] == first.id
    assert "webhook-signature" not in first.headers
    ended = given.deliveries(operation)[0]
    assert (ended.sent_pages, ended.sent_rows, ended.failed_pages) == (3, 7, 0)


@once
def test_a_body_has_the_form_that_the_import_wants(given: Given, receiver: Receiver) -> None:
    given.webhook(receiver)
    record = '{"who": "{{name}} ({{n}})", "n": "{{n}}", "lost": "{{nothing}}", "lang": "{{lang}}"}'
    chunk = '{"rows": "{{data}}", "at": "{{page}}/{{totalPages}}", "bad": "{{isInvalidRecords}}", "e": "{{extra}}"}'
    operation = given.confirmed(formats=Formats(record, chunk), extra="not json")
    given.done(operation)
    assert [call.json["at"] for call in receiver.calls] == ["1/3", "2/3", "3/3"]
    assert [call.json["bad"] for call in receiver.calls] == [False, False, True]
    assert receiver.calls[0].json["rows"][0] == {"who": "N1 (1)", "n": 1, "lost": "{{nothing}}", "lang": "en"}
    assert receiver.calls[0].json["e"] == "not json"


@once
def test_the_default_form(given: Given, receiver: Receiver) -> None:
    given.webhook(receiver)
    given.done(given.confirmed(formats=Formats()))
    body = receiver.calls[0].json
    assert list(body) == ["data", "page", "chunkSize", "template", "uploadId", "fileName", "extra"]
    assert body["data"][0] == {"name": "N1", "n": 1, "tags": ["a", "b"], "lang": "en"}
    assert body["extra"] == ""


@once
def test_only_valid_rows_leave_where_that_is_asked_for(given: Given, receiver: Receiver) -> None:
    given.webhook(receiver, rows="valid")
    operation = given.confirmed()
    given.done(operation)
    assert [(call.json["totalRecords"], len(call.json["data"])) for call in receiver.calls] == [(6, 3), (6, 3)]


@once
def test_without_records_nothing_is_sent_and_the_import_ends(given: Given, receiver: Receiver) -> None:
    given.webhook(receiver, rows="valid")
    assert given.confirmed(rows=1).stage == "completed"
    assert receiver.calls == []


def test_a_notice_is_an_alternative_to_the_records(given: Given, receiver: Receiver) -> None:
    given.webhook(receiver, send="summary")
    operation = given.confirmed(extra="7")
    assert operation.stage == "completed"
    assert destinations.tell(given.house) == 1
    assert destinations.tell(given.house) == 0
    given.done(operation)
    (call,) = receiver.calls
    assert call.json["type"] == "import.completed"
    data = call.json["data"]
    assert (data["uploadId"], data["extra"], data["totalRecords"], data["validRecords"]) == (operation.id, 7, 7, 6)
    assert data["links"]["validRecords"].endswith(f"/v1/upload/{operation.id}/rows/valid")
    assert given.log(operation) == [(1, "delivered")]


def test_records_and_then_the_notice(given: Given, receiver: Receiver) -> None:
    given.webhook(receiver, send="both", chunkSize=4)
    operation = given.confirmed()
    given.done(operation)
    while destinations.tell(given.house):
        pass
    given.done(operation)
    assert [call.json.get("type", "rows") for call in receiver.calls] == ["rows", "rows", "import.completed"]
    assert (receiver.calls[2].json["data"]["deliveredRecords"], receiver.calls[2].json["data"]["failedRecords"]) == (
        7,
        0,
    )


# Signatures


def test_calls_are_signed_for_both_secrets_anew_each_time(
    given: Given, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = signing.new_secret(), signing.new_secret()
    given.webhook(receiver, secrets=[old, new], chunkSize=10)
    receiver.answer = lambda call, number: 503 if number == 0 else 200
    clock = iter((1_700_000_000.9, 1_700_000_400.1))
    hands = SimpleNamespace(time=lambda: next(clock), monotonic=time.monotonic)
    monkeypatch.setattr("douane.destinations.webhook.time", hands)
    given.done(given.confirmed())
    first, second = receiver.calls
    assert first.id == second.id
    assert first.body == second.body
    assert [call.headers["webhook-timestamp"] for call in receiver.calls] == ["1700000000", "1700000400"]
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


@once
def test_the_published_library_verifies_them(given: Given, receiver: Receiver) -> None:
    old, new = signing.new_secret(), signing.new_secret()
    shown = given.webhook(receiver, secrets=[old, new], chunkSize=10)
    assert shown.known[0].settings["secrets"] == [old, new]
    given.done(given.confirmed())
    (call,) = receiver.calls
    for secret in (old, new):
        assert Webhook(secret).verify(call.body.decode(), call.headers)["totalRecords"] == 7
    with pytest.raises(WebhookVerificationError):
        Webhook(signing.new_secret()).verify(call.body.decode(), call.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(call.body.decode() + " ", call.headers)


@once
def test_secrets_are_shown_once_and_kept(given: Given, receiver: Receiver) -> None:
    made = given.webhook(receiver, secrets=["new"]).known[0].settings["secrets"]
    again = destinations.of_template(given.house, given.secrets, given.template.id, given.project_id)
    (masked,) = again.known[0].settings["secrets"]
    assert made[0].startswith(masked[:10])
    assert masked != made[0]
    with read(given.house.engine) as connection:
        (row,) = stored_destinations.of_template(connection, given.template.id)
    assert "secrets" not in row.settings
    assert made[0].encode() not in (row.secrets or b"")
    # Sent back as it was shown it stays, with a second one beside it; left out they stay; an empty list clears them.
    both = given.webhook(receiver, secrets=[masked, "new"]).known[0].settings["secrets"]
    assert both[0] == made[0]
    assert len(both) == 2
    assert given.webhook(receiver).known[0].settings["secrets"] == both
    assert "secrets" not in given.webhook(receiver, secrets=[]).known[0].settings


# Failures


def test_what_fails_is_tried_again_under_the_same_id_before_anything_else(given: Given, receiver: Receiver) -> None:
    answers = iter([500, None, 429, 200, 503, 200, 200])
    receiver.answer = lambda call, number: next(answers)
    given.webhook(receiver)
    operation = given.confirmed()
    given.done(operation)
    assert [call.json["page"] for call in receiver.calls] == [1, 1, 1, 1, 2, 2, 3]
    assert len({call.id for call in receiver.calls}) == 3
    assert given.stage(operation) == "completed"
    assert given.log(operation) == [
        (1, "again"), (1, "again"), (1, "again"), (1, "delivered"), (2, "again"), (2, "delivered"), (3, "delivered"),
    ]  # fmt: skip


@pytest.mark.parametrize("status", [400, 401, 404, 410, 422, 301, 302])
@once
def test_a_permanent_answer_gives_the_page_up_and_the_next_one_goes(
    given: Given, receiver: Receiver, status: int
) -> None:
    def answer(call: Call, number: int) -> int | Answer:
        return (status, {"Location": "http://127.0.0.1:1/"}, b"no") if call.json["page"] == 2 else 200

    receiver.answer = answer
    given.webhook(receiver)
    operation = given.confirmed()
    ended = given.done(operation)
    assert [call.json["page"] for call in receiver.calls] == [1, 2, 3]
    assert (ended.sent_pages, ended.failed_pages, ended.failed_rows) == (2, 1, 3)
    assert given.stage(operation) == "completed"
    (line,) = [
        line for line in destinations.log_of(given.house, operation, again=None, page=1, limit=9).lines
        if line.one.outcome == "failed"
    ]  # fmt: skip
    assert (line.one.status, line.one.reply) == (status, "no")
    assert str(status) in (line.one.reason or "")


def test_a_template_says_how_often_and_how_long(given: Given, receiver: Receiver) -> None:
    receiver.answer = lambda call, number: 500 if call.json["page"] == 1 else 200
    given.webhook(receiver, retryCount=2, retryInterval=7)
    operation = given.confirmed()
    for tries in (1, 2):
        before = time.time()
        waiting = given.turn(operation)
        assert (waiting.state, waiting.tries, waiting.next_page) == ("waiting", tries, 1)
        assert waiting.due_at is not None
        assert 415 < waiting.due_at.timestamp() - before < 425
    # The third try is the last: the page is given up, the next one shows that the receiver lives.
    assert given.turn(operation).state == "done"
    assert given.log(operation) == [(1, "again"), (1, "again"), (1, "failed"), (2, "delivered"), (3, "delivered")]
    assert given.stage(operation) == "completed"


@once
def test_each_page_has_the_tries_that_the_template_gives_it(given: Given, receiver: Receiver) -> None:
    """An outage that is longer than the tries of one page takes no page that comes after it."""
    receiver.answer = lambda call, number: 500 if number < 4 else 200
    given.webhook(receiver, retryCount=2, retryInterval=1)
    operation = given.confirmed()
    for tries in (1, 2, 1, 0):
        assert given.turn(operation).tries == tries
    assert given.log(operation) == [
        (1, "again"), (1, "again"), (1, "failed"), (2, "again"), (2, "delivered"), (3, "delivered"),
    ]  # fmt: skip


@once
def test_pages_that_a_program_stumbles_over_take_no_good_ones_with_them(given: Given, receiver: Receiver) -> None:
    """It answers, so it is not gone: however long that lasted, each page is tried."""
    receiver.answer = lambda call, number: 500 if call.json["page"] in (1, 2, 3, 6, 7) else 200
    settings = given.house.settings.model_copy(update={"delivery_give_up_s": 0.1})
    given.house = house_of(settings, given.house.engine, given.house.objects)
    given.webhook(receiver)
    operation = given.confirmed(rows=24)
    ended = given.done(operation)
    assert [call.json["page"] for call in receiver.taken] == [4, 5, 8]
    assert (ended.sent_pages, ended.failed_pages, given.stage(operation)) == (3, 5, "completed")
    pages = [call.json["page"] for call in receiver.calls]
    assert (pages.count(2), pages.count(3)) == (1, 1)


def test_a_dead_destination_is_given_up_as_a_whole_and_can_be_sent_to_again(given: Given, receiver: Receiver) -> None:
    receiver.stop()
    settings = given.house.settings.model_copy(update={"delivery_give_up_s": 0.2})
    given.house = house_of(settings, given.house.engine, given.house.objects)
    given.webhook(receiver)
    operation = given.confirmed(rows=30)
    ended = given.done(operation)
    assert (ended.sent_pages, ended.failed_pages, ended.failed_rows) == (0, 10, 30)
    assert given.stage(operation) == "completed"
    log = given.log(operation)
    assert [page for page, outcome in log if outcome == "failed"] == list(range(1, 11))
    # It was called for the first page, and once for the second; the others were not tried.
    assert {page for page, outcome in log if outcome == "again"} == {1}
    lines = destinations.log_of(given.house, operation, again=None, page=1, limit=1000).lines
    assert {(line.one.reply, line.one.address == "") for line in lines if line.one.page < 3} == {(None, False)}
    assert {(line.one.reply, line.one.address) for line in lines if line.one.page > 2} == {(None, "")}
    receiver.start()
    assert destinations.again(given.house, imports.get(given.house, operation.id), failed=True) == 10
    again = given.done(operation)
    assert (again.again, again.sent_pages, again.failed_pages) == (True, 10, 0)
    assert receiver.in_order() == [ended.message_id(page) for page in range(1, 11)]


@once
def test_retry_after_is_kept(given: Given, receiver: Receiver) -> None:
    receiver.answer = lambda call, number: (429, {"Retry-After": "120"}, b"slow down") if number == 0 else 200
    given.webhook(receiver)
    operation, other = given.confirmed(), given.confirmed()
    before = time.time()
    waiting = given.turn(operation)
    assert waiting.due_at is not None
    assert 115 < waiting.due_at.timestamp() - before < 125
    # The other import waits too, without a call.
    waiting = given.turn(other)
    assert waiting.due_at is not None
    assert waiting.due_at.timestamp() - before > 100
    assert len(receiver.calls) == 1


@once
def test_a_dead_destination_is_left_alone_by_all_but_one(given: Given, receiver: Receiver) -> None:
    receiver.answer = lambda call, number: 500
    slow = given.house.settings.model_copy(update={"delivery_pause_s": 50.0, "delivery_give_up_s": 1e6})
    given.house = house_of(slow, given.house.engine, given.house.objects)
    given.webhook(receiver)
    operations_ = [given.confirmed() for _ in range(8)]
    for operation in operations_:
        given.turn(operation)
    # Five tries that failed close it; the others wait without having called.
    assert len(receiver.calls) == deliveries.BREAKER_FAILURES
    assert [given.deliveries(one)[0].tries for one in operations_] == [1] * 5 + [0] * 3
    with read(given.house.engine) as connection:
        (target,) = stored_destinations.of_template(connection, given.template.id)
        assert stored_destinations.count_down(connection) == 1
    assert target.closed_until is not None
    # Whoever changes the settings has them tried at once.
    receiver.answer = lambda call, number: 200
    given.webhook(receiver, chunkSize=100)
    for operation in operations_:
        given.done(operation)
    with read(given.house.engine) as connection:
        (target,) = stored_destinations.of_template(connection, given.template.id)
    assert (target.failures, target.closed_until, target.down_since) == (0, None, None)
    assert len(receiver.in_order()) == 24  # cut as they were when they were confirmed


def test_who_lost_the_delivery_commits_nothing(given: Given, receiver: Receiver) -> None:
    """A worker that slept is overtaken by another one."""
    given.webhook(receiver)
    operation = given.confirmed()
    (held,) = given.deliveries(operation)

    def overtake(call: Call, number: int) -> int:
        if number == 0:
            with write(given.house.engine) as connection:
                assert stored.claim(connection, held.id, held.asked) is not None
        return 200

    receiver.answer = overtake
    assert deliveries.deliver(given.house, f"{held.id}.{held.asked}") is False
    (now,) = given.deliveries(operation)
    assert (now.state, now.sent_pages, given.log(operation)) == ("sending", 0, [])
    # The one that took over sends all of it, under the same ids.
    assert deliveries.deliver(given.house, f"{held.id}.{held.asked}") is False
    assert receiver.in_order() == [held.message_id(page) for page in (1, 2, 3)]
    assert given.stage(operation) == "completed"
    # A job that was asked for before, or twice, does nothing.
    count = len(receiver.calls)
    assert deliveries.deliver(given.house, f"{held.id}.{held.asked}") is False
    assert deliveries.deliver(given.house, f"{new_id()}.1") is False
    assert len(receiver.calls) == count


def test_the_ledger_says_what_became_of_each_record(given: Given, receiver: Receiver) -> None:
    receiver.answer = lambda call, number: 404 if call.json["page"] == 2 else 500 if call.json["page"] == 3 else 200
    given.webhook(receiver, retryCount=3, retryInterval=60)
    operation = given.confirmed()

    def counts() -> tuple[int, ...]:
        found = ledger.of_upload(given.house, imports.get(given.house, operation.id))
        assert found.agrees, found
        return found.found, found.delivered, found.waiting, found.failed, found.left_out

    assert counts() == (7, 0, 7, 0, 0)
    given.turn(operation)
    assert counts() == (7, 3, 1, 3, 0)
    receiver.answer = lambda call, number: 200
    given.webhook(receiver)
    given.done(operation)
    assert counts() == (7, 4, 0, 3, 0)
    destinations.again(given.house, operation, failed=True)
    given.done(operation)
    assert counts() == (7, 7, 0, 0, 0)


# Again


def test_one_page_a_range_or_all_are_sent_again_under_their_ids(given: Given, receiver: Receiver) -> None:
    given.webhook(receiver)
    operation = given.confirmed()
    given.done(operation)
    ids = [call.id for call in receiver.calls]
    bodies = [call.body for call in receiver.calls]
    # Another size of pages now; what was sent keeps its cut.
    given.webhook(receiver, chunkSize=5)
    for pages, expected in (([(2, 2)], [2]), ([(3, 3), (1, 2), (2, 3)], [1, 2, 3]), (None, [1, 2, 3])):
        receiver.calls.clear()
        assert destinations.again(given.house, operation, pages, failed=False) == len(expected)
        given.done(operation)
        assert [call.id for call in receiver.calls] == [ids[page - 1] for page in expected]
        assert [call.body for call in receiver.calls] == [bodies[page - 1] for page in expected]
    assert given.stage(operation) == "completed"
    for wrong in ([(0, 1)], [(1, 4)], [(3, 2)]):
        with pytest.raises(BadRequest, match="There are pages 1 to 3"):
            destinations.again(given.house, operation, wrong, failed=False)


@once
def test_what_is_under_way_goes_on_at_once_and_is_not_asked_for_twice(given: Given, receiver: Receiver) -> None:
    receiver.answer = lambda call, number: 500 if number == 1 else 200
    given.webhook(receiver, retryCount=3, retryInterval=60)
    operation = given.confirmed()
    assert given.turn(operation).next_page == 2
    # Page 1 was sent and is wanted again; 2 and 3 are still to come.
    assert destinations.again(given.house, operation, None, failed=False) == 1
    first, second = given.deliveries(operation)
    assert (first.state, second.state, second.pages) == ("waiting", "queued", ((1, 1),))
    given.done(operation)
    assert [call.json["page"] for call in receiver.taken] == [1, 2, 3, 1]


@once
def test_what_cannot_be_sent_again_is_refused(given: Given, receiver: Receiver) -> None:
    operation = given.reviewed()
    with pytest.raises(WrongStage):
        destinations.again(given.house, operation, failed=False)
    operation = imports.confirm(given.house, operation)
    with pytest.raises(BadRequest, match="Template does not have a webhook destination"):
        destinations.again(given.house, operation, failed=False)
    # A destination that was set up later: all of it goes.
    given.webhook(receiver)
    assert destinations.again(given.house, operation, failed=False) == 3
    given.done(operation)
    assert len(receiver.taken) == 3
    with write(given.house.engine) as connection:
        operations.forget_objects(connection, operation.id)
    with pytest.raises(BadRequest, match="not kept any more"):
        destinations.again(given.house, imports.get(given.house, operation.id), failed=False)


@once
def test_records_that_are_gone_meanwhile_are_given_up(given: Given, receiver: Receiver) -> None:
    given.webhook(receiver)
    operation = given.confirmed()
    with write(given.house.engine) as connection:
        operations.forget_objects(connection, operation.id)
    ended = given.done(operation)
    assert (ended.failed_pages, ended.error) == (3, "The records of this import are not kept any more.")
    assert (receiver.calls, given.stage(operation)) == ([], "completed")


@once
def test_records_that_were_forgotten_leave_no_page_and_move_none(given: Given, receiver: Receiver) -> None:
    given.webhook(receiver)
    operation = given.confirmed()
    given.done(operation)
    before = [call.json["data"] for call in receiver.calls]
    receiver.calls.clear()
    with tempfile.TemporaryDirectory() as folder, write(given.house.engine) as connection:
        path = Path(folder) / "mask"
        write_mask(Mask(np.array([VALID, FORGOTTEN, VALID, VALID], np.uint8), np.zeros((4, 1), np.uint64)), path)
        given.house.objects.put_file(f"{operation.id}/mask/forgot", path)
        row = MaskRow(0, 3, 0, f"{operation.id}/mask/forgot", None, 1, forgotten=1)
        manifest.add_masks(connection, operation.id, TABLE, 2, [row])
        operations.change(connection, operation.id, version=2)
    destinations.again(given.house, operation, failed=False)
    given.done(operation)
    after = [call.json["data"] for call in receiver.calls]
    assert [one["name"] for one in after[0]] == ["N1", "N3"]
    assert after[1:] == before[1:]
    assert receiver.calls[0].json["totalRecords"] == 7


# Settings


@pytest.mark.parametrize(
    ("settings", "name", "wrong"),
    [
        ({"callbackUrl": None}, "callbackUrl", "must be a URL address"),
        ({"callbackUrl": "http://localhost:8080/x"}, "callbackUrl", "must be a URL address"),
        ({"callbackUrl": "http://intranet/x"}, "callbackUrl", "must be a URL address"),
        ({"callbackUrl": "http://10.0.0.1/x"}, "callbackUrl", "not a public address"),
        ({"callbackUrl": "http://[::1]/x"}, "callbackUrl", "not a public address"),
        ({"callbackUrl": "http://0x7f.1/"}, "callbackUrl", "must be a URL address"),
        ({"callbackUrl": "ftp://example.com/x"}, "callbackUrl", "http"),
        ({"callbackUrl": "https://a:b@example.com/"}, "callbackUrl", "user name"),
        ({"callbackUrl": "https://example.com/" + "x" * 3000}, "callbackUrl", "2048"),
        ({"callbackUrl": ["https://example.com"]}, "callbackUrl", "must be a URL address"),
        ({"chunkSize": None}, "chunkSize", "must be a number"),
        ({"chunkSize": 0}, "chunkSize", "must not be less than 1"),
        ({"chunkSize": 100_001}, "chunkSize", "must not be greater than 100000"),
        ({"chunkSize": 1.5}, "chunkSize", "integer"),
        ({"chunkSize": float("nan")}, "chunkSize", "must be a number"),
        ({"chunkSize": True}, "chunkSize", "must be a number"),
        ({"retryCount": -1}, "retryCount", "must not be less than 0"),
        ({"retryInterval": "5"}, "retryInterval", "must be a number"),
        ({"authHeaderName": "a b"}, "authHeaderName", "name of a header"),
        ({"authHeaderName": "X\r\nY"}, "authHeaderName", "name of a header"),
        ({"authHeaderName": "Content-Length"}, "authHeaderName", "sends itself"),
        ({"authHeaderName": "Webhook-Signature"}, "authHeaderName", "sends itself"),
        ({"secrets": "whsec_x"}, "secrets", "array"),
        ({"secrets": ["new", "new", "new"]}, "secrets", "no more than 2"),
        ({"secrets": ["hunter2"]}, "secrets", "must begin with whsec_"),
        ({"secrets": ["whsec_" + "_-" * 20]}, "secrets", "base64 with + and /"),
        ({"secrets": ["whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"[:-1]]}, "secrets", "base64"),
        ({"secrets": ["whsec_c2hvcnQ="]}, "secrets", "24 to 64 bytes"),
        ({"send": "all"}, "send", "must be one of"),
        ({"rows": "invalid"}, "rows", "must be one of"),
    ],
)  # fmt: skip
@once
def test_settings_that_cannot_work_are_refused(given: Given, settings: dict[str, Any], name: str, wrong: str) -> None:
    whole = {"callbackUrl": "https://hooks.example.com/in", "chunkSize": 50, **settings}
    with pytest.raises(BadSettings) as refused:
        given.send_to("webhook", **whole)
    assert [fault[0] for fault in refused.value.faults] == [name]
    assert wrong in refused.value.faults[0][1]
    assert destinations.of_template(given.house, given.secrets, given.template.id, given.project_id).known == ()


@once
def test_the_allow_list_lifts_the_check_of_names(given: Given) -> None:
    settings = given.house.settings.model_copy(update={"outbound_allow": "intranet, localhost:9999"})
    given.house = house_of(settings, given.house.engine, given.house.objects)
    for url in ("http://intranet/x", "http://localhost:9999/x", "https://hooks.example.com/in"):
        assert given.send_to("webhook", callbackUrl=url, chunkSize=1).known[0].settings["callbackUrl"] == url
    with pytest.raises(BadSettings):
        given.send_to("webhook", callbackUrl="http://localhost:9998/x", chunkSize=1)


# Trying it out


@once
def test_a_test_delivery(given: Given, receiver: Receiver) -> None:
    with pytest.raises(NotFound, match="Webhook URL not configured"):
        destinations.send_sample(given.house, given.secrets, given.template.id, given.project_id, extra=None, auth=None)
    given.webhook(receiver, chunkSize=10, authHeaderName="X-T")
    receiver.answer = lambda call, number: (202, {}, b"thanks")
    found = destinations.send_sample(
        given.house, given.secrets, given.template.id, given.project_id, extra="[1]", auth="s"
    )
    assert (found.pages, found.chunk_rows, len(found.records)) == (2, 10, 15)
    assert (found.reply.status, found.reply.body) == (202, "thanks")
    first, second = (call.json for call in receiver.calls)
    assert (first["template"], first["fileName"], first["extra"]) == ("Sample Template", "sample-data.json", [1])
    assert first["uploadId"].startswith(f"sample-{given.template.id}-")
    assert second["uploadId"].endswith("-page-2")
    assert first["data"][0] == {"name": "Sample Name 1", "n": 1, "tags": ["a", "b"], "lang": "Sample Lang 1"}
    assert receiver.calls[0].headers["x-t"] == "s"
    receiver.answer = lambda call, number: 500
    with pytest.raises(BadRequest, match="500"):
        destinations.send_sample(given.house, given.secrets, given.template.id, given.project_id, extra=None, auth=None)


def test_the_outbox_is_drained_of_every_end(given: Given) -> None:
    operation = given.confirmed()
    assert operation.stage == "completed"
    with read(given.house.engine) as connection:
        assert outbox.any_waiting(connection)
    assert destinations.tell(given.house) == 1
    with read(given.house.engine) as connection:
        assert not outbox.any_waiting(connection)
    assert given.deliveries(operation) == []
