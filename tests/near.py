"""Children in threads of the test's own process, for tests of what stands around them.

A child costs half a second before it does anything, and most tests of `flow` are about what is kept of its work. Near
ones speak the same lines over the same pipes and run the same verbs, without walls, limits and a process of their own;
what those are for is tested with real ones (`tests/jobs`, `tests/child`, `tests/web`, and all that are killed).
"""

from __future__ import annotations

import os
import subprocess
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from douane import line
from douane.child.__main__ import _failure, _family, _Verb
from douane.child.wire import Wire
from douane.line import Order
from douane.sheet import native

# No process has it: the parent ends a child by its group.
NOBODY = 1 << 30


class Near:
    """As much of `subprocess.Popen` as the parent asks of it."""

    pid = NOBODY

    def __init__(self, *_: Any) -> None:
        theirs_in, mine_in = os.pipe()
        mine_out, theirs_out = os.pipe()
        mine_err, theirs_err = os.pipe()
        self.stdin: BinaryIO = os.fdopen(mine_in, "wb")
        self.stdout: BinaryIO = os.fdopen(mine_out, "rb", 0)
        self.stderr: BinaryIO = os.fdopen(mine_err, "rb", 0)
        self.returncode: int | None = None
        self._thread = threading.Thread(target=self._live, args=(theirs_in, theirs_out, theirs_err), daemon=True)
        self._thread.start()

    def poll(self) -> int | None:
        return None if self._thread.is_alive() else self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if timeout is None:
            self.kill()
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise subprocess.TimeoutExpired("near", timeout or 0)
        assert self.returncode is not None
        return self.returncode

    def kill(self) -> None:
        """It ends when it next speaks or listens."""
        for pipe in (self.stdin, self.stdout, self.stderr):
            with suppress(BrokenPipeError):
                pipe.close()

    def communicate(self) -> None:
        self.wait()

    def _live(self, asked: int, out: int, complaints: int) -> None:
        code = 1
        with os.fdopen(asked, "rb") as answers, os.fdopen(out, "wb") as said, os.fdopen(complaints, "wb") as errors:
            try:
                code = _work(answers, said, errors)
            except BrokenPipeError:
                pass
            except BaseException:
                with suppress(BrokenPipeError):
                    errors.write(traceback.format_exc().encode())
            finally:
                self.returncode = code
                for pipe in (said, errors):
                    with suppress(BrokenPipeError):
                        pipe.close()


def _work(answers: BinaryIO, out: BinaryIO, complaints: BinaryIO) -> int:
    """What `douane.child` does, but for the walls."""
    asked = answers.readline()
    if not asked:
        return 0
    order = line.decoder((Order,), None)(asked)
    folder, readable = Path(order.folder), [Path(path) for path in order.readable]
    wire = Wire(out, answers, order.window, folder)
    verb = msgspec.json.decode(order.work, type=_Verb).do
    verbs = _family(verb)
    if not verb.startswith("chat_"):
        native.load()
    streaming = verb in verbs.STREAMING
    try:
        spec = line.decoder(verbs.SPECS, readable[0] if readable else None)(bytes(order.work))
        if streaming:
            verbs.STREAMING[verb](spec, folder, out)
            out.flush()
        else:
            verbs.VERBS[verb](spec, folder, wire)
    except BrokenPipeError:
        raise
    except Exception as error:
        failure = _failure(error)
        if streaming:
            with suppress(BrokenPipeError):
                out.flush()
            complaints.write(line.encode(failure, None) + b"\n")
        else:
            complaints.write(traceback.format_exc().encode())
            wire.send(failure)
        return 1
    return 0
