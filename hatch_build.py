"""Builds the kernel (`douane/sheet/native`) where there is a C compiler; without one Douane does the same, slower.

A hook of hatchling, so it runs wherever the project is installed or made a wheel of; `python hatch_build.py` builds in
place. `CC` and `CFLAGS` are heeded.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import zlib
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand
    BuildHookInterface = object  # type: ignore[assignment, misc]

FOLDER = Path(__file__).parent / "douane" / "sheet" / "native"
FLAGS = ("-std=gnu11", "-O3", "-fPIC", "-shared", "-fvisibility=hidden", "-ffp-contract=off", "-Wall", "-Wextra")


def stamp() -> int:
    """As `douane.sheet.native.source_stamp`, which compares."""
    found = 0
    for path in sorted((*FOLDER.glob("*.c"), *FOLDER.glob("*.h"))):
        found = zlib.crc32(path.read_bytes(), found)
    return found


def build(target: Path | None = None, flags: tuple[str, ...] = ()) -> str:
    """Compiles; "" or why there is no kernel. The old library stays until the new one is whole."""
    target = target or FOLDER / "kernel.so"
    compiler = (
        shlex.split(os.environ.get("CC", ""))
        or [found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))][:1]
    )
    if not compiler or sys.platform == "win32":
        return "there is no C compiler"
    made = target.with_suffix(f".{os.getpid()}")
    command = [
        *compiler, *FLAGS, *flags, *shlex.split(os.environ.get("CFLAGS", "")), f"-DDOUANE_SOURCE={stamp()}u",
        *map(str, sorted(FOLDER.glob("*.c"))), "-o", str(made),
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"the C compiler refused: {done.stderr[-2000:]}"
        made.replace(target)
    except OSError as error:
        return f"the C compiler could not be run: {error}"
    finally:
        made.unlink(missing_ok=True)
    return ""


class Hook(BuildHookInterface):
    """Puts the library into the wheel, which then is one for this kind of machine, for any Python 3."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel":
            return
        if why := build():
            self.app.display_warning(f"Built without the kernel: {why}")
        elif version != "editable":
            build_data["artifacts"].append("douane/sheet/native/kernel.so")
            build_data["pure_python"] = False
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["tag"] = f"py3-none-{platform}"


if __name__ == "__main__":
    sys.exit(build() or 0)
