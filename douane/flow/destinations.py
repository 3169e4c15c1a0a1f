"""Where a template's records go: choosing and setting up a destination, and asking for deliveries to it.

What is asked for here is done by the worker (`flow/deliveries.py`). An import that is confirmed has its delivery made
in the same transaction; a notice that it ended comes by way of the outbox (`tell`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import Any

import msgspec
from sqlalchemy import Connection

from douane import destinations as shelf
from douane.destinations import contract
from douane.errors import BadRequest, NotFound, WrongStage
from douane.flow.forms import leaving
from douane.flow.house import House
from douane.flow.identity import Secrets
from douane.flow.templates import definition, documents, fresh
from douane.jobs.queue import Job, WorkItem
from douane.model.customization import kept_of, with_destination
from douane.model.delivery import COMPLETED, NOTICE, ROWS, Delivery, Destination, Handover, Plan, Try
from douane.model.operation import READABLE, Operation
from douane.model.template import StoredTemplate
from douane.outbound import Outbound
from douane.settings import Settings
from douane.sheet import formatting, made_up
from douane.sheet.calls import About, Bodies
from douane.sheet.delivering import Delivery as Leaving
from douane.sheet.mapping import layout
from douane.sheet.output import Output
from douane.store import deliveries, destinations, operations, outbox, templates
from douane.store.database import database_now, read, write
from douane.store.ids import new_id

DELIVER, TELL_DOWN = "deliver", "tell_down"  # kinds of jobs
LOG_DAYS = 30  # how long tries are kept and shown (contract 2.11)
_OUTBOX_LINES = 100
_SHOWN_CHARS = 10  # of a secret

# `code` of the BadRequests of `again`.
NO_DESTINATION, NOT_SET_UP = "no_destination", "destination_not_set_up"


@lru_cache(maxsize=8)
def door(settings: Settings) -> contract.House:
    """What members of the shelf work with."""
    return contract.House(settings, Outbound(settings))


# Choosing and setting up


@dataclass(frozen=True, slots=True)
class Chosen:
    """`kind`: of the one that is chosen, None where none is. `known`: all that were set up, with their settings as they
    may be shown: of a secret its beginning."""

    template: StoredTemplate
    kind: str | None
    known: tuple[Destination, ...]


def of_template(house: House, secrets: Secrets, template_id: str, project_id: str) -> Chosen:
    with read(house.engine) as connection:
        stored = _template(templates.get(connection, template_id, project_id), template_id)
        known = destinations.of_template(connection, template_id)
    return _chosen(stored, [_with(one, _shown(one, secrets)) for one in known])


def choose(
    house: House, secrets: Secrets, template_id: str, project_id: str, kind: str | None, given: Mapping[str, Any] | None
) -> Chosen:
    """Sets where records go from now on; None: nowhere, they wait to be pulled. `given`: the member's settings; None
    leaves what was set up before. The answer shows its secrets whole, this once. BadSettings for what cannot work.

    Imports that were confirmed before go where they were going, with the settings of now."""
    member = None if kind is None else shelf.member(kind)
    with read(house.engine) as connection:
        _template(templates.get(connection, template_id, project_id), template_id)
        before = next((one for one in destinations.of_template(connection, template_id) if one.kind == kind), None)
    settings: dict[str, Any] | None = None
    if member is not None and member.TAKES != "answer":
        held = {} if before is None else opened(before, secrets)
        if given is None and before is None:
            given = {}
        if given is not None:
            settings = member.check(_kept_secrets(member, given, held), door(house.settings))
            for name in member.SECRETS:
                if name not in given and name in held:
                    settings[name] = held[name]
    with write(house.engine) as connection:
        stored = _template(templates.lock(connection, template_id, project_id), template_id)
        # With another destination the form of what leaves may go (2.5).
        document = with_destination(stored.document, kind, fresh())
        templates.change(connection, template_id, document=document)
        if settings is not None and member is not None and kind is not None:
            open_ones = {name: value for name, value in settings.items() if name not in member.SECRETS}
            made = destinations.put(connection, project_id, template_id, kind, open_ones)
            hidden = {name: settings[name] for name in member.SECRETS if settings.get(name)}
            settings = open_ones | hidden
            destinations.change(connection, made.id, secrets=_sealed(secrets, made.id, hidden))
            _go_on(house, connection, made)
        stored = _template(templates.get(connection, template_id, project_id), template_id)
        known = destinations.of_template(connection, template_id)
    shown = [_with(one, settings if one.kind == kind and settings else _shown(one, secrets)) for one in known]
    return _chosen(stored, shown)


def copy(connection: Connection, secrets: Secrets, source_id: str, template_id: str, project_id: str) -> None:
    """What a template's destinations are set up with, for a copy of the template."""
    for one in destinations.of_template(connection, source_id):
        made = destinations.put(connection, project_id, template_id, one.kind, one.settings, new_id())
        hidden = _hidden(one, secrets)
        destinations.change(connection, made.id, secrets=_sealed(secrets, made.id, hidden))


