"""What the worker does to deliveries: hands records over page by page, and decides what follows when that fails.

A delivery is a row of SQL that says how far it is. Pages go one after the other, each under an id that was fixed before
its first try; a page is behind us only once that is committed, so a worker that is killed at any moment is followed by
one that sends the last pages once more, under the same ids. What succeeds is committed twice a second; what fails, at
once.

When a try fails that may succeed later, the delivery waits: by the template's own `retryCount` and `retryInterval`
(contract 8.4), or else for ever longer pauses until `delivery_give_up_s` is over. Then the page is given up and the
next one goes, and is tried by the same rule. But an outage has an end for the import: once it has lasted
`delivery_give_up_s`, each page that is left is tried once, so that pages which a program stumbles over do not take good
ones with them; and where two of them in a row find nobody who answers at all, the rest is given up with them, to be
sent again when somebody asks.

Beside that stands a breaker for each destination: after some failures in a row nobody is sent there for a while, but
for one at a time that tries; so a hundred imports do not each wait for an answer that does not come.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
import structlog
from sqlalchemy import Connection

from douane import destinations as shelf
from douane import encodings
from douane.destinations.contract import Parcel, Reply, Way
from douane.errors import BadFile, DouaneError, NotFound, Superseded
from douane.flow import destinations, identity, images, records
from douane.flow.destinations import DELIVER, TELL_DOWN
from douane.flow.forms import chunk_format, delivery_of, form_of, template_of
from douane.flow.house import House
from douane.flow.records import Excerpt
from douane.jobs import children
from douane.jobs.queue import Job, WorkItem
from douane.model.delivery import COMPLETED, ROWS, Delivery, Destination, Try
from douane.model.operation import Operation, Progress
from douane.model.sheet_import import sheet_detail
from douane.sheet.calls import About, Bodies, notice
from douane.staging.masks import FORGOTTEN, INVALID, Placed
from douane.store import deliveries, operations
from douane.store import destinations as stored_destinations
from douane.store.database import database_now, read, write

COMMIT_S = 0.5  # so often is written down what was delivered
TRIES_KEPT = 200  # ... or after so many pages
STRETCH_ROWS = 10_000  # records that are made ready at once
BREAKER_FAILURES = 5  # tries in a row that come to nothing close a destination
BREAKER_PAUSES = 6  # for so many times the first pause, twice as long each time a try shows that it is still down
BREAKER_PAUSES_MAX = 60
_LONGEST_PAUSE = 0.25  # of `delivery_give_up_s`: so that some tries lie in its second half

log = structlog.get_logger()


def deliver(house: House, item_id: str) -> bool:
    """Goes on with a delivery; True when its turn is over before it is done."""
    delivery_id, _, asked = item_id.partition(".")
    with write(house.engine) as connection:
        try:
            held = deliveries.claim(connection, delivery_id, int(asked or 0))
        except NotFound:
            return False  # its import is gone
        if held is None:
            return False
        target = stored_destinations.get(connection, held.destination_id, lock=True)
        if target is None:
            _end(house, connection, held, "The destination was deleted.")
            return False
        wait_s = _closed_for(connection, house, held, target)
        if wait_s is not None:
            destinations.ask(house, connection, held, wait_s)
            return False
        operation = operations.get(connection, held.operation_id)
    if not shelf.knows(target.kind):
        return _refused(house, held, f"The package of the destination {target.kind} is not installed any more.")
    if held.event == ROWS and not (operation.kept and operation.stage in ("processing", "completed")):
        return _refused(house, held, "The records of this import are not kept any more.")
    with suppress(Superseded):
        return _Sending(house, held, target, operation).run()
    log.info("delivery.superseded", delivery=held.id)
    return False


def _closed_for(connection: Connection, house: House, held: Delivery, target: Destination) -> float | None:
    """For how many seconds the destination is closed to this delivery. Who finds that the time is over is the one who
    tries, and closes it for the others until that is known."""
    if target.closed_until is None:
        return None
    now = database_now(connection)
    if held.down_since is None:
        deliveries.change(connection, held.id, down_since=now)
    elif (now - held.down_since).total_seconds() > _patience_s(house, target):
        return None  # long enough: let it be tried, and given up
    left_s = (target.closed_until - now).total_seconds()
    if left_s > 0:
        return left_s + random.uniform(0, house.settings.delivery_pause_s)
    probing = now + timedelta(seconds=house.settings.delivery_wait_s + house.settings.delivery_pause_s)
    stored_destinations.change(connection, target.id, closed_until=probing)
    return None


def _patience_s(house: House, target: Destination) -> float:
    count, minutes = _own_retries(target)
    return count * minutes * 60 if count else house.settings.delivery_give_up_s


def _outage_s(house: House, target: Destination) -> float:
    """How long an outage may last before a page is tried but once."""
    count, minutes = _own_retries(target)
    return max(house.settings.delivery_give_up_s, count * minutes * 60)


def _own_retries(target: Destination) -> tuple[int, float]:
    """The template's own rule: how often, and minutes between; (0, 0) where it has none (contract 8.4)."""
    count, minutes = target.settings.get("retryCount") or 0, target.settings.get("retryInterval") or 0
    return (int(count), float(minutes)) if count and minutes else (0, 0.0)


