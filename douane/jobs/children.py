"""The parent's side of the sandboxed child: has it forked (`zygote.py`), listens, and ends it when it must.

A child gets one JSON line (the spec) on stdin and answers with events, one JSON line each, or with the payload itself.
What it says is believed as far as its form goes and no further: `line` decodes it here, and what is not one of the
verb's own events, whole and with plain file names, ends the child. Its environment holds none of our secrets.
"""

from __future__ import annotations

import fcntl
import importlib
import json
import logging
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
from msgspec.structs import replace

import douane
from douane import errors, line
from douane.jobs import forked
from douane.jobs.forked import Forked
from douane.line import COMMON, Event, Failure, OfFile, Order, Spec
from douane.model.children import ChildCounts
from douane.settings import Settings
from douane.values import dataclass

if TYPE_CHECKING:
    from douane.jobs.zygote import Born, Zygote

    Process = subprocess.Popen[bytes] | Forked | Born

log = logging.getLogger(__name__)

# Set once, when this process is about to end: children are killed, and whoever waits for one hears `Superseded`.
stopping = threading.Event()

# What runs behind the walls; a name, because it lives on a higher floor.
PROGRAM = "douane.child"
# What a zygote has loaded before the first child.
LOADS = "douane.child.loaded"

_POLL_S = 0.25
_EVENT_BYTES_MAX = 64 << 20
_READ_BYTES = 1 << 20  # all that a widened pipe holds: each piece of an answer goes through a thread
_PIPE_BYTES = 1 << 20
_STDERR_KEPT = 8 << 10
_END_WAIT_S = 10.0
_SEAT_WAIT_S = 30.0
_SEAT_YOUNG_S = 60.0
_BIRTHS_MAX = 2

# Children are told when the thread that started them ends, and threads that serve a web request end early: so all are
# started by this one, which stays as long as the process does.
_starter = ThreadPoolExecutor(1, thread_name_prefix="douane-starter")
_zygote: Zygote | None = None


class Tally:
    """How this process' children do: how many run now and how those ended that did, `ok` or by the code of why not.
    A child that is ended because nobody wants its work any more counts as neither."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._ended: Counter[str] = Counter()

    @contextmanager
    def one(self) -> Iterator[None]:
        end: str | None = None
        with self._lock:
            self._running += 1
        try:
            yield
            end = "ok"
        except (errors.Cancelled, errors.Superseded):
            raise
        except errors.DouaneError as error:
            end = error.code
            raise
        finally:
            with self._lock:
                self._running -= 1
                if end is not None:
                    self._ended[end] += 1

    def now(self) -> ChildCounts:
        with self._lock:
            return ChildCounts(self._running, dict(self._ended))


tally = Tally()


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """`settings.child_*`; 0 threads = one per core."""

    memory_bytes: int = 2 << 30
    cpu_s: int = 4 * 3600
    wall_s: float = 8 * 3600
    silence_s: float = 300
    file_bytes: int = 16 << 30
    open_files: int = 16384
    threads: int = 0
    what_is_left: bool = False


def child_limits(settings: Settings) -> ChildLimits:
    return ChildLimits(
        memory_bytes=settings.child_memory_bytes,
        cpu_s=settings.child_cpu_s,
        wall_s=settings.child_wall_s,
        silence_s=settings.child_silence_s,
        file_bytes=settings.child_file_bytes,
        open_files=settings.child_open_files,
        threads=settings.child_threads,
        what_is_left=settings.child_what_is_left,
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a child works: `folder` is its own and its working folder, `readable` are files and folders it may read
    beside it, of which the first holds the files that the spec names. `forked`: where it can, this process forks for
    the child instead of starting a program; for the command line, which has no more secrets than whoever called it."""

    folder: Path
    readable: Sequence[Path] = ()
    limits: ChildLimits = ChildLimits()
    forked: bool = False


