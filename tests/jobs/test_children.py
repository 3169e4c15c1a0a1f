from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from douane import errors
from douane.jobs import children, zygote
from douane.jobs.children import ChildLimits, Place, run_child, stream_child, tally
from douane.line import Event, Spec
from douane.line.sheet import Explain, Explained, Rows, Staged, Through
from douane.model.reading import Options
from tests.jobs.probe import Probe, Said

TESTS = Path(__file__).parents[1]
LINUX = sys.platform == "linux"


@pytest.fixture(scope="module", autouse=True)
def _zygote_that_knows_probes() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(children, "_zygote", None)
        patch.setattr(children, "LOADS", "tests.jobs.loaded")
        yield
        if children._zygote is not None:
            children._zygote.close()


@pytest.fixture(autouse=True)
def _probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "PROGRAM", "tests.jobs.child_program")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


def run(
    folder: Path,
    probe: str,
    *,
    on_event: Callable[[dict[str, Any]], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    limits: ChildLimits = ChildLimits(),
    source: Any = None,
    readable: tuple[Path, ...] = (),
    window: int = 0,
    **given: Any,
) -> list[dict[str, Any]]:
    """The events of one probe."""
    seen: list[dict[str, Any]] = []

    def take(event: Event) -> None:
        said = {"event": event.what, **event.fields} if isinstance(event, Said) else {"event": type(event).__name__}
        (on_event or seen.append)(said)

    descriptor = None if source is None else source.fileno()
    run_child(
        Probe(probe=probe, given=given, source_fd=descriptor),
        Place(folder, (TESTS, *readable), limits),
        source=source,
        window=window,
        on_event=take,
        cancelled=cancelled,
    )
    return seen


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(not LINUX, reason="the walls take Linux")
@pytest.mark.parametrize("from_zygote", [True, False])
def test_nothing_is_reached_from_behind_the_walls(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, from_zygote: bool
) -> None:
    monkeypatch.setattr(zygote, "possible", lambda: from_zygote)
    monkeypatch.setenv("DOUANE_SECRET", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "given").write_text("given")
    abstract = f"douane-test-{os.getpid()}"
    neighbour = subprocess.Popen(["sleep", "600"])
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_UNIX) as unix,
        (tmp_path / "secret").open("rb") as source,
    ):
        unix.bind("\0" + abstract)
        unix.listen()
        [seen] = run(
            folder,
            "walls",
            limits=ChildLimits(what_is_left=from_zygote),
            source=source,
            readable=(tmp_path / "given",),
            given=str(tmp_path / "given"),
            secret=str(tmp_path / "secret"),
            port=listener.getsockname()[1],
            abstract=abstract,
            neighbour=neighbour.pid,
        )
    neighbour.kill()
    neighbour.wait()
    # What this kernel cannot give must be said; the rest must hold.
    missing = " ".join(seen["missing"])
    assert seen["given"] == "done: 'given'"
    assert seen["source"] == "done: 'secre'"
    assert seen["polars"] == 3
    assert seen["nice"] >= 10
    assert (seen["policy"] == os.SCHED_IDLE) == from_zygote
    assert seen["secrets"] == []
    if "Landlock" not in missing:
        for name in ("given_written", "secret", "listed", "written", "parent_environment", "passwords"):
            assert seen[name] == "PermissionError", name
        assert seen["program"] == "PermissionError"
        assert not seen["linked"].startswith("done")
    if "network" not in missing:
        assert not seen["tcp"].startswith("done")
        assert not seen["unix"].startswith("done")
    if "signals" not in missing:
        assert seen["signal"] == "PermissionError"
    assert "threads" not in missing
    assert (tmp_path / "given").read_text() == "given"


def test_the_real_child_stands_behind_the_same_walls(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "PROGRAM", "douane.child")
    (folder / "a.csv").write_text("a,b\n1,2\n3,4\n")
    seen: list[Event] = []
    with (folder / "a.csv").open("rb") as source:
        run_child(Explain(options=Options()), Place(folder), source=source, on_event=seen.append)
        assert isinstance(seen[-1], Explained)
        rows = b"".join(stream_child(Rows(options=Options(), format="csv"), Place(folder), source=source))
    assert rows.count(b"\n") == 3


def test_a_memory_bomb_ends_alone(folder: Path) -> None:
    seen: list[dict[str, Any]] = []
    with pytest.raises(errors.OverLimit, match="256 MiB") as raised:
        run(folder, "memory", limits=ChildLimits(memory_bytes=256 << 20), on_event=seen.append)
    assert raised.value.setting == "child_memory_bytes"
    assert 64 <= seen[-1]["mebibytes"] <= 256


