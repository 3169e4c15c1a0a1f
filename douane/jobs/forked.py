"""A child that is a fork of this process, for the command line: it spares the start of another Python.

Only a process that holds nothing yet may be forked so: one thread, no Polars. What the child takes over is what was
loaded, no more: the descriptors are closed but for those it is given, and the environment is another one, the old one
overwritten. Then it goes behind the same walls as a child that is started anew.
"""

from __future__ import annotations

import codecs
import ctypes
import io
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import douane
from douane.jobs import memory

_PAUSE_S = 0.0005
_PAUSE_MAX_S = 0.05


def possible() -> bool:
    """Whether this process holds so little, and has such an encoding, that its fork is as good as a new Python."""
    return (
        sys.platform == "linux"
        and threading.active_count() == 1
        and not {"polars", "numpy", "sqlalchemy"} & set(sys.modules)
        and codecs.lookup(io.TextIOWrapper(io.BytesIO()).encoding).name == "utf-8"
        and all(map(_is_open, range(3)))
    )


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


class Forked:
    """What `subprocess.Popen` is to those who started a program."""

    def __init__(self, pid: int, stdin: BinaryIO, stdout: BinaryIO, stderr: BinaryIO) -> None:
        self.pid, self.stdin, self.stdout, self.stderr = pid, stdin, stdout, stderr
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def kill(self) -> None:
        """Ends it with all it may have started."""
        end(self.pid)

    def wait(self, timeout: float | None = None) -> int:
        end = None if timeout is None else time.monotonic() + timeout
        pause = _PAUSE_S
        while (code := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired("douane", timeout or 0)
            time.sleep(pause)
            pause = min(2 * pause, _PAUSE_MAX_S)
        return code


def fork(work: Callable[[], int], folder: Path, environment: Mapping[str, str], descriptor: int | None) -> Forked:
    """Does `work` in a child, in `folder` and with this environment; `descriptor` stays open there. Its status is the
    answer of `work`, 1 where that raises."""
    ours, theirs = [], []
    for inward in (True, False, False):
        read, write = os.pipe()
        ours.append(write if inward else read)
        theirs.append(read if inward else write)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    pid = os.fork()
    if pid == 0:
        be_a_child(work, folder, environment, theirs, descriptor)
    for number in theirs:
        os.close(number)
    return Forked(pid, os.fdopen(ours[0], "wb"), os.fdopen(ours[1], "rb"), os.fdopen(ours[2], "rb"))


def end(pid: int) -> None:
    """Kills a child of this process that was not waited for yet, and all it may have started. It may be so young that
    it has no group of its own."""
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError):
            kill(pid, signal.SIGKILL)


def be_a_child(
    work: Callable[[], int], folder: Path, environment: Mapping[str, str], pipes: list[int], descriptor: int | None
) -> None:
    """What a process does that was just forked, for `work`; never comes back. `pipes` become its standard input, output
    and error, `descriptor` stays open, all others are closed."""
    status = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        for place, pipe in enumerate(pipes):
            os.dup2(pipe, place)
        for open_one in map(int, os.listdir("/proc/self/fd")):
            if open_one > 2 and open_one != descriptor:
                with suppress(OSError):
                    os.close(open_one)
        os.chdir(folder)
        _forget(environment)
        sys.stdin, sys.stdout, sys.stderr = (os.fdopen(at, mode, closefd=False) for at, mode in enumerate("rww"))
        if not sys.flags.safe_path:
            del sys.path[:1]  # where the program stands, or its user
        sys.path.insert(0, str(Path(douane.__file__).parent.parent))
        sys.dont_write_bytecode = True
        status = work()
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        with suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(status)


def _forget(environment: Mapping[str, str]) -> None:
    """Another environment; the texts of the old one are overwritten where the system put them."""
    libc = ctypes.CDLL(None)
    places = ctypes.POINTER(ctypes.c_void_p).in_dll(libc, "environ")
    texts: list[int] = []
    while places and places[len(texts)]:
        texts.append(places[len(texts)])
    os.environ.clear()
    for text in texts:
        ctypes.memset(text, 0, len(ctypes.string_at(text)))
    os.environ.update(environment)
    time.tzset()
    memory.share_arenas(1)
