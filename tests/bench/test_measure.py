"""Seconds of grandchildren and memory of whole trees are counted. Only lower bounds: a busy machine must not matter."""

import os
import subprocess
import sys

from bench.measure import Watch, _memory, median, own_bytes, run

BURN = "import time\nwhile time.process_time() < 0.3: pass"
# The child ends at once, so its own child is orphaned while it computes.
ORPHAN = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BURN!r}])"
NESTED = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN!r}])"
HOLD = "block = bytearray(b'x') * (48 << 20); print('ready', flush=True); input()"
PARENT = f"""
import subprocess, sys
block = bytearray(b'x') * (48 << 20)
child = subprocess.Popen([sys.executable, '-c', {HOLD!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print('ready', flush=True)
input()
child.communicate(b'end')
"""
FORK = """
import os, time
block = bytearray(b'x') * (96 << 20)
child = os.fork()
if not child:
    time.sleep(600)
print(child, flush=True)
input()
os.kill(child, 9)
os.wait()
"""


def test_grandchildren_are_counted() -> None:
    assert run([sys.executable, "-c", NESTED]).cpu_s >= 0.3


def test_orphans_are_counted() -> None:
    assert run([sys.executable, "-c", ORPHAN]).cpu_s >= 0.3


def test_output_and_status_are_kept() -> None:
    result = run([sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"])
    assert (result.status, result.stdout, result.stderr) == (3, "out\n", "err\n")
    assert median([result]) == result


def test_what_is_shared_is_no_memory_of_its_own() -> None:
    """A fork holds all of its parent's memory, and has written none of it."""
    process = subprocess.Popen([sys.executable, "-c", FORK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    fork = int(process.stdout.readline())
    held = _memory(fork)
    assert held is not None
    pss, rss = held
    assert rss > 64 << 20
    assert pss > 32 << 20
    assert own_bytes(fork) < 16 << 20
    assert own_bytes(os.getpid()) > 0
    process.communicate("end\n")
    assert own_bytes(1 << 30) == 0


def test_memory_is_summed_over_the_tree() -> None:
    process = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.readline()
    watch = Watch(process.pid)
    watch.sample()
    process.communicate("end\n")
    assert watch.pss_peak_bytes >= 96 << 20
    assert len(watch.processes) == 2
