"""Where accepted records go, and one handing over of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

# waiting: for its moment, or for the one before it (`queued`); sending: a worker has it; done: every page was delivered
# or given up.
State = Literal["queued", "waiting", "sending", "done"]
OPEN_STATES = ("queued", "waiting", "sending")

ROWS = "rows"
COMPLETED = "import.completed"


@dataclass(frozen=True, slots=True)
class Destination:
    """`kind`: a name of the destinations shelf. `settings`: the member's own but its secret ones, which `secrets` holds
    encrypted. `failures`: tries in a row that came to nothing; while `closed_until` lies ahead nobody is sent to;
    `down_since` the first of them; `told_at`: when that was told."""

    id: str
    project_id: str
    template_id: str
    kind: str
    settings: dict[str, Any]
    secrets: bytes | None
    failures: int
    closed_until: datetime | None
    down_since: datetime | None
    told_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What is handed over, the records or a notice (`event`), and how the records are cut up."""

    event: str
    view: str
    chunk_rows: int
    total_rows: int
    total_pages: int

    @classmethod
    def of(cls, one: Delivery) -> Plan:
        return cls(one.event, one.view, one.chunk_rows, one.total_rows, one.total_pages)


NOTICE = Plan(COMPLETED, "all", 0, 0, 1)


@dataclass(frozen=True, slots=True)
class Handover:
    """One that is to begin. `pages`: those of the plan, first and last of each run, in order and not empty; `root_id`
    None: it is the first one of these records; `again`: a person asked for it."""

    plan: Plan
    pages: tuple[tuple[int, int], ...]
    root_id: str | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """`root_id`: the first delivery of these records to this destination: pages that are sent again keep their ids.
    `event`: what is handed over, the records or a notice. `again`: a person asked for it to be sent again.

    `asked` counts the jobs asked for it, of which only the last one counts; `attempt` is the fence. A page holds
    `chunk_rows` records of the `view`; of the `total_pages`, `pages` are to be handed over (first and last of each
    run), and `next_page` is where that stands. `tries`: of the present page and outage that came to nothing, since
    `down_since`; `spent`: a page was given up in it, and none has got through since. `due_at`: when it goes on."""

    id: str
    operation_id: str
    project_id: str
    destination_id: str
    root_id: str
    event: str
    state: State
    again: bool
    asked: int
    attempt: int
    view: str
    chunk_rows: int
    total_rows: int
    total_pages: int
    pages: tuple[tuple[int, int], ...]
    next_page: int
    tries: int
    spent: bool
    down_since: datetime | None
    due_at: datetime | None
    sent_pages: int
    sent_rows: int
    failed_pages: int
    failed_rows: int
    error: str | None
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None

    def page_from(self, page: int) -> int | None:
        """The first page to be handed over that is not before this one; None where there is none."""
        for first, last in self.pages:
            if page <= last:
                return max(first, page)
        return None

    def rows_of(self, page: int) -> int:
        if self.event != ROWS:
            return 0
        return min(self.chunk_rows, self.total_rows - (page - 1) * self.chunk_rows)

    def message_id(self, page: int) -> str:
        """Fixed before the first try, and the same each time this page leaves."""
        return f"msg_{self.root_id}_{page}"


@dataclass(frozen=True, slots=True)
class Try:
    """One try of a page. `outcome`: delivered; failed: given up; again: it is tried once more. `reply`: the first of
    what came back; None where the destination was asked and nothing came, or where it was not asked (no `address`)."""

    delivery_id: str
    operation_id: str
    page: int
    rows: int
    outcome: Literal["delivered", "failed", "again"]
    again: bool
    at: datetime
    seconds: float = 0.0
    sent_bytes: int = 0
    address: str = ""
    status: int | None = None
    reason: str | None = None
    reply: str | None = None
    id: str = field(default="")