class _Sending:
    """One attempt at a delivery."""

    def __init__(self, house: House, held: Delivery, target: Destination, operation: Operation) -> None:
        self.house, self.held, self.target, self.operation = house, held, target, operation
        self._pending: list[Try] = []
        self._committed_at = time.monotonic()
        self._ends_at = time.monotonic() + house.settings.turn_s
        # How far it is, beyond what is committed.
        self._next: int | None = held.page_from(held.next_page)
        self._tries, self._spent, self._down_since = held.tries, held.spent, held.down_since

    def run(self) -> bool:
        secrets = identity.unlock(self.house) if self.target.secrets is not None else None
        settings = self.target.settings if secrets is None else destinations.opened(self.target, secrets)
        member = shelf.member(self.target.kind)
        parcels = self._parcels()
        try:
            with member.open(settings, destinations.door(self.house.settings)) as way:
                for page, parcel in parcels:
                    if children.stopping.is_set() or time.monotonic() > self._ends_at:
                        self._commit()
                        return True
                    if not self._hand_over(way, page, parcel):
                        return False
        except DouaneError as error:
            if isinstance(error, Superseded):
                raise
            # What we could not make ready is no fault of the destination's: the job is tried again, and then given up.
            self._commit()
            raise
        finally:
            parcels.close()
        self._commit(done=True)
        return False

    def _hand_over(self, way: Way, page: int, parcel: Parcel) -> bool:
        """False where the delivery waits now, or has ended."""
        if len(self._pending) >= TRIES_KEPT or time.monotonic() - self._committed_at > COMMIT_S:
            # Also the fence: whoever slept here for longer must not send what another one may have sent already.
            self._commit()
        at = datetime.now(UTC)
        reply = way.send(parcel)
        if reply.outcome == "delivered" or reply.outcome == "failed":
            self._note(page, parcel, reply, at)
            self._tries, self._spent, self._down_since = 0, False, None
        else:
            return self._again(page, parcel, reply, at)
        self._next = self.held.page_from(page + 1)
        return True

    def _again(self, page: int, parcel: Parcel, reply: Reply, at: datetime) -> bool:
        """A try came to nothing; what follows."""
        self._tries += 1
        self._down_since = self._down_since or at
        pause_s = self._pause_s(reply, at)
        if pause_s is not None:
            self._note(page, parcel, reply, at)
            self._next = page
            self._commit(reply=reply, pause_s=pause_s)
            return False
        self._note(page, parcel, replace(reply, outcome="failed"), at)
        self._next = self.held.page_from(page + 1)
        if self._spent and reply.status is None and self._down_s(at) >= _outage_s(self.house, self.target):
            self._commit(
                reply=reply, done=True, rest=f"Not tried: the destination is down. {reply.reason or ''}".strip()
            )
            return False
        self._tries, self._spent = 0, True
        self._commit(reply=reply)
        return True

    def _pause_s(self, reply: Reply, at: datetime) -> float | None:
        """How long to wait for the next try of this page; None: it is given up."""
        count, minutes = _own_retries(self.target)
        settings = self.house.settings
        if self._down_s(at) >= _outage_s(self.house, self.target):
            return None
        if count:
            if self._tries > count:
                return None
            pause_s = minutes * 60
        else:
            longest_s = settings.delivery_give_up_s * _LONGEST_PAUSE
            pause_s = min(settings.delivery_pause_s * 3.0 ** min(self._tries - 1, 20), longest_s)
            pause_s *= random.uniform(0.8, 1.2)
        # Not for ever, whatever it says.
        return max(pause_s, min(reply.wait_s or 0.0, 86_400.0))

    def _down_s(self, at: datetime) -> float:
        """How long nothing of this delivery has got through."""
        return 0.0 if self._down_since is None else (at - self._down_since).total_seconds()

    def _note(self, page: int, parcel: Parcel, reply: Reply, at: datetime) -> None:
        self._pending.append(
            Try(
                delivery_id=self.held.id,
                operation_id=self.held.operation_id,
                page=page,
                rows=self.held.rows_of(page),
                outcome=reply.outcome,
                again=self.held.again,
                at=at,
                seconds=reply.seconds,
                sent_bytes=len(parcel.body),
                address=reply.address,
                status=reply.status,
                reason=reply.reason,
                reply=None if reply.status is None and not reply.alive else reply.body,
            )
        )

    def _commit(
        self, *, reply: Reply | None = None, pause_s: float | None = None, done: bool = False, rest: str | None = None
    ) -> None:
        """Writes down what came of the pages since the last time, and what follows. `reply`: the last one, where it
        came to nothing; `rest`: why all that is left is given up."""
        held, tries = self.held, self._pending
        with write(self.house.engine) as connection:
            now = deliveries.fenced(connection, held)
            sent = [one for one in tries if one.outcome == "delivered"]
            lost = [one for one in tries if one.outcome == "failed"]
            if rest is not None:
                left = _given_up(now, self._next, rest)
                lost += left
                tries = tries + left
            deliveries.add_tries(connection, tries)
            values: dict[str, Any] = {
                "sent_pages": now.sent_pages + len(sent),
                "sent_rows": now.sent_rows + sum(one.rows for one in sent),
                "failed_pages": now.failed_pages + len(lost),
                "failed_rows": now.failed_rows + sum(one.rows for one in lost),
                "tries": self._tries,
                "spent": self._spent,
                "down_since": self._down_since,
                "error": next((one.reason for one in reversed(tries) if one.reason), now.error),
            }
            if self._next is not None:
                values["next_page"] = self._next
            deliveries.change(connection, held.id, **values)
            self._note_destination(connection, reply, bool(sent), bool(lost))
            self._note_progress(connection, now.sent_rows + now.failed_rows + sum(one.rows for one in (*sent, *lost)))
            if done:
                _finish(self.house, connection, held)
            elif pause_s is not None:
                destinations.ask(self.house, connection, held, pause_s)
        self._pending = []
        self._committed_at = time.monotonic()

    def _note_destination(self, connection: Connection, reply: Reply | None, sent: bool, lost: bool) -> None:
        """The breaker, and what people are told of an outage."""
        house, settings = self.house, self.house.settings
        if reply is None and not self._pending and not lost:
            return
        target = stored_destinations.get(connection, self.target.id, lock=True)
        if target is None:
            return
        now = database_now(connection)
        if reply is None or reply.alive:
            values: dict[str, Any] = {"failures": 0, "closed_until": None, "down_since": None, "told_at": None}
            if reply is not None and reply.wait_s:
                values["closed_until"] = now + timedelta(seconds=min(reply.wait_s, 86_400.0))
            if any(getattr(target, name) != value for name, value in values.items()):
                if target.told_at is not None:
                    log.info("destination.back", destination=target.id, project=target.project_id)
                stored_destinations.change(connection, target.id, **values)
            return
        failures = 1 if sent else target.failures + 1
        values = {"failures": failures, "down_since": (None if sent else target.down_since) or now}
        if failures >= BREAKER_FAILURES:
            pauses = min(BREAKER_PAUSES * 2 ** min(failures - BREAKER_FAILURES, 10), BREAKER_PAUSES_MAX)
            values["closed_until"] = now + timedelta(seconds=settings.delivery_pause_s * pauses)
        if (target.told_at is None or sent) and (failures >= BREAKER_FAILURES or lost):
            # Once an outage: the same transaction says that it was told and asks for it to be.
            values["told_at"] = now
            log.warning("destination.down", destination=target.id, project=target.project_id, reason=reply.reason)
            item = WorkItem("destination", f"{target.id}.{self.held.id}")
            key = f"tell_down:{target.id}:{int(now.timestamp() * 1000)}"
            house.jobs.enqueue(connection, Job(TELL_DOWN, item, target.project_id, key, "delivery"))
        stored_destinations.change(connection, target.id, **values)

    def _note_progress(self, connection: Connection, rows: int) -> None:
        if not self.held.again and self.held.event == ROWS:
            progress = Progress("deliver", rows, self.held.total_rows, "rows", rows)
            operations.set_progress(connection, self.operation, progress)

    # What is handed over

    def _parcels(self) -> Generator[tuple[int, Parcel]]:
        member = shelf.member(self.target.kind)
        if self.held.event != ROWS:
            return self._notices()
        return self._files() if member.TAKES == "file" else self._calls()

    def _notices(self) -> Generator[tuple[int, Parcel]]:
        if self._next is not None:
            yield 1, replace(self._parcel(1), body=notice_body(self.house, self.operation, self.held))

    def _files(self) -> Generator[tuple[int, Parcel]]:
        if self._next is not None:
            kind = str(self.target.settings.get("format") or "csv")
            encodings.member(kind)
            wanted = Excerpt("valid" if self.held.view == "valid" else "all", kind)
            file = partial(records.encoded, self.house, self.operation, wanted)
            yield 1, replace(self._parcel(1), file=file, name=f"{self.operation.id}.{kind}")

    def _calls(self) -> Generator[tuple[int, Parcel]]:
        """Page after page. The next stretch is made ready while this one is sent."""
        pages, page = Pages(self.house, self.operation, self.held), self._next
        with ThreadPoolExecutor(1, thread_name_prefix="parcels") as ahead:
            coming = None if page is None else ahead.submit(pages.stretch, page)
            while page is not None and coming is not None:
                ready = coming.result()
                if not ready:
                    raise BadFile("Not all records of this import are there any more.", code="file_gone")
                following = self.held.page_from(ready[-1][0] + 1)
                coming = None if following is None else ahead.submit(pages.stretch, following)
                for number, some, body in ready:
                    yield number, replace(self._parcel(number), body=body, records=partial(tuple, some))
                page = following

    def _parcel(self, page: int) -> Parcel:
        auth = sheet_detail(self.operation).wire.get("authHeaderValue")
        return Parcel(
            id=self.held.message_id(page),
            event=self.held.event,
            auth=auth if isinstance(auth, str) else None,
            page=page,
        )


