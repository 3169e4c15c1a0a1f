"""What a reader has to hold in mind at once: parameters of one function, and state that closures share."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PRODUCT = Path(__file__).parents[2] / "douane"
PARAMETERS = 7
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def parameters(one: Function) -> int:
    given = one.args
    names = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def is_verb(one: Function) -> bool:
    """A verb of the command line: its parameters are what a person types."""
    return any(ast.unparse(mark).partition("(")[0].endswith(".command") for mark in one.decorator_list)


def shared(one: Function) -> set[str]:
    """The names that are `nonlocal` in this one, or in what stands within it."""
    return {name for node in ast.walk(one) if isinstance(node, ast.Nonlocal) for name in node.names}


def too_much(tree: ast.AST) -> list[str]:
    many = [one.name for one in functions(tree) if parameters(one) > PARAMETERS and not is_verb(one)]
    return many + [one.name for one in functions(tree) if len(shared(one)) > 1]


def test_more_than_seven_parameters_are_an_object_with_a_name() -> None:
    found = {
        f"{path.relative_to(PRODUCT)}: {name}"
        for path in PRODUCT.rglob("*.py")
        for name in too_much(ast.parse(path.read_text()))
    }
    assert found == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("def f(a, b, c, d, e, f, g): ...", []),
        ("def f(a, /, b, c, d, e, *, f, g, h): ...", ["f"]),
        ("class C:\n def f(self, a, b, c, d, e, f, g): ...\n async def g(self, a, b, c, d, e, f, g, h): ...", ["g"]),
        ("@app.command('x')\ndef f(a, b, c, d, e, f, g, h): ...", []),
        ("def f():\n a = 0\n def g():\n  nonlocal a", []),
        ("def f():\n a = b = 0\n def g():\n  nonlocal a, b", ["f", "g"]),
    ],
    ids=["seven", "eight", "methods", "verbs", "one-shared", "two-shared"],
)
def test_what_is_too_much_is_noticed(text: str, found: list[str]) -> None:
    assert too_much(ast.parse(text)) == found
