from __future__ import annotations

import os
import sys
import threading
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
