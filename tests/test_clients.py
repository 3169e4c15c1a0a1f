"""The clients: the examples of their page, as they stand there, and what a client does where answers are lost."""

from __future__ import annotations

import asyncio
import inspect
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from douane.client import FORMS, AsyncClient, Batch, Client, Overtaken, Refusal, SqlBookmark
from tests.browser.conftest import Served
from tests.browser.conftest import served as served

ROOT = Path(__file__).parent.parent
PEOPLE = ROOT / "tests/data/people.csv"


def examples(language: str) -> tuple[str, str]:
    """(the blocks of a language as one program, what they print)."""
    found = re.findall(
        rf"```{language}\n(.*?)```\n\n```text\n(.*?)```", (ROOT / "docs/clients.md").read_text(), re.DOTALL
    )
    assert found
    return "\n\n".join(code for code, _ in found), "".join(printed for _, printed in found)


def run(served: Served, folder: Path, *command: str) -> str:
    shutil.copyfile(PEOPLE, folder / "people.csv")
    facts = {
        "DOUANE_ADDRESS": served.address,
        "DOUANE_KEY": served.access_key,
        "DOUANE_TEMPLATE": served.template_id,
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **facts, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_examples_do_what_the_page_says(served: Served, tmp_path: Path) -> None:
    code, printed = examples("python")
    (tmp_path / "example.py").write_text(code)
    assert run(served, tmp_path, sys.executable, "example.py").splitlines() == printed.splitlines()
    assert (tmp_path / "people.parquet").read_bytes()[:4] == b"PAR1"
    node = shutil.which("node")
    if node is None:
        assert os.environ.get("CI", "").lower() != "true", "node is missing"
        pytest.skip("node is missing")
    code, printed = examples("javascript")
    (tmp_path / "example.mjs").write_text(code)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copyfile(ROOT / "douane/ui/client.js", tmp_path / "client.js")
    assert run(served, tmp_path, node, "example.mjs").splitlines() == printed.splitlines()


NIGHTLY = """
import os, sqlite3
from douane.client import Client, SqlBookmark

table = sqlite3.connect("night.db", timeout=60)
table.execute("CREATE TABLE IF NOT EXISTS person (upload, row, name)")

def write(cursor, batch):
    for row, record in batch.rows:
        cursor.execute("INSERT INTO person VALUES (?, ?, ?)", (batch.upload, row, record["name"]))

with Client(os.environ["DOUANE_ADDRESS"], os.environ["DOUANE_KEY"]) as douane:
    print("begun", flush=True)
    douane.pull(os.environ["DOUANE_TEMPLATE"], SqlBookmark(table, "night", write), limit=2, consumer="night")
"""


def test_a_nightly_job_that_is_killed_at_random_has_every_row_once(served: Served, tmp_path: Path) -> None:
    """A few rounds in every run, many in `make torture`. Its table has no key that would hide a row that came twice."""
    rounds = int(os.environ.get("DOUANE_TORTURE_ROUNDS", "3"))
    seed = int(os.environ.get("DOUANE_TORTURE_SEED", "5"))
    chosen = random.Random(seed)
    (tmp_path / "night.py").write_text(NIGHTLY)
    environment = {
        "DOUANE_ADDRESS": served.address,
        "DOUANE_KEY": served.access_key,
        "DOUANE_TEMPLATE": served.template_id,
        "PYTHONPATH": str(ROOT),
    }

    def begin() -> subprocess.Popen[bytes]:
        command = (sys.executable, "night.py")
        return subprocess.Popen(command, cwd=tmp_path, env={**os.environ, **environment}, stdout=subprocess.PIPE)

    with Client(served.address, served.access_key) as douane:
        for number in range(rounds):
            rows = "".join(
                f"N{number}{at},P{number}-{at},p{number}.{at}@example.com,{chosen.choice(['Peru', 'Nowhere'])}\n"
                for at in range(chosen.randrange(3, 40))
            )
            upload = douane.upload(
                served.template_id, f"Customer ID,Name,E-mail,Country\n{rows}".encode(), name="n.csv"
            )
            douane.confirm(upload.id)
            job = begin()
            assert job.stdout is not None
            job.stdout.readline()  # it has loaded what it needs
            time.sleep(chosen.random() * 0.15)
            job.kill()
            job.communicate()
        last = begin()
        assert (last.wait(120), seed) == (0, seed)
        last.communicate()
        uploads = httpx.get(
            f"{served.address}/v1/template/{served.template_id}/uploads", headers={"accesskey": served.access_key}
        ).json()
        accepted = [one["_id"] for one in uploads if one["status"] == "Completed"]
        wanted = sorted((upload, row["name"]) for upload in accepted for row in douane.rows(upload))
    with sqlite3.connect(tmp_path / "night.db") as table:
        found = sorted(table.execute("SELECT upload, name FROM person").fetchall())
    assert (found, seed) == (wanted, seed)
    assert len(accepted) >= rounds


class Answers(httpx.BaseTransport):
    """A server of canned answers: each a status and a document, or an error of the network."""

    def __init__(self, *answers: tuple[int, object] | Exception, headers: dict[str, str] | None = None) -> None:
        self._answers, self._headers = list(answers), headers
        self.asked: list[tuple[str, str]] = []
        self.ids: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.method, request.url.path))
        found = re.search(rb'name="importId"\r\n\r\n([0-9a-f]{24})', request.read())
        if found is not None:
            self.ids.append(found[1].decode())
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, document = answer
        if isinstance(document, bytes):
            return httpx.Response(status, content=document, headers=self._headers)
        return httpx.Response(status, json=document, headers=self._headers)