class Seat:
    """A place for one child, made before it is known what for: `folder` is its own, `inputs` holds what it may read."""

    def __init__(self, root: Path, limits: ChildLimits) -> None:
        self.root, self.folder, self.inputs = root, root / "out", root / "in"
        self.limits = limits
        for path in (self.folder, self.inputs):
            path.mkdir(parents=True)
        # Held as long as this process lives; that is how others tell that the place is not abandoned.
        self._lock: int | None = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        with suppress(OSError):
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._left: Callable[[], None] | None = None

    @property
    def readable(self) -> tuple[Path]:
        return (self.inputs,)

    def clear(self) -> None:
        """Removes the place with all that is in it."""
        shutil.rmtree(self.root, ignore_errors=True)
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)
        left, self._left = self._left, None
        if left is not None:
            left()


class Seats:
    """Seats under `root`, of which at most `most` are taken at once."""

    def __init__(self, root: Path, limits: ChildLimits, most: int) -> None:
        self._root, self._limits = root, limits
        self._places = threading.Semaphore(most)

    def prepare(self) -> None:
        """Loads what children need, in the background, so that the first file does not wait for it."""
        _starter.submit(_prepare, self._limits)

    def take(self, wait_s: float = _SEAT_WAIT_S) -> Seat:
        """A seat of one's own, to be cleared by the caller. `Unavailable` where all places stay taken."""
        if not self._places.acquire(timeout=wait_s):
            raise errors.Unavailable("Too many files are being worked on at once; try again in a moment.")
        try:
            seat = self._new()
        except BaseException:
            self._places.release()
            raise
        seat._left = self._places.release
        return seat

    def _new(self) -> Seat:
        try:
            return Seat(self._root / f"seat-{os.getpid()}-{os.urandom(8).hex()}", self._limits)
        except OSError as error:
            if errors.no_room(error):
                raise errors.StorageFull("There is no room left on the disk to work on a file.") from error
            # A folder that was made read-only is no fault of the file: its work waits until somebody has mended it.
            raise errors.Unavailable(f"The folder for work cannot be written: {error.strerror}.") from error


def run_child(
    spec: Spec,
    place: Place | Seat,
    *,
    source: BinaryIO | int | None = None,
    window: int = 0,
    on_event: Callable[[Event], None],
    cancelled: Callable[[], bool] = lambda: False,
) -> None:
    """Runs a child to its end; `on_event` is called with each event but `Failure`, in this thread and in order.

    `source` is handed over as the spec's `source_fd`, in a place that is no seat. With a `window`, an event that hands
    over files is answered when `on_event` returns, and the child is never further ahead than so many. `cancelled` is
    asked four times a second.

    Raises what the child reports (`BadFile`, `OverLimit`, `StorageFull` ... by its code), `OverLimit` and `BadFile` for
    what ends it from outside, `Cancelled`, `Superseded` when this process is stopping, and whatever `on_event` raises;
    the child is gone in every case."""
    understand = line.decoder((*COMMON, *spec.events), place.folder)
    with tally.one(), _begun(spec, place, source, window) as child:
        for said in _lines(child, cancelled, place.limits):
            try:
                event = understand(said)
            except line.Refused as error:
                log.warning("A child said what cannot be read: %s", error)
                raise _nonsense() from None
            if isinstance(event, Failure):
                child.log_fault(event)
                raise _reported(event)
            on_event(event)
            if window and event.hands_over:
                child.answer()
        child.check_end()


def stream_child(spec: Spec, place: Place | Seat, *, source: BinaryIO | int | None = None) -> Iterator[bytes]:
    """What the child writes to stdout, as it comes. Raises as `run_child` does if the child fails, also after bytes
    were given: whoever passes them on must then break off, never end cleanly. How slowly they are taken does not
    matter. Closing the iterator ends the child."""
    limits = place.limits
    with tally.one(), _begun(spec, place, source) as child:
        child.widen()
        heard_at = time.monotonic()
        while True:
            chunk = child.receive()
            if chunk == b"":
                break
            if stopping.is_set():
                raise errors.Superseded("This process is stopping.", code="stopping")
            if chunk is None:
                if time.monotonic() - heard_at > limits.silence_s:
                    raise _silent(limits)
                continue
            yield chunk
            heard_at = time.monotonic()
        child.check_end()


