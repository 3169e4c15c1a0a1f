"""Receivers that do what no receiver should: a clear sentence for each, in bounded time, and nobody else is slowed."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from douane.destinations import contract, webhook
from douane.destinations.contract import Parcel, Reply
from douane.outbound import Outbound
from douane.settings import Settings

Script = Callable[[socket.socket], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PARCEL = Parcel("msg_1", "rows", b'{"page": 1}')


def settings(**given: object) -> Settings:
    limits = {"delivery_wait_s": 1.0, "delivery_answer_bytes": 1000, "outbound_allow": "127.0.0.0/8, localhost"}
    return Settings(**{**limits, **given})


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    """Starts a server whose script is given each connection once a request has come over it."""
    open_sockets: list[socket.socket] = []
    counts: list[int] = []

    def talk(connection: socket.socket, script: Script, tls: ssl.SSLContext | None) -> None:
        with suppress(OSError, ValueError):
            wrapped = connection if tls is None else tls.wrap_socket(connection, server_side=True)
            open_sockets.append(wrapped)
            wrapped.settimeout(10)
            while request(wrapped):
                script(wrapped)

    def request(connection: socket.socket) -> bool:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(65536)
            if not piece:
                return False
            head += piece
        head, _, body = head.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += connection.recv(65536)
        return True

    def accept(listener: socket.socket, script: Script, tls: ssl.SSLContext | None) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                counts.append(1)
                open_sockets.append(connection)
                threading.Thread(target=talk, args=(connection, script, tls), daemon=True).start()

    def start(script: Script, tls: ssl.SSLContext | None = None) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        open_sockets.append(listener)
        threading.Thread(target=accept, args=(listener, script, tls), daemon=True).start()
        return int(listener.getsockname()[1])

    start.connections = counts  # type: ignore[attr-defined]
    yield start
    for one in open_sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


def sent(port: int, *, path: str = "/in", scheme: str = "http", count: int = 1, **given: object) -> Reply:
    """What the last of `count` parcels over one way came to; in bounded time."""
    limits = settings(**given)
    began = time.monotonic()
    chosen = {"callbackUrl": f"{scheme}://127.0.0.1:{port}{path}", "chunkSize": 1}
    with webhook.open(chosen, contract.House(limits, Outbound(limits))) as way:
        for _ in range(count):
            reply = way.send(PARCEL)
    assert time.monotonic() - began < 30
    return reply


def says(data: bytes) -> Script:
    return lambda connection: connection.sendall(data)


def hangs(connection: socket.socket) -> None:
    time.sleep(5)


def drips(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for _ in range(50):
        connection.sendall(b"X: y\r\n")
        time.sleep(0.1)


def drips_the_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    for _ in range(100):
        connection.sendall(b"z")
        time.sleep(0.1)


def never_ends(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"3e8\r\n" + b"x" * 1000 + b"\r\n")


def closes(connection: socket.socket) -> None:
    connection.sendall(OK)
    connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (hangs, "does not answer in time"),
        (drips, "does not answer in time"),
        (lambda connection: connection.close(), "breaks off or makes no sense"),
        (says(b"SSH-2.0-OpenSSH_9.9\r\n"), "does not answer in time"),
        (says(b"\0\1\2\3" * 100), "makes no sense"),
        (says(b"HTTP/1.1 200\r\nContent-Length: -1\r\n\r\n"), "makes no sense"),
        (says(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n"), "makes no sense"),
    ],
    ids=["hangs", "drips", "closes", "ssh", "noise", "length", "head"],
)
def test_no_answer_is_tried_again(serve: Callable[..., int], script: Script, reason: str) -> None:
    reply = sent(serve(script))
    assert (reply.outcome, reply.alive, reply.status) == ("again", False, None)
    assert reason in (reply.reason or "")


@pytest.mark.parametrize("script", [drips_the_body, never_ends], ids=["drips", "never-ends"])
def test_a_status_counts_whatever_its_body_does(serve: Callable[..., int], script: Script) -> None:
    reply = sent(serve(script), count=2)
    assert (reply.outcome, reply.status) == ("delivered", 200)
    assert len(reply.body) <= 1000


def test_one_that_closes_after_each_answer_is_connected_anew(serve: Callable[..., int]) -> None:
    assert sent(serve(closes), count=5).outcome == "delivered"


def test_a_connection_is_kept(serve: Callable[..., int]) -> None:
    assert sent(serve(says(OK)), count=20).outcome == "delivered"
    assert len(serve.connections) == 1  # type: ignore[attr-defined]


def redirect(location: str, status: str = "307 Temporary Redirect") -> bytes:
    return f"HTTP/1.1 {status}\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


def test_a_redirect_is_followed_on_the_same_host_only(serve: Callable[..., int]) -> None:
    answers = [OK, redirect("/other")]
    assert sent(serve(lambda connection: connection.sendall(answers.pop()))).outcome == "delivered"
    other = serve(says(OK))
    for location in (f"http://127.0.0.1:{other}/", "http://10.0.0.1/", "https://example.com/", "http://[::1]/"):
        reply = sent(serve(says(redirect(location))))
        assert (reply.outcome, reply.status, reply.alive) == ("failed", 307, True), location
        assert "not followed" in (reply.reason or "")
    reply = sent(serve(says(redirect("/elsewhere", "302 Found"))))
    assert (reply.outcome, reply.status) == ("failed", 302)


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "ftp://127.0.0.1/", "http://[::1", "http://a@127.0.0.1/", "/" + "a" * 20_000, "\\"],
)
def test_a_redirect_that_leads_nowhere_is_told_apart_from_a_wrong_address(
    serve: Callable[..., int], location: str
) -> None:
    reply = sent(serve(says(redirect(location))))
    assert (reply.outcome, reply.status, reply.alive) == ("failed", 307, True)
    assert reply.reason == "It answered with status 307, which leads to another address; that is not followed."


@pytest.mark.parametrize("status", [300, 304, 307])
def test_no_redirect_is_said_where_none_is(serve: Callable[..., int], status: int) -> None:
    reply = sent(serve(says(f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n".encode())))
    assert (reply.outcome, reply.reason) == ("failed", f"It answered with status {status}.")


def test_a_redirect_to_itself_ends(serve: Callable[..., int]) -> None:
    reply = sent(serve(says(redirect("/in"))))
    assert "leads on again and again" in (reply.reason or "")


def test_an_address_that_is_not_allowed_any_more_is_given_up(serve: Callable[..., int]) -> None:
    reply = sent(serve(says(OK)), outbound_allow="")
    assert (reply.outcome, reply.alive) == ("failed", True)
    assert "not a public address" in (reply.reason or "")


def test_a_name_that_changes_its_mind_is_judged_at_each_connection() -> None:
    """It was public when it was set up, and is this machine when it is called."""
    limits = settings(outbound_allow="")
    answers = iter([["127.0.0.1"], ["93.184.216.34", "10.0.0.1"]])
    outbound = Outbound(limits, resolve=lambda host, port: next(answers))
    chosen = {"callbackUrl": "http://hooks.example.com/in", "chunkSize": 1}
    assert webhook.check(chosen, contract.House(limits, outbound))["chunkSize"] == 1
    for _ in range(2):
        with webhook.open(chosen, contract.House(limits, outbound)) as way:
            reply = way.send(PARCEL)
        assert reply.outcome == "failed"
        assert "not a public address" in (reply.reason or "")


def test_an_expired_certificate_is_tried_again(
    serve: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = datetime.datetime.now(datetime.UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - datetime.timedelta(days=9))
        .not_valid_after(today - datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    reply = sent(serve(says(OK), tls), scheme="https")
    assert (reply.outcome, reply.alive) == ("again", False)
    assert "certificate" in (reply.reason or "")


@pytest.mark.parametrize("auth", ["a\r\nX-Evil: 1", "a\0b", "\ud800", "é" * 10, "x" * 200_000])
def test_a_header_of_the_upload_cannot_break_the_call(serve: Callable[..., int], auth: str) -> None:
    limits = settings()
    chosen = {"callbackUrl": f"http://127.0.0.1:{serve(says(OK))}/in", "authHeaderName": "X-Token"}
    with webhook.open(chosen, contract.House(limits, Outbound(limits))) as way:
        reply = way.send(Parcel("msg_1", "rows", b"{}", auth=auth))
    assert reply.outcome in ("delivered", "failed")
    if reply.outcome == "failed":
        assert reply.reason == "The request holds a header that cannot be sent."


def test_statuses(serve: Callable[..., int]) -> None:
    def outcome(status: int, **headers: str) -> tuple[str, bool, float | None]:
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        data = f"HTTP/1.1 {status} x\r\n{lines}Content-Length: 0\r\n\r\n".encode()
        reply = sent(serve(says(data)))
        return reply.outcome, reply.alive, reply.wait_s

    for status in (200, 201, 202, 204, 299):
        assert outcome(status)[0] == "delivered", status
    for status in (400, 401, 403, 404, 409, 410, 413, 422, 451):
        assert outcome(status)[0] == "failed", status
    assert outcome(408)[:2] == ("again", True)
    assert outcome(425)[:2] == ("again", True)
    assert outcome(429, Retry_After="7") == ("again", True, 7.0)
    assert outcome(503, Retry_After="7") == ("again", False, 7.0)
    assert outcome(500, Retry_After="7") == ("again", False, None)
    assert outcome(429, Retry_After="soon") == ("again", True, None)