COUNTS = {"totalRecords": 2, "validRecords": 1, "invalidRecords": 1}
DOCUMENT = {"_id": "x", "status": "Reviewing", "headings": [], **COUNTS}


@pytest.fixture(autouse=True)
def _at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "served" not in request.fixturenames:
        monkeypatch.setattr("douane.client.time.sleep", lambda seconds: None)


def client_of(*answers: tuple[int, object] | Exception, **how: dict[str, str]) -> tuple[Client, Answers]:
    server = Answers(*answers, **how)
    return Client("http://douane.test", "key", transport=server), server


def test_an_upload_whose_answer_is_lost_is_looked_for_before_it_is_sent_again() -> None:
    lost = httpx.ReadError("lost")
    client, server = client_of(lost, (404, {"message": "none"}), (201, DOCUMENT))
    assert client.upload("t", b"a\n1\n").total == 2
    assert [method for method, _ in server.asked] == ["POST", "GET", "POST"]
    assert len(set(server.ids)) == 1
    client, server = client_of(lost, (200, {**DOCUMENT, "status": "Mapped"}), (200, DOCUMENT))
    assert client.upload("t", b"a\n1\n").status == "Reviewing"
    assert [method for method, _ in server.asked] == ["POST", "GET", "GET"]
    client, _ = client_of(lost, (200, {**DOCUMENT, "status": "Uploaded", "failure": {"message": "File is empty"}}))
    with pytest.raises(Refusal, match="File is empty"):
        client.upload("t", b"")


def test_reads_are_tried_again_and_refusals_are_not() -> None:
    client, server = client_of((503, {"message": "busy"}), httpx.ConnectError("no"), (200, DOCUMENT))
    assert client.find("x").valid == 1
    assert len(server.asked) == 3
    client, server = client_of((400, {"message": ["a is wrong", "b too"], "statusCode": 400}))
    with pytest.raises(Refusal, match=r"a is wrong\. b too") as refused:
        client.find("x")
    assert (refused.value.status, refused.value.passing, len(server.asked)) == (400, False, 1)
    client, _ = client_of(*[(502, b"<html>bad gateway</html>")] * 9)
    with pytest.raises(Refusal, match="The server answered 502"):
        client.find("x")


def test_who_confirms_and_gets_no_answer_learns_that_it_is_done() -> None:
    done = {**DOCUMENT, "status": "Completed"}
    client, _ = client_of(httpx.ReadError("lost"), (200, done))
    assert client.confirm("x").status == "Completed"
    client, _ = client_of((400, {"message": "no"}), (200, DOCUMENT))
    with pytest.raises(Refusal, match="no"):
        client.confirm("x")


HEADERS = {"Douane-Upload": "u", "Douane-Cursor": "c1", "Douane-Behind": "7"}


def test_a_batch_tells_rows_from_tombstones() -> None:
    lines = [
        '{"_upload":"u","_row":1,"a":"x\u2028y","n":1.10}',
        '{"_upload":"u","_row":2,"_forgotten":true}',
        '{"_upload":"u","_row":3}',
    ]
    server = Answers((200, "\n".join(lines).encode()), headers=HEADERS)
    with Client("http://douane.test", "key", transport=server, decimal=True) as client:
        batch = client.fetch("t")
    assert batch is not None
    assert (batch.rows[0][1]["a"], str(batch.rows[0][1]["n"])) == ("x\u2028y", "1.10")
    assert ([row for row, _ in batch.rows], batch.forgotten, batch.upload_forgotten) == ([1, 3], [2], False)
    client, _ = client_of((200, b'{"_upload":"u","_forgotten":true}\n'), headers=HEADERS)
    whole = client.fetch("t")
    assert whole is not None
    assert (whole.rows, whole.forgotten, whole.upload_forgotten) == ([], [], True)
    # Where a file has such headings itself, ours have more dashes before.
    client, _ = client_of((200, b'{"__upload":"u","__row":1,"_row":"a","_forgotten":true}\n'), headers=HEADERS)
    own = client.fetch("t")
    assert own is not None
    assert own.rows == [(1, {"_row": "a", "_forgotten": True})]


