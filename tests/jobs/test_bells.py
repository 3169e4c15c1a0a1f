"""Who asks for work is heard at once; who is not heard has lost nothing."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine

from douane.jobs.bells import Bells, ring
from douane.store.database import afterwards, write

LONG_S = 600.0


@pytest.fixture
def waiter(tmp_path: Path) -> Callable[[str], threading.Thread]:
    """Starts a thread that waits as DBOS's for a queue does."""
    stop = threading.Event()
    bells = Bells(tmp_path / "bells", ("interactive", "small"))
    bells.listen()
    dbos: Any = SimpleNamespace(background_thread_stop_events=[stop])
    bells.wake(dbos)

    def waits(queue: str) -> threading.Thread:
        thread = threading.Thread(target=stop.wait, args=(LONG_S,), name=f"queue-worker-{queue}", daemon=True)
        thread.start()
        return thread

    return waits


def test_a_ring_ends_the_wait_of_its_queue_alone(tmp_path: Path, waiter: Callable[[str], threading.Thread]) -> None:
    small, other = waiter("small"), waiter("interactive")
    ring(tmp_path / "bells", "delivery")  # of which no thread is here
    ring(tmp_path / "bells", "small")
    small.join(LONG_S)
    assert other.is_alive()
    ring(tmp_path / "bells", "interactive")
    other.join(LONG_S)
    # What is rung while nobody waits is heard by the next who does, once.
    ring(tmp_path / "bells", "small")
    waiter("small").join(LONG_S)
    assert (tmp_path / "bells").stat().st_mode & 0o777 == 0o600


def test_nothing_is_rung_where_nobody_hears(tmp_path: Path) -> None:
    ring(tmp_path / "none" / "bells", "small")
    (tmp_path / "file").write_text("mine")
    ring(tmp_path / "file", "small")
    Bells(tmp_path / "file", ("small",)).listen()
    assert (tmp_path / "file").read_text() == "mine"
    os.mkfifo(tmp_path / "deaf")
    ring(tmp_path / "deaf", "small")
    (tmp_path / "elsewhere").symlink_to(tmp_path / "file")
    ring(tmp_path / "elsewhere", "small")
    assert (tmp_path / "file").read_text() == "mine"


def test_what_comes_afterwards_comes_when_all_is_committed(engine: Engine) -> None:
    rung: list[str] = []
    with write(engine) as connection:
        afterwards(connection, lambda: rung.append("a"))
        assert rung == []
    assert rung == ["a"]
    with suppress(RuntimeError), write(engine) as connection:
        afterwards(connection, lambda: rung.append("b"))
        raise RuntimeError
    with write(engine):
        pass
    assert rung == ["a"]
    with engine.begin() as connection:  # of which nobody says when it ends
        afterwards(connection, lambda: rung.append("c"))
