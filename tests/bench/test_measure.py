"""Seconds of grandchildren and memory of whole trees are counted. Only lower bounds: a busy machine must not matter."""

import subprocess
import sys

from bench.measure import Watch, median, run

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


def test_grandchildren_are_counted() -> None:
    assert run([sys.executable, "-c", NESTED]).cpu_s >= 0.3


def test_orphans_are_counted() -> None:
    assert run([sys.executable, "-c", ORPHAN]).cpu_s >= 0.3


def test_output_and_status_are_kept() -> None:
    result = run([sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"])
    assert (result.status, result.stdout, result.stderr) == (3, "out\n", "err\n")
    assert median([result]) == result


def test_memory_is_summed_over_the_tree() -> None:
    process = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.readline()
    watch = Watch(process.pid)
    watch.sample()
    process.communicate("end\n")
    assert watch.pss_peak_bytes >= 96 << 20
    assert len(watch.processes) == 2