def bookmarks(folder: Path) -> tuple[Callable[[], SqlBookmark], Callable[[], list[object]]]:
    def write(cursor: sqlite3.Cursor, batch: Batch) -> None:
        cursor.executemany("INSERT INTO rows VALUES (?)", [(row,) for row, _ in batch.rows])
        if 13 in [row for row, _ in batch.rows]:
            raise ValueError

    with sqlite3.connect(folder / "db") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS rows (row)")
    return (
        lambda: SqlBookmark(sqlite3.connect(folder / "db", timeout=20), "people", write),
        lambda: [row for (row,) in sqlite3.connect(folder / "db").execute("SELECT row FROM rows")],
    )


def batch(cursor: str, *rows: int) -> Batch:
    return Batch("u", [(row, {}) for row in rows], [], False, cursor, 0)


def test_a_bookmark_keeps_rows_and_place_together_or_neither(tmp_path: Path) -> None:
    opened, rows = bookmarks(tmp_path)
    first, second = opened(), opened()
    assert (first.cursor(), second.cursor()) == (None, None)
    first.keep(batch("c1", 1, 2))
    with pytest.raises((Overtaken, sqlite3.IntegrityError)):
        second.keep(batch("c1", 1, 2))
    assert second.cursor() == "c1"
    second.keep(batch("c2", 3))
    with pytest.raises(Overtaken):
        first.keep(batch("c2", 3))
    assert first.cursor() == "c2"
    with pytest.raises(ValueError):
        first.keep(batch("c3", 4, 13))
    assert opened().cursor() == "c2"
    assert rows() == [1, 2, 3]


def test_the_asynchronous_client_takes_bookmarks_of_either_kind(tmp_path: Path) -> None:
    opened, rows = bookmarks(tmp_path)
    plain = opened()

    class Awaited:
        async def cursor(self) -> str | None:
            return plain.cursor()

        async def keep(self, batch: Batch) -> None:
            plain.keep(batch)

    def answer(request: httpx.Request) -> httpx.Response:
        at = int(request.url.params.get("cursor", "0"))
        if at == 2:
            return httpx.Response(204, headers=HEADERS | {"Douane-Cursor": str(at)})
        line = f'{{"_upload":"u","_row":{at}}}\n'
        return httpx.Response(200, content=line.encode(), headers=HEADERS | {"Douane-Cursor": str(at + 1)})

    async def pulled(bookmark: Any) -> int:
        async with AsyncClient("http://douane.test", "key", transport=httpx.MockTransport(answer)) as client:
            return await client.pull("t", bookmark)

    assert asyncio.run(pulled(plain)) == 2
    assert (asyncio.run(pulled(Awaited())), rows()) == (0, [0, 1])


def test_both_clients_have_the_same_methods() -> None:
    def methods(client: type) -> dict[str, list[str]]:
        named = {name: one for name, one in vars(client).items() if not name.startswith("_") and callable(one)}
        return {name: list(inspect.signature(one).parameters) for name, one in named.items()}

    assert methods(AsyncClient) == methods(Client)


async def _saved(server: httpx.AsyncBaseTransport, path: Path) -> None:
    async with AsyncClient("http://douane.test", "key", transport=server) as client:
        await client.save("u", path, "parquet", "invalid")


def test_a_file_that_is_saved_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"

    def answer(request: httpx.Request) -> httpx.Response:
        assert (request.url.path, request.headers["Accept"]) == ("/v1/upload/u/rows/invalid", FORMS["parquet"])
        return httpx.Response(200, content=b"PAR1 and more")

    async def broken() -> AsyncIterator[bytes]:
        yield b"PAR"
        raise httpx.ReadError("lost")

    asyncio.run(_saved(httpx.MockTransport(answer), path))
    assert path.read_bytes() == b"PAR1 and more"
    for wrong in (httpx.Response(409, json={"message": "not yet"}), httpx.Response(200, content=broken())):
        with pytest.raises(Refusal, match=r"not yet|lost"):
            asyncio.run(_saved(httpx.MockTransport(lambda request, wrong=wrong: wrong), path))
    assert [one.name for one in tmp_path.iterdir()] == ["rows.parquet"]
    assert path.read_bytes() == b"PAR1 and more"
