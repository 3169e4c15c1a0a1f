"""The kernel in tests: built where it is missing, loaded for some and left out for others."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from douane.sheet import native

ROOT = Path(__file__).parents[2]


@cache
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def built() -> native.Kernel:
    """The kernel of these sources. Without a C compiler tests of it are skipped, but not in CI."""
    found = native.load()
    native.unload()
    if found is None:
        why = builder().build()
        found = native.load()
        native.unload()
        if found is None and not os.environ.get("CI"):
            pytest.skip(f"there is no kernel: {why}")
        assert found is not None, why
    return found


@contextmanager
def reading_with(kernel: native.Kernel | None) -> Iterator[None]:
    """As in a child that has loaded this one, or none."""
    before = native.kernel()
    native.use(kernel)
    try:
        yield
    finally:
        native.use(before)


@pytest.fixture(autouse=True, params=["plain", "kernel"])
def with_and_without(request: pytest.FixtureRequest) -> Iterator[None]:
    """Imported by a module whose every test is to hold both ways."""
    with reading_with(built() if request.param == "kernel" else None):
        yield
