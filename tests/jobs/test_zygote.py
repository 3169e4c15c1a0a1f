"""Forks of a zygote: what they have, how they end, and with whom."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from douane.jobs import children, processor, zygote
from douane.jobs.children import ChildLimits
from douane.jobs.zygote import Born, Gone, Zygote
from douane.line.sheet import Explain, Explained
from douane.model.reading import Options

pytestmark = pytest.mark.skipif(not zygote.possible(), reason="zygotes take Linux")
TESTS = Path(__file__).parents[1]
LIMITS = ChildLimits()
LOADS = "tests.jobs.loaded"


@pytest.fixture(scope="module")
def mother() -> Iterator[Zygote]:
    """Whose forks may hold a MiB, and write to their folder what is more."""
    environment = children._environment(Path("/"), LIMITS)
    one = Zygote(LOADS, {**environment, "POLARS_OOC_MEMORY_BUDGET_MB": "1", "POLARS_OOC_SPILL_MIN_BYTES": "1"})
    yield one
    one.close()


def born(mother: Zygote, folder: Path, descriptor: int | None = None) -> Born:
    walls = {**children._walls(folder, [TESTS], LIMITS), "program": "tests.jobs.zygote_program"}
    return mother.fork(walls, folder, children._environment(folder, LIMITS), descriptor)


def let_go(one: Born) -> None:
    for pipe in (one.stdin, one.stdout, one.stderr):
        pipe.close()


def test_a_fork_has_what_it_is_given_and_nothing_of_the_others(mother: Zygote, tmp_path: Path) -> None:
    other = born(mother, tmp_path)
    early = born(mother, tmp_path)
    early.kill()  # before it has begun, as likely as not
    assert early.wait(20) == -signal.SIGKILL
    with Path(__file__).open() as given:
        one = born(mother, tmp_path, given.fileno())
        one.stdin.write(b"\n")
        one.stdin.flush()
        found: dict[str, Any] = json.loads(one.stdout.read())
        assert one.wait(20) == one.poll() == 7
        assert found["descriptors"] == [0, 1, 2, given.fileno()]
    assert found["environment"]["TMPDIR"] == str(tmp_path)
    assert found["files"], "what does not fit into memory goes to its own folder, not to the zygote's"
    assert other.poll() is None
    other.kill()
    assert other.wait(20) == -signal.SIGKILL
    other.kill()  # once more is no harm
    let_go(one)
    let_go(other)
    let_go(early)


def test_what_is_too_long_to_be_said_harms_nobody(mother: Zygote, tmp_path: Path) -> None:
    with pytest.raises(Gone):
        mother.send({"begin": 0, "folder": "x" * (64 << 10)}, ())
    one = born(mother, tmp_path)
    one.kill()
    assert one.wait(20) == -signal.SIGKILL
    let_go(one)


def test_a_zygote_stands_behind_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what it does for them is for a file: copying a memory for each takes some milliseconds. Under a worker,
    which stands back itself, it stands no further behind than under a web process."""
    own = os.getpriority(os.PRIO_PROCESS, 0)
    for already in (0, processor.WORKER):
        monkeypatch.setattr(processor, "_stood_back", already)
        mother = Zygote(LOADS, children._environment(Path("/"), LIMITS))
        one = born(mother, tmp_path)
        # This process only says that it stands back.
        wanted = min(19, own + processor.CHILD - already)
        assert {os.getpriority(os.PRIO_PROCESS, pid) for pid in (mother._process.pid, one.pid)} == {wanted}
        let_go(one)
        mother.close()


def test_children_end_with_their_zygote_and_another_takes_its_place(tmp_path: Path) -> None:
    mother = Zygote(LOADS, children._environment(Path("/"), LIMITS))
    one = born(mother, tmp_path)
    os.kill(mother._process.pid, signal.SIGKILL)
    assert one.wait(20) == -signal.SIGKILL
    deadline = time.monotonic() + 20
    while Path(f"/proc/{one.pid}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    let_go(one)
    with pytest.raises(Gone):
        born(mother, tmp_path)
    assert not mother.alive()
    mother.close()


def test_where_no_child_can_be_forked_a_program_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def explained() -> Any:
        seat = children.Seats(tmp_path / "work", LIMITS, 1).take()
        (seat.inputs / "file").write_bytes(b"a,b\n1,2\n")
        seen: list[Any] = []
        children.run_child(Explain(options=Options(), source=seat.inputs / "file"), seat, on_event=seen.append)
        seat.clear()
        return seen[-1]

    monkeypatch.setattr(children, "LOADS", "douane.nothing_of_this_name")
    monkeypatch.setattr(children, "_zygote", None)
    assert isinstance(explained(), Explained)
