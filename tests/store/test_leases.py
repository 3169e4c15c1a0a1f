from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine

from douane.model.children import ChildCounts
from douane.store import leases
from douane.store.database import database_now, write
from douane.store.schema import worker_lease


def test_a_lease_lives_by_the_databases_clock(engine: Engine) -> None:
    with write(engine) as connection:
        leases.beat(connection, "a", "host", 1)
        leases.beat(connection, "b", "host", 2)
        connection.execute(
            worker_lease.update()
            .where(worker_lease.c.executor_id == "b")
            .values(beaten_at=database_now(connection) - timedelta(seconds=20))
        )
        assert leases.alive(connection, 15) == {"a"}
        assert leases.alive(connection, 60) == {"a", "b"}
        leases.beat(connection, "b", "host", 2)
        assert leases.alive(connection, 15) == {"a", "b"}


def test_leases_are_taken_away_and_come_back(engine: Engine) -> None:
    with write(engine) as connection:
        for name in ("a", "b", "c"):
            leases.beat(connection, name, "host", 1)
        leases.remove(connection, "a")
        assert leases.alive(connection, 15) == {"b", "c"}
        leases.remove_others(connection, "b")
        assert leases.alive(connection, 15) == {"b"}
        leases.remove_lapsed(connection, 3600)
        assert leases.alive(connection, 15) == {"b"}
        leases.remove_lapsed(connection, -1)
        assert leases.alive(connection, 15) == set()
        # A worker that froze and wakes simply beats again.
        leases.beat(connection, "b", "host", 1)
        assert leases.alive(connection, 15) == {"b"}


def test_children_are_counted_over_the_workers_that_live(engine: Engine) -> None:
    with write(engine) as connection:
        leases.beat(connection, "old", "host", 1, ChildCounts(7, {"ok": 7}))
        connection.execute(worker_lease.update().values(beaten_at=database_now(connection) - timedelta(seconds=60)))
        leases.beat(connection, "a", "host", 2, ChildCounts(1, {"ok": 2}))
        leases.beat(connection, "b", "host", 3)
        assert leases.children(connection, 15) == ChildCounts(1, {"ok": 2})
        leases.beat(connection, "b", "host", 3, ChildCounts(2, {"ok": 1, "bad_file": 4}))
        assert leases.children(connection, 15) == ChildCounts(3, {"ok": 3, "bad_file": 4})


def test_a_beat_from_before_the_clock_was_put_back_is_no_sign_of_life(engine: Engine) -> None:
    with write(engine) as connection:
        for name in ("a", "b"):
            leases.beat(connection, name, "host", 1)
        hour = database_now(connection) + timedelta(hours=1)
        connection.execute(worker_lease.update().where(worker_lease.c.executor_id == "b").values(beaten_at=hour))
        assert leases.alive(connection, 15) == {"a"}
        assert sorted(round(age / 3600) for age in leases.ages_s(connection)) == [0, 1]
        leases.beat(connection, "b", "host", 2)
        assert leases.alive(connection, 15) == {"a", "b"}
