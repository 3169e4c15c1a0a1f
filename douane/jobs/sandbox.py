"""The walls around the child that opens a stranger's file, and the way in: `launch` stands them, then runs the child.

The child may read what it is given and the libraries it runs on, write to its own folder, compute within limits, and
nothing else: no network, no other process, no other file. What a system can't give is told, so that it can be said
loudly. Never an address-space limit: Polars maps far more than it uses.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import resource
import signal
import struct
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import douane
from douane.jobs import processor

# The numbers of the kernel's interface are the same on every architecture that has these calls, but for `capset`.
_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446
_CAPSET = {"x86_64": 126, "aarch64": 91}
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000

_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_WRITE_FILE, _REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG, _REFER, _TRUNCATE = (
    1 << 1, 1 << 4, 1 << 5, 1 << 7, 1 << 8, 1 << 13, 1 << 14,
)  # fmt: skip
# How many access rights to files each version of Landlock knows.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_FILE_RIGHTS_LATER = 16
_NO_TCP, _NO_TCP_FROM = 0b11, 4  # bind and connect
_SCOPES, _SCOPES_FROM = 0b11, 6  # abstract Unix sockets and signals

_CPU_LAST_S = 5
_LIBRARIES = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib", "/usr/share/zoneinfo", "/etc/localtime")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")
# Polars' allocator reads it once; without it every freed page is given back and faulted in again: twice the CPU time.
_KERNEL = ("/proc/sys/vm/overcommit_memory",)


_missing: list[str] | None = None


def launch() -> None:
    """Runs a module (`program`) behind the walls that the first argument describes: JSON with `folder`, `readable` and
    `limits` too. They stand before anything large is imported, because they hold the calling thread and those it starts
    later, and importing Polars starts some."""
    walls = json.loads(sys.argv.pop(1))
    stand(walls)
    import runpy

    runpy.run_module(walls["program"], run_name="__main__", alter_sys=True)


def stand(walls: Mapping[str, Any]) -> None:
    enter(Path(walls["folder"]), [Path(path) for path in walls["readable"]], walls["limits"])


def enter(folder: Path, readable: Sequence[Path], limits: Mapping[str, Any]) -> list[str]:
    """Puts the calling process behind the walls, for good; once they stand, only says again what was not possible here,
    a few words each. `limits` are `children.ChildLimits` as a mapping, with the parent's process id as `parent`.
    Descriptors that are open already stay usable."""
    global _missing
    if _missing is None:
        _missing = _enter(folder, readable, limits)
    return _missing


def _enter(folder: Path, readable: Sequence[Path], limits: Mapping[str, Any]) -> list[str]:
    missing: list[str] = []
    _set_limits(limits)
    if sys.platform != "linux":
        return ["files and network are not walled off: that takes Linux"]
    libc = ctypes.CDLL(None, use_errno=True)
    _end_with_parent(libc, int(limits.get("parent", 0)))
    if len(os.listdir("/proc/self/task")) > 1:
        missing.append("threads that were started before stand outside the walls")
    if not _leave_network(libc):
        missing.append("no network namespace of its own")
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        missing.append("new privileges are not ruled out")
    version = _landlock_version(libc)
    if not _wall_off_files(libc, version, folder, readable):
        missing.append("files are not walled off: the kernel has no Landlock")
    elif version < _SCOPES_FROM:
        missing.append("signals to other processes of this user are not ruled out: that takes Linux 6.12")
    if not _drop_capabilities(libc):
        missing.append("capabilities are not dropped")
    return missing


def _set_limits(limits: Mapping[str, Any]) -> None:
    processor.stand_back(processor.CHILD)
    processor.usual_turns()
    if limits.get("what_is_left"):
        processor.take_what_is_left()
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_DATA: limits.get("memory_bytes"),
        resource.RLIMIT_CPU: limits.get("cpu_s"),
        resource.RLIMIT_FSIZE: limits.get("file_bytes"),
        resource.RLIMIT_NOFILE: limits.get("open_files"),
    }
    for name, value in wanted.items():
        if value is None:
            continue
        _, highest = resource.getrlimit(name)
        # At the soft limit of processor time comes the signal that says so, at the hard one SIGKILL.
        soft, hard = int(value), int(value) + (_CPU_LAST_S if name == resource.RLIMIT_CPU else 0)
        if highest != resource.RLIM_INFINITY:
            soft, hard = min(soft, highest), min(hard, highest)
        resource.setrlimit(name, (soft, hard))


def end_with_parent(parent: int) -> None:
    """This process is killed when the thread that started it ends. `parent`: the process id it had."""
    if sys.platform == "linux":
        _end_with_parent(ctypes.CDLL(None, use_errno=True), parent)


def _end_with_parent(libc: ctypes.CDLL, parent: int) -> None:
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if parent and os.getppid() != parent:
        # It went before we asked to be told.
        os._exit(1)


def _leave_network(libc: ctypes.CDLL) -> bool:
    """Into a network namespace with nothing in it, not even a loopback that is up."""
    return any(libc.unshare(flags) == 0 for flags in (_CLONE_NEWNET, _CLONE_NEWUSER | _CLONE_NEWNET))


def _landlock_version(libc: ctypes.CDLL) -> int:
    """0 or less where there is none."""
    return int(libc.syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1)))


def _wall_off_files(libc: ctypes.CDLL, version: int, folder: Path, readable: Sequence[Path]) -> bool:
    if version < 1:
        return False
    handled = (1 << _FILE_RIGHTS.get(version, _FILE_RIGHTS_LATER)) - 1
    attributes = struct.pack(
        "=QQQ", handled, _NO_TCP if version >= _NO_TCP_FROM else 0, _SCOPES if version >= _SCOPES_FROM else 0
    )
    # A kernel that knows fewer fields takes a longer structure only if the rest is zero, as it is here.
    ruleset = libc.syscall(_LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    if ruleset < 0:
        return False
    try:
        write = _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _REFER | _TRUNCATE
        for path in (*_own_libraries(), *map(Path, _LIBRARIES), *map(Path, _DEVICES), *map(Path, _KERNEL), *readable):
            _allow(libc, ruleset, path, (_READ_FILE | _READ_DIR) & handled)
        if not _allow(libc, ruleset, folder, (_READ_FILE | _READ_DIR | write) & handled):
            return False
        return bool(libc.syscall(_LANDLOCK_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)) == 0)
    finally:
        os.close(ruleset)


def _own_libraries() -> set[Path]:
    """Where Python finds what it imports late (codecs, for one). Not every entry of `sys.path`: that may be a folder
    with data beside the program."""
    known = sysconfig.get_paths()
    places = {known[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return {Path(place) for place in places} | {Path(douane.__file__).parent}


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> bool:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        if not path.is_dir():
            # Rights that only folders have are an error on a file.
            rights &= _READ_FILE | _WRITE_FILE | _TRUNCATE
        rule = struct.pack("=Qi", rights, descriptor)
        return bool(
            libc.syscall(_LANDLOCK_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(1), rule, ctypes.c_uint32(0)) == 0
        )
    finally:
        os.close(descriptor)


def _drop_capabilities(libc: ctypes.CDLL) -> bool:
    """Root without capabilities is nobody in particular; others have some in the namespace they made."""
    number = _CAPSET.get(platform.machine())
    if number is None:
        return False
    header, nothing = struct.pack("=Ii", 0x20080522, 0), bytes(24)
    return bool(libc.syscall(ctypes.c_long(number), header, nothing) == 0)
