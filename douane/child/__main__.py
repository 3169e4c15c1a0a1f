"""Reads the spec, puts the walls up, does the one verb; turns every failure into words for the parent."""

from __future__ import annotations

import errno
import gc
import importlib
import json
import os
import select
import sys
import traceback
from pathlib import Path
from typing import Any

from douane import errors
from douane.child.wire import Wire
from douane.jobs import sandbox

GC_THRESHOLD = (50_000, 20, 20)


def main() -> int:
    # A child that waits for work uses the time to load what work mostly needs; one whose work is known loads only that.
    if not select.select([sys.stdin], [], [], 0)[0]:
        _family("")
    spec = json.loads(sys.stdin.buffer.readline())
    # What goes to stdout is the protocol; a library that prints must not get into it.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    wire = Wire(out, sys.stdin.buffer, int(spec.get("window", 0)))
    folder = Path(spec.get("folder") or ".").absolute()
    streaming = False
    try:
        missing = sandbox.enter(folder, [Path(path) for path in spec.get("readable", [])], spec.get("limits", {}))
        verbs = _family(spec["do"])
        # What is loaded stays, and what a verb makes by the million is hardly ever a ring: looking for rings among it
        # again and again would cost a tenth of the time.
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLD)
        streaming = spec["do"] in verbs.STREAMING
        if missing and not streaming:
            wire.send("sandbox", missing=missing)
        if streaming:
            verbs.STREAMING[spec["do"]](spec, folder, out)
            out.flush()
        else:
            verbs.VERBS[spec["do"]](spec, folder, wire)
    except BrokenPipeError:
        return 1
    except Exception as error:
        failure = _failure(error)
        if streaming:
            print(json.dumps(failure), file=sys.stderr, flush=True)
        else:
            wire.send(**failure)
        return 1
    return 0


def _family(verb: str) -> Any:
    """The module that knows a verb. Imported behind the walls, or while nothing is known of the work to come. Those of
    the command line are alone in theirs: a person waits for the first line."""
    family = "chat" if verb.startswith("chat_") else "sheet"
    return importlib.import_module(f"douane.child.{verb if verb in ('chat_inspect', 'chat_convert') else family}")


def _failure(error: Exception) -> dict[str, Any]:
    if isinstance(error, errors.OverLimit):
        return {"event": "error", "code": error.code, "message": error.message, "setting": error.setting}
    if isinstance(error, errors.DouaneError):
        return {"event": "error", "code": error.code, "message": error.message}
    text = str(error)
    if (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)) or (
        "No space left" in text or "os error 28" in text
    ):
        return {
            "event": "error",
            "code": "storage_full",
            "message": "There is no room left on the disk to stage the file.",
        }
    if isinstance(error, OSError) and error.errno == errno.EMFILE:
        return {
            "event": "error",
            "code": "over_limit",
            "message": "The file has more pieces than may be open at once.",
            "setting": "child_open_files",
        }
    if isinstance(error, MemoryError):
        return {"event": "error", "code": "file_broken", "message": "The file needs more memory than it may take."}
    traceback.print_exc(file=sys.stderr)
    return {"event": "error", "code": "internal", "message": "Something went wrong while the file was read."}


if __name__ == "__main__":
    sys.exit(main())
