"""Reads the spec, puts the walls up, does the one verb; turns every failure into words for the parent."""

from __future__ import annotations

import errno
import gc
import importlib
import os
import select
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from douane import errors, lean, line
from douane.child.wire import Wire
from douane.jobs import sandbox
from douane.line import Failure, Order, Sandbox

GC_THRESHOLD = (50_000, 20, 20)
MESSAGE_CHARS = 2000


def main(known: bool = False) -> int:
    """`known`: the work is on its way, whether it can be read yet or not."""
    gc.disable()  # nothing that is loaded is a ring to be let go; see below
    lean.begin()
    # A child that waits for work uses the time to load what work mostly needs; one whose work is known loads only that.
    if not known and not select.select([sys.stdin], [], [], 0)[0]:
        _family("")
    order = line.decoder((Order,), None)(sys.stdin.buffer.readline())
    # What goes to stdout is the protocol; a library that prints must not get into it.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    folder = Path(order.folder)
    readable = [Path(path) for path in order.readable]
    wire = Wire(out, sys.stdin.buffer, order.window, folder)
    streaming = False
    try:
        missing = sandbox.enter(folder, readable, order.limits)
        verb = msgspec.json.decode(order.work, type=_Verb).do
        verbs = _family(verb)
        if not verb.startswith("chat_"):
            importlib.import_module("douane.sheet.native").load()
        streaming = verb in verbs.STREAMING
        # Here and nowhere else a spec is judged; files it names stand in the first of what may be read.
        spec = line.decoder(verbs.SPECS, readable[0] if readable else None)(bytes(order.work))
        # What is loaded stays, and what a verb makes by the million is hardly ever a ring: looking for rings among it
        # again and again would cost a tenth of the time.
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLD)
        gc.enable()
        if streaming:
            verbs.STREAMING[verb](spec, folder, out)
            out.flush()
        else:
            if missing:
                wire.send(Sandbox(missing=tuple(missing)))
            verbs.VERBS[verb](spec, folder, wire)
    except BrokenPipeError:
        return 1
    except Exception as error:
        failure = _failure(error)
        if streaming:
            with suppress(BrokenPipeError):
                out.flush()
            print(line.encode(failure, None).decode(), file=sys.stderr, flush=True)
        else:
            wire.send(failure)
        return 1
    return 0


class _Verb(msgspec.Struct):
    do: str


# Those of the command line are alone in their modules: a person waits for the first line. So are rare ones.
_ALONE = {
    "chat_inspect": "chat_inspect",
    "chat_convert": "chat_convert",
    "inspect": "sheet_inspect",
    **dict.fromkeys(("rows", "explain"), "sheet_rows"),
    # Asked for seldom.
    **dict.fromkeys(("annotate", "compare"), "sheet_workbook"),
    "images": "images",
}


def _family(verb: str) -> Any:
    """The module that knows a verb. Imported behind the walls, or while nothing is known of the work to come."""
    family = "chat" if verb.startswith("chat_") else "sheet"
    return importlib.import_module(f"douane.child.{_ALONE.get(verb, family)}")


def _failure(error: Exception) -> Failure:
    if isinstance(error, errors.OverLimit):
        return Failure(code=error.code, message=_cut(error.message), setting=error.setting)
    if isinstance(error, errors.DouaneError):
        return Failure(code=error.code, message=_cut(error.message))
    if errors.no_room(error):
        return Failure(code="storage_full", message="There is no room left on the disk to stage the file.")
    if isinstance(error, OSError) and error.errno == errno.EMFILE:
        return Failure(
            code="over_limit",
            message="The file has more pieces than may be open at once.",
            setting="child_open_files",
        )
    if isinstance(error, MemoryError):
        return Failure(
            code="over_limit", message="The file needs more memory than it may take.", setting="child_memory_bytes"
        )
    traceback.print_exc(file=sys.stderr)
    return Failure(code="internal", message="Something went wrong while the file was read.")


def _cut(message: str) -> str:
    return message if len(message) <= MESSAGE_CHARS else message[: MESSAGE_CHARS - 1] + "…"


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # All that was said is on its way. To take down piece by piece what was loaded costs a fifth of a small file's time.
    os._exit(status)
