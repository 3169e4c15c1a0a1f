"""What a project imported lately: the list of its imports, and how many there were."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from douane.flow.house import House
from douane.flow.imports import FAMILY
from douane.model.operation import Operation
from douane.model.template import StoredTemplate
from douane.store import activity
from douane.store.database import database_now, read
from douane.store.times import utc


@dataclass(frozen=True, slots=True)
class Summary:
    """Imports begun within the last 365, 30 and 7 days, and by day (UTC) of the last seven, today last."""

    yearly: int
    monthly: int
    weekly: int
    days: tuple[tuple[date, int], ...]


def summary(house: House, project_id: str) -> Summary:
    with read(house.engine) as connection:
        now = database_now(connection)
        begun = [utc(moment) for moment in activity.begun(connection, project_id, FAMILY, now - timedelta(days=365))]
    days = [now.date() - timedelta(days=back) for back in range(6, -1, -1)]
    by_day = Counter(moment.date() for moment in begun)
    since = {back: sum(moment >= now - timedelta(days=back) for moment in begun) for back in (7, 30)}
    return Summary(len(begun), since[30], since[7], tuple((day, by_day[day]) for day in days))


def history(
    house: House, project_id: str, *, name: str, day: date | None, page: int, limit: int
) -> tuple[list[tuple[Operation, StoredTemplate | None]], int]:
    """(import, its template if it still stands), newest first, and how many there are; of one day (UTC) if given."""
    between = None
    if day is not None:
        begins = utc(datetime.combine(day, time()))
        between = begins, begins + timedelta(days=1)
    with read(house.engine) as connection:
        return activity.history(
            connection, project_id, FAMILY, name=name, between=between, offset=(page - 1) * limit, limit=limit
        )