class Pages:
    """The pages of an import as they are sent, each the same every time."""

    def __init__(self, house: House, operation: Operation, held: Delivery) -> None:
        self._house, self._operation, self._held = house, operation, held
        self._bodies = _bodies(house, operation, held)

    def stretch(self, page: int) -> list[tuple[int, list[bytes], bytes]]:
        """(page, its records, its body) from this page on: some thousand records, and none that is not wanted."""
        held = self._held
        last = next((last for first, last in held.pages if first <= page <= last), page)
        count = min(max(1, STRETCH_ROWS // held.chunk_rows), last - page + 1)
        return self._made(page, count)

    def body(self, page: int) -> bytes:
        """As it was sent."""
        return self._made(page, 1)[0][2]

    def _made(self, page: int, count: int) -> list[tuple[int, list[bytes], bytes]]:
        held = self._held
        offset = (page - 1) * held.chunk_rows
        # Forgotten records keep their places, so that a page that is sent again has none of another's.
        view: Placed = "accepted" if held.view == "valid" else "placed"
        found = records.stretch(self._house, self._operation, view, offset, count * held.chunk_rows)
        rows = found.rows.tolist()
        made: list[bytes | None] = list(self._bodies.records(found.frame, rows))
        for at in np.flatnonzero(found.states == FORGOTTEN):
            made[at] = None
        invalid = (found.states == INVALID).tolist()
        return list(self._bodies.pages(made, invalid, page, held.chunk_rows))


def _bodies(house: House, operation: Operation, held: Delivery) -> Bodies:
    detail, output = sheet_detail(operation), form_of(operation).output
    columns = [column.key for column in template_of(operation).columns]
    keys: list[str] | None = None
    if detail.formats is None:
        keys = list(dict.fromkeys((*output.fields, *columns)))
    elif not detail.formats.record:
        keys = columns
    image_root = images.root(house, operation.id)
    return Bodies(
        output,
        delivery_of(operation, image_root),
        _about(operation, held),
        keys=keys,
        chunk_format=chunk_format(operation),
        image_root=image_root,
    )


def _about(operation: Operation, held: Delivery) -> About:
    detail = sheet_detail(operation)
    extra = detail.wire.get("extra")
    return About(
        upload_id=operation.id,
        template=detail.template_name,
        file_name=operation.file_name,
        extra=extra if isinstance(extra, str) else None,
        total_rows=held.total_rows,
        total_pages=held.total_pages,
    )


def notice_body(house: House, operation: Operation, held: Delivery) -> bytes:
    """What is told of an import that ended: its counts, and where its records are."""
    counts = {"totalRecords": operation.total, "validRecords": operation.valid, "invalidRecords": operation.invalid}
    with read(house.engine) as connection:
        first = deliveries.first(connection, operation.id, held.destination_id)
        found = {} if first is None else deliveries.outcomes(connection, first.root_id)
    if first is not None:
        counts |= {
            f"{name}Records": sum(rows for outcome, rows in found.values() if outcome == name)
            for name in ("delivered", "failed")
        }
    root = f"{house.settings.address}/v1/upload/{operation.id}"
    links = {"upload": root, "validRecords": f"{root}/rows/valid", "invalidRecords": f"{root}/rows/invalid"}
    at = held.created_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return notice(_about(operation, held), COMPLETED, counts, links, at)


def body_of(house: House, operation: Operation, held: Delivery, page: int) -> bytes | None:
    """The body that a page was sent with; None where its records are gone, or it was none of JSON."""
    if held.event != ROWS:
        return notice_body(house, operation, held)
    if not operation.kept or held.chunk_rows >= held.total_rows > STRETCH_ROWS:
        return None
    return Pages(house, operation, held).body(page)


# Ends


def _given_up(held: Delivery, page: int | None, reason: str) -> list[Try]:
    """Of every page that is left: that it is not tried."""
    found, at = [], datetime.now(UTC)
    while page is not None:
        found.append(Try(held.id, held.operation_id, page, held.rows_of(page), "failed", held.again, at, reason=reason))
        page = held.page_from(page + 1)
    return found


def _finish(house: House, connection: Connection, held: Delivery) -> None:
    """Every page was delivered or given up: the import ends, and the next delivery of it begins."""
    now = database_now(connection)
    deliveries.change(connection, held.id, state="done", ended_at=now, due_at=None)
    following = deliveries.next_queued(connection, held.operation_id)
    if following is not None:
        destinations.ask(house, connection, following)
    operation = operations.get(connection, held.operation_id, lock=True)
    waiting = [one for one in deliveries.open_of(connection, held.operation_id) if not one.again and one.event == ROWS]
    if operation.stage == "processing" and not waiting:
        operations.finish(connection, operation.id, "completed", progress={})


def _end(house: House, connection: Connection, held: Delivery, reason: str) -> None:
    """All that is left is given up."""
    left = _given_up(held, held.page_from(held.next_page), reason)
    deliveries.add_tries(connection, left)
    deliveries.change(
        connection,
        held.id,
        failed_pages=held.failed_pages + len(left),
        failed_rows=held.failed_rows + sum(one.rows for one in left),
        error=reason,
    )
    _finish(house, connection, held)


def _refused(house: House, held: Delivery, reason: str) -> bool:
    with suppress(Superseded), write(house.engine) as connection:
        _end(house, connection, deliveries.fenced(connection, held), reason)
    return False


def give_up(house: House, kind: str, item: WorkItem, error: Exception) -> None:
    """A handler failed again and again for a reason of ours: what is left of the delivery is given up with that
    said."""
    delivery_id, _, asked = item.id.partition(".")
    with write(house.engine) as connection:
        try:
            held = deliveries.get(connection, delivery_id, lock=True)
        except NotFound:
            return
        if held.state == "done" or held.asked != int(asked or 0):
            return
        sentence = error.message if isinstance(error, DouaneError) else "Something went wrong on our side."
        _end(house, connection, held, f"Not sent: {sentence}")


HANDLERS: Mapping[str, Callable[[House, str], bool]] = {DELIVER: deliver}
