"""The process that children are forked of: it has loaded what they need, and holds nothing of anybody.

To start a Python and load Polars costs a third of a second of processor time, to fork one that did so some
milliseconds, and the memory is shared. A worker or a web process has one zygote, started when the first child is
needed; it has the environment of children, which holds no secrets, and is told nothing of their work but where it is
done. A child that was forked goes behind its walls first, as one that was started does; the descriptors of the others
are closed there. A zygote ends with the process that started it, and its children with the zygote.

`Zygote` is the side of those who want a child. Over a socket of packets goes one message a child, with its descriptors,
or that it be ended; over a pipe for each child come its process id and how it ended.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import select
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from douane.jobs import forked, processor, sandbox

START = "from douane.jobs import zygote; zygote.main()"

_MESSAGE_BYTES = 64 << 10
_DESCRIPTORS_MAX = 5
_BIRTH_WAIT_S = 60.0


def possible() -> bool:
    """Whether this system has packets between processes and tells a process of its parent's end."""
    return sys.platform == "linux"


class Gone(Exception):
    """The zygote can't be asked: it is no more, or there is too much to say."""


class Born:
    """A child of the zygote; what `subprocess.Popen` is to those who started a program themselves."""

    def __init__(self, zygote: Zygote, key: int, ends: int, pipes: Sequence[BinaryIO]) -> None:
        self._zygote, self._key, self._ends = zygote, key, ends
        self._said = bytearray()
        self._lock = threading.Lock()
        self.stdin, self.stdout, self.stderr = pipes
        self.pid = 0
        self.returncode: int | None = None

    def poll(self) -> int | None:
        with self._lock:
            if self.returncode is None:
                self._hear(0)
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        end = None if timeout is None else time.monotonic() + timeout
        with self._lock:
            while self.returncode is None:
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    raise subprocess.TimeoutExpired("douane", timeout or 0)
                self._hear(left)
            return self.returncode

    def kill(self) -> None:
        """Ends it with all it may have started."""
        with suppress(Gone):
            self._zygote.send({"end": self._key}, ())

    def begin(self) -> None:
        """Waits until it was forked. `Gone` if it was not."""
        end = time.monotonic() + _BIRTH_WAIT_S
        with self._lock:
            while not self.pid and self.returncode is None and time.monotonic() < end:
                self._hear(end - time.monotonic())
        if not self.pid:
            raise Gone

    def _hear(self, timeout: float | None) -> None:
        if not _readable(self._ends, timeout):
            return
        said = os.read(self._ends, 64)
        self._said += said
        *lines, rest = bytes(self._said).split(b"\n")
        self._said[:] = rest
        for line in lines:
            if not self.pid:
                self.pid = int(line)
            else:
                self._ended(int(line))
        if not said and self.returncode is None:
            # The zygote is gone, and so is the child.
            self._ended(-signal.SIGKILL)

    def _ended(self, code: int) -> None:
        self.returncode = code
        os.close(self._ends)


class Zygote:
    """Starts the process, which imports `loads` before it forks; from a thread that stays, for it ends with the
    thread. `kind`: what its children are for, as its owner tells them apart."""

    def __init__(self, loads: str, environment: Mapping[str, str], kind: Hashable = None) -> None:
        self.kind = kind
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        self._keys = 0
        self._owner = os.getpid()
        with theirs:
            self._process = subprocess.Popen(
                # -P: nothing is imported from the folder it works in.
                [
                    *(sys.executable, "-P", "-c", START),
                    *(str(theirs.fileno()), str(self._owner), str(processor.stood_back()), loads),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd="/",
                env=dict(environment),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )

    def alive(self) -> bool:
        return self._owner == os.getpid() and self._process.poll() is None

    def fork(
        self, walls: Mapping[str, Any], folder: Path, environment: Mapping[str, str], descriptor: int | None
    ) -> Born:
        """A child behind these walls, in `folder`, with this environment; `descriptor` stays open there under its
        number. Waits until there is one. `Gone` if there is none."""
        ours, theirs = [], []
        for inward in (True, False, False):
            read, write = os.pipe()
            ours.append(write if inward else read)
            theirs.append(read if inward else write)
        ends, theirs_ends = os.pipe()
        theirs.append(theirs_ends)
        with self._lock:
            self._keys += 1
            key = self._keys
        asked = {
            "begin": key,
            "walls": walls,
            "folder": str(folder.absolute()),
            "environment": environment,
            "descriptor": descriptor,
        }
        born = Born(
            self, key, ends, (os.fdopen(ours[0], "wb"), os.fdopen(ours[1], "rb", 0), os.fdopen(ours[2], "rb", 0))
        )
        try:
            self.send(asked, theirs if descriptor is None else [*theirs, descriptor])
            for number in theirs:
                os.close(number)
            theirs.clear()
            born.begin()
        except BaseException:
            for number in theirs:
                os.close(number)
            for pipe in (born.stdin, born.stdout, born.stderr):
                pipe.close()
            if born.returncode is None:
                os.close(ends)
            raise
        return born

    def send(self, message: Mapping[str, Any], descriptors: Sequence[int]) -> None:
        said = json.dumps(message).encode()
        if len(said) > _MESSAGE_BYTES:
            raise Gone
        try:
            socket.send_fds(self._socket, [said], list(descriptors))
        except OSError as error:
            raise Gone from error

    def close(self) -> None:
        """Ends it and its children."""
        self._socket.close()
        self._process.kill()
        self._process.wait()


def _readable(descriptor: int, timeout: float | None) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(None if timeout is None else max(0, 1000 * timeout)))