@contextmanager
def _begun(spec: Spec, place: Place | Seat, source: BinaryIO | int | None, window: int = 0) -> Iterator[_Child]:
    child = _Child(spec, place, source, window)
    try:
        yield child
    finally:
        child.kill()


def _lines(child: _Child, cancelled: Callable[[], bool], limits: ChildLimits) -> Iterator[bytearray]:
    """The child's lines until it closes its output; each is gone when the next is asked for."""
    started_at = heard_at = time.monotonic()
    asked_at = 0.0
    begun = bytearray()
    while True:
        now = time.monotonic()
        if stopping.is_set():
            raise errors.Superseded("This process is stopping.", code="stopping")
        if now - asked_at >= _POLL_S:
            asked_at = now
            if cancelled():
                raise errors.Cancelled("The work was ended.")
        if now - started_at > limits.wall_s:
            raise errors.OverLimit(f"Reading took more than {limits.wall_s:g} seconds.", setting="child_wall_s")
        chunk = child.receive()
        if chunk == b"":
            break
        if chunk is None:
            if time.monotonic() - heard_at > limits.silence_s:
                raise _silent(limits)
            continue
        *whole, rest = chunk.split(b"\n")
        for end in whole:
            begun += end
            yield begun
            begun.clear()
        begun += rest
        if len(begun) > _EVENT_BYTES_MAX:
            raise _nonsense()
        # Time that this side spent storing is no silence of the child's.
        heard_at = time.monotonic()


