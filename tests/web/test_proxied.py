"""A web process of its own, as proxies meet it: answers that come before the body did, forwarded addresses, and where
nginx and HAProxy are (never in CI) the lines of `docs/operations.md` in front of it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from douane.flow import audit
from douane.flow.house import House, house_of
from douane.flow.setup import initialise
from douane.settings import Settings
from douane.store.database import open_database
from douane.store.objects import Objects
from tests.conftest import IN_CI

ROOT = Path(__file__).parents[2]
BODY = b"x" * (24 << 20)
BODY_MAX = 1 << 20


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until_answering(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while socket.socket().connect_ex(("127.0.0.1", port)):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Served:
    def __init__(self, settings: Settings, house: House, access_key: str, template_id: str) -> None:
        self.settings, self.house, self.access_key, self.template_id = settings, house, access_key, template_id
        self.port = settings.port

    def cases(self) -> dict[str, tuple[str, int]]:
        """Requests whose answer is known before their body: lines of the request -> status."""
        form = "Content-Type: multipart/form-data; boundary=b\r\n"
        return {
            "wrong key": (f"POST /v1/upload/{self.template_id} HTTP/1.1\r\naccesskey: {'0' * 32}\r\n{form}", 401),
            "no route": (f"POST /v1/nothing HTTP/1.1\r\naccesskey: {self.access_key}\r\n{form}", 404),
            "too large": (
                f"POST /v1/template HTTP/1.1\r\naccesskey: {self.access_key}\r\nContent-Type: application/json\r\n",
                413,
            ),
        }


@pytest.fixture(scope="module")
def served(new_storage: Callable[[str], Settings]) -> Iterator[Served]:
    port = free_port()
    settings = new_storage("sqlite").model_copy(
        update={"port": port, "body_bytes_max": BODY_MAX, "trusted_proxies": "127.0.0.1", "headings_wait_s": 1.0}
    )
    engine = open_database(settings)
    house = house_of(settings, engine, Objects(settings))
    made = initialise(house)
    assert made is not None
    command = [sys.executable, "-m", "douane", "web"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **settings.environment()})
    try:
        until_answering(port, process)
        yield Served(settings, house, made.access_key, made.template_id)
    finally:
        process.terminate()
        assert process.wait(30) == 0
        engine.dispose()


def answer_to(port: int, head: str, body: bytes, more: str = "Connection: close\r\n") -> tuple[int, bytes]:
    """Writes all before it reads anything, as a simple proxy does."""
    with closing(socket.create_connection(("127.0.0.1", port), 30)) as connection:
        connection.sendall(f"{head}Host: here\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode())
        connection.sendall(body)
        found = b""
        while block := connection.recv(1 << 16):
            found += block
    lines, _, content = found.partition(b"\r\n\r\n")
    return int(lines.split()[1]), content


@pytest.mark.parametrize("name", ["wrong key", "no route", "too large"])
def test_an_early_answer_reaches_who_is_still_sending(served: Served, name: str) -> None:
    head, status = served.cases()[name]
    for _ in range(3):
        found, content = answer_to(served.port, head, BODY)
        assert found == status
        assert b'"statusCode":%d' % status in content


def test_who_expects_to_be_told_sends_nothing(served: Served) -> None:
    head, status = served.cases()["wrong key"]
    with closing(socket.create_connection(("127.0.0.1", served.port), 30)) as connection:
        lines = f"{head}Host: here\r\nContent-Length: {len(BODY)}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
        connection.sendall(lines.encode())
        found = b""
        while block := connection.recv(1 << 16):
            found += block
    assert found.startswith(b"HTTP/1.1 %d" % status)
    assert b"100 Continue" not in found
    # And who is let in is told to go on.
    with closing(socket.create_connection(("127.0.0.1", served.port), 30)) as connection:
        connection.sendall(
            b"POST /v1/auth/login HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
            b"Expect: 100-continue\r\nConnection: close\r\n\r\n"
        )
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(b"{}")
        assert b"400 Bad Request" in connection.recv(1 << 16)


def test_a_kept_connection_is_of_use_after_an_early_answer(served: Served) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{served.port}", headers={"accesskey": "0" * 32}) as client:
        for _ in range(2):
            assert client.post(f"/v1/upload/{served.template_id}", content=b"x" * 100_000).status_code == 401
            assert client.get("/v1/health-check").status_code == 200


def tried_from(house: House) -> str:
    return audit.lines(house, 1, audit.Sought(action="sign_in", refused=True))[0].address


def test_forwarded_addresses_are_those_of_named_proxies(served: Served) -> None:
    body = {"email": "nobody@example.com", "password": "x"}
    with httpx.Client(base_url=f"http://127.0.0.1:{served.port}") as client:
        client.post("/v1/auth/login", json=body, headers={"X-Forwarded-For": "203.0.113.7"})
        assert tried_from(served.house) == "203.0.113.7"


def test_nobody_is_believed_where_none_is_named(new_storage: Callable[[str], Settings]) -> None:
    assert Settings().trusted_proxies == ""
    settings = new_storage("sqlite").model_copy(update={"port": free_port()})
    engine = open_database(settings)
    house = house_of(settings, engine, Objects(settings))
    initialise(house)
    command = [sys.executable, "-m", "douane", "web"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **settings.environment()})
    try:
        until_answering(settings.port, process)
        address = f"http://127.0.0.1:{settings.port}/v1/auth/login"
        body = {"email": "nobody@example.com", "password": "x"}
        httpx.post(address, json=body, headers={"X-Forwarded-For": "203.0.113.7"})
        assert tried_from(house) == "127.0.0.1"
    finally:
        process.terminate()
        process.wait(30)
        engine.dispose()


# Real proxies


@contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until_answering(port, process)
        yield
    finally:
        process.terminate()
        process.wait(20)


def program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None or IN_CI:
        pytest.skip(f"{name} is not here, or this is CI")
    return found


def through(served: Served, port: int) -> None:
    for _ in range(3):
        for name, (head, status) in served.cases().items():
            assert answer_to(port, head, BODY)[0] == status, name
    csv = b"Customer ID,Full name\n" + b"C1,Ada\n" * 100_000
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"accesskey": served.access_key}) as client:
        assert client.get("/v1/health-check").status_code == 200
        begun = client.post(
            f"/v1/upload/{served.template_id}", files={"file": ("a.csv", csv)}, headers={"Prefer": "respond-async"}
        )
        assert begun.status_code in (201, 202, 503), begun.text


def test_behind_nginx_with_the_lines_of_the_guide(served: Served, tmp_path: Path) -> None:
    nginx, port = program("nginx"), free_port()
    guide = (ROOT / "docs" / "operations.md").read_text()
    lines = re.search(r"```\n(proxy_request_buffering off;[^`]*)```", guide)
    assert lines, "the guide has lines for nginx"
    config = tmp_path / "nginx.conf"
    paths = " ".join(
        f"{name}_temp_path {tmp_path}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    location = f"location / {{ proxy_pass http://127.0.0.1:{served.port};\n{lines[1]}}}"
    config.write_text(
        f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; worker_processes 1; events {{}}\n"
        f"http {{ access_log off; {paths}\nserver {{ listen 127.0.0.1:{port}; {location} }} }}\n"
    )
    with running([nginx, "-c", str(config), "-p", str(tmp_path)], port):
        through(served, port)


def test_behind_haproxy_with_the_lines_of_the_guide(served: Served, tmp_path: Path) -> None:
    haproxy, port = program("haproxy"), free_port()
    lines = re.search(r"```\n(mode http\n[^`]*)```", (ROOT / "docs" / "operations.md").read_text())
    assert lines, "the guide has lines for HAProxy"
    config = tmp_path / "haproxy.cfg"
    config.write_text(
        f"defaults\n{lines[1]}"
        f"frontend in\n  bind 127.0.0.1:{port}\n  default_backend out\n"
        f"backend out\n  server one 127.0.0.1:{served.port}\n"
    )
    with running([haproxy, "-f", str(config)], port):
        through(served, port)
