"""The kernel under the compiler's sanitizers: `make torture` reads a million random texts, the tests 150 as either
kind of processor does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sheet.kernel import ROOT, builder

COUNT = int(os.environ.get("DOUANE_TORTURE_TEXTS", "150"))
SEED = os.environ.get("DOUANE_TORTURE_SEED", "1")
SANITIZERS = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")


@pytest.fixture(scope="module", params=[(), ("-DDOUANE_NARROW",)], ids=["wide", "narrow"])
def watched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As this processor runs it, and as those do that cannot do as much at once."""
    library = tmp_path_factory.mktemp("watched") / "kernel.so"
    if why := builder().build(library, (*SANITIZERS, *request.param)):
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    return library


def _runtime() -> str:
    compiler = os.environ.get("CC") or shutil.which("cc") or "gcc"
    done = subprocess.run([compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_random_texts_are_read_as_without_it(watched: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.sheet.formats.mutate_native", str(watched), str(COUNT), SEED],
        capture_output=True,
        text=True,
        cwd=ROOT,
        # Python and Polars leave things lying at their end; that is not ours to find.
        env={**os.environ, "LD_PRELOAD": _runtime(), "ASAN_OPTIONS": "detect_leaks=0"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip() == str(COUNT)
