"""What the tests themselves keep to: two processes must find the same ones, a second apart."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
OF_CLOCK_OR_CHANCE = {
    *("time.time", "datetime.now", "datetime.utcnow", "date.today", "datetime.datetime.now", "datetime.date.today"),
    *("uuid.uuid4", "uuid4", "os.urandom", "secrets.token_bytes", "secrets.token_hex", "random.random"),
}


def changing(tree: ast.AST) -> Iterator[str]:
    """Calls in `parametrize` whose result is another one each time: a name of a test would be made of it.

    gzip writes the second into its head, where no `mtime` is given."""
    marks = (mark for node in ast.walk(tree) for mark in getattr(node, "decorator_list", ()))
    for mark in marks:
        if "parametrize" not in ast.unparse(mark).partition("(")[0]:
            continue
        for call in (node for node in ast.walk(mark) if isinstance(node, ast.Call)):
            name = ast.unparse(call.func)
            timed = name == "gzip.compress" and all(given.arg != "mtime" for given in call.keywords)
            if timed or name in OF_CLOCK_OR_CHANCE:
                yield f"{name}, line {call.lineno}"


def test_no_test_is_named_by_the_clock() -> None:
    found = {
        f"{path.relative_to(TESTS)}: {call}"
        for path in TESTS.rglob("test_*.py")
        for call in changing(ast.parse(path.read_text()))
    }
    assert found == set()


@pytest.mark.parametrize("given", ["gzip.compress(b'x')", "time.time()", "str(uuid4())"])
def test_a_breach_is_noticed(given: str) -> None:
    assert list(changing(ast.parse(f"@pytest.mark.parametrize('a', [({given}, 1)])\ndef test_a(a): ...")))
    assert not list(changing(ast.parse("@pytest.mark.parametrize('a', [gzip.compress(b'x', mtime=0)])\ndef f(a): ...")))
