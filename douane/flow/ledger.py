"""Where the records of an upload went, so that the sums agree: found = delivered + waiting + failed + left out."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from douane.flow import revisions
from douane.flow.house import House
from douane.model.delivery import ROWS
from douane.model.operation import READABLE, Operation
from douane.model.sheet_import import sheet_detail
from douane.store import deliveries, feeds, operations
from douane.store.database import read


@dataclass(frozen=True, slots=True)
class Ledger:
    """Counts of records. `found`: in the file, blank and hidden ones among them, and those that people `added`.
    `delivered`: accepted ones that are handed over or stand ready to be pulled; `waiting`: on their way or still in
    review; `failed`: given up. All else was left out: `invalid`, `blank`, `hidden`, `unreadable`, `deleted` in review,
    `forgotten` since. `pulled`: consumer of the feed -> rows of this upload that it acknowledged."""

    found: int
    added: int
    delivered: int
    waiting: int
    failed: int
    invalid: int
    blank: int
    hidden: int
    unreadable: int
    deleted: int
    forgotten: int
    pulled: dict[str, int]

    @property
    def left_out(self) -> int:
        return self.invalid + self.blank + self.hidden + self.unreadable + self.deleted + self.forgotten

    @property
    def agrees(self) -> bool:
        return self.found == self.delivered + self.waiting + self.failed + self.left_out


def of_upload(house: House, operation: Operation) -> Ledger:
    with read(house.engine) as connection:
        now = operations.get(connection, operation.id, operation.project_id)
        return _ledger(house, connection, now)


def _ledger(house: House, connection: Connection, now: Operation) -> Ledger:
    detail = sheet_detail(now)
    cells = revisions.standing(house, connection, now.id)
    # Rows of the file that stand before the headings are none of its records.
    in_file = max(0, now.rows_read - detail.first_data_row) if now.source_size else 0
    added = len(cells.added()) + detail.forgotten_added
    valid, invalid = (0, 0) if detail.forgotten_whole else (now.valid, now.invalid)
    checked = now.version > 0 or now.stage in READABLE
    if not checked:
        valid, invalid = in_file + added, 0
    summary = detail.summary
    hidden, unreadable = (0, 0) if summary is None else (summary.hidden, summary.unreadable)
    accepted = now.stage in READABLE
    sent = _sent(connection, now) if accepted else None
    failed = waiting = 0
    if sent is not None:
        # What was forgotten since is counted as that: of a page that was given up it is no longer known which it was.
        if sent.view == "all":
            valid, invalid = valid + invalid, 0
        failed = min(sent.failed, valid)
        waiting = min(sent.waiting, valid - failed)
    return Ledger(
        found=in_file + added + now.blank + hidden + unreadable,
        added=added,
        delivered=valid - failed - waiting if accepted else 0,
        waiting=waiting if accepted else valid,
        failed=failed,
        invalid=invalid,
        blank=now.blank,
        hidden=hidden,
        unreadable=unreadable,
        deleted=in_file + added - valid - invalid - detail.forgotten,
        forgotten=detail.forgotten,
        pulled=_pulled(connection, now),
    )


@dataclass(frozen=True, slots=True)
class _Sent:
    """Of the records that go to a destination, those of the `view`: how many were given up, and are on their way."""

    view: str
    failed: int
    waiting: int


def _sent(connection: Connection, now: Operation) -> _Sent | None:
    """None where they go to none. What was sent again counts as it went the last time."""
    first = next((one for one in deliveries.of_operation(connection, now.id) if one.event == ROWS), None)
    if first is None:
        return None
    found = deliveries.outcomes(connection, first.root_id)
    failed = sum(rows for outcome, rows in found.values() if outcome == "failed")
    tried = sum(rows for _, rows in found.values())
    if not found:  # the log of tries is not kept as long as the counts
        failed, tried = first.failed_rows, first.sent_rows + first.failed_rows
    return _Sent(first.view, failed, max(0, first.total_rows - tried))


def _pulled(connection: Connection, now: Operation) -> dict[str, int]:
    entry = feeds.of_operation(connection, now.id)
    if entry is None:
        return {}
    found = {}
    for one in feeds.consumers(connection, entry.template_id):
        if one.number >= entry.number:
            found[one.name] = entry.rows if one.number > entry.number else one.position
    return found