def test_a_reader_that_crashes_is_the_files_fault(folder: Path) -> None:
    for probe in ("abort", "crash"):
        with pytest.raises(errors.BadFile, match="crashed") as raised:
            run(folder, probe)
        assert raised.value.code == "file_broken"


def test_limits_of_time(folder: Path) -> None:
    with pytest.raises(errors.OverLimit) as raised:
        run(folder, "spin", limits=ChildLimits(cpu_s=1))
    assert raised.value.setting == "child_cpu_s"
    with pytest.raises(errors.OverLimit) as raised:
        run(folder, "sleep", limits=ChildLimits(silence_s=0.3))
    assert raised.value.setting == "child_silence_s"
    with pytest.raises(errors.OverLimit) as raised:
        run(folder, "chatter", limits=ChildLimits(wall_s=1, silence_s=600))
    assert raised.value.setting == "child_wall_s"


def test_time_spent_storing_is_no_silence(folder: Path) -> None:
    def slowly(event: dict[str, Any]) -> None:
        time.sleep(1.2)

    # Longer together than the silence that is allowed, which in turn leaves time to start on a busy machine.
    run(folder, "parts", count=5, window=1, limits=ChildLimits(silence_s=5.0), on_event=slowly)


def test_cancelling_kills(folder: Path) -> None:
    seen: list[dict[str, Any]] = []
    with pytest.raises(errors.Cancelled):
        run(folder, "sleep", on_event=seen.append, cancelled=lambda: bool(seen))
    assert not alive(seen[0]["pid"])