def opened(one: Destination, secrets: Secrets) -> dict[str, Any]:
    """The member's settings, with its secrets."""
    return {**one.settings, **_hidden(one, secrets)}


def _hidden(one: Destination, secrets: Secrets) -> dict[str, Any]:
    if one.secrets is None:
        return {}
    found: dict[str, Any] = msgspec.json.decode(secrets.decrypt(one.secrets, one.id))
    return found


def _sealed(secrets: Secrets, destination_id: str, hidden: Mapping[str, Any]) -> bytes | None:
    return secrets.encrypt(msgspec.json.encode(dict(hidden)).decode(), destination_id) if hidden else None


def _shown(one: Destination, secrets: Secrets) -> dict[str, Any]:
    return {**one.settings, **{name: _masked(value) for name, value in _hidden(one, secrets).items()}}


def _masked(value: Any) -> Any:
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return f"{value[:_SHOWN_CHARS]}…" if isinstance(value, str) and len(value) > 2 * _SHOWN_CHARS else "…"


def _kept_secrets(member: contract.Member, given: Mapping[str, Any], held: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, with secrets that are sent back as they were shown in place of their masks."""
    whole = dict(given)
    for name in member.SECRETS:
        value, before = whole.get(name), held.get(name)
        if isinstance(value, list) and isinstance(before, list):
            masks = {_masked(one): one for one in before}
            whole[name] = [masks.get(one, one) if isinstance(one, str) else one for one in value]
        elif before is not None and value == _masked(before):
            whole[name] = before
    return whole


def _with(one: Destination, settings: Mapping[str, Any]) -> Destination:
    return replace(one, settings=dict(settings), secrets=None)


def _chosen(stored: StoredTemplate, known: Sequence[Destination]) -> Chosen:
    return Chosen(stored, stored.document.get("destination"), tuple(known))


def _template(stored: StoredTemplate | None, template_id: str) -> StoredTemplate:
    if stored is None:
        raise NotFound(f"Template with id {template_id} does not exist")
    return stored


# Asking for deliveries


def begin(house: House, connection: Connection, operation: Operation) -> bool:
    """In the transaction that accepts an import's records: asks for them to be handed over. False where nothing is to
    be sent: no destination, one that takes none, or no records."""
    found = _destination_of(connection, operation)
    if found is None:
        return False
    plan = _plan(found, operation)
    if plan.total_pages == 0:
        return False
    made = deliveries.add(connection, operation, found.id, Handover(plan, ((1, plan.total_pages),)))
    ask(house, connection, made)
    return True


def tell(house: House) -> int:
    """Drains the outbox: of each import that ended its destination gets a notice, where it wants one. How many lines
    were taken."""
    with read(house.engine) as connection:
        if not outbox.any_waiting(connection):
            return 0
    with write(house.engine) as connection:
        lines = outbox.waiting(connection, _OUTBOX_LINES)
        for line in lines:
            if line.stage == "completed":
                _notice(house, connection, operations.get(connection, line.operation_id))
        outbox.take(connection, [line.id for line in lines])
    return len(lines)


def _notice(house: House, connection: Connection, operation: Operation) -> None:
    found = _destination_of(connection, operation)
    if found is None or found.settings.get("send") not in ("summary", "both"):
        return
    made = deliveries.add(connection, operation, found.id, Handover(NOTICE, ((1, 1),)))
    ask(house, connection, made)


def again(house: House, operation: Operation, pages: Sequence[tuple[int, int]] | None = None, *, failed: bool) -> int:
    """Hands the records over again: all pages, those of `pages` (first and last of each run), or those that were given
    up. What still waits for its next try goes on at once. How many pages are to be sent again. BadRequest
    (`NO_DESTINATION`, `NOT_SET_UP`, or a sentence) where that cannot be."""
    with write(house.engine) as connection:
        now = operations.get(connection, operation.id, operation.project_id, lock=True)
        if now.stage not in READABLE:
            raise WrongStage("Only records of a confirmed import are sent.", stage=now.stage)
        stored = templates.get(connection, now.template_id or "", now.project_id)
        if stored is None or shelf.takes(stored.document.get("destination")) not in ("calls", "file"):
            raise BadRequest("Template does not have a webhook destination", code=NO_DESTINATION)
        found = _destination_of(connection, now)
        if found is None:
            raise BadRequest("Webhook destination not found for template", code=NOT_SET_UP)
        before = deliveries.first(connection, now.id, found.id)
        plan = _plan(found, now) if before is None else Plan.of(before)
        if plan.total_pages == 0:
            before, plan = deliveries.first(connection, now.id, found.id, COMPLETED), NOTICE
        busy = deliveries.open_of(connection, now.id)
        wanted = _wanted(connection, plan, before, pages, failed=failed)
        for one in busy:
            if one.state == "waiting":
                ask(house, connection, one)
            if before is not None and one.root_id == before.root_id:
                wanted = _without(wanted, one)
        if not wanted:
            return 0
        if not now.kept and plan.event == ROWS:
            raise BadRequest("The records of this import are not kept any more.")
        what = Handover(plan, tuple(wanted), None if before is None else before.root_id, again=True)
        made = deliveries.add(connection, now, found.id, what, "queued" if busy else "waiting")
        if not busy:
            ask(house, connection, made)
    return sum(last - first + 1 for first, last in wanted)


def _plan(found: Destination, operation: Operation) -> Plan:
    member = shelf.member(found.kind)
    view = "valid" if found.settings.get("rows") == "valid" else leaving(operation)
    total = operation.valid if view == "valid" else operation.total
    if member.TAKES == "file":
        return Plan(ROWS, view, total, total, min(total, 1))
    size = member.rows(found.settings)
    return Plan(ROWS, view, size, total, -(-total // size)) if size else Plan(ROWS, view, 0, 0, 0)


def _destination_of(connection: Connection, operation: Operation) -> Destination | None:
    """The one that an import's template has chosen, if it can be sent to."""
    stored = templates.get(connection, operation.template_id or "", operation.project_id)
    kind = None if stored is None else stored.document.get("destination")
    if stored is None or shelf.takes(kind) not in ("calls", "file"):
        return None
    return next((one for one in destinations.of_template(connection, stored.id) if one.kind == kind), None)


def ask(house: House, connection: Connection, one: Delivery, delay_s: float = 0.0) -> None:
    """A job for it, at once or later; any that was asked for before counts no more."""
    due = database_now(connection) + timedelta(seconds=delay_s)
    number = deliveries.ask(connection, one.id, due)
    item, key = WorkItem("delivery", f"{one.id}.{number}"), f"deliver:{one.id}:{number}"
    job = Job(DELIVER, item, one.project_id, key, "delivery", share=one.destination_id)
    house.jobs.enqueue(connection, job, delay_s)


def _go_on(house: House, connection: Connection, found: Destination) -> None:
    """Somebody has changed the destination: what waits for it is tried at once, it may be right now."""
    for one in deliveries.waiting_for(connection, found.id):
        ask(house, connection, one)


def _wanted(
    connection: Connection,
    plan: Plan,
    before: Delivery | None,
    pages: Sequence[tuple[int, int]] | None,
    *,
    failed: bool,
) -> list[tuple[int, int]]:
    if failed:
        found = {} if before is None else deliveries.outcomes(connection, before.root_id)
        return _runs([page for page, (outcome, _) in found.items() if outcome == "failed"])
    if pages is None:
        return [(1, plan.total_pages)]
    for first, last in pages:
        if not 1 <= first <= last <= plan.total_pages:
            raise BadRequest(f"There are pages 1 to {plan.total_pages}, none from {first} to {last}.")
    return _merged(pages)


def _without(wanted: Sequence[tuple[int, int]], busy: Delivery) -> list[tuple[int, int]]:
    """Less what a delivery that is under way has still to send."""
    left = list(wanted)
    for first, last in busy.pages:
        first = max(first, busy.next_page)
        if first <= last:
            left = [
                run
                for begin, end in left
                for run in ((begin, min(end, first - 1)), (max(begin, last + 1), end))
                if run[0] <= run[1]
            ]
    return left


def _merged(runs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same pages, each once, in order."""
    made: list[tuple[int, int]] = []
    for first, last in sorted(runs):
        if made and first <= made[-1][1] + 1:
            made[-1] = (made[-1][0], max(made[-1][1], last))
        else:
            made.append((first, last))
    return made


def _runs(pages: Sequence[int]) -> list[tuple[int, int]]:
    return _merged([(page, page) for page in pages])


# Looking at them


def of_operation(house: House, operation: Operation) -> list[Delivery]:
    """Oldest first."""
    with read(house.engine) as connection:
        return deliveries.of_operation(connection, operation.id)


@dataclass(frozen=True, slots=True)
class LogLine:
    """A try, its delivery, whether that was a call with a body, and the destination's settings but its secrets."""

    one: Try
    delivery: Delivery
    calls: bool
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Log:
    lines: list[LogLine]
    total: int


def log_of(house: House, operation: Operation, *, again: bool | None, page: int, limit: int) -> Log:
    """A page of the log of the last 30 days, newest first."""
    with read(house.engine) as connection:
        since = database_now(connection) - timedelta(days=LOG_DAYS)
        offset = (page - 1) * limit
        found, total = deliveries.tries(connection, operation.id, again=again, since=since, offset=offset, limit=limit)
        of = {one.id: one for one in deliveries.of_operation(connection, operation.id)}
        targets = {name: destinations.get(connection, name) for name in {one.destination_id for one in of.values()}}
    lines = []
    for one in found:
        held = of[one.delivery_id]
        target = targets[held.destination_id]
        calls = held.event != ROWS or target is None or shelf.takes(target.kind) == "calls"
        lines.append(LogLine(one, held, calls, {} if target is None else target.settings))
    return Log(lines, total)


# Trying it out

SAMPLE_RECORDS = 15
SAMPLE_NAME, SAMPLE_FILE = "Sample Template", "sample-data.json"  # the contract's (2.5)


@dataclass(frozen=True, slots=True)
class Sampled:
    """What a test delivery came to: the made-up records as they left, and how the last of `pages` calls went."""

    records: list[bytes]
    chunk_rows: int
    pages: int
    last_id: str
    at: datetime
    reply: contract.Reply


def send_sample(
    house: House, secrets: Secrets, template_id: str, project_id: str, *, extra: str | None, auth: str | None
) -> Sampled:
    """Hands made-up records to the destination that is chosen, now, once. NotFound (`NOT_SET_UP`) where none is that
    can be sent to; BadRequest where it does not take them."""
    with read(house.engine) as connection:
        stored = _template(templates.get(connection, template_id, project_id), template_id)
        columns = templates.columns(connection, template_id)
        known = destinations.of_template(connection, template_id)
    found = next((one for one in known if one.kind == stored.document.get("destination")), None)
    if found is None or not shelf.knows(found.kind):
        raise NotFound("Webhook URL not configured", code=NOT_SET_UP)
    member, settings = shelf.member(found.kind), opened(found, secrets)
    template = definition(stored.name, documents(columns), stored.document)
    keys = [column.key for column in template.columns]
    record, chunk = _formats_of(stored, keys)
    output = Output(template, layout(template, keys, tuple(range(len(keys)))))
    size = member.rows(settings) or SAMPLE_RECORDS
    pages = -(-SAMPLE_RECORDS // size)
    at = datetime.now(UTC)
    mark = f"sample-{template_id}-{int(at.timestamp() * 1000)}"
    sent: list[bytes] = []
    frame = made_up.frame(template, SAMPLE_RECORDS)
    with member.open(settings, door(house.settings)) as way:
        for page in range(1, pages + 1):
            upload_id = f"{mark}-page-{page}"
            about = About(upload_id, SAMPLE_NAME, SAMPLE_FILE, extra, SAMPLE_RECORDS, pages)
            leaving = Leaving(template, upload_id, fields=keys, record_format=record, lenient=True)
            bodies = Bodies(output, leaving, about, chunk_format=chunk)
            some = frame.slice((page - 1) * size, size)
            made = bodies.records(some, range(len(some)))
            body = bodies.body(page, made, invalid=False)
            lines = b"".join(one + b"\n" for one in made)
            reply = way.send(
                contract.Parcel(
                    id=upload_id,
                    event="test",
                    body=body,
                    records=partial(tuple, made),
                    auth=auth,
                    page=page,
                    file=partial(iter, [lines]),
                    name=f"{upload_id}.ndjson",
                )
            )
            sent += made
            if reply.outcome != "delivered":
                raise BadRequest(reply.reason or "The destination does not take it.")
    return Sampled(sent, size, pages, upload_id, at, reply)


def _formats_of(stored: StoredTemplate, keys: Sequence[str]) -> tuple[Any, Any]:
    """The template's forms of a record and of a call, decoded; None where records leave as they are."""
    kept = kept_of(stored.document)
    if kept is None:
        return None, None
    record = formatting.decoded(kept.record) if kept.record else formatting.default_record(keys)
    return record, formatting.decoded(kept.chunk) if kept.chunk else formatting.DEFAULT_CHUNK
