"""Some doors are guarded: what only one module may do, no other does."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Whatever opens a connection to an address it is given.
WAYS_OUT = {
    *(
        "aiohttp",
        "asyncio.open_connection",
        "ftplib",
        "http.client",
        "httpcore",
        "httpx",
        "imaplib",
        "poplib",
        "requests",
    ),
    *("smtplib", "socket.create_connection", "telnetlib", "urllib.request", "urllib3", "xmlrpc.client", "websockets"),
}


@cache
def names(source: str) -> frozenset[str]:
    """Every module and name that is imported, and every dotted name that is used, in full."""
    return frozenset(_names(ast.parse(source)))


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute) and (dotted := _dotted(node)):
            yield dotted


def _dotted(node: ast.expr) -> str:
    """`a.b.c`; nothing where it does not begin with a name, for such a one is no module's."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""


def ways_out(source: str) -> set[str]:
    return {way for way in WAYS_OUT for name in names(source) if f"{name}.".startswith(f"{way}.")}


def test_only_outbound_opens_connections() -> None:
    found = {
        str(path.relative_to(ROOT / "douane")): ways
        for path in sorted((ROOT / "douane").rglob("*.py"))
        if (ways := ways_out(path.read_text()))
    }
    # Mail goes to the server that the operator has set up, and to no address that a stranger gave.
    assert found.pop("flow/mail.py") == {"smtplib"}
    # What a customer's program has calls Douane, from that program's machine; the server imports none of it.
    assert found.pop("client.py") == {"httpx"}
    assert set(found) == {"outbound.py"}, found


@pytest.mark.parametrize(
    "line",
    [
        "import httpx",
        "import httpcore as h",
        "from urllib.request import urlopen",
        "from urllib import request",
        "import urllib.request",
        "import socket\nsocket.create_connection(('x', 1))",
        "from socket import create_connection",
        "def f():\n    import requests.sessions",
    ],
)
def test_a_way_out_is_noticed(line: str) -> None:
    assert ways_out(line)


@pytest.mark.parametrize(
    "line",
    ["from starlette.requests import Request", "from urllib.parse import quote", "import socket\nsocket.gethostname()"],
)
def test_other_names_are_not_taken_for_one(line: str) -> None:
    assert not ways_out(line)


# Words of a statement. Handing on a connection that the store made is no SQL.
SQL = {"select", "insert", "update", "delete", "text", "func", "exists", "Table", "Column", "create_engine"}


def sql_words(source: str) -> set[str]:
    found = {name.removeprefix("sqlalchemy.") for name in names(source) if name.startswith("sqlalchemy.")}
    return {name for name in found if name.split(".")[-1] in SQL or "." in name}


def test_only_the_store_makes_statements() -> None:
    """The queue is DBOS', which is handed the engine it keeps its own tables with."""
    found = {
        str(path.relative_to(ROOT / "douane")): words
        for path in sorted((ROOT / "douane").rglob("*.py"))
        if "store" not in path.parts and (words := sql_words(path.read_text()))
    }
    assert found == {}


def test_statements_are_noticed() -> None:
    assert sql_words("from sqlalchemy import Connection, select") == {"select"}
    assert sql_words("import sqlalchemy as sa\nfrom sqlalchemy.exc import IntegrityError") == {"exc.IntegrityError"}
    assert not sql_words("from sqlalchemy import Connection, Engine\nfrom douane.store.database import read")


LINES_MAX = 700


def test_long_modules_say_why() -> None:
    for path in sorted((ROOT / "douane").rglob("*.py")):
        lines = path.read_text().splitlines()
        if len(lines) > LINES_MAX:
            why = ast.get_docstring(ast.parse(path.read_text())) or ""
            assert "Long on purpose: " in why, f"{path.relative_to(ROOT)} has {len(lines)} lines and says no reason"
