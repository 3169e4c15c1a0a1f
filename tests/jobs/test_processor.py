from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from douane.jobs import processor


def slice_ns() -> int:
    """What the kernel says of this thread's turns; 0 where it says nothing."""
    try:
        lines = Path(f"/proc/self/task/{threading.get_native_id()}/sched").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split(":")[1]) for line in lines if line.startswith("se.slice")), 0)


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_short_turns_are_asked_for_and_nothing_else_is_changed() -> None:
    def short() -> tuple[int, int]:
        before = os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        usual = slice_ns()
        if not processor.short_turns():
            pytest.skip("no such call here")
        found = slice_ns()
        with ThreadPoolExecutor(1) as inner:
            assert inner.submit(slice_ns).result() == found
        assert processor.usual_turns()
        assert (os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())) == before
        assert not usual or slice_ns() >= found
        return usual, found

    with ThreadPoolExecutor(1) as outer:
        usual, found = outer.submit(short).result()
    assert found in (usual, 100_000)


@pytest.mark.skipif(sys.platform != "linux", reason="niceness of a thread is Linux'")
def test_who_answers_goes_first_then_the_worker_then_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever niceness all of it was started with, and however often it is asked for."""

    def stands() -> list[int]:
        found = [os.getpriority(os.PRIO_PROCESS, threading.get_native_id())]
        for steps, already in ((processor.WORKER, 0), (processor.CHILD, 0), (processor.CHILD, processor.WORKER)):
            processor.stand_back(steps, already)
            found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return found

    monkeypatch.setattr(processor, "_stood_back", 0)
    with ThreadPoolExecutor(1) as alone:
        begun, worker, child, again = alone.submit(stands).result()
    assert (worker, child, again) == (min(19, begun + 5), min(19, begun + 10), min(19, begun + 10))
    assert processor.stood_back() == 10


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_who_wakes_quietly_gets_no_less_and_who_takes_what_is_left_is_last() -> None:
    def stands(ask: Callable[[], None]) -> tuple[int, int, int]:
        before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        ask()
        with ThreadPoolExecutor(1) as inner:
            inherited = inner.submit(os.sched_getscheduler, 0).result()
        return os.sched_getscheduler(0), inherited, os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) - before

    for ask, policy in ((processor.wake_quietly, "SCHED_BATCH"), (processor.take_what_is_left, "SCHED_IDLE")):
        with ThreadPoolExecutor(1) as alone:
            assert alone.submit(stands, ask).result() == (getattr(os, policy), getattr(os, policy), 0)