class _Child:
    """A running child and its three pipes."""

    def __init__(self, spec: Spec, place: Place | Seat, source: BinaryIO | int | None, window: int = 0) -> None:
        self._limits = place.limits
        self._stderr = bytearray()
        descriptor = source if source is None or isinstance(source, int) else source.fileno()
        walls = _walls(place.folder, place.readable, place.limits)
        # First: a spec that cannot travel must leave no process behind.
        order = line.encode(
            Order(work=msgspec.Raw(_work(spec, descriptor, place.readable)), window=window, **walls), None
        )
        process: Process
        if isinstance(place, Place) and place.forked and forked.possible():
            process = forked.fork(_behind(walls), place.folder, _environment(place.folder, place.limits), descriptor)
        else:
            started = _starter.submit(_start, {**walls, "program": PROGRAM}, place.folder, descriptor, place.limits)
            process = started.result()
        self._process = process
        self._selector = selectors.DefaultSelector()
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, selectors.EVENT_READ)
        self._write(order + b"\n")
        if not window:
            self._close_stdin()

    def widen(self) -> None:
        """Lets more wait in its pipe, for one that says much: each piece costs whoever passes it on several turns."""
        assert self._process.stdout is not None
        # Where pipes have one size, or this user has too many wide ones, it stays as it is.
        with suppress(AttributeError, OSError):
            fcntl.fcntl(self._process.stdout.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def receive(self) -> bytes | None:
        """The next bytes of stdout; b"" at its end, None if nothing came for a moment."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        for key, _ in self._selector.select(_POLL_S):
            pipe = key.fd
            chunk = os.read(pipe, _READ_BYTES)
            if pipe == self._process.stderr.fileno():
                self._keep_stderr(chunk)
            else:
                return chunk
        return None

    def answer(self) -> None:
        self._write(b'{"ack":1}\n')

    def check_end(self) -> None:
        """Waits for the end of a child that closed its output; raises what its exit means."""
        try:
            code = self._process.wait(_END_WAIT_S)
        except subprocess.TimeoutExpired:
            raise _silent(self._limits) from None
        self._drain_stderr()
        if code == 0:
            return
        said = self._stderr.decode(errors="replace")
        log.warning("A child ended with %s: %s", code, said[-2000:].strip())
        raise _meaning(code, said, self._limits)

    def log_fault(self, failure: Failure) -> None:
        """A mistake of ours must leave its trace, which the child wrote before it told us."""
        if failure.code == "internal":
            self._drain_stderr()
            log.error("A child met a mistake of ours: %s", self._stderr.decode(errors="replace").strip())

    def kill(self) -> None:
        """Ends the child and all it may have started, and lets its pipes go."""
        self._selector.close()
        _let_go(self._process)

    def _write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        # A child that is gone, or going, says why by its exit.
        with suppress(BrokenPipeError):
            self._process.stdin.write(data)
            self._process.stdin.flush()

    def _close_stdin(self) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()

    def _keep_stderr(self, chunk: bytes) -> None:
        assert self._process.stderr is not None
        if not chunk:
            self._selector.unregister(self._process.stderr)
        self._stderr += chunk
        del self._stderr[:-_STDERR_KEPT]

    def _drain_stderr(self) -> None:
        assert self._process.stderr is not None
        try:
            while chunk := os.read(self._process.stderr.fileno(), _READ_BYTES):
                self._stderr += chunk
                del self._stderr[:-_STDERR_KEPT]
        except BlockingIOError:
            # Somebody the child started holds it open; `kill` is next.
            pass


def _let_go(process: Process) -> None:
    """Ends a child and all it may have started, and closes its pipes."""
    if process.poll() is None:
        if isinstance(process, subprocess.Popen):
            forked.end(process.pid)
        else:
            process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()


def _work(spec: Spec, descriptor: int | None, readable: Sequence[Path]) -> bytes:
    """The spec as it travels: the files it names are among the first of `readable`."""
    if isinstance(spec, OfFile) and descriptor is not None:
        spec = replace(spec, source_fd=descriptor)
    return line.encode(spec, readable[0] if readable else None)


def missing_walls(settings: Settings) -> list[str]:
    """What this machine lacks to confine a child, a few words each; found by confining one."""
    program = (
        "import json, sys; from pathlib import Path; from douane.jobs import sandbox; "
        "print(json.dumps(sandbox.enter(Path(sys.argv[1]), [], json.loads(sys.argv[2]))))"
    )
    limits = json.dumps({**asdict(child_limits(settings)), "parent": os.getpid()})
    with tempfile.TemporaryDirectory(prefix="walls-") as folder:
        done = subprocess.run(
            [sys.executable, "-P", "-c", program, folder, limits],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(Path(douane.__file__).parent.parent)},
        )
    if done.returncode:
        return ["a child could not be confined at all"]
    missing: list[str] = json.loads(done.stdout)
    return missing


def _walls(folder: Path, readable: Sequence[Path], limits: ChildLimits) -> dict[str, Any]:
    return {
        "folder": str(folder.absolute()),
        "readable": [str(path.absolute()) for path in readable],
        "limits": {**asdict(limits), "parent": os.getpid()},
    }


def _behind(walls: dict[str, Any]) -> Callable[[], int]:
    """What `sandbox.launch` does, for a fork."""

    def work() -> int:
        importlib.import_module("douane.jobs.sandbox").stand(walls)
        status: int = importlib.import_module(f"{PROGRAM}.__main__").main(known=True)
        return status

    return work


def _environment(folder: Path, limits: ChildLimits) -> dict[str, str]:
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(Path(douane.__file__).parent.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(folder.absolute()),
        # Nothing here needs the threads of a linear-algebra library, and each of them takes memory.
        "OPENBLAS_NUM_THREADS": "1",
        # Polars asks the system how much memory there is, which the walls hide; it would take that for none and write
        # every frame it holds to disk, twice the processor time.
        "POLARS_OVERRIDE_TOTAL_MEMORY_MB": str(max(1, limits.memory_bytes >> 20)),
        "POLARS_OOC_SPILL_DIR": str(folder.absolute()),
        # Pages that one thread's pool of memory holds free are of no use to the others: one pool for all takes a fifth
        # less, and no more processor time with the few threads there are. Polars adds the first to its own choices.
        "_RJEM_MALLOC_CONF": "narenas:1",
        "MALLOC_ARENA_MAX": "1",
    }
    if limits.threads:
        environment["POLARS_MAX_THREADS"] = str(limits.threads)
    return environment


def _prepare(limits: ChildLimits) -> Zygote:
    """This process' zygote, a new one where it is gone; in the starter's thread. `Gone` where it was started for other
    limits: Polars looks once, when it is loaded, how much memory and how many threads there are."""
    global _zygote
    from douane.jobs import zygote

    kind = (limits.memory_bytes, limits.threads)
    if _zygote is None or not _zygote.alive():
        _zygote = zygote.Zygote(LOADS, _environment(Path("/"), limits), kind)
    if _zygote.kind != kind:
        raise zygote.Gone
    return _zygote


def _start(walls: dict[str, Any], folder: Path, descriptor: int | None, limits: ChildLimits) -> Process:
    """In the starter's thread: a fork of this process' zygote, or where there can be none, another Python."""
    # The command line has its own forks and starts sooner without it.
    from douane.jobs import zygote

    environment = _environment(folder, limits)
    if zygote.possible():
        for _ in range(_BIRTHS_MAX):
            with suppress(zygote.Gone):
                return _prepare(limits).fork(walls, folder, environment, descriptor)
    return subprocess.Popen(
        # -P: nothing is imported from the folder it works in.
        [sys.executable, "-P", "-c", "from douane.jobs import sandbox; sandbox.launch()", json.dumps(walls)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=environment,
        pass_fds=() if descriptor is None else (descriptor,),
        start_new_session=True,
    )


_BY_CODE: dict[str, type[errors.DouaneError]] = {
    "bad_request": errors.BadRequest,
    "bad_template": errors.BadTemplate,
    "storage_full": errors.StorageFull,
    "unavailable": errors.Unavailable,
    "cancelled": errors.Cancelled,
    "internal": errors.DouaneError,
}


def _reported(failure: Failure) -> errors.DouaneError:
    """The error a child named, in the parent's words."""
    if failure.setting is not None:
        message = failure.message.removesuffix(f" (setting {failure.setting})")
        return errors.OverLimit(message, setting=failure.setting)
    return _BY_CODE.get(failure.code, errors.BadFile)(failure.message, code=failure.code)


def _meaning(code: int, said: str, limits: ChildLimits) -> errors.DouaneError:
    """What the end of a child means that reported no event: a line of stderr, a signal, or a mistake of ours."""
    told = line.decoder((Failure,), None)
    for last in reversed(said.splitlines()):
        if last.startswith('{"event":"error"'):
            with suppress(line.Refused):
                return _reported(told(last.encode()))
            break
    if code == -signal.SIGXCPU:
        return errors.OverLimit(
            f"Reading took more than {limits.cpu_s} seconds of processor time.", setting="child_cpu_s"
        )
    if code == -signal.SIGKILL or "memory allocation" in said or "MemoryError" in said:
        return errors.OverLimit(
            f"Reading took more memory than the {limits.memory_bytes >> 20} MiB it may have.",
            setting="child_memory_bytes",
        )
    if code < 0:
        return errors.BadFile("The file could not be read: it crashed the program that tried to.")
    return errors.DouaneError("Something went wrong while the file was read.", code="internal")


def _silent(limits: ChildLimits) -> errors.DouaneError:
    return errors.OverLimit(
        f"Reading the file made no progress for {limits.silence_s:g} seconds.", setting="child_silence_s"
    )


def _nonsense() -> errors.DouaneError:
    return errors.DouaneError("The program that read the file gave no sensible answer.", code="internal")


def clear_abandoned(work: Path) -> None:
    """Removes the seats of processes that were killed, which hold links to objects and so their room on the disk. Seats
    in use are locked, however long they wait; the youngest are left alone, for they may not be locked yet."""
    for root in work.glob("seat-*"):
        with suppress(FileNotFoundError):
            if time.time() - root.stat().st_mtime < _SEAT_YOUNG_S:
                continue
            descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(root, ignore_errors=True)
            except OSError:
                pass  # in use, or on a file system that can't say so
            finally:
                os.close(descriptor)
