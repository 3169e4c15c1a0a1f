from __future__ import annotations

import ctypes
import re
import subprocess
import sys
from pathlib import Path

import pytest

from douane.flow.house import house_of
from douane.flow.worker import _Tick
from douane.settings import Settings
from douane.store.database import open_database
from douane.store.objects import Objects

LIBC = ctypes.CDLL(None)
pytestmark = pytest.mark.skipif(not hasattr(LIBC, "gnu_get_libc_version"), reason="it is another C library")

BLOCKS, BLOCK_BYTES = 4000, 8 << 10
ARENAS = """
import ctypes, sys, threading
from douane.jobs import memory
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
if sys.argv[1:]:
    memory.share_arenas(int(sys.argv[1]))
together = threading.Barrier(9)
def work():
    libc.malloc(ctypes.c_size_t(1000))
    together.wait()
    together.wait()
for _ in range(8):
    threading.Thread(target=work).start()
together.wait()
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
together.wait()
"""


def held_bytes() -> int:
    return 1024 * int(re.findall(r"Private_Dirty: +(\d+)", Path("/proc/self/smaps_rollup").read_text())[0])


def test_each_tick_gives_back_what_is_free(sqlite_storage: Settings) -> None:
    LIBC.malloc.restype = ctypes.c_void_p
    engine = open_database(sqlite_storage)
    tick = _Tick(house_of(sqlite_storage, engine, Objects(sqlite_storage)))
    tick()
    blocks = [ctypes.c_void_p(LIBC.malloc(ctypes.c_size_t(BLOCK_BYTES))) for _ in range(BLOCKS)]
    for block in blocks:
        ctypes.memset(block, 1, BLOCK_BYTES)
    # Under the last one all is free, and stays.
    for block in blocks[:-1]:
        LIBC.free(block)
    before = held_bytes()
    tick()
    assert before - held_bytes() > BLOCKS * BLOCK_BYTES // 2
    LIBC.free(blocks[-1])
    engine.dispose()


@pytest.mark.parametrize(("most", "arenas"), [("2", 2), ("1", 1)])
def test_threads_share_arenas(most: str, arenas: int) -> None:
    assert _arenas(most) == arenas
    assert _arenas() > 2


def _arenas(*most: str) -> int:
    done = subprocess.run([sys.executable, "-c", ARENAS, *most], capture_output=True, text=True, check=True)
    return len(set(re.findall(r'<heap nr="(\d+)"', done.stdout)))