def test_stopping_kills_and_says_that_the_work_is_not_done(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = threading.Event()
    monkeypatch.setattr(children, "stopping", stopping)
    seen: list[dict[str, Any]] = []

    def stop(event: dict[str, Any]) -> None:
        seen.append(event)
        stopping.set()

    with pytest.raises(errors.Superseded):
        run(folder, "sleep", on_event=stop)
    assert not alive(seen[0]["pid"])


def test_whatever_the_caller_raises_ends_the_child(folder: Path) -> None:
    seen: list[dict[str, Any]] = []

    def refuse(event: dict[str, Any]) -> None:
        seen.append(event)
        raise KeyError("as asked")

    with pytest.raises(KeyError):
        run(folder, "sleep", on_event=refuse)
    assert not alive(seen[0]["pid"])


def test_a_child_ends_with_its_parent(folder: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from douane.jobs import children
children.PROGRAM = "tests.jobs.child_program"
from tests.jobs.probe import Probe
children.run_child(Probe(probe="sleep"), children.Place(Path({str(folder)!r}), [Path({str(TESTS)!r})]),
    on_event=lambda event: print(event.fields["pid"], flush=True))
"""
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=TESTS.parent)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert alive(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while alive(pid) and _state(pid) != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return "Z"


def test_a_thread_that_ends_takes_no_child_with_it(folder: Path) -> None:
    """A response is streamed by whichever thread is free, and idle threads end."""
    chunks: list[Any] = []
    begin = threading.Thread(
        target=lambda: chunks.append(
            stream_child(Probe(probe="payload", given={"blocks": 50}), Place(folder, (TESTS,)))
        )
    )
    begin.start()
    begin.join()
    first = threading.Thread(target=lambda: chunks.append(next(chunks[0])))
    first.start()
    first.join()
    time.sleep(0.3)
    assert len(chunks[1]) + sum(len(chunk) for chunk in chunks[0]) == 5_000_000


def test_the_child_is_never_far_ahead(folder: Path) -> None:
    seen: list[int] = []

    def store(event: dict[str, Any]) -> None:
        if event["event"] == "part":
            seen.append(event["held"])
            (folder / event["file"]).unlink()

    run(folder, "parts", count=40, window=2, on_event=store)
    assert len(seen) == 40
    # Two waiting for an answer, one just written, one announced but not read yet.
    assert max(seen) <= 4


@pytest.mark.parametrize(
    ("said", "raised"),
    [
        ({"code": "file_encrypted", "message": "Locked."}, errors.BadFile("Locked.", code="file_encrypted")),
        ({"code": "storage_full", "message": "No room."}, errors.StorageFull("No room.")),
        ({"code": "bad_request", "message": "No."}, errors.BadRequest("No.")),
        ({"code": "internal", "message": "Oh."}, errors.DouaneError("Oh.", code="internal")),
        (
            {"code": "over_limit", "message": "Too wide (setting columns)", "setting": "columns"},
            errors.OverLimit("Too wide", setting="columns"),
        ),
    ],
)
def test_what_a_child_reports_is_raised(folder: Path, said: dict[str, Any], raised: errors.DouaneError) -> None:
    with pytest.raises(errors.DouaneError) as caught:
        run(folder, "error", error=said)
    assert (type(caught.value), caught.value.code, caught.value.message) == (type(raised), raised.code, raised.message)
    assert getattr(caught.value, "setting", None) == getattr(raised, "setting", None)


def test_a_mistake_of_ours_is_told_with_its_trace(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(errors.DouaneError, match="went wrong"):
        run(folder, "error", error={"code": "internal", "message": "Something went wrong."})
    assert "What the child saw" in caplog.text


def test_a_mistake_of_ours_is_not_the_files_fault(folder: Path) -> None:
    with pytest.raises(errors.DouaneError) as caught:
        run(folder, "mistake")
    assert (type(caught.value), caught.value.code) == (errors.DouaneError, "internal")


@pytest.mark.parametrize("line", ["no json", "[]", "{}", '{"event": 1}', "\x00", "[" * 100_000])
def test_nonsense_is_not_believed(folder: Path, line: str) -> None:
    with pytest.raises(errors.DouaneError) as caught:
        run(folder, "noise", line=line)
    assert caught.value.code == "internal"


def test_a_line_without_end_is_not_collected(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "_EVENT_BYTES_MAX", 5_000_000)
    with pytest.raises(errors.DouaneError) as caught:
        run(folder, "endless_line")
    assert caught.value.code == "internal"


def test_a_large_spec_and_much_noise_arrive(folder: Path) -> None:
    fine = '{"event":"said","what":"fine","fields":{}}'
    assert run(folder, "noise", line=fine, cells=["x" * 1000] * 3000) == [{"event": "fine"}]


def test_a_stream_that_fails_raises_after_its_bytes(folder: Path) -> None:
    got = bytearray()

    def take_all() -> None:
        for chunk in stream:
            got.extend(chunk)

    stream = stream_child(Probe(probe="payload", given={"blocks": 30, "fail": True}), Place(folder, (TESTS,)))
    with pytest.raises(errors.StorageFull, match="No room"):
        take_all()
    assert len(got) == 3_000_000


def test_a_stream_that_is_closed_ends_its_child(folder: Path) -> None:
    stream = stream_child(Probe(probe="payload", given={"blocks": 1000}), Place(folder, (TESTS,)))
    next(stream)
    [pid] = [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and _cwd(entry) == folder]
    stream.close()  # type: ignore[attr-defined]
    assert not alive(pid)


def _cwd(entry: str) -> Path | None:
    try:
        return Path(os.readlink(f"/proc/{entry}/cwd"))
    except OSError:
        return None


def test_a_killed_child_is_reported(folder: Path) -> None:
    with pytest.raises(errors.BadFile):
        run(folder, "sleep", on_event=lambda event: os.kill(event["pid"], signal.SIGKILL))


def test_how_children_end_is_counted(folder: Path) -> None:
    before, running = tally.now(), list[int]()
    run(folder, "parts", count=1, window=1, on_event=lambda event: running.append(tally.now().running))
    with pytest.raises(errors.BadFile) as killed:
        run(folder, "sleep", on_event=lambda event: os.kill(event["pid"], signal.SIGKILL))
    with pytest.raises(errors.Cancelled):
        run(folder, "sleep", cancelled=lambda: True)
    now = tally.now()
    assert (running[0], now.running) == (before.running + 1, before.running)
    more = {code: count - before.ended.get(code, 0) for code, count in now.ended.items()}
    assert {code: count for code, count in more.items() if count} == {"ok": 1, killed.value.code: 1}


class Noise(Spec, frozen=True, kw_only=True, tag="noise"):
    """A verb whose child says `line`."""

    events: ClassVar[tuple[type[Event], ...]] = (Staged, Through)

    line: str
    probe: str = "noise"


@pytest.mark.parametrize(
    "said",
    [
        '{"event":"through"}',
        '{"event":"through","rows":-1}',
        '{"event":"through","rows":"1"}',
        '{"event":"through","rows":1,"more":2}',
        '{"event":"explained","rows":1}',
        '{"event":"staged","part":{"number":0,"first_row":0,"rows":1,"path":"../in/file"},"blank":0,"next":{},"bytes_done":1}',
        '{"event":"error","code":7,"message":"x"}',
        '{"event":"error","code":"file_broken","message":"' + "x" * 5000 + '"}',
    ],
)
def test_what_is_no_event_of_the_verb_is_believed_by_nobody(folder: Path, said: str) -> None:
    seen: list[Event] = []
    with pytest.raises(errors.DouaneError, match="no sensible answer") as raised:
        run_child(Noise(line=said), Place(folder, (TESTS,)), on_event=seen.append)
    assert (raised.value.code, seen) == ("internal", [])
    run_child(Noise(line='{"event":"through","rows":1}'), Place(folder, (TESTS,)), on_event=seen.append)
    assert seen == [Through(rows=1)]