def main() -> None:
    """The zygote's own side: `argv` holds the socket, the process id of who started it, how far that one stands back
    (`processor.py`), and the module to load."""
    number, parent, stood, loads = sys.argv[1:]
    sandbox.end_with_parent(int(parent))
    # Also what it does itself is for a file: to load, and to copy a memory for each child.
    processor.stand_back(processor.CHILD, already=int(stood))
    processor.usual_turns()
    # Said of forks of processes with threads. Those that Polars starts when it is loaded are its allocator's, which is
    # made to be forked, and one that deletes what was sorted on disk, which goes with a child's folder anyway.
    warnings.simplefilter("ignore", DeprecationWarning)
    gc.disable()  # nothing that is loaded is a ring to be let go
    importlib.import_module(loads)
    gc.freeze()
    _Nursery(socket.socket(fileno=int(number))).serve()


class _Nursery:
    """Forks when it is asked to, ends whom it is told to, and says how each ended."""

    def __init__(self, asked: socket.socket) -> None:
        self._asked = asked
        # By the key its owner gave it: its process id, and where its end is told.
        self._living: dict[int, tuple[int, int]] = {}
        self._woken, wakes = os.pipe()
        for end in (self._woken, wakes):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)

    def serve(self) -> None:
        """Ends when nobody can ask any more."""
        ready = selectors.DefaultSelector()
        ready.register(self._asked, selectors.EVENT_READ)
        ready.register(self._woken, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fd == self._woken:
                    self._tell_ends()
                elif not self._hear():
                    for one in list(self._living):
                        self._end(one)
                    return

    def _hear(self) -> bool:
        said, descriptors, _, _ = socket.recv_fds(self._asked, _MESSAGE_BYTES, _DESCRIPTORS_MAX)
        if not said:
            return False
        message = json.loads(said)
        if "end" in message:
            self._end(message["end"])
            return True
        self._begin(message, descriptors)
        return True

    def _begin(self, message: dict[str, Any], descriptors: list[int]) -> None:
        *pipes, ends = descriptors[:4]
        given = descriptors[4] if len(descriptors) > 4 else None
        try:
            zygote = os.getpid()
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                walls = message["walls"]
                walls["limits"]["parent"] = zygote
                forked.be_a_child(
                    _walled(walls, given, message["descriptor"]),
                    Path(message["folder"]),
                    message["environment"],
                    pipes,
                    given,
                )
            self._living[message["begin"]] = pid, ends
            # Nobody may listen any more.
            with suppress(BrokenPipeError):
                os.write(ends, b"%d\n" % pid)
        except OSError:
            # There is no room for another process; that nothing is said says so.
            os.close(ends)
        finally:
            for number in descriptors[:3] + descriptors[4:]:
                os.close(number)

    def _end(self, key: int) -> None:
        if key in self._living:
            forked.end(self._living[key][0])

    def _tell_ends(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._woken, 4096)
        for key, (pid, ends) in list(self._living.items()):
            gone, status = os.waitpid(pid, os.WNOHANG)
            if gone:
                del self._living[key]
                with suppress(BrokenPipeError):
                    os.write(ends, b"%d\n" % os.waitstatus_to_exitcode(status))
                os.close(ends)


def _walled(walls: dict[str, Any], given: int | None, number: int | None) -> Callable[[], int]:
    """The child's work: the program, behind its walls; what was given it stands under the number its owner has for
    it."""

    def work() -> int:
        if given is not None and number is not None and given != number:
            os.dup2(given, number)
            os.close(given)
        sandbox.stand(walls)
        try:
            runpy.run_module(walls["program"], run_name="__main__", alter_sys=True)
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else int(end.code is not None)
        return 0

    return work
